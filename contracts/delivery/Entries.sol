// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {IDelivery} from "../interfaces/IDelivery.sol";
import {CodeBlob} from "../libraries/CodeBlob.sol";
import {Basis, Bill, Line, Shares} from "../types/Bill.sol";
import {DESK, Entry, INSURANCE, packEntry, UTILITY} from "../types/Account.sol";
import {Commitment, hashCommitment, Kind} from "../types/Readings.sol";
import {Deliveries} from "./Deliveries.sol";
import {DueChecker} from "./DueChecker.sol";

/// An entry from its readings to the market's accounts. What a row comes to, and how money and allowances get into the
/// accounts, is left open: the optimised and the plain contract each have their own.
abstract contract Entries is Deliveries {
    /// Of an int128 in code.
    uint256 private constant UNMOVED_BYTES = 16;

    /// @inheritdoc IDelivery
    address public immutable dueChecker = address(new DueChecker());

    mapping(uint32 id => uint256) private _arrears;
    /// Code with what of the accounts could not be moved, where `Delivered.unmoved` says that there is any: of each
    /// row, desk, utility and insurance fund what it is to receive, below zero: to pay. They sum to zero.
    mapping(uint32 sequence => address) private _unmoved;

    /// @inheritdoc IDelivery
    function deliver(
        Posting calldata posting,
        bytes calldata readings,
        bytes calldata previous,
        uint32 signers,
        bytes calldata signatures
    ) external returns (bytes32 committed) {
        uint32 sequence = posting.terms.sequence + 1;
        Delivered memory last = _delivered[sequence];
        bytes32 batch = _batchOf(posting);
        bool open = _checkKind(posting, last);
        bool first = last.kind == Kind.None;
        if (first) _checkFirst(posting, batch, previous);
        address connections = first ? _table : posting.connections;
        Basis memory basis = _basis(posting, connections, posting.kind);
        Bill memory bill = _bill(readings, basis);
        _checkQuorum(posting, batch, bill.readings, last.entries, open, signers, signatures);
        if (posting.kind == Kind.Final && open && !bill.measured) revert NotMeasured(_closesAt(posting));
        if (!first) {
            // Of the same session and connections, under its own kind.
            basis.closed = last.kind != Kind.Provisional;
            _subtract(bill, _before(posting, batch, previous, basis), last.kind);
        }
        bool unmoved = last.unmoved;
        committed = _keep(posting, last, Commitment(batch, bill.readings, bill.rows, connections));
        if (posting.kind == Kind.Provisional) for (uint256 k; k < bill.lines.length; ++k) bill.lines[k].released = 0;
        _enter(sequence, uint16(posting.terms.start / 1 days), bill, unmoved);
    }

    /// @inheritdoc IDelivery
    function collect(uint32 id) external returns (uint256 nano) {
        uint256 owed = _arrears[id];
        if (owed == 0) revert NoArrears(id);
        (uint256 most, ) = market.debitable(id);
        nano = owed < most ? owed : most;
        _arrears[id] = owed - nano;
        emit Collected(id, nano);
        uint256 from = packEntry(Entry(id, 0, 0, -int128(uint128(nano))));
        uint256 to = packEntry(Entry(INSURANCE, 0, 0, int128(uint128(nano))));
        // The insurance fund's id is above every prosumer's and below the other system accounts'.
        bytes memory entries = id < INSURANCE ? abi.encode(from, to) : abi.encode(to, from);
        market.post(0, entries, 0);
    }

    /// @inheritdoc IDelivery
    function checkDue(
        Posting calldata posting,
        bytes calldata payload,
        bytes calldata readings
    ) external returns (bool right) {
        uint32 sequence = posting.terms.sequence + 1;
        Delivered storage held = _delivered[sequence];
        if (held.kind == Kind.None) revert NotDelivered(sequence);
        bytes32 committed = _commitments[sequence];
        Bill memory bill = _bill(readings, _basis(posting, posting.connections, held.kind));
        _checkCommitted(posting, _batchOf(posting), bill, committed);
        if (keccak256(payload) != posting.payload) revert UnknownBatch(sequence);
        right = DueChecker(dueChecker).agrees(payload, readings, posting.terms.periods);
        held.wrong = !right;
        emit DueChecked(sequence, held.entries, right);
    }

    /// @inheritdoc IDelivery
    function arrearsOf(uint32 id) external view returns (uint256 nano) {
        return _arrears[id];
    }

    /// @inheritdoc IDelivery
    function unmovedOf(uint32 sequence) external view returns (int256[] memory nano) {
        if (_delivered[sequence].unmoved) nano = _leftOf(sequence);
    }

    /// What the rows come to, each bounded by its connection, with the hash of the readings and the root of the rows.
    function _bill(bytes calldata readings, Basis memory basis) internal view virtual returns (Bill memory);

    /// Money first to desk, utility and fund, then what can be moved of it, then all at once into the market; see
    /// docs/delivery.md. `unmoved`: the entry before left something that this one has to take up.
    function _enter(uint32 sequence, uint16 day, Bill memory bill, bool unmoved) internal virtual;

    /// What the entries before could not move of lines, desk, utility and insurance fund, to be added to what this one
    /// moves. Arrears of this session are owed no longer beside that; what was collected of them since, the fund has.
    function _takeUp(uint32 sequence, Line[] memory lines) internal returns (int256[] memory left) {
        left = _leftOf(sequence);
        uint256 fund = left.length - 1;
        for (uint256 k; k < fund; ++k) {
            if (left[k] >= 0) continue;
            int256 still = _stillOwed(sequence, _accountAt(lines, k), left[k]);
            left[fund] += left[k] - still;
            left[k] = still;
        }
    }

    /// What could not be moved: `ids` and `amounts` are the lines', the desk's and the utility's.
    function _note(
        uint32 sequence,
        uint32[] memory ids,
        int256[] memory amounts,
        int256 fund,
        Shares memory shares
    ) internal {
        if (shares.byFund == 0 && shares.byReceivers == 0) return;
        uint256 count = amounts.length;
        // A word more, of which the last number's tail writes over half.
        bytes memory left = new bytes(UNMOVED_BYTES * (count + 1) + 32);
        for (uint256 k; k < count; ++k) {
            int256 nano = amounts[k] - shares.moved[k];
            _put(left, k, nano);
            if (nano >= 0) continue;
            _arrears[ids[k]] += uint256(-nano);
            emit Arrears(sequence, ids[k], uint256(-nano));
        }
        _put(left, count, fund - shares.fund);
        assembly ("memory-safe") {
            mstore(left, sub(mload(left), 32))
        }
        _unmoved[sequence] = CodeBlob.write(left);
        _delivered[sequence].unmoved = true;
        emit ShortfallBorne(sequence, shares.byFund, shares.byReceivers);
    }

    /// What is left of `nano`, below zero, after what was collected since; and the arrears without it.
    function _stillOwed(uint32 sequence, uint32 id, int256 nano) private returns (int256 still) {
        int256 owed = int256(_arrears[id]);
        still = -owed > nano ? -owed : nano;
        if (still == 0) return 0;
        _arrears[id] = uint256(owed + still);
        emit ArrearsTakenUp(sequence, id, uint256(-still));
    }

    function _leftOf(uint32 sequence) private view returns (int256[] memory nano) {
        bytes memory left = CodeBlob.read(_unmoved[sequence]);
        nano = new int256[](left.length / UNMOVED_BYTES);
        for (uint256 k; k < nano.length; ++k) {
            int256 one;
            // Bound: k is within `left`.
            assembly ("memory-safe") {
                one := sar(128, mload(add(add(left, 32), mul(UNMOVED_BYTES, k))))
            }
            nano[k] = one;
        }
    }

    /// Whose amount it is: rows, then desk and utility.
    function _accountAt(Line[] memory lines, uint256 k) private pure returns (uint32 id) {
        if (k < lines.length) return lines[k].id;
        return k == lines.length ? DESK : UTILITY;
    }

    /// Bounds: no number is beyond 2^99, and k is within `left`.
    function _put(bytes memory left, uint256 k, int256 nano) private pure {
        assembly ("memory-safe") {
            mstore(add(add(left, 32), mul(UNMOVED_BYTES, k)), shl(128, nano))
        }
    }

    function _basis(Posting calldata posting, address connections, Kind kind) private view returns (Basis memory) {
        return
            Basis({
                periods: posting.terms.periods,
                periodSeconds: posting.terms.periodSeconds,
                closed: kind != Kind.Provisional,
                multiple: _multiple,
                imbalancePrice: posting.terms.imbalancePrice,
                connections: _connectionsFor(connections, posting.terms.start)
            });
    }

    function _checkFirst(Posting calldata posting, bytes32 batch, bytes calldata previous) private view {
        uint32 sequence = posting.terms.sequence + 1;
        if (market.batchAt(sequence) != batch) revert UnknownBatch(sequence);
        if (previous.length != 0 || posting.connections != address(0)) revert NotPrevious(sequence);
    }

    /// What the entry before came to.
    function _before(
        Posting calldata posting,
        bytes32 batch,
        bytes calldata previous,
        Basis memory basis
    ) private view returns (Bill memory bill) {
        bill = _bill(previous, basis);
        _checkCommitted(posting, batch, bill, _commitments[posting.terms.sequence + 1]);
    }

    function _checkCommitted(
        Posting calldata posting,
        bytes32 batch,
        Bill memory bill,
        bytes32 committed
    ) private pure {
        bytes32 given = hashCommitment(Commitment(batch, bill.readings, bill.rows, posting.connections));
        if (given != committed) revert NotPrevious(posting.terms.sequence + 1);
    }

    /// The difference is what this entry moves; the rows are the same accounts.
    function _subtract(Bill memory bill, Bill memory before, Kind was) private pure {
        uint256 count = bill.lines.length;
        if (before.lines.length != count) revert RowsChanged(count);
        for (uint256 k; k < count; ++k) {
            (Line memory line, Line memory old) = (bill.lines[k], before.lines[k]);
            if (line.id != old.id) revert RowsChanged(k);
            line.energy -= old.energy;
            line.penalty -= old.penalty;
            line.emissionsG -= old.emissionsG;
            if (was >= Kind.Final) line.released = line.released > old.released ? line.released - old.released : 0;
        }
    }

    function _keep(
        Posting calldata posting,
        Delivered memory last,
        Commitment memory commitment_
    ) private returns (bytes32 committed) {
        uint32 sequence = posting.terms.sequence + 1;
        committed = hashCommitment(commitment_);
        _commitments[sequence] = committed;
        last.start = uint40(posting.terms.start);
        last.periodSeconds = uint16(posting.terms.periodSeconds);
        last.periods = uint8(posting.terms.periods);
        last.kind = posting.kind;
        ++last.entries;
        last.lastAt = uint40(block.timestamp);
        (last.contestedUntil, last.wrong, last.unmoved) = (0, false, false);
        _delivered[sequence] = last;
        emit DeliveryEntered(sequence, last.entries, posting.kind, commitment_, posting.meters, posting.reason);
    }
}
