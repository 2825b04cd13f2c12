// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {Mandate} from "../types/Mandate.sol";
import {Mandates} from "./Mandates.sol";
import {Postings} from "./Postings.sol";
import {State} from "./State.sol";

/// What a market does seldom, executed on the market's storage since its own code has no room for it. The market makes
/// it, and calls this one for good. Called by itself it has nothing and serves nobody.
contract MarketExtension is Postings, Mandates {
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
}
