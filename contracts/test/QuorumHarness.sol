// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {CodeBlob} from "../libraries/CodeBlob.sol";
import {Quorum} from "../libraries/Quorum.sol";

/// A committee of one with any address as its key: also one whose private key nobody has.
contract QuorumHarness {
    function check(address key, bytes32 digest, bytes calldata signature) external {
        Quorum.check(CodeBlob.write(abi.encodePacked(key)), 1, 1, digest, 1, signature);
    }

    /// Whose signature it is under the curve's own rules, which know no largest s.
    function recover(bytes32 digest, bytes32 r, bytes32 s) external pure returns (address) {
        return ecrecover(digest, 27, r, s);
    }
}
