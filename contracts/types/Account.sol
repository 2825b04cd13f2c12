// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

/// One ledger word per account: everything `settle` changes about it.
struct Account {
    /// Nano-dollars (1e-9 $), never negative.
    uint64 deposit;
    /// Grams of CO2 allowances; only the desk's may be negative (what it has sold into the market).
    int56 carbon;
    /// Micro-dollars locked for the session below: what the account may spend in it at most.
    uint48 lockedMicro;
    /// Micro-dollars spent (rounded up) in sessions that started on the day below.
    uint48 spentMicro;
    /// UTC day number of the last session that spent.
    uint16 day;
    /// Ordinal of the session the lock belongs to.
    uint24 session;
}

// Ids of the accounts that are not prosumers; in a payload's trades they are 0xfffd, 0xfffe and 0xffff.
uint32 constant DESK = 0xfffffffd;
uint32 constant OPERATOR = 0xfffffffe;
uint32 constant UTILITY = 0xffffffff;
