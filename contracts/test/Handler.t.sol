// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {IMarket} from "../interfaces/IMarket.sol";
import {Account, DESK} from "../types/Account.sol";
import {Limits, mostLoss} from "../types/Mandate.sol";
import {Session} from "../types/Session.sol";
import {Batches} from "./Batches.t.sol";
import {Judge} from "./Judge.t.sol";
import {Posts} from "./Posts.t.sol";
import {VM} from "./Vm.sol";

/// Everything that may happen to a market, in any order, done to the optimised and the plain one alike. What must hold
/// at each step is noted in `broken`; what must hold always is asked by Market.t.sol.
contract Handler is Posts {
    /// What one prosumer, or the roles, may do between the freeze and the settlement of a session.
    enum Event {
        Revoked,
        Replaced,
        Drained,
        LastSecond,
        HostileWallet,
        CommitteeRotated,
        PriceCapLowered,
        GridReplaced,
        WalletHandedOver,
        WalletDelegated,
        Posted,
        SomebodyLeftOut
    }

    uint256 private constant EVENTS = 12;
    uint256 private constant NOBODY = type(uint256).max;

    /// Batches settled: all of them, those of an honest committee, those of a colluding one.
    uint256 public settled;
    uint256 public honest;
    uint256 public colluding;
    /// Batches of a colluding committee that were refused, and why.
    uint256 public refused;
    mapping(bytes4 reason => uint256) public refusals;
    /// Honest batches settled after each event.
    uint256[EVENTS] public settledAfter;

    /// Withdrawals that had to wait for what is held or locked, and that a freeze has moved.
    uint256 public queued;
    uint256 public movedByFreeze;

    function deposit(uint256 who, uint256 amount) external {
        _deposit(ids[who % ids.length], amount % 50_000_000);
    }

    /// Tokens that nobody is credited with.
    function donate(uint256 amount) external {
        amount = amount % 1_000;
        token.transfer(address(market), amount);
        token.transfer(address(plain), amount);
        donated += amount;
    }

    function requestWithdrawal(uint256 who, uint256 amount) external {
        uint256 k = who % ids.length;
        (, uint64 waits, ) = market.pending(ids[k]);
        uint256 most = market.account(ids[k]).deposit / 1000;
        most = most > waits ? most - waits : 0;
        amount = amount % (most + 2);
        (uint256[] memory left, uint256[] memory locked) = _leaving();
        bool done = _asWallet(ids[k], abi.encodeCall(IMarket.requestWithdrawal, (ids[k], amount)));
        _check(done == (amount > 0 && amount <= most), "a withdrawal of what is not there, or not of what is");
        (, waits, ) = market.pending(ids[k]);
        if (waits > 0) ++queued;
        _checkLeaving(left, locked);
    }

    function withdraw(uint256 who) external {
        uint32 id = ids[who % ids.length];
        (uint64 tokens, uint64 waits, uint40 availableAt) = market.pending(id);
        uint256 follows = market.free(id) / 1000;
        uint256 paidBefore = tokens;
        uint256 due = tokens + (follows < waits ? follows : waits);
        (, uint256[] memory locked) = _leaving();
        bool done = _both(abi.encodeCall(IMarket.withdraw, (id)));
        _check(done == (due > 0 && block.timestamp >= availableAt), "a withdrawal early, or not when due");
        if (!done) return;
        withdrawn += due;
        (tokens, , ) = market.pending(id);
        _check(tokens == 0, "a withdrawal that was not paid whole");
        if (due == paidBefore) return;
        // What was paid has left now, in part.
        for (uint256 k; k < ids.length; ++k) {
            if (ids[k] != id) continue;
            (uint256 stays, ) = _due(k, 2 days);
            _check(market.account(id).deposit >= stays + locked[k], "what is not delivered yet, or locked, was paid");
        }
    }

    function issue(uint256 who, uint256 grams) external {
        _issue(ids[who % PROSUMERS], grams % 100_000);
    }

    function revoke(uint256 who) external {
        _revoke(who % PROSUMERS);
    }

    function mandate(uint256 who, uint256 validFor) external {
        _register(who % ids.length, uint40(block.timestamp + 1 + (validFor % 5 days)));
    }

    /// The last prosumer's account goes to another wallet, and with it what is leaving.
    function handOver() external {
        _handOver();
    }

    function pause(bool paused) external {
        _both(abi.encodeCall(IMarket.setPaused, (paused)));
    }

    function cancel() external {
        Session memory before = market.session();
        bool done = _both(abi.encodeCall(IMarket.cancelSession, ()));
        _check(done == (before.open && block.timestamp <= before.deadline), "a session cancelled that was not open");
    }

    function rotateCommittee() external {
        _appoint(!_turned);
    }

    function wait(uint256 time) external {
        VM.warp(block.timestamp + (time % 2 days));
    }

    function freeze(uint256 open, bool sameDay) external {
        uint40 start = _reach(sameDay ? 2 hours : 1 days);
        uint40 deadline = uint40(block.timestamp + 1 + (open % 1 days));
        _freezeChecked(start, deadline < start + 1 hours ? deadline : start + 1 hours);
    }

    function _freezeChecked(uint40 start, uint40 deadline) private returns (bool done) {
        (uint256[] memory left, ) = _leaving();
        (uint64[] memory tokens, uint256[] memory none) = (new uint64[](ids.length), new uint256[](ids.length));
        for (uint256 k; k < ids.length; ++k) (tokens[k], , ) = market.pending(ids[k]);
        done = _freeze(start, deadline);
        for (uint256 k; k < ids.length; ++k) {
            (uint64 now_, uint64 waits, ) = market.pending(ids[k]);
            if (now_ > tokens[k]) ++movedByFreeze;
            bool heldBack = market.account(ids[k]).deposit < market.holdOf(ids[k]) + 1000;
            _check(!done || waits == 0 || heldBack, "a freeze left what was free to leave");
        }
        _checkLeaving(left, none);
    }

    /// A batch against the open session, if there is one, by a committee of which all members collude, or by one
    /// member.
    function settle(uint256 seed, bool quorum) external {
        if (_participants().length > 1) _collude(seed, quorum);
    }

    /// A session of a colluding committee from its freeze to its batch.
    function collude(uint256 seed) external {
        _prepare();
        uint40 start = _reach(seed % 4 == 0 ? 2 hours : 1 days);
        _ready(seed, start + uint40(Batches.PERIODS * 1 hours), NOBODY);
        if (!_freezeChecked(start, start + 1 hours)) return;
        _fundAll(seed);
        if (_participants().length > 1) _collude(seed, true);
    }

    /// A session of an honest committee: what it has signed settles, whatever prosumers and roles do in the meantime.
    function session(uint256 seed) public {
        _prepare();
        bool leavesOut = seed % 4 == 0;
        uint256 out = leavesOut ? (seed >> 8) % PROSUMERS : NOBODY;
        if (leavesOut) _revoke(out);
        uint40 start = _reach(1 days);
        uint40 end = start + uint40(Batches.PERIODS * 1 hours);
        _ready(seed, end, out);
        _check(_freezeChecked(start, start + 1 hours), "a session that may be frozen was not");
        _fundAll(seed);
        bytes memory payload = Batches.build(_participants(), Batches.honest(), seed);
        (uint32 signers, bytes memory optimised, bytes memory reference_) = _sign(payload, true);
        uint256 happened =
            _disturb(seed >> 16, start + 1 hours) | (leavesOut ? 1 << uint256(Event.SomebodyLeftOut) : 0);
        if (!_settleSigned(payload, signers, optimised, reference_)) {
            _check(false, "a correctly signed batch was refused");
            return;
        }
        ++honest;
        for (uint256 k; k < EVENTS; ++k) settledAfter[k] += (happened >> k) & 1;
    }

    /// The start of a session that is next, once it is near enough to be frozen.
    function _reach(uint40 step) private returns (uint40 start) {
        start = _next(step);
        if (start > block.timestamp + 1 days) VM.warp(start - 1 days);
    }

    /// Ends what is open and undoes what the last session's events changed for all.
    function _prepare() private {
        Session memory open = market.session();
        if (open.paused) _both(abi.encodeCall(IMarket.setPaused, (false)));
        if (open.open && block.timestamp <= open.deadline) VM.warp(open.deadline + 1);
        if (_disturbed) {
            _both(abi.encodeCall(IMarket.setPriceCap, (PRICE_CAP)));
            registry.addGridModel(_gridModel(LINE));
            _disturbed = false;
        }
    }

    /// Money and allowances for everybody: after the freeze, which moves out what waits to be withdrawn.
    function _fundAll(uint256 seed) private {
        for (uint256 k; k < ids.length; ++k) _fund(k, seed);
    }

    /// A mandate that covers a session up to `end` for everybody, `out` aside.
    function _ready(uint256 seed, uint40 end, uint256 out) private {
        for (uint256 k; k < ids.length; ++k) {
            if (k != out && _validUntil[k] < end) _register(k, end + (seed % 2 == 0 ? 0 : 30 days));
        }
    }

    /// At least a dollar and a hundred grams.
    function _fund(uint256 k, uint256 seed) private {
        Account memory held = market.account(ids[k]);
        if (held.deposit < 1e9) _deposit(ids[k], 1_000_000 + (seed % 1_000_000));
        if (held.carbon < 100 && ids[k] < DESK) _issue(ids[k], 100 + (seed % 400));
    }

    /// What happens after the batch was signed, as a set of events.
    function _disturb(uint256 dice, uint40 deadline) private returns (uint256 happened) {
        happened = dice & ((1 << uint256(Event.SomebodyLeftOut)) - 1);
        uint256 who = (dice >> 16) % PROSUMERS;
        uint256 other = (who + 1) % PROSUMERS;
        if (_has(happened, Event.Drained)) {
            uint256 all = market.account(ids[who]).deposit / 1000;
            (, uint64 waits, ) = market.pending(ids[who]);
            if (all > waits) _asWallet(ids[who], abi.encodeCall(IMarket.requestWithdrawal, (ids[who], all - waits)));
        }
        if (_has(happened, Event.Revoked)) _revoke(who);
        if (_has(happened, Event.Replaced)) _registerRefusingAll(other);
        if (_has(happened, Event.LastSecond)) VM.warp(deadline);
        if (_has(happened, Event.HostileWallet)) {
            hostile.setAccepts(dice % 2 == 0);
            hostile.setBurnsGas(true);
        }
        if (_has(happened, Event.CommitteeRotated)) _appoint(!_turned);
        if (_has(happened, Event.PriceCapLowered)) _both(abi.encodeCall(IMarket.setPriceCap, (1)));
        if (_has(happened, Event.GridReplaced)) registry.addGridModel(_gridModel(0));
        if (_has(happened, Event.WalletHandedOver)) _handOver();
        if (_has(happened, Event.WalletDelegated)) _delegate(other % (PROSUMERS - 1));
        if (_has(happened, Event.Posted)) _takeAllThatIsFree(who, other);
        _disturbed = _has(happened, Event.PriceCapLowered) || _has(happened, Event.GridReplaced);
    }

    function _has(uint256 happened, Event one) private pure returns (bool) {
        return (happened >> uint256(one)) & 1 == 1;
    }

    /// A batch at the ends of one victim's mandate and beyond.
    function _collude(uint256 seed, bool quorum) private {
        uint32[] memory participants = _participants();
        Limits memory victim = _frozenLimits(participants[(seed >> 8) % participants.length]);
        bytes memory payload = Batches.build(participants, Batches.against(victim, seed % 2 == 0), seed);
        (uint32 signers, bytes memory optimised, bytes memory reference_) = _sign(payload, quorum);
        if (!_settleSigned(payload, signers, optimised, reference_)) return;
        _check(quorum, "settled without a quorum");
        ++colluding;
    }

    function _settleSigned(
        bytes memory payload,
        uint32 signers,
        bytes memory optimised,
        bytes memory reference_
    ) private returns (bool) {
        Session memory before = market.session();
        Account[] memory earlier = _snapshot();
        (bool first, bytes memory why) = _call(
            market,
            abi.encodeCall(IMarket.settle, (payload, BUNDLE, signers, optimised))
        );
        (bool second, bytes memory other) = _call(
            plain,
            abi.encodeCall(IMarket.settle, (payload, BUNDLE, signers, reference_))
        );
        _check(first == second && (first || keccak256(why) == keccak256(other)), "the twins disagree");
        if (!first) {
            ++refused;
            ++refusals[bytes4(why)];
            return false;
        }
        ++settled;
        _check(before.open && !before.paused && block.timestamp <= before.deadline, "settled when it may not");
        _check(market.session().sequence == before.sequence + 1, "the sequence did not grow by one");
        _checkParties(payload, earlier, before.start / 1 days);
        return true;
    }

    /// Everybody's money, allowances, mandate and lines, from the payload and from what each has signed.
    function _checkParties(bytes memory payload, Account[] memory earlier, uint256 day) private {
        uint32[] memory participants = _participants();
        uint256 parties = participants.length + 3;
        Limits[] memory limits = new Limits[](parties);
        uint256 end = market.session().lastEnd;
        uint256[] memory place = new uint256[](parties);
        for (uint256 k; k < parties; ++k) {
            place[k] = k < participants.length ? participants[k] - FIRST : PROSUMERS + k - participants.length;
            limits[k] = _frozenLimits(ids[place[k]]);
        }
        string memory wrong = Judge.firstWrong(payload, limits);
        _check(bytes(wrong).length == 0, wrong);
        Judge.Sheet memory sheet = Judge.read(payload);
        for (uint256 k; k < parties; ++k) {
            Account memory held = market.account(ids[place[k]]);
            int256 paid = int256(uint256(earlier[place[k]].deposit)) - int256(uint256(held.deposit));
            _noteDue(place[k], sheet, k, end);
            _check(paid == -sheet.nano[k], "money moved that the trades do not say");
            _check(held.carbon == earlier[place[k]].carbon + sheet.grams[k], "carbon moved that the trades do not say");
            _check(ids[place[k]] == DESK || held.carbon >= 0, "somebody sold allowances it did not hold");
            if (paid > 0) {
                _checkSpend(place[k], uint256(paid), day);
                uint256 most = mostLoss(_frozenMandate(place[k]), 1 hours, Batches.PERIODS);
                _check(uint256(paid) <= most, "somebody lost more than its mandate's formula says");
            }
        }
        _check(_insideLimits(participants, sheet, payload), "a settled batch is beyond the grid's limits");
    }
}
