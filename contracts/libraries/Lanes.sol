// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {PRICES_BYTES} from "../types/Readings.sol";
import {allocate, load} from "./Frame.sol";

// What the lower bits of a renewable value hold, below its quality.
uint256 constant MOST_RENEWABLE = 0x3fffffff;

/**
 * The sum of deviation x price over a row, four periods to a word: each has a lane of 64 bits, what was due in the
 * upper half, what was metered in the lower, both stored more by the row's offset, which the difference does not have.
 *
 * Lanes of signed numbers are kept as the one integer that is the sum of x_i 2^(64 i). A product of two such integers
 * has in its top lane the sum of x_i y_(3-i): the prices of a group are packed in the other order, and one
 * multiplication adds up four periods. What is short is charged the difference of the two prices besides.
 *
 * Bounds: a deviation is within 2^32 and a price within 2^23, so a lane is within 4 x 25 x 2^55 < 2^63, and so are all
 * below the top one: half a lane added rounds away what they borrow.
 */
library Lanes {
    /// Of every group of four periods two words: the long prices, and the long less the short ones. Where a session has
    /// not whole groups the first lanes of its first are no periods': they are `skipped` and cleared by `kept`.
    struct Prices {
        uint256 words;
        uint256 skipped;
        uint256 kept;
        /// The same of the renewable values, eight to a word.
        uint256 renewableSkipped;
        uint256 renewableKept;
    }

    uint256 private constant PER_WORD = 4;
    uint256 private constant RENEWABLES_PER_WORD = 8;
    /// A one in every lane, and all bits of its lower half.
    uint256 private constant ONES = 0x0000000000000001000000000000000100000000000000010000000000000001;
    uint256 private constant LOWER = 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff;
    uint256 private constant MOST = 0xffffffff;

    /// Of the prices from `cursor` on.
    function pack(uint256 cursor, uint256 periods) internal pure returns (Prices memory prices) {
        unchecked {
            // Bound: at most 100 periods.
            uint256 lanes = (PER_WORD - (periods % PER_WORD)) % PER_WORD;
            (prices.skipped, prices.kept) = (8 * lanes, type(uint256).max >> (64 * lanes));
            prices.words = allocate(16 * (periods + lanes));
            for (uint256 t; t < periods; ++t) {
                uint256 word = prices.words + 64 * ((t + lanes) / PER_WORD);
                uint256 shift = 64 * ((t + lanes) % PER_WORD);
                uint256 both = load(cursor + PRICES_BYTES * t);
                assembly ("memory-safe") {
                    let long := sar(232, shl(24, both))
                    mstore(word, add(mload(word), shl(shift, long)))
                    word := add(word, 32)
                    mstore(word, add(mload(word), shl(shift, sub(long, sar(232, both)))))
                }
            }
            lanes = (RENEWABLES_PER_WORD - (periods % RENEWABLES_PER_WORD)) % RENEWABLES_PER_WORD;
            (prices.renewableSkipped, prices.renewableKept) = (4 * lanes, type(uint256).max >> (32 * lanes));
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
     * @param pairs Where the row's values begin, and where they end.
     * @param least Least and most that a metered value may be, the offset in it; no more than a u32.
     * @return clean Every value is within them. False says nothing where lanes are cleared and `least` is not 0.
     * @return energy The sum.
     */
    function sum(
        Prices memory prices,
        uint256 pairs,
        uint256 end,
        uint256 least,
        uint256 most
    ) internal pure returns (bool clean, int256 energy) {
        assembly ("memory-safe") {
            // After these a value that is too small, or too large, has the bit above its half lane.
            let tooSmall := mul(ONES, add(least, MOST))
            let tooLarge := mul(ONES, sub(MOST, most))
            let price := mload(prices)
            let keep := mload(add(prices, 64))
            let found := 0
            let total := shl(191, 1)
            for {
                pairs := sub(pairs, mload(add(prices, 32)))
            } lt(pairs, end) {
                pairs := add(pairs, 32)
                price := add(price, 64)
            } {
                let word := and(mload(pairs), keep)
                keep := not(0)
                let metered := and(word, LOWER)
                found := or(found, or(sub(tooSmall, metered), add(metered, tooLarge)))
                let deviation := sub(metered, and(shr(32, word), LOWER))
                // One less than what is short; the bit above is set where something is.
                word := sub(LOWER, deviation)
                let short := and(shr(32, word), ONES)
                short := add(short, and(word, mul(short, MOST)))
                total := add(total, add(mul(deviation, mload(price)), mul(short, mload(add(price, 32)))))
            }
            clean := iszero(and(shr(32, found), ONES))
            energy := sar(192, total)
        }
    }

    /// Every renewable value of the row is measured and at most `most`: none has a quality's bit, nor has one after
    /// what is added to it.
    function renewablesAreClean(
        Prices memory prices,
        uint256 cursor,
        uint256 end,
        uint256 most
    ) internal pure returns (bool clean) {
        assembly ("memory-safe") {
            // Bound: most <= MOST_RENEWABLE, so no value without a quality carries into the next.
            let ones := or(ONES, shl(32, ONES))
            let toMost := mul(ones, mul(gt(MOST_RENEWABLE, most), sub(MOST_RENEWABLE, most)))
            let keep := mload(add(prices, 128))
            let found := 0
            for {
                cursor := sub(cursor, mload(add(prices, 96)))
            } lt(cursor, end) {
                cursor := add(cursor, 32)
            } {
                let word := and(mload(cursor), keep)
                keep := not(0)
                found := or(found, or(word, add(word, toMost)))
            }
            clean := iszero(and(or(shr(30, found), shr(31, found)), ones))
        }
    }
}
