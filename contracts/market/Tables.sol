// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {IMarket} from "../interfaces/IMarket.sol";
import {CodeBlob} from "../libraries/CodeBlob.sol";
import {FrozenTable} from "../libraries/FrozenTable.sol";
import {GridModel} from "../libraries/GridModel.sol";
import {Account} from "../types/Account.sol";
import {MAX_SPEND, VALID_UNTIL} from "../types/Mandate.sol";
import {Session} from "../types/Session.sol";
import {Mandates} from "./Mandates.sol";
import {TableWriter} from "./TableWriter.sol";

/// The table of everybody's mandates that sessions are frozen with, and what it locks. Whatever has changed since the
/// last freeze comes in with the next one; nobody chooses.
abstract contract Tables is Mandates {
    /// Whoever audits a market compares its code: it writes what every settlement reads.
    TableWriter public immutable tableWriter = new TableWriter();

    address internal _table;

    /// @inheritdoc IMarket
    function frozenMandate(uint32 id) external view returns (bool covers, uint256 limits, uint256 capacity) {
        (capacity, limits) = FrozenTable.find(FrozenTable.read(_table), id);
        covers = uint40(capacity >> VALID_UNTIL) >= _end(_session);
    }

    /// @inheritdoc IMarket
    function lockOf(uint32 id) public view override returns (uint256 nano) {
        if (!_sessionIsLive()) return 0;
        Session memory live = _session;
        (uint256 head, ) = FrozenTable.find(FrozenTable.read(_table), id);
        if (uint40(head >> VALID_UNTIL) < _end(live)) return 0;
        Account memory held = _accounts[id];
        uint256 spent = held.day == live.start / 1 days ? held.spentMicro : 0;
        uint256 most = uint48(head >> MAX_SPEND);
        nano = most > spent ? (most - spent) * NANO_PER_TOKEN : 0;
        if (nano > held.deposit) nano = held.deposit;
    }

    function _end(Session memory session_) internal pure returns (uint256) {
        return uint256(session_.start) + uint256(session_.periods) * session_.periodSeconds;
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
