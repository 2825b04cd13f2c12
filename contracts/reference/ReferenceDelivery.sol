// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {Deliveries} from "../delivery/Deliveries.sol";
import {Entries} from "../delivery/Entries.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {PlainDelivery} from "../rules/PlainDelivery.sol";
import {Basis, Bill, Shares} from "../types/Bill.sol";

/// The plain delivery: what the optimised one must agree with, entry for entry and error for error.
contract ReferenceDelivery is Entries {
    constructor(
        address authority,
        IMarket market_,
        IRegistry registry_,
        Windows memory windows_
    ) Deliveries(authority, market_, registry_, windows_) {}

    function _bill(bytes calldata readings, Basis memory basis) internal pure override returns (Bill memory) {
        return PlainDelivery.bill(readings, basis);
    }

    function _share(
        int256[] memory amounts,
        uint256[] memory debitable,
        int256 fund,
        uint256 fundHas
    ) internal pure override returns (Shares memory) {
        return PlainDelivery.share(amounts, debitable, fund, fundHas);
    }
}
