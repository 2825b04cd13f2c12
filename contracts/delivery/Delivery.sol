// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {IMarket} from "../interfaces/IMarket.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {load} from "../libraries/Frame.sol";
import {Metering} from "../libraries/Metering.sol";
import {Waterfall} from "../libraries/Waterfall.sol";
import {DESK, ENTRY_BYTES, ENTRY_GRAMS, ENTRY_ID, ENTRY_RELEASED, INSURANCE, UTILITY} from "../types/Account.sol";
import {Basis, Bill, Line, Shares} from "../types/Bill.sol";
import {Deliveries} from "./Deliveries.sol";
import {Entries} from "./Entries.sol";

/// The delivery that is cheap: every row is walked once in memory, the market is asked once what all accounts have and
/// given a word for each. What it enters and refuses is what reference/ReferenceDelivery.sol does.
contract Delivery is Entries {
    /// What is on the other side of the rows.
    struct Totals {
        int256 energy;
        int256 penalty;
        int256 emittedG;
        /// Somebody has less than it is to pay.
        bool short;
        int256 allowances;
        uint256 boughtG;
    }

    /// Insurance fund, desk and utility, whose ids are above all others.
    uint256 private constant SYSTEMS = 3;
    uint256 private constant NANO = 0xffffffffffffffffffffffffffffffff;
    uint256 private constant GRAMS = 0xffffffffffffffff;

    constructor(
        address authority,
        IMarket market_,
        IRegistry registry_,
        Windows memory windows_
    ) Deliveries(authority, market_, registry_, windows_) {}

    function _bill(bytes calldata readings, Basis memory basis) internal pure override returns (Bill memory) {
        return Metering.bill(readings, basis);
    }

    /// Bounds: a line's sides are within 2^80, what is taken up of a row within 2^81, grams within 2^33, lines fewer
    /// than 2^16. The market refuses entries whose money does not sum to zero.
    function _enter(uint32 sequence, uint16 day, Bill memory bill, bool unmoved) internal override {
        int256[] memory left;
        if (unmoved) left = _takeUp(sequence, bill.lines);
        uint256 count = bill.lines.length;
        bytes memory debitable = market.debitableOf(_ids(bill.lines));
        bytes memory entries = new bytes(ENTRY_BYTES * (count + SYSTEMS));
        int256[] memory amounts = new int256[](count + 2);
        Totals memory totals;
        _fill(bill.lines, debitable, entries, amounts, totals);
        unchecked {
            int256 fund = totals.penalty;
            if (unmoved) {
                for (uint256 k; k < count + 2; ++k) amounts[k] += left[k];
                fund += left[count + 2];
            }
            if (totals.short || unmoved) _buy(bill, debitable, entries, amounts, totals);
            (uint256 from, uint256 to) = (_start(debitable) + 32 * count, _start(entries) + ENTRY_BYTES * count);
            amounts[count] += totals.allowances;
            amounts[count + 1] -= totals.energy;
            if (unmoved || (fund < 0 && uint256(-fund) > uint128(load(from)))) totals.short = true;
            if (totals.energy > 0 && uint256(totals.energy) > uint128(load(from + 64))) totals.short = true;
            _store(to, (uint256(INSURANCE) << ENTRY_ID) | uint128(uint256(fund)));
            uint256 sold = uint256(uint64(uint256(-int256(totals.boughtG)))) << ENTRY_GRAMS;
            _store(to + 32, (uint256(DESK) << ENTRY_ID) | sold | uint128(uint256(totals.allowances)));
            _store(to + 64, (uint256(UTILITY) << ENTRY_ID) | uint128(uint256(-totals.energy)));
            if (totals.short) _cut(sequence, entries, debitable, amounts, fund);
            market.post(day, entries, -totals.emittedG);
        }
    }

    /// Each line's entry as if everybody had what it is to give, and whether somebody has not.
    function _fill(
        Line[] memory lines,
        bytes memory debitable,
        bytes memory entries,
        int256[] memory amounts,
        Totals memory totals
    ) private pure {
        // Bounds: as many words as lines in each. A line's members are in the order of types/Bill.sol.
        assembly ("memory-safe") {
            let energies := 0
            let penalties := 0
            let emitted := 0
            let short := 0
            let at := 32
            for {
                let end := add(at, shl(5, mload(lines)))
            } lt(at, end) {
                at := add(at, 32)
            } {
                let line := mload(add(lines, at))
                let amount := mload(add(line, 96))
                energies := add(energies, amount)
                let penalty := mload(add(line, 128))
                penalties := add(penalties, penalty)
                amount := sub(amount, penalty)
                let grams := mload(add(line, 64))
                emitted := add(emitted, grams)
                mstore(add(amounts, at), amount)
                let has := mload(add(debitable, at))
                // Below zero: less than what is to be paid, or given.
                short := or(short, or(add(and(has, NANO), amount), sub(shr(128, has), grams)))
                amount := or(and(amount, NANO), shl(ENTRY_GRAMS, and(sub(0, grams), GRAMS)))
                amount := or(amount, or(shl(ENTRY_ID, mload(line)), shl(ENTRY_RELEASED, mload(add(line, 32)))))
                mstore(add(entries, at), amount)
            }
            mstore(totals, energies)
            mstore(add(totals, 32), penalties)
            mstore(add(totals, 64), emitted)
            mstore(add(totals, 96), slt(short, 0))
        }
    }

    /// Allowances of its own first, the rest from the desk, as far as the account's bound still lets it pay.
    function _buy(
        Bill memory bill,
        bytes memory debitable,
        bytes memory entries,
        int256[] memory amounts,
        Totals memory totals
    ) private pure {
        unchecked {
            totals.short = false;
            for (uint256 k; k < bill.lines.length; ++k) {
                uint256 has = load(_start(debitable) + 32 * k);
                Line memory line = bill.lines[k];
                int256 amount = amounts[k];
                int256 missing = line.emissionsG - int256(has >> 128);
                if (missing > 0) {
                    int256 room = int256(line.most) + (amount < 0 ? amount : int256(0));
                    int256 cost = missing * int256(bill.allowancePrice);
                    if (cost > room) cost = room > 0 ? room : int256(0);
                    amount -= cost;
                    totals.allowances += cost;
                    totals.boughtG += uint256(missing);
                    amounts[k] = amount;
                    uint256 entry = (uint256(line.id) << ENTRY_ID) | (line.released << ENTRY_RELEASED);
                    entry |= uint256(uint64(uint256(-int256(has >> 128)))) << ENTRY_GRAMS;
                    _store(_start(entries) + ENTRY_BYTES * k, entry | uint128(uint256(amount)));
                }
                if (amount < 0 && uint256(-amount) > uint128(has)) totals.short = true;
            }
        }
    }

    function _ids(Line[] memory lines) private pure returns (bytes memory ids) {
        unchecked {
            // Each id is stored as a whole word of which the next overwrites the tail: 28 bytes more than they take.
            uint256 size = 4 * (lines.length + SYSTEMS);
            ids = new bytes(size + 28);
            // Bound: a line's id is its first word.
            assembly ("memory-safe") {
                let to := add(ids, 32)
                let at := add(lines, 32)
                for {
                    let end := add(at, shl(5, mload(lines)))
                } lt(at, end) {
                    at := add(at, 32)
                } {
                    mstore(to, shl(224, mload(mload(at))))
                    to := add(to, 4)
                }
                mstore(ids, size)
            }
            uint256 systems = (uint256(INSURANCE) << 224) | (uint256(DESK) << 192) | (uint256(UTILITY) << 160);
            _store(_start(ids) + 4 * lines.length, systems);
        }
    }

    /// Writes into the entries what can be moved of the amounts.
    function _cut(
        uint32 sequence,
        bytes memory entries,
        bytes memory debitable,
        int256[] memory amounts,
        int256 fund
    ) private {
        uint256 count = amounts.length - 2;
        uint32[] memory ids = new uint32[](count + 2);
        uint256[] memory has = new uint256[](count + 2);
        unchecked {
            for (uint256 k; k < count + 2; ++k) {
                uint256 place = ENTRY_BYTES * (k < count ? k : k + 1);
                ids[k] = uint32(load(_start(entries) + place) >> ENTRY_ID);
                has[k] = uint128(load(_start(debitable) + place));
            }
            uint256 fundHas = uint128(load(_start(debitable) + ENTRY_BYTES * count));
            Shares memory shares = Waterfall.share(amounts, has, fund, fundHas);
            _note(sequence, ids, amounts, fund, shares);
            for (uint256 k; k < count + 2; ++k) _setNano(entries, k < count ? k : k + 1, shares.moved[k]);
            _setNano(entries, count, shares.fund);
        }
    }

    function _setNano(bytes memory entries, uint256 k, int256 nano) private pure {
        unchecked {
            uint256 place = _start(entries) + ENTRY_BYTES * k;
            _store(place, ((load(place) >> ENTRY_GRAMS) << ENTRY_GRAMS) | uint128(uint256(nano)));
        }
    }

    function _start(bytes memory data) private pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := add(data, 32)
        }
    }

    function _start(int256[] memory data) private pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := add(data, 32)
        }
    }

    function _store(uint256 pointer, uint256 word) private pure {
        assembly ("memory-safe") {
            mstore(pointer, word)
        }
    }
}
