// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {DueCheck} from "../libraries/DueCheck.sol";

/// Whether readings are of a batch. A contract of its own, since a delivery's code has no room for it; it keeps nothing
/// and believes whoever asks that both were read before, the batch by a market, the readings by an entry.
contract DueChecker {
    /// @notice Whether the due energy of the readings is what the payload of a batch of so many periods comes to.
    function agrees(bytes calldata payload, bytes calldata readings, uint256 periods) external pure returns (bool) {
        return DueCheck.agrees(payload, readings, periods);
    }
}
