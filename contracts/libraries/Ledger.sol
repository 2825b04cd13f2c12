// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {ISettlementErrors} from "../interfaces/ISettlementErrors.sol";
import {DESK} from "../types/Account.sol";
import {
    BIAS,
    CHARGE,
    CHARGED_WH,
    ENERGY,
    Frame,
    fromCalldata,
    HIGHEST_PURCHASE,
    load,
    RECORD_DELTA,
    RECORD_LIMITS,
    RECORD_PERIODS,
    RESERVE_BOUGHT,
    RESERVE_SOLD,
    store
} from "./Frame.sol";
import {Netting} from "./Netting.sol";

/// Records in, checked accounts out: two reads and one write of storage an account.
library Ledger {
    uint256 private constant SYSTEMS = 3;
    uint256 private constant NANO_PER_MICRO = 1000;
    uint256 private constant U48 = 0xffffffffffff;
    uint256 private constant U56 = 0xffffffffffffff;

    /// Where the flows of the grid check gather: one word a bus and period, active power in the upper half.
    struct Flows {
        uint256 pointer;
        uint256 buses;
        uint256 wattPerWh;
    }

    /// Reads every account that takes part. `entries` is the slot of entry 0, two slots an entry.
    function open(Frame memory frame, uint256 entries, uint256 ordinal) internal view {
        unchecked {
            uint256 participants = frame.participants;
            uint256 stride = RECORD_PERIODS + 32 * frame.periods;
            frame.stride = stride;
            // Bound: participants < 2^15 and periods < 64, so less than 2^27 bytes; out of gas long before.
            uint256 size = (participants + SYSTEMS) * stride;
            uint256 record;
            assembly ("memory-safe") {
                record := mload(0x40)
                calldatacopy(record, calldatasize(), size)
                mstore(0x40, add(record, size))
            }
            record += SYSTEMS * stride;
            frame.base = record;
            uint256 last;
            uint256 cursor = frame.ids;
            for (uint256 k; k < participants; ++k) {
                uint256 id = fromCalldata(cursor) >> 224;
                if (id <= last || id >= DESK) revert ISettlementErrors.ParticipantsNotAscending(k);
                _read(record, entries, id, ordinal);
                last = id;
                cursor += 4;
                record += stride;
            }
            record = frame.base - SYSTEMS * stride;
            for (uint256 k; k < SYSTEMS; ++k) {
                if ((frame.systems >> k) & 1 == 1) _read(record, entries, uint256(DESK) + k, ordinal);
                record += stride;
            }
        }
    }

    function _read(uint256 record, uint256 entries, uint256 id, uint256 ordinal) private view {
        uint256 account;
        assembly ("memory-safe") {
            let slot := add(entries, shl(1, id))
            account := sload(slot)
            mstore(record, account)
            mstore(add(record, RECORD_LIMITS), sload(add(slot, 1)))
        }
        if (account >> 232 != ordinal) revert ISettlementErrors.NotLocked(uint32(id));
    }

    /// Checks and writes every account, adds its injections to `flows`, and returns the event's deltas.
    function close(Frame memory frame, uint256 entries, uint256 day, Flows memory flows) internal returns (bytes memory deltas) {
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
            for (uint256 k; k < participants; ++k) {
                _checkPeriods(frame, record, k, flows);
                sum += _close(frame, record, k, entries, day, out);
                record += frame.stride;
                out += 16;
            }
            for (uint256 k; k < SYSTEMS; ++k) {
                if ((systems >> k) & 1 == 0) continue;
                record = frame.base - (SYSTEMS - k) * frame.stride;
                _checkPeriods(frame, record, k - SYSTEMS, flows);
                sum += _close(frame, record, k - SYSTEMS, entries, day, out);
                out += 16;
            }
            assert(sum == 0);
        }
    }

    /// Every period of one account, and its injections. A period word of zero has no trade and needs no check.
    function _checkPeriods(Frame memory frame, uint256 record, uint256 k, Flows memory flows) private pure {
        unchecked {
            uint256 limits = load(record + RECORD_LIMITS);
            bool prosumer = k < frame.participants;
            uint256 flow = flows.pointer + 32 * (limits >> 240);
            uint256 reactive = frame.reactive + 3 * k * frame.periods;
            uint256 cursor = record + RECORD_PERIODS;
            uint256 end = record + frame.stride;
            for (; cursor < end; cursor += 32) {
                uint256 period = load(cursor);
                if (period != 0) _checkPeriod(frame, period, limits, k, (cursor - record - RECORD_PERIODS) / 32);
                if (!prosumer) continue;
                // Bound: both halves within 2^66 for any number of prosumers at a bus.
                uint256 watts = flows.wattPerWh;
                assembly ("memory-safe") {
                    let active := mul(sar(ENERGY, period), watts)
                    mstore(flow, add(mload(flow), add(shl(128, active), signextend(2, shr(232, calldataload(reactive))))))
                }
                flow += 32 * flows.buses;
                reactive += 3;
            }
        }
    }

    /// In the order of the predicates; every operand has less than 60 bits.
    function _checkPeriod(Frame memory frame, uint256 period, uint256 limits, uint256 k, uint256 t) private pure {
        unchecked {
            int256 energy = int256(period) >> ENERGY;
            uint256 magnitude = uint256(energy < 0 ? -energy : energy);
            int256 charge = int256((period >> CHARGE) & 0xffffff);
            if (charge != 0) {
                if ((period >> CHARGED_WH) & 0xffffffff != magnitude) revert ISettlementErrors.NetworkMismatch(Netting.idOf(frame, k), t);
                charge = energy < 0 ? BIAS - charge : charge - BIAS;
            }
            int256 high = int256((period >> HIGHEST_PURCHASE) & 0xffffff);
            if (high != 0 && high - BIAS - charge > int24(uint24(limits))) {
                revert ISettlementErrors.BuyPriceAboveMandate(Netting.idOf(frame, k), t);
            }
            int256 low = int256(period & 0xffffff);
            if (low != 0 && BIAS - 1 - low - charge < int24(uint24(limits >> 24))) {
                revert ISettlementErrors.SellPriceBelowMandate(Netting.idOf(frame, k), t);
            }
            if (magnitude > uint32(limits >> (energy < 0 ? 48 : 80))) {
                revert ISettlementErrors.EnergyBeyondMandate(Netting.idOf(frame, k), t);
            }
            uint256 maxReserve = uint32(limits >> 160);
            if ((period >> RESERVE_SOLD) & U48 > maxReserve || (period >> RESERVE_BOUGHT) & U48 > maxReserve) {
                revert ISettlementErrors.ReserveBeyondMandate(Netting.idOf(frame, k), t);
            }
        }
    }

    /// The whole session of one account: its new word into storage, its delta to `out`. Returns the delta.
    function _close(Frame memory frame, uint256 record, uint256 k, uint256 entries, uint256 day, uint256 out)
        private
        returns (uint256 delta)
    {
        unchecked {
            delta = load(record + RECORD_DELTA);
            uint256 account = load(record);
            int256 carbonDelta = int256(int64(uint64(delta)));
            int256 money = (int256(delta) - carbonDelta) >> 64;
            uint32 id = Netting.idOf(frame, k);
            // Fields of the account word: deposit 64 | carbon 56 | locked 48 | spent 48 | day 16 | session 24, lowest first.
            if (-money > int256(((account >> 120) & U48) * NANO_PER_MICRO)) revert ISettlementErrors.SpendBeyondLock(id);
            // The lock is never more than the deposit, so what is held is not negative.
            uint256 held = uint256(int256(account & type(uint64).max) + money);
            if (held > type(uint64).max) revert ISettlementErrors.DepositOverflow(id);
            int256 carbon = int256(int56(uint56(account >> 64))) + carbonDelta;
            if (carbon < 0 && id != DESK) revert ISettlementErrors.CarbonBelowZero(id);
            if (carbon != int256(int56(carbon))) revert ISettlementErrors.CarbonOverflow(id);
            uint256 spent = (account >> 168) & type(uint64).max;
            if (money < 0) {
                // Bound: what may be spent on one day is a mandate's u48.
                uint256 before = spent >> 48 == day ? spent & U48 : 0;
                spent = (day << 48) | (before + (uint256(-money) + NANO_PER_MICRO - 1) / NANO_PER_MICRO);
            }
            assembly ("memory-safe") {
                let slot := add(entries, shl(1, id))
                sstore(slot, or(or(held, shl(64, and(carbon, U56))), shl(168, spent)))
                mstore(out, shl(128, or(shl(56, money), and(carbonDelta, U56))))
            }
        }
    }
}
