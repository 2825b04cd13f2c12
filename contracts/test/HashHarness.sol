// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {hashMandate, Mandate} from "../types/Mandate.sol";
import {hashAttestation, hashSession, SessionTerms} from "../types/Session.sol";

/// The struct hashes of what is signed, for the vectors shared with TypeScript.
contract HashHarness {
    function mandate(Mandate calldata value) external pure returns (bytes32) {
        return hashMandate(value);
    }

    function session(SessionTerms calldata value) external pure returns (bytes32) {
        return hashSession(value);
    }

    function attestation(
        SessionTerms calldata value,
        bytes calldata payload,
        bytes32 bundleHash
    ) external pure returns (bytes32) {
        return hashAttestation(hashSession(value), keccak256(payload), bundleHash);
    }
}
