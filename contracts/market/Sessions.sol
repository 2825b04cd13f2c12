// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {IMarket} from "../interfaces/IMarket.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {METERING_WINDOW} from "../types/Delays.sol";
import {Feeder, hashAttestation, hashSession, Seats, Session, SessionTerms} from "../types/Session.sol";
import {Tables} from "./Tables.sol";

/// One session at a time: frozen with everything its settlement reads, settled once, or void by time.
abstract contract Sessions is Tables {
    uint256 internal constant MAX_PERIODS = 100;
    uint256 internal constant MIN_PERIOD_SECONDS = 300;
    /// How long after its start a session can be frozen and settled, and how long before it frozen: no longer open than
    /// the two together, which is less than a withdrawal takes.
    uint40 public constant GRACE = 1 hours;
    uint40 public constant MAX_AHEAD = 2 days;
    uint24 internal constant MAX_PRICE_CAP = 0x7ffffe;

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
        uint24 imbalancePrice
    ) external restricted returns (bytes32) {
        Session memory opened = _session;
        if (opened.paused) revert SettlementPaused();
        if (_isLive(opened)) revert SessionStillOpen(opened.deadline);
        _checkTimes(start, periodSeconds, periods, deadline, opened.lastEnd);
        (IRegistry.Committee memory committee, IRegistry.FeederModel memory grid) = registry.committeeAndGrid();
        if (grid.pointer == address(0)) revert NoGridModel();
        bool turns = _freezeFeeder(grid.pointer, start, opened);
        Seats memory seated = _seats;
        opened.start = start;
        opened.periodSeconds = uint16(periodSeconds);
        opened.periods = periods;
        opened.deadline = deadline;
        ++opened.ordinal;
        opened.open = true;
        opened.priceCap = seated.nextPriceCap;
        _session = opened;
        (seated.keys, seated.members, seated.quorum) = (committee.pointer, committee.members, committee.quorum);
        seated.imbalancePrice = imbalancePrice;
        _seats = seated;
        SessionTerms memory terms = _terms(opened, committee.epoch, grid.hash, termsHash);
        terms.imbalancePrice = imbalancePrice;
        return _freezeTerms(terms, turns);
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
        return _session.open ? _frozenHash(_session.sequence) : bytes32(0);
    }

    /// @inheritdoc IMarket
    function seats() external view returns (Seats memory) {
        return _seats;
    }

    /// @inheritdoc IMarket
    function feeder() external view returns (Feeder memory) {
        return _feeder;
    }

    /// @inheritdoc IMarket
    function lastBatch() external view returns (bytes32) {
        return _kept(_session.sequence);
    }

    /// @inheritdoc IMarket
    function batchAt(uint32 sequence) external view returns (bytes32) {
        uint32 last = _session.sequence;
        if (sequence > last || last - sequence >= KEPT) revert BatchNotKept(sequence);
        return _kept(sequence);
    }

    /// @inheritdoc IMarket
    function attestationDigest(bytes calldata payload, bytes32 bundleHash) external view returns (bytes32) {
        return _attestationDigest(_session.sequence, keccak256(payload), bundleHash);
    }

    /// @param sequence Of the last batch: the session is to be the next.
    function _attestationDigest(
        uint32 sequence,
        bytes32 payloadHash,
        bytes32 bundleHash
    ) internal view returns (bytes32) {
        return _hashTypedDataV4(hashAttestation(_frozenHash(sequence), payloadHash, bundleHash));
    }

    function _setPriceCap(uint24 priceCap) private {
        if (priceCap == 0 || priceCap > MAX_PRICE_CAP) revert PriceCapOutOfRange(priceCap);
        _seats.nextPriceCap = priceCap;
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

    /// The feeder, its table, and whether the session begins another epoch of what is held: it is the first of its day,
    /// and what the epoch before the current one held is free.
    function _freezeFeeder(address grid, uint40 start, Session memory last) private returns (bool turns) {
        Feeder memory before = _feeder;
        bool anew = grid != before.grid;
        _takeUpChanges(grid, anew);
        turns = start / 1 days > last.lastDay && block.timestamp >= before.epochFrom + METERING_WINDOW;
        if (!anew && turns == before.turns) return turns;
        (before.grid, before.turns) = (grid, turns);
        _feeder = before;
    }

    /// The epochs as they are when the open session is settled.
    function _epochs(Feeder memory frozen, uint16 day) internal pure returns (uint16 epochDay, uint16 beforeDay) {
        return frozen.turns ? (day, frozen.epochDay) : (frozen.epochDay, frozen.beforeDay);
    }

    /// What a settlement leaves: the session is over, and with it perhaps an epoch.
    function _finish(Session memory current, Feeder memory frozen, bytes32 batch) internal returns (uint32 sequence) {
        uint16 day = uint16(current.start / 1 days);
        if (frozen.turns) {
            (frozen.epochDay, frozen.beforeDay) = _epochs(frozen, day);
            (frozen.epochFrom, frozen.turns) = (current.lastEnd, false);
            _feeder = frozen;
        }
        current.open = false;
        current.lastEnd = uint40(_end(current));
        current.lastDay = day;
        sequence = ++current.sequence;
        _session = current;
        _ring[sequence % RING] = batch;
    }

    function _freezeTerms(SessionTerms memory terms, bool turns) private returns (bytes32 hash) {
        hash = hashSession(terms);
        _ring[(uint256(terms.sequence) + 1) % RING] = hash;
        emit SessionFrozen(
            uint24(terms.ordinal),
            hash,
            uint40(terms.start),
            terms.periodSeconds,
            uint8(terms.periods),
            uint40(terms.deadline),
            terms.sequence,
            terms.previousBatch,
            terms.gridModel,
            terms.termsHash,
            terms.epoch,
            terms.imbalancePrice,
            turns
        );
    }
}
