// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {Commitment, Connection, Kind} from "../types/Readings.sol";
import {SessionTerms} from "../types/Session.sol";

/// @title What became of a settled session: readings in, imbalance charged, what was held released.
/// @notice docs/delivery.md specifies the bytes, the charges, who bears what cannot be paid, and what is signed.
/// @dev Assumptions: the market was connected to this contract before its seal; the registry knows every committee that
/// a session was frozen with. No account, meter or wallet can stop an entry that a quorum has attested.
interface IDelivery {
    /// Seconds, and the multiple of its price that reserve costs that was called and not delivered.
    struct Windows {
        uint40 grace;
        uint40 metering;
        uint40 dispute;
        uint40 correction;
        uint16 multiple;
    }

    /// What is kept of a session beside its commitment. One slot.
    struct Delivered {
        uint40 start;
        uint16 periodSeconds;
        uint8 periods;
        Kind kind;
        uint32 entries;
        /// When the last entry was made, and until when a wallet has held its credits back.
        uint40 lastAt;
        uint40 contestedUntil;
        /// `checkDue` has shown that the last entry's due energy is not the batch's.
        bool wrong;
        /// The last entry could not move all that was due.
        bool unmoved;
    }

    /// Which batch, and what is entered for it: the terms that its committee signed, payload and bundle by their hash.
    struct Posting {
        SessionTerms terms;
        bytes32 payload;
        bytes32 bundle;
        Kind kind;
        bytes32 meters;
        bytes32 reason;
        /// Where the connections are that the session's first entry was measured against; zero for the first.
        address connections;
    }

    event ConnectionRegistered(Connection connection);
    event ConnectionsWritten(address pointer);
    /// @dev It counts for no session that begins then or later, until another one is registered.
    event ConnectionEnds(uint32 indexed id, uint40 from);
    /// @dev The readings are the transaction's calldata; the market's `Posted` has what each account received or paid.
    event DeliveryEntered(
        uint32 indexed sequence,
        uint32 entry,
        Kind kind,
        Commitment committed,
        bytes32 meters,
        bytes32 reason
    );
    /// @dev The account could not pay that much.
    event Arrears(uint32 indexed sequence, uint32 indexed id, uint256 nano);
    /// @dev The account owes that much no longer: a later entry of the session has it among what it moves.
    event ArrearsTakenUp(uint32 indexed sequence, uint32 indexed id, uint256 nano);
    /// @dev What the insurance fund paid, and what was cut from those who receive.
    event ShortfallBorne(uint32 indexed sequence, uint256 byFund, uint256 byReceivers);
    event Collected(uint32 indexed id, uint256 nano);
    event Contested(uint32 indexed sequence, uint32 indexed id, uint256 until);
    event DueChecked(uint32 indexed sequence, uint32 entry, bool right);

    error WindowsOutOfOrder();
    error ConnectionsNotAscending(uint256 index);
    error ConnectionNonce(uint32 id, uint64 nonce, uint64 last);
    error ConnectionOfSystem(uint32 id);
    error ConnectionBadSignature(uint32 id);
    error LengthsDiffer(uint256 connections, uint256 signatures);
    // The entry
    error UnknownBatch(uint32 sequence);
    error NotPrevious(uint32 sequence);
    error KindOutOfOrder(Kind before, Kind kind);
    error DeliveryTooEarly(uint256 from);
    error DeliveryTooLate(uint256 until);
    error TooManyEntries(uint256 most);
    error ReasonMissing();
    error ReasonUnexpected();
    // The readings
    error ReadingsLength(uint256 length);
    /// longPrice <= responsePrice <= shortPrice, which is at most the price of imbalance that was frozen.
    error PricesOutOfOrder(uint256 period);
    error PriceBeyondTerms(uint256 period);
    error RowsNotAscending(uint256 row);
    error NoConnection(uint32 id);
    error UnknownQuality(uint32 id, uint256 period);
    error MissingWithEnergy(uint32 id, uint256 period);
    error MeteredBeyondConnection(uint32 id, uint256 period);
    error RenewableBeyondConnection(uint32 id, uint256 period);
    error EmissionsBeyondConnection(uint32 id);
    error ResponsesNotAscending(uint256 response);
    error UnknownReading(uint256 response);
    error RowsChanged(uint256 row);
    /// A final entry before the metering window ends has every value measured.
    error NotMeasured(uint256 until);
    // What follows
    error NoArrears(uint32 id);
    error NotDelivered(uint32 sequence);
    error NotWalletOf(uint32 id, address caller);
    error ContestTooLate(uint256 until);
    error AlreadyContested(uint32 sequence);
    error NotInTree(uint32 sequence);
    error NotFinal(uint32 sequence);
    error CreditsTooEarly(uint256 from);
    error DueWrong(uint32 sequence);

