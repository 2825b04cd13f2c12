// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {Account} from "../types/Account.sol";
import {Limits} from "../types/Mandate.sol";
import {Book, Terms} from "../rules/PlainBook.sol";
import {PlainPayload} from "../rules/PlainPayload.sol";
import {PlainRules} from "../rules/PlainRules.sol";

/// @title Re-executes a posted batch from what was stored before it.
/// @notice Stateless: whoever asks brings the state. Signatures and the session's own state are not part of it.
contract AuditLens {
    /// Everything `settle` reads from storage; accounts in any order, the payload's being the fastest; those that are
    /// missing hold nothing.
    struct State {
        Terms terms;
        uint32[] ids;
        Account[] accounts;
        Limits[] limits;
    }

    /// An execution that ran out of gas says nothing about the batch.
    error Undecided();

    /// @notice The error a batch is refused with, or nothing if it is accepted. Reverts where the gas does not suffice
    /// to tell.
    function firstViolation(State calldata state, bytes calldata payload) external view returns (bytes memory reason) {
        try this.execute(state, payload) {
            return "";
        } catch (bytes memory refused) {
            if (refused.length == 0) revert Undecided();
            return refused;
        }
    }

    /// @notice The accounts that a batch may change, system accounts last, and which of them take part.
    function parties(
        bytes calldata payload,
        uint256 periods
    ) external pure returns (uint32[] memory ids, bool[] memory present) {
        Book memory book = PlainPayload.decodeHead(payload, periods);
        return (book.ids, book.present);
    }

    /// @notice The accounts after the batch, in the payload's order, and the deltas of its event. Reverts as `settle`
    /// does.
    function execute(
        State calldata state,
        bytes calldata payload
    ) external pure returns (Account[] memory accounts, bytes memory deltas) {
        Terms memory terms = state.terms;
        Book memory book = PlainPayload.decodeHead(payload, terms.periods);
        uint256 known = state.ids.length;
        for (uint256 k; k < book.ids.length; ++k) {
            for (uint256 i; i < known; ++i) {
                uint256 place = (k + i) % known;
                if (state.ids[place] != book.ids[k]) continue;
                (book.accounts[k], book.limits[k]) = (state.accounts[place], state.limits[place]);
                break;
            }
        }
        PlainRules.check(payload, book, terms);
        return (book.accounts, PlainRules.deltas(book));
    }
}
