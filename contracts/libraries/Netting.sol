// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {ISettlementErrors} from "../interfaces/ISettlementErrors.sol";
import {DESK, OPERATOR, UTILITY} from "../types/Account.sol";
import {
    CHARGED_WH,
    ENERGY,
    Frame,
    FRAME_BASE,
    FRAME_CAP,
    FRAME_DESK,
    FRAME_PARTICIPANTS,
    FRAME_PER_HOUR,
    FRAME_SPAN,
    FRAME_STRIDE,
    FRAME_SYSTEMS,
    FRAME_UTILITY,
    GROUP_BYTES,
    load,
    MAX_RESERVE_PRICE,
    MIN_RESERVE_PRICE,
    RECORD_ALLOWANCES,
    RECORD_LIMITS,
    RECORD_PERIODS,
    RESERVE_BOUGHT,
    RESERVE_SOLD,
    TRADE_BYTES,
    WHOLE_SESSION
} from "./Frame.sol";

/**
 * Trades, group by group (one product in one period), onto the records. The one test in each loop is exact: a loop
 * stops where its group ends or where it refuses a trade, and `refuseTrade` then finds the predicate to name.
 *
 * Bounds of the four loops: a record is addressed only after its party is known to take part; quantity x price is
 * within 2^55 and fewer than 2^15 of them are added, so money is within 2^70. Scratch space holds the records' base (0)
 * and stride (32). `next` is the lowest key, seller and buyer, that may follow.
 */
