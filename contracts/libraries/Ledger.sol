// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {ISettlementErrors} from "../interfaces/ISettlementErrors.sol";
import {DESK} from "../types/Account.sol";
import {BIAS, CHARGE, CHARGED_WH, ENERGY, Frame, fromCalldata, HIGHEST_PURCHASE, load, RECORD_DELTA} from "./Frame.sol";
import {RECORD_LIMITS, RECORD_PERIODS} from "./Frame.sol";
import {Netting} from "./Netting.sol";

/// Records in, checked accounts out: one read and one write of storage an account. As in Netting, every test is exact and what
/// fails it is named afterwards.
library Ledger {
    uint256 private constant SYSTEMS = 3;
    uint256 private constant NANO_PER_MICRO = 1000;
    uint256 private constant U48 = 0xffffffffffff;

    /// Where the flows of the grid check gather: one word a bus and period, active power in the upper half.
    struct Flows {
        uint256 pointer;
        uint256 buses;
        uint256 wattPerWh;
    }

    /// Reads every account that takes part. `accounts` is the slot of account 0; `frozen` the session's FrozenLimits.
    function open(Frame memory frame, uint256 accounts, bytes memory frozen) internal view {
        unchecked {
            uint256 participants = frame.participants;
            uint256 stride = RECORD_PERIODS + 32 * frame.periods;
            frame.stride = stride;
            // Bound: participants < 2^15 and periods < 64, so less than 2^27 bytes; out of gas long before.
            uint256 size = (participants + SYSTEMS) * stride;
            uint256 record;
            uint256 entry;
            uint256 end;
            assembly ("memory-safe") {
                record := mload(0x40)
                calldatacopy(record, calldatasize(), size)
                mstore(0x40, add(record, size))
                entry := add(frozen, 32)
                end := add(entry, mload(frozen))
            }
            record += SYSTEMS * stride;
            frame.base = record;
            uint256 last;
            uint256 cursor = frame.ids;
            for (uint256 k; k < participants; ++k) {
                uint256 id = fromCalldata(cursor) >> 224;
                if (id <= last || id >= DESK) revert ISettlementErrors.ParticipantsNotAscending(k);
                entry = _read(record, accounts, id, entry, end);
                last = id;
                cursor += 4;
                record += stride;
            }
            record = frame.base - SYSTEMS * stride;
            for (uint256 k; k < SYSTEMS; ++k) {
                if ((frame.systems >> k) & 1 == 1) entry = _read(record, accounts, uint256(DESK) + k, entry, end);
                record += stride;
            }
        }
    }

    /// Ids ascend here and in `frozen`: the search goes on where it was left. Returns the entry after the one found.
    function _read(uint256 record, uint256 accounts, uint256 id, uint256 entry, uint256 end) private view returns (uint256) {
        unchecked {
            while (entry < end && load(entry) >> 224 < id) entry += 36;
            if (entry >= end || load(entry) >> 224 != id) revert ISettlementErrors.NotLocked(uint32(id));
            assembly ("memory-safe") {
                mstore(record, sload(add(accounts, id)))
                mstore(add(record, 32), mload(add(entry, 4)))
            }
            return entry + 36;
        }
    }

    /// Checks and writes every account, adds its injections to `flows`, and returns the event's deltas.
    function close(Frame memory frame, uint256 accounts, uint256 day, Flows memory flows) internal returns (bytes memory deltas) {
        unchecked {
            uint256 participants = frame.participants;
            uint256 systems = frame.systems;
            uint256 count = participants + (systems & 1) + ((systems >> 1) & 1) + (systems >> 2);
            uint256 out;
            // Each delta is stored as a whole word of which the next overwrites the tail: 16 bytes more than they take.
            assembly ("memory-safe") {
                deltas := mload(0x40)
                mstore(deltas, shl(4, count))
                out := add(deltas, 32)
                mstore(0x40, add(out, and(add(shl(4, count), 63), not(31))))
            }
            uint256 sum;
            uint256 record = frame.base;
            uint256 cursor = frame.ids;
            uint256 stride = frame.stride;
            for (uint256 k; k < participants; ++k) {
                _checkPeriods(frame, record);
                _inject(frame, record, k, flows);
                sum += _close(record, accounts, fromCalldata(cursor) >> 224, day, out);
                cursor += 4;
                record += stride;
                out += 16;
            }
            for (uint256 k; k < SYSTEMS; ++k) {
                if ((systems >> k) & 1 == 0) continue;
                record = frame.base - (SYSTEMS - k) * stride;
                _checkPeriods(frame, record);
                sum += _close(record, accounts, uint256(DESK) + k, day, out);
                out += 16;
            }
            assert(sum == 0);
        }
    }

    /// Every period of one account. A word of zero has no trade and needs no check; every operand has less than 60 bits.
    function _checkPeriods(Frame memory frame, uint256 record) private pure {
        unchecked {
            uint256 end = record + frame.stride;
            for (uint256 cursor = record + RECORD_PERIODS; cursor < end; cursor += 32) {
                bool refused;
                assembly ("memory-safe") {
                    let period := mload(cursor)
                    if period {
                        let limits := mload(add(record, 32))
                        // All ones where the account is a net buyer.
                        let sign := sar(255, period)
                        let magnitude := sub(xor(sar(200, period), sign), sign)
                        let charge := and(shr(48, period), 0xffffff)
                        if charge {
                            refused := xor(and(shr(72, period), 0xffffffff), magnitude)
                            charge := sub(xor(sub(charge, 0x800000), sign), sign)
                        }
                        let extreme := and(shr(24, period), 0xffffff)
                        if extreme {
                            refused := or(refused, sgt(sub(sub(extreme, 0x800000), charge), signextend(2, limits)))
                        }
                        extreme := and(period, 0xffffff)
                        if extreme {
                            refused := or(refused, slt(sub(sub(0x7fffff, extreme), charge), signextend(2, shr(24, limits))))
                        }
                        // maxBuyWh at bit 48, maxSellWh at 80.
                        refused := or(refused, gt(magnitude, and(shr(sub(80, and(sign, 32)), limits), 0xffffffff)))
                        let maxReserve := and(shr(160, limits), 0xffffffff)
                        refused := or(refused, gt(and(shr(104, period), 0xffffffffffff), maxReserve))
                        refused := or(refused, gt(and(shr(152, period), 0xffffffffffff), maxReserve))
                        refused := iszero(iszero(refused))
                    }
                }
                if (refused) _refusePeriod(frame, record, (cursor - record - RECORD_PERIODS) / 32);
            }
        }
    }

    /// Reverts with the first predicate that the account violates in period `t`. Only periods that violate one come here.
    function _refusePeriod(Frame memory frame, uint256 record, uint256 t) private pure {
        unchecked {
            // Bound: `record` lies a whole number of strides from the base, up to three before it.
            uint32 id = Netting.idOf(frame, uint256(int256(record - frame.base) / int256(frame.stride)));
            uint256 limits = load(record + RECORD_LIMITS);
            uint256 period = load(record + RECORD_PERIODS + 32 * t);
            int256 energy = int256(period) >> ENERGY;
            uint256 magnitude = uint256(energy < 0 ? -energy : energy);
            int256 charge = int256((period >> CHARGE) & 0xffffff);
            if (charge != 0) {
                if (uint32(period >> CHARGED_WH) != magnitude) revert ISettlementErrors.NetworkMismatch(id, t);
                charge = energy < 0 ? BIAS - charge : charge - BIAS;
            }
            int256 high = int256((period >> HIGHEST_PURCHASE) & 0xffffff);
            if (high != 0 && high - BIAS - charge > int24(uint24(limits))) revert ISettlementErrors.BuyPriceAboveMandate(id, t);
            int256 low = int256(period & 0xffffff);
            if (low != 0 && BIAS - 1 - low - charge < int24(uint24(limits >> 24))) {
                revert ISettlementErrors.SellPriceBelowMandate(id, t);
            }
            if (magnitude > uint32(limits >> (energy < 0 ? 48 : 80))) revert ISettlementErrors.EnergyBeyondMandate(id, t);
            revert ISettlementErrors.ReserveBeyondMandate(id, t);
        }
    }

    /// What one prosumer injects in every period, at its bus.
    function _inject(Frame memory frame, uint256 record, uint256 k, Flows memory flows) private pure {
        unchecked {
            uint256 step = 32 * flows.buses;
            uint256 watts = flows.wattPerWh;
            uint256 reactive = frame.reactive + 3 * k * frame.periods;
            uint256 end = record + frame.stride;
            // Bound: the bus was checked against the model when the session was frozen; each half of a flow is within 2^60.
            assembly ("memory-safe") {
                let flow := add(mload(flows), shl(5, shr(240, mload(add(record, 32)))))
                for { let cursor := add(record, 96) } lt(cursor, end) { cursor := add(cursor, 32) } {
                    let active := shl(128, mul(sar(200, mload(cursor)), watts))
                    mstore(flow, add(mload(flow), add(active, signextend(2, shr(232, calldataload(reactive))))))
                    flow := add(flow, step)
                    reactive := add(reactive, 3)
                }
            }
        }
    }

    /// The whole session of one account: its new word into storage, its delta to `out`. Returns the delta.
    /// Account word, lowest bit first: deposit 64 | carbon 56 | locked 48 | spent 48 | day 16 | session 24.
    function _close(uint256 record, uint256 accounts, uint256 id, uint256 day, uint256 out) private returns (uint256 delta) {
        unchecked {
            delta = load(record + RECORD_DELTA);
            uint256 account = load(record);
            uint256 money;
            uint256 carbonDelta;
            uint256 held;
            uint256 carbon;
            bool refused;
            assembly ("memory-safe") {
                carbonDelta := signextend(7, delta)
                money := sar(64, sub(delta, carbonDelta))
                held := add(and(account, 0xffffffffffffffff), money)
                carbon := add(signextend(6, shr(64, account)), carbonDelta)
                // The lock is never more than the deposit: a spend within it leaves no negative deposit.
                refused := sgt(sub(0, money), mul(and(shr(120, account), 0xffffffffffff), 1000))
                // Negative, which only the desk may be, or beyond i56.
                refused := or(refused, or(shr(64, held), shr(55, carbon)))
            }
            if (refused) _checkTotals(id, account, money, held, carbon);
            uint256 spent = (account >> 168) & type(uint64).max;
            if (int256(money) < 0) {
                // Bound: what may be spent on one day is a mandate's u48.
                uint256 before = spent >> 48 == day ? spent & U48 : 0;
                spent = (day << 48) | (before + (NANO_PER_MICRO - 1 - money) / NANO_PER_MICRO);
            }
            assembly ("memory-safe") {
                sstore(add(accounts, id), or(or(held, shl(64, and(carbon, 0xffffffffffffff))), shl(168, spent)))
                mstore(out, shl(128, or(shl(56, money), and(carbonDelta, 0xffffffffffffff))))
            }
        }
    }

    /// Reverts unless all that was unusual is the desk's negative carbon.
    function _checkTotals(uint256 id, uint256 account, uint256 money, uint256 held, uint256 carbon) private pure {
        unchecked {
            if (-int256(money) > int256(((account >> 120) & U48) * NANO_PER_MICRO)) revert ISettlementErrors.SpendBeyondLock(uint32(id));
            if (held > type(uint64).max) revert ISettlementErrors.DepositOverflow(uint32(id));
            if (int256(carbon) < 0 && id != DESK) revert ISettlementErrors.CarbonBelowZero(uint32(id));
            if (int256(carbon) != int56(int256(carbon))) revert ISettlementErrors.CarbonOverflow(uint32(id));
        }
    }
}
