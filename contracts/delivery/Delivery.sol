// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {IMarket} from "../interfaces/IMarket.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {Metering} from "../libraries/Metering.sol";
import {Waterfall} from "../libraries/Waterfall.sol";
import {Basis, Bill, Shares} from "../types/Bill.sol";
import {Deliveries} from "./Deliveries.sol";
import {Entries} from "./Entries.sol";

/// The delivery that is cheap: every row is walked once in memory. What it enters and refuses is what
/// reference/ReferenceDelivery.sol does.
contract Delivery is Entries {
    constructor(
        address authority,
        IMarket market_,
        IRegistry registry_,
        Windows memory windows_
    ) Deliveries(authority, market_, registry_, windows_) {}

    function _bill(bytes calldata readings, Basis memory basis) internal pure override returns (Bill memory) {
        return Metering.bill(readings, basis);
    }

    function _share(
        int256[] memory amounts,
        uint256[] memory debitable,
        int256 fund,
        uint256 fundHas
    ) internal pure override returns (Shares memory) {
        return Waterfall.share(amounts, debitable, fund, fundHas);
    }
}