library Netting {
    function applyTrades(Frame memory frame) internal pure {
        unchecked {
            // Bound: the groups' counts tile the payload, see Market.
            uint256 cursor = frame.groups;
            uint256 last;
            uint256 before;
            while (cursor < frame.end) {
                uint256 head = load(cursor);
                uint256 group = head >> 240;
                uint256 product = group >> 8;
                uint256 period = group & 0xff;
                if (group < last) revert ISettlementErrors.TradesNotAscending(before);
                bool mayBeWhole = product == 0 || product == 3;
                bool known = period == WHOLE_SESSION ? mayBeWhole : product != 3 && period < frame.periods;
                if (!known) revert ISettlementErrors.UnknownPeriod(before);
                cursor += GROUP_BYTES;
                uint256 count = uint16(head >> 224);
                uint256 end = cursor + TRADE_BYTES * count;
                uint256 stopped;
                if (product == 0) stopped = _network(frame, cursor, end, period);
                else if (product == 1) stopped = _energy(frame, cursor, end, period);
                else if (product == 2) stopped = _reserve(frame, cursor, end, period);
                else stopped = _carbon(frame, cursor, end);
                if (stopped != end) refuseTrade(frame, product, cursor, stopped, before);
                (cursor, last) = (end, group);
                before += count;
            }
        }
    }

    function _energy(Frame memory frame, uint256 cursor, uint256 end, uint256 period) private pure returns (uint256) {
        assembly ("memory-safe") {
            // utility = 1 admits record -1: shifted by one, what takes part is 0..participants.
            let utility := mload(add(frame, FRAME_UTILITY))
            let known := add(mload(add(frame, FRAME_PARTICIPANTS)), utility)
            let cap := mload(add(frame, FRAME_CAP))
            let span := mload(add(frame, FRAME_SPAN))
            let next := 0
            // The period's word of record 0. Through memory: what is read from it the compiler keeps.
            mstore(0, add(mload(add(frame, FRAME_BASE)), add(RECORD_PERIODS, shl(5, period))))
            mstore(32, mload(add(frame, FRAME_STRIDE)))
            for {} lt(cursor, end) {
                cursor := add(cursor, TRADE_BYTES)
            } {
                let word := mload(cursor)
                let key := shr(224, word)
                let seller := sar(240, word)
                let buyer := sar(240, shl(16, word))
                let quantity := and(shr(192, word), 0xffffffff)
                let price := sar(232, shl(64, word))
                {
                    let fine := and(lt(add(seller, utility), known), lt(add(buyer, utility), known))
                    fine := and(fine, and(iszero(lt(key, next)), lt(add(price, cap), span)))
                    // The product is zero if any factor is: two parties, and a quantity.
                    if iszero(mul(fine, mul(quantity, sub(seller, buyer)))) {
                        break
                    }
                }
                next := add(key, 1)
                seller := add(mload(0), mul(seller, mload(32)))
                buyer := add(mload(0), mul(buyer, mload(32)))
                let change := add(shl(ENERGY, quantity), mul(quantity, price))
                mstore(seller, add(mload(seller), change))
                mstore(buyer, sub(mload(buyer), change))
            }
        }
        return cursor;
    }

    /// A mandate's reserve prices are those of an hour: a period's price is compared times the periods in an hour.
    /// What the operator charges for responses is reserve that it sells; it takes part only beside the utility.
    function _reserve(Frame memory frame, uint256 cursor, uint256 end, uint256 period) private pure returns (uint256) {
        assembly ("memory-safe") {
            // 1 admits record -1 (the utility), 2 record -2 (the operator) as well: shifted, what may sell is
            // 0..sellers.
            let shift := mload(add(frame, FRAME_UTILITY))
            shift := add(shift, and(shift, shr(1, mload(add(frame, FRAME_SYSTEMS)))))
            let participants := mload(add(frame, FRAME_PARTICIPANTS))
            let cap := mload(add(frame, FRAME_CAP))
            let span := mload(add(frame, FRAME_SPAN))
            let perHour := mload(add(frame, FRAME_PER_HOUR))
            let next := 0
            period := add(RECORD_PERIODS, shl(5, period))
            mstore(0, mload(add(frame, FRAME_BASE)))
            mstore(32, mload(add(frame, FRAME_STRIDE)))
            for {} lt(cursor, end) {
                cursor := add(cursor, TRADE_BYTES)
            } {
                let word := mload(cursor)
                let key := shr(224, word)
                let seller := sar(240, word)
                let buyer := and(key, 0xffff)
                let quantity := and(shr(192, word), 0xffffffff)
                let price := sar(232, shl(64, word))
                {
                    let fine := and(iszero(lt(key, next)), lt(add(seller, shift), add(participants, shift)))
                    fine := and(fine, and(lt(buyer, participants), lt(add(price, cap), span)))
                    if iszero(mul(fine, mul(quantity, sub(seller, buyer)))) {
                        break
                    }
                }
                seller := add(mload(0), mul(seller, mload(32)))
                buyer := add(mload(0), mul(buyer, mload(32)))
                {
                    let hourly := mul(price, perHour)
                    if or(
                        slt(hourly, signextend(2, shr(MIN_RESERVE_PRICE, mload(add(seller, RECORD_LIMITS))))),
                        sgt(hourly, signextend(2, shr(MAX_RESERVE_PRICE, mload(add(buyer, RECORD_LIMITS)))))
                    ) {
                        break
                    }
                }
                next := add(key, 1)
                let nano := mul(quantity, price)
                mstore(seller, add(mload(seller), nano))
                mstore(buyer, sub(mload(buyer), nano))
                seller := add(seller, period)
                mstore(seller, add(mload(seller), shl(RESERVE_SOLD, quantity)))
                buyer := add(buyer, period)
                mstore(buyer, add(mload(buyer), shl(RESERVE_BOUGHT, quantity)))
            }
        }
        return cursor;
    }

    function _carbon(Frame memory frame, uint256 cursor, uint256 end) private pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(0, add(mload(add(frame, FRAME_BASE)), RECORD_ALLOWANCES))
            mstore(32, mload(add(frame, FRAME_STRIDE)))
            // desk = -3 where it takes part, otherwise a number that no party has.
            let desk := mload(add(frame, FRAME_DESK))
            let participants := mload(add(frame, FRAME_PARTICIPANTS))
            let cap := mload(add(frame, FRAME_CAP))
            let span := mload(add(frame, FRAME_SPAN))
            let next := 0
            for {} lt(cursor, end) {
                cursor := add(cursor, TRADE_BYTES)
            } {
                let word := mload(cursor)
                let key := shr(224, word)
                let seller := sar(240, word)
                let buyer := sar(240, shl(16, word))
                let quantity := and(shr(192, word), 0xffffffff)
                let price := sar(232, shl(64, word))
                {
                    let fine := and(iszero(lt(key, next)), lt(add(price, cap), span))
                    fine := and(fine, or(lt(seller, participants), eq(seller, desk)))
                    fine := and(fine, or(lt(buyer, participants), eq(buyer, desk)))
                    if iszero(mul(fine, mul(quantity, sub(seller, buyer)))) {
                        break
                    }
                }
                next := add(key, 1)
                seller := add(mload(0), mul(seller, mload(32)))
                buyer := add(mload(0), mul(buyer, mload(32)))
                let change := sub(shl(64, mul(quantity, price)), quantity)
                mstore(seller, add(mload(seller), change))
                mstore(buyer, sub(mload(buyer), change))
            }
        }
        return cursor;
    }

    /// The seller is the operator, record -2.
    function _network(Frame memory frame, uint256 cursor, uint256 end, uint256 period) private pure returns (uint256) {
        assembly ("memory-safe") {
            let base := mload(add(frame, FRAME_BASE))
            let stride := mload(add(frame, FRAME_STRIDE))
            let operator := sub(base, shl(1, stride))
            let cap := mload(add(frame, FRAME_CAP))
            let span := mload(add(frame, FRAME_SPAN))
            let hourly := lt(period, WHOLE_SESSION)
            period := add(RECORD_PERIODS, shl(5, period))
            // Whose buyer is a prosumer, if the operator takes part.
            let buyers := mul(mload(add(frame, FRAME_PARTICIPANTS)), and(shr(1, mload(add(frame, FRAME_SYSTEMS))), 1))
            let next := 0
            for {} lt(cursor, end) {
                cursor := add(cursor, TRADE_BYTES)
            } {
                let word := mload(cursor)
                // Keys whose seller is the operator, less that: the buyer.
                let buyer := sub(shr(224, word), 0xfffe0000)
                let quantity := and(shr(192, word), 0xffffffff)
                let price := sar(232, shl(64, word))
                {
                    let fine := and(iszero(lt(buyer, next)), lt(buyer, buyers))
                    fine := and(fine, lt(add(price, cap), span))
                    fine := and(fine, or(hourly, iszero(sgt(price, 0))))
                    if iszero(mul(fine, quantity)) {
                        break
                    }
                }
                next := add(buyer, 1)
                buyer := add(base, mul(buyer, stride))
                let nano := mul(quantity, price)
                mstore(operator, add(mload(operator), nano))
                switch hourly
                case 0 {
                    mstore(buyer, sub(mload(buyer), nano))
                }
                default {
                    // Keys ascend and the seller is the operator: one line a prosumer and period, onto no charged Wh.
                    buyer := add(buyer, period)
                    mstore(buyer, sub(add(mload(buyer), shl(CHARGED_WH, quantity)), nano))
                }
            }
        }
        return cursor;
    }

    /// Reverts with the first predicate that the trade at `cursor` violates; `first` and `before`: where its group's
    /// trades start, and how many there are before the group. Only trades that violate one come here.
    function refuseTrade(
        Frame memory frame,
        uint256 product,
        uint256 first,
        uint256 cursor,
        uint256 before
    ) internal pure {
        uint256 word = load(cursor);
        uint256 i = before + (cursor - first) / TRADE_BYTES;
        if (cursor > first && word >> 224 <= load(cursor - TRADE_BYTES) >> 224) {
            revert ISettlementErrors.TradesNotAscending(i);
        }
        uint256 seller;
        uint256 buyer;
        int256 price;
        assembly ("memory-safe") {
            seller := sar(240, word)
            buyer := sar(240, shl(16, word))
            price := sar(232, shl(64, word))
        }
        if (!_takesPart(frame, seller) || !_takesPart(frame, buyer)) revert ISettlementErrors.UnknownParty(i);
        if (seller == buyer) revert ISettlementErrors.SelfTrade(i);
        if (!_mayTrade(frame, product, seller, buyer)) revert ISettlementErrors.WrongParties(i);
        if (uint32(word >> 192) == 0) revert ISettlementErrors.ZeroQuantity(i);
        int256 cap = int256(frame.cap);
        if (price > cap || price < -cap) revert ISettlementErrors.PriceBeyondCap(i);
        if (product == 0) revert ISettlementErrors.RebatePositive(i);
        unchecked {
            // Bound: both records exist, so base + record x stride is within them, also for the negative ones.
            uint256 limits = load(frame.base + seller * frame.stride + RECORD_LIMITS);
            bool sellerRefuses = price * int256(frame.perHour) < int24(uint24(limits >> MIN_RESERVE_PRICE));
            revert ISettlementErrors.ReservePriceOutsideMandate(idOf(frame, sellerRefuses ? seller : buyer), i);
        }
    }

    /// Account id of a record.
    function idOf(Frame memory frame, uint256 record) internal pure returns (uint32) {
        unchecked {
            // Bound: a record below participants has its four bytes in the payload; -1, -2, -3 are the ids themselves.
            if (record < frame.participants) return uint32(load(frame.ids + 4 * record) >> 224);
            return uint32(record);
        }
    }

    /// A participant, or a system account whose bit is set: desk (-3) bit 0, operator (-2) bit 1, utility (-1) bit 2.
    function _takesPart(Frame memory frame, uint256 record) private pure returns (bool) {
        unchecked {
            // Bound: wraps on purpose, so that -3..-1 become 0..2; `systems` has no bit beyond.
            return record < frame.participants || (frame.systems >> (record + 3)) & 1 == 1;
        }
    }

    function _mayTrade(Frame memory frame, uint256 product, uint256 seller, uint256 buyer) private pure returns (bool) {
        (bool sells, bool buys) = (seller < frame.participants, buyer < frame.participants);
        if (product == 0) return uint32(seller) == OPERATOR && buys;
        if (product == 1) return (sells || uint32(seller) == UTILITY) && (buys || uint32(buyer) == UTILITY);
        if (product == 2) {
            bool charges = uint32(seller) == OPERATOR && frame.utility == 1;
            return (sells || charges || uint32(seller) == UTILITY) && buys;
        }
        return (sells || uint32(seller) == DESK) && (buys || uint32(buyer) == DESK);
    }
}
