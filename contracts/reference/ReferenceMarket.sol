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
import {FrozenLimits} from "../libraries/FrozenLimits.sol";
import {Session} from "../types/Session.sol";
import {PlainRules} from "../rules/PlainRules.sol";

/// The market with the plain `settle`: what the optimised one must agree with, result for result and error for error.
contract ReferenceMarket is Sessions {
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
        PlainRules.Book memory book = PlainRules.decodeHead(payload, current.periods);
        batch = _attestationDigest(keccak256(payload), bundleHash);
        _checkQuorum(batch, signers, signatures);

        PlainRules.Terms memory terms = PlainRules.Terms({
            periods: current.periods,
            periodSeconds: current.periodSeconds,
            day: uint16(current.start / 1 days),
            ordinal: current.ordinal,
            priceCap: current.priceCap,
            grid: CodeBlob.read(_gridPointer)
        });
        bytes memory frozen = CodeBlob.read(_limitsPointer);
        for (uint256 k; k < book.ids.length; ++k) {
            book.accounts[k] = _accounts[book.ids[k]];
            (, book.limits[k]) = FrozenLimits.find(frozen, book.ids[k]);
        }
        PlainRules.checkParticipants(book, terms);
        PlainRules.applyTrades(payload, book, terms);
        PlainRules.checkAccounts(book, terms);
        PlainRules.checkGrid(payload, book, terms);

        for (uint256 k; k < book.ids.length; ++k) {
            if (book.present[k]) _accounts[book.ids[k]] = book.accounts[k];
        }
        current.open = false;
        current.lastEnd = current.start + uint40(current.periods) * uint40(current.periodSeconds);
        ++current.sequence;
        _session = current;
        _ring[current.sequence % RING] = batch;
        emit Settled(current.sequence, batch, current.ordinal, PlainRules.deltas(book));
    }

    /// Each bit of `signers` is a member of the session's committee, each with one compact signature in the order of
    /// the bits.
    function _checkQuorum(bytes32 digest, uint32 signers, bytes calldata signatures) private view {
        bytes memory keys = CodeBlob.read(_committeePointer);
        uint256 count;
        for (uint256 bit; bit < 32; ++bit) count += (signers >> bit) & 1;
        if (signatures.length != 64 * count) revert SignaturesLength(signatures.length);
        if (count < _quorum) revert QuorumNotReached(count, _quorum);
        uint256 offset;
        for (uint256 bit; bit < 32; ++bit) {
            if ((signers >> bit) & 1 == 0) continue;
            if (bit >= _members) revert UnknownMember(bit);
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
