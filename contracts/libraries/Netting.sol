// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {ISettlementErrors} from "../interfaces/ISettlementErrors.sol";
import {DESK, OPERATOR, UTILITY} from "../types/Account.sol";
import {Frame, load, RECORD_LIMITS, TRADE_BYTES, WHOLE_SESSION} from "./Frame.sol";

/**
 * Trades, group by group (one product in one period), onto the records. The one test in each loop is exact: a loop stops where
 * its group ends or where it refuses a trade, and `refuseTrade` then finds the predicate to name.
 *
 * Bounds of the four loops: the word after the payload is zero, a key that never ascends, so none reads past it; a record is
 * addressed only after its party is known to take part; quantity x price is within 2^55 and fewer than 2^15 of them are added,
 * so a delta's money is within 2^70. Scratch space holds the records' base (0) and stride (32).
 */
library Netting {
    function applyTrades(Frame memory frame) internal pure {
        uint256 cursor = frame.trades;
        uint256 last;
        while (cursor < frame.end) {
            uint256 group = load(cursor) >> 248;
            _checkGroup(frame, cursor, group, last);
            if (group < 64) (cursor, last) = _network(frame, cursor, last);
            else if (group < 128) (cursor, last) = _energy(frame, cursor, last);
            else if (group < 192) (cursor, last) = _reserve(frame, cursor, last);
            else (cursor, last) = _carbon(frame, cursor, last);
            if (cursor < frame.end && load(cursor) >> 248 == group) refuseTrade(frame, cursor, last);
        }
    }

    function _checkGroup(Frame memory frame, uint256 cursor, uint256 group, uint256 last) private pure {
        if (load(cursor) >> 216 <= last) revert ISettlementErrors.TradesNotAscending(_index(frame, cursor));
        uint256 period = group & 63;
        bool mayBeWhole = group < 64 || group >= 192;
        bool known = period == WHOLE_SESSION ? mayBeWhole : group < 192 && period < frame.periods;
        if (!known) revert ISettlementErrors.UnknownPeriod(_index(frame, cursor));
    }

    /// Frame: base 0, stride 32, participants 64, utility 160, cap 192, span 224.
    function _energy(Frame memory frame, uint256 cursor, uint256 last) private pure returns (uint256, uint256) {
        assembly ("memory-safe") {
            // utility = 1 admits record -1: shifted by one, what takes part is 0..participants.
            let utility := mload(add(frame, 160))
            let known := add(mload(add(frame, 64)), utility)
            let cap := mload(add(frame, 192))
            let span := mload(add(frame, 224))
            let next := shr(248, mload(cursor))
            // Through memory: what is read from it the compiler keeps instead of working it out anew for each trade.
            mstore(0, add(64, shl(5, and(next, 63))))
            let period := mload(0)
            next := shl(32, add(next, 1))
            mstore(0, mload(frame))
            mstore(32, mload(add(frame, 32)))
            for {} 1 {
                cursor := add(cursor, 12)
            } {
                let key := shr(216, mload(cursor))
                let seller := sar(240, mload(add(cursor, 1)))
                let buyer := sar(240, mload(add(cursor, 3)))
                let quantity := shr(224, mload(add(cursor, 5)))
                let price := sar(232, mload(add(cursor, 9)))
                {
                    let fine := and(gt(key, last), lt(key, next))
                    fine := and(fine, and(lt(add(seller, utility), known), lt(add(buyer, utility), known)))
                    fine := and(fine, lt(add(price, cap), span))
                    // The product is zero if any factor is: two parties, and a quantity.
                    if iszero(mul(fine, mul(quantity, sub(seller, buyer)))) {
                        break
                    }
                }
                last := key
                seller := add(mload(0), mul(seller, mload(32)))
                buyer := add(mload(0), mul(buyer, mload(32)))
                {
                    let delta := shl(64, mul(quantity, price))
                    mstore(seller, add(mload(seller), delta))
                    mstore(buyer, sub(mload(buyer), delta))
                }
                quantity := shl(200, quantity)
                // An extreme grows by what the price is beyond it, if it is.
                seller := add(seller, period)
                let position := mload(seller)
                let beyond := sub(sub(0x7fffff, price), and(position, 0xffffff))
                mstore(seller, add(add(position, quantity), mul(beyond, sgt(beyond, 0))))
                buyer := add(buyer, period)
                position := mload(buyer)
                beyond := sub(add(price, 0x800000), and(shr(24, position), 0xffffff))
                mstore(buyer, add(sub(position, quantity), shl(24, mul(beyond, sgt(beyond, 0)))))
            }
        }
        return (cursor, last);
    }

    /// Frame as above. Limits: lowest reserve price sold at bit 112, highest bought at 136.
    function _reserve(Frame memory frame, uint256 cursor, uint256 last) private pure returns (uint256, uint256) {
        assembly ("memory-safe") {
            let utility := mload(add(frame, 160))
            let participants := mload(add(frame, 64))
            let cap := mload(add(frame, 192))
            let span := mload(add(frame, 224))
            let next := shr(248, mload(cursor))
            let period := add(64, shl(5, and(next, 63)))
            next := shl(32, add(next, 1))
            mstore(0, mload(frame))
            mstore(32, mload(add(frame, 32)))
            for {} 1 {
                cursor := add(cursor, 12)
            } {
                let key := shr(216, mload(cursor))
                let seller := sar(240, mload(add(cursor, 1)))
                let buyer := sar(240, mload(add(cursor, 3)))
                let quantity := shr(224, mload(add(cursor, 5)))
                let price := sar(232, mload(add(cursor, 9)))
                {
                    let fine := and(gt(key, last), lt(key, next))
                    fine := and(fine, lt(add(seller, utility), add(participants, utility)))
                    fine := and(fine, and(lt(buyer, participants), lt(add(price, cap), span)))
                    if iszero(mul(fine, mul(quantity, sub(seller, buyer)))) {
                        break
                    }
                }
                seller := add(mload(0), mul(seller, mload(32)))
                buyer := add(mload(0), mul(buyer, mload(32)))
                if or(
                    slt(price, sar(232, shl(120, mload(add(seller, 32))))),
                    sgt(price, sar(232, shl(96, mload(add(buyer, 32)))))
                ) {
                    break
                }
                last := key
                let delta := shl(64, mul(quantity, price))
                mstore(seller, add(mload(seller), delta))
                mstore(buyer, sub(mload(buyer), delta))
                seller := add(seller, period)
                mstore(seller, add(mload(seller), shl(104, quantity)))
                buyer := add(buyer, period)
                mstore(buyer, add(mload(buyer), shl(152, quantity)))
            }
        }
        return (cursor, last);
    }

    /// Frame as above, desk 128. Limits: highest carbon price bought at bit 192, lowest sold at 216.
    function _carbon(Frame memory frame, uint256 cursor, uint256 last) private pure returns (uint256, uint256) {
        assembly ("memory-safe") {
            mstore(0, mload(frame))
            mstore(32, mload(add(frame, 32)))
            // desk = -3 where it takes part, otherwise a number that no party has.
            let desk := mload(add(frame, 128))
            let participants := mload(add(frame, 64))
            let cap := mload(add(frame, 192))
            let span := mload(add(frame, 224))
            for {} 1 {
                cursor := add(cursor, 12)
            } {
                let key := shr(216, mload(cursor))
                let seller := sar(240, mload(add(cursor, 1)))
                let buyer := sar(240, mload(add(cursor, 3)))
                let quantity := shr(224, mload(add(cursor, 5)))
                let price := sar(232, mload(add(cursor, 9)))
                {
                    // No group comes after this one, so its end needs no test.
                    let fine := gt(key, last)
                    fine := and(fine, or(lt(seller, participants), eq(seller, desk)))
                    fine := and(fine, or(lt(buyer, participants), eq(buyer, desk)))
                    fine := and(fine, lt(add(price, cap), span))
                    if iszero(mul(fine, mul(quantity, sub(seller, buyer)))) {
                        break
                    }
                }
                seller := add(mload(0), mul(seller, mload(32)))
                buyer := add(mload(0), mul(buyer, mload(32)))
                if or(
                    slt(price, sar(232, shl(16, mload(add(seller, 32))))),
                    sgt(price, sar(232, shl(40, mload(add(buyer, 32)))))
                ) {
                    break
                }
                last := key
                let delta := sub(shl(64, mul(quantity, price)), quantity)
                mstore(seller, add(mload(seller), delta))
                mstore(buyer, sub(mload(buyer), delta))
            }
        }
        return (cursor, last);
    }

    /// Frame as above, systems 256. The seller is the operator, record -2.
    function _network(Frame memory frame, uint256 cursor, uint256 last) private pure returns (uint256, uint256) {
        assembly ("memory-safe") {
            let base := mload(frame)
            let stride := mload(add(frame, 32))
            let operator := sub(base, shl(1, stride))
            let cap := mload(add(frame, 192))
            let span := mload(add(frame, 224))
            let group := shr(248, mload(cursor))
            let hourly := lt(group, 63)
            let period := add(64, shl(5, group))
            // Keys of this group whose seller is the operator, who takes part, and whose buyer is a prosumer.
            let first := shl(16, or(shl(16, group), 0xfffe))
            let buyers := mul(mload(add(frame, 64)), and(shr(1, mload(add(frame, 256))), 1))
            for {} 1 {
                cursor := add(cursor, 12)
            } {
                let key := shr(216, mload(cursor))
                let buyer := sub(key, first)
                let quantity := shr(224, mload(add(cursor, 5)))
                let price := sar(232, mload(add(cursor, 9)))
                {
                    let fine := and(gt(key, last), lt(buyer, buyers))
                    fine := and(fine, lt(add(price, cap), span))
                    fine := and(fine, or(hourly, iszero(sgt(price, 0))))
                    if iszero(mul(fine, quantity)) {
                        break
                    }
                }
                last := key
                buyer := add(base, mul(buyer, stride))
                let delta := shl(64, mul(quantity, price))
                mstore(operator, add(mload(operator), delta))
                mstore(buyer, sub(mload(buyer), delta))
                if hourly {
                    // Keys ascend and the seller is the operator: one line a prosumer and period, written onto zeros.
                    buyer := add(buyer, period)
                    mstore(buyer, or(mload(buyer), or(shl(72, quantity), shl(48, add(price, 0x800000)))))
                }
            }
        }
        return (cursor, last);
    }

    /// Reverts with the first predicate the trade violates. Only trades that violate one come here.
    function refuseTrade(Frame memory frame, uint256 cursor, uint256 last) internal pure {
        uint256 word = load(cursor);
        uint256 i = _index(frame, cursor);
        if (word >> 216 <= last) revert ISettlementErrors.TradesNotAscending(i);
        uint256 seller;
        uint256 buyer;
        int256 price;
        assembly ("memory-safe") {
            seller := signextend(1, shr(232, word))
            buyer := signextend(1, shr(216, word))
            price := signextend(2, shr(160, word))
        }
        if (!_takesPart(frame, seller) || !_takesPart(frame, buyer)) revert ISettlementErrors.UnknownParty(i);
        if (seller == buyer) revert ISettlementErrors.SelfTrade(i);
        uint256 product = word >> 254;
        if (!_mayTrade(product, seller, buyer, frame.participants)) revert ISettlementErrors.WrongParties(i);
        if (uint32(word >> 184) == 0) revert ISettlementErrors.ZeroQuantity(i);
        int256 cap = int256(frame.cap);
        if (price > cap || price < -cap) revert ISettlementErrors.PriceBeyondCap(i);
        if (product == 0) revert ISettlementErrors.RebatePositive(i);
        unchecked {
            // Bound: both records exist, so base + record x stride is within them, also for the negative ones.
            uint256 limits = load(frame.base + seller * frame.stride + RECORD_LIMITS);
            bool sellerRefuses = price < int24(uint24(limits >> (product == 2 ? 112 : 216)));
            uint32 id = idOf(frame, sellerRefuses ? seller : buyer);
            if (product == 2) revert ISettlementErrors.ReservePriceOutsideMandate(id, i);
            revert ISettlementErrors.CarbonPriceOutsideMandate(id, i);
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

    function _mayTrade(
        uint256 product,
        uint256 seller,
        uint256 buyer,
        uint256 participants
    ) private pure returns (bool) {
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
