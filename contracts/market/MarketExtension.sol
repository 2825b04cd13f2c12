// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {CodeBlob} from "../libraries/CodeBlob.sol";
import {allocate} from "../libraries/Frame.sol";
import {GridModel} from "../libraries/GridModel.sol";
import {StandingLoads} from "../libraries/StandingLoads.sol";
import {Mandate} from "../types/Mandate.sol";
import {Mandates} from "./Mandates.sol";
import {Postings} from "./Postings.sol";
import {StandingPosts} from "./StandingPosts.sol";
import {State} from "./State.sol";
import {Tables} from "./Tables.sol";
import {TableWriter} from "./TableWriter.sol";
import {ISettlementErrors} from "../interfaces/ISettlementErrors.sol";

/// What a market does seldom, executed on the market's storage since its own code has no room for it. The market makes
/// it, and calls this one for good. Called by itself it has nothing and serves nobody.
contract MarketExtension is Postings, Mandates, StandingPosts {
    constructor(
        address authority,
        IERC20 token_,
        IRegistry registry_
    ) AccessManaged(authority) State(token_, registry_) {}

    /// See IMarket.
    function registerMandate(Mandate calldata mandate, bytes calldata signature) external {
        _registerMandate(mandate, signature);
    }

    /// See IMarket.
    function revokeMandate(uint32 id) external {
        _revokeMandate(id);
    }

    /// See IMarket.
    function endMandate(uint32 id) external {
        _endMandate(id);
    }

    /// See IMarket.
    function postStandingLoads(uint32 epoch, bytes32 stated, bytes calldata loads) external {
        _postStandingLoads(epoch, stated, loads);
    }

    function _writer() internal view override returns (TableWriter) {
        return Tables(address(this)).tableWriter();
    }

    /// What those load the feeder with who take no part in a batch of the open session: the flows that GridCheck begins
    /// with, one word a bus and period.
    function standingFlows(bytes calldata payload) external view returns (bytes memory flows) {
        if (!_standingKnown(_session)) revert ISettlementErrors.StandingLoadsMissing();
        uint256 periods = _session.periods;
        bytes memory model = CodeBlob.read(_feeder.grid);
        bytes memory loads = CodeBlob.read(_standing.loads);
        uint256 size = 32 * GridModel.buses(model) * periods;
        uint256 pointer = allocate(32 + size) + 32;
        assembly ("memory-safe") {
            flows := sub(pointer, 32)
            mstore(flows, size)
        }
        StandingLoads.add(pointer, periods, payload, loads, model);
    }
}
