// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {IDelivery} from "../interfaces/IDelivery.sol";
import {ConnectionTable} from "../libraries/ConnectionTable.sol";
import {Basis, Bill, Line, Shares} from "../types/Bill.sol";
import {Connection, MISSING} from "../types/Readings.sol";

/// What readings come to and who bears what cannot be paid, written to be read: docs/delivery.md line by line.
library PlainDelivery {
    struct Prices {
        int256 short;
        int256 long;
        int256 response;
    }

    struct Reading {
        int256 dueWh;
        int256 meteredWh;
        uint256 quality;
        uint256 renewableWh;
    }

    function bill(bytes calldata readings, Basis memory basis) internal pure returns (Bill memory made) {
        uint256 width = readings.length < 6 ? 0 : uint8(readings[5]);
        bool known = width == 2 || width == 4;
        if (!known) revert IDelivery.ReadingsLength(readings.length);
        uint256 head = 6 + 9 * basis.periods;
        uint256 pairs = ((2 * width * basis.periods + 31) / 32) * 32;
        uint256 stride = 12 + pairs + width * basis.periods + (basis.periods + 3) / 4;
        uint256 count = uint16(bytes2(readings[0:2]));
        uint256 responses = head + count * stride;
        if (readings.length < responses || (readings.length - responses) % 14 != 0) {
            revert IDelivery.ReadingsLength(readings.length);
        }
        made.readings = keccak256(readings);
        made.rows = rootOf(readings[head:responses], stride);
        made.allowancePrice = uint24(bytes3(readings[2:5]));
        made.measured = true;
        made.lines = new Line[](count);
        _checkPrices(readings[6:head], basis);
        _respond(readings[responses:], readings[6:head], made.lines, basis);
        for (uint256 k; k < count; ++k) {
            bytes calldata row = readings[head + k * stride:head + (k + 1) * stride];
            uint32 id = uint32(bytes4(row[0:4]));
            if (id == 0 || (k > 0 && id <= made.lines[k - 1].id)) revert IDelivery.RowsNotAscending(k);
            bool measured = _fill(made.lines[k], row, readings[6:head], basis, width);
            if (!measured) made.measured = false;
            _bound(made.lines[k]);
        }
    }

    /// Leaves are the rows' hashes; pairs are hashed in ascending order of the two, an odd last one goes up as it is.
    function rootOf(bytes calldata rows, uint256 stride) internal pure returns (bytes32) {
        if (rows.length == 0) return 0;
        bytes32[] memory nodes = new bytes32[](rows.length / stride);
        for (uint256 k; k < nodes.length; ++k) nodes[k] = keccak256(rows[k * stride:(k + 1) * stride]);
        while (nodes.length > 1) {
            bytes32[] memory above = new bytes32[]((nodes.length + 1) / 2);
            for (uint256 k; k < above.length; ++k) {
                if (2 * k + 1 == nodes.length) {
                    above[k] = nodes[2 * k];
                    continue;
                }
                (bytes32 one, bytes32 other) = (nodes[2 * k], nodes[2 * k + 1]);
                above[k] = one < other ? keccak256(abi.encode(one, other)) : keccak256(abi.encode(other, one));
            }
            nodes = above;
        }
        return nodes[0];
    }

    /// Who cannot pay pays what it can; the fund bears what it can of the rest; the last of it is cut from those who
    /// receive, pro rata, the largest remainders rounded up.
    function share(
        int256[] memory amounts,
        uint256[] memory debitable,
        int256 fund,
        uint256 fundHas
    ) internal pure returns (Shares memory shares) {
        uint256 shortfall;
        uint256 credits;
        shares.moved = new int256[](amounts.length);
        for (uint256 k; k < amounts.length; ++k) {
            shares.moved[k] = amounts[k];
            if (amounts[k] > 0) credits += uint256(amounts[k]);
            int256 can = -int256(debitable[k]);
            if (amounts[k] < can) {
                shortfall += uint256(can - amounts[k]);
                shares.moved[k] = can;
            }
        }
        if (fund < -int256(fundHas)) {
            shortfall += uint256(-int256(fundHas) - fund);
            fund = -int256(fundHas);
        }
        uint256 fundLeft = uint256(int256(fundHas) + fund);
        shares.byFund = shortfall < fundLeft ? shortfall : fundLeft;
        shares.fund = fund - int256(shares.byFund);
        shares.byReceivers = shortfall - shares.byFund;
        if (shares.byReceivers > 0) _cut(amounts, shares, credits);
    }

    /// Who is called and does not move is short, or long, by what it was called for: it must not gain by that.
    function _checkPrices(bytes calldata prices, Basis memory basis) private pure {
        int256 most = int256(basis.imbalancePrice);
        for (uint256 t; t < basis.periods; ++t) {
            Prices memory price = _prices(prices, t);
            bool inOrder = price.long <= price.response && price.response <= price.short;
            if (!inOrder) revert IDelivery.PricesOutOfOrder(t);
            if (price.short > most) revert IDelivery.PriceBeyondTerms(t);
        }
    }

    function _fill(
        Line memory line,
        bytes calldata row,
        bytes calldata prices,
        Basis memory basis,
        uint256 width
    ) private pure returns (bool measured) {
        line.id = uint32(bytes4(row[0:4]));
        line.released = uint32(bytes4(row[4:8]));
        line.emissionsG = int256(uint256(uint32(bytes4(row[8:12]))));
        Connection memory home = ConnectionTable.find(basis.connections, line.id);
        if (home.nonce == 0) revert IDelivery.NoConnection(line.id);
        uint256 wattSeconds = (uint256(home.feedW) + home.takeW) * basis.periodSeconds * basis.periods;
        line.most = (wattSeconds * home.maxPrice) / 3600;
        if (uint256(line.emissionsG) * 3600 > 2 * wattSeconds) revert IDelivery.EmissionsBeyondConnection(line.id);
        measured = true;
        for (uint256 t; t < basis.periods; ++t) {
            Reading memory read = _reading(row, t, basis.periods, width);
            _check(read, home, t, basis.periodSeconds);
            if (read.quality != 0) measured = false;
            int256 counted = read.meteredWh;
            if (read.quality == MISSING) counted = basis.closed && read.dueWh > 0 ? int256(0) : read.dueWh;
            int256 deviation = counted - read.dueWh;
            Prices memory price = _prices(prices, t);
            line.energy += deviation * (deviation < 0 ? price.short : price.long);
        }
    }

    function _check(Reading memory read, Connection memory home, uint256 t, uint256 periodSeconds) private pure {
        if (read.quality > MISSING) revert IDelivery.UnknownQuality(home.prosumer, t);
        if (read.quality == MISSING) {
            bool empty = read.meteredWh == 0 && read.renewableWh == 0;
            if (!empty) revert IDelivery.MissingWithEnergy(home.prosumer, t);
            return;
        }
        int256 feedWh = _upWh(home.feedW, periodSeconds);
        int256 takeWh = _upWh(home.takeW, periodSeconds);
        if (read.meteredWh > feedWh || read.meteredWh < -takeWh) {
            revert IDelivery.MeteredBeyondConnection(home.prosumer, t);
        }
        if (int256(read.renewableWh) > _upWh(home.renewableW, periodSeconds)) {
            revert IDelivery.RenewableBeyondConnection(home.prosumer, t);
        }
    }

    function _upWh(uint256 watts, uint256 periodSeconds) private pure returns (int256) {
        return int256((watts * periodSeconds + 3599) / 3600);
    }

    function _respond(
        bytes calldata responses,
        bytes calldata prices,
        Line[] memory lines,
        Basis memory basis
    ) private pure {
        for (uint256 i; i * 14 < responses.length; ++i) {
            bytes calldata one = responses[14 * i:14 * (i + 1)];
            if (i > 0 && bytes3(one[0:3]) <= bytes3(responses[14 * (i - 1):14 * (i - 1) + 3])) {
                revert IDelivery.ResponsesNotAscending(i);
            }
            uint256 row = uint16(bytes2(one[0:2]));
            uint256 t = uint8(one[2]);
            if (row >= lines.length || t >= basis.periods) revert IDelivery.UnknownReading(i);
            int256 calledWh = int32(uint32(bytes4(one[3:7])));
            uint256 undeliveredW = uint32(bytes4(one[7:11]));
            lines[row].energy += calledWh * _prices(prices, t).response;
            lines[row].penalty += int256(basis.multiple * undeliveredW * uint24(bytes3(one[11:14])));
        }
    }

    /// Neither side of a charge is more than what the connection allows.
    function _bound(Line memory line) private pure {
        int256 most = int256(line.most);
        if (line.energy > most) line.energy = most;
        if (line.energy < -most) line.energy = -most;
        int256 room = line.energy < 0 ? most + line.energy : most;
        if (line.penalty > room) line.penalty = room;
    }

    function _cut(int256[] memory amounts, Shares memory shares, uint256 credits) private pure {
        uint256[] memory remainders = new uint256[](amounts.length);
        uint256 left = shares.byReceivers;
        for (uint256 k; k < amounts.length; ++k) {
            if (amounts[k] <= 0) continue;
            uint256 exact = shares.byReceivers * uint256(amounts[k]);
            shares.moved[k] -= int256(exact / credits);
            left -= exact / credits;
            remainders[k] = exact % credits;
        }
        for (uint256 k; k < amounts.length; ++k) {
            uint256 larger;
            for (uint256 j; j < amounts.length; ++j) {
                if (remainders[j] > remainders[k] || (remainders[j] == remainders[k] && j < k)) ++larger;
            }
            if (larger < left) shares.moved[k] -= 1;
        }
    }

    /// What was due, and what is short of it, are stored more by half of what their bytes hold; past those of all
    /// periods, and zeros to the end of a word, come the renewable values, and past these the qualities, four a byte.
    function _reading(
        bytes calldata row,
        uint256 t,
        uint256 periods,
        uint256 width
    ) private pure returns (Reading memory read) {
        int256 bias = int256(1 << (8 * width - 1));
        read.dueWh = int256(_number(row, 12 + 2 * width * t, width)) - bias;
        read.meteredWh = read.dueWh - (int256(_number(row, 12 + 2 * width * t + width, width)) - bias);
        uint256 renewables = 12 + ((2 * width * periods + 31) / 32) * 32;
        read.renewableWh = _number(row, renewables + width * t, width);
        uint256 four = _number(row, renewables + width * periods + t / 4, 1);
        read.quality = (four >> (6 - 2 * (t % 4))) & 3;
    }

    function _number(bytes calldata row, uint256 from, uint256 bytes_) private pure returns (uint256) {
        return uint256(bytes32(row[from:from + bytes_])) >> (256 - 8 * bytes_);
    }

    function _prices(bytes calldata prices, uint256 t) private pure returns (Prices memory price) {
        price.short = int24(uint24(bytes3(prices[9 * t:9 * t + 3])));
        price.long = int24(uint24(bytes3(prices[9 * t + 3:9 * t + 6])));
        price.response = int24(uint24(bytes3(prices[9 * t + 6:9 * t + 9])));
    }
}
