// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {Account} from "../types/Account.sol";
import {Mandate} from "../types/Mandate.sol";
import {Feeder, Seats, Session} from "../types/Session.sol";
import {IMarketPosting} from "./IMarketPosting.sol";
import {ISettlementErrors} from "./ISettlementErrors.sol";

/// @title Deposits, mandates, sessions and their settlement.
/// @notice The operator freezes a session under the mandates that everybody has registered, and what each may spend in
/// it is locked. A quorum of the committee signs the cleared batch, anybody posts it, and `settle` checks it and moves
/// value. A session not settled by its deadline is void by time alone. What was sold stays in the account until it is
/// delivered and metered.
/// @dev Assumptions: the token has no fee, does not rebase and reverts or returns false when it cannot pay; a fee is
/// survived (deposits are credited by balance difference), a negative rebase is not. Quantity (Wh, W, g) x price (1e-6
/// $ per k-unit) is in nano-dollars, the unit of the ledger: nothing is rounded but locks (down) and spending (up), to
/// micro-dollars.
interface IMarket is IMarketPosting, ISettlementErrors {
    event Deposited(uint32 indexed id, address indexed from, uint256 nano);
    event WithdrawalRequested(uint32 indexed id, uint256 tokens, uint256 availableAt);
    /// @dev Of what was requested, `tokens` have left the deposit.
    event WithdrawalMoved(uint32 indexed id, uint256 tokens);
    event Withdrawn(uint32 indexed id, address indexed wallet, uint256 tokens);
    event AllowancesIssued(uint32 indexed id, uint256 grams);
    event MandateRegistered(uint32 indexed id, Mandate mandate);
    event MandateRevoked(uint32 indexed id, uint64 nonce);
    /// @dev The account has another wallet, which has promised nothing yet.
    event MandateEnded(uint32 indexed id);
    /// @dev The mandates of this and the next sessions, as code; see libraries/FrozenTable.sol.
    event TableWritten(address pointer);
    /// @dev `turns`: if it is settled, it begins another epoch of what is held.
    event SessionFrozen(
        uint24 indexed ordinal,
        bytes32 indexed sessionHash,
        uint40 start,
        uint32 periodSeconds,
        uint8 periods,
        uint40 deadline,
        uint32 sequence,
        bytes32 previousBatch,
        bytes32 gridModel,
        bytes32 termsHash,
        uint32 epoch,
        uint24 imbalancePrice,
        bool turns
    );
    /// @dev `deltas`: for every participant in the payload's order, then for the system accounts that take part (desk,
    /// operator, utility), nano-dollars i72 and grams i56. The payload is the transaction's calldata; `batch` commits
    /// to it.
    event Settled(uint32 indexed sequence, bytes32 indexed batch, uint24 indexed ordinal, bytes deltas);
    /// @dev The session is void; what it had locked is free.
    event SessionCancelled(uint24 indexed ordinal);
    /// @dev The two that the session's `termsHash` is of: see `postStandingLoads`.
    event StandingLoadsPosted(uint24 indexed ordinal, bytes32 stated, bytes loads);
    event PauseChanged(bool paused);
    event PriceCapChanged(uint24 priceCap);

    error NotWallet(uint32 id, address caller);
    error NotRegistry(address caller);
    /// Nothing is taken before the registry serves this market.
    error NotSealed();
    error UnknownAccount(uint32 id);
    error AmountZero();
    error DepositsTooLarge(uint256 nano);
    /// Less what is asked for already.
    error AmountExceedsDeposit(uint256 tokens, uint256 deposit);
    error NothingPending(uint32 id);
    error WithdrawalTooEarly(uint256 availableAt);
    error LengthsDiffer(uint256 ids, uint256 grams);
    error NonceNotLarger(uint64 nonce, uint64 last);
    error NonceOfAnotherSeries(uint64 nonce, uint64 series);
    error MandateExpired(uint40 validUntil);
    error MandateBadSignature(uint32 id);
    error SessionStillOpen(uint40 deadline);
    error SessionOverlaps(uint40 start, uint40 lastEnd);
    error StartOutOfRange(uint40 start);
    error PeriodsOutOfRange(uint256 periods);
    error PeriodSecondsOutOfRange(uint256 periodSeconds);
    error DeadlineOutOfRange(uint40 deadline);
    error BatchNotKept(uint32 sequence);
    /// They are not what the session was frozen with.
    error StandingLoadsNotAgreed();
    /// The session was frozen with what says nothing: from the entry at `offset` on.
    error StandingLoadsMalformed(uint256 offset);
    error NoGridModel();
    error PriceCapOutOfRange(uint24 priceCap);

    /// @notice Credits what arrives of `amount` tokens to `id`. Anybody may pay, once the market is sealed.
    function deposit(uint32 id, uint256 amount) external;

