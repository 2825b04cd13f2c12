// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {Account} from "../types/Account.sol";
import {Session} from "../types/Session.sol";
import {Batches} from "./Batches.t.sol";
import {Judge} from "./Judge.t.sol";
import {Twins} from "./Twins.t.sol";

/// What everybody owes until it is delivered, and may still spend and sell by what it has signed: reckoned from the
/// batches and the mandates alone, beside what the markets say.
abstract contract Obligations is Twins {
    /// What was received in a session, or is owed if what was sold in it is not delivered, nano-dollars; its end.
    struct Due {
        uint256 nano;
        uint256 end;
        uint16 day;
    }
    mapping(uint256 k => Due[]) internal _dues;

    /// Utility and operator are exempt.
    function _noteDue(uint256 place, Judge.Sheet memory sheet, uint256 k, uint256 end) internal {
        if (place > PROSUMERS) return;
        int256 due;
        for (uint256 t; t < Batches.PERIODS; ++t) {
            int256 wh = sheet.energyWh[k * Batches.PERIODS + t];
            if (wh > 0) due += wh * int256(uint256(IMBALANCE));
        }
        if (sheet.nano[k] > due) due = sheet.nano[k];
        if (due > 0) _dues[place].push(Due(uint256(due), end, market.session().lastDay));
    }

    /// What is not yet delivered and metered is held, every nano-dollar of it; what is long past is not.
    function holdIsDue(uint256 k) external view returns (bool) {
        uint256 hold = market.holdOf(ids[k]);
        (uint256 least, ) = _due(k, 2 days);
        (uint256 most, uint256 count) = _due(k, 7 days);
        return least <= hold && hold <= most + count * 1e6;
    }

    function _due(uint256 k, uint256 window) internal view returns (uint256 nano, uint256 count) {
        for (uint256 i = _dues[k].length; i > 0 && _dues[k][i - 1].end + window > block.timestamp; --i) {
            nano += _dues[k][i - 1].nano;
            ++count;
        }
    }

    /// What has left each deposit and is not paid, nano-dollars, and what each may still spend in the open session by
    /// what it has signed.
    function _leaving() internal view returns (uint256[] memory left, uint256[] memory locked) {
        (left, locked) = (new uint256[](ids.length), new uint256[](ids.length));
        for (uint256 k; k < ids.length; ++k) {
            (uint64 tokens, , ) = market.pending(ids[k]);
            left[k] = uint256(tokens) * 1000;
            (locked[k], ) = _locked(k);
            require(market.lockOf(ids[k]) == locked[k], "another lock than the frozen mandate's");
        }
    }

    /// Nothing has left that is due to others or locked.
    function _checkLeaving(uint256[] memory left, uint256[] memory locked) internal {
        (uint256[] memory now_, ) = _leaving();
        for (uint256 k; k < ids.length; ++k) {
            if (now_[k] <= left[k]) continue;
            (uint256 due, ) = _due(k, 2 days);
            bool stays = market.account(ids[k]).deposit >= due + locked[k];
            _check(stays, "what is not delivered yet, or locked, has left");
        }
    }

    function _checkSpend(uint256 k, uint256 nano, uint256 day) internal {
        uint256 before = _spentDay[k] == day ? _spentMicro[k] : 0;
        (_spentDay[k], _spentMicro[k]) = (day, before + (nano + 999) / 1000);
        _check(_spentMicro[k] <= _frozenSpend[k], "somebody spent more on a day than its mandate allows");
    }

    /// What the open session may take from the k-th account: nano-dollars and grams.
    function _locked(uint256 k) internal view returns (uint256 nano, uint256 grams) {
        Session memory open = market.session();
        // Nobody signs a day's spend of nothing.
        if (!open.open || block.timestamp > open.deadline || _frozenSpend[k] == 0) return (0, 0);
        uint256 spent = _spentDay[k] == open.start / 1 days ? _spentMicro[k] : 0;
        nano = _frozenSpend[k] > spent ? (_frozenSpend[k] - spent) * 1000 : 0;
        Account memory held = market.account(ids[k]);
        if (nano > held.deposit) nano = held.deposit;
        grams = _frozenMandate(k).maxCarbonG;
        if (held.carbon < int256(grams)) grams = held.carbon > 0 ? uint56(held.carbon) : 0;
    }

    /// The feeder is a row, so what flows through a line is what all behind it inject. A flow within its rating along
    /// both axes is necessary, not sufficient; voltages are exact.
    function _insideLimits(
        uint32[] memory participants,
        Judge.Sheet memory sheet,
        bytes memory payload
    ) internal pure returns (bool) {
        uint256 reactives = 3 + 4 * participants.length;
        for (uint256 t; t < Batches.PERIODS; ++t) {
            int256[PROSUMERS + 1] memory active;
            int256[PROSUMERS + 1] memory reactive;
            for (uint256 k; k < participants.length; ++k) {
                uint256 offset = reactives + 3 * (k * Batches.PERIODS + t);
                int256 var_ = int24(uint24(Batches.read(payload, offset, 3)));
                if (var_ > int256(uint256(FEED)) || -var_ > int256(uint256(ABSORB))) return false;
                for (uint256 bus = 1; bus <= participants[k] - FIRST + 1; ++bus) {
                    active[bus] += sheet.energyWh[k * Batches.PERIODS + t];
                    reactive[bus] += var_;
                }
            }
            _addStanding(participants, t, active, reactive);
            int256 voltage = 1 << 60;
            for (uint256 bus = 1; bus <= PROSUMERS; ++bus) {
                int256 rating = int256(uint256(_rating(uint16(bus), LINE)));
                if (active[bus] > rating || -active[bus] > rating) return false;
                if (reactive[bus] > rating || -reactive[bus] > rating) return false;
                voltage += int256(uint256(R)) * active[bus] + int256(uint256(X)) * reactive[bus];
                if (voltage >> 28 < (1 << 32) - BAND || voltage >> 28 > (1 << 32) + BAND) return false;
            }
        }
        return true;
    }

    /// What those load who take no part.
    function _addStanding(
        uint32[] memory participants,
        uint256 period,
        int256[PROSUMERS + 1] memory active,
        int256[PROSUMERS + 1] memory reactive
    ) private pure {
        for (uint256 k; k < PROSUMERS; ++k) {
            bool takesPart;
            for (uint256 p; p < participants.length; ++p) if (participants[p] == FIRST + k) takesPart = true;
            if (takesPart) continue;
            (int256 activeW, int256 reactiveVar) = _standing(k, period);
            for (uint256 bus = 1; bus <= k + 1; ++bus) {
                active[bus] += activeW;
                reactive[bus] += reactiveVar;
            }
        }
    }
}
