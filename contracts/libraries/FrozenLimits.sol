// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {Limits, unpackLimits} from "../types/Mandate.sol";

/// The mandates a session was frozen with: a word with the id (u32) on top of the capacity, and the limits word; ids
/// ascending. Stored as code, so that `settle` reads a mandate for some 13 gas instead of 4,200; at most 383 accounts.
library FrozenLimits {
    uint256 internal constant ENTRY = 64;

    struct Table {
        bytes data;
        uint256 length;
    }

    function begin(uint256 accounts) internal pure returns (Table memory table) {
        table.data = new bytes(accounts * ENTRY);
    }

    function add(Table memory table, uint32 id, uint256 limits, uint256 capacity) internal pure {
        bytes memory data = table.data;
        uint256 length = table.length;
        // Bound: called at most once for each account `begin` made room for.
        assembly ("memory-safe") {
            let entry := add(add(data, 32), length)
            mstore(entry, or(shl(224, id), capacity))
            mstore(add(entry, 32), limits)
        }
        table.length = length + ENTRY;
    }

    /// The bytes written so far; the table is not used afterwards.
    function finish(Table memory table) internal pure returns (bytes memory data) {
        data = table.data;
        uint256 length = table.length;
        assembly ("memory-safe") {
            mstore(data, length)
        }
    }

    function find(bytes memory data, uint32 id) internal pure returns (bool locked, Limits memory limits) {
        for (uint256 offset; offset < data.length; offset += ENTRY) {
            uint256 head;
            uint256 word;
            assembly ("memory-safe") {
                let entry := add(add(data, 32), offset)
                head := mload(entry)
                word := mload(add(entry, 32))
            }
            if (head >> 224 == id) return (true, unpackLimits(word, head));
        }
    }
}
