// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Accounts} from "../market/Accounts.sol";
import {Sessions} from "../market/Sessions.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {CodeBlob} from "../libraries/CodeBlob.sol";
import {FrozenTable} from "../libraries/FrozenTable.sol";
import {AuditLens} from "../market/AuditLens.sol";
import {Account} from "../types/Account.sol";
import {Limits, unpackLimits} from "../types/Mandate.sol";
import {Feeder, Session} from "../types/Session.sol";
import {ReferencePostings} from "./ReferencePostings.sol";
import {Terms} from "../rules/PlainBook.sol";

/// The market with the plain `settle`: what the optimised one must agree with, result for result and error for error.
contract ReferenceMarket is ReferencePostings {
    /// Executes the rules: a contract of its own, since one's code has no room for both.
    AuditLens private immutable _lens = new AuditLens();

    constructor(
        address authority,
        IERC20 token_,
        IRegistry registry_,
        uint24 priceCap
    ) AccessManaged(authority) Accounts(token_, registry_) Sessions(priceCap) {}

    /// @inheritdoc IMarket
    function settle(
        bytes calldata payload,
        bytes32 bundleHash,
        uint32 signers,
        bytes calldata signatures
    ) external returns (bytes32 batch) {
        Session memory current = _session;
        if (current.paused) revert SettlementPaused();
        if (!current.open) revert NoOpenSession();
        if (block.timestamp > current.deadline) revert DeadlinePassed(current.deadline);
        (uint32[] memory ids, bool[] memory present) = _lens.parties(payload, current.periods);
        batch = _attestationDigest(current.sequence, keccak256(payload), bundleHash);
        _checkQuorum(batch, signers, signatures);
        Feeder memory frozen = _feeder;
        (Account[] memory accounts, bytes memory deltas) = _lens.execute(_stateOf(ids, current, frozen), payload);
        for (uint256 k; k < ids.length; ++k) if (present[k]) _accounts[ids[k]] = accounts[k];
        emit Settled(_finish(current, frozen, batch), batch, current.ordinal, deltas);
    }

    function _stateOf(
        uint32[] memory ids,
        Session memory current,
        Feeder memory frozen
    ) private view returns (AuditLens.State memory state) {
        (uint16 epochDay, uint16 beforeDay) = _epochs(frozen, uint16(current.start / 1 days));
        state.terms = Terms({
            periods: current.periods,
            periodSeconds: current.periodSeconds,
            start: current.start,
            priceCap: current.priceCap,
            imbalancePrice: _seats.imbalancePrice,
            epochDay: epochDay,
            beforeDay: beforeDay,
            grid: CodeBlob.read(frozen.grid),
            standingKnown: _standingKnown(current),
            standing: ""
        });
        if (state.terms.standingKnown) state.terms.standing = CodeBlob.read(_standing.loads);
        state.ids = ids;
        state.accounts = new Account[](ids.length);
        state.limits = new Limits[](ids.length);
        bytes memory table = FrozenTable.read(_table);
        for (uint256 k; k < ids.length; ++k) {
            state.accounts[k] = _accounts[ids[k]];
            (uint256 head, uint256 word) = FrozenTable.find(table, ids[k]);
            state.limits[k] = unpackLimits(word, head);
        }
    }

    /// Each bit of `signers` is a member of the session's committee, each with one compact signature in the order of
    /// the bits.
    function _checkQuorum(bytes32 digest, uint32 signers, bytes calldata signatures) private view {
        bytes memory keys = CodeBlob.read(_seats.keys);
        uint256 count;
        for (uint256 bit; bit < 32; ++bit) count += (signers >> bit) & 1;
        if (signatures.length != 64 * count) revert SignaturesLength(signatures.length);
        if (count < _seats.quorum) revert QuorumNotReached(count, _seats.quorum);
        uint256 offset;
        for (uint256 bit; bit < 32; ++bit) {
            if ((signers >> bit) & 1 == 0) continue;
            if (bit >= _seats.members) revert UnknownMember(bit);
            bytes32 r = bytes32(signatures[offset:offset + 32]);
            bytes32 vs = bytes32(signatures[offset + 32:offset + 64]);
            (address signer, ECDSA.RecoverError failure, ) = ECDSA.tryRecover(digest, r, vs);
            if (failure != ECDSA.RecoverError.NoError || signer != _member(keys, bit)) revert BadSignature(bit);
            offset += 64;
        }
    }

    function _member(bytes memory keys, uint256 bit) private pure returns (address key) {
        // Bound: bit < members, and the committee's code holds 20 bytes for each.
        assembly ("memory-safe") {
            key := shr(96, mload(add(add(keys, 32), mul(bit, 20))))
        }
    }
}
