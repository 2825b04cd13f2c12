// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {PRICES_BYTES, ROW_HEAD} from "../types/Readings.sol";
import {allocate, load} from "./Frame.sol";

/**
 * The money of a row whose values are narrow, eight periods a word, four to a multiplication. A word holds eight pairs
 * of 16 bits each: what was due, and what is short of it, which is negative where more was metered. Both are stored
 * more by the bias of 2^15, so the highest bit of a shortage says whether there is one, and the others how much. After
 * the last period's pair come zeros to the end of the word, which are within any connection.
 *
 * In lanes of 64 bits numbers are kept as the one integer that is the sum of x_i 2^(64 i). A product of two such
 * integers has in its top lane the sum of x_i y_(3-i), so the prices of four periods are packed in the other order.
 * All shortages, of either sign, cost the long price; those that are positive cost besides what the short one is more.
 *
 * Bounds: a value is below 2^16 and a price within 2^23, so a lane is within 100 x 2^40 < 2^63, and so are all below
 * the top one: half a lane added rounds away what they borrow.
 */
library Lanes {
    /// A session's prices as they are multiplied with, and how its rows lie in words.
    struct Prices {
        /// Of every eight periods four words: of the even places of a word, then of the odd ones, the long prices
        /// negated and the long less the short ones. Zero past the session's end: what lies there counts nothing.
        uint256 words;
        uint256 end;
        /// What the bias of all shortages comes to.
        int256 biased;
        /// Bytes of a row's renewable values, and which bits of their last word are of its own periods.
        uint256 renewables;
        uint256 last;
        /// Bits in the word where the qualities begin that are not theirs.
        uint256 unqualified;
    }

    uint256 private constant PER_WORD = 8;
    uint256 private constant PRICE_BYTES = 128;
    uint256 private constant BIAS = 1 << 15;
    /// In every pair the lower value; in every lane that of its lower pair.
    uint256 private constant LOWER = 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff;
    uint256 private constant LANE = 0x000000000000ffff000000000000ffff000000000000ffff000000000000ffff;
    /// A one in every pair, and all but the highest bit of every value.
    uint256 private constant ONES = 0x0000000100000001000000010000000100000001000000010000000100000001;
    uint256 private constant MAGNITUDE = 0x7fff7fff7fff7fff7fff7fff7fff7fff7fff7fff7fff7fff7fff7fff7fff7fff;

    /// Of the prices from `cursor` on.
    function pack(uint256 cursor, uint256 periods) internal pure returns (Prices memory prices) {
        unchecked {
            // Bound: at most 100 periods.
            uint256 size = PRICE_BYTES * ((periods + PER_WORD - 1) / PER_WORD);
            prices.words = allocate(size);
            prices.end = prices.words + size;
            (prices.renewables, prices.last) = (2 * periods, _first(16 * periods));
            prices.unqualified = 256 - 2 * periods;
            for (uint256 t; t < periods; ++t) {
                int256 long = priceOf(cursor, t, false);
                int256 short = priceOf(cursor, t, true);
                // Counted from the word's end, since that is where lanes begin.
                uint256 place = PER_WORD - 1 - (t % PER_WORD);
                uint256 word = prices.words + PRICE_BYTES * (t / PER_WORD) + 64 * (place % 2);
                uint256 shift = 64 * (3 - place / 2);
                assembly ("memory-safe") {
                    mstore(word, sub(mload(word), shl(shift, long)))
                    word := add(word, 32)
                    mstore(word, sub(mload(word), shl(shift, sub(short, long))))
                }
                prices.biased -= int256(BIAS) * long;
            }
        }
    }

    /// What a Wh of a period costs that is short, or long.
    function priceOf(uint256 cursor, uint256 period, bool short) internal pure returns (int256) {
        unchecked {
            uint256 word = load(cursor + PRICES_BYTES * period);
            return short ? int24(uint24(word >> 232)) : int24(uint24(word >> 208));
        }
    }

    /**
     * @param row Where the row begins.
     * @param feed Most that may be metered, fed in, and taken, Wh a period.
     * @param renewable Most that may have been generated.
     * @return clean Every value is measured and within these.
     * @return energy The money, if they are.
     */
    function sum(
        Prices memory prices,
        uint256 row,
        uint256 feed,
        uint256 take,
        uint256 renewable
    ) internal pure returns (bool clean, int256 energy) {
        assembly ("memory-safe") {
            row := add(row, ROW_HEAD)
            // Due less short is metered, the bias of both being the same. Less than -take, or more than feed, sets bit
            // 17 of these, which are below 2^18 and not negative in any pair. Bound: a value is below 2^16.
            let tooSmall := mul(ONES, sub(0x1ffff, sub(take, mul(sub(take, 0x10000), gt(take, 0x10000)))))
            let tooLarge := mul(ONES, sub(0x1ffff, sub(feed, mul(sub(feed, 0xffff), gt(feed, 0xffff)))))
            let end := mload(add(prices, 32))
            for {
                let price := mload(prices)
            } lt(price, end) {
                price := add(price, 128)
            } {
                let word := mload(row)
                row := add(row, 32)
                let short := and(word, LOWER)
                word := and(shr(16, word), LOWER)
                clean := or(clean, or(sub(add(tooSmall, short), word), sub(add(tooLarge, word), short)))
                // What is short and no less than nothing.
                word := and(short, mul(and(shr(15, short), ONES), 0x7fff))
                energy := add(
                    energy,
                    add(
                        add(mul(and(short, LANE), mload(price)), mul(and(word, LANE), mload(add(price, 32)))),
                        add(
                            mul(and(shr(32, short), LANE), mload(add(price, 64))),
                            mul(and(shr(32, word), LANE), mload(add(price, 96)))
                        )
                    )
                )
            }
            energy := sub(sar(192, add(energy, shl(191, 1))), mload(add(prices, 64)))
            // No renewable value, nor it and what is to the most, has the highest bit.
            end := add(row, mload(add(prices, 96)))
            tooLarge := mul(or(ONES, shl(16, ONES)), mul(sub(0x7fff, renewable), lt(renewable, 0x7fff)))
            tooSmall := 0
            for {} lt(row, end) {
                row := add(row, 32)
            } {
                let word := mload(row)
                if gt(add(row, 32), end) {
                    word := and(word, mload(add(prices, 128)))
                }
                tooSmall := or(tooSmall, or(word, add(and(word, MAGNITUDE), tooLarge)))
            }
            clean := or(and(clean, shl(17, ONES)), and(tooSmall, not(MAGNITUDE)))
            clean := iszero(or(clean, shr(mload(add(prices, 160)), mload(end))))
        }
    }

    /// The first of so many bits that are left for a last word, all where none are.
    function _first(uint256 bits) private pure returns (uint256) {
        unchecked {
            return type(uint256).max << ((256 - (bits % 256)) % 256);
        }
    }
}
