// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {IMarket} from "../interfaces/IMarket.sol";
import {IMarketPosting} from "../interfaces/IMarketPosting.sol";
import {Sessions} from "../market/Sessions.sol";
import {StandingPosts} from "../market/StandingPosts.sol";
import {TableWriter} from "../market/TableWriter.sol";
import {Account, DESK, Entry, unpackEntry} from "../types/Account.sol";
import {Mandate} from "../types/Mandate.sol";

/// What enters an account outside a settlement, written to be read: entry by entry as its views say, and only then
/// whether the whole conserves.
abstract contract ReferencePostings is Sessions, StandingPosts {
    /// @inheritdoc IMarket
    function registerMandate(Mandate calldata mandate, bytes calldata signature) external {
        _registerMandate(mandate, signature);
    }

    /// @inheritdoc IMarket
    function revokeMandate(uint32 id) external {
        _revokeMandate(id);
    }

    /// @inheritdoc IMarket
    function endMandate(uint32 id) external {
        _endMandate(id);
    }

    /// @inheritdoc IMarket
    function postStandingLoads(uint32 epoch, bytes32 stated, bytes calldata loads) external {
        _postStandingLoads(epoch, stated, loads);
    }

    /// @inheritdoc IMarketPosting
    function connect(address delivery_, address carbonCredit_) external restricted {
        if (registry.sealedAt() > 0) revert AlreadySealed();
        bool connected = _delivery != address(0) || _carbonCredit != address(0);
        if (connected) revert AlreadyConnected(_delivery, _carbonCredit);
        _delivery = delivery_;
        _carbonCredit = carbonCredit_;
        emit Connected(delivery_, carbonCredit_);
    }

    /// @inheritdoc IMarket
    function issueAllowances(uint32[] calldata ids, uint256[] calldata grams) external restricted {
        if (ids.length != grams.length) revert LengthsDiffer(ids.length, grams.length);
        for (uint256 i; i < ids.length; ++i) {
            _knownWallet(ids[i]);
            if (grams[i] > 1 << 54) revert CarbonOverflow(ids[i]);
            _issue(int256(grams[i]));
            _receiveGrams(ids[i], int256(grams[i]));
            emit AllowancesIssued(ids[i], grams[i]);
        }
    }

    /// @inheritdoc IMarketPosting
    function post(uint16 day, bytes calldata entries, int256 issuedG) external {
        if (msg.sender != _delivery) revert NotDelivery(msg.sender);
        if (entries.length % 32 != 0) revert EntriesLength(entries.length);
        int256 money;
        int256 grams;
        uint32 above;
        for (uint256 k; k < entries.length / 32; ++k) {
            Entry memory entry = unpackEntry(uint256(bytes32(entries[32 * k:32 * k + 32])));
            if (entry.id <= above) revert EntriesNotAscending(k);
            above = entry.id;
            (uint256 most, uint256 mostG) = _free(entry.id);
            if (entry.nano < 0) _pay(entry.id, uint256(-int256(entry.nano)), most);
            else _receive(entry.id, uint256(int256(entry.nano)));
            if (entry.id != DESK) _checkGrams(entry.id, entry.grams, mostG);
            _receiveGrams(entry.id, entry.grams);
            _release(entry.id, entry.released, day);
            money += entry.nano;
            grams += entry.grams;
        }
        if (money != 0) revert MoneyNotConserved(money);
        if (grams != issuedG) revert GramsNotConserved(grams, issuedG);
        _issue(issuedG);
        emit Posted(day, issuedG, entries);
    }

    /// @inheritdoc IMarketPosting
    function moveGrams(uint32 id, int256 grams) external {
        if (msg.sender != _carbonCredit) revert NotCarbonCredit(msg.sender);
        (, uint256 most) = _free(id);
        _issue(grams);
        // Sessions and entries may leave the desk owing; its wallet takes out what it has.
        _checkGrams(id, grams, most);
        _receiveGrams(id, grams);
        emit GramsMoved(id, grams);
    }

    function _writer() internal view override returns (TableWriter) {
        return tableWriter;
    }

    /// @inheritdoc IMarketPosting
    function debitableOf(bytes calldata ids) external view returns (bytes memory amounts) {
        for (uint256 k; k < ids.length; k += 4) {
            (uint256 nano, uint256 grams) = _free(uint32(bytes4(ids[k:k + 4])));
            amounts = bytes.concat(amounts, bytes32((grams << 128) | nano));
        }
    }

    /// What a posting may take from an account, as its view says.
    function _free(uint32 id) private view returns (uint256 nano, uint256 grams) {
        return this.debitable(id);
    }

    function _pay(uint32 id, uint256 nano, uint256 most) private {
        if (nano > most) revert DebitBeyondFree(id, nano, most);
        _accounts[id].deposit -= uint64(nano);
    }

    function _receive(uint32 id, uint256 nano) private {
        uint256 deposit_ = _accounts[id].deposit + nano;
        if (deposit_ > type(uint64).max) revert DepositOverflow(id);
        _accounts[id].deposit = uint64(deposit_);
    }

    function _checkGrams(uint32 id, int256 grams, uint256 most) private pure {
        if (grams < 0 && uint256(-grams) > most) revert GramsBeyondFree(id, uint256(-grams), most);
    }

    function _receiveGrams(uint32 id, int256 grams) private {
        int256 total = _accounts[id].carbon + grams;
        if (total > type(int56).max || total < -(1 << 54)) revert CarbonOverflow(id);
        _accounts[id].carbon = int56(total);
    }

    /// Which bucket an account's holds of a day are in depends on when it took part last.
    function _release(uint32 id, uint32 released, uint16 day) private {
        Account storage account_ = _accounts[id];
        uint16 epoch = _epochOf(day);
        uint16 last = _epochOf(account_.day);
        if (epoch == 0 || last == 0) return;
        if (epoch == last) account_.held -= released < account_.held ? released : account_.held;
        else if (epoch < last) {
            account_.heldBefore -= released < account_.heldBefore ? released : account_.heldBefore;
        }
    }

    /// 2: the current epoch, 1: the one before it, 0: an older one, of which nothing is held.
    function _epochOf(uint16 day) private view returns (uint16) {
        if (day >= _feeder.epochDay) return 2;
        return day >= _feeder.beforeDay ? 1 : 0;
    }
}
