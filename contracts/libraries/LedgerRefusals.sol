// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {ISettlementErrors} from "../interfaces/ISettlementErrors.sol";
import {ACCOUNT_CARBON, ACCOUNT_DAY, ACCOUNT_SPENT, DESK} from "../types/Account.sol";
import {MAX_SPEND, VALID_UNTIL} from "../types/Mandate.sol";
import {
    CHARGED_WH,
    ENERGY,
    Frame,
    load,
    MAX_BUY,
    MAX_BUY_W,
    MAX_RESERVE_W,
    MAX_SELL_W,
    MIN_CARBON_PRICE,
    RECORD_ALLOWANCES,
    RECORD_CAPACITY,
    RECORD_LIMITS,
    RECORD_PERIODS,
    RESERVE_BOUGHT,
    RESERVE_SOLD
} from "./Frame.sol";
import {FrozenTable} from "./FrozenTable.sol";
import {Netting} from "./Netting.sol";

/// Names the predicate that Ledger has found violated: it runs only where a batch is refused.
library LedgerRefusals {
    uint256 private constant NANO_PER_MICRO = 1000;

    /// Reverts with the first participant that is not above the one before, or has no mandate that covers the session.
    function participant(Frame memory frame, bytes memory table) internal pure {
        unchecked {
            uint256 last;
            for (uint256 k; k < frame.participants; ++k) {
                uint32 id = Netting.idOf(frame, k);
                if (id <= last || id >= DESK) revert ISettlementErrors.ParticipantsNotAscending(k);
                (uint256 head, ) = FrozenTable.find(table, id);
                if (uint40(head >> VALID_UNTIL) < frame.ends) revert ISettlementErrors.NotLocked(id);
                last = id;
            }
        }
    }

    /// Reverts with the first predicate that an account violates in the period at `cursor`.
    function period(Frame memory frame, uint256 record, uint256 cursor) internal pure {
        unchecked {
            uint32 id = _idAt(frame, record);
            uint256 limits = load(record + RECORD_LIMITS);
            uint256 t = (cursor - record - RECORD_PERIODS) / 32;
            uint256 word = load(cursor);
            int256 money;
            assembly ("memory-safe") {
                money := signextend(8, word)
                word := sub(word, money)
            }
            int256 energy = int256(word) >> ENERGY;
            uint256 magnitude = uint256(energy < 0 ? -energy : energy);
            uint256 charged = uint32(word >> CHARGED_WH);
            if (charged != 0 && charged != magnitude) revert ISettlementErrors.NetworkMismatch(id, t);
            int256 price = int24(uint24(limits >> (energy < 0 ? MAX_BUY : MAX_BUY + 24)));
            if (money < energy * price) revert ISettlementErrors.EnergyMoneyBeyondMandate(id, t);
            if (magnitude * frame.perHour > uint32(limits >> (energy < 0 ? MAX_BUY_W : MAX_SELL_W)))
                revert ISettlementErrors.EnergyBeyondMandate(id, t);
            uint256 most = uint32(limits >> MAX_RESERVE_W);
            if (uint48(word >> RESERVE_SOLD) > most || uint48(word >> RESERVE_BOUGHT) > most)
                revert ISettlementErrors.ReserveBeyondMandate(id, t);
            revert ISettlementErrors.ReactiveBeyondCapability(id, t);
        }
    }

    /// Reverts with the first predicate that an account's totals violate.
    function totals(Frame memory frame, uint256 record) internal view {
        unchecked {
            uint32 id = _idAt(frame, record);
            uint256 slot = frame.accounts + id;
            uint256 account;
            int256 grams;
            int256 paid;
            int256 carbon;
            assembly ("memory-safe") {
                let word := mload(add(record, RECORD_ALLOWANCES))
                grams := signextend(7, word)
                paid := sar(64, sub(word, grams))
                account := sload(slot)
                carbon := add(signextend(6, shr(ACCOUNT_CARBON, account)), grams)
            }
            uint256 limits = load(record + RECORD_LIMITS);
            int256 price = int24(uint24(limits >> (grams < 0 ? MIN_CARBON_PRICE : MIN_CARBON_PRICE - 24)));
            if (paid < -grams * price) revert ISettlementErrors.CarbonMoneyBeyondMandate(id);
            if (uint256(grams < 0 ? -grams : grams) > uint32(load(record + RECORD_CAPACITY)))
                revert ISettlementErrors.CarbonBeyondMandate(id);
            int256 money = int256(load(record)) + paid;
            uint256 spent = (account >> ACCOUNT_DAY) == frame.day ? uint48(account >> ACCOUNT_SPENT) : 0;
            uint256 most = uint48(load(record + RECORD_CAPACITY) >> MAX_SPEND);
            most = most > spent ? (most - spent) * NANO_PER_MICRO : 0;
            int256 deposit = int256(uint256(uint64(account))) + money;
            if (-money > int256(most) || deposit < 0) revert ISettlementErrors.SpendBeyondLock(id);
            if (deposit > int256(uint256(type(uint64).max))) revert ISettlementErrors.DepositOverflow(id);
            if (carbon < 0 && id != DESK) revert ISettlementErrors.CarbonBelowZero(id);
            revert ISettlementErrors.CarbonOverflow(id);
        }
    }

    function _idAt(Frame memory frame, uint256 record) private pure returns (uint32) {
        unchecked {
            // Bound: `record` lies a whole number of strides from the base, up to three before it.
            return Netting.idOf(frame, uint256(int256(record - frame.base) / int256(frame.stride)));
        }
    }
}
