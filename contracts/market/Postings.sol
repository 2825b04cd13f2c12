// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {IMarket} from "../interfaces/IMarket.sol";
import {IMarketPosting} from "../interfaces/IMarketPosting.sol";
import {ISettlementErrors} from "../interfaces/ISettlementErrors.sol";
import {ENTRY, FrozenTable} from "../libraries/FrozenTable.sol";
import {Account, DESK} from "../types/Account.sol";
import {Feeder, Session} from "../types/Session.sol";
import {State} from "./State.sol";

/// What enters an account outside a settlement: allowances that are issued, what was delivered, credits that come and
/// go.
abstract contract Postings is State {
    /// Where entries are looked for: ids ascend in them as in the table, so one walk through both finds all.
    struct Walk {
        bytes table;
        uint256 offset;
    }

    /// See IMarketPosting.
    function connect(address delivery_, address carbonCredit_) external restricted {
        if (registry.sealedAt() != 0) revert IMarketPosting.AlreadySealed();
        if (_delivery != address(0) || _carbonCredit != address(0)) {
            revert IMarketPosting.AlreadyConnected(_delivery, _carbonCredit);
        }
        (_delivery, _carbonCredit) = (delivery_, carbonCredit_);
        emit IMarketPosting.Connected(delivery_, carbonCredit_);
    }

    /// See IMarket.
    function issueAllowances(uint32[] calldata ids, uint256[] calldata grams) external restricted {
        if (ids.length != grams.length) revert IMarket.LengthsDiffer(ids.length, grams.length);
        for (uint256 i; i < ids.length; ++i) {
            _knownWallet(ids[i]);
            if (grams[i] > uint256(MAX_GRAMS)) revert ISettlementErrors.CarbonOverflow(ids[i]);
            _issue(int256(grams[i]));
            // Bound: all together are within MAX_GRAMS of what the desk owes.
            _accounts[ids[i]].carbon += int56(int256(grams[i]));
            emit IMarket.AllowancesIssued(ids[i], grams[i]);
        }
    }

    /// See IMarketPosting.
    function post(uint16 day, IMarketPosting.Entry[] calldata entries, int256 issuedG) external {
        if (msg.sender != _delivery) revert IMarketPosting.NotDelivery(msg.sender);
        Session memory session = _session;
        Feeder memory feeder = _feeder;
        Walk memory walk;
        if (_isLive(session)) walk.table = FrozenTable.read(_table);
        uint256 last;
        int256 money;
        int256 grams;
        for (uint256 k; k < entries.length; ++k) {
            IMarketPosting.Entry calldata entry = entries[k];
            if (entry.id <= last) revert IMarketPosting.EntriesNotAscending(k);
            last = entry.id;
            Account memory account = _accounts[entry.id];
            _enter(account, entry.id, entry.nano, entry.grams, session, _headOf(walk, entry.id));
            _release(account, entry.released, day, feeder);
            _accounts[entry.id] = account;
            money += entry.nano;
            grams += entry.grams;
        }
        if (money != 0) revert IMarketPosting.MoneyNotConserved(money);
        if (grams != issuedG) revert IMarketPosting.GramsNotConserved(grams, issuedG);
        _issue(issuedG);
        emit IMarketPosting.Posted(day, issuedG, entries);
    }

    /// See IMarketPosting.
    function moveGrams(uint32 id, int256 grams) external {
        if (msg.sender != _carbonCredit) revert IMarketPosting.NotCarbonCredit(msg.sender);
        Session memory session = _session;
        Walk memory walk;
        if (_isLive(session)) walk.table = FrozenTable.read(_table);
        _issue(grams);
        Account memory account = _accounts[id];
        _enter(account, id, 0, grams, session, _headOf(walk, id));
        _accounts[id] = account;
        emit IMarketPosting.GramsMoved(id, grams);
    }

    /// What is received first, then what is given: never more than is free of what the session locks.
    function _enter(
        Account memory account,
        uint32 id,
        int256 nano,
        int256 grams,
        Session memory session,
        uint256 head
    ) private pure {
        (uint256 locked, uint256 lockedG) = _lock(session, account, head);
        int256 most = int256(account.deposit - locked);
        if (-nano > most) revert IMarketPosting.DebitBeyondFree(id, uint256(-nano), uint256(most));
        int256 deposit = int256(uint256(account.deposit)) + nano;
        if (deposit > int256(uint256(type(uint64).max))) revert ISettlementErrors.DepositOverflow(id);
        account.deposit = uint64(uint256(deposit));
        int256 mostG = int256(account.carbon) - int256(lockedG);
        if (grams < 0 && -grams > mostG && id != DESK) {
            revert IMarketPosting.GramsBeyondFree(id, uint256(-grams), uint256(mostG));
        }
        int256 carbon = account.carbon + grams;
        if (carbon > type(int56).max || carbon < -MAX_GRAMS) revert ISettlementErrors.CarbonOverflow(id);
        account.carbon = int56(carbon);
    }

    /// Out of the bucket that sessions of `day` are in, which is the current epoch's or that of the one before; what is
    /// older is free already.
    function _release(Account memory account, uint32 released, uint16 day, Feeder memory feeder) private pure {
        bool current = day >= feeder.epochDay;
        if (account.day >= feeder.epochDay) {
            if (current) account.held = _less(account.held, released);
            else if (day >= feeder.beforeDay) account.heldBefore = _less(account.heldBefore, released);
        } else if (!current && day >= feeder.beforeDay && account.day >= feeder.beforeDay) {
            // The account took part last in the epoch before.
            account.held = _less(account.held, released);
        }
    }

    function _less(uint32 held, uint32 released) private pure returns (uint32) {
        return held > released ? held - released : 0;
    }

    /// The first word of an account's entry, zero where it has none. Ids ascend from call to call.
    function _headOf(Walk memory walk, uint32 id) private pure returns (uint256 head) {
        while (walk.offset < walk.table.length) {
            (uint256 found, ) = FrozenTable.entryAt(walk.table, walk.offset);
            if (found >> FrozenTable.ID > id) return 0;
            walk.offset += ENTRY;
            if (found >> FrozenTable.ID == id) return found;
        }
        return 0;
    }
}
