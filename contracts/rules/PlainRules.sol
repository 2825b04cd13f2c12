// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {ISettlementErrors} from "../interfaces/ISettlementErrors.sol";
import {GridModel} from "../libraries/GridModel.sol";
import {Account, DESK, HOLD_UNIT, OPERATOR} from "../types/Account.sol";
import {Limits} from "../types/Mandate.sol";
import {PlainGrid} from "./PlainGrid.sol";

/// What a batch may do, written to be read: the rules of `settle` as a pure function of the payload and of what is
/// stored.
library PlainRules {
    enum Product {
        Network,
        Energy,
        Reserve,
        Carbon
    }

    struct Trade {
        uint48 key;
        Product product;
        uint256 period;
        uint256 seller;
        uint256 buyer;
        uint256 quantity;
        int256 price;
    }

    /// One account in one period; money in nano-dollars, of energy and network alone.
    struct Position {
        int256 energyWh;
        uint256 reserveSoldW;
        uint256 reserveBoughtW;
        int256 money;
        uint256 chargedWh;
        int256 reactiveVar;
    }

    /// Accounts in the order of the payload: its participants, then desk, operator and utility.
    struct Book {
        uint256 participants;
        uint32[] ids;
        bool[] present;
        Account[] accounts;
        Limits[] limits;
        int256[] money;
        /// Grams received, and the money for them.
        int256[] carbon;
        int256[] carbonMoney;
        Position[][] positions;
    }

    struct Terms {
        uint256 periods;
        uint256 periodSeconds;
        uint40 start;
        uint24 priceCap;
        /// 1e-6 $ per kWh that is sold and not delivered.
        uint24 imbalancePrice;
        /// UTC days on which the current epoch of what is held began, and the one before it (types/Session.sol).
        uint16 epochDay;
        uint16 beforeDay;
        bytes grid;
        /// Whether it was posted what those load who take no part, and what: see libraries/StandingLoads.sol.
        bool standingKnown;
        bytes standing;
    }

    uint256 internal constant SESSION_PERIOD = 255;
    uint256 internal constant SYSTEMS = 3;
    uint256 internal constant GROUP_BYTES = 4;
    uint256 internal constant TRADE_BYTES = 11;
    uint256 internal constant MAX_TRADES = 32_767;
    int256 internal constant NANO_PER_MICRO = 1000;

    /// The ids a payload names; of its trades it checks nothing but the form of the bytes.
    function decodeHead(bytes calldata payload, uint256 periods) internal pure returns (Book memory book) {
        if (payload.length < 3) revert ISettlementErrors.PayloadLength(payload.length);
        uint256 participants = uint16(bytes2(payload[0:2]));
        uint256 head = _groupsOffset(participants, periods);
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

    /// Ids ascend, and each has a mandate that covers the session.
    function checkParticipants(Book memory book, Terms memory terms) internal pure {
        uint256 end = terms.start + terms.periods * terms.periodSeconds;
        for (uint256 k; k < book.ids.length; ++k) {
            if (!book.present[k]) continue;
            uint32 last = k == 0 ? 0 : book.ids[k - 1];
            if (k < book.participants && (book.ids[k] >= DESK || book.ids[k] <= last)) {
                revert ISettlementErrors.ParticipantsNotAscending(k);
            }
            if (book.limits[k].validUntil < end) revert ISettlementErrors.NotLocked(book.ids[k]);
        }
    }

    function applyTrades(bytes calldata payload, Book memory book, Terms memory terms) internal pure {
        uint256 offset = _groupsOffset(book.participants, terms.periods);
        uint256 i;
        uint48 least;
        while (offset < payload.length) {
            uint16 group = uint16(bytes2(payload[offset:offset + 2]));
            uint256 end = i + uint16(bytes2(payload[offset + 2:offset + 4]));
            offset += GROUP_BYTES;
            for (; i < end; ++i) {
                Trade memory trade = _decodeTrade(group, payload[offset:offset + TRADE_BYTES]);
                if (trade.key < least) revert ISettlementErrors.TradesNotAscending(i);
                _checkTrade(trade, i, book, terms);
                _net(trade, book);
                least = trade.key + 1;
                offset += TRADE_BYTES;
            }
        }
    }

    /// Where somebody with a place on the feeder takes no part, it is known what everybody loads who does not.
    function checkStanding(Book memory book, Terms memory terms) internal pure {
        bool all = book.participants == GridModel.prosumers(terms.grid);
        if (!all && !terms.standingKnown) revert ISettlementErrors.StandingLoadsMissing();
    }

    function checkAccounts(Book memory book, Terms memory terms) internal pure {
        for (uint256 k; k < book.ids.length; ++k) {
            if (!book.present[k]) continue;
            uint256 soldWh;
            for (uint256 t; t < terms.periods; ++t) {
                book.money[k] += book.positions[k][t].money;
                _checkPosition(book.positions[k][t], book.limits[k], book.ids[k], t, 3600 / terms.periodSeconds);
                if (book.positions[k][t].energyWh > 0) soldWh += uint256(book.positions[k][t].energyWh);
            }
            _checkAllowances(book, k);
            book.money[k] += book.carbonMoney[k];
            _settleAccount(book, k, soldWh, terms);
        }
        _assertConservation(book, terms);
    }

    function checkGrid(Book memory book, Terms memory terms) internal pure {
        uint256 homes = GridModel.prosumers(terms.grid);
        PlainGrid.Injection[] memory injections = new PlainGrid.Injection[](book.participants + homes);
        for (uint256 t; t < terms.periods; ++t) {
            for (uint256 k; k < book.participants; ++k) {
                Position memory held = book.positions[k][t];
                int256 activeW = held.energyWh * int256(3600 / terms.periodSeconds);
                injections[k] = PlainGrid.Injection(book.limits[k].bus, activeW, held.reactiveVar);
            }
            for (uint256 home; home < homes; ++home) {
                injections[book.participants + home] = _standing(book, terms, GridModel.prosumer(terms.grid, home), t);
            }
            PlainGrid.check(terms.grid, injections, t);
        }
    }

    /// What a home loads that takes no part; nothing where it does, or where the terms state nothing for it.
    function _standing(
        Book memory book,
        Terms memory terms,
        GridModel.Prosumer memory home,
        uint256 period
    ) private pure returns (PlainGrid.Injection memory injection) {
        injection.bus = home.bus;
        for (uint256 k; k < book.participants; ++k) if (book.ids[k] == home.id) return injection;
        for (uint256 offset; offset < terms.standing.length;) {
            uint256 values = uint8(_take(terms.standing, offset + 4, 1));
            if (_take(terms.standing, offset, 4) == home.id) {
                uint256 value = offset + 5 + (values == 1 ? 0 : 7 * period);
                injection.activeW = int32(uint32(_take(terms.standing, value, 4)));
                injection.reactiveVar = int24(uint24(_take(terms.standing, value + 4, 3)));
            }
            offset += 5 + 7 * values;
        }
    }

    function _take(bytes memory data, uint256 offset, uint256 length) private pure returns (uint256) {
        return uint256(GridModel.word(data, offset)) >> (256 - 8 * length);
    }

    /// What the event reports: nano-dollars i72 and grams i56 per account that takes part.
    function deltas(Book memory book) internal pure returns (bytes memory packed) {
        for (uint256 k; k < book.ids.length; ++k) {
            if (book.present[k]) packed = abi.encodePacked(packed, int72(book.money[k]), int56(book.carbon[k]));
        }
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

    /// Where the groups start: after the head, the ids and the reactive power.
    function _groupsOffset(uint256 participants, uint256 periods) private pure returns (uint256) {
        return 3 + participants * (4 + 3 * periods);
    }

    function _decodeTrade(uint16 group, bytes calldata raw) private pure returns (Trade memory trade) {
        trade.key = (uint48(group) << 32) | uint32(bytes4(raw[0:4]));
        trade.product = Product(group >> 8);
        trade.period = uint8(group);
        trade.seller = uint16(bytes2(raw[0:2]));
        trade.buyer = uint16(bytes2(raw[2:4]));
        trade.quantity = uint32(bytes4(raw[4:8]));
        trade.price = int24(uint24(bytes3(raw[8:11])));
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

    /// The money of energy and network together is no worse than the net energy at its limit price: nothing is lost on
    /// a net of zero. Power is net, so that wheeling needs none; reserve is gross each way.
    function _checkPosition(
        Position memory held,
        Limits memory limits,
        uint32 id,
        uint256 t,
        uint256 perHour
    ) private pure {
        bool buys = held.energyWh < 0;
        uint256 magnitude = uint256(buys ? -held.energyWh : held.energyWh);
        if (held.chargedWh != 0 && held.chargedWh != magnitude) revert ISettlementErrors.NetworkMismatch(id, t);
        if (held.money < held.energyWh * (buys ? limits.maxBuy : limits.minSell))
            revert ISettlementErrors.EnergyMoneyBeyondMandate(id, t);
        if (magnitude * perHour > (buys ? limits.maxBuyW : limits.maxSellW))
            revert ISettlementErrors.EnergyBeyondMandate(id, t);
        if (held.reserveSoldW > limits.maxReserveW || held.reserveBoughtW > limits.maxReserveW)
            revert ISettlementErrors.ReserveBeyondMandate(id, t);
        int256 reactiveVar = held.reactiveVar;
        if (reactiveVar < -int256(uint256(limits.absorbVar)) || reactiveVar > int256(uint256(limits.feedVar)))
            revert ISettlementErrors.ReactiveBeyondCapability(id, t);
    }

    /// As energy in a period, over the session.
    function _checkAllowances(Book memory book, uint256 k) private pure {
        int256 grams = book.carbon[k];
        Limits memory limits = book.limits[k];
        if (book.carbonMoney[k] < -grams * (grams < 0 ? limits.minCarbonPrice : limits.maxCarbonPrice))
            revert ISettlementErrors.CarbonMoneyBeyondMandate(book.ids[k]);
        if (uint256(grams < 0 ? -grams : grams) > limits.maxCarbonG)
            revert ISettlementErrors.CarbonBeyondMandate(book.ids[k]);
    }

    function _settleAccount(Book memory book, uint256 k, uint256 soldWh, Terms memory terms) private pure {
        Account memory account = book.accounts[k];
        uint32 id = book.ids[k];
        int256 money = book.money[k];
        uint16 day = uint16(terms.start / 1 days);
        uint256 spent = account.day == day ? account.spentMicro : 0;
        uint256 cap = book.limits[k].maxSpendPerDay;
        int256 most = cap > spent ? int256(cap - spent) * NANO_PER_MICRO : int256(0);
        int256 balance = int256(uint256(account.deposit)) + money;
        if (-money > most || balance < 0) revert ISettlementErrors.SpendBeyondLock(id);
        if (balance > int256(uint256(type(uint64).max))) revert ISettlementErrors.DepositOverflow(id);
        int256 carbon = account.carbon + book.carbon[k];
        if (carbon < 0 && id != DESK) revert ISettlementErrors.CarbonBelowZero(id);
        if (carbon > type(int56).max || carbon < type(int56).min) revert ISettlementErrors.CarbonOverflow(id);
        account.deposit = uint64(uint256(balance));
        account.carbon = int56(carbon);
        if (money < 0) spent += uint256((-money + NANO_PER_MICRO - 1) / NANO_PER_MICRO);
        account.spentMicro = uint48(spent);
        _hold(account, id, money, soldWh, terms);
        account.day = day;
    }

    /// Nobody is paid out before delivery: what was received, or what the energy sold costs if it is not delivered, is
    /// held. What the account held of an epoch that is over is free.
    function _hold(Account memory account, uint32 id, int256 money, uint256 soldWh, Terms memory terms) private pure {
        if (account.day < terms.epochDay) {
            account.heldBefore = account.day < terms.beforeDay ? 0 : account.held;
            account.held = 0;
        }
        if (id >= OPERATOR) return;
        uint256 due = soldWh * terms.imbalancePrice;
        if (money > int256(due)) due = uint256(money);
        due = account.held + (due + HOLD_UNIT - 1) / HOLD_UNIT;
        account.held = due > type(uint32).max ? type(uint32).max : uint32(due);
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
