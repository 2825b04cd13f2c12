// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {DESK} from "../types/Account.sol";

/**
 * The feeder as bytes, big-endian:
 *
 *   buses u16 (root included) | prosumers u16
 *   one 32-byte word per bus 1..buses-1 in depth-first order:
 *     0 u8 | parent u16 | rating u40 | vMin2 u40 | vMax2 u40 | r u56 | x u56
 *   prosumers x (id u32 | bus u16 | absorbVar u24 | feedVar u24), ids ascending, buses not descending
 *
 * `rating` is the 12-gon's S cos(pi/12) in W, all ones = unlimited. `vMin2`, `vMax2` are squared voltages in p.u. times
 * 2^32. `r`, `x` are 2 r and 2 x of the branch that feeds the bus, per W and var, times 2^60.
 * `absorbVar`, `feedVar`: reactive power that the prosumer's connection is registered for, taken and fed in.
 * The encoder adds the stated tolerances (W, ppm) to ratings and bands, so the check itself compares exactly.
 */
library GridModel {
    uint256 internal constant HEADER = 4;
    uint256 internal constant BUS = 32;
    uint256 internal constant PROSUMER = 12;
    /// So many that a freeze fits in a transaction in which each has another mandate and a withdrawal that waits; a
    /// table of mandates has room for 380 in one contract's code, three system accounts aside.
    uint256 internal constant MAX_PROSUMERS = 256;
    uint256 internal constant SYSTEMS = 3;
    uint256 internal constant UNLIMITED = type(uint40).max;
    /// Voltages are kept at 2^60 and compared at 2^32.
    uint256 internal constant VOLTAGE_SHIFT = 28;

    struct Prosumer {
        uint32 id;
        uint16 bus;
        uint24 absorbVar;
        uint24 feedVar;
    }

    function buses(bytes memory model) internal pure returns (uint256) {
        return uint16(bytes2(word(model, 0)));
    }

    function prosumers(bytes memory model) internal pure returns (uint256) {
        return uint16(bytes2(word(model, 2)));
    }

    /// The word of bus `bus` >= 1.
    function branch(bytes memory model, uint256 bus) internal pure returns (uint256) {
        return uint256(word(model, HEADER + BUS * (bus - 1)));
    }

    function prosumer(bytes memory model, uint256 index) internal pure returns (Prosumer memory entry) {
        uint256 packed = uint256(word(model, HEADER + BUS * (buses(model) - 1) + PROSUMER * index)) >> 160;
        entry = Prosumer(uint32(packed >> 64), uint16(packed >> 48), uint24(packed >> 24), uint24(packed));
    }

    /// Of the account at `place`: prosumers in their order, then desk, operator and utility; ids ascend.
    function idAt(bytes memory model, uint256 place) internal pure returns (uint32) {
        unchecked {
            // Bound: a model's counts have two bytes each.
            uint256 count = prosumers(model);
            if (place >= count) return uint32(DESK + place - count);
            return uint32(bytes4(word(model, HEADER + BUS * (buses(model) - 1) + PROSUMER * place)));
        }
    }

    /// Of every account, in the order of their places.
    function accounts(bytes memory model) internal pure returns (uint32[] memory ids) {
        ids = new uint32[](prosumers(model) + SYSTEMS);
        for (uint256 place; place < ids.length; ++place) ids[place] = idAt(model, place);
    }

    /// Where an account stands.
    function placeOf(bytes memory model, uint32 id) internal pure returns (bool found, uint256 place) {
        unchecked {
            // Bound: as above.
            uint256 above = prosumers(model) + SYSTEMS;
            while (place < above) {
                uint256 middle = (place + above) / 2;
                if (idAt(model, middle) < id) place = middle + 1;
                else above = middle;
            }
            // Past the last place stands nobody: no id is larger than the utility's.
            found = idAt(model, place) == id;
        }
    }

    function parent(uint256 branchWord) internal pure returns (uint256) {
        return uint16(branchWord >> 232);
    }

    function rating(uint256 branchWord) internal pure returns (uint256) {
        return uint40(branchWord >> 192);
    }

    function vMin2(uint256 branchWord) internal pure returns (uint256) {
        return uint40(branchWord >> 152);
    }

    function vMax2(uint256 branchWord) internal pure returns (uint256) {
        return uint40(branchWord >> 112);
    }

    function r(uint256 branchWord) internal pure returns (uint256) {
        return uint56(branchWord >> 56);
    }

    function x(uint256 branchWord) internal pure returns (uint256) {
        return uint56(branchWord);
    }

    /// 32 bytes from `offset`; bytes past the end are whatever memory holds, the callers take only what the length
    /// covers.
    function word(bytes memory data, uint256 offset) internal pure returns (bytes32 value) {
        assembly ("memory-safe") {
            value := mload(add(add(data, 32), offset))
        }
    }
}
