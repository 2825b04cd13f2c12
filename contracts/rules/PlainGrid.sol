// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {ISettlementErrors} from "../interfaces/ISettlementErrors.sol";
import {GridModel} from "../libraries/GridModel.sol";

/// LinDistFlow of one period: flows from the leaves to the root, then squared voltages from the root to the leaves.
library PlainGrid {
    struct Injection {
        uint16 bus;
        int256 activeW;
        int256 reactiveVar;
    }

    /// sqrt(3) in 1e-9, rounded down: a flow inside the 12-gon is never refused.
    int256 internal constant SQRT3_DOWN = 1_732_050_807;
    int256 internal constant UNIT = 1e9;
    /// 1 p.u. squared.
    int256 internal constant ROOT_VOLTAGE = 1 << 60;

    function check(bytes memory model, Injection[] memory injections, uint256 period) internal pure {
        uint256 buses = GridModel.buses(model);
        int256[] memory active = new int256[](buses);
        int256[] memory reactive = new int256[](buses);
        int256[] memory voltage = new int256[](buses);
        for (uint256 i; i < injections.length; ++i) {
            active[injections[i].bus] += injections[i].activeW;
            reactive[injections[i].bus] += injections[i].reactiveVar;
        }
        for (uint256 bus = buses - 1; bus > 0; --bus) {
            uint256 branch = GridModel.branch(model, bus);
            uint256 rating = GridModel.rating(branch);
            if (rating != GridModel.UNLIMITED && !insideTwelveGon(active[bus], reactive[bus], int256(rating))) {
                revert ISettlementErrors.LineLimit(period, bus);
            }
            active[GridModel.parent(branch)] += active[bus];
            reactive[GridModel.parent(branch)] += reactive[bus];
        }
        voltage[0] = ROOT_VOLTAGE;
        for (uint256 bus = 1; bus < buses; ++bus) {
            uint256 branch = GridModel.branch(model, bus);
            int256 rise = int256(GridModel.r(branch)) * active[bus] + int256(GridModel.x(branch)) * reactive[bus];
            voltage[bus] = voltage[GridModel.parent(branch)] + rise;
            int256 comparable = voltage[bus] >> GridModel.VOLTAGE_SHIFT;
            if (comparable < int256(GridModel.vMin2(branch)) || comparable > int256(GridModel.vMax2(branch))) {
                revert ISettlementErrors.VoltageBand(period, bus);
            }
        }
    }

    /// abs(cos p + sin q) <= rating at 0, 30, 60 and 90 degrees; by symmetry that is all six pairs of facets.
    function insideTwelveGon(int256 p, int256 q, int256 rating) internal pure returns (bool) {
        (p, q) = (p < 0 ? -p : p, q < 0 ? -q : q);
        bool axes = p <= rating && q <= rating;
        bool at30 = SQRT3_DOWN * p + UNIT * q <= 2 * UNIT * rating;
        bool at60 = UNIT * p + SQRT3_DOWN * q <= 2 * UNIT * rating;
        return axes && at30 && at60;
    }
}
