// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

/// The hot word: the session being cleared and what `settle` needs to know of the market. One storage slot.
struct Session {
    /// Unix seconds, UTC, of the first period.
    uint40 start;
    uint16 periodSeconds;
    uint8 periods;
    /// Last second at which the session can be settled; afterwards it is void.
    uint40 deadline;
    /// Number of sessions frozen so far, this one included.
    uint24 ordinal;
    bool open;
    /// Number of batches settled so far.
    uint32 sequence;
    /// Largest magnitude of any price.
    uint24 priceCap;
    bool paused;
    /// End of the last settled session: sessions never overlap.
    uint40 lastEnd;
    /// UTC day on which the last settled session started.
    uint16 lastDay;
}

/// Whose nodes attest the session that was frozen last, what a kWh costs that is sold in it and not delivered, and what
/// the next freeze takes up. One slot.
struct Seats {
    /// The committee's keys, as code.
    address keys;
    uint8 members;
    uint8 quorum;
    /// 1e-6 $ per kWh.
    uint24 imbalancePrice;
    /// What the next freeze takes up: the largest magnitude of any price, and how many changes are listed.
    uint24 nextPriceCap;
    uint32 changes;
}

/// The feeder of the session that was frozen last, and of which days what was sold is still held. One slot.
/// Sessions are counted to epochs, each at least a metering window long; an epoch begins with the first session of a
/// day. What was sold in the current one is held until a metering window after the last settled session, what was sold
/// in the one before until a metering window after its last; what is older is free.
struct Feeder {
    /// The grid model, as code.
    address grid;
    /// UTC days on which the first sessions started of the current epoch and of the one before it.
    uint16 epochDay;
    uint16 beforeDay;
    /// End of the last session before the current epoch.
    uint40 epochFrom;
    /// The open session begins another epoch if it is settled.
    bool turns;
}

/// The default profiles that the terms of one session state for who was invited; see libraries/StandingLoads.sol.
struct Standing {
    /// As code.
    address loads;
    /// The session's.
    uint24 ordinal;
}

/// What the signers of a session's batch commit to besides the payload; every member is read from storage.
struct SessionTerms {
    uint32 epoch;
    uint32 sequence;
    uint32 ordinal;
    bytes32 previousBatch;
    bytes32 gridModel;
    /// Of what everybody invited was given: keccak256 of two hashes, that of the public scenario and settings and that
    /// of the default profiles in them (libraries/StandingLoads.sol).
    bytes32 termsHash;
    /// What a kWh costs that is sold and not delivered, 1e-6 $ per kWh.
    uint24 imbalancePrice;
    uint64 start;
    uint32 periodSeconds;
    uint32 periods;
    uint64 deadline;
}

bytes32 constant SESSION_TYPEHASH = keccak256(
    "Session(uint32 epoch,uint32 sequence,uint32 ordinal,bytes32 previousBatch,bytes32 gridModel,"
    "bytes32 termsHash,uint24 imbalancePrice,uint64 start,uint32 periodSeconds,uint32 periods,uint64 deadline)"
);

bytes32 constant ATTESTATION_TYPEHASH = keccak256(
    "Attestation(Session session,bytes32 payload,bytes32 bundle)Session(uint32 epoch,uint32 sequence,"
    "uint32 ordinal,bytes32 previousBatch,bytes32 gridModel,bytes32 termsHash,uint24 imbalancePrice,"
    "uint64 start,uint32 periodSeconds,uint32 periods,uint64 deadline)"
);

function hashSession(SessionTerms memory terms) pure returns (bytes32) {
    return keccak256(abi.encode(SESSION_TYPEHASH, terms));
}

/// @param bundleHash Of the witness that the nodes publish with the batch.
function hashAttestation(bytes32 sessionHash, bytes32 payloadHash, bytes32 bundleHash) pure returns (bytes32) {
    return keccak256(abi.encode(ATTESTATION_TYPEHASH, sessionHash, payloadHash, bundleHash));
}
