// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Basis, Bill, Shares} from "../types/Bill.sol";
import {Connection} from "../types/Readings.sol";
import {IDeliveryParts, OptimisedParts, PlainParts} from "./DeliveryHarness.sol";
import {RowProofs} from "./RowProofs.sol";
import {SomeReadings} from "./SomeReadings.sol";

/// The parts of the optimised delivery against those of the plain one, and against what they are for.
contract DeliveryPartsTest {
    using SomeReadings for SomeReadings.Dice;

    OptimisedParts private immutable _optimised = new OptimisedParts();
    PlainParts private immutable _plain = new PlainParts();
    uint256[4] private _lengths = [uint256(300), 900, 1800, 3600];

    function testFuzz_a_bill_is_the_plain_one_or_refused_for_the_same(uint256 seed) external view {
        SomeReadings.Dice memory drawn = SomeReadings.dice(seed);
        SomeReadings.Shape memory shape = _shape(drawn, true);
        Connection[] memory homes = drawn.connections(1 + (drawn.throwDice() % 6));
        bytes memory readings = drawn.readings(homes, shape);
        Basis memory basis = _basis(drawn, shape, homes);
        // One home more or less than the readings have.
        if (drawn.throwDice() % 8 == 0) basis.connections = _table(_without(homes, drawn.throwDice() % homes.length));
        bytes memory data = abi.encodeCall(IDeliveryParts.bill, (readings, basis));
        (bool first, bytes memory one) = address(_optimised).staticcall(data);
        (bool second, bytes memory other) = address(_plain).staticcall(data);
        // A plain slice that is out of its bounds and a name are both refusals; a name is what both must give.
        assert(first == second && keccak256(one) == keccak256(other));
    }

    /// Whatever is attested: never beyond the connection, in either direction.
    function testFuzz_a_bill_stays_within_the_connection(uint256 seed) external view {
        SomeReadings.Dice memory drawn = SomeReadings.dice(seed);
        SomeReadings.Shape memory shape = _shape(drawn, false);
        Connection[] memory homes = drawn.connections(1 + (drawn.throwDice() % 6));
        Bill memory bill = _optimised.bill(drawn.readings(homes, shape), _basis(drawn, shape, homes));
        uint256 h;
        for (uint256 k; k < bill.lines.length; ++k) {
            while (homes[h].prosumer != bill.lines[k].id) ++h;
            uint256 watts = uint256(homes[h].feedW) + homes[h].takeW;
            uint256 most = (watts * homes[h].maxPrice * shape.seconds_ * shape.periods) / 3600;
            int256 charge = bill.lines[k].energy - bill.lines[k].penalty;
            assert(charge >= -int256(most) && bill.lines[k].energy <= int256(most) && bill.lines[k].penalty >= 0);
        }
    }

    function testFuzz_every_row_is_in_the_tree_and_nothing_else(uint256 seed) external view {
        SomeReadings.Dice memory drawn = SomeReadings.dice(seed);
        SomeReadings.Shape memory shape = _shape(drawn, false);
        Connection[] memory homes = drawn.connections(1 + (drawn.throwDice() % 9));
        bytes memory readings = drawn.readings(homes, shape);
        Bill memory bill = _optimised.bill(readings, _basis(drawn, shape, homes));
        (bytes[] memory rows, bytes32[] memory leaves) = RowProofs.rowsOf(readings, shape.periods);
        assert(rows.length == bill.lines.length);
        assert(leaves.length > 0 || bill.rows == 0);
        for (uint256 k; k < leaves.length; ++k) {
            bytes32[] memory proof = RowProofs.proofOf(leaves, k);
            assert(MerkleProof.verify(proof, bill.rows, leaves[k]));
            assert(!MerkleProof.verify(proof, bill.rows, keccak256(abi.encode(leaves[k]))));
        }
    }

    function testFuzz_a_shortfall_is_borne_as_the_plain_one_says(uint256 seed) external view {
        SomeReadings.Dice memory drawn = SomeReadings.dice(seed);
        uint256 count = 2 + (drawn.throwDice() % 12);
        uint256 scale = 1 + (drawn.throwDice() % (drawn.throwDice() % 2 == 0 ? 1e15 : 5));
        int256[] memory amounts = new int256[](count);
        uint256[] memory debitable = new uint256[](count);
        int256 fund = int256(drawn.throwDice() % scale) - int256(drawn.throwDice() % 2 == 0 ? scale : 0);
        // What one receives another pays, the last makes up for the rest.
        int256 sum = fund;
        for (uint256 k; k + 1 < count; ++k) {
            amounts[k] = int256(drawn.throwDice() % (2 * scale)) - int256(scale);
            sum += amounts[k];
        }
        amounts[count - 1] = -sum;
        for (uint256 k; k < count; ++k) debitable[k] = drawn.throwDice() % (2 * scale);
        uint256 fundHas = drawn.throwDice() % (drawn.throwDice() % 2 == 0 ? 2 * scale : 2);
        Shares memory shares = _optimised.share(amounts, debitable, fund, fundHas);
        Shares memory plain = _plain.share(amounts, debitable, fund, fundHas);
        assert(keccak256(abi.encode(shares)) == keccak256(abi.encode(plain)));
        _checkShares(amounts, debitable, shares, fundHas);
    }

    function testFuzz_connections_are_found_as_they_were_merged(uint256 seed) external view {
        SomeReadings.Dice memory drawn = SomeReadings.dice(seed);
        Connection[] memory first = drawn.connections(drawn.throwDice() % 8);
        Connection[] memory second = drawn.connections(drawn.throwDice() % 8);
        bytes memory table = _optimised.merge(_optimised.merge("", first), second);
        for (uint32 id; id < 30; ++id) {
            Connection memory due = Connection(id, 0, 0, 0, 0, 0);
            for (uint256 k; k < first.length; ++k) if (first[k].prosumer == id) due = first[k];
            for (uint256 k; k < second.length; ++k) if (second[k].prosumer == id) due = second[k];
            assert(keccak256(abi.encode(_optimised.find(table, id))) == keccak256(abi.encode(due)));
        }
        assert(table.length % 20 == 0);
    }

    function test_years_begin_at_midnight_of_the_first_of_january() external view {
        uint256[6] memory starts = [uint256(0), 946_684_800, 951_782_400, 1_735_689_600, 1_798_761_600, 4_102_444_800];
        uint256[6] memory calendar = [uint256(1970), 2000, 2000, 2025, 2027, 2100];
        for (uint256 k; k < starts.length; ++k) assert(_optimised.yearOf(starts[k]) == calendar[k]);
        assert(_optimised.yearOf(946_684_799) == 1999 && _optimised.yearOf(1_735_689_599) == 2024);
        assert(_optimised.yearOf(1_798_761_599) == 2026 && _optimised.yearOf(4_102_444_799) == 2099);
    }

    /// Nobody pays more than it can or was to pay, nobody receives more than it was to, the fund is not overdrawn, the
    /// sum is zero, and a cut is within a nano-dollar of its share.
    function _checkShares(
        int256[] memory amounts,
        uint256[] memory debitable,
        Shares memory shares,
        uint256 fundHas
    ) private pure {
        int256 sum = shares.fund;
        int256 credits;
        for (uint256 k; k < amounts.length; ++k) if (amounts[k] > 0) credits += amounts[k];
        for (uint256 k; k < amounts.length; ++k) {
            sum += shares.moved[k];
            if (amounts[k] > 0) {
                int256 cut = amounts[k] - shares.moved[k];
                int256 exact = int256(shares.byReceivers) * amounts[k];
                assert(
                    cut >= 0 && cut <= amounts[k] && cut * credits > exact - credits && cut * credits < exact + credits
                );
                continue;
            }
            int256 can = -int256(debitable[k]);
            assert(shares.moved[k] == (amounts[k] > can ? amounts[k] : can));
        }
        assert(sum == 0 && shares.fund >= -int256(fundHas));
        assert(shares.byReceivers == 0 || shares.fund == -int256(fundHas));
    }

    function _shape(
        SomeReadings.Dice memory drawn,
        bool mayBreak
    ) private view returns (SomeReadings.Shape memory shape) {
        shape.periods = 1 + (drawn.throwDice() % 13);
        shape.imbalancePrice = uint24(1 + (drawn.throwDice() % 220_000));
        shape.seconds_ = _lengths[drawn.throwDice() % 4];
        shape.width = drawn.throwDice() % 2 == 0 ? 2 : 4;
        shape.mayBreak = mayBreak && drawn.throwDice() % 2 == 0;
        shape.unmeasured = drawn.throwDice() % 3 == 0 ? 0 : 30;
    }

    function _basis(
        SomeReadings.Dice memory drawn,
        SomeReadings.Shape memory shape,
        Connection[] memory homes
    ) private view returns (Basis memory basis) {
        basis.periods = shape.periods;
        basis.periodSeconds = shape.seconds_;
        basis.closed = drawn.throwDice() % 2 == 0;
        basis.multiple = drawn.throwDice() % 5;
        basis.imbalancePrice = shape.imbalancePrice;
        basis.connections = _table(homes);
    }

    function _table(Connection[] memory homes) private view returns (bytes memory) {
        return _optimised.merge("", homes);
    }

    function _without(Connection[] memory homes, uint256 left) private pure returns (Connection[] memory others) {
        others = new Connection[](homes.length - 1);
        for (uint256 k; k < others.length; ++k) others[k] = homes[k < left ? k : k + 1];
    }
}
