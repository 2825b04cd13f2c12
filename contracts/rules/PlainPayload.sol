// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {ISettlementErrors} from "../interfaces/ISettlementErrors.sol";
import {Account, DESK} from "../types/Account.sol";
import {Limits} from "../types/Mandate.sol";
import {Book, Position, Product, SYSTEMS, Trade} from "./PlainBook.sol";

/// The bytes of a batch: its head, then groups of trades. Their form is all that is checked here.
library PlainPayload {
    uint256 internal constant GROUP_BYTES = 4;
    uint256 internal constant TRADE_BYTES = 11;
    uint256 internal constant MAX_TRADES = 32_767;

    /// The ids a payload names; of its trades it checks nothing but the form of the bytes.
    function decodeHead(bytes calldata payload, uint256 periods) internal pure returns (Book memory book) {
        if (payload.length < 3) revert ISettlementErrors.PayloadLength(payload.length);
        uint256 participants = uint16(bytes2(payload[0:2]));
        uint256 head = groupsOffset(participants, periods);
        uint8 systems = uint8(payload[2]);
        if (payload.length < head || systems > 7) revert ISettlementErrors.PayloadLength(payload.length);
        uint256 count = _countTrades(payload, head);
        if (count > MAX_TRADES || participants > MAX_TRADES) revert ISettlementErrors.TooManyTrades(count);
        uint256 accounts = participants + SYSTEMS;
        book.participants = participants;
        book.ids = new uint32[](accounts);
        book.present = new bool[](accounts);
        book.accounts = new Account[](accounts);
        book.limits = new Limits[](accounts);
        book.money = new int256[](accounts);
        book.carbon = new int256[](accounts);
        book.carbonMoney = new int256[](accounts);
        book.positions = new Position[][](accounts);
        for (uint256 k; k < accounts; ++k) {
            book.positions[k] = new Position[](periods);
            if (k < participants) {
                book.ids[k] = uint32(bytes4(payload[3 + 4 * k:7 + 4 * k]));
                book.present[k] = true;
                for (uint256 t; t < periods; ++t) {
                    uint256 offset = 3 + 4 * participants + 3 * (k * periods + t);
                    book.positions[k][t].reactiveVar = int24(uint24(bytes3(payload[offset:offset + 3])));
                }
            } else {
                book.ids[k] = DESK + uint32(k - participants);
                book.present[k] = (systems >> (k - participants)) & 1 == 1;
            }
        }
    }

    function decodeTrade(uint16 group, bytes calldata raw) internal pure returns (Trade memory trade) {
        trade.key = (uint48(group) << 32) | uint32(bytes4(raw[0:4]));
        trade.product = Product(group >> 8);
        trade.period = uint8(group);
        trade.seller = uint16(bytes2(raw[0:2]));
        trade.buyer = uint16(bytes2(raw[2:4]));
        trade.quantity = uint32(bytes4(raw[4:8]));
        trade.price = int24(uint24(bytes3(raw[8:11])));
    }

    /// Where the groups start: after the head, the ids and the reactive power.
    function groupsOffset(uint256 participants, uint256 periods) internal pure returns (uint256) {
        return 3 + participants * (4 + 3 * periods);
    }

    /// Groups of one product and period each, a count and as many trades; a batch has one form, so none is empty and no
    /// two that follow each other could be one.
    function _countTrades(bytes calldata payload, uint256 offset) private pure returns (uint256 trades) {
        uint256 last = type(uint256).max;
        while (offset < payload.length) {
            if (payload.length - offset < GROUP_BYTES) revert ISettlementErrors.PayloadLength(payload.length);
            uint256 group = uint16(bytes2(payload[offset:offset + 2]));
            uint256 count = uint16(bytes2(payload[offset + 2:offset + 4]));
            if (count == 0 || group >> 8 > uint8(type(Product).max) || group == last) {
                revert ISettlementErrors.PayloadLength(payload.length);
            }
            last = group;
            trades += count;
            offset += GROUP_BYTES + TRADE_BYTES * count;
        }
        if (offset != payload.length) revert ISettlementErrors.PayloadLength(payload.length);
    }
}
