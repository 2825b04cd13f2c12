// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {IDelivery} from "../interfaces/IDelivery.sol";
import {Basis, Bill, Line} from "../types/Bill.sol";
import {MISSING, PRICES_BYTES, READING_BYTES, READINGS_HEAD, RESPONSE_BYTES, ROW_HEAD} from "../types/Readings.sol";
import {CONNECTION_BYTES} from "./ConnectionTable.sol";
import {allocate, load} from "./Frame.sol";
import {RowTree} from "./RowTree.sol";

/**
 * What rows of readings come to: one walk over their bytes in memory, whose one test an account is exact; what fails it
 * is named afterwards. Bounds: a reading is within 2^33, a price within 2^24, a session has at most 100 periods and
 * fewer than 2^16 responses, so energy and penalty are within 2^80.
 */
library Metering {
    /// How readings are laid out in memory, and what they are measured against.
    struct Sheet {
        uint256 stride;
        /// Two words a period: what a Wh too much costs, and one too little.
        uint256 prices;
        bool closed;
        uint256 periods;
        uint256 seconds_;
        uint256 multiple;
        uint256 rows;
        /// Where the readings, their rows, the responses and the end are.
        uint256 head;
        uint256 base;
        uint256 responses;
        uint256 end;
        /// The connection the walk has reached, and where they end.
        uint256 connection;
        uint256 connections;
    }

    // Where assembly finds the first members.
    uint256 private constant SHEET_STRIDE = 0;
    uint256 private constant SHEET_PRICES = 32;
    uint256 private constant SHEET_CLOSED = 64;

    uint256 private constant QUALITY = 30;
    /// Most grams that a Wh of a connection emits.
    uint256 private constant MOST_G_PER_WH = 2;

    function bill(bytes calldata readings, Basis memory basis) internal pure returns (Bill memory made) {
        Sheet memory sheet = _lay(readings, basis);
        made.readings = _hashOf(sheet.head, readings.length);
        made.rows = RowTree.root(sheet.base, sheet.rows, sheet.stride);
        made.allowancePrice = uint24(load(sheet.head) >> 216);
        made.lines = new Line[](sheet.rows);
        made.measured = true;
        uint256 last;
        for (uint256 k; k < sheet.rows; ++k) {
            uint256 row = sheet.base + k * sheet.stride;
            uint256 word = load(row);
            uint256 id = word >> 224;
            if (id <= last) revert IDelivery.RowsNotAscending(k);
            last = id;
            Line memory line = made.lines[k];
            line.id = uint32(id);
            line.released = uint32(word >> 192);
            line.emissionsG = int256(uint256(uint32(word >> 160)));
            if (!_row(sheet, row, line)) made.measured = false;
        }
        _respond(sheet, made.lines);
        for (uint256 k; k < sheet.rows; ++k) _bound(made.lines[k]);
    }

    function _hashOf(uint256 start, uint256 length) private pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            hash := keccak256(start, length)
        }
    }

    /// Copies the readings into memory, a word of zeros after them, and finds their parts.
    function _lay(bytes calldata readings, Basis memory basis) private pure returns (Sheet memory sheet) {
        (sheet.periods, sheet.seconds_) = (basis.periods, basis.periodSeconds);
        (sheet.closed, sheet.multiple) = (basis.closed, basis.multiple);
        bytes memory connections = basis.connections;
        uint256 start;
        uint256 length = readings.length;
        assembly ("memory-safe") {
            start := mload(0x40)
            calldatacopy(start, readings.offset, length)
            mstore(add(start, length), 0)
            mstore(0x40, add(start, and(add(length, 95), not(31))))
        }
        unchecked {
            uint256 first;
            assembly ("memory-safe") {
                first := add(connections, 32)
            }
            (sheet.connection, sheet.connections) = (first, first + connections.length);
            // Bound: rows < 2^16 and periods <= 100.
            sheet.head = start;
            sheet.rows = load(start) >> 240;
            sheet.stride = ROW_HEAD + READING_BYTES * sheet.periods;
            sheet.base = start + READINGS_HEAD + PRICES_BYTES * sheet.periods;
            sheet.responses = sheet.base + sheet.rows * sheet.stride;
            sheet.end = start + length;
            if (
                length < READINGS_HEAD ||
                sheet.responses > sheet.end ||
                (sheet.end - sheet.responses) % RESPONSE_BYTES != 0
            ) {
                revert IDelivery.ReadingsLength(length);
            }
            sheet.prices = allocate(64 * sheet.periods);
            for (uint256 t; t < sheet.periods; ++t) {
                uint256 word = load(start + READINGS_HEAD + PRICES_BYTES * t);
                uint256 to = sheet.prices + 64 * t;
                assembly ("memory-safe") {
                    mstore(to, sar(232, shl(24, word)))
                    mstore(add(to, 32), sar(232, word))
                }
            }
        }
    }

    /// Finds the row's connection and adds up its periods. Returns whether every value is measured.
    function _row(Sheet memory sheet, uint256 row, Line memory line) private pure returns (bool measured) {
        unchecked {
            uint256 connection = _connect(sheet, line.id);
            uint256 feedW = uint32(connection >> 192);
            uint256 takeW = uint32(connection >> 160);
            uint256 seconds_ = sheet.seconds_;
            uint256 sum = (feedW + takeW) * seconds_ * sheet.periods;
            line.most = (sum * uint32(connection >> 96)) / 3600;
            if (uint256(line.emissionsG) * 3600 > MOST_G_PER_WH * sum) {
                revert IDelivery.EmissionsBeyondConnection(line.id);
            }
            uint256 take = _whOf(takeW, seconds_);
            uint256 span = take + _whOf(feedW, seconds_);
            uint256 renewable = _whOf(uint32(connection >> 128), seconds_);
            (int256 energy, uint256 stopped, bool seen) = _walk(sheet, row, take, span, renewable);
            if (stopped != row + sheet.stride) _refuse(row, stopped, line.id, take, span);
            line.energy = energy;
            measured = !seen;
        }
    }

    /// Rounded up, as a meter's register may be.
    function _whOf(uint256 watts, uint256 seconds_) private pure returns (uint256) {
        unchecked {
            return (watts * seconds_ + 3599) / 3600;
        }
    }

    /// Ids ascend in rows and connections: one walk through both.
    function _connect(Sheet memory sheet, uint32 id) private pure returns (uint256 word) {
        uint256 cursor = sheet.connection;
        uint256 end = sheet.connections;
        assembly ("memory-safe") {
            for {} lt(cursor, end) {
                cursor := add(cursor, CONNECTION_BYTES)
            } {
                word := mload(cursor)
                if iszero(lt(shr(224, word), id)) {
                    break
                }
            }
        }
        if (cursor >= end || word >> 224 != id) revert IDelivery.NoConnection(id);
        unchecked {
            sheet.connection = cursor + CONNECTION_BYTES;
        }
    }

    /// Sum of deviation x price, until a period is refused. `seen`: some value is not measured.
    /// -take <= metered <= feed as metered + take <= take + feed, unsigned.
    function _walk(
        Sheet memory sheet,
        uint256 row,
        uint256 take,
        uint256 span,
        uint256 most
    ) private pure returns (int256 energy, uint256 cursor, bool seen) {
        assembly ("memory-safe") {
            let end := add(row, mload(add(sheet, SHEET_STRIDE)))
            let price := mload(add(sheet, SHEET_PRICES))
            let closed := mload(add(sheet, SHEET_CLOSED))
            for {
                cursor := add(row, ROW_HEAD)
            } lt(cursor, end) {
                cursor := add(cursor, READING_BYTES)
                price := add(price, 64)
            } {
                let word := mload(cursor)
                let due := sar(224, word)
                let metered := signextend(3, shr(192, word))
                let renewable := and(shr(160, word), 0xffffffff)
                if shr(QUALITY, renewable) {
                    seen := 1
                    if gt(shr(QUALITY, renewable), 1) {
                        // Missing, with no energy; 3 is no quality.
                        if xor(and(shr(160, word), 0xffffffffffffffff), shl(31, 1)) {
                            break
                        }
                        // Counts as due, and once closed as nothing that was sold: the deviation is -due of a seller.
                        let lost := mul(closed, mul(due, sgt(due, 0)))
                        energy := sub(energy, mul(lost, mload(add(price, 32))))
                        continue
                    }
                    renewable := and(renewable, 0x3fffffff)
                }
                if or(gt(add(metered, take), span), gt(renewable, most)) {
                    break
                }
                let deviation := sub(metered, due)
                energy := add(energy, mul(deviation, mload(add(price, and(sar(255, deviation), 32)))))
            }
        }
    }

    /// Energy that was moved by reserve that was called, and what was not delivered of it.
    function _respond(Sheet memory sheet, Line[] memory lines) private pure {
        unchecked {
            uint256 next;
            uint256 index;
            for (uint256 cursor = sheet.responses; cursor < sheet.end; cursor += RESPONSE_BYTES) {
                uint256 word = load(cursor);
                uint256 key = word >> 232;
                if (key < next) revert IDelivery.ResponsesNotAscending(index);
                next = key + 1;
                (uint256 row, uint256 period) = (key >> 8, key & 0xff);
                if (row >= lines.length || period >= sheet.periods) revert IDelivery.UnknownReading(index);
                int256 called = int32(uint32(word >> 200));
                uint256 undelivered = uint256(uint32(word >> 168)) * uint24(word >> 144);
                int256 price = int24(uint24(load(sheet.head + READINGS_HEAD + PRICES_BYTES * period) >> 184));
                lines[row].energy += called * price;
                lines[row].penalty += int256(sheet.multiple * undelivered);
                ++index;
            }
        }
    }

    /// Neither side may be more than the connection allows; a penalty is what is left of it at most.
    function _bound(Line memory line) private pure {
        unchecked {
            // Bound: most is within 2^33 x 2^32 x 100.
            int256 most = int256(line.most);
            int256 energy = line.energy;
            if (energy > most) line.energy = most;
            else if (energy < -most) line.energy = -most;
            if (line.penalty == 0) return;
            int256 room = energy < 0 ? most + line.energy : most;
            if (line.penalty > room) line.penalty = room;
        }
    }

    /// Reverts with the predicate that the period at `cursor` violates.
    function _refuse(uint256 row, uint256 cursor, uint32 id, uint256 take, uint256 span) private pure {
        unchecked {
            uint256 period = (cursor - row - ROW_HEAD) / READING_BYTES;
            uint256 word = load(cursor);
            uint256 quality = uint32(word >> 160) >> QUALITY;
            if (quality > MISSING) revert IDelivery.UnknownQuality(id, period);
            if (quality == MISSING) revert IDelivery.MissingWithEnergy(id, period);
            int256 metered = int32(uint32(word >> 192));
            if (uint256(metered + int256(take)) > span) revert IDelivery.MeteredBeyondConnection(id, period);
            revert IDelivery.RenewableBeyondConnection(id, period);
        }
    }
}
