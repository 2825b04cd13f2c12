// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {ISettlementErrors} from "../interfaces/ISettlementErrors.sol";
import {
    ACCOUNT_CARBON,
    ACCOUNT_DAY,
    ACCOUNT_HELD_BEFORE,
    ACCOUNT_SPENT,
    DESK,
    HOLD_UNIT,
    OPERATOR
} from "../types/Account.sol";
import {ABSORB_VAR, FEED_VAR, MAX_SPEND, VALID_UNTIL} from "../types/Mandate.sol";
import {
    allocate,
    BUS,
    CHARGED_WH,
    ENERGY,
    Frame,
    FRAME_ACCOUNTS,
    FRAME_BASE,
    FRAME_BEFORE_DAY,
    FRAME_BUSES,
    FRAME_DAY,
    FRAME_ENDS,
    FRAME_EPOCH_DAY,
    FRAME_FLOWS,
    FRAME_IDS,
    FRAME_IMBALANCE_PRICE,
    FRAME_PARTICIPANTS,
    FRAME_PER_HOUR,
    FRAME_REACTIVE,
    FRAME_STRIDE,
    load,
    MAX_RESERVE_W,
    MAX_SELL_W,
    MIN_CARBON_PRICE,
    RECORD_ALLOWANCES,
    RECORD_CAPACITY,
    RECORD_LIMITS,
    RECORD_PERIODS,
    RECORD_SOLD,
    RESERVE_BOUGHT,
    RESERVE_SOLD
} from "./Frame.sol";
import {ENTRY, FrozenTable} from "./FrozenTable.sol";
import {LedgerRefusals} from "./LedgerRefusals.sol";

