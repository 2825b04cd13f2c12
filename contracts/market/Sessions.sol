// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {Mandates} from "./Mandates.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {CodeBlob} from "../libraries/CodeBlob.sol";
import {FrozenLimits} from "../libraries/FrozenLimits.sol";
import {GridModel} from "../libraries/GridModel.sol";
import {Account, DESK} from "../types/Account.sol";
import {Limits, packLimits, Registered} from "../types/Mandate.sol";
import {hashAttestation, hashSession, Session, SessionTerms} from "../types/Session.sol";

/// One session at a time: frozen with everything its settlement reads, settled once, or void by time.
abstract contract Sessions is Mandates {
    uint256 internal constant MAX_PERIODS = 100;
    uint256 internal constant MIN_PERIOD_SECONDS = 300;
    /// How long after its start a session can be frozen and settled, and how long before it frozen: no longer open than
    /// the two together, which is less than a withdrawal takes.
    uint40 public constant GRACE = 1 hours;
    uint40 public constant MAX_AHEAD = 2 days;
    uint256 internal constant RING = 64;
    uint24 internal constant MAX_PRICE_CAP = 0x7ffffe;

    /// Committee and grid model of the open session, as code; quorum and number of members beside the first.
    address internal _committeePointer;
    uint8 internal _members;
    uint8 internal _quorum;
    address internal _gridPointer;
    address internal _limitsPointer;
    bytes32 internal _sessionHash;
    uint24 private _nextPriceCap;
    /// Recycled: slot k holds the batch whose sequence is k modulo RING. Never zero, so that no settlement pays for a
    /// new slot.
    bytes32[RING] internal _ring;

    constructor(uint24 priceCap) {
        _setPriceCap(priceCap);
        for (uint256 i; i < RING; ++i) _ring[i] = bytes32(uint256(1));
    }

    /// @inheritdoc IMarket
    function freezeSession(
        uint40 start,
        uint32 periodSeconds,
        uint8 periods,
        uint40 deadline,
        bytes32 termsHash,
        uint32[] calldata ids
    ) external restricted returns (bytes32) {
        Session memory opened = _session;
        if (opened.paused) revert SettlementPaused();
        if (_sessionIsLive()) revert SessionStillOpen(opened.deadline);
        _checkTimes(start, periodSeconds, periods, deadline, opened.lastEnd);
        opened.start = start;
        opened.periodSeconds = periodSeconds;
        opened.periods = periods;
        opened.deadline = deadline;
        ++opened.ordinal;
        opened.open = true;
        opened.priceCap = _nextPriceCap;
        _session = opened;
        _freezeTerms(opened, termsHash);
        _lockMandates(opened, ids);
        return _sessionHash;
    }

    /// @inheritdoc IMarket
    function setPaused(bool paused) external restricted {
        _session.paused = paused;
        emit PauseChanged(paused);
    }

    /// @inheritdoc IMarket
    function cancelSession() external restricted {
        if (!_sessionIsLive()) revert NoOpenSession();
        _session.open = false;
        emit SessionCancelled(_session.ordinal);
    }

    /// @inheritdoc IMarket
    function setPriceCap(uint24 priceCap) external restricted {
        _setPriceCap(priceCap);
    }

    /// @inheritdoc IMarket
    function session() external view returns (Session memory) {
        return _session;
    }

    /// @inheritdoc IMarket
    function sessionHash() external view returns (bytes32) {
        return _sessionHash;
    }

    /// @inheritdoc IMarket
    function frozenLimits(uint32 id) external view returns (bool locked, Limits memory limits) {
        return FrozenLimits.find(CodeBlob.read(_limitsPointer), id);
    }

    /// @inheritdoc IMarket
    function lastBatch() public view returns (bytes32) {
        return batchAt(_session.sequence);
    }

    /// @inheritdoc IMarket
    function batchAt(uint32 sequence) public view returns (bytes32) {
        uint32 last = _session.sequence;
        if (sequence > last || last - sequence >= RING) revert BatchNotKept(sequence);
        return sequence == 0 ? bytes32(0) : _ring[sequence % RING];
    }

    /// @inheritdoc IMarket
    function attestationDigest(bytes calldata payload, bytes32 bundleHash) external view returns (bytes32) {
        return _attestationDigest(keccak256(payload), bundleHash);
    }

    function _attestationDigest(bytes32 payloadHash, bytes32 bundleHash) internal view returns (bytes32) {
        return _hashTypedDataV4(hashAttestation(_sessionHash, payloadHash, bundleHash));
    }

    function _setPriceCap(uint24 priceCap) private {
        if (priceCap == 0 || priceCap > MAX_PRICE_CAP) revert PriceCapOutOfRange(priceCap);
        _nextPriceCap = priceCap;
        emit PriceCapChanged(priceCap);
    }

    function _checkTimes(
        uint40 start,
        uint32 periodSeconds,
        uint8 periods,
        uint40 deadline,
        uint40 lastEnd
    ) private view {
        if (periodSeconds < MIN_PERIOD_SECONDS || 3600 % periodSeconds != 0) {
            revert PeriodSecondsOutOfRange(periodSeconds);
        }
        if (periods > MAX_PERIODS || uint256(periods) * periodSeconds < 1 hours) revert PeriodsOutOfRange(periods);
        // In whole words: a start near the end of its field must not overflow it.
        uint256 now_ = block.timestamp;
        uint256 latest = uint256(start) + GRACE;
        if (start % periodSeconds != 0 || latest < now_ || start > now_ + MAX_AHEAD) revert StartOutOfRange(start);
        if (start < lastEnd) revert SessionOverlaps(start, lastEnd);
        if (deadline <= now_ || deadline > latest) revert DeadlineOutOfRange(deadline);
    }

    /// Epoch, sequence, previous batch and grid model go from storage into what will be signed, never through calldata.
    function _freezeTerms(Session memory opened, bytes32 termsHash) private {
        IRegistry.Committee memory committee = registry.committee();
        IRegistry.FeederModel memory grid = registry.gridModel();
        if (grid.pointer == address(0)) revert NoGridModel();
        (_committeePointer, _members, _quorum) = (committee.pointer, committee.members, committee.quorum);
        _gridPointer = grid.pointer;
        SessionTerms memory terms = SessionTerms({
            epoch: committee.epoch,
            sequence: opened.sequence,
            ordinal: opened.ordinal,
            previousBatch: lastBatch(),
            gridModel: grid.hash,
            termsHash: termsHash,
            start: opened.start,
            periodSeconds: opened.periodSeconds,
            periods: opened.periods,
            deadline: opened.deadline
        });
        _sessionHash = hashSession(terms);
        emit SessionFrozen(
            opened.ordinal,
            _sessionHash,
            opened.start,
            opened.periodSeconds,
            opened.periods,
            opened.deadline,
            opened.sequence,
            terms.previousBatch,
            terms.gridModel,
            termsHash,
            terms.epoch
        );
    }

    /// Copies each mandate, with the prosumer's bus, to the code `settle` reads, and locks its worst-case spend.
    function _lockMandates(Session memory opened, uint32[] calldata ids) private {
        bytes memory grid = CodeBlob.read(_gridPointer);
        uint256 end = uint256(opened.start) + uint256(opened.periods) * opened.periodSeconds;
        uint256 entries = GridModel.prosumers(grid);
        uint256 cursor;
        FrozenLimits.Table memory table = FrozenLimits.begin(ids.length);
        for (uint256 i; i < ids.length; ++i) {
            uint32 id = ids[i];
            if (i > 0 && id <= ids[i - 1]) revert FreezeNotAscending(i);
            uint32 onFeeder;
            uint16 bus;
            for (; cursor < entries; ++cursor) {
                (onFeeder, bus) = GridModel.prosumer(grid, cursor);
                if (onFeeder >= id) break;
            }
            Registered memory mandate = _mandates[id];
            if (mandate.validUntil < end || (onFeeder != id && id < DESK)) {
                emit LeftOut(opened.ordinal, id);
                continue;
            }
            mandate.limits.bus = id < DESK ? bus : 0;
            (uint256 word, uint256 capacity) = packLimits(mandate.limits);
            FrozenLimits.add(table, id, word, capacity);
            emit MandateLocked(opened.ordinal, id, word, capacity, _lock(opened, id, mandate.maxSpendPerDay));
        }
        _limitsPointer = CodeBlob.write(FrozenLimits.finish(table));
    }

    /// Rounded down to micro-dollars and never more than the deposit, so a spend within the lock is always covered.
    function _lock(Session memory opened, uint32 id, uint48 maxSpendPerDay) private returns (uint48 lockedMicro) {
        Account memory held = _accounts[id];
        uint256 spent = held.day == uint16(opened.start / 1 days) ? held.spentMicro : 0;
        uint256 allowed = maxSpendPerDay > spent ? maxSpendPerDay - spent : 0;
        uint256 covered = held.deposit / NANO_PER_TOKEN;
        lockedMicro = uint48(allowed < covered ? allowed : covered);
        held.lockedMicro = lockedMicro;
        held.session = opened.ordinal;
        _accounts[id] = held;
    }
}
