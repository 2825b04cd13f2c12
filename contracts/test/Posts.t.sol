// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {IMarketPosting} from "../interfaces/IMarketPosting.sol";
import {Account, DESK, Entry, HOLD_UNIT, packEntry} from "../types/Account.sol";
import {Obligations} from "./Obligations.t.sol";
import {VM} from "./Vm.sol";

/// What a delivery and a carbon contract may do to accounts, at its worst: take whatever the market lets them, at any
/// time, and release what is held.
abstract contract Posts is Obligations {
    struct Transfer {
        uint256 from;
        uint256 to;
        uint256 nano;
        uint256 burnedG;
        uint256 createdG;
        uint32 released;
        uint16 day;
    }

    /// Postings that went through, and those refused for taking more than there was.
    uint256 public posted;
    uint256 public takenTooMuch;

    /// Money from one to another, grams burned, what is held of one session released: now and then one more than free.
    function post(uint256 seed) external {
        Transfer memory one;
        one.from = seed % ids.length;
        one.to = (one.from + 1 + ((seed >> 8) % (ids.length - 1))) % ids.length;
        (uint256 nano, uint256 grams) = _free(one.from);
        one.nano = (seed >> 16) % 4 == 0 ? nano + ((seed >> 18) % 2) : (seed >> 18) % (nano + 1);
        one.burnedG = (seed >> 96) % 4 == 0 ? grams + ((seed >> 98) % 2) : (seed >> 98) % (grams + 1);
        if ((seed >> 160) % 8 == 0) one.createdG = 1;
        uint256 dues = _dues[one.from].length;
        uint256 due = dues == 0 ? 0 : dues - 1 - ((seed >> 168) % (dues < 3 ? dues : 3));
        if (dues > 0) {
            one.released = uint32((_dues[one.from][due].nano + HOLD_UNIT - 1) / HOLD_UNIT);
            one.day = _dues[one.from][due].day;
        }
        if (_transfer(one) && dues > 0) _dues[one.from][due].nano = 0;
    }

    /// Credits come into the ledger or leave it.
    function moveGrams(uint256 seed) external {
        uint256 k = seed % ids.length;
        (, uint256 most) = _free(k);
        bool leaves = (seed >> 8) % 2 == 0;
        int256 grams = leaves ? -int256((seed >> 16) % (most + 2)) : int256((seed >> 16) % 100_000);
        VM.startPrank(CARBON);
        bool done = _both(abi.encodeCall(IMarketPosting.moveGrams, (ids[k], grams)));
        VM.stopPrank();
        _check(done == (!leaves || uint256(-grams) <= most), "grams left that were not free, or not those that were");
        if (done) issued += grams;
    }

    /// Between the freeze and the settlement: nothing that is free is left.
    function _takeAllThatIsFree(uint256 from, uint256 to) internal {
        Transfer memory all;
        (all.from, all.to) = (from, to);
        (all.nano, all.burnedG) = _free(from);
        _check(_transfer(all), "what was free could not be taken");
    }

    function _transfer(Transfer memory one) private returns (bool done) {
        (uint256 nano, uint256 grams) = _free(one.from);
        (Account memory payer, Account memory payee) = (market.account(ids[one.from]), market.account(ids[one.to]));
        uint256 paid_ = packEntry(
            Entry(ids[one.from], one.released, -int64(uint64(one.burnedG)), -int128(uint128(one.nano)))
        );
        uint256 got_ = packEntry(Entry(ids[one.to], 0, 0, int128(uint128(one.nano))));
        bytes memory entries = one.from < one.to ? abi.encode(paid_, got_) : abi.encode(got_, paid_);
        int256 issuedG = int256(one.createdG) - int256(one.burnedG);
        VM.startPrank(DELIVERY);
        done = _both(abi.encodeCall(IMarketPosting.post, (one.day, entries, issuedG)));
        VM.stopPrank();
        bool fits = one.nano <= nano && (one.burnedG <= grams || ids[one.from] == DESK);
        _check(done == (fits && one.createdG == 0), "a posting took more than was free, or not what was");
        if (!fits) ++takenTooMuch;
        if (!done) return false;
        ++posted;
        issued += issuedG;
        (Account memory paid, Account memory got) = (market.account(ids[one.from]), market.account(ids[one.to]));
        _check(
            payer.deposit - paid.deposit == one.nano && got.deposit - payee.deposit == one.nano,
            "money not as posted"
        );
        _check(payer.carbon - paid.carbon == int256(one.burnedG) && got.carbon == payee.carbon, "grams not as posted");
        (uint256 locked, ) = _locked(one.from);
        _check(paid.deposit >= locked, "a posting took what is locked");
    }

    /// What a posting may take: reckoned here, and as both markets say.
    function _free(uint256 k) private returns (uint256 nano, uint256 grams) {
        (uint256 locked, uint256 lockedG) = _locked(k);
        Account memory held = market.account(ids[k]);
        nano = held.deposit - locked;
        grams = (held.carbon > 0 ? uint56(held.carbon) : 0) - lockedG;
        (uint256 said, uint256 saidG) = market.debitable(ids[k]);
        (uint256 plainly, uint256 plainlyG) = plain.debitable(ids[k]);
        bytes memory batched = market.debitableOf(abi.encodePacked(ids[k]));
        _check(uint256(bytes32(batched)) == (saidG << 128) | said, "another free amount where many are asked for");
        _check(
            nano == said && nano == plainly && grams == saidG && grams == plainlyG,
            "another free amount than is free"
        );
    }
}
