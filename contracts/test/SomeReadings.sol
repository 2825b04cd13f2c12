// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {Connection} from "../types/Readings.sol";

/// Connections and readings that are drawn: most within what a connection allows, some exactly at it, some one beyond.
library SomeReadings {
    struct Dice {
        uint256 seed;
        uint256 thrown;
    }

    struct Shape {
        uint256 periods;
        uint256 seconds_;
        /// Bytes of a value.
        uint256 width;
        bool mayBreak;
        /// Of every hundred values, how many are not measured.
        uint256 unmeasured;
        /// Every home has a row.
        bool everybody;
        /// The largest price.
        uint24 imbalancePrice;
    }

    struct Reading {
        int256 due;
        int256 metered;
        uint256 renewable;
        uint256 quality;
    }

    function dice(uint256 seed) internal pure returns (Dice memory) {
        return Dice(seed, 0);
    }

    function throwDice(Dice memory drawn) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(drawn.seed, ++drawn.thrown)));
    }

    function connections(Dice memory drawn, uint256 count) internal pure returns (Connection[] memory homes) {
        homes = new Connection[](count);
        uint32 id;
        for (uint256 k; k < count; ++k) {
            id += uint32(1 + (throwDice(drawn) % 3));
            homes[k] = Connection({
                prosumer: id,
                feedW: uint32(throwDice(drawn) % 20_000),
                takeW: uint32(throwDice(drawn) % 20_000),
                renewableW: uint32(throwDice(drawn) % 20_000),
                maxPrice: uint32(throwDice(drawn) % 400_000),
                nonce: 1
            });
        }
    }

    /// Rows of some of `homes`, in their order.
    function readings(
        Dice memory drawn,
        Connection[] memory homes,
        Shape memory shape
    ) internal pure returns (bytes memory made) {
        bytes memory rows;
        uint256 count;
        for (uint256 k; k < homes.length; ++k) {
            if (!shape.everybody && throwDice(drawn) % 5 == 0) continue;
            rows = bytes.concat(rows, _row(drawn, homes[k], shape));
            ++count;
        }
        made = abi.encodePacked(uint16(count), uint24(throwDice(drawn) % 50_000), uint8(shape.width));
        for (uint256 t; t < shape.periods; ++t) {
            made = bytes.concat(made, _prices(drawn, shape));
        }
        made = bytes.concat(made, rows, _responses(drawn, count, shape));
        if (shape.mayBreak) made = _break(drawn, made);
    }

    /// Long, response and short in their order, now and then at an end or, where it may break, beyond one.
    function _prices(Dice memory drawn, Shape memory shape) private pure returns (bytes memory) {
        int256 most = int256(uint256(shape.imbalancePrice));
        int256 long = int256(throwDice(drawn) % (shape.imbalancePrice + 1)) - most / 6;
        if (long < -most || throwDice(drawn) % 16 == 0) long = -most;
        int256 short = throwDice(drawn) % 8 == 0 ? most : long + int256(throwDice(drawn) % uint256(most - long + 1));
        int256 response = long + int256(throwDice(drawn) % uint256(short - long + 1));
        if (shape.mayBreak) {
            uint256 kind = throwDice(drawn) % 60;
            if (kind == 0) response = short + 1;
            if (kind == 1) response = long - 1;
            if (kind == 2) short = most + 1;
        }
        return abi.encodePacked(int24(short), int24(long), int24(response));
    }

    function _row(
        Dice memory drawn,
        Connection memory home,
        Shape memory shape
    ) private pure returns (bytes memory row) {
        uint256 most = ((uint256(home.feedW) + home.takeW) * shape.seconds_ * shape.periods) / 1800;
        uint32 emissions = uint32(_upTo(drawn, most, shape.mayBreak));
        if (throwDice(drawn) % 2 == 0) emissions = 0;
        bytes memory renewables;
        uint256[] memory qualities = new uint256[]((shape.periods + 3) / 4);
        row = abi.encodePacked(home.prosumer, uint32(throwDice(drawn) % 3_000), emissions);
        for (uint256 t; t < shape.periods; ++t) {
            Reading memory one = _reading(drawn, home, shape);
            row = bytes.concat(row, _signed(one.due, shape.width), _signed(one.due - one.metered, shape.width));
            renewables = bytes.concat(renewables, _number(one.renewable, shape.width));
            qualities[t / 4] |= one.quality << (6 - 2 * (t % 4));
        }
        // A row begins with 12 bytes.
        while ((row.length - 12) % 32 != 0) row = bytes.concat(row, bytes1(0));
        row = bytes.concat(row, renewables);
        for (uint256 k; k < qualities.length; ++k) row = bytes.concat(row, bytes1(uint8(qualities[k])));
    }

    function _reading(
        Dice memory drawn,
        Connection memory home,
        Shape memory shape
    ) private pure returns (Reading memory one) {
        one.due = _within(drawn, home, shape.seconds_, false);
        one.metered = _within(drawn, home, shape.seconds_, shape.mayBreak);
        one.renewable = _upTo(drawn, _whOf(home.renewableW, shape.seconds_), shape.mayBreak);
        if (throwDice(drawn) % 100 < shape.unmeasured) one.quality = 1 + (throwDice(drawn) % 2);
        if (one.quality == 2) (one.metered, one.renewable) = (0, 0);
        if (shape.mayBreak && throwDice(drawn) % 200 == 0) one.quality = 2 + (throwDice(drawn) % 2);
        int256 most = int256(1 << (8 * shape.width - 1));
        // What is short by more than a narrow value holds is short by the most it holds.
        if (one.due - one.metered >= most) one.metered = one.due - most + 1;
        if (one.due - one.metered < -most) one.metered = one.due + most;
    }

    function _signed(int256 value, uint256 width) private pure returns (bytes memory) {
        return _number(uint256(value + int256(1 << (8 * width - 1))), width);
    }

    function _number(uint256 value, uint256 width) private pure returns (bytes memory) {
        return width == 2 ? abi.encodePacked(uint16(value)) : abi.encodePacked(uint32(value));
    }

    function _responses(Dice memory drawn, uint256 count, Shape memory shape) private pure returns (bytes memory all) {
        for (uint256 row; row < count; ++row) {
            for (uint256 t; t < shape.periods; ++t) {
                if (throwDice(drawn) % 4 != 0) continue;
                int32 called = int32(int256(throwDice(drawn) % 4_000)) - 2_000;
                uint32 undelivered = throwDice(drawn) % 3 == 0 ? uint32(throwDice(drawn) % 3_000) : 0;
                uint24 price = uint24(throwDice(drawn) % 60_000);
                all = bytes.concat(all, abi.encodePacked(uint16(row), uint8(t), called, undelivered, price));
            }
        }
    }

    /// One byte changed, cut off or added, in one of three.
    function _break(Dice memory drawn, bytes memory made) private pure returns (bytes memory) {
        uint256 kind = throwDice(drawn) % 12;
        if (kind == 0 && made.length > 0) made[throwDice(drawn) % made.length] = bytes1(uint8(throwDice(drawn)));
        if (kind == 1) return bytes.concat(made, bytes1(uint8(throwDice(drawn))));
        if (kind == 2) return bytes.concat(made, bytes14(uint112(throwDice(drawn))));
        if (kind == 3 && made.length > 0) {
            uint256 length = throwDice(drawn) % made.length;
            assembly ("memory-safe") {
                mstore(made, length)
            }
        }
        return made;
    }

    function _within(
        Dice memory drawn,
        Connection memory home,
        uint256 seconds_,
        bool beyond
    ) private pure returns (int256) {
        if (throwDice(drawn) % 2 == 0) return int256(_upTo(drawn, _whOf(home.feedW, seconds_), beyond));
        return -int256(_upTo(drawn, _whOf(home.takeW, seconds_), beyond));
    }

    function _upTo(Dice memory drawn, uint256 most, bool beyond) private pure returns (uint256) {
        uint256 kind = throwDice(drawn) % 64;
        if (kind < 4) return most;
        if (beyond && kind == 4) return most + 1;
        return throwDice(drawn) % (most + 1);
    }

    function _whOf(uint256 watts, uint256 seconds_) private pure returns (uint256) {
        return (watts * seconds_ + 3599) / 3600;
    }
}
