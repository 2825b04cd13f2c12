// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {ISettlementErrors} from "../interfaces/ISettlementErrors.sol";

/// A committee's compact signatures under one digest.
library Quorum {
    /// Half the order of the curve: a larger s is the malleable twin of another signature.
    uint256 private constant MAX_S = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

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
            // Bound: members <= 31, so at most 20 x 31 + 32 bytes; the precompile's input is the 128 bytes after them.
            assembly ("memory-safe") {
                keys := mload(0x40)
                extcodecopy(pointer, keys, 1, mul(members, 20))
                input := add(keys, 672)
                mstore(0x40, add(input, 128))
                mstore(input, digest)
            }
            uint256 offset;
            for (uint256 bit; signers >> bit != 0; ++bit) {
                if ((signers >> bit) & 1 == 0) continue;
                if (bit >= members) revert ISettlementErrors.UnknownMember(bit);
                bool signed;
                // Bound: offset + 64 <= signatures.length. `key` is never zero, so a failed recovery (zero) never
                // matches.
                assembly ("memory-safe") {
                    let cursor := add(signatures.offset, offset)
                    let vs := calldataload(add(cursor, 32))
                    let s := shr(1, shl(1, vs))
                    mstore(add(input, 32), add(27, shr(255, vs)))
                    mstore(add(input, 64), calldataload(cursor))
                    mstore(add(input, 96), s)
                    mstore(0, 0)
                    let called := staticcall(gas(), 1, input, 128, 0, 32)
                    let key := shr(96, mload(add(keys, mul(bit, 20))))
                    signed := and(and(called, eq(mload(0), key)), iszero(gt(s, MAX_S)))
                }
                if (!signed) revert ISettlementErrors.BadSignature(bit);
                offset += 64;
            }
        }
    }
}
