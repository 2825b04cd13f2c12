// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

/// One ledger word per account: everything `settle` changes about it.
struct Account {
    /// Nano-dollars (1e-9 $), never negative.
    uint64 deposit;
    /// Grams of CO2 allowances; only the desk's may be negative (what it has sold into the market).
    int56 carbon;
    /// What stays until it is delivered, in thousandths of a dollar, rounded up: of the epoch before that of `day`, and
    /// of that of `day`. No more than the field holds is kept back.
    uint32 heldBefore;
    uint32 held;
    /// Micro-dollars spent (rounded up) in sessions that started on the day below.
    uint48 spentMicro;
    /// UTC day on which the last session started that the account took part in.
    uint16 day;
}

// Where an account's word has its fields; the deposit is lowest.
uint256 constant ACCOUNT_CARBON = 64;
uint256 constant ACCOUNT_HELD_BEFORE = 120;
uint256 constant ACCOUNT_HELD = 152;
uint256 constant ACCOUNT_SPENT = 184;
uint256 constant ACCOUNT_DAY = 232;

// Nano-dollars in a unit of what is held.
uint256 constant HOLD_UNIT = 1e6;

// Ids of the accounts that are not prosumers; in a payload's trades they are 0xfffd, 0xfffe and 0xffff.
uint32 constant DESK = 0xfffffffd;
uint32 constant OPERATOR = 0xfffffffe;
uint32 constant UTILITY = 0xffffffff;
// What nobody else can pay for: the organiser's deposit and penalties. It takes no part in a session.
uint32 constant INSURANCE = 0xfffffffc;

/// One account's line of what is entered outside a settlement. Calls and events carry it as a word, which is all that
/// is signed or stored of it: id u32 | released u32 | grams i64 | nano i128.
struct Entry {
    uint32 id;
    /// Of what is held of the account for sessions that began on the posting's day, how much is free now, in HOLD_UNIT.
    /// More than is held frees all of it.
    uint32 released;
    /// Grams of allowances received; negative: given.
    int64 grams;
    /// Nano-dollars received; negative: paid.
    int128 nano;
}

uint256 constant ENTRY_BYTES = 32;
uint256 constant ENTRY_ID = 224;
uint256 constant ENTRY_RELEASED = 192;
uint256 constant ENTRY_GRAMS = 128;

function packEntry(Entry memory entry) pure returns (uint256 word) {
    word = (uint256(entry.id) << ENTRY_ID) | (uint256(entry.released) << ENTRY_RELEASED);
    return word | (uint256(uint64(entry.grams)) << ENTRY_GRAMS) | uint128(entry.nano);
}

function unpackEntry(uint256 word) pure returns (Entry memory entry) {
    (entry.id, entry.released) = (uint32(word >> ENTRY_ID), uint32(word >> ENTRY_RELEASED));
    (entry.grams, entry.nano) = (int64(uint64(word >> ENTRY_GRAMS)), int128(uint128(word)));
}
