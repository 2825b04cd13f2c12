// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {IMarket} from "../interfaces/IMarket.sol";
import {IMarketPosting} from "../interfaces/IMarketPosting.sol";
import {ISettlementErrors} from "../interfaces/ISettlementErrors.sol";
import {FrozenTable} from "../libraries/FrozenTable.sol";
import {
    ACCOUNT_CARBON,
    ACCOUNT_DAY,
    ACCOUNT_HELD,
    ACCOUNT_HELD_BEFORE,
    DESK,
    ENTRY_BYTES,
    ENTRY_GRAMS,
    ENTRY_ID,
    ENTRY_RELEASED
} from "../types/Account.sol";
import {Feeder, Session} from "../types/Session.sol";
import {State} from "./State.sol";

/// What enters an account outside a settlement: allowances that are issued, what was delivered, credits that come and
/// go.
abstract contract Postings is State {
    /// What the open session locks, if there is one.
    struct Locks {
        bool live;
        Session session;
        FrozenTable.Walk walk;
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
    function post(uint16 day, bytes calldata entries, int256 issuedG) external {
        if (msg.sender != _delivery) revert IMarketPosting.NotDelivery(msg.sender);
        if (entries.length % ENTRY_BYTES != 0) revert IMarketPosting.EntriesLength(entries.length);
        Locks memory locks = _locks();
        Feeder memory feeder = _feeder;
        uint256 last;
        int256 money;
        int256 grams;
        unchecked {
            // Bound: fewer than 2^64 entries, each an i128 and an i64.
            for (uint256 k; k < entries.length; k += ENTRY_BYTES) {
                uint256 entry;
                uint256 word;
                assembly ("memory-safe") {
                    entry := calldataload(add(entries.offset, k))
                    word := sload(add(_accounts.slot, shr(ENTRY_ID, entry)))
                }
                uint256 id = entry >> ENTRY_ID;
                if (id <= last) revert IMarketPosting.EntriesNotAscending(k / ENTRY_BYTES);
                last = id;
                (int256 nano, int256 received) = (int128(int256(entry)), int64(int256(entry >> ENTRY_GRAMS)));
                money += nano;
                grams += received;
                // Neither field is or becomes negative, or longer than it is: what is received is added to the word.
                uint256 deposit = uint64(word) + uint256(nano);
                uint256 carbon = uint56(word >> ACCOUNT_CARBON);
                carbon |= carbon + uint256(received);
                word =
                    locks.live || (deposit >> 64) | (carbon >> 55) != 0
                        ? _enter(word, uint32(id), nano, received, locks, id == DESK)
                        : word + uint256(nano) + (uint256(received) << ACCOUNT_CARBON);
                uint256 released = uint32(entry >> ENTRY_RELEASED);
                if (released != 0) word = _release(word, released, day, feeder);
                assembly ("memory-safe") {
                    sstore(add(_accounts.slot, id), word)
                }
            }
        }
        if (money != 0) revert IMarketPosting.MoneyNotConserved(money);
        if (grams != issuedG) revert IMarketPosting.GramsNotConserved(grams, issuedG);
        _issue(issuedG);
        emit IMarketPosting.Posted(day, issuedG, entries);
    }

    /// See IMarketPosting.
    function moveGrams(uint32 id, int256 grams) external {
        if (msg.sender != _carbonCredit) revert IMarketPosting.NotCarbonCredit(msg.sender);
        _issue(grams);
        uint256 word;
        assembly ("memory-safe") {
            word := sload(add(_accounts.slot, id))
        }
        // Sessions and entries may leave the desk owing; its wallet takes out what it has.
        word = _enter(word, id, 0, grams, _locks(), false);
        assembly ("memory-safe") {
            sstore(add(_accounts.slot, id), word)
        }
        emit IMarketPosting.GramsMoved(id, grams);
    }

    function _locks() private view returns (Locks memory locks) {
        locks.session = _session;
        locks.live = _isLive(locks.session);
        if (locks.live) locks.walk.entries = FrozenTable.read(_table);
    }

    /// The account's word after what is received and given: never more than is free of what the session locks, except
    /// grams of whoever may be left `owing` them.
    function _enter(
        uint256 word,
        uint32 id,
        int256 nano,
        int256 grams,
        Locks memory locks,
        bool owing
    ) private view returns (uint256) {
        unchecked {
            // Bound: nano is within 2^127; a lock is no more than there is; grams that wrap around are beyond both
            // bounds of a field.
            (int256 locked, int256 lockedG) = locks.live ? _lockedOf(id, locks) : (int256(0), int256(0));
            int256 deposit = int256(uint256(uint64(word)));
            if (-nano > deposit - locked) {
                revert IMarketPosting.DebitBeyondFree(id, uint256(-nano), uint256(deposit - locked));
            }
            deposit += nano;
            if (deposit > int256(uint256(type(uint64).max))) revert ISettlementErrors.DepositOverflow(id);
            int256 carbon = int56(uint56(word >> ACCOUNT_CARBON));
            int256 freeG = carbon > lockedG ? carbon - lockedG : int256(0);
            if (grams < 0 && -grams > freeG && !owing) {
                revert IMarketPosting.GramsBeyondFree(id, uint256(-grams), uint256(freeG));
            }
            carbon += grams;
            if (carbon > type(int56).max || carbon < -MAX_GRAMS) revert ISettlementErrors.CarbonOverflow(id);
            uint256 rest = (word >> ACCOUNT_HELD_BEFORE) << ACCOUNT_HELD_BEFORE;
            return rest | (uint256(uint56(uint256(carbon))) << ACCOUNT_CARBON) | uint256(deposit);
        }
    }

    function _lockedOf(uint256 id, Locks memory locks) private view returns (int256 nano, int256 grams) {
        (uint256 locked, uint256 lockedG) = _lock(
            locks.session,
            _accounts[id],
            FrozenTable.headOf(locks.walk, uint32(id))
        );
        return (int256(locked), int256(lockedG));
    }

    /// Out of the bucket that sessions of `day` are in, which is the current epoch's or that of the one before; what is
    /// older is free already.
    function _release(
        uint256 word,
        uint256 released,
        uint256 day,
        Feeder memory feeder
    ) private pure returns (uint256) {
        unchecked {
            uint256 last = uint16(word >> ACCOUNT_DAY);
            (uint256 epochDay, uint256 beforeDay) = (feeder.epochDay, feeder.beforeDay);
            uint256 bucket = ACCOUNT_HELD;
            if (day < epochDay) {
                // What is older is free already; so is what it sold if the account took part last before that.
                if (day < beforeDay || last < beforeDay) return word;
                if (last >= epochDay) bucket = ACCOUNT_HELD_BEFORE;
            } else if (last < epochDay) {
                return word;
            }
            uint256 held = uint32(word >> bucket);
            return word - ((held < released ? held : released) << bucket);
        }
    }
}
