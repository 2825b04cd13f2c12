// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {IMarket} from "../interfaces/IMarket.sol";
import {ISettlementErrors} from "../interfaces/ISettlementErrors.sol";
import {FrozenTable} from "../libraries/FrozenTable.sol";
import {GridHarness} from "./GridHarness.sol";
import {Handler} from "./Handler.t.sol";
import {VM} from "./Vm.sol";
import {Account, DESK} from "../types/Account.sol";
import {Session} from "../types/Session.sol";
import {Limits, packLimits, unpackLimits} from "../types/Mandate.sol";

/// What holds after anything that may happen, and on any input.
contract MarketTest {
    Handler private _handler;
    GridHarness private _grid;

    function setUp() public {
        _handler = new Handler();
        _grid = new GridHarness();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function invariant_deposits_and_pending_withdrawals_are_the_token_balance() external view {
        _assertSolvent(_handler.market());
        _assertSolvent(_handler.plain());
    }

    function invariant_carbon_is_what_was_issued_less_what_was_burned() external view {
        int256 sum;
        uint32[] memory ids = _handler.accounts();
        for (uint256 k; k < ids.length; ++k) sum += _handler.market().account(ids[k]).carbon;
        assert(sum == _handler.issued());
        assert(sum == _handler.market().totalGrams() && sum == _handler.plain().totalGrams());
    }

    function invariant_only_the_desk_owes_carbon() external view {
        uint32[] memory ids = _handler.accounts();
        for (uint256 k; k < ids.length; ++k) assert(ids[k] == DESK || _handler.market().account(ids[k]).carbon >= 0);
    }

    function invariant_optimised_and_plain_ledgers_are_the_same() external view {
        uint32[] memory ids = _handler.accounts();
        for (uint256 k; k < ids.length; ++k) {
            Account memory optimised = _handler.market().account(ids[k]);
            Account memory plain = _handler.plain().account(ids[k]);
            assert(keccak256(abi.encode(optimised)) == keccak256(abi.encode(plain)));
        }
    }

    function invariant_optimised_and_plain_sessions_are_the_same() external view {
        assert(keccak256(abi.encode(_handler.market().session())) == keccak256(abi.encode(_handler.plain().session())));
    }

    function invariant_the_sequence_counts_the_settled_batches() external view {
        assert(_handler.market().session().sequence == _handler.settled());
    }

    function invariant_the_last_batch_is_in_the_ring() external view {
        IMarket market = _handler.market();
        assert((market.lastBatch() == bytes32(0)) == (_handler.settled() == 0));
        assert(market.lastBatch() == market.batchAt(market.session().sequence));
    }

    function invariant_no_session_overlaps_the_last_settled_one() external view {
        Session memory session = _handler.market().session();
        uint256 end = session.start + uint256(session.periods) * session.periodSeconds;
        assert(session.lastEnd <= session.start || session.lastEnd == end);
    }

    function invariant_a_lock_is_covered_by_the_deposit() external view {
        uint32[] memory ids = _handler.accounts();
        for (uint256 k; k < ids.length; ++k) {
            assert(_handler.market().account(ids[k]).deposit >= _handler.market().lockOf(ids[k]));
            assert(_handler.market().lockOf(ids[k]) == _handler.plain().lockOf(ids[k]));
        }
    }

    function invariant_what_is_not_delivered_and_metered_is_held_and_nothing_for_long() external view {
        for (uint256 k; k < _handler.accounts().length; ++k) assert(_handler.holdIsDue(k));
    }

    function invariant_what_is_free_is_never_more_than_the_deposit() external view {
        uint32[] memory ids = _handler.accounts();
        for (uint256 k; k < ids.length; ++k) {
            assert(_handler.market().free(ids[k]) <= _handler.market().account(ids[k]).deposit);
        }
    }

    function invariant_withdrawn_tokens_are_in_the_wallets() external view {
        uint256 sum;
        uint32[] memory ids = _handler.accounts();
        for (uint256 k; k < ids.length; ++k) sum += _handler.token().balanceOf(_handler.registry().walletOf(ids[k]));
        bool inherited = _handler.registry().walletOf(ids[3]) == _handler.heir();
        sum += _handler.token().balanceOf(inherited ? address(_handler.hostile()) : _handler.heir());
        assert(sum == 2 * _handler.withdrawn());
    }

    /// Quorum, pause, deadline, sequence, locks, mandates, early withdrawals, agreement of the twins: see Handler.
    function invariant_no_step_broke_a_rule() external view {
        _assertNothingBroken();
    }

    /// Whatever a run has done to a market, the next session settles.
    function afterInvariant() external {
        uint256 before = _handler.honest();
        _handler.session(before);
        assert(_handler.honest() == before + 1);
        _assertNothingBroken();
    }

    function testFuzz_threat_griefing_by_a_prosumer_a_correctly_signed_batch_always_settles(
        uint256[3] calldata seeds
    ) external {
        for (uint256 k; k < seeds.length; ++k) _handler.session(seeds[k]);
        _assertNothingBroken();
        assert(_handler.honest() == seeds.length);
        _assertSolvent(_handler.market());
    }

    function testFuzz_threat_colluding_quorum_nobody_is_left_below_its_mandate_nor_the_grid_beyond_its_limits(
        uint256[4] calldata seeds
    ) external {
        for (uint256 k; k < seeds.length; ++k) _handler.collude(seeds[k]);
        _assertNothingBroken();
        assert(_handler.colluding() + _handler.refused() == seeds.length);
        _assertSolvent(_handler.market());
    }

    /// The two campaigns above reach what they are about: every event before a settlement, colluding batches that pass
    /// because they stay within, and the refusals of those that do not.
    function test_the_campaigns_reach_every_event_and_every_limit_of_a_mandate() external {
        for (uint256 k; k < 40; ++k) _handler.session(uint256(keccak256(abi.encode("honest", k))));
        for (uint256 k; k < 240; ++k) _handler.collude(uint256(keccak256(abi.encode("colluding", k))));
        for (uint256 k; k < 60; ++k) _handler.post(uint256(keccak256(abi.encode("posting", k))));
        _assertNothingBroken();
        assert(_handler.honest() == 40);
        assert(_handler.posted() >= 20 && _handler.takenTooMuch() >= 5);
        for (uint256 k; k < 12; ++k) assert(_handler.settledAfter(k) >= 5);
        assert(_handler.colluding() >= 5);
        assert(_handler.movedByFreeze() >= 5);
        bytes4[11] memory reasons = [
            ISettlementErrors.ReservePriceOutsideMandate.selector,
            ISettlementErrors.CarbonMoneyBeyondMandate.selector,
            ISettlementErrors.CarbonBeyondMandate.selector,
            ISettlementErrors.EnergyMoneyBeyondMandate.selector,
            ISettlementErrors.EnergyBeyondMandate.selector,
            ISettlementErrors.ReserveBeyondMandate.selector,
            ISettlementErrors.ReactiveBeyondCapability.selector,
            ISettlementErrors.SpendBeyondLock.selector,
            ISettlementErrors.CarbonBelowZero.selector,
            ISettlementErrors.LineLimit.selector,
            ISettlementErrors.VoltageBand.selector
        ];
        for (uint256 k; k < reasons.length; ++k) {
            require(_handler.refusals(reasons[k]) > 0, string.concat("not reached: ", VM.toString(uint32(reasons[k]))));
        }
    }

    function testFuzz_limits_survive_their_packing(Limits calldata limits) external pure {
        (uint256 word, uint256 capacity) = packLimits(limits);
        assert(keccak256(abi.encode(unpackLimits(word, capacity))) == keccak256(abi.encode(limits)));
    }

    /// Any number of changes, whether written apart or with the whole, are what is read afterwards.
    function testFuzz_a_table_is_what_was_put_into_it(uint256 seed, uint8 accounts, uint8 rounds) external {
        uint256 count = 3 + (accounts % 60);
        bytes memory expected = new bytes(count * 64);
        FrozenTable.Table memory table = FrozenTable.blank(count);
        for (uint256 place; place < count; ++place) _put(table, expected, place, seed);
        address pointer = FrozenTable.write(table);
        for (uint256 round; round < rounds % 6; ++round) {
            table = FrozenTable.open(pointer);
            uint256 dice = uint256(keccak256(abi.encode(seed, round)));
            for (uint256 k; k < dice % 7; ++k) _put(table, expected, (dice >> (8 * k)) % count, dice + k);
            if (table.changed) pointer = FrozenTable.write(table);
            assert(keccak256(FrozenTable.read(pointer)) == keccak256(expected));
            (uint256 head, uint256 limits) = FrozenTable.find(FrozenTable.read(pointer), uint32(7 * (count - 1)));
            assert(head != 0 && limits != 0);
            (head, limits) = FrozenTable.find(expected, uint32(7 * count));
            assert(head == 0 && limits == 0);
        }
    }

    function _put(FrozenTable.Table memory table, bytes memory expected, uint256 place, uint256 seed) private pure {
        uint256 limits = uint256(keccak256(abi.encode(seed, place)));
        uint256 head = ((7 * place) << FrozenTable.ID) | (place << FrozenTable.PLACE) | (limits >> 80);
        FrozenTable.put(table, place, head, limits);
        // Bound: `expected` has 64 bytes for every place.
        assembly ("memory-safe") {
            let entry := add(add(expected, 32), mul(place, 64))
            mstore(entry, head)
            mstore(add(entry, 32), limits)
        }
    }

    function testFuzz_the_grid_checks_agree_on_any_model(
        uint256[4] calldata branches,
        int64[5] calldata p,
        int24[5] calldata q
    ) external view {
        bytes memory model = abi.encodePacked(uint16(5), uint16(0));
        int256[] memory active = new int256[](5);
        int256[] memory reactive = new int256[](5);
        for (uint256 k; k < 4; ++k) {
            uint256 parent = (branches[k] >> 232) % (k + 1);
            // Ratings of the flows' order of magnitude, so that they decide.
            uint256 rating = (branches[k] >> 192) % 30_000_000;
            uint256 band = (uint256(3_900_000_000) << 152) | (uint256(4_700_000_000) << 112);
            uint256 impedances = branches[k] & ((1 << 82) | 0xffffffffff);
            model = abi.encodePacked(model, (parent << 232) | (rating << 192) | band | impedances);
        }
        for (uint256 k; k < 5; ++k) (active[k], reactive[k]) = (p[k] % 12_000_000, q[k]);
        (bytes memory plain, bytes memory optimised) = _grid.both(model, active, reactive);
        assert(keccak256(plain) == keccak256(optimised));
    }

    function _assertNothingBroken() private view {
        require(bytes(_handler.broken()).length == 0, _handler.broken());
    }

    function _assertSolvent(IMarket market) private view {
        assert(_owed(market) == (_handler.token().balanceOf(address(market)) - _handler.donated()) * 1000);
    }

    function _owed(IMarket market) private view returns (uint256 nano) {
        uint32[] memory ids = _handler.accounts();
        for (uint256 k; k < ids.length; ++k) {
            (uint64 tokens, , ) = market.pending(ids[k]);
            nano += market.account(ids[k]).deposit + uint256(tokens) * 1000;
        }
    }
}
