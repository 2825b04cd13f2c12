// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

/// @title Who takes part, on which feeder, and whose nodes attest.
/// @notice Ids ascend with the depth-first order of the feeder's buses. The operator assigns them; it can never change a
/// wallet, so it can never reach a deposit.
/// @dev Assumptions: every wallet, node key and meter key is under the control of the party that presents it; a node key
/// proves it by a signature, so nobody can register somebody else's key to sit in a committee twice.
interface IRegistry {
    struct Party {
        address wallet;
        address nodeKey;
        address meterKey;
        uint64 rotations;
    }

    struct FeederModel {
        address pointer;
        uint32 version;
        uint16 buses;
        bytes32 hash;
    }

    struct Committee {
        address pointer;
        uint32 epoch;
        uint8 members;
        uint8 quorum;
    }

    event Registered(uint32 indexed id, address indexed wallet, address nodeKey, address meterKey);
    event NodeKeyRotated(uint32 indexed id, address nodeKey);
    event MeterKeyRotated(uint32 indexed id, address meterKey);
    event WalletRotated(uint32 indexed id, address wallet);
    event GridModelAdded(uint32 indexed version, bytes32 indexed hash, address pointer);
    /// @dev `ids` in the order of the signers' bits; their node keys are frozen in the code of `pointer`.
    event CommitteeAppointed(uint32 indexed epoch, address pointer, uint8 quorum, uint32[] ids);

    error AlreadyRegistered(uint32 id);
    error NotRegistered(uint32 id);
    error NotWalletOf(uint32 id, address caller);
    error ZeroAddress();
    error KeyInUse(address key);
    error NoProofOfPossession(address key);
    error CommitteeSize(uint256 members);
    error CommitteeRepeats(uint32 id);
    error GridModelLength(uint256 length);
    error GridModelParent(uint256 bus, uint256 parent);
    error GridModelBand(uint256 bus);
    error GridModelProsumer(uint256 index);

    /// @notice Registers a party. `proof` is the node key's signature over NodeKey(id, wallet, rotation 0).
    /// @dev Operator role. System accounts (UTILITY, OPERATOR, DESK) are registered the same way.
    function register(uint32 id, address wallet, address nodeKey, address meterKey, bytes calldata proof) external;

    /// @notice Replaces a lost or stolen node key. Effective with the next committee.
    function rotateNodeKey(uint32 id, address nodeKey, bytes calldata proof) external;

    /// @notice Hands the account over to another wallet.
    function rotateWallet(uint32 id, address wallet) external;

    /// @notice Replaces a meter. Operator role.
    function rotateMeterKey(uint32 id, address meterKey) external;

    /// @notice Stores a grid model (layout in libraries/GridModel.sol) as code and makes it the current one. Operator role.
    function addGridModel(bytes calldata model) external returns (uint32 version);

    /// @notice Appoints the nodes of `ids`, the operator's first, as the committee of a new epoch. Operator role.
    function appointCommittee(uint32[] calldata ids) external returns (uint32 epoch);

    function party(uint32 id) external view returns (Party memory);
    function walletOf(uint32 id) external view returns (address);
    function gridModel() external view returns (FeederModel memory);
    function committee() external view returns (Committee memory);
    function nodeKeyDigest(uint32 id, address wallet, uint64 rotation) external view returns (bytes32);
}
