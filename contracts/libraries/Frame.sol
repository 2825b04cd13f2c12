// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

/**
 * Where the optimised `settle` finds things, all of it in memory. Every account that may take part has a record:
 *
 *   delta | limits word | one word a period
 *
 * Record k of participant k starts at base + k * stride; those of utility, operator and desk are records -1, -2 and -3, so
 * that a payload's u16 party, read as signed, is its record.
 *
 * delta  = money << 64 + carbon, both signed: one addition moves both, and the sum over all records is zero.
 * period = energy i56 | reserve bought u48 | reserve sold u48 | charged Wh u32 | charge u24 | highest purchase u24 | lowest sale u24
 *   Prices are biased so that zero means none: charge and highest purchase as price + 2^23, lowest sale as 2^23 - 1 - price.
 *   Bound: fewer than 2^15 trades of less than 2^32 each, so energy is within 2^47 and either reserve below 2^47.
 */
/// The offsets of the members are written out in the assembly that reads them.
struct Frame {
    /// 0, 32
    uint256 base;
    uint256 stride;
    /// 64
    uint256 participants;
    /// 96
    uint256 periods;
    /// 128: the desk's record where it takes part, otherwise a number no party has.
    uint256 desk;
    /// 160: 1 where the utility takes part.
    uint256 utility;
    /// 192, 224: |price| <= cap as price + cap < 2 cap + 1, unsigned.
    uint256 cap;
    uint256 span;
    /// 256
    uint256 systems;
    /// 288, 320, 352, 384: where the payload's parts start; the word after its end is zero.
    uint256 ids;
    uint256 trades;
    uint256 end;
    uint256 reactive;
    /// 416: slot of account 0.
    uint256 accounts;
    /// 448: UTC day the session starts on.
    uint256 day;
    /// 480, 512: where the flows of the grid check gather, one word a bus and period: W in the upper half, var in the lower.
    uint256 flows;
    uint256 buses;
    /// 544
    uint256 wattPerWh;
}

uint256 constant RECORD_LIMITS = 32;
uint256 constant RECORD_PERIODS = 64;
uint256 constant RESERVE_SOLD = 104;
uint256 constant RESERVE_BOUGHT = 152;
uint256 constant ENERGY = 200;
uint256 constant CHARGE = 48;
uint256 constant CHARGED_WH = 72;
uint256 constant HIGHEST_PURCHASE = 24;
int256 constant BIAS = 0x800000;
uint256 constant WHOLE_SESSION = 63;
uint256 constant TRADE_BYTES = 12;

function load(uint256 pointer) pure returns (uint256 value) {
    assembly ("memory-safe") {
        value := mload(pointer)
    }
}

/// Memory of `size` bytes, all zero: what lies past the free pointer may have been used. `size` is a multiple of 32.
function allocate(uint256 size) pure returns (uint256 pointer) {
    assembly ("memory-safe") {
        pointer := mload(0x40)
        calldatacopy(pointer, calldatasize(), size)
        mstore(0x40, add(pointer, size))
    }
}
