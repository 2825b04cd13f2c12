// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {IDelivery} from "../interfaces/IDelivery.sol";
import {Basis, Bill, Line} from "../types/Bill.sol";
import {
    MISSING,
    PAIR_BYTES,
    PRICES_BYTES,
    READING_BYTES,
    READINGS_HEAD,
    RENEWABLE_BYTES,
    RESPONSE_BYTES,
    ROW_HEAD
} from "../types/Readings.sol";
import {CONNECTION_BYTES} from "./ConnectionTable.sol";
import {allocate, load} from "./Frame.sol";
import {Lanes, MOST_RENEWABLE} from "./Lanes.sol";
import {RowTree} from "./RowTree.sol";

/**
 * What rows of readings come to. A row whose values are all measured and within its connection is added up four periods
 * at a time (Lanes.sol); any other one is walked period by period, which counts what is not measured and names what is
 * refused. Bounds: a reading is within 2^41, a price within 2^24, a session has at most 100 periods and fewer than 2^16
 * responses, so energy and penalty are within 2^80.
 */
library Metering {
    /// How readings are laid out in memory, and what they are measured against.
    struct Sheet {
        uint256 stride;
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
        /// Of a row: its seconds, and the bytes of its pairs and of its renewable values.
        uint256 duration;
        uint256 pairs;
        uint256 renewables;
    }

    uint256 private constant MOST = 0xffffffff;
    uint256 private constant QUALITY = 30;
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
            uint256 last;
            Line memory line;
            (uint256 row, uint256 connection) = (sheet.base, sheet.connection);
            for (uint256 k; k < sheet.rows; ++k) {
                uint256 word;
                uint256 home;
                // Bound: k < lines.length.
                assembly ("memory-safe") {
                    word := mload(row)
                    line := mload(add(add(lines, 32), shl(5, k)))
                }
                uint256 id = word >> 224;
                if (id <= last) revert IDelivery.RowsNotAscending(k);
                last = id;
                (connection, home) = _connect(connection, sheet.connections, id);
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
            sheet.duration = sheet.seconds_ * sheet.periods;
            (sheet.pairs, sheet.renewables) = (PAIR_BYTES * sheet.periods, RENEWABLE_BYTES * sheet.periods);
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
            line.id = uint32(word >> 224);
            line.released = uint32(word >> 192);
            uint256 emissionsG = uint32(word >> 160);
            line.emissionsG = int256(emissionsG);
            uint256 feed = uint32(connection >> 192);
            uint256 take = uint32(connection >> 160);
            uint256 wattSeconds = (feed + take) * sheet.duration;
            uint256 most = (wattSeconds * uint32(connection >> 96)) / 3600;
            line.most = most;
            if (emissionsG * 3600 > MOST_G_PER_WH * wattSeconds) revert IDelivery.EmissionsBeyondConnection(line.id);
            int256 energy;
            uint256 seconds_ = sheet.seconds_;
            (measured, energy) = _add(
                sheet,
                row + ROW_HEAD,
                uint40(word >> 120),
                _whOf(feed, seconds_),
                _whOf(take, seconds_),
                _whOf(uint32(connection >> 128), seconds_)
            );
            if (!measured) (measured, energy) = _walk(sheet, row, line.id, connection);
            _bound(line, line.energy + energy, int256(most));
        }
    }

    /// The sum, if every value is measured and within the connection; otherwise the caller has to look.
    function _add(
        Sheet memory sheet,
        uint256 pairs,
        uint256 offset,
        uint256 feed,
        uint256 take,
        uint256 renewable
    ) private pure returns (bool clean, int256 energy) {
        unchecked {
            uint256 least = offset > take ? offset - take : 0;
            if (least > MOST) return (false, 0);
            uint256 most = offset + feed;
            if (most > MOST) most = MOST;
            uint256 end = pairs + sheet.pairs;
            if (!Lanes.renewablesAreClean(sheet.prices, end, end + sheet.renewables, renewable)) return (false, 0);
            return Lanes.sum(sheet.prices, pairs, end, least, most);
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
        uint256 found;
        assembly ("memory-safe") {
            for {} lt(found, id) {
                cursor := add(cursor, CONNECTION_BYTES)
            } {
                if iszero(lt(cursor, end)) {
                    break
                }
                home := mload(cursor)
                found := shr(224, home)
            }
        }
        if (found != id) revert IDelivery.NoConnection(uint32(id));
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
            (uint256 pairs, uint256 renewables) = (row + ROW_HEAD, row + ROW_HEAD + sheet.pairs);
            int256 offset = int256(uint256(uint40(load(row) >> 120)));
            int256 feed = int256(_whOf(uint32(connection >> 192), sheet.seconds_));
            int256 take = int256(_whOf(uint32(connection >> 160), sheet.seconds_));
            uint256 most = _whOf(uint32(connection >> 128), sheet.seconds_);
            for (uint256 t; t < sheet.periods; ++t) {
                uint256 pair = load(pairs + PAIR_BYTES * t);
                int256 due = int256(pair >> 224) - offset;
                int256 metered = int256(uint256(uint32(pair >> 192))) - offset;
                uint256 renewable = load(renewables + RENEWABLE_BYTES * t) >> 224;
                if (renewable >> QUALITY != 0) measured = false;
                if (renewable >> QUALITY < MISSING) {
                    if (metered > feed || metered < -take) {
                        revert IDelivery.MeteredBeyondConnection(id, t);
                    }
                    if (renewable & MOST_RENEWABLE > most) {
                        revert IDelivery.RenewableBeyondConnection(id, t);
                    }
                } else {
                    if (renewable >> QUALITY > MISSING) revert IDelivery.UnknownQuality(id, t);
                    if (metered != 0 || renewable != MISSING << QUALITY) revert IDelivery.MissingWithEnergy(id, t);
                    // Counts as due, and once closed as nothing that was sold.
                    if (!sheet.closed || due < 0) continue;
                }
                int256 deviation = metered - due;
                energy += deviation * Lanes.priceOf(sheet.head + READINGS_HEAD, t, deviation < 0);
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
                Line memory line = lines[row];
                line.energy += called * price;
                line.penalty += int256(sheet.multiple * undelivered);
                ++index;
            }
        }
    }

    /// Neither side may be more than the connection allows; a penalty is what is left of it at most.
    function _bound(Line memory line, int256 energy, int256 most) private pure {
        unchecked {
            // Bound: most is within 2^33 x 2^32 x 100, as energy + most >= 0 is where it is not too low.
            if (uint256(energy + most) > 2 * uint256(most)) energy = energy < 0 ? -most : most;
            line.energy = energy;
            if (line.penalty == 0) return;
            int256 room = energy < 0 ? most + energy : most;
            if (line.penalty > room) line.penalty = room;
        }
    }
}
