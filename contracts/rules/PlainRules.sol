// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {ISettlementErrors} from "../interfaces/ISettlementErrors.sol";
import {Account, DESK} from "../types/Account.sol";
import {Limits} from "../types/Mandate.sol";
import {PlainGrid} from "./PlainGrid.sol";

/// What a batch may do, written to be read: the rules of `settle` as a pure function of the payload and of what is stored.
library PlainRules {
    enum Product {
        Network,
        Energy,
        Reserve,
        Carbon
    }

    struct Trade {
        uint40 key;
        Product product;
        uint256 period;
        uint256 seller;
        uint256 buyer;
        uint256 quantity;
        int256 price;
    }

    /// One account in one period.
    struct Position {
        int256 energyWh;
        uint256 reserveSoldW;
        uint256 reserveBoughtW;
        bool sold;
        int256 minSellPrice;
        bool bought;
        int256 maxBuyPrice;
        bool charged;
        uint256 chargedWh;
        int256 chargePrice;
    }

    /// Accounts in the order of the payload: its participants, then desk, operator and utility.
    struct Book {
        uint256 participants;
        uint32[] ids;
        bool[] present;
        Account[] accounts;
        Limits[] limits;
        int256[] money;
        int256[] carbon;
        Position[][] positions;
    }

    struct Terms {
        uint256 periods;
        uint256 periodSeconds;
        uint16 day;
        uint24 ordinal;
        uint24 priceCap;
        bytes grid;
    }

    uint256 internal constant SESSION_PERIOD = 63;
    uint256 internal constant SYSTEMS = 3;
    uint256 internal constant TRADE_BYTES = 12;
    uint256 internal constant MAX_TRADES = 32_767;
    int256 internal constant NANO_PER_MICRO = 1000;

    /// The ids a payload names, and how many trades follow; checks nothing but lengths.
    function decodeHead(
        bytes calldata payload,
        uint256 periods
    ) internal pure returns (Book memory book, uint256 trades) {
        if (payload.length < 3) revert ISettlementErrors.PayloadLength(payload.length);
        uint256 participants = uint16(bytes2(payload[0:2]));
        uint256 head = 3 + participants * (4 + 3 * periods);
        uint8 systems = uint8(payload[2]);
        if (payload.length < head || (payload.length - head) % TRADE_BYTES != 0 || systems > 7) {
            revert ISettlementErrors.PayloadLength(payload.length);
        }
        trades = (payload.length - head) / TRADE_BYTES;
        if (trades > MAX_TRADES || participants > MAX_TRADES) revert ISettlementErrors.TooManyTrades(trades);
        uint256 accounts = participants + SYSTEMS;
        book.participants = participants;
        book.ids = new uint32[](accounts);
        book.present = new bool[](accounts);
        book.accounts = new Account[](accounts);
        book.limits = new Limits[](accounts);
        book.money = new int256[](accounts);
        book.carbon = new int256[](accounts);
        book.positions = new Position[][](accounts);
        for (uint256 k; k < accounts; ++k) {
            book.positions[k] = new Position[](periods);
            if (k < participants) {
                book.ids[k] = uint32(bytes4(payload[3 + 4 * k:7 + 4 * k]));
                book.present[k] = true;
            } else {
                book.ids[k] = DESK + uint32(k - participants);
                book.present[k] = (systems >> (k - participants)) & 1 == 1;
            }
        }
    }

    /// Ids ascend, and the mandate of each is locked for this session.
    function checkParticipants(Book memory book, Terms memory terms) internal pure {
        for (uint256 k; k < book.ids.length; ++k) {
            if (!book.present[k]) continue;
            uint32 last = k == 0 ? 0 : book.ids[k - 1];
            if (k < book.participants && (book.ids[k] >= DESK || book.ids[k] <= last)) {
                revert ISettlementErrors.ParticipantsNotAscending(k);
            }
            if (book.accounts[k].session != terms.ordinal) revert ISettlementErrors.NotLocked(book.ids[k]);
        }
    }

    function applyTrades(bytes calldata payload, uint256 trades, Book memory book, Terms memory terms) internal pure {
        uint256 offset = payload.length - trades * TRADE_BYTES;
        uint40 last;
        for (uint256 i; i < trades; ++i) {
            Trade memory trade = _decodeTrade(payload[offset + i * TRADE_BYTES:offset + (i + 1) * TRADE_BYTES]);
            _checkTrade(trade, i, last, book, terms);
            _net(trade, book);
            last = trade.key;
        }
    }

    function checkAccounts(Book memory book, Terms memory terms) internal pure {
        for (uint256 k; k < book.ids.length; ++k) {
            if (!book.present[k]) continue;
            for (uint256 t; t < terms.periods; ++t)
                _checkPosition(book.positions[k][t], book.limits[k], book.ids[k], t);
            _settleAccount(book, k, terms.day);
        }
        _assertConservation(book, terms);
    }

    function checkGrid(bytes calldata payload, Book memory book, Terms memory terms) internal pure {
        PlainGrid.Injection[] memory injections = new PlainGrid.Injection[](book.participants);
        for (uint256 t; t < terms.periods; ++t) {
            for (uint256 k; k < book.participants; ++k) {
                uint256 start = 3 + 4 * book.participants + 3 * (k * terms.periods + t);
                int256 reactiveVar = int24(uint24(bytes3(payload[start:start + 3])));
                int256 activeW = book.positions[k][t].energyWh * int256(3600 / terms.periodSeconds);
                injections[k] = PlainGrid.Injection(book.limits[k].bus, activeW, reactiveVar);
            }
            PlainGrid.check(terms.grid, injections, t);
        }
    }

    /// What the event reports: nano-dollars i72 and grams i56 per account that takes part.
    function deltas(Book memory book) internal pure returns (bytes memory packed) {
        for (uint256 k; k < book.ids.length; ++k) {
            if (book.present[k]) packed = abi.encodePacked(packed, int72(book.money[k]), int56(book.carbon[k]));
        }
    }

    function _decodeTrade(bytes calldata raw) private pure returns (Trade memory trade) {
        trade.key = uint40(bytes5(raw[0:5]));
        trade.product = Product(uint8(raw[0]) >> 6);
        trade.period = uint8(raw[0]) & 63;
        trade.seller = uint16(bytes2(raw[1:3]));
        trade.buyer = uint16(bytes2(raw[3:5]));
        trade.quantity = uint32(bytes4(raw[5:9]));
        trade.price = int24(uint24(bytes3(raw[9:12])));
    }

    function _checkTrade(
        Trade memory trade,
        uint256 i,
        uint40 last,
        Book memory book,
        Terms memory terms
    ) private pure {
        if (trade.key <= last) revert ISettlementErrors.TradesNotAscending(i);
        bool wholeSession = trade.period == SESSION_PERIOD;
        bool mayBeWhole = trade.product == Product.Network || trade.product == Product.Carbon;
        bool mayBeHourly = trade.product != Product.Carbon;
        if (wholeSession ? !mayBeWhole : !(mayBeHourly && trade.period < terms.periods))
            revert ISettlementErrors.UnknownPeriod(i);
        trade.seller = _position(trade.seller, i, book);
        trade.buyer = _position(trade.buyer, i, book);
        if (trade.seller == trade.buyer) revert ISettlementErrors.SelfTrade(i);
        if (!_mayTrade(trade.product, trade.seller, trade.buyer, book.participants))
            revert ISettlementErrors.WrongParties(i);
        if (trade.quantity == 0) revert ISettlementErrors.ZeroQuantity(i);
        int256 cap = int256(uint256(terms.priceCap));
        if (trade.price > cap || trade.price < -cap) revert ISettlementErrors.PriceBeyondCap(i);
        if (trade.product == Product.Network && wholeSession && trade.price > 0)
            revert ISettlementErrors.RebatePositive(i);
        Limits memory seller = book.limits[trade.seller];
        Limits memory buyer = book.limits[trade.buyer];
        if (trade.product == Product.Reserve) {
            if (trade.price < seller.minReservePrice)
                revert ISettlementErrors.ReservePriceOutsideMandate(book.ids[trade.seller], i);
            if (trade.price > buyer.maxReservePrice)
                revert ISettlementErrors.ReservePriceOutsideMandate(book.ids[trade.buyer], i);
        }
        if (trade.product == Product.Carbon) {
            if (trade.price < seller.minCarbonPrice)
                revert ISettlementErrors.CarbonPriceOutsideMandate(book.ids[trade.seller], i);
            if (trade.price > buyer.maxCarbonPrice)
                revert ISettlementErrors.CarbonPriceOutsideMandate(book.ids[trade.buyer], i);
        }
    }

    /// Payload index of a party -> its place in the book.
    function _position(uint256 party, uint256 i, Book memory book) private pure returns (uint256 place) {
        place = party > 0xfffc ? book.participants + (party - 0xfffd) : party;
        if (party <= 0xfffc && party >= book.participants) revert ISettlementErrors.UnknownParty(i);
        if (!book.present[place]) revert ISettlementErrors.UnknownParty(i);
    }

    function _mayTrade(
        Product product,
        uint256 seller,
        uint256 buyer,
        uint256 participants
    ) private pure returns (bool) {
        (uint256 desk, uint256 operator, uint256 utility) = (participants, participants + 1, participants + 2);
        if (product == Product.Network) return seller == operator && buyer < participants;
        if (product == Product.Energy) {
            return (seller < participants || seller == utility) && (buyer < participants || buyer == utility);
        }
        if (product == Product.Reserve) return (seller < participants || seller == utility) && buyer < participants;
        return seller <= desk && buyer <= desk;
    }

    /// One amount is added to the seller and taken from the buyer: every product and the money sum to zero by construction.
    function _net(Trade memory trade, Book memory book) private pure {
        int256 nano = int256(trade.quantity) * trade.price;
        book.money[trade.seller] += nano;
        book.money[trade.buyer] -= nano;
        if (trade.product == Product.Carbon) {
            book.carbon[trade.seller] -= int256(trade.quantity);
            book.carbon[trade.buyer] += int256(trade.quantity);
            return;
        }
        if (trade.period == SESSION_PERIOD) return;
        Position memory seller = book.positions[trade.seller][trade.period];
        Position memory buyer = book.positions[trade.buyer][trade.period];
        if (trade.product == Product.Network) {
            (buyer.charged, buyer.chargedWh, buyer.chargePrice) = (true, trade.quantity, trade.price);
        } else if (trade.product == Product.Energy) {
            seller.energyWh += int256(trade.quantity);
            buyer.energyWh -= int256(trade.quantity);
            if (!seller.sold || trade.price < seller.minSellPrice) seller.minSellPrice = trade.price;
            if (!buyer.bought || trade.price > buyer.maxBuyPrice) buyer.maxBuyPrice = trade.price;
            (seller.sold, buyer.bought) = (true, true);
        } else {
            seller.reserveSoldW += trade.quantity;
            buyer.reserveBoughtW += trade.quantity;
        }
    }

    /// The price per kWh a prosumer sees is price - charge: whoever injects pays the charge, whoever withdraws receives it.
    function _checkPosition(Position memory held, Limits memory limits, uint32 id, uint256 t) private pure {
        uint256 magnitude = uint256(held.energyWh < 0 ? -held.energyWh : held.energyWh);
        if (held.charged && held.chargedWh != magnitude) revert ISettlementErrors.NetworkMismatch(id, t);
        int256 charge = held.energyWh < 0 ? -held.chargePrice : held.chargePrice;
        if (held.bought && held.maxBuyPrice - charge > limits.maxBuy)
            revert ISettlementErrors.BuyPriceAboveMandate(id, t);
        if (held.sold && held.minSellPrice - charge < limits.minSell)
            revert ISettlementErrors.SellPriceBelowMandate(id, t);
        if (magnitude > (held.energyWh < 0 ? limits.maxBuyWh : limits.maxSellWh))
            revert ISettlementErrors.EnergyBeyondMandate(id, t);
        if (held.reserveSoldW > limits.maxReserveW || held.reserveBoughtW > limits.maxReserveW) {
            revert ISettlementErrors.ReserveBeyondMandate(id, t);
        }
    }

    function _settleAccount(Book memory book, uint256 k, uint16 day) private pure {
        Account memory account = book.accounts[k];
        uint32 id = book.ids[k];
        int256 money = book.money[k];
        if (-money > int256(uint256(account.lockedMicro)) * NANO_PER_MICRO)
            revert ISettlementErrors.SpendBeyondLock(id);
        int256 balance = int256(uint256(account.deposit)) + money;
        if (balance > int256(uint256(type(uint64).max))) revert ISettlementErrors.DepositOverflow(id);
        int256 carbon = account.carbon + book.carbon[k];
        if (carbon < 0 && id != DESK) revert ISettlementErrors.CarbonBelowZero(id);
        if (carbon > type(int56).max || carbon < type(int56).min) revert ISettlementErrors.CarbonOverflow(id);
        // The lock is never more than the deposit, so the balance is not negative here.
        account.deposit = uint64(uint256(balance));
        account.carbon = int56(carbon);
        if (money < 0) {
            uint256 spentUp = uint256((-money + NANO_PER_MICRO - 1) / NANO_PER_MICRO);
            account.spentMicro = uint48(spentUp + (account.day == day ? account.spentMicro : 0));
            account.day = day;
        }
        account.lockedMicro = 0;
        account.session = 0;
    }

    function _assertConservation(Book memory book, Terms memory terms) private pure {
        int256 money;
        int256 carbon;
        for (uint256 k; k < book.ids.length; ++k) {
            money += book.money[k];
            carbon += book.carbon[k];
        }
        for (uint256 t; t < terms.periods; ++t) {
            int256 energy;
            int256 reserve;
            for (uint256 k; k < book.ids.length; ++k) {
                energy += book.positions[k][t].energyWh;
                reserve += int256(book.positions[k][t].reserveSoldW) - int256(book.positions[k][t].reserveBoughtW);
            }
            assert(energy == 0 && reserve == 0);
        }
        assert(money == 0 && carbon == 0);
    }
}
