// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {IMarket} from "../interfaces/IMarket.sol";
import {CodeBlob} from "../libraries/CodeBlob.sol";
import {FrozenTable} from "../libraries/FrozenTable.sol";
import {GridModel} from "../libraries/GridModel.sol";
import {StandingLoads} from "../libraries/StandingLoads.sol";
import {DESK} from "../types/Account.sol";
import {
    ABSORB_VAR,
    FEED_VAR,
    Mandate,
    mostLoss as mostLossUnder,
    mostTaken as mostTakenUnder
} from "../types/Mandate.sol";

/// Writes a market's table of mandates and the default profiles of a session, and says what a mandate can cost before
/// it is signed. A contract of its own, since a market's code has no room for it; it keeps nothing, and no settlement
/// calls it.
contract TableWriter {
    /// What no reactive power in a payload is beyond.
    uint24 private constant ANY_VAR = type(uint24).max;

    /// @notice The caller's mandates as they are now, as code. `table` is what they were for the same feeder, of which
    /// `ids` may have changed; with none all are asked for.
    function write(address grid, address table, uint32[] calldata ids) external returns (address) {
        bytes memory model = CodeBlob.read(grid);
        if (table == address(0)) {
            uint256 accounts = GridModel.prosumers(model) + GridModel.SYSTEMS;
            FrozenTable.Table memory whole = FrozenTable.blank(accounts);
            for (uint256 place; place < accounts; ++place) _enter(whole, model, place);
            return FrozenTable.write(whole);
        }
        FrozenTable.Table memory some = FrozenTable.open(table);
        for (uint256 k; k < ids.length; ++k) {
            (bool found, uint256 place) = GridModel.placeOf(model, ids[k]);
            if (found) _enter(some, model, place);
        }
        return some.changed ? FrozenTable.write(some) : table;
    }

    /// @notice The default profiles of a session of `periods` periods on a feeder, as code.
    function writeLoads(address grid, uint256 periods, bytes calldata loads) external returns (address) {
        uint256 wrong = StandingLoads.firstMalformed(loads, CodeBlob.read(grid), periods);
        if (wrong < loads.length) revert IMarket.StandingLoadsMalformed(wrong);
        return CodeBlob.write(loads);
    }

    /// @notice The most that a session can take from an account under `mandate`, nano-dollars; a UTC day takes
    /// `maxSpendPerDay` at most. The operator's rebates and negative charges are bounded by that alone.
    function mostLoss(
        Mandate calldata mandate,
        uint32 periodSeconds,
        uint8 periods
    ) external pure returns (uint256 nano) {
        return mostLossUnder(mandate, periodSeconds, periods);
    }

    /// @notice The most that delivery may take besides, for the same session: what was promised and not delivered at
    /// the session's `imbalancePrice`, and a margin of one day's spend.
    function mostTaken(
        Mandate calldata mandate,
        uint32 periodSeconds,
        uint8 periods,
        uint24 imbalancePrice
    ) external pure returns (uint256 nano) {
        return mostTakenUnder(mandate, periodSeconds, periods, imbalancePrice);
    }

    /// The mandate on the prosumer's bus and within what its connection is registered for.
    function _enter(FrozenTable.Table memory table, bytes memory model, uint256 place) private view {
        uint256 prosumers = GridModel.prosumers(model);
        GridModel.Prosumer memory prosumer;
        if (place < prosumers) prosumer = GridModel.prosumer(model, place);
        else prosumer = GridModel.Prosumer(DESK + uint32(place - prosumers), 0, ANY_VAR, ANY_VAR);
        (uint256 limits, uint256 capacity, ) = IMarket(msg.sender).registeredMandate(prosumer.id);
        uint256 head = (uint256(prosumer.id) << FrozenTable.ID) | (place << FrozenTable.PLACE) | capacity;
        head |= (uint256(prosumer.feedVar) << FEED_VAR) | (uint256(prosumer.absorbVar) << ABSORB_VAR);
        FrozenTable.put(table, place, head, limits | (uint256(prosumer.bus) << FrozenTable.BUS));
    }
}
