// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {IMarket} from "../interfaces/IMarket.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {load} from "../libraries/Frame.sol";
import {Metering} from "../libraries/Metering.sol";
import {Waterfall} from "../libraries/Waterfall.sol";
import {DESK, ENTRY_BYTES, ENTRY_GRAMS, ENTRY_ID, ENTRY_RELEASED, INSURANCE, UTILITY} from "../types/Account.sol";
import {Basis, Bill, Line, Shares} from "../types/Bill.sol";
import {Deliveries} from "./Deliveries.sol";
import {Entries} from "./Entries.sol";

/// The delivery that is cheap: every row is walked once in memory, the market is asked once what all accounts have and
/// given a word for each. What it enters and refuses is what reference/ReferenceDelivery.sol does.
contract Delivery is Entries {
    /// What is on the other side of the rows.
    struct Totals {
        int256 energy;
        int256 penalty;
        int256 allowances;
        uint256 boughtG;
        int256 emittedG;
        uint256 allowancePrice;
        /// Somebody has less than it is to pay.
        bool short;
    }

    /// Insurance fund, desk and utility, whose ids are above all others.
    uint256 private constant SYSTEMS = 3;

    constructor(
        address authority,
        IMarket market_,
        IRegistry registry_,
        Windows memory windows_
    ) Deliveries(authority, market_, registry_, windows_) {}

    function _bill(bytes calldata readings, Basis memory basis) internal pure override returns (Bill memory) {
        return Metering.bill(readings, basis);
    }

    /// Bounds: a line's sides are within 2^80, grams within 2^33, lines fewer than 2^16. The market refuses entries
    /// whose money does not sum to zero.
    function _enter(uint32 sequence, uint16 day, Bill memory bill) internal override {
        (Line[] memory lines, uint256 count) = (bill.lines, bill.lines.length);
        bytes memory debitable = market.debitableOf(_ids(lines));
        bytes memory entries = new bytes(ENTRY_BYTES * (count + SYSTEMS));
        int256[] memory amounts = new int256[](count + 2);
        Totals memory totals;
        totals.allowancePrice = bill.allowancePrice;
        unchecked {
            (uint256 from, uint256 to, uint256 amountAt) = (_start(debitable), _start(entries), _start(amounts));
            Line memory line;
            for (uint256 k; k < count; ++k) {
                uint256 has;
                // Bound: k < lines.length.
                assembly ("memory-safe") {
                    line := mload(add(add(lines, 32), shl(5, k)))
                    has := mload(from)
                }
                (int256 amount, uint256 word) = _line(line, has, totals);
                if (amount < 0 && uint256(-amount) > uint128(has)) totals.short = true;
                word |= uint128(uint256(amount));
                assembly ("memory-safe") {
                    mstore(amountAt, amount)
                    mstore(to, word)
                }
                from += 32;
                to += 32;
                amountAt += 32;
            }
            (amounts[count], amounts[count + 1]) = (totals.allowances, -totals.energy);
            int256 fund = totals.penalty;
            if (fund < 0 && uint256(-fund) > uint128(load(from))) totals.short = true;
            if (totals.energy > 0 && uint256(totals.energy) > uint128(load(from + 64))) totals.short = true;
            _store(to, (uint256(INSURANCE) << ENTRY_ID) | uint128(uint256(fund)));
            uint256 sold = uint256(uint64(uint256(-int256(totals.boughtG)))) << ENTRY_GRAMS;
            _store(to + 32, (uint256(DESK) << ENTRY_ID) | sold | uint128(uint256(totals.allowances)));
            _store(to + 64, (uint256(UTILITY) << ENTRY_ID) | uint128(uint256(-totals.energy)));
            if (totals.short) _cut(sequence, entries, debitable, amounts, fund);
            market.post(day, entries, -totals.emittedG);
        }
    }

    function _ids(Line[] memory lines) private pure returns (bytes memory ids) {
        unchecked {
            // Each id is stored as a whole word of which the next overwrites the tail: 28 bytes more than they take.
            uint256 size = 4 * (lines.length + SYSTEMS);
            ids = new bytes(size + 28);
            uint256 to = _start(ids);
            for (uint256 k; k < lines.length; ++k) {
                // Bound: k < lines.length; a line's id is its first word.
                assembly ("memory-safe") {
                    mstore(to, shl(224, mload(mload(add(add(lines, 32), shl(5, k))))))
                }
                to += 4;
            }
            _store(to, (uint256(INSURANCE) << 224) | (uint256(DESK) << 192) | (uint256(UTILITY) << 160));
            assembly ("memory-safe") {
                mstore(ids, size)
            }
        }
    }

    /// What the account receives, and its entry without that. Allowances of its own first, the rest from the desk, as
    /// far as its bound still lets it pay.
    function _line(
        Line memory line,
        uint256 has,
        Totals memory totals
    ) private pure returns (int256 amount, uint256 word) {
        unchecked {
            word = (uint256(line.id) << ENTRY_ID) | (line.released << ENTRY_RELEASED);
            amount = line.energy;
            totals.energy += amount;
            if (line.penalty != 0) {
                totals.penalty += line.penalty;
                amount -= line.penalty;
            }
            int256 emitted = line.emissionsG;
            if (emitted == 0) return (amount, word);
            totals.emittedG += emitted;
            if (emitted > int256(has >> 128)) {
                uint256 bought = uint256(emitted) - (has >> 128);
                emitted = int256(has >> 128);
                int256 room = int256(line.most) + (amount < 0 ? amount : int256(0));
                int256 cost = int256(bought * totals.allowancePrice);
                if (cost > room) cost = room > 0 ? room : int256(0);
                amount -= cost;
                totals.allowances += cost;
                totals.boughtG += bought;
            }
            word |= uint256(uint64(uint256(-emitted))) << ENTRY_GRAMS;
        }
    }

    /// Writes into the entries what can be moved of the amounts.
    function _cut(
        uint32 sequence,
        bytes memory entries,
        bytes memory debitable,
        int256[] memory amounts,
        int256 fund
    ) private {
        uint256 count = amounts.length - 2;
        uint32[] memory ids = new uint32[](count + 2);
        uint256[] memory has = new uint256[](count + 2);
        unchecked {
            for (uint256 k; k < count + 2; ++k) {
                uint256 place = ENTRY_BYTES * (k < count ? k : k + 1);
                ids[k] = uint32(load(_start(entries) + place) >> ENTRY_ID);
                has[k] = uint128(load(_start(debitable) + place));
            }
            uint256 fundHas = uint128(load(_start(debitable) + ENTRY_BYTES * count));
            Shares memory shares = Waterfall.share(amounts, has, fund, fundHas);
            _note(sequence, ids, amounts, shares);
            for (uint256 k; k < count + 2; ++k) _setNano(entries, k < count ? k : k + 1, shares.moved[k]);
            _setNano(entries, count, shares.fund);
        }
    }

    function _setNano(bytes memory entries, uint256 k, int256 nano) private pure {
        unchecked {
            uint256 place = _start(entries) + ENTRY_BYTES * k;
            _store(place, ((load(place) >> ENTRY_GRAMS) << ENTRY_GRAMS) | uint128(uint256(nano)));
        }
    }

    function _start(bytes memory data) private pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := add(data, 32)
        }
    }

    function _start(int256[] memory data) private pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := add(data, 32)
        }
    }

    function _store(uint256 pointer, uint256 word) private pure {
        assembly ("memory-safe") {
            mstore(pointer, word)
        }
    }
}
