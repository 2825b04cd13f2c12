// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {ISettlementErrors} from "../interfaces/ISettlementErrors.sol";
import {GridModel} from "../libraries/GridModel.sol";
import {Account, DESK} from "../types/Account.sol";
import {Book, Position, Terms} from "./PlainBook.sol";
import {PlainAccounts} from "./PlainAccounts.sol";
import {PlainGrid} from "./PlainGrid.sol";
import {PlainTrades} from "./PlainTrades.sol";

/// What a batch may do, written to be read: the rules of `settle` as a pure function of the payload and of what is
/// stored. PlainPayload reads the bytes, PlainTrades and PlainAccounts are what is said here of trades and accounts.
library PlainRules {
    /// All of them, in the order in which they are refused; `book` has been decoded and knows its accounts' state.
    function check(bytes calldata payload, Book memory book, Terms memory terms) internal pure {
        _checkParticipants(book, terms);
        PlainTrades.applyTrades(payload, book, terms);
        _checkStanding(book, terms);
        PlainAccounts.checkAccounts(book, terms);
        _checkGrid(book, terms);
    }

    /// Ids ascend, and each has a mandate that covers the session.
    function _checkParticipants(Book memory book, Terms memory terms) private pure {
        uint256 end = terms.start + terms.periods * terms.periodSeconds;
        for (uint256 k; k < book.ids.length; ++k) {
            if (!book.present[k]) continue;
            uint32 last = k == 0 ? 0 : book.ids[k - 1];
            if (k < book.participants && (book.ids[k] >= DESK || book.ids[k] <= last)) {
                revert ISettlementErrors.ParticipantsNotAscending(k);
            }
            if (book.limits[k].validUntil < end) revert ISettlementErrors.NotLocked(book.ids[k]);
        }
    }

    /// Where somebody with a place on the feeder takes no part, it is known what everybody loads who does not.
    function _checkStanding(Book memory book, Terms memory terms) private pure {
        bool all = book.participants == GridModel.prosumers(terms.grid);
        if (!all && !terms.standingKnown) revert ISettlementErrors.StandingLoadsMissing();
    }

    function _checkGrid(Book memory book, Terms memory terms) private pure {
        uint256 homes = GridModel.prosumers(terms.grid);
        PlainGrid.Injection[] memory injections = new PlainGrid.Injection[](book.participants + homes);
        for (uint256 t; t < terms.periods; ++t) {
            for (uint256 k; k < book.participants; ++k) {
                Position memory held = book.positions[k][t];
                int256 activeW = held.energyWh * int256(3600 / terms.periodSeconds);
                injections[k] = PlainGrid.Injection(book.limits[k].bus, activeW, held.reactiveVar);
            }
            for (uint256 home; home < homes; ++home) {
                injections[book.participants + home] = _standing(book, terms, GridModel.prosumer(terms.grid, home), t);
            }
            PlainGrid.check(terms.grid, injections, t);
        }
    }

    /// What a home loads that takes no part; nothing where it does, or where the terms state nothing for it.
    function _standing(
        Book memory book,
        Terms memory terms,
        GridModel.Prosumer memory home,
        uint256 period
    ) private pure returns (PlainGrid.Injection memory injection) {
        injection.bus = home.bus;
        for (uint256 k; k < book.participants; ++k) if (book.ids[k] == home.id) return injection;
        for (uint256 offset; offset < terms.standing.length;) {
            uint256 values = uint8(_take(terms.standing, offset + 4, 1));
            if (_take(terms.standing, offset, 4) == home.id) {
                uint256 value = offset + 5 + (values == 1 ? 0 : 7 * period);
                injection.activeW = int32(uint32(_take(terms.standing, value, 4)));
                injection.reactiveVar = int24(uint24(_take(terms.standing, value + 4, 3)));
            }
            offset += 5 + 7 * values;
        }
    }

    function _take(bytes memory data, uint256 offset, uint256 length) private pure returns (uint256) {
        return uint256(GridModel.word(data, offset)) >> (256 - 8 * length);
    }

    /// What the event reports: nano-dollars i72 and grams i56 per account that takes part.
    function deltas(Book memory book) internal pure returns (bytes memory packed) {
        for (uint256 k; k < book.ids.length; ++k) {
            if (book.present[k]) packed = abi.encodePacked(packed, int72(book.money[k]), int56(book.carbon[k]));
        }
    }
}
