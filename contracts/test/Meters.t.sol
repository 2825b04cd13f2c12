// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {Delivery} from "../delivery/Delivery.sol";
import {IDelivery} from "../interfaces/IDelivery.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {ReferenceDelivery} from "../reference/ReferenceDelivery.sol";
import {Account, INSURANCE} from "../types/Account.sol";
import {Connection, Kind} from "../types/Readings.sol";
import {hashSession, Session, SessionTerms} from "../types/Session.sol";
import {Batches} from "./Batches.t.sol";
import {SomeReadings} from "./SomeReadings.sol";
import {Twins} from "./Twins.t.sol";
import {VM} from "./Vm.sol";

/// Sessions that settle and what is entered for them, by a quorum that may say anything its signatures allow, between
/// withdrawals, rotations and time: done to the optimised delivery and the plain one alike.
contract Meters is Twins {
    using SomeReadings for SomeReadings.Dice;

    struct Settled {
        SessionTerms terms;
        SessionTerms plainTerms;
        bytes32 payload;
        uint256 end;
        bool turned;
        Kind kind;
        uint32 entries;
        bytes readings;
        address connections;
        address plainConnections;
    }

    uint256 internal constant TRIES = 3;

    Delivery public delivery;
    ReferenceDelivery public plainDelivery;
    Connection[] private _homes;
    Settled[] internal _settled;
    address private _written;
    address private _plainWritten;
    /// Nano-dollars that the entries of all sessions may have taken of each, by its connection.
    mapping(uint256 k => uint256) private _bound;
    mapping(uint256 k => int256) private _taken;

    uint256 public entered;
    uint256 public corrected;
    uint256 public insolvent;
    uint256 public collected;
    mapping(bytes4 reason => uint256) public refusals;

    function _connect() internal override {
        IDelivery.Windows memory windows = IDelivery.Windows(1 hours, 2 days, 1 days, 30 days, 3);
        delivery = new Delivery(registry.authority(), market, registry, windows);
        plainDelivery = new ReferenceDelivery(registry.authority(), plain, registry, windows);
        (address carbon, address plainCarbon) = _carbons();
        market.connect(address(delivery), carbon);
        plain.connect(address(plainDelivery), plainCarbon);
        _onboard(INSURANCE, ids.length);
        SomeReadings.Dice memory drawn = SomeReadings.dice(2_026);
        for (uint256 k; k < PROSUMERS; ++k) {
            uint32 watts = uint32(500 + (drawn.throwDice() % 9_000));
            _homes.push(Connection(ids[k], watts, 2 * watts, watts, uint32(50_000 + (drawn.throwDice() % 100_000)), 1));
        }
        _written = _register(delivery);
        _plainWritten = _register(plainDelivery);
    }

    /// What moves grams between accounts and wallets in either market.
    function _carbons() internal virtual returns (address, address) {
        return (CARBON, CARBON);
    }

    /// One signature each, of the wallet; the last one's is a contract that says yes. Its code is the second that a delivery
    /// makes, after what checks due energy.
    function _register(IDelivery to) private returns (address pointer) {
        bytes[] memory signatures = new bytes[](PROSUMERS);
        for (uint256 k; k < PROSUMERS; ++k) {
            (uint8 v, bytes32 r, bytes32 s) = VM.sign(5000 + k, to.connectionDigest(_homes[k]));
            signatures[k] = abi.encodePacked(r, s, v);
        }
        pointer = address(uint160(uint256(keccak256(abi.encodePacked(bytes2(0xd694), to, bytes1(0x02))))));
        to.registerConnections(_homes, signatures);
    }

    function session(uint256 seed) public virtual {
        Session memory open = market.session();
        if (open.open && block.timestamp <= open.deadline) VM.warp(open.deadline + 1);
        uint40 start = _next(2 hours);
        if (start > block.timestamp + 1 days) VM.warp(start - 1 days);
        uint40 end = start + uint40(Batches.PERIODS * 1 hours);
        for (uint256 k; k < ids.length; ++k) {
            if (_validUntil[k] < end) _register(k, end + 30 days);
        }
        if (!_freeze(start, start + 1 hours)) return;
        for (uint256 k; k < ids.length; ++k) {
            Account memory held = market.account(ids[k]);
            if (held.deposit < 1e9) _deposit(ids[k], 1_000_000 + (seed % 1_000_000));
            if (held.carbon < 100 && k < PROSUMERS) _issue(ids[k], 100 + (seed % 400));
        }
        bytes memory payload = Batches.build(_participants(), Batches.honest(), seed);
        (uint32 signers, bytes memory optimised, bytes memory reference_) = _sign(payload, true);
        Settled storage made = _settled.push();
        (made.terms, made.plainTerms) = (_termsOf(market), _termsOf(plain));
        _check(hashSession(made.terms) == market.sessionHash(), "the session's terms are others");
        (made.payload, made.end, made.turned) = (keccak256(payload), end, _frozenTurned);
        market.settle(payload, BUNDLE, signers, optimised);
        plain.settle(payload, BUNDLE, signers, reference_);
    }

    /// Readings that are drawn, most of them allowed, for one of the last sessions.
    function deliver(uint256 seed) public virtual {
        if (_settled.length == 0) return;
        uint256 back = (seed >> 8) % (_settled.length < TRIES ? _settled.length : TRIES);
        Settled storage one = _settled[_settled.length - 1 - back];
        Kind kind = Kind(1 + ((seed >> 16) % 3));
        if ((seed >> 24) % 4 != 0) kind = one.kind < Kind.Final ? Kind(1 + ((seed >> 16) % 2)) : Kind.Correction;
        uint256 from = one.end + 1 hours;
        if (block.timestamp < from && (seed >> 32) % 8 != 0) VM.warp(from + ((seed >> 40) % 1 hours));
        _deliver(one, kind, _draw(seed), seed);
    }

    function requestWithdrawal(uint256 who, uint256 amount) external {
        uint32 id = ids[who % ids.length];
        _asWallet(id, abi.encodeCall(IMarket.requestWithdrawal, (id, amount % 4_000_000)));
    }

    function withdraw(uint256 who) external {
        uint256 before = token.balanceOf(address(market));
        if (_both(abi.encodeCall(IMarket.withdraw, (ids[who % ids.length])))) {
            withdrawn += before - token.balanceOf(address(market));
        }
    }

    function deposit(uint256 who, uint256 amount) external {
        uint256 k = who % (ids.length + 1);
        _deposit(k == ids.length ? INSURANCE : ids[k], amount % 400_000);
    }

    function rotateCommittee() external {
        _appoint(!_turned);
    }

    function wait(uint256 time) external {
        VM.warp(block.timestamp + (time % 3 days));
    }

    /// Before calls that may be refused, and after them: what a refused one emitted is recorded and never was.
    function _logged(bool counts) internal virtual {}

    function collect(uint256 who) public virtual {
        uint32 id = ids[who % ids.length];
        uint256 owed = delivery.arrearsOf(id);
        uint256 before = market.account(id).deposit;
        _logged(true);
        (bool first, ) = address(delivery).call(abi.encodeCall(IDelivery.collect, (id)));
        (bool second, ) = address(plainDelivery).call(abi.encodeCall(IDelivery.collect, (id)));
        _logged(first);
        _check(first == second && first == owed > 0, "arrears collected that were not there, or not those that were");
        if (!first) return;
        uint256 taken = before - market.account(id).deposit;
        _check(delivery.arrearsOf(id) == owed - taken, "more was taken than is owed, or it is owed still");
        if (taken > 0) ++collected;
    }

    /// What entries and arrears have taken of each prosumer is within what its connection allows for as many entries.
    function withinBounds() external view returns (bool) {
        for (uint256 k; k < PROSUMERS; ++k) if (_taken[k] > int256(_bound[k])) return false;
        return true;
    }

    function sessions() external view returns (uint256) {
        return _settled.length;
    }

    /// Whether both deliveries keep the same of every session, and the commitment is of what was entered last.
    function sameRecords() external view returns (bool) {
        for (uint256 n; n < _settled.length; ++n) {
            uint32 sequence = _settled[n].terms.sequence + 1;
            bytes32 one = keccak256(abi.encode(delivery.delivered(sequence)));
            if (one != keccak256(abi.encode(plainDelivery.delivered(sequence)))) return false;
            if (delivery.delivered(sequence).entries != _settled[n].entries) return false;
        }
        for (uint256 k; k < ids.length; ++k) {
            if (delivery.arrearsOf(ids[k]) != plainDelivery.arrearsOf(ids[k])) return false;
        }
        return true;
    }

    function _draw(uint256 seed) private view returns (bytes memory) {
        SomeReadings.Dice memory drawn = SomeReadings.dice(seed);
        SomeReadings.Shape memory shape = SomeReadings.Shape({
            periods: Batches.PERIODS,
            seconds_: 1 hours,
            width: drawn.throwDice() % 4 == 0 ? 4 : 2,
            mayBreak: drawn.throwDice() % 8 == 0,
            unmeasured: drawn.throwDice() % 2 == 0 ? 0 : 30,
            everybody: drawn.throwDice() % 16 != 0,
            imbalancePrice: IMBALANCE
        });
        return drawn.readings(_homes, shape);
    }

    function _deliver(Settled storage one, Kind kind, bytes memory readings, uint256 seed) private {
        Account[] memory before = _snapshot();
        _logged(true);
        (bool first, bytes memory why) = address(delivery).call(
            _callOf(delivery, one, one.terms, one.connections, kind, readings, seed)
        );
        (bool second, bytes memory other) = address(plainDelivery).call(
            _callOf(plainDelivery, one, one.plainTerms, one.plainConnections, kind, readings, seed)
        );
        _logged(first);
        _check(first == second && (first || bytes4(why) == bytes4(other)), "the deliveries disagree");
        if (!first) {
            ++refusals[bytes4(why)];
            return;
        }
        if (one.entries == 0) (one.connections, one.plainConnections) = (_written, _plainWritten);
        ++one.entries;
        (one.kind, one.readings) = (kind, readings);
        ++entered;
        if (kind == Kind.Correction) ++corrected;
        _checkMoved(before);
    }

    /// Nothing beyond a connection, nothing that the open session has locked, and nothing from nowhere.
    function _checkMoved(Account[] memory before) private {
        bool short;
        for (uint256 k; k < ids.length; ++k) {
            uint256 held = market.account(ids[k]).deposit;
            int256 taken = int256(uint256(before[k].deposit)) - int256(held);
            _check(held >= market.lockOf(ids[k]), "an entry took what is locked");
            if (delivery.arrearsOf(ids[k]) > 0) short = true;
            if (k >= PROSUMERS) continue;
            uint256 most = delivery.mostCharge(ids[k], 1 hours, Batches.PERIODS);
            // The difference of two charges, each within the connection.
            _check(taken <= 2 * int256(most), "an entry took more than a connection allows");
            _taken[k] += taken;
            _bound[k] += 2 * most;
        }
        if (short) ++insolvent;
    }

    function _callOf(
        IDelivery to,
        Settled storage one,
        SessionTerms memory terms,
        address connections,
        Kind kind,
        bytes memory readings,
        uint256 seed
    ) private view returns (bytes memory) {
        bytes32 reason = kind == Kind.Correction ? keccak256("why") : bytes32(0);
        if ((seed >> 64) % 32 == 0) reason = bytes32(uint256(reason) ^ 1);
        IDelivery.Posting memory posting = IDelivery.Posting({
            terms: terms,
            payload: one.payload,
            bundle: BUNDLE,
            kind: kind,
            meters: bytes32(seed),
            reason: reason,
            connections: connections
        });
        bool open = block.timestamp < one.end + 2 days;
        uint32 epoch = open ? terms.epoch : 0;
        bool turned = open ? one.turned : _turnedNow();
        bytes32 digest = to.readingsDigest(posting, keccak256(readings), epoch);
        bool quorum = (seed >> 72) % 32 != 0;
        bytes memory signatures = _signaturesOf(digest, quorum, turned);
        return abi.encodeCall(IDelivery.deliver, (posting, readings, one.readings, quorum ? 7 : 1, signatures));
    }

    function _termsOf(IMarket of_) private view returns (SessionTerms memory terms) {
        Session memory open = of_.session();
        terms.epoch = registry.committee().epoch;
        (terms.sequence, terms.ordinal) = (open.sequence, open.ordinal);
        terms.previousBatch = of_.lastBatch();
        terms.gridModel = registry.gridModel().hash;
        (terms.termsHash, terms.imbalancePrice) = (_termsHash(), IMBALANCE);
        (terms.start, terms.periodSeconds, terms.periods) = (open.start, open.periodSeconds, open.periods);
        terms.deadline = open.deadline;
    }
}

