// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {Shares} from "../types/Bill.sol";

/// Who bears what cannot be paid: the insurance fund, then those who receive, pro rata to the last nano-dollar.
library Waterfall {
    /**
     * Bounds: amounts are within 2^82, desk's and utility's within 2^99, and fewer than 2^17, so their sums are within
     * 2^100 and a product of two within 2^200.
     */
    function share(
        int256[] memory amounts,
        uint256[] memory debitable,
        int256 fund,
        uint256 fundHas
    ) internal pure returns (Shares memory shares) {
        unchecked {
            uint256 count = amounts.length;
            int256[] memory moved = new int256[](count);
            uint256 credits;
            uint256 shortfall;
            for (uint256 k; k < count; ++k) {
                int256 amount = amounts[k];
                if (amount >= 0) {
                    credits += uint256(amount);
                } else if (uint256(-amount) > debitable[k]) {
                    shortfall += uint256(-amount) - debitable[k];
                    amount = -int256(debitable[k]);
                }
                moved[k] = amount;
            }
            if (fund < 0 && uint256(-fund) > fundHas) {
                shortfall += uint256(-fund) - fundHas;
                fund = -int256(fundHas);
            }
            uint256 left = uint256(int256(fundHas) + fund);
            shares.byFund = shortfall < left ? shortfall : left;
            shares.fund = fund - int256(shares.byFund);
            shares.moved = moved;
            if (shortfall == shares.byFund) return shares;
            shares.byReceivers = shortfall - shares.byFund;
            _cut(moved, shares.byReceivers, credits);
        }
    }

    /// floor(rest x credit / credits) of each, and one more of those with the largest remainders.
    function _cut(int256[] memory moved, uint256 rest, uint256 credits) private pure {
        unchecked {
            uint256 count = moved.length;
            uint256[] memory remainders = new uint256[](count);
            uint256 more = rest;
            for (uint256 k; k < count; ++k) {
                if (moved[k] <= 0) continue;
                uint256 product = rest * uint256(moved[k]);
                remainders[k] = product % credits;
                moved[k] -= int256(product / credits);
                more -= product / credits;
            }
            // Remainders that are not zero sum to credits x more, each below credits: there are more than `more` of
            // them, or none and nothing is left.
            uint256 least = _threshold(remainders, more, credits);
            for (uint256 k; k < count; ++k) {
                if (remainders[k] <= least) continue;
                moved[k] -= 1;
                --more;
            }
            for (uint256 k; more > 0; ++k) {
                if (remainders[k] != least) continue;
                moved[k] -= 1;
                --more;
            }
        }
    }

    /// The least remainder that no more than `more` are above. Nobody's is zero that gets one more: see above.
    function _threshold(uint256[] memory remainders, uint256 more, uint256 credits) private pure returns (uint256 low) {
        unchecked {
            uint256 high = credits;
            while (low < high) {
                uint256 middle = (low + high) / 2;
                uint256 above;
                for (uint256 k; k < remainders.length; ++k) if (remainders[k] > middle) ++above;
                if (above > more) low = middle + 1;
                else high = middle;
            }
        }
    }
}
