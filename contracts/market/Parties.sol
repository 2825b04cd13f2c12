// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {EXIT_TIME} from "../types/Delays.sol";

/// Wallets and keys of everybody who takes part, and how they change.
abstract contract Parties is IRegistry, EIP712, AccessManaged {
    bytes32 private constant NODE_KEY_TYPEHASH = keccak256("NodeKey(uint32 prosumer,address wallet,uint64 rotation)");
    bytes32 private constant METER_KEY_TYPEHASH = keccak256("MeterKey(uint32 prosumer,address wallet,uint64 rotation)");

    mapping(uint32 id => Party) internal _parties;
    mapping(uint32 id => Recovery) private _recoveries;
    mapping(address key => bool) private _used;

    constructor() EIP712("gridpact registry", "1") {}

    /// @inheritdoc IRegistry
    function register(
        uint32 id,
        address wallet,
        address nodeKey,
        address meterKey,
        bytes calldata nodeProof,
        bytes calldata meterProof
    ) external restricted {
        if (_parties[id].wallet != address(0)) revert AlreadyRegistered(id);
        if (wallet == address(0)) revert ZeroAddress();
        _claim(nodeKey, nodeKeyDigest(id, wallet, 0), nodeProof);
        _claim(meterKey, meterKeyDigest(id, wallet, 0), meterProof);
        _parties[id] = Party(wallet, uint40(block.timestamp), nodeKey, 0, meterKey, 0);
        emit Registered(id, wallet, nodeKey, meterKey);
    }

    /// @inheritdoc IRegistry
    function rotateNodeKey(uint32 id, address nodeKey, bytes calldata proof) external {
        Party storage changed = _ownedBySender(id);
        _claim(nodeKey, nodeKeyDigest(id, changed.wallet, ++changed.rotations), proof);
        address old = changed.nodeKey;
        changed.nodeKey = nodeKey;
        emit NodeKeyRotated(id, nodeKey);
        _nodeKeyChanged(id, old, nodeKey);
    }

    /// @inheritdoc IRegistry
    function rotateMeterKey(uint32 id, address meterKey, bytes calldata proof) external restricted {
        Party storage changed = _parties[id];
        if (changed.wallet == address(0)) revert NotRegistered(id);
        _claim(meterKey, meterKeyDigest(id, changed.wallet, ++changed.meterRotations), proof);
        changed.meterKey = meterKey;
        emit MeterKeyRotated(id, meterKey);
    }

    /// @inheritdoc IRegistry
    function rotateWallet(uint32 id, address wallet) external {
        _ownedBySender(id);
        if (wallet == address(0)) revert ZeroAddress();
        _changeWallet(id, wallet);
    }

    /// @inheritdoc IRegistry
    function nameRecoverer(uint32 id, address recoverer) external {
        _ownedBySender(id);
        _recoveries[id] = Recovery(recoverer, address(0), 0);
        emit RecovererNamed(id, recoverer);
    }

    /// @inheritdoc IRegistry
    function announceRecovery(uint32 id, address wallet) external {
        Recovery storage announced = _recoveries[id];
        if (msg.sender != announced.recoverer) revert NotRecovererOf(id, msg.sender);
        if (wallet == address(0)) revert ZeroAddress();
        uint40 effectiveAt = uint40(block.timestamp) + EXIT_TIME;
        (announced.wallet, announced.effectiveAt) = (wallet, effectiveAt);
        emit RecoveryAnnounced(id, wallet, effectiveAt);
    }

    /// @inheritdoc IRegistry
    function cancelRecovery(uint32 id) external {
        _ownedBySender(id);
        Recovery storage announced = _recoveries[id];
        if (announced.wallet == address(0)) revert NoRecovery(id);
        (announced.wallet, announced.effectiveAt) = (address(0), 0);
        emit RecoveryCancelled(id);
    }

    /// @inheritdoc IRegistry
    function recoverWallet(uint32 id) external {
        Recovery memory announced = _recoveries[id];
        if (announced.wallet == address(0)) revert NoRecovery(id);
        if (block.timestamp < announced.effectiveAt) revert RecoveryTooEarly(announced.effectiveAt);
        _changeWallet(id, announced.wallet);
    }

    /// @inheritdoc IRegistry
    function party(uint32 id) external view returns (Party memory) {
        return _parties[id];
    }

    /// @inheritdoc IRegistry
    function walletOf(uint32 id) external view returns (address) {
        return _parties[id].wallet;
    }

    /// @inheritdoc IRegistry
    function recovery(uint32 id) external view returns (Recovery memory) {
        return _recoveries[id];
    }

    /// @inheritdoc IRegistry
    function nodeKeyDigest(uint32 id, address wallet, uint64 rotation) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(NODE_KEY_TYPEHASH, id, wallet, rotation)));
    }

    /// @inheritdoc IRegistry
    function meterKeyDigest(uint32 id, address wallet, uint64 rotation) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(METER_KEY_TYPEHASH, id, wallet, rotation)));
    }

    /// A member signs with its new key from the next freeze on.
    function _nodeKeyChanged(uint32 id, address from, address to) internal virtual;

    /// What the old wallet promised or was trusted with ends.
    function _walletChanged(uint32 id) internal virtual;

    /// The new wallet counts as registered now, and names its own recoverer.
    function _changeWallet(uint32 id, address wallet) private {
        _parties[id].wallet = wallet;
        _parties[id].since = uint40(block.timestamp);
        delete _recoveries[id];
        emit WalletRotated(id, wallet);
        _walletChanged(id);
    }

    function _ownedBySender(uint32 id) private view returns (Party storage owned) {
        owned = _parties[id];
        if (owned.wallet != msg.sender) revert NotWalletOf(id, msg.sender);
    }

    /// A key serves one party, once, and only whoever holds it presents it: a rotated key never comes back.
    function _claim(address key, bytes32 digest, bytes calldata proof) private {
        if (key == address(0)) revert ZeroAddress();
        if (_used[key]) revert KeyInUse(key);
        (address signer, ECDSA.RecoverError failure, ) = ECDSA.tryRecover(digest, proof);
        if (failure != ECDSA.RecoverError.NoError || signer != key) revert NoProofOfPossession(key);
        _used[key] = true;
    }
}
