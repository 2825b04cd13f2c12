// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {GridCheck} from "../libraries/GridCheck.sol";
import {PlainGrid} from "../rules/PlainGrid.sol";

/// Both grid checks on any model and any injections, one a bus.
contract GridHarness {
    function both(
        bytes calldata model,
        int256[] calldata active,
        int256[] calldata reactive
    ) external view returns (bytes memory plain, bytes memory optimised) {
        try this.plainCheck(model, active, reactive) {} catch (bytes memory reason) {
            plain = reason;
        }
        try this.optimisedCheck(model, active, reactive) {} catch (bytes memory reason) {
            optimised = reason;
        }
    }

    function plainCheck(bytes calldata model, int256[] calldata active, int256[] calldata reactive) external pure {
        PlainGrid.Injection[] memory injections = new PlainGrid.Injection[](active.length);
        for (uint256 bus; bus < active.length; ++bus) {
            injections[bus] = PlainGrid.Injection(uint16(bus), active[bus], reactive[bus]);
        }
        PlainGrid.check(model, injections, 7);
    }

    function optimisedCheck(bytes calldata model, int256[] calldata active, int256[] calldata reactive) external pure {
        // Seven periods without any injection, and then this one.
        uint256 buses = active.length;
        int256[] memory flows = new int256[](8 * buses);
        for (uint256 bus; bus < buses; ++bus) flows[7 * buses + bus] = (active[bus] << 128) + reactive[bus];
        uint256 pointer;
        assembly ("memory-safe") {
            pointer := add(flows, 32)
        }
        GridCheck.check(pointer, buses, 8, model);
    }
}
