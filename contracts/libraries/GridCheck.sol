// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {ISettlementErrors} from "../interfaces/ISettlementErrors.sol";

/// LinDistFlow of every period on packed flows: what rules/PlainGrid.sol says, two words a bus.
library GridCheck {
    uint256 private constant SQRT3_DOWN = 1_732_050_807;
    uint256 private constant UNIT = 1e9;
    /// From the length of the bytes to the word of bus 0, which is not there: 32 - 32 + a header of 4.
    uint256 private constant GRID_OFFSET = 4;

    /// @param flows Injections, `buses` words a period: W in the upper half, var in the lower, both signed.
    /// @param model The grid model's bytes.
    function check(uint256 flows, uint256 buses, uint256 periods, bytes memory model) internal pure {
        unchecked {
            uint256 branches;
            uint256 voltages;
            assembly ("memory-safe") {
                // The word of bus b is at branches + 32 b.
                branches := add(model, GRID_OFFSET)
                voltages := mload(0x40)
                mstore(0x40, add(voltages, shl(5, buses)))
                mstore(voltages, shl(60, 1))
            }
            for (uint256 period; period < periods; ++period) {
                uint256 bus = _checkLines(flows, buses, branches);
                if (bus != 0) revert ISettlementErrors.LineLimit(period, bus);
                bus = _checkVoltages(flows, buses, branches, voltages);
                if (bus != 0) revert ISettlementErrors.VoltageBand(period, bus);
                flows += 32 * buses;
            }
        }
    }

    /// From the leaves to the root; returns the first bus whose line is overloaded, or zero. Bound: a flow is a sum of
    /// less than 2^15 injections below 2^44 W or 2^23 var, so each half of a word is within 2^60 and the products with
    /// sqrt(3) within 2^92.
    function _checkLines(uint256 flows, uint256 buses, uint256 branches) private pure returns (uint256 bus) {
        assembly ("memory-safe") {
            // 32 times the bus.
            for {
                bus := shl(5, sub(buses, 1))
            } bus {
                bus := sub(bus, 32)
            } {
                let branch := mload(add(branches, bus))
                let word := mload(add(flows, bus))
                let up := add(flows, shl(5, shr(232, branch)))
                mstore(up, add(mload(up), word))
                let rating := and(shr(192, branch), 0xffffffffff)
                let reactive := signextend(15, word)
                let active := sar(128, sub(word, reactive))
                let sign := sar(255, reactive)
                reactive := sub(xor(reactive, sign), sign)
                sign := sar(255, active)
                active := sub(xor(active, sign), sign)
                // Sufficient: the 12-gon contains the diamond.
                if gt(add(active, reactive), rating) {
                    let bound := mul(rating, mul(2, UNIT))
                    let outside := or(gt(active, rating), gt(reactive, rating))
                    outside := or(outside, gt(add(mul(SQRT3_DOWN, active), mul(UNIT, reactive)), bound))
                    outside := or(outside, gt(add(mul(UNIT, active), mul(SQRT3_DOWN, reactive)), bound))
                    if and(outside, iszero(eq(rating, 0xffffffffff))) {
                        break
                    }
                }
            }
            bus := shr(5, bus)
        }
    }

    /// From the root to the leaves; returns the first bus out of its band, or zero. Bound: |flow| < 2^60 and r, x <
    /// 2^56, so a voltage is within 2^134.
    function _checkVoltages(
        uint256 flows,
        uint256 buses,
        uint256 branches,
        uint256 voltages
    ) private pure returns (uint256 bus) {
        assembly ("memory-safe") {
            // 32 times the bus.
            let end := shl(5, buses)
            for {
                bus := 32
            } lt(bus, end) {
                bus := add(bus, 32)
            } {
                let branch := mload(add(branches, bus))
                let word := mload(add(flows, bus))
                let reactive := signextend(15, word)
                let active := sar(128, sub(word, reactive))
                let voltage := mload(add(voltages, shl(5, shr(232, branch))))
                voltage := add(voltage, mul(and(shr(56, branch), 0xffffffffffffff), active))
                voltage := add(voltage, mul(and(branch, 0xffffffffffffff), reactive))
                mstore(add(voltages, bus), voltage)
                voltage := sar(28, voltage)
                let low := and(shr(152, branch), 0xffffffffff)
                if or(slt(voltage, low), sgt(voltage, and(shr(112, branch), 0xffffffffff))) {
                    break
                }
            }
            bus := mul(shr(5, bus), lt(bus, end))
        }
    }
}
