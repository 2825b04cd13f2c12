// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

/**
 * Where the optimised `settle` finds things, all of it in memory. Every account that may take part has a record:
 *
 *   money | limits word | capacity word | allowances | sold Wh | one word a period
 *
 * Record k of participant k starts at base + k * stride; those of utility, operator and desk are records -1, -2 and -3,
 * so that a payload's u16 party, read as signed, is its record.
 *
 * money      = what reserve, rebates and the operator's charges move; at the end the periods' is added.
 * allowances = money << 64 + grams received, both signed.
 * sold Wh    = of the periods in which it is a net seller.
 * period     = energy i56 | reserve bought u48 | reserve sold u48 | charged Wh u32 | money of energy and network i72
 * What is signed is added and taken as a whole: below the energy the money is taken out first, then the rest is what it
 * says.
 * Bound: fewer than 2^15 trades of less than 2^32 each, so energy is within 2^47, either reserve below 2^47 and, with
 * prices
 *   within 2^23, money within 2^70. The sum of all records is zero.
 */
struct Frame {
    uint256 base;
    uint256 stride;
    uint256 participants;
    uint256 periods;
    /// The desk's record where it takes part, otherwise a number no party has.
    uint256 desk;
    /// 1 where the utility takes part.
    uint256 utility;
    /// |price| <= cap as price + cap < span = 2 cap + 1, unsigned.
    uint256 cap;
    uint256 span;
    uint256 systems;
    /// Where the payload's parts start; a word of memory follows its end.
    uint256 ids;
    uint256 groups;
    uint256 end;
    uint256 reactive;
    /// Slot of account 0.
    uint256 accounts;
    /// UTC day the session starts on.
    uint256 day;
    /// Where the flows of the grid check gather, one word a bus and period: W in the upper half, var in the lower.
    uint256 flows;
    uint256 buses;
    /// Periods in an hour: W of a Wh in one period, and what makes a period's reserve price one of an hour.
    uint256 perHour;
    /// When the session ends; no mandate that ends before it is used.
    uint256 ends;
    /// Which buckets an account's holds are in, see types/Session.sol; 1e-6 $ per kWh that is not delivered.
    uint256 epochDay;
    uint256 beforeDay;
    uint256 imbalancePrice;
}

// Where assembly finds the members above.
uint256 constant FRAME_BASE = 0;
uint256 constant FRAME_STRIDE = 32;
uint256 constant FRAME_PARTICIPANTS = 64;
uint256 constant FRAME_DESK = 128;
uint256 constant FRAME_UTILITY = 160;
uint256 constant FRAME_CAP = 192;
uint256 constant FRAME_SPAN = 224;
uint256 constant FRAME_SYSTEMS = 256;
uint256 constant FRAME_IDS = 288;
uint256 constant FRAME_REACTIVE = 384;
uint256 constant FRAME_ACCOUNTS = 416;
uint256 constant FRAME_DAY = 448;
uint256 constant FRAME_FLOWS = 480;
uint256 constant FRAME_BUSES = 512;
uint256 constant FRAME_PER_HOUR = 544;
uint256 constant FRAME_ENDS = 576;
uint256 constant FRAME_EPOCH_DAY = 608;
uint256 constant FRAME_BEFORE_DAY = 640;
uint256 constant FRAME_IMBALANCE_PRICE = 672;

// A record's words.
uint256 constant RECORD_LIMITS = 32;
uint256 constant RECORD_CAPACITY = 64;
uint256 constant RECORD_ALLOWANCES = 96;
uint256 constant RECORD_SOLD = 128;
uint256 constant RECORD_PERIODS = 160;

// Where a period's word has its fields.
uint256 constant ENERGY = 200;
uint256 constant RESERVE_BOUGHT = 152;
uint256 constant RESERVE_SOLD = 104;
uint256 constant CHARGED_WH = 72;

// Where a limits word has its fields; those of buying and selling are this far apart.
uint256 constant MAX_BUY = 0;
uint256 constant MAX_BUY_W = 48;
uint256 constant MAX_SELL_W = 80;
uint256 constant MIN_RESERVE_PRICE = 112;
uint256 constant MAX_RESERVE_PRICE = 136;
uint256 constant MAX_RESERVE_W = 160;
uint256 constant MIN_CARBON_PRICE = 216;
uint256 constant BUS = 240;

// The payload: a group is product u8, period u8 and count u16; a trade seller u16, buyer u16, quantity u32, price i24.
uint256 constant GROUP_BYTES = 4;
uint256 constant TRADE_BYTES = 11;
uint256 constant WHOLE_SESSION = 255;

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
