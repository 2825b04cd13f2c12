// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {Limits} from "../types/Mandate.sol";
import {Batches} from "./Batches.t.sol";

/// What a settled batch must respect, asked trade by trade of its payload and of the mandates that were signed; nothing
/// here is shared with the contracts it judges. Parties: the participants, then desk, operator and utility.
library Judge {
    uint256 private constant PERIODS = Batches.PERIODS;
    uint256 private constant SYSTEMS = 3;

    /// Everything a party paid and received, gross, each leg apart: what it lost is worked out from these alone.
    struct Sheet {
        uint256 participants;
        int256[] energyWh;
        uint256[] soldW;
        uint256[] boughtW;
        /// Of energy and network, by period.
        int256[] energyNano;
        int256[] reserveSoldNano;
        int256[] reserveBoughtNano;
        int256[] carbonNano;
        int256[] nano;
        int256[] grams;
    }

    /// What the first party that is worse off than its mandate allows has suffered; empty if there is none.
    function firstWrong(bytes memory payload, Limits[] memory mandates) internal pure returns (string memory wrong) {
        Sheet memory sheet = read(payload);
        for (uint256 k; k < sheet.nano.length; ++k) {
            for (uint256 t; t < PERIODS; ++t) {
                wrong = _position(sheet, k * PERIODS + t, mandates[k]);
                if (bytes(wrong).length > 0) return wrong;
            }
            wrong = _allowances(sheet.grams[k], sheet.carbonNano[k], mandates[k]);
            if (bytes(wrong).length > 0) return wrong;
        }
        return "";
    }

    /// Adds up the trades.
    function read(bytes memory payload) internal pure returns (Sheet memory sheet) {
        sheet.participants = Batches.read(payload, 0, 2);
        uint256 parties = sheet.participants + SYSTEMS;
        sheet.energyWh = new int256[](PERIODS * parties);
        sheet.soldW = new uint256[](PERIODS * parties);
        sheet.boughtW = new uint256[](PERIODS * parties);
        sheet.energyNano = new int256[](PERIODS * parties);
        sheet.reserveSoldNano = new int256[](PERIODS * parties);
        sheet.reserveBoughtNano = new int256[](PERIODS * parties);
        sheet.carbonNano = new int256[](parties);
        sheet.nano = new int256[](parties);
        sheet.grams = new int256[](parties);
        uint256 offset = 3 + (4 + 3 * PERIODS) * sheet.participants;
        while (offset < payload.length) {
            uint256 group = Batches.read(payload, offset, 2);
            uint256 count = Batches.read(payload, offset + 2, 2);
            offset += Batches.GROUP_BYTES;
            for (; count > 0; --count) {
                _trade(sheet, payload, offset, group);
                offset += Batches.TRADE_BYTES;
            }
        }
    }

    function _trade(Sheet memory sheet, bytes memory payload, uint256 offset, uint256 group) private pure {
        uint256 seller = _party(sheet, Batches.read(payload, offset, 2));
        uint256 buyer = _party(sheet, Batches.read(payload, offset + 2, 2));
        uint256 quantity = Batches.quantityOf(payload, offset);
        int256 nano = int256(quantity) * int24(uint24(Batches.read(payload, offset + 8, 3)));
        sheet.nano[seller] += nano;
        sheet.nano[buyer] -= nano;
        (uint256 product, uint256 t) = (group >> 8, group & 0xff);
        (uint256 sold, uint256 bought) = (seller * PERIODS + t, buyer * PERIODS + t);
        if (product == 3) {
            sheet.grams[seller] -= int256(quantity);
            sheet.grams[buyer] += int256(quantity);
            sheet.carbonNano[seller] += nano;
            sheet.carbonNano[buyer] -= nano;
        } else if (product == 2) {
            sheet.soldW[sold] += quantity;
            sheet.boughtW[bought] += quantity;
            sheet.reserveSoldNano[sold] += nano;
            sheet.reserveBoughtNano[bought] -= nano;
        } else if (t != Batches.WHOLE_SESSION) {
            sheet.energyNano[bought] -= nano;
            if (product == 0) return;
            sheet.energyNano[sold] += nano;
            sheet.energyWh[sold] += int256(quantity);
            sheet.energyWh[bought] -= int256(quantity);
        }
    }

    /// One hour a period, so Wh are W.
    function _position(Sheet memory sheet, uint256 cell, Limits memory mandate) private pure returns (string memory) {
        int256 wh = sheet.energyWh[cell];
        int256 nano = sheet.energyNano[cell];
        if (wh >= 0 && nano < wh * mandate.minSell) return "energy sold below its mandate, or lost on a net of zero";
        if (wh < 0 && -nano > -wh * mandate.maxBuy) return "energy bought above its mandate";
        if (wh > int256(uint256(mandate.maxSellW))) return "more energy sold than its mandate allows";
        if (-wh > int256(uint256(mandate.maxBuyW))) return "more energy bought than its mandate allows";
        int256 sold = int256(sheet.soldW[cell]);
        int256 bought = int256(sheet.boughtW[cell]);
        if (sheet.reserveSoldNano[cell] < sold * mandate.minReservePrice) return "reserve sold below its mandate";
        if (-sheet.reserveBoughtNano[cell] > bought * mandate.maxReservePrice)
            return "reserve bought above its mandate";
        if (sheet.soldW[cell] > mandate.maxReserveW) return "more reserve sold than its mandate allows";
        if (sheet.boughtW[cell] > mandate.maxReserveW) return "more reserve bought than its mandate allows";
        return "";
    }

    function _allowances(int256 grams, int256 nano, Limits memory mandate) private pure returns (string memory) {
        if (grams >= 0 && -nano > grams * mandate.maxCarbonPrice) return "allowances bought above their mandate";
        if (grams < 0 && nano < -grams * mandate.minCarbonPrice) return "allowances sold below their mandate";
        if (grams > int256(uint256(mandate.maxCarbonG)) || -grams > int256(uint256(mandate.maxCarbonG)))
            return "more allowances traded than its mandate allows";
        return "";
    }

    function _party(Sheet memory sheet, uint256 party) private pure returns (uint256) {
        return party >= 0xfffd ? sheet.participants + party - 0xfffd : party;
    }
}