    /// @notice Registers connections, each signed by its account's wallet. Operator role: neither can widen one alone.
    function registerConnections(Connection[] calldata connections, bytes[] calldata signatures) external;

    /// @notice Ends a connection for sessions that begin more than two days from now, which nobody has frozen yet: no
    /// entry of theirs can have a row of the account. Only its wallet, as often as it likes: the first end counts, and
    /// nothing it has signed before can be sent any more. Another connection counts from when it is registered on.
    function endConnection(uint32 id) external returns (uint40 from);

    /// @notice Enters the readings of a session, attested by a quorum: charges what the entry before did not, takes up
    /// what that could not move, releases what was held. Anybody may call.
    /// @param previous Readings of the entry before; empty for the first.
    function deliver(
        Posting calldata posting,
        bytes calldata readings,
        bytes calldata previous,
        uint32 signers,
        bytes calldata signatures
    ) external returns (bytes32 commitment);

    /// @notice Takes what an account could not pay before, as far as it can now, into the insurance fund. Anybody may
    /// call.
    function collect(uint32 id) external returns (uint256 nano);

    /// @notice Holds the session's credits back until the next correction, or a metering window at most. Only the
    /// wallet of an account with a row in it, once, within the dispute time.
    function contest(
        uint32 sequence,
        Commitment calldata committed,
        bytes calldata row,
        bytes32[] calldata proof
    ) external;

    /// @notice Nets the payload of the posting's batch and says whether the last entry's due energy is the batch's.
    /// Anybody may call; what it shows wrong issues no credits until it is corrected.
    function checkDue(
        Posting calldata posting,
        bytes calldata payload,
        bytes calldata readings
    ) external returns (bool right);

    /// @notice The most that an entry can take from the account, or give it, for a session of that length.
    function mostCharge(uint32 id, uint256 periodSeconds, uint256 periods) external view returns (uint256 nano);
    function connectionOf(uint32 id) external view returns (Connection memory);
    /// @notice The account has no row of sessions that begin from `from` on and before `until`, which is zero while no
    /// other connection has been registered. One after another from 0 on; zeros where there are no more.
    function endings(uint256 k) external view returns (uint32 id, uint40 from, uint40 until);
    function delivered(uint32 sequence) external view returns (Delivered memory);
    function commitment(uint32 sequence) external view returns (bytes32);
    function arrearsOf(uint32 id) external view returns (uint256 nano);
    /// @notice What the last entry could not move and the next one takes up: of each row, the desk, the utility and the
    /// insurance fund what it is to receive, below zero: to pay. Empty where all was moved.
    function unmovedOf(uint32 sequence) external view returns (int256[] memory nano);
    /// @notice The contract that `checkDue` asks.
    function dueChecker() external view returns (address);
    function windows() external view returns (Windows memory);
    /// @notice What a quorum signs: of the committee `epoch` while values may still come, later of that in office, 0.
    function readingsDigest(Posting calldata posting, bytes32 readings, uint32 epoch) external view returns (bytes32);
    function connectionDigest(Connection calldata connection) external view returns (bytes32);
    /// @notice Checks that `row` is in the session's last entry and that its credits are due: the entry is final, its
    /// dispute time is over, nobody contests it, nothing has shown it wrong.
    function creditable(
        uint32 sequence,
        Commitment calldata committed,
        bytes calldata row,
        bytes32[] calldata proof
    ) external view returns (Delivered memory);
}
