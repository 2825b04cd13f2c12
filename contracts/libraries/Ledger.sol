// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {ISettlementErrors} from "../interfaces/ISettlementErrors.sol";
import {DESK, UTILITY} from "../types/Account.sol";
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
            uint256 failure;
            uint256 k;
            (failure, k, entry) = _openParticipants(frame, accounts, entry, end);
            if (failure == 1) revert ISettlementErrors.ParticipantsNotAscending(k);
            if (failure == 2) revert ISettlementErrors.NotLocked(Netting.idOf(frame, k));
            record -= SYSTEMS * stride;
            for (uint256 id = DESK; id <= UTILITY; ++id) {
                if ((frame.systems >> (id - DESK)) & 1 == 1) {
                    while (entry < end && load(entry) >> 224 < id) entry += 36;
                    if (entry == end || load(entry) >> 224 != id) revert ISettlementErrors.NotLocked(uint32(id));
                    assembly ("memory-safe") {
                        mstore(record, sload(add(accounts, id)))
                        mstore(add(record, 32), mload(add(entry, 4)))
                    }
                }
                record += stride;
            }
        }
    }

    /// Ids ascend in the payload and in the frozen limits: one walk finds each. Failure 1: not ascending; 2: not locked.
    function _openParticipants(
        Frame memory frame,
        uint256 accounts,
        uint256 entry,
        uint256 end
    ) private view returns (uint256 failure, uint256 k, uint256) {
        assembly ("memory-safe") {
            let participants := mload(add(frame, 64))
            let cursor := mload(add(frame, 288))
            let record := mload(frame)
            let last := 0
            for {} lt(k, participants) {
                k := add(k, 1)
            } {
                let id := shr(224, calldataload(cursor))
                failure := iszero(and(gt(id, last), lt(id, DESK)))
                if failure {
                    break
                }
                for {} and(lt(entry, end), lt(shr(224, mload(entry)), id)) {
                    entry := add(entry, 36)
                } {}
                failure := shl(1, or(iszero(lt(entry, end)), iszero(eq(shr(224, mload(entry)), id))))
                if failure {
                    break
                }
                mstore(record, sload(add(accounts, id)))
                mstore(add(record, 32), mload(add(entry, 4)))
                entry := add(entry, 36)
                last := id
                cursor := add(cursor, 4)
                record := add(record, mload(add(frame, 32)))
            }
        }
        return (failure, k, entry);
    }

    /// Checks and writes every account, adds its injections to `flows`, and returns the event's deltas.
    function close(
        Frame memory frame,
        uint256 accounts,
        uint256 day,
        Flows memory flows
    ) internal returns (bytes memory deltas) {
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
            for (uint256 k; k < participants + SYSTEMS; ++k) {
                // Records of participants from the base up, then desk, operator and utility from three before it.
                uint256 record = frame.base + k * frame.stride;
                uint256 id = DESK + k - participants;
                uint256 reactive = frame.reactive + 3 * k * frame.periods;
                if (k < participants) {
                    id = fromCalldata(frame.ids + 4 * k) >> 224;
                } else {
                    if ((systems >> (k - participants)) & 1 == 0) continue;
                    record -= (participants + SYSTEMS) * frame.stride;
                }
                uint256 refusedAt = _closePeriods(frame, record, reactive, k < participants, flows);
                if (refusedAt != 0) _refusePeriod(frame, record, (refusedAt - record - RECORD_PERIODS) / 32);
                sum += _close(record, accounts, id, day, out);
                out += 16;
            }
            assert(sum == 0);
        }
    }

    /// Checks every period of one account and, for a prosumer, adds what it injects at its bus. Returns where a predicate is
    /// violated, or zero. A word of zero has no trade and needs no check. Bounds: every operand of the checks has less than 60
    /// bits; the bus was checked against the model when the session was frozen; each half of a flow is within 2^60.
    function _closePeriods(
        Frame memory frame,
        uint256 record,
        uint256 reactive,
        bool injects,
        Flows memory flows
    ) private pure returns (uint256 refusedAt) {
        assembly ("memory-safe") {
            let limits := mload(add(record, 32))
            let flow := add(mload(flows), shl(5, shr(240, limits)))
            let end := add(record, mload(add(frame, 32)))
            for {
                let cursor := add(record, 96)
            } lt(cursor, end) {
                cursor := add(cursor, 32)
            } {
                let period := mload(cursor)
                if period {
                    // All ones where the account is a net buyer.
                    let sign := sar(255, period)
                    let magnitude := sub(xor(sar(200, period), sign), sign)
                    let charge := and(shr(48, period), 0xffffff)
                    let refused := 0
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
                    if or(refused, gt(and(shr(152, period), 0xffffffffffff), maxReserve)) {
                        refusedAt := cursor
                        break
                    }
                }
                if injects {
                    let active := shl(128, mul(sar(200, period), mload(add(flows, 64))))
                    mstore(flow, add(mload(flow), add(active, signextend(2, shr(232, calldataload(reactive))))))
                    flow := add(flow, shl(5, mload(add(flows, 32))))
                    reactive := add(reactive, 3)
                }
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
            if (high != 0 && high - BIAS - charge > int24(uint24(limits)))
                revert ISettlementErrors.BuyPriceAboveMandate(id, t);
            int256 low = int256(period & 0xffffff);
            if (low != 0 && BIAS - 1 - low - charge < int24(uint24(limits >> 24))) {
                revert ISettlementErrors.SellPriceBelowMandate(id, t);
            }
            if (magnitude > uint32(limits >> (energy < 0 ? 48 : 80)))
                revert ISettlementErrors.EnergyBeyondMandate(id, t);
            revert ISettlementErrors.ReserveBeyondMandate(id, t);
        }
    }

    /// The whole session of one account: its new word into storage, its delta to `out`. Returns the delta.
    /// Account word, lowest bit first: deposit 64 | carbon 56 | locked 48 | spent 48 | day 16 | session 24.
    function _close(
        uint256 record,
        uint256 accounts,
        uint256 id,
        uint256 day,
        uint256 out
    ) private returns (uint256 delta) {
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
            if (-int256(money) > int256(((account >> 120) & U48) * NANO_PER_MICRO))
                revert ISettlementErrors.SpendBeyondLock(uint32(id));
            if (held > type(uint64).max) revert ISettlementErrors.DepositOverflow(uint32(id));
            if (int256(carbon) < 0 && id != DESK) revert ISettlementErrors.CarbonBelowZero(uint32(id));
            if (int256(carbon) != int56(int256(carbon))) revert ISettlementErrors.CarbonOverflow(uint32(id));
        }
    }
}