/// What holds after anything that may happen between a settlement and the last correction.
contract MetersTest {
    Meters private _meters;

    function setUp() public {
        _meters = new Meters();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_meters);
    }

    function invariant_no_entry_broke_a_rule() external view {
        _assertNothingBroken();
    }

    function invariant_deliveries_and_markets_are_the_same() external view {
        assert(_meters.sameRecords());
        uint32[] memory ids = _meters.accounts();
        for (uint256 k; k <= ids.length; ++k) {
            uint32 id = k == ids.length ? INSURANCE : ids[k];
            Account memory optimised = _meters.market().account(id);
            Account memory plain = _meters.plain().account(id);
            assert(keccak256(abi.encode(optimised)) == keccak256(abi.encode(plain)));
        }
    }

    function invariant_money_is_conserved_over_entries() external view {
        uint256 owed = _meters.market().account(INSURANCE).deposit;
        uint32[] memory ids = _meters.accounts();
        for (uint256 k; k < ids.length; ++k) {
            (uint64 tokens, , ) = _meters.market().pending(ids[k]);
            owed += _meters.market().account(ids[k]).deposit + uint256(tokens) * 1000;
        }
        assert(owed == _meters.token().balanceOf(address(_meters.market())) * 1000);
    }

    function invariant_what_entries_took_is_within_the_connections() external view {
        assert(_meters.withinBounds());
    }

    function testFuzz_entries_of_any_kind_leave_both_deliveries_the_same(uint256[6] calldata seeds) external {
        _meters.session(seeds[0]);
        for (uint256 k; k < seeds.length; ++k) {
            _meters.deliver(seeds[k]);
            if (seeds[k] % 5 == 0) _meters.wait(seeds[k] >> 8);
            if (seeds[k] % 7 == 0) _meters.requestWithdrawal(seeds[k] >> 8, seeds[k] >> 16);
        }
        _assertNothingBroken();
        assert(_meters.sameRecords() && _meters.withinBounds());
    }

    /// What the campaigns are about is reached: entries, corrections, accounts that cannot pay, arrears collected.
    function test_the_campaign_reaches_corrections_and_insolvency() external {
        for (uint256 k; k < 120; ++k) {
            uint256 seed = uint256(keccak256(abi.encode("meters", k)));
            if (k % 6 == 0) _meters.session(seed);
            _meters.deliver(seed);
            if (k % 5 == 0) _meters.requestWithdrawal(seed, seed >> 8);
            if (k % 9 == 0) _meters.deposit(seed, seed >> 8);
            if (k % 7 == 0) _meters.collect(seed);
            if (k % 11 == 0) _meters.rotateCommittee();
            if (k % 13 == 0) _meters.wait(seed);
        }
        _assertNothingBroken();
        assert(_meters.sessions() == 20 && _meters.entered() >= 40 && _meters.corrected() >= 10);
        assert(_meters.insolvent() >= 3 && _meters.collected() >= 1);
        assert(_meters.refusals(IDelivery.NotMeasured.selector) > 0);
        assert(_meters.refusals(IDelivery.KindOutOfOrder.selector) > 0);
        assert(_meters.sameRecords() && _meters.withinBounds());
    }

    function _assertNothingBroken() private view {
        string memory broken = _meters.broken();
        if (bytes(broken).length != 0) revert(broken);
    }
}
