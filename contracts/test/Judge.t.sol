// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {Limits} from "../types/Mandate.sol";
import {Batches} from "./Batches.t.sol";

/// What a settled batch must respect, asked trade by trade of its payload and of the mandates that were signed; nothing here is
/// shared with the contracts it judges. Parties: the participants, then desk, operator and utility.
library Judge {
    uint256 private constant PERIODS = Batches.PERIODS;
    uint256 private constant SYSTEMS = 3;
    int256 private constant NONE = type(int256).max;

    struct Sheet {
        uint256 participants;
        int256[] energyWh;
        uint256[] soldW;
        uint256[] boughtW;
        int256[] highestPurchase;
        int256[] lowestSale;
        int256[] charge;
        int256[] nano;
        int256[] grams;
    }

    /// What the first party that is worse off than its mandate allows has suffered; empty if there is none.
    function firstWrong(bytes memory payload, Limits[] memory mandates) internal pure returns (string memory) {
        (Sheet memory sheet, string memory wrong) = read(payload, mandates);
        if (bytes(wrong).length > 0) return wrong;
        for (uint256 k; k < sheet.nano.length; ++k) {
            for (uint256 t; t < PERIODS; ++t) {
                wrong = _position(sheet, k * PERIODS + t, mandates[k]);
                if (bytes(wrong).length > 0) return wrong;
            }
        }
        return "";
    }

    /// Adds up the trades; carbon and reserve prices are each trade's own.
    function read(
        bytes memory payload,
        Limits[] memory mandates
    ) internal pure returns (Sheet memory sheet, string memory wrong) {
        sheet.participants = Batches.read(payload, 0, 2);
        uint256 parties = sheet.participants + SYSTEMS;
        sheet.energyWh = new int256[](PERIODS * parties);
        sheet.soldW = new uint256[](PERIODS * parties);
        sheet.boughtW = new uint256[](PERIODS * parties);
        sheet.highestPurchase = new int256[](PERIODS * parties);
        sheet.lowestSale = new int256[](PERIODS * parties);
        sheet.charge = new int256[](PERIODS * parties);
        for (uint256 k; k < PERIODS * parties; ++k) (sheet.highestPurchase[k], sheet.lowestSale[k]) = (-NONE, NONE);
        sheet.nano = new int256[](parties);
        sheet.grams = new int256[](parties);
        uint256 offset = 3 + (4 + 3 * PERIODS) * sheet.participants;
        for (; offset < payload.length; offset += 12) {
            wrong = _trade(sheet, payload, offset, mandates);
            if (bytes(wrong).length > 0) return (sheet, wrong);
        }
    }

    function _trade(
        Sheet memory sheet,
        bytes memory payload,
        uint256 offset,
        Limits[] memory mandates
    ) private pure returns (string memory) {
        uint256 group = Batches.read(payload, offset, 1);
        uint256 seller = _party(sheet, Batches.read(payload, offset + 1, 2));
        uint256 buyer = _party(sheet, Batches.read(payload, offset + 3, 2));
        uint256 quantity = Batches.quantityOf(payload, offset);
        int256 price = int24(uint24(Batches.read(payload, offset + 9, 3)));
        if (seller == buyer || quantity == 0) return "a trade of nothing or with oneself";
        sheet.nano[seller] += int256(quantity) * price;
        sheet.nano[buyer] -= int256(quantity) * price;
        uint256 t = group % 64;
        (uint256 sold, uint256 bought) = (seller * PERIODS + t, buyer * PERIODS + t);
        if (group < 63) {
            sheet.charge[bought] = price;
        } else if (group >= 64 && group < 128) {
            sheet.energyWh[sold] += int256(quantity);
            sheet.energyWh[bought] -= int256(quantity);
            if (price < sheet.lowestSale[sold]) sheet.lowestSale[sold] = price;
            if (price > sheet.highestPurchase[bought]) sheet.highestPurchase[bought] = price;
        } else if (group >= 128 && group < 192) {
            sheet.soldW[sold] += quantity;
            sheet.boughtW[bought] += quantity;
            if (price < mandates[seller].minReservePrice) return "reserve sold below its mandate";
            if (price > mandates[buyer].maxReservePrice) return "reserve bought above its mandate";
        } else if (group == 255) {
            sheet.grams[seller] -= int256(quantity);
            sheet.grams[buyer] += int256(quantity);
            if (price < mandates[seller].minCarbonPrice) return "allowances sold below their mandate";
            if (price > mandates[buyer].maxCarbonPrice) return "allowances bought above their mandate";
        }
        return "";
    }

    /// Whoever injects pays the charge, whoever withdraws receives it: either way it lowers the price that is seen when it is
    /// paid by a seller, and raises it when a buyer's charge is negative.
    function _position(Sheet memory sheet, uint256 cell, Limits memory mandate) private pure returns (string memory) {
        int256 wh = sheet.energyWh[cell];
        int256 charge = wh < 0 ? -sheet.charge[cell] : sheet.charge[cell];
        if (sheet.highestPurchase[cell] != -NONE && sheet.highestPurchase[cell] - charge > mandate.maxBuy)
            return "energy bought above its mandate";
        if (sheet.lowestSale[cell] != NONE && sheet.lowestSale[cell] - charge < mandate.minSell)
            return "energy sold below its mandate";
        if (wh > int256(uint256(mandate.maxSellWh))) return "more energy sold than its mandate allows";
        if (-wh > int256(uint256(mandate.maxBuyWh))) return "more energy bought than its mandate allows";
        if (sheet.soldW[cell] > mandate.maxReserveW) return "more reserve sold than its mandate allows";
        if (sheet.boughtW[cell] > mandate.maxReserveW) return "more reserve bought than its mandate allows";
        return "";
    }

    function _party(Sheet memory sheet, uint256 party) private pure returns (uint256) {
        return party >= 0xfffd ? sheet.participants + party - 0xfffd : party;
    }
}
