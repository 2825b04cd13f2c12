// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {ISettlementErrors} from "../interfaces/ISettlementErrors.sol";
import {Book, Position, Product, SESSION_PERIOD, Terms, Trade} from "./PlainBook.sol";
import {PlainPayload} from "./PlainPayload.sol";

/// One trade after the other: who may trade what with whom, and what it moves.
library PlainTrades {
    function applyTrades(bytes calldata payload, Book memory book, Terms memory terms) internal pure {
        uint256 offset = PlainPayload.groupsOffset(book.participants, terms.periods);
        uint256 i;
        uint48 least;
        while (offset < payload.length) {
            uint16 group = uint16(bytes2(payload[offset:offset + 2]));
            uint256 end = i + uint16(bytes2(payload[offset + 2:offset + 4]));
            offset += PlainPayload.GROUP_BYTES;
            for (; i < end; ++i) {
                Trade memory trade = PlainPayload.decodeTrade(group, payload[offset:offset + PlainPayload.TRADE_BYTES]);
                if (trade.key < least) revert ISettlementErrors.TradesNotAscending(i);
                _checkTrade(trade, i, book, terms);
                _net(trade, book);
                least = trade.key + 1;
                offset += PlainPayload.TRADE_BYTES;
            }
        }
    }

    function _checkTrade(Trade memory trade, uint256 i, Book memory book, Terms memory terms) private pure {
        bool wholeSession = trade.period == SESSION_PERIOD;
        bool mayBeWhole = trade.product == Product.Network || trade.product == Product.Carbon;
        bool mayBeHourly = trade.product != Product.Carbon;
        if (wholeSession ? !mayBeWhole : !(mayBeHourly && trade.period < terms.periods))
            revert ISettlementErrors.UnknownPeriod(i);
        trade.seller = _position(trade.seller, i, book);
        trade.buyer = _position(trade.buyer, i, book);
        if (trade.seller == trade.buyer) revert ISettlementErrors.SelfTrade(i);
        if (!_mayTrade(trade.product, trade.seller, trade.buyer, book)) revert ISettlementErrors.WrongParties(i);
        if (trade.quantity == 0) revert ISettlementErrors.ZeroQuantity(i);
        int256 cap = int256(uint256(terms.priceCap));
        if (trade.price > cap || trade.price < -cap) revert ISettlementErrors.PriceBeyondCap(i);
        if (trade.product == Product.Network && wholeSession && trade.price > 0)
            revert ISettlementErrors.RebatePositive(i);
        if (trade.product != Product.Reserve) return;
        // A mandate's reserve prices are those of an hour.
        int256 hourly = trade.price * int256(3600 / terms.periodSeconds);
        if (hourly < book.limits[trade.seller].minReservePrice)
            revert ISettlementErrors.ReservePriceOutsideMandate(book.ids[trade.seller], i);
        if (hourly > book.limits[trade.buyer].maxReservePrice)
            revert ISettlementErrors.ReservePriceOutsideMandate(book.ids[trade.buyer], i);
    }

    /// Payload index of a party -> its place in the book.
    function _position(uint256 party, uint256 i, Book memory book) private pure returns (uint256 place) {
        place = party > 0xfffc ? book.participants + (party - 0xfffd) : party;
        if (party <= 0xfffc && party >= book.participants) revert ISettlementErrors.UnknownParty(i);
        if (!book.present[place]) revert ISettlementErrors.UnknownParty(i);
    }

    function _mayTrade(Product product, uint256 seller, uint256 buyer, Book memory book) private pure returns (bool) {
        uint256 participants = book.participants;
        (uint256 desk, uint256 operator, uint256 utility) = (participants, participants + 1, participants + 2);
        if (product == Product.Network) return seller == operator && buyer < participants;
        if (product == Product.Energy) {
            return (seller < participants || seller == utility) && (buyer < participants || buyer == utility);
        }
        if (product == Product.Reserve) {
            // What the operator charges for responses is reserve that it sells, where the utility takes part as well.
            bool charges = seller == operator && book.present[utility];
            return (seller < participants || seller == utility || charges) && buyer < participants;
        }
        return seller <= desk && buyer <= desk;
    }

    /// One amount is added to the seller and taken from the buyer: every product and the money sum to zero by
    /// construction.
    function _net(Trade memory trade, Book memory book) private pure {
        int256 nano = int256(trade.quantity) * trade.price;
        if (trade.product == Product.Carbon) {
            book.carbonMoney[trade.seller] += nano;
            book.carbonMoney[trade.buyer] -= nano;
            book.carbon[trade.seller] -= int256(trade.quantity);
            book.carbon[trade.buyer] += int256(trade.quantity);
            return;
        }
        if (trade.period == SESSION_PERIOD) {
            book.money[trade.seller] += nano;
            book.money[trade.buyer] -= nano;
            return;
        }
        Position memory seller = book.positions[trade.seller][trade.period];
        Position memory buyer = book.positions[trade.buyer][trade.period];
        if (trade.product == Product.Network) {
            // The operator has no energy to hold its charges against.
            book.money[trade.seller] += nano;
            buyer.money -= nano;
            buyer.chargedWh = trade.quantity;
        } else if (trade.product == Product.Energy) {
            seller.money += nano;
            buyer.money -= nano;
            seller.energyWh += int256(trade.quantity);
            buyer.energyWh -= int256(trade.quantity);
        } else {
            book.money[trade.seller] += nano;
            book.money[trade.buyer] -= nano;
            seller.reserveSoldW += trade.quantity;
            buyer.reserveBoughtW += trade.quantity;
        }
    }
}
