// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {CodeBlob} from "../libraries/CodeBlob.sol";
import {GridModel} from "../libraries/GridModel.sol";
import {INSURANCE} from "../types/Account.sol";
import {Committees} from "./Committees.sol";

/// Parties, committees and feeder models; see IRegistry.
contract Registry is Committees {
    FeederModel private _gridModel;

    constructor(address authority) AccessManaged(authority) {}

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
    function gridModel() external view returns (FeederModel memory) {
        return _gridModel;
    }

    /// @inheritdoc IRegistry
    function committeeAndGrid() external view returns (Committee memory, FeederModel memory) {
        return (committee(), _gridModel);
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
            GridModel.Prosumer memory one = GridModel.prosumer(model, i);
            bool placed = one.id > lastId && one.id < INSURANCE && one.bus >= lastBus && one.bus < buses;
            if (!placed || i >= GridModel.MAX_PROSUMERS) revert GridModelProsumer(i);
            (lastId, lastBus) = (one.id, one.bus);
        }
    }
}
