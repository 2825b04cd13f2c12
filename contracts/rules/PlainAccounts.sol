// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {ISettlementErrors} from "../interfaces/ISettlementErrors.sol";
import {Account, DESK, HOLD_UNIT, OPERATOR} from "../types/Account.sol";
import {Limits} from "../types/Mandate.sol";
import {Book, Position, Terms} from "./PlainBook.sol";

/// What a batch leaves of each account: within its mandate, within what it has, and what it held.
library PlainAccounts {
    int256 internal constant NANO_PER_MICRO = 1000;

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
