// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {IDelivery} from "../interfaces/IDelivery.sol";
import {Basis, Bill, Line} from "../types/Bill.sol";
import {
    MISSING,
    NARROW,
    pairBytes,
    PRICES_BYTES,
    READINGS_HEAD,
    READINGS_WIDTH,
    RESPONSE_BYTES,
    ROW_HEAD,
    rowBytes,
    WIDE
} from "../types/Readings.sol";
import {CONNECTION_BYTES} from "./ConnectionTable.sol";
import {allocate, load} from "./Frame.sol";
import {Lanes} from "./Lanes.sol";
import {RowTree} from "./RowTree.sol";

/**
 * What rows of readings come to. A row whose values are narrow, all measured and within its connection is added up
 * eight periods at a time (Lanes.sol); any other one is walked period by period, which counts what is not measured and
 * names what is refused. Bounds: a reading is within 2^32, a price within 2^24, a session has at most 100 periods and
 * fewer than 2^16 responses, so energy and penalty are within 2^80.
 */
library Metering {
    /// How readings are laid out in memory, and what they are measured against.
    struct Sheet {
        uint256 stride;
        uint256 width;
        Lanes.Prices prices;
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
        /// Where the connections begin and end.
        uint256 connection;
        uint256 connections;
        /// Seconds of a row.
        uint256 duration;
    }

    uint256 private constant LINE_BYTES = 192;
    /// Most grams that a Wh of a connection emits.
    uint256 private constant MOST_G_PER_WH = 2;

    function bill(bytes calldata readings, Basis memory basis) internal pure returns (Bill memory made) {
        Sheet memory sheet = _lay(readings, basis);
        made.readings = _hashOf(sheet.head, readings.length);
        made.rows = RowTree.root(sheet.base, sheet.rows, sheet.stride);
        made.allowancePrice = uint24(load(sheet.head) >> 216);
        _checkPrices(sheet.head + READINGS_HEAD, basis);
        Line[] memory lines = _lines(sheet.rows);
        made.lines = lines;
        _respond(sheet, lines);
        bool measured = true;
        unchecked {
            // Bound: rows < 2^16.
            (uint256 row, uint256 last, uint256 connection, uint256 home) = (sheet.base, 0, sheet.connection, 0);
            Line memory line;
            for (uint256 k; k < sheet.rows; ++k) {
                uint256 word = load(row);
                if (word >> 224 <= last) revert IDelivery.RowsNotAscending(k);
                last = word >> 224;
                (connection, home) = _connect(connection, sheet.connections, last);
                // Bound: k < lines.length.
                assembly ("memory-safe") {
                    line := mload(add(add(lines, 32), shl(5, k)))
                }
                if (!_row(sheet, row, word, home, line)) measured = false;
                row += sheet.stride;
            }
        }
        made.measured = measured;
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
            uint256 width = uint8(load(start) >> (248 - 8 * READINGS_WIDTH));
            bool known = length >= READINGS_HEAD && (width == NARROW || width == WIDE);
            if (!known) revert IDelivery.ReadingsLength(length);
            sheet.width = width;
            sheet.stride = rowBytes(sheet.periods, width);
            sheet.base = start + READINGS_HEAD + PRICES_BYTES * sheet.periods;
            sheet.responses = sheet.base + sheet.rows * sheet.stride;
            sheet.end = start + length;
            if (sheet.responses > sheet.end || (sheet.end - sheet.responses) % RESPONSE_BYTES != 0) {
                revert IDelivery.ReadingsLength(length);
            }
            sheet.duration = sheet.seconds_ * sheet.periods;
            sheet.prices = Lanes.pack(start + READINGS_HEAD, sheet.periods);
        }
    }

    /// Who is called and does not move is short, or long, by what it was called for: it must not gain by that.
    function _checkPrices(uint256 cursor, Basis memory basis) private pure {
        unchecked {
            // Bound: at most 100 periods; an imbalance price is a u24.
            int256 most = int256(basis.imbalancePrice);
            for (uint256 t; t < basis.periods; ++t) {
                int256 short = Lanes.priceOf(cursor, t, true);
                int256 long = Lanes.priceOf(cursor, t, false);
                int256 response = int24(uint24(load(cursor + PRICES_BYTES * t) >> 184));
                if (long > response || response > short) revert IDelivery.PricesOutOfOrder(t);
                if (short > most) revert IDelivery.PriceBeyondTerms(t);
            }
        }
    }

    /// As many lines, one after another, empty.
    function _lines(uint256 count) private pure returns (Line[] memory lines) {
        unchecked {
            uint256 start = allocate(32 + (32 + LINE_BYTES) * count);
            assembly ("memory-safe") {
                lines := start
                mstore(lines, count)
                let pointer := add(lines, 32)
                let line := add(pointer, shl(5, count))
                for {
                    let end := line
                } lt(pointer, end) {
                    pointer := add(pointer, 32)
                    line := add(line, LINE_BYTES)
                } {
                    mstore(pointer, line)
                }
            }
        }
    }

    /// Writes the row's line. Returns whether every value is measured.
    function _row(
        Sheet memory sheet,
        uint256 row,
        uint256 word,
        uint256 connection,
        Line memory line
    ) private pure returns (bool measured) {
        unchecked {
            uint256 feed = uint32(connection >> 192);
            uint256 take = uint32(connection >> 160);
            uint256 seconds_ = sheet.seconds_;
            // Bound: less than 2^33 W, 2^12 s and 2^7 periods.
            uint256 wattSeconds = (feed + take) * sheet.duration;
            int256 most = int256((wattSeconds * uint32(connection >> 96)) / 3600);
            uint256 emissionsG = uint32(word >> 160);
            (line.id, line.released, line.emissionsG) = (uint32(word >> 224), uint32(word >> 192), int256(emissionsG));
            line.most = uint256(most);
            if (emissionsG * 3600 > MOST_G_PER_WH * wattSeconds) revert IDelivery.EmissionsBeyondConnection(line.id);
            int256 energy;
            // Rounded up, as a meter's register may be.
            if (sheet.width == NARROW) {
                (measured, energy) = Lanes.sum(
                    sheet.prices,
                    row,
                    (feed * seconds_ + 3599) / 3600,
                    (take * seconds_ + 3599) / 3600,
                    (uint32(connection >> 128) * seconds_ + 3599) / 3600
                );
            }
            if (!measured) (measured, energy) = _walk(sheet, row, uint32(word >> 224), connection);
            energy += line.energy;
            // Neither side may be more than the connection allows; a penalty is what is left of it at most.
            if (energy > most) energy = most;
            if (energy < -most) energy = -most;
            line.energy = energy;
            if (line.penalty != 0) {
                int256 room = energy < 0 ? most + energy : most;
                if (line.penalty > room) line.penalty = room;
            }
        }
    }

    /// Rounded up, as a meter's register may be.
    function _whOf(uint256 watts, uint256 seconds_) private pure returns (uint256) {
        unchecked {
            return (watts * seconds_ + 3599) / 3600;
        }
    }

    /// Ids ascend in rows and connections: one walk through both. Returns where it goes on.
    function _connect(uint256 cursor, uint256 end, uint256 id) private pure returns (uint256, uint256 home) {
        assembly ("memory-safe") {
            for {} lt(cursor, end) {} {
                home := mload(cursor)
                cursor := add(cursor, CONNECTION_BYTES)
                if iszero(lt(shr(224, home), id)) {
                    break
                }
            }
        }
        if (home >> 224 != id) revert IDelivery.NoConnection(uint32(id));
        return (cursor, home);
    }

    /// Sum of deviation x price, period by period; refuses what is beyond the connection or no quality.
    function _walk(
        Sheet memory sheet,
        uint256 row,
        uint32 id,
        uint256 connection
    ) private pure returns (bool measured, int256 energy) {
        measured = true;
        unchecked {
            int256 feed = int256(_whOf(uint32(connection >> 192), sheet.seconds_));
            int256 take = int256(_whOf(uint32(connection >> 160), sheet.seconds_));
            uint256 most = _whOf(uint32(connection >> 128), sheet.seconds_);
            for (uint256 t; t < sheet.periods; ++t) {
                (int256 due, int256 metered, uint256 renewable, uint256 quality) = _valueOf(sheet, row + ROW_HEAD, t);
                if (quality != 0) measured = false;
                if (quality < MISSING) {
                    if (metered > feed || metered < -take) {
                        revert IDelivery.MeteredBeyondConnection(id, t);
                    }
                    if (renewable > most) {
                        revert IDelivery.RenewableBeyondConnection(id, t);
                    }
                } else {
                    if (quality > MISSING) revert IDelivery.UnknownQuality(id, t);
                    if (metered != 0 || renewable != 0) revert IDelivery.MissingWithEnergy(id, t);
                    // Counts as due, and once closed as nothing that was sold.
                    if (!sheet.closed || due < 0) continue;
                }
                int256 deviation = metered - due;
                energy += deviation * Lanes.priceOf(sheet.head + READINGS_HEAD, t, deviation < 0);
            }
        }
    }

    /// Of the values from `cursor` on.
    function _valueOf(
        Sheet memory sheet,
        uint256 cursor,
        uint256 t
    ) private pure returns (int256 due, int256 metered, uint256 renewable, uint256 quality) {
        unchecked {
            (uint256 width, uint256 periods) = (sheet.width, sheet.periods);
            int256 bias = int256(1 << (8 * width - 1));
            uint256 beside = 256 - 8 * width;
            due = int256(load(cursor + 2 * width * t) >> beside) - bias;
            metered = due - (int256(load(cursor + 2 * width * t + width) >> beside) - bias);
            cursor += pairBytes(periods, width);
            renewable = load(cursor + width * t) >> beside;
            quality = (load(cursor + width * periods + t / 4) >> (254 - 2 * (t % 4))) & 3;
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
                Line memory line = lines[row];
                line.energy += called * price;
                line.penalty += int256(sheet.multiple * undelivered);
                ++index;
            }
        }
    }
}
