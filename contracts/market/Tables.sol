// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {IMarket} from "../interfaces/IMarket.sol";
import {IMarketPosting} from "../interfaces/IMarketPosting.sol";
import {CodeBlob} from "../libraries/CodeBlob.sol";
import {FrozenTable} from "../libraries/FrozenTable.sol";
import {GridModel} from "../libraries/GridModel.sol";
import {Account} from "../types/Account.sol";
import {Mandate, MAX_SPEND, Stored, VALID_UNTIL} from "../types/Mandate.sol";
import {Accounts} from "./Accounts.sol";
import {Mandates} from "./Mandates.sol";
import {TableWriter} from "./TableWriter.sol";

/// The table of everybody's mandates that sessions are frozen with, and what it locks. Whatever has changed since the
/// last freeze comes in with the next one; nobody chooses.
abstract contract Tables is Accounts, Mandates {
    /// Whoever audits a market compares its code: it writes what every settlement reads.
    TableWriter public immutable tableWriter = new TableWriter();

    /// @inheritdoc IMarket
    function registeredMandate(uint32 id) external view returns (uint256 limits, uint256 capacity, uint64 nonce) {
        Stored memory stored = _mandates[id];
        capacity = (uint256(stored.validUntil) << VALID_UNTIL) | (uint256(stored.maxSpendPerDay) << MAX_SPEND);
        return (stored.limits, capacity | stored.maxCarbonG, stored.nonce);
    }

    /// @inheritdoc IMarket
    function mandateDigest(Mandate calldata mandate) external view returns (bytes32) {
        return _mandateDigest(mandate);
    }

    /// @inheritdoc IMarket
    function frozenMandate(uint32 id) external view returns (bool covers, uint256 limits, uint256 capacity) {
        (capacity, limits) = FrozenTable.find(FrozenTable.read(_table), id);
        covers = uint40(capacity >> VALID_UNTIL) >= _end(_session);
    }

    /// @inheritdoc IMarket
    function lockOf(uint32 id) public view override returns (uint256 nano) {
        (nano, ) = _lockOf(id);
    }

    /// @inheritdoc IMarketPosting
    function debitable(uint32 id) external view returns (uint256 nano, uint256 grams) {
        (nano, grams) = _lockOf(id);
        Account memory held = _accounts[id];
        nano = held.deposit - nano;
        grams = held.carbon > 0 ? uint56(held.carbon) - grams : 0;
    }

    function _lockOf(uint32 id) private view returns (uint256 nano, uint256 grams) {
        if (!_sessionIsLive()) return (0, 0);
        (uint256 head, ) = FrozenTable.find(FrozenTable.read(_table), id);
        return _lock(_session, _accounts[id], head);
    }

    /// Takes up every change, for the feeder `grid`; no session is live. `anew`: it is not that of the last freeze.
    function _takeUpChanges(address grid, bool anew) internal {
        uint256 changes = _seats.changes;
        if (!anew && changes == 0) return;
        uint32[] memory ids = new uint32[](changes);
        for (uint256 k; k < changes; ++k) {
            ids[k] = _changes[k];
            _unlist(ids[k]);
        }
        if (anew) ids = GridModel.accounts(CodeBlob.read(grid));
        uint32 waiting;
        for (uint256 k; k < ids.length; ++k) if (_keepsWaiting(ids[k])) _changes[waiting++] = ids[k];
        if (waiting != changes) _seats.changes = waiting;
        address table = anew ? address(0) : _table;
        address written = tableWriter.write(grid, table, ids);
        if (written == table) return;
        _table = written;
        emit TableWritten(written);
    }
}
