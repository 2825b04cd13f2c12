// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {ISettlementErrors} from "../interfaces/ISettlementErrors.sol";
import {DESK, OPERATOR, UTILITY} from "../types/Account.sol";
import {
    BIAS,
    CHARGE,
    CHARGED_WH,
    ENERGY,
    Frame,
    fromCalldata,
    HIGHEST_PURCHASE,
    load,
    RECORD_DELTA,
    RECORD_LIMITS,
    RECORD_PERIODS,
    RESERVE_BOUGHT,
    RESERVE_SOLD,
    store,
    TRADE_BYTES,
    WHOLE_SESSION
} from "./Frame.sol";

/// Trades, group by group (one product in one period), onto the records. Each trade first meets a test that is cheap and
/// sufficient; what fails it goes through `checkTrade`, which decides and names the predicate.
library Netting {
    uint256 private constant PRICE_MASK = 0xffffff;

    function applyTrades(Frame memory frame) internal pure {
        uint256 cursor = frame.trades;
        uint256 last;
        while (cursor < frame.end) {
            uint256 group = fromCalldata(cursor) >> 248;
            _checkGroup(frame, cursor, group, last);
            if (group < 64) (cursor, last) = _network(frame, cursor, last, group);
            else if (group < 128) (cursor, last) = _energy(frame, cursor, last, group);
            else if (group < 192) (cursor, last) = _reserve(frame, cursor, last, group);
            else (cursor, last) = _carbon(frame, cursor, last, group);
        }
    }

    function _checkGroup(Frame memory frame, uint256 cursor, uint256 group, uint256 last) private pure {
        if (fromCalldata(cursor) >> 216 <= last) revert ISettlementErrors.TradesNotAscending(_index(frame, cursor));
        uint256 period = group & 63;
        bool mayBeWhole = group < 64 || group >= 192;
        bool known = period == WHOLE_SESSION ? mayBeWhole : group < 192 && period < frame.periods;
        if (!known) revert ISettlementErrors.UnknownPeriod(_index(frame, cursor));
    }

    /// All four loops. Bound: cursor < end <= calldatasize; records are addressed only after the parties are known to exist;
    /// quantity x price is within 2^55 and fewer than 2^15 of them are added, so a delta's money is within 2^70.
    function _energy(Frame memory frame, uint256 cursor, uint256 last, uint256 group) private pure returns (uint256, uint256) {
        unchecked {
            uint256 utility = (frame.systems >> 2) & 1;
            uint256 known = frame.participants + utility;
            uint256 end = frame.end;
            uint256 cap = frame.priceCap;
            uint256 base = frame.base;
            uint256 stride = frame.stride;
            uint256 period = RECORD_PERIODS + 32 * (group & 63);
            for (; cursor < end; cursor += TRADE_BYTES) {
                uint256 word = fromCalldata(cursor);
                if (word >> 248 != group) break;
                (uint256 seller, uint256 buyer, uint256 quantity, int256 price) = _fields(word);
                bool sure;
                assembly ("memory-safe") {
                    sure := and(lt(add(seller, utility), known), lt(add(buyer, utility), known))
                    sure := and(sure, and(gt(shr(216, word), last), gt(quantity, 0)))
                    sure := and(sure, and(lt(add(price, cap), add(add(cap, cap), 1)), iszero(eq(seller, buyer))))
                }
                if (!sure) checkTrade(frame, cursor, last);
                last = word >> 216;
                seller = base + seller * stride;
                buyer = base + buyer * stride;
                _pay(seller, buyer, uint256(int256(quantity) * price) << 64);
                uint256 sold = load(seller + period) + (quantity << ENERGY);
                uint256 bought = load(buyer + period) - (quantity << ENERGY);
                uint256 low = uint256(BIAS - 1 - price);
                uint256 high = uint256(BIAS + price) << HIGHEST_PURCHASE;
                if (low > sold & PRICE_MASK) sold = (sold & ~PRICE_MASK) | low;
                if (high > bought & (PRICE_MASK << HIGHEST_PURCHASE)) bought = (bought & ~(PRICE_MASK << HIGHEST_PURCHASE)) | high;
                store(seller + period, sold);
                store(buyer + period, bought);
            }
            return (cursor, last);
        }
    }

    function _reserve(Frame memory frame, uint256 cursor, uint256 last, uint256 group) private pure returns (uint256, uint256) {
        unchecked {
            uint256 period = RECORD_PERIODS + 32 * (group & 63);
            for (; cursor < frame.end; cursor += TRADE_BYTES) {
                uint256 word = fromCalldata(cursor);
                if (word >> 248 != group) break;
                checkTrade(frame, cursor, last);
                last = word >> 216;
                (uint256 seller, uint256 buyer, uint256 quantity, int256 price) = _fields(word);
                seller = frame.base + seller * frame.stride;
                buyer = frame.base + buyer * frame.stride;
                _pay(seller, buyer, uint256(int256(quantity) * price) << 64);
                store(seller + period, load(seller + period) + (quantity << RESERVE_SOLD));
                store(buyer + period, load(buyer + period) + (quantity << RESERVE_BOUGHT));
            }
            return (cursor, last);
        }
    }

    function _carbon(Frame memory frame, uint256 cursor, uint256 last, uint256 group) private pure returns (uint256, uint256) {
        unchecked {
            for (; cursor < frame.end; cursor += TRADE_BYTES) {
                uint256 word = fromCalldata(cursor);
                if (word >> 248 != group) break;
                checkTrade(frame, cursor, last);
                last = word >> 216;
                (uint256 seller, uint256 buyer, uint256 quantity, int256 price) = _fields(word);
                seller = frame.base + seller * frame.stride;
                buyer = frame.base + buyer * frame.stride;
                _pay(seller, buyer, (uint256(int256(quantity) * price) << 64) - quantity);
            }
            return (cursor, last);
        }
    }

    function _network(Frame memory frame, uint256 cursor, uint256 last, uint256 group) private pure returns (uint256, uint256) {
        unchecked {
            bool hourly = group != WHOLE_SESSION;
            uint256 period = RECORD_PERIODS + 32 * group;
            for (; cursor < frame.end; cursor += TRADE_BYTES) {
                uint256 word = fromCalldata(cursor);
                if (word >> 248 != group) break;
                checkTrade(frame, cursor, last);
                last = word >> 216;
                (uint256 seller, uint256 buyer, uint256 quantity, int256 price) = _fields(word);
                seller = frame.base + seller * frame.stride;
                buyer = frame.base + buyer * frame.stride;
                _pay(seller, buyer, uint256(int256(quantity) * price) << 64);
                // Keys ascend and the seller is the operator: one line a prosumer and period, written onto zeros.
                if (hourly) store(buyer + period, load(buyer + period) | (quantity << CHARGED_WH) | (uint256(BIAS + price) << CHARGE));
            }
            return (cursor, last);
        }
    }

    /// Parties as signed 16-bit numbers: their records.
    function _fields(uint256 word) private pure returns (uint256 seller, uint256 buyer, uint256 quantity, int256 price) {
        assembly ("memory-safe") {
            seller := signextend(1, shr(232, word))
            buyer := signextend(1, shr(216, word))
            quantity := and(shr(184, word), 0xffffffff)
            price := signextend(2, shr(160, word))
        }
    }

    function _pay(uint256 seller, uint256 buyer, uint256 delta) private pure {
        unchecked {
            store(seller + RECORD_DELTA, load(seller + RECORD_DELTA) + delta);
            store(buyer + RECORD_DELTA, load(buyer + RECORD_DELTA) - delta);
        }
    }

    /// Everything one trade must satisfy, in the order of the predicates.
    function checkTrade(Frame memory frame, uint256 cursor, uint256 last) internal pure {
        uint256 word = fromCalldata(cursor);
        if (word >> 216 <= last) revert ISettlementErrors.TradesNotAscending(_index(frame, cursor));
        (uint256 seller, uint256 buyer, uint256 quantity, int256 price) = _fields(word);
        if (!_takesPart(frame, seller) || !_takesPart(frame, buyer)) revert ISettlementErrors.UnknownParty(_index(frame, cursor));
        if (seller == buyer) revert ISettlementErrors.SelfTrade(_index(frame, cursor));
        uint256 product = word >> 254;
        if (!_mayTrade(product, seller, buyer, frame.participants)) revert ISettlementErrors.WrongParties(_index(frame, cursor));
        if (quantity == 0) revert ISettlementErrors.ZeroQuantity(_index(frame, cursor));
        int256 cap = int256(frame.priceCap);
        if (price > cap || price < -cap) revert ISettlementErrors.PriceBeyondCap(_index(frame, cursor));
        if (word >> 248 == WHOLE_SESSION && price > 0) revert ISettlementErrors.RebatePositive(_index(frame, cursor));
        if (product < 2) return;
        unchecked {
            uint256 sellerLimits = load(frame.base + seller * frame.stride + RECORD_LIMITS);
            uint256 buyerLimits = load(frame.base + buyer * frame.stride + RECORD_LIMITS);
            bool carbon = product == 3;
            // Positions of min and max reserve price, and of min and max carbon price, in Limits.
            bool sellerRefuses = price < int24(uint24(sellerLimits >> (carbon ? 216 : 112)));
            bool buyerRefuses = price > int24(uint24(buyerLimits >> (carbon ? 192 : 136)));
            if (sellerRefuses || buyerRefuses) {
                uint32 id = idOf(frame, sellerRefuses ? seller : buyer);
                if (carbon) revert ISettlementErrors.CarbonPriceOutsideMandate(id, _index(frame, cursor));
                revert ISettlementErrors.ReservePriceOutsideMandate(id, _index(frame, cursor));
            }
        }
    }

    /// Account id of a record.
    function idOf(Frame memory frame, uint256 record) internal pure returns (uint32) {
        unchecked {
            if (record < frame.participants) return uint32(fromCalldata(frame.ids + 4 * record) >> 224);
            return uint32(record);
        }
    }

    /// A participant, or a system account whose bit is set: desk (-3) bit 0, operator (-2) bit 1, utility (-1) bit 2.
    function _takesPart(Frame memory frame, uint256 record) private pure returns (bool) {
        unchecked {
            return record < frame.participants || (record + 3 < 3 && (frame.systems >> (record + 3)) & 1 == 1);
        }
    }

    function _mayTrade(uint256 product, uint256 seller, uint256 buyer, uint256 participants) private pure returns (bool) {
        (bool sells, bool buys) = (seller < participants, buyer < participants);
        if (product == 0) return uint32(seller) == OPERATOR && buys;
        if (product == 1) return (sells || uint32(seller) == UTILITY) && (buys || uint32(buyer) == UTILITY);
        if (product == 2) return (sells || uint32(seller) == UTILITY) && buys;
        return (sells || uint32(seller) == DESK) && (buys || uint32(buyer) == DESK);
    }

    function _index(Frame memory frame, uint256 cursor) private pure returns (uint256) {
        return (cursor - frame.trades) / TRADE_BYTES;
    }
}
