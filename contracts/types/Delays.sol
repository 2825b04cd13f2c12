// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

// How long whoever governs waits after saying what will change: longer than the longest session and the withdrawal that
// follows it, so that everybody who does not like it is gone, with the money, before it counts.
uint40 constant EXIT_TIME = 6 days;
// How long after its delivery what was sold stays in the account, so that meters can say whether it was delivered.
uint40 constant METERING_WINDOW = 2 days;
