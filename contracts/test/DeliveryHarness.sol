// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {CivilYear} from "../libraries/CivilYear.sol";
import {ConnectionTable} from "../libraries/ConnectionTable.sol";
import {Metering} from "../libraries/Metering.sol";
import {Waterfall} from "../libraries/Waterfall.sol";
import {PlainDelivery} from "../rules/PlainDelivery.sol";
import {Basis, Bill, Shares} from "../types/Bill.sol";
import {Connection} from "../types/Readings.sol";

/// What the two deliveries are made of, each to be called alone.
interface IDeliveryParts {
    function bill(bytes calldata readings, Basis memory basis) external pure returns (Bill memory);
    function share(
        int256[] memory amounts,
        uint256[] memory debitable,
        int256 fund,
        uint256 fundHas
    ) external pure returns (Shares memory);
}

contract OptimisedParts is IDeliveryParts {
    function bill(bytes calldata readings, Basis memory basis) external pure returns (Bill memory) {
        return Metering.bill(readings, basis);
    }

    function share(
        int256[] memory amounts,
        uint256[] memory debitable,
        int256 fund,
        uint256 fundHas
    ) external pure returns (Shares memory) {
        return Waterfall.share(amounts, debitable, fund, fundHas);
    }

    function merge(bytes memory table, Connection[] calldata changed) external pure returns (bytes memory) {
        return ConnectionTable.merge(table, changed);
    }

    function find(bytes memory table, uint32 id) external pure returns (Connection memory) {
        return ConnectionTable.find(table, id);
    }

    function yearOf(uint256 unixSeconds) external pure returns (uint256) {
        return CivilYear.yearOf(unixSeconds);
    }
}

contract PlainParts is IDeliveryParts {
    function bill(bytes calldata readings, Basis memory basis) external pure returns (Bill memory) {
        return PlainDelivery.bill(readings, basis);
    }

    function share(
        int256[] memory amounts,
        uint256[] memory debitable,
        int256 fund,
        uint256 fundHas
    ) external pure returns (Shares memory) {
        return PlainDelivery.share(amounts, debitable, fund, fundHas);
    }
}