/// Limits in, checked accounts out: one read and one write of storage an account. As in Netting, every test is exact
/// and what fails it is named afterwards.
library Ledger {
    uint256 private constant SYSTEMS = 3;
    uint256 private constant NANO_PER_MICRO = 1000;
    uint256 private constant U24 = 0xffffff;
    uint256 private constant U32 = 0xffffffff;
    uint256 private constant U40 = 0xffffffffff;
    uint256 private constant U48 = 0xffffffffffff;
    uint256 private constant U56 = 0xffffffffffffff;
    uint256 private constant U64 = 0xffffffffffffffff;
    /// What SYSTEMS are called, four bytes each.
    uint256 private constant SYSTEM_IDS = 0xfffffffdfffffffeffffffff << 160;

    /// Makes a record of every account that takes part, with its limits. `table` holds the entries of a FrozenTable;
    /// the last of them is the utility's, whose id none is above: it ends every walk.
    function open(Frame memory frame, bytes memory table) internal pure {
        unchecked {
            uint256 stride = RECORD_PERIODS + 32 * frame.periods;
            frame.stride = stride;
            // Bound: participants < 2^15 and periods <= 100, so less than 2^27 bytes; out of gas long before.
            uint256 record = allocate((frame.participants + SYSTEMS) * stride);
            frame.base = record + SYSTEMS * stride;
            _openParticipants(frame, table);
            uint256 entry;
            // Bound: the three system accounts end every table.
            assembly ("memory-safe") {
                entry := sub(add(add(table, 32), mload(table)), mul(SYSTEMS, ENTRY))
            }
            for (uint256 k; k < SYSTEMS; ++k) {
                uint256 head = load(entry);
                if ((frame.systems >> k) & 1 == 1) {
                    if ((head >> VALID_UNTIL) & U40 < frame.ends) revert ISettlementErrors.NotLocked(DESK + uint32(k));
                    assembly ("memory-safe") {
                        mstore(add(record, RECORD_CAPACITY), head)
                        mstore(add(record, RECORD_LIMITS), mload(add(entry, 32)))
                    }
                }
                entry += ENTRY;
                record += stride;
            }
        }
    }

    /// Ids ascend in the table, so whoever is found on one walk through both has an id above the one before.
    function _openParticipants(Frame memory frame, bytes memory table) private pure {
        bool refused;
        assembly ("memory-safe") {
            let walked := add(table, 32)
            mstore(0, mload(add(frame, FRAME_STRIDE)))
            let ends := mload(add(frame, FRAME_ENDS))
            let cursor := mload(add(frame, FRAME_IDS))
            let record := mload(add(frame, FRAME_BASE))
            let end := add(record, mul(mload(0), mload(add(frame, FRAME_PARTICIPANTS))))
            for {} lt(record, end) {} {
                let id := shr(224, mload(cursor))
                // Some of the table do not take part.
                for {} lt(shr(224, mload(walked)), id) {
                    walked := add(walked, ENTRY)
                } {}
                let head := mload(walked)
                refused := or(
                    lt(and(shr(VALID_UNTIL, head), U40), ends),
                    iszero(and(eq(shr(224, head), id), lt(id, DESK)))
                )
                if refused {
                    break
                }
                mstore(add(record, RECORD_CAPACITY), head)
                mstore(add(record, RECORD_LIMITS), mload(add(walked, 32)))
                walked := add(walked, ENTRY)
                cursor := add(cursor, 4)
                record := add(record, mload(0))
            }
        }
        if (refused) LedgerRefusals.participant(frame, table);
    }

    /// Checks and writes every account, adds its injections to the flows, and returns the event's deltas.
    function close(Frame memory frame) internal returns (bytes memory deltas) {
        unchecked {
            uint256 participants = frame.participants;
            uint256 systems = frame.systems;
            uint256 size = 16 * (participants + (systems & 1) + ((systems >> 1) & 1) + (systems >> 2));
            uint256 out;
            uint256 ids;
            // Each delta is stored as a whole word of which the next overwrites the tail: 16 bytes more than they take.
            assembly ("memory-safe") {
                deltas := mload(0x40)
                mstore(deltas, size)
                out := add(deltas, 32)
                ids := add(out, and(add(size, 47), not(31)))
                mstore(ids, SYSTEM_IDS)
                mstore(0x40, add(ids, 32))
            }
            uint256 record = frame.base;
            uint256 sum = _closeRange(frame, record, record + participants * frame.stride, frame.ids, out);
            out += 16 * participants;
            record -= SYSTEMS * frame.stride;
            for (uint256 k; k < SYSTEMS; ++k) {
                if ((systems >> k) & 1 == 1) {
                    sum += _closeRange(frame, record, record + frame.stride, ids + 4 * k, out);
                    out += 16;
                }
                record += frame.stride;
            }
            assert(sum == 0);
        }
    }

    /// Accounts are refused in their order: what comes before one that a period refuses is written, and refused, first.
    function _closeRange(
        Frame memory frame,
        uint256 record,
        uint256 end,
        uint256 ids,
        uint256 out
    ) private returns (uint256 sum) {
        (uint256 checked, uint256 period) = _checkPeriods(frame, record, end);
        uint256 written;
        (written, sum) = _write(frame, record, checked, ids, out);
        if (written != checked) LedgerRefusals.totals(frame, written);
        if (checked != end) LedgerRefusals.period(frame, checked, period);
    }

    /// Checks every period of the accounts from `record` to `end`, adds its money to the account's and what each
    /// injects at its bus; the utility, operator and desk are at bus 0, which nothing limits, and registered for
    /// whatever reactive power is read for them. Returns the record and the address of the period that it stopped at. A
    /// word of zero has no trade and needs no check but of its reactive power. Bounds: money is within 2^70, a limit
    /// price within 2^23 and energy within 2^47; the bus was checked against the model when the session was frozen;
    /// each half of a flow is within 2^60.
    function _checkPeriods(
        Frame memory frame,
        uint256 record,
        uint256 end
    ) private pure returns (uint256 checked, uint256 cursor) {
        assembly ("memory-safe") {
            mstore(0, shl(5, mload(add(frame, FRAME_BUSES))))
            mstore(32, mload(add(frame, FRAME_PER_HOUR)))
            let reactive := mload(add(frame, FRAME_REACTIVE))
            for {} lt(record, end) {} {
                let limits := mload(add(record, RECORD_LIMITS))
                let flow := add(mload(add(frame, FRAME_FLOWS)), shl(5, shr(BUS, limits)))
                let next := add(record, mload(add(frame, FRAME_STRIDE)))
                // -absorb <= var <= feed as var + absorb <= absorb + feed, unsigned.
                let absorb := and(shr(ABSORB_VAR, mload(add(record, RECORD_CAPACITY))), U24)
                let span := add(absorb, and(shr(FEED_VAR, mload(add(record, RECORD_CAPACITY))), U24))
                let sold := 0
                let refused := 0
                for {
                    cursor := add(record, RECORD_PERIODS)
                } lt(cursor, next) {
                    cursor := add(cursor, 32)
                } {
                    let energy := 0
                    let word := mload(cursor)
                    if word {
                        let money := signextend(8, word)
                        word := sub(word, money)
                        energy := sar(ENERGY, word)
                        // All ones where the account is a net buyer.
                        let sign := sar(255, word)
                        let magnitude := sub(xor(energy, sign), sign)
                        let charged := and(shr(CHARGED_WH, word), 0xffffffff)
                        refused := mul(charged, xor(charged, magnitude))
                        // maxBuy is 24 bits below minSell, maxBuyW 32 below maxSellW.
                        let price := signextend(2, shr(add(24, mul(24, sign)), limits))
                        refused := or(refused, slt(money, mul(energy, price)))
                        let most := and(shr(sub(MAX_SELL_W, and(sign, 32)), limits), 0xffffffff)
                        refused := or(refused, gt(mul(magnitude, mload(32)), most))
                        most := and(shr(MAX_RESERVE_W, limits), 0xffffffff)
                        refused := or(refused, gt(and(shr(RESERVE_SOLD, word), 0xffffffffffff), most))
                        if or(refused, gt(and(shr(RESERVE_BOUGHT, word), 0xffffffffffff), most)) {
                            refused := 1
                            break
                        }
                        mstore(record, add(mload(record), money))
                        sold := add(sold, and(energy, not(sign)))
                    }
                    let var_ := sar(232, mload(reactive))
                    refused := gt(add(var_, absorb), span)
                    if refused {
                        break
                    }
                    let injected := shl(128, mul(energy, mload(32)))
                    mstore(flow, add(mload(flow), add(injected, var_)))
                    flow := add(flow, mload(0))
                    reactive := add(reactive, 3)
                }
                if refused {
                    break
                }
                mstore(add(record, RECORD_SOLD), sold)
                record := next
            }
            checked := record
        }
    }

    /// Writes the accounts from `record` to `end`, `ids` and deltas beside them, until one is refused. Returns where it
    /// stopped, and the sum of money << 64 + grams. One loop with its two rules beside it, which nothing else may call.
    // solhint-disable-next-line function-max-lines
    function _write(
        Frame memory frame,
        uint256 record,
        uint256 end,
        uint256 ids,
        uint256 out
    ) private returns (uint256 written, uint256 sum) {
        assembly ("memory-safe") {
            mstore(0, mload(add(frame, FRAME_ACCOUNTS)))
            mstore(32, mload(add(frame, FRAME_STRIDE)))
            for {} lt(record, end) {
                record := add(record, mload(32))
            } {
                let grams := mload(add(record, RECORD_ALLOWANCES))
                let money := mload(record)
                if grams {
                    if beyondAllowances(grams, record) {
                        break
                    }
                    let paid := grams
                    grams := signextend(7, grams)
                    money := add(money, sar(64, sub(paid, grams)))
                }
                let id := shr(224, mload(ids))
                let slot := add(mload(0), id)
                let account := sload(slot)
                let day := mload(add(frame, FRAME_DAY))
                let spent := mul(and(shr(ACCOUNT_SPENT, account), U48), eq(shr(ACCOUNT_DAY, account), day))
                let deposit := add(and(account, U64), money)
                let carbon := add(signextend(6, shr(ACCOUNT_CARBON, account)), grams)
                {
                    // Negative, or beyond u64.
                    let refused := shr(64, deposit)
                    if slt(money, 0) {
                        // Bound: what may be spent on one day is a mandate's u48.
                        let most := and(shr(MAX_SPEND, mload(add(record, RECORD_CAPACITY))), U48)
                        most := mul(mul(sub(most, spent), gt(most, spent)), NANO_PER_MICRO)
                        refused := or(refused, gt(sub(0, money), most))
                        spent := add(spent, div(sub(999, money), NANO_PER_MICRO))
                    }
                    // Negative, which only the desk may be, or beyond i56.
                    if or(refused, shr(55, carbon)) {
                        if or(refused, or(xor(id, DESK), xor(carbon, signextend(6, carbon)))) {
                            break
                        }
                    }
                }
                let word := or(shl(ACCOUNT_SPENT, spent), shl(ACCOUNT_DAY, day))
                word := or(word, shl(ACCOUNT_HELD_BEFORE, holds(account, id, money, record, frame)))
                sstore(slot, or(word, or(deposit, shl(ACCOUNT_CARBON, and(carbon, U56)))))
                mstore(out, shl(128, or(shl(56, money), and(grams, U56))))
                sum := add(sum, add(shl(64, money), grams))
                ids := add(ids, 4)
                out := add(out, 16)
            }
            written := record
            // The money is worse than the net grams at their limit price, or the grams are too many. maxCarbonPrice is
            // 24 bits below minCarbonPrice.
            function beyondAllowances(word, at) -> beyond {
                let received := signextend(7, word)
                let sold := sar(255, received)
                let price := signextend(
                    2,
                    shr(add(sub(MIN_CARBON_PRICE, 24), and(sold, 24)), mload(add(at, RECORD_LIMITS)))
                )
                let paid := sar(64, sub(word, received))
                beyond := slt(paid, mul(sub(0, received), price))
                let most := and(mload(add(at, RECORD_CAPACITY)), 0xffffffff)
                beyond := or(beyond, gt(sub(xor(received, sold), sold), most))
            }
            // Both buckets, the current one upper. What is new is held of everybody but operator and utility: what it
            // received, or what the energy it sold costs if it is not delivered. Bound: sold Wh within 2^54, the price
            // within 2^24.
            function holds(account, id, money, at, frame_) -> both {
                both := and(shr(ACCOUNT_HELD_BEFORE, account), U64)
                let day := shr(ACCOUNT_DAY, account)
                if lt(day, mload(add(frame_, FRAME_EPOCH_DAY))) {
                    both := mul(shr(32, both), iszero(lt(day, mload(add(frame_, FRAME_BEFORE_DAY)))))
                }
                let due := mul(mload(add(at, RECORD_SOLD)), mload(add(frame_, FRAME_IMBALANCE_PRICE)))
                if slt(due, money) {
                    due := money
                }
                if mul(due, lt(id, OPERATOR)) {
                    due := add(shr(32, both), div(add(due, sub(HOLD_UNIT, 1)), HOLD_UNIT))
                    // No more than its bucket holds.
                    due := or(due, sub(0, gt(due, U32)))
                    both := or(shl(32, and(due, U32)), and(both, U32))
                }
            }
        }
    }
}
