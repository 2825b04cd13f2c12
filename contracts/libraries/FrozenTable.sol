// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {CodeBlob} from "./CodeBlob.sol";

// Bytes of an account.
uint256 constant ENTRY = 64;

/**
 * Every mandate that a session may be settled under, stored as code, so that `settle` reads one for some 13 gas instead
 * of 4,200. An entry for each prosumer of the grid model in its order, then desk, operator and utility; who has no
 * mandate has one that is valid until zero:
 *
 *   id u32 | place u16 | 0 u40 | feedVar u24 | absorbVar u24 | validUntil u40 | maxSpendPerDay u48 | maxCarbonG u32
 *   the limits' word (types/Mandate.sol)
 *
 * Code costs 200 gas a byte to write, so few changes are written alone: the address of a whole table (20 bytes) and the
 * entries that replace some of its own, by their place.
 */
library FrozenTable {
    uint256 internal constant ID = 224;
    uint256 internal constant PLACE = 208;
    /// Of the limits' word.
    uint256 internal constant BUS = 240;
    uint256 private constant BASE_BYTES = 20;
    /// More entries than this part of the table are not written apart from it.
    uint256 private constant FEW = 4;

    /// A table that is being changed.
    struct Table {
        bytes entries;
        /// The whole table as it was written last, zero before the first; and which entries are no longer its own.
        address base;
        bool[] replaced;
        bool changed;
    }

    /// Where entries are looked for by ids that ascend, as they do in the table: one walk through both finds all.
    struct Walk {
        bytes entries;
        uint256 offset;
    }

    /// An empty table of `accounts` entries.
    function blank(uint256 accounts) internal pure returns (Table memory table) {
        table.entries = new bytes(accounts * ENTRY);
        table.replaced = new bool[](accounts);
        table.changed = true;
    }

    function open(address pointer) internal view returns (Table memory table) {
        bytes memory overlay = CodeBlob.read(pointer);
        table.base = _base(pointer, overlay);
        table.entries = read(pointer);
        table.replaced = new bool[](table.entries.length / ENTRY);
        if (table.base == pointer) return table;
        for (uint256 offset = BASE_BYTES; offset < overlay.length; offset += ENTRY) {
            table.replaced[uint16(_word(overlay, offset) >> PLACE)] = true;
        }
    }

    /// Puts an entry into its place.
    function put(Table memory table, uint256 place, uint256 head, uint256 limits) internal pure {
        bytes memory entries = table.entries;
        uint256 offset = place * ENTRY;
        if (_word(entries, offset) == head && _word(entries, offset + 32) == limits) return;
        // Bound: there is an entry for every place, or marking it is refused.
        table.replaced[place] = true;
        table.changed = true;
        assembly ("memory-safe") {
            let entry := add(add(entries, 32), offset)
            mstore(entry, head)
            mstore(add(entry, 32), limits)
        }
    }

    /// Writes the table, or what has changed of it.
    function write(Table memory table) internal returns (address pointer) {
        uint256 count;
        for (uint256 place; place < table.replaced.length; ++place) if (table.replaced[place]) ++count;
        if (table.base == address(0) || FEW * count > table.replaced.length) return CodeBlob.write(table.entries);
        bytes memory entries = table.entries;
        bytes memory overlay = new bytes(BASE_BYTES + count * ENTRY);
        address base = table.base;
        uint256 to;
        assembly ("memory-safe") {
            to := add(overlay, 32)
            mstore(to, shl(96, base))
            to := add(to, BASE_BYTES)
        }
        for (uint256 place; place < table.replaced.length; ++place) {
            if (!table.replaced[place]) continue;
            // Bound: as many entries as were counted.
            assembly ("memory-safe") {
                let entry := add(add(entries, 32), mul(place, ENTRY))
                mcopy(to, entry, ENTRY)
                to := add(to, ENTRY)
            }
        }
        return CodeBlob.write(overlay);
    }

    /// All entries; nothing is allocated after them.
    function read(address pointer) internal view returns (bytes memory entries) {
        bytes memory overlay = CodeBlob.read(pointer);
        if (_base(pointer, overlay) == pointer) return overlay;
        entries = CodeBlob.read(_base(pointer, overlay));
        // Bound: an overlay holds whole entries after its base, and each of their places is in the base.
        assembly ("memory-safe") {
            let entry := add(overlay, add(32, BASE_BYTES))
            let end := add(add(overlay, 32), mload(overlay))
            for {} lt(entry, end) {
                entry := add(entry, ENTRY)
            } {
                let place := and(shr(PLACE, mload(entry)), 0xffff)
                mcopy(add(add(entries, 32), mul(place, ENTRY)), entry, ENTRY)
            }
        }
    }

    /// The two words of an account, zeros if it has none.
    function find(bytes memory entries, uint32 id) internal pure returns (uint256 head, uint256 limits) {
        for (uint256 offset; offset < entries.length; offset += ENTRY) {
            head = _word(entries, offset);
            if (head >> ID == id) return (head, _word(entries, offset + 32));
        }
        return (0, 0);
    }

    /// The first word of an account's entry, zero where it has none. Ids ascend from call to call.
    function headOf(Walk memory walk, uint32 id) internal pure returns (uint256 head) {
        unchecked {
            // Bound: the offset stays within the entries.
            for (; walk.offset < walk.entries.length; walk.offset += ENTRY) {
                head = _word(walk.entries, walk.offset);
                if (head >> ID >= id) return head >> ID == id ? head : 0;
            }
            return 0;
        }
    }

    /// Whole tables have whole entries and nothing else.
    function _base(address pointer, bytes memory data) private pure returns (address) {
        return data.length % ENTRY == 0 ? pointer : address(bytes20(bytes32(_word(data, 0))));
    }

    function _word(bytes memory data, uint256 offset) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(data, 32), offset))
        }
    }
}
