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
    /// No session that is frozen by now begins so late: Sessions.MAX_AHEAD and a second.
    uint40 private constant ENDS_AFTER = 2 days + 1;
    struct Ending {
        uint32 id;
        uint40 from;
        uint40 until;
    }

    IRegistry public immutable registry;

    address internal _table;
    /// How many there are below; beside the table in its slot, which every first entry reads.
    uint32 private _endings;
    /// @inheritdoc IDelivery
    mapping(uint256 k => Ending) public endings;
    /// Where an account's is that nothing follows yet, plus one.
    mapping(uint32 id => uint256) private _open;
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
            uint256 open = _open[id];
            if (open != 0) {
                endings[open - 1].until = uint40(block.timestamp);
                _open[id] = 0;
            }
            emit ConnectionRegistered(one);
        }
        address pointer = CodeBlob.write(ConnectionTable.merge(_connections(), connections));
        _table = pointer;
        emit ConnectionsWritten(pointer);
    }

    /// @inheritdoc IDelivery
    function endConnection(uint32 id) external returns (uint40 from) {
        if (registry.walletOf(id) != msg.sender) revert NotWalletOf(id, msg.sender);
        // None that was signed before is sent after it, one of an account that has none yet included.
        _nonces[id] += MAX_STEP;
        if (_open[id] == 0) {
            endings[_endings] = Ending(id, uint40(block.timestamp) + ENDS_AFTER, 0);
            _open[id] = ++_endings;
        }
        from = endings[_open[id] - 1].from;
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

    /// Those in the code at `pointer` that count for a session that begins at `start`. What ends, or is signed again,
    /// after an entry of the session changes none of them: both are later than its start.
    function _connectionsFor(address pointer, uint256 start) internal view returns (bytes memory table) {
        if (pointer == address(0)) return table;
        table = CodeBlob.read(pointer);
        uint256 count = _endings;
        for (uint256 k; k < count; ++k) {
            Ending memory one = endings[k];
            if (one.from <= start && (one.until == 0 || start < one.until)) ConnectionTable.drop(table, one.id);
        }
    }

    function _connections() private view returns (bytes memory) {
        return _table == address(0) ? bytes("") : CodeBlob.read(_table);
    }
}
