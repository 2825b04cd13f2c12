// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {Connection} from "../types/Readings.sol";

// Bytes of a connection: id, feedW, takeW, renewableW, maxPrice, each u32.
uint256 constant CONNECTION_BYTES = 20;

/// Connections in the order of their ids, stored as code.
library ConnectionTable {
    uint256 private constant ID = 224;

    /// `table` with `changed` in it, whose ids ascend: each replaces the entry of its id or comes in between.
    function merge(bytes memory table, Connection[] calldata changed) internal pure returns (bytes memory merged) {
        merged = new bytes(table.length + CONNECTION_BYTES * changed.length + 32);
        uint256 length;
        uint256 from;
        for (uint256 k; k < changed.length; ++k) {
            uint32 id = changed[k].prosumer;
            for (; from < table.length && _word(table, from) >> ID < id; from += CONNECTION_BYTES) {
                _put(merged, length, _word(table, from));
                length += CONNECTION_BYTES;
            }
            if (from < table.length && _word(table, from) >> ID == id) from += CONNECTION_BYTES;
            _put(merged, length, _pack(changed[k]));
            length += CONNECTION_BYTES;
        }
        for (; from < table.length; from += CONNECTION_BYTES) {
            _put(merged, length, _word(table, from));
            length += CONNECTION_BYTES;
        }
        // Bound: no more entries than the two have together.
        assembly ("memory-safe") {
            mstore(merged, length)
        }
    }

    /// Zeros but for the id where the table has none; its nonce, which is not in the table, is 1 where it has one.
    function find(bytes memory table, uint32 id) internal pure returns (Connection memory connection) {
        connection.prosumer = id;
        for (uint256 offset; offset < table.length; offset += CONNECTION_BYTES) {
            uint256 word = _word(table, offset);
            if (word >> ID != id) continue;
            connection.feedW = uint32(word >> 192);
            connection.takeW = uint32(word >> 160);
            connection.renewableW = uint32(word >> 128);
            connection.maxPrice = uint32(word >> 96);
            connection.nonce = 1;
        }
    }

    /// Takes the entry of the id out, in place, where there is one.
    function drop(bytes memory table, uint32 id) internal pure {
        (uint256 low, uint256 high) = (0, table.length / CONNECTION_BYTES);
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (_word(table, middle * CONNECTION_BYTES) >> ID < id) low = middle + 1;
            else high = middle;
        }
        uint256 place = low * CONNECTION_BYTES;
        if (place == table.length || _word(table, place) >> ID != id) return;
        // Bound: what follows the entry is moved to where it was.
        assembly ("memory-safe") {
            let to := add(add(table, 32), place)
            let rest := sub(sub(mload(table), place), CONNECTION_BYTES)
            mcopy(to, add(to, CONNECTION_BYTES), rest)
            mstore(table, add(place, rest))
        }
    }

    function _pack(Connection calldata one) private pure returns (uint256 word) {
        word = (uint256(one.prosumer) << ID) | (uint256(one.feedW) << 192) | (uint256(one.takeW) << 160);
        return word | (uint256(one.renewableW) << 128) | (uint256(one.maxPrice) << 96);
    }

    /// What follows the entry in the word is the next one's, or past the end: nobody reads it.
    function _word(bytes memory data, uint256 offset) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(data, 32), offset))
        }
    }

    /// Writes a whole word of which the next entry replaces the tail; the last one's lies in the 32 bytes to spare.
    function _put(bytes memory data, uint256 offset, uint256 word) private pure {
        assembly ("memory-safe") {
            mstore(add(add(data, 32), offset), word)
        }
    }
}
