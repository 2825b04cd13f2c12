// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {ISettlementErrors} from "../interfaces/ISettlementErrors.sol";
import {DESK, OPERATOR, UTILITY} from "../types/Account.sol";
import {Frame, fromCalldata, load, RECORD_LIMITS, TRADE_BYTES, WHOLE_SESSION} from "./Frame.sol";

/**
 * Trades, group by group (one product in one period), onto the records. The test in each loop is exact; where it fails,
 * `refuseTrade` finds the predicate to name.
 *
 * Bounds of the four loops: calldata is read up to `end`, which lies within it; a record is addressed only after its party is
 * known to take part; quantity x price is within 2^55 and fewer than 2^15 of them are added, so a delta's money is within 2^70.
 */
library Netting {
    function applyTrades(Frame memory frame) internal pure {
        uint256 cursor = frame.trades;
        uint256 last;
        while (cursor < frame.end) {
            uint256 group = fromCalldata(cursor) >> 248;
            _checkGroup(frame, cursor, group, last);
            bool refused;
            if (group < 64) (cursor, last, refused) = _network(frame, cursor, last, group);
            else if (group < 128) (cursor, last, refused) = _energy(frame, cursor, last, group);
            else if (group < 192) (cursor, last, refused) = _reserve(frame, cursor, last, group);
            else (cursor, last, refused) = _carbon(frame, cursor, last, group);
            if (refused) refuseTrade(frame, cursor, last);
        }
    }

    function _checkGroup(Frame memory frame, uint256 cursor, uint256 group, uint256 last) private pure {
        if (fromCalldata(cursor) >> 216 <= last) revert ISettlementErrors.TradesNotAscending(_index(frame, cursor));
        uint256 period = group & 63;
        bool mayBeWhole = group < 64 || group >= 192;
        bool known = period == WHOLE_SESSION ? mayBeWhole : group < 192 && period < frame.periods;
        if (!known) revert ISettlementErrors.UnknownPeriod(_index(frame, cursor));
    }

    /// Frame: base 0, stride 32, participants 64, utility 160, cap 192, span 224, end 352.
    function _energy(
        Frame memory frame,
        uint256 cursor,
        uint256 last,
        uint256 group
    ) private pure returns (uint256, uint256, bool refused) {
        assembly ("memory-safe") {
            let end := mload(add(frame, 352))
            let period := add(96, shl(5, and(group, 63)))
            for {} lt(cursor, end) {
                cursor := add(cursor, 12)
            } {
                let word := calldataload(cursor)
                if xor(shr(248, word), group) {
                    break
                }
                let seller := signextend(1, shr(232, word))
                let buyer := signextend(1, shr(216, word))
                let quantity := and(shr(184, word), 0xffffffff)
                let price := signextend(2, shr(160, word))
                {
                    // utility = 1 admits record -1: shifted by one, what takes part is 0..participants.
                    let utility := mload(add(frame, 160))
                    let known := add(mload(add(frame, 64)), utility)
                    let fine := and(lt(add(seller, utility), known), lt(add(buyer, utility), known))
                    fine := and(fine, lt(add(price, mload(add(frame, 192))), mload(add(frame, 224))))
                    refused := iszero(and(fine, and(gt(shr(216, word), last), gt(quantity, 0))))
                    refused := or(refused, eq(seller, buyer))
                }
                if refused {
                    break
                }
                last := shr(216, word)
                let stride := mload(add(frame, 32))
                seller := add(mload(frame), mul(seller, stride))
                buyer := add(mload(frame), mul(buyer, stride))
                let delta := shl(64, mul(quantity, price))
                mstore(add(seller, 64), add(mload(add(seller, 64)), delta))
                mstore(add(buyer, 64), sub(mload(add(buyer, 64)), delta))
                quantity := shl(200, quantity)
                seller := add(seller, period)
                let position := add(mload(seller), quantity)
                let extreme := sub(0x7fffff, price)
                if gt(extreme, and(position, 0xffffff)) {
                    position := or(shl(24, shr(24, position)), extreme)
                }
                mstore(seller, position)
                buyer := add(buyer, period)
                position := sub(mload(buyer), quantity)
                extreme := shl(24, add(price, 0x800000))
                if gt(extreme, and(position, 0xffffff000000)) {
                    position := or(and(position, not(0xffffff000000)), extreme)
                }
                mstore(buyer, position)
            }
        }
        return (cursor, last, refused);
    }

    /// Frame as above. Limits: lowest reserve price sold at bit 112, highest bought at 136.
    function _reserve(
        Frame memory frame,
        uint256 cursor,
        uint256 last,
        uint256 group
    ) private pure returns (uint256, uint256, bool refused) {
        assembly ("memory-safe") {
            let end := mload(add(frame, 352))
            let period := add(96, shl(5, and(group, 63)))
            for {} lt(cursor, end) {
                cursor := add(cursor, 12)
            } {
                let word := calldataload(cursor)
                if xor(shr(248, word), group) {
                    break
                }
                let seller := signextend(1, shr(232, word))
                let buyer := signextend(1, shr(216, word))
                let quantity := and(shr(184, word), 0xffffffff)
                let price := signextend(2, shr(160, word))
                {
                    let utility := mload(add(frame, 160))
                    let participants := mload(add(frame, 64))
                    let fine := and(lt(add(seller, utility), add(participants, utility)), lt(buyer, participants))
                    fine := and(fine, lt(add(price, mload(add(frame, 192))), mload(add(frame, 224))))
                    fine := and(fine, and(gt(shr(216, word), last), gt(quantity, 0)))
                    refused := or(iszero(fine), eq(seller, buyer))
                }
                if refused {
                    break
                }
                {
                    let stride := mload(add(frame, 32))
                    seller := add(mload(frame), mul(seller, stride))
                    buyer := add(mload(frame), mul(buyer, stride))
                }
                refused := slt(price, signextend(2, shr(112, mload(add(seller, 32)))))
                refused := or(refused, sgt(price, signextend(2, shr(136, mload(add(buyer, 32))))))
                if refused {
                    break
                }
                last := shr(216, word)
                let delta := shl(64, mul(quantity, price))
                mstore(add(seller, 64), add(mload(add(seller, 64)), delta))
                mstore(add(buyer, 64), sub(mload(add(buyer, 64)), delta))
                seller := add(seller, period)
                mstore(seller, add(mload(seller), shl(104, quantity)))
                buyer := add(buyer, period)
                mstore(buyer, add(mload(buyer), shl(152, quantity)))
            }
        }
        return (cursor, last, refused);
    }

    /// Frame as above, desk 128. Limits: highest carbon price bought at bit 192, lowest sold at 216.
    function _carbon(
        Frame memory frame,
        uint256 cursor,
        uint256 last,
        uint256 group
    ) private pure returns (uint256, uint256, bool refused) {
        assembly ("memory-safe") {
            let end := mload(add(frame, 352))
            for {} lt(cursor, end) {
                cursor := add(cursor, 12)
            } {
                let word := calldataload(cursor)
                if xor(shr(248, word), group) {
                    break
                }
                let seller := signextend(1, shr(232, word))
                let buyer := signextend(1, shr(216, word))
                let quantity := and(shr(184, word), 0xffffffff)
                let price := signextend(2, shr(160, word))
                {
                    // desk = -3 where it takes part, otherwise a number that no party has.
                    let desk := mload(add(frame, 128))
                    let participants := mload(add(frame, 64))
                    let fine := or(lt(seller, participants), eq(seller, desk))
                    fine := and(fine, or(lt(buyer, participants), eq(buyer, desk)))
                    fine := and(fine, lt(add(price, mload(add(frame, 192))), mload(add(frame, 224))))
                    fine := and(fine, and(gt(shr(216, word), last), gt(quantity, 0)))
                    refused := or(iszero(fine), eq(seller, buyer))
                }
                if refused {
                    break
                }
                {
                    let stride := mload(add(frame, 32))
                    seller := add(mload(frame), mul(seller, stride))
                    buyer := add(mload(frame), mul(buyer, stride))
                }
                refused := slt(price, signextend(2, shr(216, mload(add(seller, 32)))))
                refused := or(refused, sgt(price, signextend(2, shr(192, mload(add(buyer, 32))))))
                if refused {
                    break
                }
                last := shr(216, word)
                let delta := sub(shl(64, mul(quantity, price)), quantity)
                mstore(add(seller, 64), add(mload(add(seller, 64)), delta))
                mstore(add(buyer, 64), sub(mload(add(buyer, 64)), delta))
            }
        }
        return (cursor, last, refused);
    }

    /// Frame as above, systems 256. The seller is the operator, record -2.
    function _network(
        Frame memory frame,
        uint256 cursor,
        uint256 last,
        uint256 group
    ) private pure returns (uint256, uint256, bool refused) {
        assembly ("memory-safe") {
            let end := mload(add(frame, 352))
            let hourly := lt(group, 63)
            let operator := sub(mload(frame), shl(1, mload(add(frame, 32))))
            for {} lt(cursor, end) {
                cursor := add(cursor, 12)
            } {
                let word := calldataload(cursor)
                if xor(shr(248, word), group) {
                    break
                }
                let buyer := signextend(1, shr(216, word))
                let quantity := and(shr(184, word), 0xffffffff)
                let price := signextend(2, shr(160, word))
                {
                    let fine := and(eq(and(shr(232, word), 0xffff), 0xfffe), shr(1, and(mload(add(frame, 256)), 2)))
                    fine := and(fine, lt(buyer, mload(add(frame, 64))))
                    fine := and(fine, lt(add(price, mload(add(frame, 192))), mload(add(frame, 224))))
                    fine := and(fine, and(gt(shr(216, word), last), gt(quantity, 0)))
                    refused := iszero(and(fine, or(hourly, iszero(sgt(price, 0)))))
                }
                if refused {
                    break
                }
                last := shr(216, word)
                buyer := add(mload(frame), mul(buyer, mload(add(frame, 32))))
                let delta := shl(64, mul(quantity, price))
                mstore(add(operator, 64), add(mload(add(operator, 64)), delta))
                mstore(add(buyer, 64), sub(mload(add(buyer, 64)), delta))
                if hourly {
                    // Keys ascend and the seller is the operator: one line a prosumer and period, written onto zeros.
                    buyer := add(add(buyer, 96), shl(5, group))
                    mstore(buyer, or(mload(buyer), or(shl(72, quantity), shl(48, add(price, 0x800000)))))
                }
            }
        }
        return (cursor, last, refused);
    }

    /// Reverts with the first predicate the trade violates. Only trades that violate one come here.
    function refuseTrade(Frame memory frame, uint256 cursor, uint256 last) internal pure {
        uint256 word = fromCalldata(cursor);
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
            if (record < frame.participants) return uint32(fromCalldata(frame.ids + 4 * record) >> 224);
            return uint32(record);
        }
    }

    /// A participant, or a system account whose bit is set: desk (-3) bit 0, operator (-2) bit 1, utility (-1) bit 2.
    function _takesPart(Frame memory frame, uint256 record) private pure returns (bool) {
        unchecked {
            // Bound: wraps on purpose, so that -3..-1 become 0..2.
            return record < frame.participants || (record + 3 < 3 && (frame.systems >> (record + 3)) & 1 == 1);
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
