// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {IDelivery} from "../interfaces/IDelivery.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {Quorum} from "../libraries/Quorum.sol";
import {Attested, Commitment, hashAttested, hashCommitment, Kind, NARROW, rowBytes, WIDE} from "../types/Readings.sol";
import {hashAttestation, hashSession} from "../types/Session.sol";
import {Connections} from "./Connections.sol";

/// Which entries a session may have, when, and who attests them.
abstract contract Deliveries is Connections {
    uint256 internal constant MAX_ENTRIES = 8;
    /// So that a final one and corrections have their place.
    uint256 internal constant MAX_PROVISIONAL = 4;
    bytes32 private constant DOMAIN_TYPEHASH = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );

    IMarket public immutable market;
    uint40 private immutable _grace;
    uint40 private immutable _metering;
    uint40 private immutable _dispute;
    uint40 private immutable _correction;
    uint16 internal immutable _multiple;

    mapping(uint32 sequence => Delivered) internal _delivered;
    mapping(uint32 sequence => bytes32) internal _commitments;

    constructor(
        address authority,
        IMarket market_,
        IRegistry registry_,
        Windows memory windows_
    ) AccessManaged(authority) Connections(registry_) {
        if (windows_.grace > windows_.metering || windows_.metering > windows_.correction) revert WindowsOutOfOrder();
        market = market_;
        (_grace, _metering) = (windows_.grace, windows_.metering);
        (_dispute, _correction) = (windows_.dispute, windows_.correction);
        _multiple = windows_.multiple;
    }

    /// @inheritdoc IDelivery
    function contest(
        uint32 sequence,
        Commitment calldata committed,
        bytes calldata row,
        bytes32[] calldata proof
    ) external {
        Delivered storage held = _delivered[sequence];
        _checkRow(sequence, committed, row, proof);
        uint32 id = uint32(bytes4(row));
        if (registry.walletOf(id) != msg.sender) revert NotWalletOf(id, msg.sender);
        uint256 until = held.lastAt + _dispute;
        if (block.timestamp > until) revert ContestTooLate(until);
        if (held.contestedUntil != 0) revert AlreadyContested(sequence);
        held.contestedUntil = uint40(block.timestamp) + _metering;
        emit Contested(sequence, id, held.contestedUntil);
    }

    /// @inheritdoc IDelivery
    function creditable(
        uint32 sequence,
        Commitment calldata committed,
        bytes calldata row,
        bytes32[] calldata proof
    ) external view returns (Delivered memory held) {
        held = _delivered[sequence];
        _checkRow(sequence, committed, row, proof);
        if (held.kind < Kind.Final) revert NotFinal(sequence);
        uint256 from = held.lastAt + _dispute;
        if (from < held.contestedUntil) from = held.contestedUntil;
        if (block.timestamp < from) revert CreditsTooEarly(from);
        if (held.wrong) revert DueWrong(sequence);
    }

    /// @inheritdoc IDelivery
    function delivered(uint32 sequence) external view returns (Delivered memory) {
        return _delivered[sequence];
    }

    /// @inheritdoc IDelivery
    function commitment(uint32 sequence) external view returns (bytes32) {
        return _commitments[sequence];
    }

    /// @inheritdoc IDelivery
    function windows() external view returns (Windows memory) {
        return Windows(_grace, _metering, _dispute, _correction, _multiple);
    }

    /// @inheritdoc IDelivery
    function readingsDigest(Posting calldata posting, bytes32 readings, uint32 epoch) external view returns (bytes32) {
        uint32 sequence = posting.terms.sequence + 1;
        return _digest(posting, _batchOf(posting), readings, epoch, _delivered[sequence].entries + 1);
    }

    /// The digest under which the market settled it, if it is that of these terms.
    function _batchOf(Posting calldata posting) internal view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(DOMAIN_TYPEHASH, keccak256("gridpact"), keccak256("1"), block.chainid, address(market))
        );
        bytes32 attestation = hashAttestation(hashSession(posting.terms), posting.payload, posting.bundle);
        return MessageHashUtils.toTypedDataHash(domain, attestation);
    }

    /// Kinds follow each other, and each has its time. Returns whether values that are not there yet may still come.
    function _checkKind(Posting calldata posting, Delivered memory last) internal view returns (bool open) {
        (Kind before, Kind kind) = (last.kind, posting.kind);
        bool follows = before < Kind.Final ? kind == Kind.Provisional || kind == Kind.Final : kind == Kind.Correction;
        if (!follows) revert KindOutOfOrder(before, kind);
        uint256 most = kind == Kind.Provisional ? MAX_PROVISIONAL : MAX_ENTRIES;
        if (last.entries >= most) revert TooManyEntries(most);
        if (kind == Kind.Correction) {
            if (posting.reason == bytes32(0)) revert ReasonMissing();
        } else if (posting.reason != bytes32(0)) revert ReasonUnexpected();
        uint256 end = _endOf(posting);
        if (block.timestamp < end + _grace) revert DeliveryTooEarly(end + _grace);
        if (block.timestamp > end + _correction) revert DeliveryTooLate(end + _correction);
        open = block.timestamp < _closesAt(posting);
    }

    function _endOf(Posting calldata posting) private pure returns (uint256) {
        return posting.terms.start + uint256(posting.terms.periodSeconds) * posting.terms.periods;
    }

    /// When no more values come.
    function _closesAt(Posting calldata posting) internal view returns (uint256) {
        return _endOf(posting) + _metering;
    }

    /// While values may still come the committee of the session attests; afterwards the one in office, which is there
    /// whatever has become of the former.
    function _checkQuorum(
        Posting calldata posting,
        bytes32 batch,
        bytes32 readings,
        uint32 entries,
        bool open,
        uint32 signers,
        bytes calldata signatures
    ) internal view {
        IRegistry.Committee memory seated = open ? registry.committeeOf(posting.terms.epoch) : registry.committee();
        // Any member may change its key at any time: that must not undo what the others have signed.
        bytes32 digest = _digest(posting, batch, readings, open ? seated.epoch : 0, entries + 1);
        Quorum.check(seated.pointer, seated.members, seated.quorum, digest, signers, signatures);
    }

    /// Batch, epoch, number and what came before go from storage into what is signed.
    function _digest(
        Posting calldata posting,
        bytes32 batch,
        bytes32 readings,
        uint32 epoch,
        uint32 entry
    ) private view returns (bytes32) {
        bytes32 before = _commitments[posting.terms.sequence + 1];
        Attested memory attested = Attested({
            batch: batch,
            epoch: epoch,
            entry: entry,
            previous: before,
            kind: posting.kind,
            readings: readings,
            meters: posting.meters,
            reason: posting.reason
        });
        return _hashTypedDataV4(hashAttested(attested));
    }

    function _checkRow(
        uint32 sequence,
        Commitment calldata committed,
        bytes calldata row,
        bytes32[] calldata proof
    ) private view {
        Delivered storage held = _delivered[sequence];
        if (held.kind == Kind.None) revert NotDelivered(sequence);
        if (_commitments[sequence] != hashCommitment(committed)) revert NotPrevious(sequence);
        // Two nodes of the tree one after the other are none of its rows: no row has their length.
        (uint256 periods, uint256 length) = (held.periods, row.length);
        bool whole = length == rowBytes(periods, NARROW) || length == rowBytes(periods, WIDE);
        if (!whole) revert NotInTree(sequence);
        if (!MerkleProof.verifyCalldata(proof, committed.rows, keccak256(row))) revert NotInTree(sequence);
    }
}