    /// @notice `deposit` with an EIP-2612 permit. A permit that is already used does not stop the deposit.
    function depositWithPermit(uint32 id, uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external;

    /// @notice Asks for `amount` tokens of the deposit and starts the delay. What is free leaves the deposit at once,
    /// the rest waits for it: it leaves with the next freeze, before that locks anything, or with `withdraw`. Only the
    /// wallet; never pausable.
    function requestWithdrawal(uint32 id, uint256 amount) external;

    /// @notice Pays to the account's wallet what was requested and is free once the delay is over. Anybody may call.
    function withdraw(uint32 id) external;

    /// @notice Issues carbon allowances. Regulator role.
    function issueAllowances(uint32[] calldata ids, uint256[] calldata grams) external;

    /// @notice Registers a mandate: signed by the wallet (ECDSA or ERC-1271), or sent by it with an empty signature.
    /// A session that is already frozen keeps the one it was frozen with.
    function registerMandate(Mandate calldata mandate, bytes calldata signature) external;

    /// @notice Revokes every mandate that was signed so far, registered or not, from the next session on. Only the
    /// wallet.
    function revokeMandate(uint32 id) external;

    /// @notice Ends the account's mandates as a revocation does: its wallet has changed. Only by the registry.
    function endMandate(uint32 id) external;

    /// @notice Opens a session for all who have a mandate and a place on the feeder. Periods of 5 to 60 minutes that
    /// divide the hour, at most 100 and at least an hour of them, from a UTC boundary of a period that lies between an
    /// hour ago and two days ahead, and not before the end of the last settled session; settled an hour after its start
    /// at the latest. Operator role.
    /// @param termsHash keccak256 of two hashes: that of the public scenario and settings, and that of the default
    /// profiles in them. Nodes sign no batch of a session whose terms are not the ones they were given.
    /// @param imbalancePrice What a kWh costs at most that is sold and not delivered, 1e-6 $ per kWh.
    function freezeSession(
        uint40 start,
        uint32 periodSeconds,
        uint8 periods,
        uint40 deadline,
        bytes32 termsHash,
        uint24 imbalancePrice
    ) external returns (bytes32 sessionHash);

    /// @notice Tells what those load the feeder with who were invited to the open session and take no part in it: a
    /// batch that leaves out somebody with a place on the feeder is settled only after it. Anybody may call; only what
    /// the session was frozen with is taken.
    /// @param epoch Of the session's committee.
    /// @param stated Hash of the public scenario and settings.
    /// @param loads The default profiles in them, as libraries/StandingLoads.sol says.
    function postStandingLoads(uint32 epoch, bytes32 stated, bytes calldata loads) external;

    /// @notice Checks a batch and moves value, or reverts with the first violated predicate. Anybody may call.
    /// @param payload participants u16 | systems u8 (bit 0 desk, 1 operator, 2 utility) | ids u32[P] | reactive
    /// i24[P][H], var | groups: product u8 (0 network, 1 energy, 2 reserve, 3 carbon), period u8 (255: the whole
    /// session), count u16, and as many trades: seller u16, buyer u16, quantity u32, price i24. Groups ascend, trades
    /// ascend in them.
    /// @param bundleHash Of the witness that supports the batch; part of what is signed, so that an auditor need not
    /// believe its publisher.
    /// @param signers bit k = member k of the session's committee has signed.
    /// @param signatures 64 bytes each (EIP-2098), in the order of the bits.
    function settle(
        bytes calldata payload,
        bytes32 bundleHash,
        uint32 signers,
        bytes calldata signatures
    ) external returns (bytes32 batch);

    /// @notice Voids the session that is open: a member's key is known to be stolen, or its terms are wrong. Guardian
    /// role.
    function cancelSession() external;

    /// @notice Guardian role. Only `settle` and `freezeSession` stop; the exit stays open.
    function setPaused(bool paused) external;

    /// @notice Parameter role. From the next session on.
    function setPriceCap(uint24 priceCap) external;

    function account(uint32 id) external view returns (Account memory);
    /// @notice What the account could take out now: the deposit less what is held and what is locked.
    function free(uint32 id) external view returns (uint256 nano);
    /// @notice What was received, or could be owed for what was sold, until it is delivered and metered.
    function holdOf(uint32 id) external view returns (uint256 nano);
    /// @notice What the account may spend in the open session.
    function lockOf(uint32 id) external view returns (uint256 nano);
    /// @notice What has left the deposit, what waits to leave it, and when it can be paid.
    function pending(uint32 id) external view returns (uint64 tokens, uint64 queued, uint40 availableAt);
    /// @notice The mandate of the next freeze, packed as types/Mandate.sol says, and the last nonce.
    function registeredMandate(uint32 id) external view returns (uint256 limits, uint256 capacity, uint64 nonce);
    /// @notice What the session frozen last allows an account, packed as types/Mandate.sol says, and whether it covers
    /// the session at all.
    function frozenMandate(uint32 id) external view returns (bool covers, uint256 limits, uint256 capacity);
    function session() external view returns (Session memory);
    function seats() external view returns (Seats memory);
    function feeder() external view returns (Feeder memory);
    /// @notice Of the session that is open; zero where none is.
    function sessionHash() external view returns (bytes32);
    function lastBatch() external view returns (bytes32);
    function batchAt(uint32 sequence) external view returns (bytes32);
    function attestationDigest(bytes calldata payload, bytes32 bundleHash) external view returns (bytes32);
    function mandateDigest(Mandate calldata mandate) external view returns (bytes32);
}
