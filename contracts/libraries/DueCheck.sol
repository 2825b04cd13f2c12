// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {PRICES_BYTES, READINGS_HEAD, READINGS_WIDTH, RESPONSE_BYTES, ROW_HEAD, rowBytes} from "../types/Readings.sol";
import {GROUP_BYTES, TRADE_BYTES} from "./Frame.sol";

/// Whether the due energy of readings is what a settled batch comes to: sold less bought, and what responses were
/// called for. Both have been read before, the batch by the market, the readings by an entry, so their form is known.
library DueCheck {
    uint256 private constant PAYLOAD_HEAD = 3;
    uint256 private constant ENERGY = 1;

    function agrees(bytes calldata payload, bytes calldata readings, uint256 periods) internal pure returns (bool) {
        uint256 participants = uint16(bytes2(payload));
        int256[] memory sold = _net(payload, participants, periods);
        int256[] memory called = _called(readings, periods);
        uint256 rows = uint16(bytes2(readings));
        uint256 width = uint8(readings[READINGS_WIDTH]);
        uint256 k;
        for (uint256 row; row < rows; ++row) {
            uint256 cursor = READINGS_HEAD + PRICES_BYTES * periods + row * rowBytes(periods, width);
            uint32 id = uint32(bytes4(readings[cursor:cursor + 4]));
            // Everybody who takes part has a row.
            bool takesPart = k < participants && _idOf(payload, k) == id;
            for (uint256 t; t < periods; ++t) {
                uint256 cell = cursor + ROW_HEAD + 2 * width * t;
                int256 due = int256(uint256(bytes32(readings[cell:cell + width])) >> (256 - 8 * width));
                due -= int256(1 << (8 * width - 1));
                int256 position = takesPart ? sold[k * periods + t] : int256(0);
                if (due != position + called[row * periods + t]) return false;
            }
            if (takesPart) ++k;
        }
        return k == participants;
    }

    /// By participant and period; a party beyond them is the utility.
    function _net(
        bytes calldata payload,
        uint256 participants,
        uint256 periods
    ) private pure returns (int256[] memory sold) {
        sold = new int256[](participants * periods);
        uint256 cursor = PAYLOAD_HEAD + participants * (4 + 3 * periods);
        while (cursor < payload.length) {
            uint256 period = uint8(payload[cursor + 1]);
            bool energy = uint8(payload[cursor]) == ENERGY;
            uint256 end = cursor + GROUP_BYTES + TRADE_BYTES * uint16(bytes2(payload[cursor + 2:cursor + 4]));
            for (cursor += GROUP_BYTES; cursor < end; cursor += TRADE_BYTES) {
                if (!energy) continue;
                uint256 seller = uint16(bytes2(payload[cursor:cursor + 2]));
                uint256 buyer = uint16(bytes2(payload[cursor + 2:cursor + 4]));
                int256 quantity = int256(uint256(uint32(bytes4(payload[cursor + 4:cursor + 8]))));
                if (seller < participants) sold[seller * periods + period] += quantity;
                if (buyer < participants) sold[buyer * periods + period] -= quantity;
            }
        }
    }

    function _called(bytes calldata readings, uint256 periods) private pure returns (int256[] memory called) {
        uint256 rows = uint16(bytes2(readings));
        called = new int256[](rows * periods);
        uint256 width = uint8(readings[READINGS_WIDTH]);
        uint256 cursor = READINGS_HEAD + PRICES_BYTES * periods + rows * rowBytes(periods, width);
        for (; cursor < readings.length; cursor += RESPONSE_BYTES) {
            uint256 row = uint16(bytes2(readings[cursor:cursor + 2]));
            called[row * periods + uint8(readings[cursor + 2])] = int32(
                uint32(bytes4(readings[cursor + 3:cursor + 7]))
            );
        }
    }

    function _idOf(bytes calldata payload, uint256 k) private pure returns (uint32) {
        uint256 cursor = PAYLOAD_HEAD + 4 * k;
        return uint32(bytes4(payload[cursor:cursor + 4]));
    }
}
