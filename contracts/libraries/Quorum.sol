// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {ISettlementErrors} from "../interfaces/ISettlementErrors.sol";

/// A committee's compact signatures under one digest. As in Netting, one pass tests all of them, and what fails it is
/// named afterwards.
library Quorum {
    /// Half the order of the curve: a larger s is the malleable twin of another signature.
    uint256 private constant MAX_S = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;
    /// Most members' keys, in whole words.
    uint256 private constant KEYS_BYTES = 640;
    uint256 private constant INPUT_BYTES = 128;

    /// @param pointer Code that holds STOP and 20 bytes a member.
    function check(
        address pointer,
        uint256 members,
        uint256 quorum,
        bytes32 digest,
        uint256 signers,
        bytes calldata signatures
    ) internal view {
        unchecked {
            uint256 count;
            for (uint256 rest = signers; rest != 0; rest &= rest - 1) ++count;
            if (signatures.length != 64 * count) revert ISettlementErrors.SignaturesLength(signatures.length);
            if (count < quorum) revert ISettlementErrors.QuorumNotReached(count, quorum);
            uint256 keys;
            uint256 input;
            // Bound: members <= 31, so 20 bytes each are fewer than KEYS_BYTES; the precompile's input follows them.
            assembly ("memory-safe") {
                keys := mload(0x40)
                input := add(keys, KEYS_BYTES)
                mstore(0x40, add(input, INPUT_BYTES))
                extcodecopy(pointer, keys, 1, mul(members, 20))
                mstore(input, digest)
            }
            if (!_allSigned(keys, input, members, signers, signatures)) {
                _refuse(keys, input, members, signers, signatures);
            }
        }
    }

    /// Bounds: `signatures` has 64 bytes for every bit of `signers`, which is a u32; keys of no member are looked up
    /// only where the answer is no already. What is recovered is written over zero, and no key is zero, so a recovery
    /// that fails matches nobody.
    function _allSigned(
        uint256 keys,
        uint256 input,
        uint256 members,
        uint256 signers,
        bytes calldata signatures
    ) private view returns (bool all) {
        assembly ("memory-safe") {
            all := iszero(shr(members, signers))
            let cursor := signatures.offset
            for {
                let rest := signers
            } rest {
                rest := shr(1, rest)
                keys := add(keys, 20)
            } {
                if iszero(and(rest, 1)) {
                    continue
                }
                let vs := calldataload(add(cursor, 32))
                let s := shr(1, shl(1, vs))
                mstore(add(input, 32), add(27, shr(255, vs)))
                mstore(add(input, 64), calldataload(cursor))
                mstore(add(input, 96), s)
                mstore(0, 0)
                pop(staticcall(gas(), 1, input, INPUT_BYTES, 0, 32))
                all := and(all, and(eq(mload(0), shr(96, mload(keys))), iszero(gt(s, MAX_S))))
                cursor := add(cursor, 64)
            }
        }
    }

    /// Reverts with the first bit that is no member's, or whose signature is not that member's.
    function _refuse(
        uint256 keys,
        uint256 input,
        uint256 members,
        uint256 signers,
        bytes calldata signatures
    ) private view {
        unchecked {
            for (uint256 bit; ; ++bit) {
                if ((signers >> bit) & 1 == 0) continue;
                if (bit >= members) revert ISettlementErrors.UnknownMember(bit);
                if (!_allSigned(keys + 20 * bit, input, 1, 1, signatures)) revert ISettlementErrors.BadSignature(bit);
                signatures = signatures[64:];
            }
        }
    }
}
