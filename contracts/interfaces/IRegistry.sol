// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

/// @title Who takes part, on which feeder, and whose nodes attest.
/// @notice Ids ascend with the depth-first order of the feeder's buses. The operator assigns them; no role can change a
/// wallet, so none can reach a deposit: a wallet hands its account over itself, or whoever it has named does when it is
/// lost, after the exit time in which it can still object.
/// @notice A committee has 4 to 31 members, each of another wallet. Before the seal (Authority.seal) appointments cost
/// no time, and neither deposits nor mandates nor sessions are taken. After it an appointment counts when the exit time
/// has passed, and only who was registered an exit time before it is announced, under the same wallet, can be a member.
/// That makes the taking over of a quorum slow and public, not impossible: an operator may register strangers and wait.
/// Who sees it leaves in time, and who stays is bound by its mandate alone.
/// @dev Assumptions: every wallet, node key and meter key is under the control of the party that presents it; node and
/// meter keys prove it by a signature, so nobody can register somebody else's key.
interface IRegistry {
    struct Party {
        address wallet;
        /// When this wallet came to be the party's.
        uint40 since;
        address nodeKey;
        uint64 rotations;
        address meterKey;
        uint64 meterRotations;
    }

    /// Who may announce another wallet for a party whose own is lost, and what it has announced.
    struct Recovery {
        address recoverer;
        address wallet;
        uint40 effectiveAt;
    }

    struct FeederModel {
        address pointer;
        uint32 version;
        uint16 buses;
        bytes32 hash;
    }

    struct Committee {
        address pointer;
        /// Every state of a committee has an epoch of its own; they ascend in the order of their making.
        uint32 epoch;
        uint8 members;
        uint8 quorum;
        uint40 effectiveAt;
    }

    event Registered(uint32 indexed id, address indexed wallet, address nodeKey, address meterKey);
    event NodeKeyRotated(uint32 indexed id, address nodeKey);
    event MeterKeyRotated(uint32 indexed id, address meterKey);
    event WalletRotated(uint32 indexed id, address wallet);
    event RecovererNamed(uint32 indexed id, address recoverer);
    event RecoveryAnnounced(uint32 indexed id, address wallet, uint256 effectiveAt);
    event RecoveryCancelled(uint32 indexed id);
    event GridModelAdded(uint32 indexed version, bytes32 indexed hash, address pointer);
    /// @dev `ids` in the order of the signers' bits; their node keys are frozen in the code of `pointer`. Before the
    /// seal `effectiveAt` is the largest number: the committee counts from the seal on.
    event CommitteeAppointed(uint32 indexed epoch, address pointer, uint8 quorum, uint40 effectiveAt, uint32[] ids);
    /// @dev A committee goes on as `epoch`: member `bit`, party `id`, signs with `key`; nobody can if its wallet has
    /// changed.
    event MemberChanged(
        uint32 indexed epoch,
        uint32 previous,
        address pointer,
        uint32 indexed id,
        uint256 bit,
        address key
    );
    event Sealed(address[] markets);

    error AlreadyRegistered(uint32 id);
    error NotRegistered(uint32 id);
    error NotWalletOf(uint32 id, address caller);
    error ZeroAddress();
    error KeyInUse(address key);
    error NoProofOfPossession(address key);
    error NotRecovererOf(uint32 id, address caller);
    error NoRecovery(uint32 id);
    error RecoveryTooEarly(uint256 effectiveAt);
    error CommitteeSize(uint256 members, uint256 least, uint256 most);
    error CommitteeSharesWallet(uint32 id, uint32 other);
    error MemberTooRecent(uint32 id, uint256 eligibleAt);
    error NotSealed();
    error AlreadySealed(uint256 sealedAt);
    error NotAuthority(address caller);
    error NoCommittee();
    error NoMarket();
    error GridModelLength(uint256 length);
    error GridModelParent(uint256 bus, uint256 parent);
    error GridModelBand(uint256 bus);
    error GridModelProsumer(uint256 index);

    /// @notice Registers a party. The proofs are signatures over NodeKey and MeterKey(id, wallet, rotation 0), each by
    /// its key.
    /// @dev Operator role. System accounts (UTILITY, OPERATOR, DESK) are registered the same way.
    function register(
        uint32 id,
        address wallet,
        address nodeKey,
        address meterKey,
        bytes calldata nodeProof,
        bytes calldata meterProof
    ) external;

    /// @notice Replaces a lost or stolen node key, in a committee too. A session that is open keeps the old one until
    /// it is settled, void or cancelled; the next freeze takes the new one.
    function rotateNodeKey(uint32 id, address nodeKey, bytes calldata proof) external;

    /// @notice Hands the account over to another wallet, which should rotate the node key. Ends the mandate of the old
    /// one from the next session on, its place in a committee, its recoverer, and what that has announced.
    function rotateWallet(uint32 id, address wallet) external;

    /// @notice Replaces a meter. Operator role.
    function rotateMeterKey(uint32 id, address meterKey, bytes calldata proof) external;

    /// @notice The wallet names who may announce another one when it is lost; zero for nobody. Cancels what is
    /// announced.
    function nameRecoverer(uint32 id, address recoverer) external;

    /// @notice The recoverer announces another wallet; a second announcement replaces the first and waits anew.
    function announceRecovery(uint32 id, address wallet) external;

    /// @notice The wallet objects: it is not lost.
    function cancelRecovery(uint32 id) external;

    /// @notice Makes the announced wallet the party's, an exit time after it was announced, as `rotateWallet` would.
    /// Anybody may call.
    function recoverWallet(uint32 id) external;

    /// @notice Stores a grid model (layout in libraries/GridModel.sol) as code and makes it the current one. Operator
    /// role.
    function addGridModel(bytes calldata model) external returns (uint32 version);

    /// @notice Appoints the nodes of `ids`, the operator's first, as the committee of a new epoch. Operator role.
    /// Counts from the seal on, or an exit time from now; until then another appointment replaces it.
    function appointCommittee(uint32[] calldata ids) external returns (uint32 epoch);

    /// @notice Puts the first committee into its place and opens the markets. Only by the authority, once.
    function seal(address[] calldata markets) external;

    function party(uint32 id) external view returns (Party memory);
    function walletOf(uint32 id) external view returns (address);
    function recovery(uint32 id) external view returns (Recovery memory);
    function gridModel() external view returns (FeederModel memory);
    /// @notice Both at once: what a freeze asks for.
    function committeeAndGrid() external view returns (Committee memory, FeederModel memory);

    /// @notice Whether `market` was sealed with this registry, and is told of every wallet that changes.
    function serves(address market) external view returns (bool);
    function sealedAt() external view returns (uint40);

    /// @notice The committee of a session that is frozen now; refused before the seal.
    function committee() external view returns (Committee memory);

    /// @notice The committee of an epoch, as it was made: also one that is replaced.
    function committeeOf(uint32 epoch) external view returns (Committee memory);

    /// @notice The committee appointed last, whether it counts already or not.
    function appointedCommittee() external view returns (Committee memory);
    function nodeKeyDigest(uint32 id, address wallet, uint64 rotation) external view returns (bytes32);
    function meterKeyDigest(uint32 id, address wallet, uint64 rotation) external view returns (bytes32);
}
