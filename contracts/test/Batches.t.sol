// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {Limits} from "../types/Mandate.sol";

/// Batches of two periods, as an honest committee signs them and as a colluding one might: energy among prosumers and
/// with the utility, charges on every position, a rebate, reserve of prosumers and of the utility, the operator's
/// charge on responses, carbon of prosumers and of the desk.
library Batches {
    uint256 internal constant PERIODS = 2;
    uint256 internal constant WHOLE_SESSION = 255;
    uint256 internal constant GROUP_BYTES = 4;
    uint256 internal constant TRADE_BYTES = 11;
    uint16 internal constant DESK = 0xfffd;
    uint16 internal constant OPERATOR = 0xfffe;
    uint16 internal constant UTILITY = 0xffff;

    struct Range {
        int256 low;
        int256 high;
    }

    /// What quantities and prices are drawn from. Beyond: now and then one more than allowed, or anything.
    struct Ranges {
        bool beyond;
        Range energyPrice;
        Range energyWh;
        Range charge;
        Range reservePrice;
        Range reserveW;
        Range carbonPrice;
        Range carbonG;
        Range reactiveVar;
    }

    struct Dice {
        uint256 seed;
        uint256 thrown;
    }

    /// Within every mandate the handler gives, the smallest lock and the narrowest line.
    function honest() internal pure returns (Ranges memory ranges) {
        ranges = Ranges({
            beyond: false,
            energyPrice: Range(30_000, 90_000),
            energyWh: Range(1, 40),
            charge: Range(-500, 500),
            reservePrice: Range(5_000, 60_000),
            reserveW: Range(1, 40),
            carbonPrice: Range(5_000, 60_000),
            carbonG: Range(1, 20),
            reactiveVar: Range(-50, 50)
        });
    }

    /// At the ends of one victim's mandate, and one beyond; small quantities leave the prices to decide.
    function against(Limits memory victim, bool large) internal pure returns (Ranges memory ranges) {
        uint256 mostWh = victim.maxBuyW < victim.maxSellW ? victim.maxBuyW : victim.maxSellW;
        if (!large) mostWh /= 2;
        ranges = Ranges({
            beyond: true,
            energyPrice: Range(victim.minSell, victim.maxBuy),
            energyWh: Range(1, int256(mostWh < 1 ? 1 : mostWh)),
            charge: Range(-3_000, 3_000),
            reservePrice: Range(victim.minReservePrice, victim.maxReservePrice),
            reserveW: Range(1, int256(uint256(victim.maxReserveW))),
            carbonPrice: Range(victim.minCarbonPrice, victim.maxCarbonPrice),
            carbonG: Range(1, large ? int256(2_000) : int256(900)),
            reactiveVar: Range(-400, 400)
        });
        // One end after the other: with everything at its end at once hardly a batch would pass.
        if (large) return ranges;
        (ranges.reservePrice, ranges.carbonPrice) = (honest().reservePrice, honest().carbonPrice);
        (ranges.reserveW, ranges.reactiveVar) = (honest().reserveW, honest().reactiveVar);
        ranges.charge = Range(0, 0);
    }

    function build(
        uint32[] memory participants,
        Ranges memory ranges,
        uint256 seed
    ) internal pure returns (bytes memory payload) {
        Dice memory dice = Dice(seed, 0);
        payload = abi.encodePacked(uint16(participants.length), uint8(7));
        for (uint256 k; k < participants.length; ++k) payload = bytes.concat(payload, bytes4(participants[k]));
        for (uint256 k; k < PERIODS * participants.length; ++k)
            payload = bytes.concat(payload, bytes3(uint24(int24(_draw(dice, ranges.reactiveVar, false)))));
        uint256 count = participants.length;
        int256[] memory position = new int256[](PERIODS * count);
        bytes memory energy;
        for (uint256 t; t < PERIODS; ++t) energy = bytes.concat(energy, _energy(count, t, ranges, dice, position));
        payload = bytes.concat(payload, _network(count, ranges, dice, position), energy);
        for (uint256 t; t < PERIODS; ++t) {
            (uint16 seller, uint16 buyer) = _pair(count, dice);
            if (t == 1) seller = _throw(dice) % 2 == 0 ? UTILITY : OPERATOR;
            bytes memory one = _trade(seller, buyer, ranges.reserveW, ranges.reservePrice, ranges, dice);
            payload = bytes.concat(payload, _group(2, t, one));
        }
        (uint16 from, uint16 to) = _pair(count, dice);
        bytes memory carbon = _trade(from, to, ranges.carbonG, ranges.carbonPrice, ranges, dice);
        // Sold again to somebody else: what was bought above the limit may come back below it.
        if (ranges.beyond && _throw(dice) % 2 == 0) {
            bytes memory back = _trade(to, from, ranges.carbonG, ranges.carbonPrice, ranges, dice);
            carbon = from < to ? bytes.concat(carbon, back) : bytes.concat(back, carbon);
        }
        carbon = bytes.concat(carbon, _trade(DESK, to, ranges.carbonG, ranges.carbonPrice, ranges, dice));
        payload = bytes.concat(payload, _group(3, WHOLE_SESSION, carbon));
    }

    /// One trade among prosumers and one with the utility, in the order of their parties; a colluding committee also
    /// lets the buyer sell on what it bought.
    function _energy(
        uint256 count,
        uint256 t,
        Ranges memory ranges,
        Dice memory dice,
        int256[] memory position
    ) private pure returns (bytes memory) {
        // An honest market has one price: who buys and sells in one period loses nothing by it.
        Range memory price = ranges.energyPrice;
        if (!ranges.beyond) {
            int256 drawn = _draw(dice, price, false);
            price = Range(drawn, drawn);
        }
        (uint16 seller, uint16 buyer) = _pair(count, dice);
        bytes memory one = _trade(seller, buyer, ranges.energyWh, price, ranges, dice);
        int256 wh = int256(quantityOf(one, 0));
        position[seller * PERIODS + t] += wh;
        position[buyer * PERIODS + t] -= wh;
        bool exports = _throw(dice) % 2 == 0;
        uint16 partner = uint16(_throw(dice) % count);
        if (ranges.beyond && _throw(dice) % 4 == 0) (exports, partner) = (true, buyer);
        (uint16 from, uint16 to) = exports ? (partner, UTILITY) : (UTILITY, partner);
        bytes memory two = _trade(from, to, ranges.energyWh, price, ranges, dice);
        wh = int256(quantityOf(two, 0));
        position[partner * PERIODS + t] += exports ? wh : -wh;
        return _group(1, t, from < seller ? bytes.concat(two, one) : bytes.concat(one, two));
    }

    /// A charge on every position, and one rebate.
    function _network(
        uint256 count,
        Ranges memory ranges,
        Dice memory dice,
        int256[] memory position
    ) private pure returns (bytes memory groups) {
        for (uint256 t; t < PERIODS; ++t) {
            bytes memory trades;
            for (uint256 k; k < count; ++k) {
                int256 wh = position[k * PERIODS + t];
                if (wh == 0) continue;
                uint32 magnitude = uint32(uint256(wh < 0 ? -wh : wh));
                int24 price = int24(_draw(dice, ranges.charge, false));
                trades = bytes.concat(trades, abi.encodePacked(OPERATOR, uint16(k), magnitude, price));
            }
            groups = bytes.concat(groups, _group(0, t, trades));
        }
        uint16 to = uint16(_throw(dice) % count);
        bytes memory rebate = abi.encodePacked(OPERATOR, to, uint32(1 + (_throw(dice) % 40)), int24(-100));
        return bytes.concat(groups, _group(0, WHOLE_SESSION, rebate));
    }

    function _group(uint8 product, uint256 period, bytes memory trades) private pure returns (bytes memory) {
        if (trades.length == 0) return trades;
        return abi.encodePacked(product, uint8(period), uint16(trades.length / TRADE_BYTES), trades);
    }

    function quantityOf(bytes memory trades, uint256 offset) internal pure returns (uint256) {
        return read(trades, offset + 4, 4);
    }

    function read(bytes memory data, uint256 offset, uint256 length) internal pure returns (uint256 value) {
        // Bound: offset + length <= data.length, and the word read beyond it is shifted out.
        assembly ("memory-safe") {
            value := shr(sub(256, shl(3, length)), mload(add(add(data, 32), offset)))
        }
    }

    function _trade(
        uint16 seller,
        uint16 buyer,
        Range memory quantity,
        Range memory price,
        Ranges memory ranges,
        Dice memory dice
    ) private pure returns (bytes memory) {
        uint32 amount = uint32(uint256(_draw(dice, quantity, ranges.beyond)));
        return abi.encodePacked(seller, buyer, amount, int24(_draw(dice, price, ranges.beyond)));
    }

    function _pair(uint256 count, Dice memory dice) private pure returns (uint16 seller, uint16 buyer) {
        seller = uint16(_throw(dice) % count);
        buyer = uint16((seller + 1 + (_throw(dice) % (count - 1))) % count);
    }

    function _draw(Dice memory dice, Range memory range, bool beyond) private pure returns (int256) {
        uint256 thrown = _throw(dice);
        uint256 kind = thrown % 256;
        if (kind < 16) return range.high;
        if (kind < 32) return range.low;
        if (beyond && kind == 32) return range.high + 1;
        if (beyond && kind == 33) return range.low - 1;
        if (beyond && kind == 34) return int256(uint256(uint24(thrown >> 128)));
        return range.low + int256((thrown >> 64) % uint256(range.high - range.low + 1));
    }

    function _throw(Dice memory dice) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(dice.seed, ++dice.thrown)));
    }
}
