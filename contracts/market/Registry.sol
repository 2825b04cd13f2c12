// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {CodeBlob} from "../libraries/CodeBlob.sol";
import {GridModel} from "../libraries/GridModel.sol";

/// Parties, feeder models and committees; see IRegistry.
contract Registry is IRegistry, EIP712, AccessManaged {
    bytes32 private constant NODE_KEY_TYPEHASH = keccak256("NodeKey(uint32 prosumer,address wallet,uint64 rotation)");
    uint256 private constant MAX_MEMBERS = 31;

    mapping(uint32 id => Party) private _parties;
    mapping(address key => bool) private _used;
    FeederModel private _gridModel;
    Committee private _committee;

    constructor(address authority) EIP712("gridpact registry", "1") AccessManaged(authority) {}

    /// @inheritdoc IRegistry
    function register(
        uint32 id,
        address wallet,
        address nodeKey,
        address meterKey,
        bytes calldata proof
    ) external restricted {
        if (_parties[id].wallet != address(0)) revert AlreadyRegistered(id);
        if (wallet == address(0) || meterKey == address(0)) revert ZeroAddress();
        _claim(nodeKey);
        _claim(meterKey);
        _checkPossession(nodeKey, nodeKeyDigest(id, wallet, 0), proof);
        _parties[id] = Party(wallet, nodeKey, meterKey, 0);
        emit Registered(id, wallet, nodeKey, meterKey);
    }

    /// @inheritdoc IRegistry
    function rotateNodeKey(uint32 id, address nodeKey, bytes calldata proof) external {
        Party storage changed = _ownedBySender(id);
        _claim(nodeKey);
        _checkPossession(nodeKey, nodeKeyDigest(id, changed.wallet, ++changed.rotations), proof);
        changed.nodeKey = nodeKey;
        emit NodeKeyRotated(id, nodeKey);
    }

    /// @inheritdoc IRegistry
    function rotateWallet(uint32 id, address wallet) external {
        Party storage changed = _ownedBySender(id);
        if (wallet == address(0)) revert ZeroAddress();
        changed.wallet = wallet;
        emit WalletRotated(id, wallet);
    }

    /// @inheritdoc IRegistry
    function rotateMeterKey(uint32 id, address meterKey) external restricted {
        if (_parties[id].wallet == address(0)) revert NotRegistered(id);
        _claim(meterKey);
        _parties[id].meterKey = meterKey;
        emit MeterKeyRotated(id, meterKey);
    }

    /// @inheritdoc IRegistry
    function addGridModel(bytes calldata model) external restricted returns (uint32 version) {
        uint256 buses = _checkGridModel(model);
        version = _gridModel.version + 1;
        bytes32 hash = keccak256(model);
        address pointer = CodeBlob.write(model);
        _gridModel = FeederModel(pointer, version, uint16(buses), hash);
        emit GridModelAdded(version, hash, pointer);
    }

    /// @inheritdoc IRegistry
    function appointCommittee(uint32[] calldata ids) external restricted returns (uint32 epoch) {
        uint256 members = ids.length;
        if (members == 0 || members > MAX_MEMBERS) revert CommitteeSize(members);
        bytes memory keys;
        for (uint256 i; i < members; ++i) {
            for (uint256 j; j < i; ++j) if (ids[j] == ids[i]) revert CommitteeRepeats(ids[i]);
            address key = _parties[ids[i]].nodeKey;
            if (key == address(0)) revert NotRegistered(ids[i]);
            keys = abi.encodePacked(keys, key);
        }
        uint256 faulty = (members - 1) / 3;
        uint8 quorum = uint8((members + faulty) / 2 + 1);
        epoch = _committee.epoch + 1;
        address pointer = CodeBlob.write(keys);
        _committee = Committee(pointer, epoch, uint8(members), quorum);
        emit CommitteeAppointed(epoch, pointer, quorum, ids);
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
    function gridModel() external view returns (FeederModel memory) {
        return _gridModel;
    }

    /// @inheritdoc IRegistry
    function committee() external view returns (Committee memory) {
        return _committee;
    }

    /// @inheritdoc IRegistry
    function nodeKeyDigest(uint32 id, address wallet, uint64 rotation) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(NODE_KEY_TYPEHASH, id, wallet, rotation)));
    }

    function _ownedBySender(uint32 id) private view returns (Party storage owned) {
        owned = _parties[id];
        if (owned.wallet != msg.sender) revert NotWalletOf(id, msg.sender);
    }

    /// A key serves one party, once: a rotated key never comes back.
    function _claim(address key) private {
        if (key == address(0)) revert ZeroAddress();
        if (_used[key]) revert KeyInUse(key);
        _used[key] = true;
    }

    function _checkPossession(address key, bytes32 digest, bytes calldata proof) private pure {
        (address signer, ECDSA.RecoverError failure, ) = ECDSA.tryRecover(digest, proof);
        if (failure != ECDSA.RecoverError.NoError || signer != key) revert NoProofOfPossession(key);
    }

    /// A bogus model is refused here, so that `settle` can rely on its structure.
    function _checkGridModel(bytes memory model) private pure returns (uint256 buses) {
        if (model.length < GridModel.HEADER) revert GridModelLength(model.length);
        buses = GridModel.buses(model);
        uint256 prosumers = GridModel.prosumers(model);
        if (
            buses == 0 ||
            model.length != GridModel.HEADER + GridModel.BUS * (buses - 1) + GridModel.PROSUMER * prosumers
        ) {
            revert GridModelLength(model.length);
        }
        for (uint256 bus = 1; bus < buses; ++bus) {
            uint256 branch = GridModel.branch(model, bus);
            if (GridModel.parent(branch) >= bus) revert GridModelParent(bus, GridModel.parent(branch));
            if (branch >> 248 != 0 || GridModel.vMin2(branch) >= GridModel.vMax2(branch)) revert GridModelBand(bus);
        }
        uint32 lastId;
        uint16 lastBus;
        for (uint256 i; i < prosumers; ++i) {
            (uint32 id, uint16 bus) = GridModel.prosumer(model, i);
            if (id <= lastId || bus < lastBus || bus >= buses) revert GridModelProsumer(i);
            (lastId, lastBus) = (id, bus);
        }
    }
}
