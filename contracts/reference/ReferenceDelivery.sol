// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {Deliveries} from "../delivery/Deliveries.sol";
import {Entries} from "../delivery/Entries.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {PlainDelivery} from "../rules/PlainDelivery.sol";
import {DESK, Entry, INSURANCE, packEntry, UTILITY} from "../types/Account.sol";
import {Basis, Bill, Line, Shares} from "../types/Bill.sol";

/// The plain delivery: what the optimised one must agree with, entry for entry and error for error.
contract ReferenceDelivery is Entries {
    /// Desk and utility.
    uint256 private constant SYSTEMS = 2;

    constructor(
        address authority,
        IMarket market_,
        IRegistry registry_,
        Windows memory windows_
    ) Deliveries(authority, market_, registry_, windows_) {}

    function _bill(bytes calldata readings, Basis memory basis) internal pure override returns (Bill memory) {
        return PlainDelivery.bill(readings, basis);
    }

    /// Money first to desk, utility and fund, then what can be moved of it, then all at once into the market, which
    /// refuses entries whose money does not sum to zero.
    function _enter(uint32 sequence, uint16 day, Bill memory bill, bool unmoved) internal override {
        uint256 count = bill.lines.length;
        uint32[] memory ids = new uint32[](count + SYSTEMS + 1);
        for (uint256 k; k < count; ++k) ids[k] = bill.lines[k].id;
        (ids[count], ids[count + 1], ids[count + 2]) = (DESK, UTILITY, INSURANCE);
        uint256[] memory debitable = new uint256[](count + SYSTEMS + 1);
        int256[] memory amounts = new int256[](count + SYSTEMS);
        Entry[] memory entries = new Entry[](count + SYSTEMS + 1);
        int256 fund;
        if (unmoved) {
            int256[] memory left = _takeUp(sequence, bill.lines);
            for (uint256 k; k < count + SYSTEMS; ++k) amounts[k] = left[k];
            fund = left[count + SYSTEMS];
        }
        int256 burned;
        for (uint256 k; k < count; ++k) {
            Line memory line = bill.lines[k];
            amounts[k] += line.energy - line.penalty;
            amounts[count + 1] -= line.energy;
            fund += line.penalty;
            entries[k].id = line.id;
            entries[k].released = uint32(line.released);
            uint256 grams;
            (debitable[k], grams) = market.debitable(line.id);
            if (line.emissionsG != 0) _surrender(bill, k, grams, amounts, entries);
            burned -= entries[k].grams;
        }
        burned -= entries[count + 1].grams;
        for (uint256 k = count; k < ids.length; ++k) (debitable[k], ) = market.debitable(ids[k]);
        Shares memory shares = PlainDelivery.share(amounts, debitable, fund, debitable[count + 2]);
        _note(sequence, ids, amounts, fund, shares);
        for (uint256 k; k < count; ++k) entries[k].nano = int128(shares.moved[k]);
        (entries[count].id, entries[count].nano) = (INSURANCE, int128(shares.fund));
        (entries[count + 1].id, entries[count + 1].nano) = (DESK, int128(shares.moved[count]));
        (entries[count + 2].id, entries[count + 2].nano) = (UTILITY, int128(shares.moved[count + 1]));
        bytes memory words;
        for (uint256 k; k < entries.length; ++k) words = bytes.concat(words, bytes32(packEntry(entries[k])));
        market.post(day, words, -burned);
    }

    /// Allowances of the account first, the rest from the desk, as far as its bound still lets it pay.
    function _surrender(
        Bill memory bill,
        uint256 k,
        uint256 has,
        int256[] memory amounts,
        Entry[] memory entries
    ) private pure {
        Line memory line = bill.lines[k];
        uint256 count = bill.lines.length;
        if (line.emissionsG < 0) {
            entries[k].grams = int64(-line.emissionsG);
            return;
        }
        uint256 emitted = uint256(line.emissionsG);
        uint256 given = emitted < has ? emitted : has;
        uint256 bought = emitted - given;
        int256 room = int256(line.most) + (amounts[k] < 0 ? amounts[k] : int256(0));
        uint256 cost = bought * bill.allowancePrice;
        uint256 most = room > 0 ? uint256(room) : 0;
        if (cost > most) cost = most;
        amounts[k] -= int256(cost);
        amounts[count] += int256(cost);
        entries[k].grams = -int64(uint64(given));
        entries[count + 1].grams -= int64(uint64(bought));
    }
}
