// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {IDelivery} from "../interfaces/IDelivery.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {CodeBlob} from "../libraries/CodeBlob.sol";
import {ConnectionTable} from "../libraries/ConnectionTable.sol";
import {INSURANCE} from "../types/Account.sol";
import {Connection, hashConnection} from "../types/Readings.sol";

/// What each home is connected for, signed by its wallet, sent by the operator: the bound of everything that meters can
/// say of it. All of them are code, so that an entry reads one for some 30 gas.
abstract contract Connections is IDelivery, EIP712, AccessManaged {
    /// How far a nonce may be beyond the last: no single one uses them up for whoever takes the account over.
    uint64 private constant MAX_STEP = 1 << 32;
    /// No session that is frozen by now begins later: Sessions.MAX_AHEAD.
    uint40 private constant ENDS_AFTER = 2 days;

    IRegistry public immutable registry;

    address internal _table;
    /// How many ids stand below; beside the table in its slot, which every first entry reads.
    uint32 private _endings;
    mapping(uint256 k => uint32 id) private _ending;
    /// @inheritdoc IDelivery
    mapping(uint32 id => uint40 from) public connectionEndOf;
    mapping(uint32 id => uint64) private _nonces;

    constructor(IRegistry registry_) EIP712("gridpact delivery", "1") {
        registry = registry_;
    }

    /// @inheritdoc IDelivery
    function registerConnections(Connection[] calldata connections, bytes[] calldata signatures) external restricted {
        if (connections.length != signatures.length) revert LengthsDiffer(connections.length, signatures.length);
        uint256 last;
        for (uint256 k; k < connections.length; ++k) {
            Connection calldata one = connections[k];
            uint32 id = one.prosumer;
            if (id >= INSURANCE) revert ConnectionOfSystem(id);
            if (id <= last) revert ConnectionsNotAscending(k);
            last = id;
            uint64 before = _nonces[id];
            if (one.nonce <= before || one.nonce - before > MAX_STEP) revert ConnectionNonce(id, one.nonce, before);
            address wallet = registry.walletOf(id);
            bool signed = SignatureChecker.isValidSignatureNow(wallet, connectionDigest(one), signatures[k]);
            if (wallet == address(0) || !signed) revert ConnectionBadSignature(id);
            _nonces[id] = one.nonce;
            if (connectionEndOf[id] != 0) connectionEndOf[id] = 0;
            emit ConnectionRegistered(one);
        }
        address pointer = CodeBlob.write(ConnectionTable.merge(_connections(), connections));
        _table = pointer;
        emit ConnectionsWritten(pointer);
    }

    /// @inheritdoc IDelivery
    function endConnection(uint32 id) external returns (uint40 from) {
        if (registry.walletOf(id) != msg.sender) revert NotWalletOf(id, msg.sender);
        if (connectionOf(id).nonce == 0) revert NoConnection(id);
        if (connectionEndOf[id] != 0) revert ConnectionEnding(id, connectionEndOf[id]);
        from = uint40(block.timestamp) + ENDS_AFTER;
        connectionEndOf[id] = from;
        _ending[_endings++] = id;
        // None that was signed before is sent after it.
        _nonces[id] += MAX_STEP;
        emit ConnectionEnds(id, from);
    }

    /// @inheritdoc IDelivery
    function connectionOf(uint32 id) public view returns (Connection memory connection) {
        connection = ConnectionTable.find(_connections(), id);
        connection.nonce = _nonces[id];
    }

    /// @inheritdoc IDelivery
    function mostCharge(uint32 id, uint256 periodSeconds, uint256 periods) external view returns (uint256 nano) {
        Connection memory one = connectionOf(id);
        return ((uint256(one.feedW) + one.takeW) * one.maxPrice * periodSeconds * periods) / 3600;
    }

    /// @inheritdoc IDelivery
    function connectionDigest(Connection calldata connection) public view returns (bytes32) {
        return _hashTypedDataV4(hashConnection(connection));
    }

    /// Those in the code at `pointer` that count for a session that begins at `start`. What ends later is later than
    /// any session that has begun, and an entry's rows are those of the one before: an ending changes no earlier entry.
    function _connectionsFor(address pointer, uint256 start) internal view returns (bytes memory table) {
        if (pointer == address(0)) return table;
        table = CodeBlob.read(pointer);
        for (uint256 k; k < _endings; ++k) {
            uint40 from = connectionEndOf[_ending[k]];
            if (from != 0 && from <= start) ConnectionTable.drop(table, _ending[k]);
        }
    }

    function _connections() private view returns (bytes memory) {
        return _table == address(0) ? bytes("") : CodeBlob.read(_table);
    }
}
