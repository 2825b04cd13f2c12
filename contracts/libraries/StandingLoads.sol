// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {GridModel} from "./GridModel.sol";

/**
 * What a home loads the feeder with that was invited to a session and takes no part in it: the default profile that the
 * session's terms state for it. Big-endian, one entry after the other, ids ascending:
 *
 *   id u32 | values u8 | values x (W i32 | var i24)
 *
 * fed in, so that a load is negative; one value is that of every period. Who has no entry loads nothing.
 */
library StandingLoads {
    uint256 internal constant HEAD = 5;
    uint256 internal constant VALUE = 7;

    /// Where the first entry starts that is none for `periods` periods of the feeder; the length of the bytes if all
    /// are one.
    function firstMalformed(
        bytes calldata loads,
        bytes memory model,
        uint256 periods
    ) internal pure returns (uint256 offset) {
        uint256 last;
        while (offset < loads.length) {
            if (loads.length - offset < HEAD) return offset;
            uint256 id = uint32(bytes4(loads[offset:offset + 4]));
            uint256 values = uint8(loads[offset + 4]);
            if (id <= last || (values != 1 && values < periods)) return offset;
            if (loads.length - offset < HEAD + VALUE * values) return offset;
            (bool found, uint256 place) = GridModel.placeOf(model, uint32(id));
            if (!found || place >= GridModel.prosumers(model)) return offset;
            last = id;
            offset += HEAD + VALUE * values;
        }
    }

    /// Adds what those load who are not among the participants of `payload` to `flows`, one word a bus and period as in
    /// GridCheck. `loads` are well formed.
    function add(
        uint256 flows,
        uint256 periods,
        bytes calldata payload,
        bytes memory loads,
        bytes memory model
    ) internal pure {
        uint256 buses = GridModel.buses(model);
        uint256 cursor = 3;
        uint256 end = 3 + 4 * uint256(uint16(bytes2(payload[0:2])));
        for (uint256 offset; offset < loads.length;) {
            uint256 head = uint256(GridModel.word(loads, offset));
            uint32 id = uint32(head >> 224);
            uint256 values = uint8(head >> 216);
            offset += HEAD;
            while (cursor < end && uint32(bytes4(payload[cursor:cursor + 4])) < id) cursor += 4;
            if (cursor == end || uint32(bytes4(payload[cursor:cursor + 4])) != id) {
                (, uint256 place) = GridModel.placeOf(model, id);
                uint256 flow = flows + 32 * GridModel.prosumer(model, place).bus;
                for (uint256 t; t < periods; ++t) {
                    uint256 value = uint256(GridModel.word(loads, offset + (values == 1 ? 0 : VALUE * t)));
                    // Bound: the bus is one of the feeder's, and `flows` has a word of it for every period; fewer than
                    // 2^8 loads within 2^31 W and 2^23 var are added.
                    assembly ("memory-safe") {
                        let injected := add(shl(128, sar(224, value)), signextend(2, shr(200, value)))
                        mstore(flow, add(mload(flow), injected))
                    }
                    flow += 32 * buses;
                }
            }
            offset += VALUE * values;
        }
    }
}
