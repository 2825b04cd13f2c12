// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

/// The Merkle tree of the rows of readings: a leaf is a row's hash, a pair is hashed in ascending order of the two, an
/// odd last node goes up unchanged. A row is never 64 bytes long, so no leaf is a node.
library RowTree {
    /// Of `count` rows of `stride` bytes each, from `row` on; zero where there is none.
    function root(uint256 row, uint256 count, uint256 stride) internal pure returns (bytes32 top) {
        // Bound: the nodes lie past the free pointer and are not allocated; there are fewer than 2^16.
        assembly ("memory-safe") {
            let nodes := mload(0x40)
            for {
                let k := 0
            } lt(k, count) {
                k := add(k, 1)
            } {
                mstore(add(nodes, shl(5, k)), keccak256(row, stride))
                row := add(row, stride)
            }
            let left := count
            for {} gt(left, 1) {} {
                let half := shr(1, left)
                let from := nodes
                for {
                    let k := 0
                } lt(k, half) {
                    k := add(k, 1)
                } {
                    let one := mload(from)
                    let other := mload(add(from, 32))
                    let swap := mul(xor(one, other), gt(one, other))
                    mstore(0, xor(one, swap))
                    mstore(32, xor(other, swap))
                    mstore(add(nodes, shl(5, k)), keccak256(0, 64))
                    from := add(from, 64)
                }
                if and(left, 1) {
                    mstore(add(nodes, shl(5, half)), mload(from))
                }
                left := add(half, and(left, 1))
            }
            if count {
                top := mload(nodes)
            }
        }
    }
}
