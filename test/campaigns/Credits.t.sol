// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";
import {CarbonCredit} from "../../contracts/carbon/CarbonCredit.sol";
import {ICarbonCredit} from "../../contracts/interfaces/ICarbonCredit.sol";
import {IDelivery} from "../../contracts/interfaces/IDelivery.sol";
import {IMarket} from "../../contracts/interfaces/IMarket.sol";
import {IMarketPosting} from "../../contracts/interfaces/IMarketPosting.sol";
import {Authority} from "../../contracts/market/Authority.sol";
import {IRegistry} from "../../contracts/interfaces/IRegistry.sol";
import {Commitment, Kind} from "../../contracts/types/Readings.sol";
import {Batches} from "../../contracts/test/Batches.t.sol";
import {Meters} from "../../contracts/test/Meters.t.sol";
import {RowProofs} from "../../contracts/test/RowProofs.sol";
import {Vm, VM} from "../../contracts/test/Vm.sol";

/// Credits and allowances over a market that meters: claimed, corrected, owed, moved and retired, between meters that
/// are replaced, accounts that are handed over, and time. What there should be is added up from events alone.
contract Credits is Meters {
    uint16 private constant YEAR = 2027;

    CarbonCredit public carbon;
    CarbonCredit public plainCarbon;
    uint256[] private _assets;
    uint64[PROSUMERS] private _meterRotations;

    /// Of the optimised side, by asset: tokens made and burned, credits that certificates have issued, retired.
    mapping(uint256 asset => uint256) public minted;
    mapping(uint256 asset => uint256) public burned;
    mapping(uint256 asset => uint256) public certified;
    mapping(uint256 asset => uint256) public retired;
    mapping(address wallet => mapping(uint256 asset => uint256)) private _balances;
    /// By account: what certificates have issued, what the last ones of all sessions say, and what is owed of it.
    mapping(uint32 id => uint256) public issuedTo;
    mapping(uint32 id => uint256) public counted;
    mapping(uint32 id => uint256) public owed;
    mapping(uint32 sequence => mapping(uint32 id => uint256)) private _last;
    /// The one session whose certificate has a period of a meter.
    mapping(uint32 id => mapping(uint256 start => uint32)) private _sessionOf;
    /// Grams: given to accounts by the regulator, minted to wallets by it, brought into accounts, surrendered.
    uint256 public givenG;
    uint256 public mintedG;
    int256 public broughtG;
    int256 public surrenderedG;
    mapping(address delivery => mapping(uint32 sequence => Commitment)) private _committed;

    uint256 public claims;
    uint256 public owing;
    uint256 public contests;
    uint256 public moves;
    uint256 public retirements;

    modifier tallied() {
        VM.recordLogs();
        _;
        _logged(true);
    }

    function _carbons() internal override returns (address, address) {
        ICarbonCredit.Asset memory ledger = ICarbonCredit.Asset("registry", YEAR, "allowance", "g", 1e6, true);
        carbon = new CarbonCredit(registry.authority(), market, delivery, registry, ledger);
        plainCarbon = new CarbonCredit(registry.authority(), plain, plainDelivery, registry, ledger);
        _assets.push(carbon.ledgerAsset());
        for (uint16 year = YEAR; year < YEAR + 3; ++year) {
            _assets.push(_define(year, "sun"));
            _assets.push(_define(year, "wind"));
        }
        bytes4[] memory functions = new bytes4[](2);
        (functions[0], functions[1]) = (ICarbonCredit.issueAllowances.selector, ICarbonCredit.registerDevice.selector);
        Authority authority = Authority(registry.authority());
        authority.setTargetFunctionRole(address(carbon), functions, 1);
        authority.setTargetFunctionRole(address(plainCarbon), functions, 1);
        functions[0] = IRegistry.rotateMeterKey.selector;
        authority.setTargetFunctionRole(address(registry), functions, 1);
        return (address(carbon), address(plainCarbon));
    }

    function _define(uint16 year, string memory method) private returns (uint256 asset) {
        ICarbonCredit.Asset memory definition = ICarbonCredit.Asset("granular", year, method, "Wh", 4e5, false);
        asset = carbon.defineAsset(definition);
        plainCarbon.defineAsset(definition);
    }

    /// What its meter stands before: its credits are of another method from then on.
    function device(uint256 seed) external tallied {
        ICarbonCredit.Device memory one = ICarbonCredit.Device(
            "granular",
            (seed >> 8) % 2 == 0 ? "sun" : "wind",
            "F01010100",
            "T010000",
            bytes32(1 + (seed >> 16))
        );
        _bothCarbons(abi.encodeCall(ICarbonCredit.registerDevice, (ids[seed % PROSUMERS], one)), address(this));
    }

    function session(uint256 seed) public override tallied {
        super.session(seed);
    }

    function deliver(uint256 seed) public override tallied {
        super.deliver(seed);
    }

    function collect(uint256 who) public override tallied {
        super.collect(who);
    }

    function handOver() external {
        _handOver();
    }

    function rotateMeter(uint256 who) external {
        uint256 k = who % PROSUMERS;
        uint64 rotation = ++_meterRotations[k];
        uint256 key = uint256(keccak256(abi.encode("meter", k, rotation)));
        bytes32 digest = registry.meterKeyDigest(ids[k], registry.walletOf(ids[k]), rotation);
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(key, digest);
        registry.rotateMeterKey(ids[k], VM.addr(key), abi.encodePacked(r, s, v));
    }

    /// One account's credits of one of the last sessions: issued exactly when the last entry is final, undisputed for
    /// long enough, and says something new of it.
    function claim(uint256 seed) external tallied {
        (uint32 sequence, uint32 id, bytes memory row, bytes32[] memory proof) = _rowOf(seed);
        if (row.length == 0) return;
        (, uint256 sum) = RowProofs.measured(row, Batches.PERIODS);
        uint256 before = _last[sequence][id];
        bool due = _isDue(sequence) && sum != before && carbon.deviceOf(id).device != bytes32(0);
        // Whoever's wallet takes no tokens has none.
        bool takes = registry.walletOf(id).code.length == 0 || sum < before;
        bytes memory call = abi.encodeCall(
            ICarbonCredit.issueCredits,
            (sequence, _committed[address(delivery)][sequence], row, proof)
        );
        (bool done, ) = address(carbon).call(call);
        call = abi.encodeCall(
            ICarbonCredit.issueCredits,
            (sequence, _committed[address(plainDelivery)][sequence], row, proof)
        );
        (bool plainly, ) = address(plainCarbon).call(call);
        _logged(done);
        _check(done == plainly && done == (due && takes), "credits issued that were not due, or not those that were");
        if (!done) return;
        ++claims;
        if (sum < before) ++owing;
        _check(carbon.issuedWh(sequence, id) == sum, "another sum is counted than the row's");
    }

    function contest(uint256 seed) external {
        (uint32 sequence, uint32 id, bytes memory row, bytes32[] memory proof) = _rowOf(seed);
        if (row.length == 0) return;
        VM.startPrank(registry.walletOf(id));
        bytes memory call = abi.encodeCall(
            IDelivery.contest,
            (sequence, _committed[address(delivery)][sequence], row, proof)
        );
        (bool done, ) = address(delivery).call(call);
        call = abi.encodeCall(IDelivery.contest, (sequence, _committed[address(plainDelivery)][sequence], row, proof));
        (bool plainly, ) = address(plainDelivery).call(call);
        VM.stopPrank();
        _check(done == plainly, "one delivery alone can be contested");
        if (done) ++contests;
    }

    function mint(uint256 who, uint256 grams) external tallied {
        address to = VM.addr(5000 + (who % (PROSUMERS - 1)));
        bytes memory call = abi.encodeCall(ICarbonCredit.issueAllowances, (to, _assets[0], grams % 5_000));
        _check(_bothCarbons(call, address(this)) == (grams % 5_000 > 0), "allowances not minted as asked");
    }

    /// Allowances out of an account into its wallet, or out of a wallet into any account, now and then one too many.
    function move(uint256 seed) external tallied {
        uint32 id = ids[seed % PROSUMERS];
        address from = registry.walletOf(id);
        if ((seed >> 8) % 2 == 0) {
            (, uint256 free_) = market.debitable(id);
            uint256 out_ = (seed >> 16) % (free_ + 2);
            bool may = out_ > 0 && out_ <= free_ && from.code.length == 0;
            bool done = _bothCarbons(abi.encodeCall(ICarbonCredit.withdrawAllowances, (id, out_)), from);
            _check(done == may, "allowances left that were not free, or not those that were");
            if (done) ++moves;
            return;
        }
        uint32 to = ids[(seed >> 16) % PROSUMERS];
        uint256 has = _balances[from][_assets[0]];
        uint256 grams = (seed >> 24) % (has + 2);
        bool paid = _bothCarbons(abi.encodeCall(ICarbonCredit.depositAllowances, (to, grams)), from);
        _check(paid == (grams > 0 && grams <= has), "allowances paid in that were not there, or not those that were");
        if (paid) ++moves;
    }

    function transfer(uint256 seed) external tallied {
        address from = VM.addr(5000 + (seed % (PROSUMERS - 1)));
        address to = VM.addr(5000 + ((seed >> 8) % (PROSUMERS - 1)));
        uint256 asset = _assets[(seed >> 16) % _assets.length];
        uint256 has = _balances[from][asset];
        uint256 amount = (seed >> 24) % (has + 2);
        bytes memory call = abi.encodeCall(IERC1155.safeTransferFrom, (from, to, asset, amount, ""));
        _check(_bothCarbons(call, from) == (amount <= has), "tokens moved that were not there");
    }

    function retire(uint256 seed) external tallied {
        address holder = VM.addr(5000 + (seed % (PROSUMERS - 1)));
        uint256 asset = _assets[(seed >> 16) % _assets.length];
        uint256 has = _balances[holder][asset];
        uint256 amount = (seed >> 24) % (has + 2);
        ICarbonCredit.Retirement memory what = ICarbonCredit.Retirement("hall", _start, _start + 1 hours, 0);
        bool done = _bothCarbons(abi.encodeCall(ICarbonCredit.retire, (holder, asset, amount, what)), holder);
        _check(done == (amount > 0 && amount <= has), "tokens retired that were not there, or not those that were");
        if (done) ++retirements;
    }

    function assets() external view returns (uint256[] memory) {
        return _assets;
    }

    /// Of all wallets together.
    function heldOf(uint256 asset) external view returns (uint256 sum) {
        for (uint256 k; k < PROSUMERS + 1; ++k) {
            address wallet =
                k < PROSUMERS - 1
                    ? VM.addr(5000 + k)
                    : k == PROSUMERS
                        ? heir
                        : address(hostile);
            require(carbon.balanceOf(wallet, asset) == _balances[wallet][asset], "another balance than events say");
            require(
                carbon.balanceOf(wallet, asset) == plainCarbon.balanceOf(wallet, asset),
                "the twins' tokens differ"
            );
            sum += carbon.balanceOf(wallet, asset);
        }
    }

    function _logged(bool counts) internal override {
        Vm.Log[] memory logs = VM.getRecordedLogs();
        if (counts) _tally(logs);
    }

    function _bothCarbons(bytes memory call, address sender) private returns (bool done) {
        _logged(true);
        VM.startPrank(sender);
        (done, ) = address(carbon).call(call);
        (bool plainly, ) = address(plainCarbon).call(call);
        VM.stopPrank();
        _logged(done);
        _check(done == plainly, "the carbon contracts disagree");
    }

    /// A row of the last entry of one of the last sessions, and what shows that it is one; nothing where there is none.
    function _rowOf(
        uint256 seed
    ) private view returns (uint32 sequence, uint32 id, bytes memory row, bytes32[] memory proof) {
        if (_settled.length == 0) return (0, 0, "", proof);
        uint256 back = (seed >> 8) % (_settled.length < TRIES ? _settled.length : TRIES);
        Settled storage one = _settled[_settled.length - 1 - back];
        (sequence, id) = (one.terms.sequence + 1, ids[(seed >> 16) % PROSUMERS]);
        if (one.entries == 0) return (sequence, id, "", proof);
        (bytes[] memory rows, bytes32[] memory leaves) = RowProofs.rowsOf(one.readings, Batches.PERIODS);
        for (uint256 k; k < rows.length; ++k) {
            if (uint32(bytes4(rows[k])) == id) return (sequence, id, rows[k], RowProofs.proofOf(leaves, k));
        }
    }

    function _isDue(uint32 sequence) private view returns (bool) {
        IDelivery.Delivered memory last = delivery.delivered(sequence);
        uint256 from = last.lastAt + 1 days;
        if (from < last.contestedUntil) from = last.contestedUntil;
        return last.kind >= Kind.Final && block.timestamp >= from;
    }

    function _tally(Vm.Log[] memory logs) private {
        for (uint256 k; k < logs.length; ++k) {
            Vm.Log memory log = logs[k];
            if (log.emitter == address(carbon)) _tallyCarbon(log);
            else if (log.emitter == address(market)) _tallyMarket(log);
            else if (log.topics[0] == IDelivery.DeliveryEntered.selector) {
                (, , Commitment memory left, , ) = abi.decode(log.data, (uint32, Kind, Commitment, bytes32, bytes32));
                _committed[log.emitter][uint32(uint256(log.topics[1]))] = left;
            }
        }
    }

    function _tallyMarket(Vm.Log memory log) private {
        bytes32 what = log.topics[0];
        if (what == IMarket.AllowancesIssued.selector) givenG += abi.decode(log.data, (uint256));
        else if (what == IMarketPosting.GramsMoved.selector) broughtG += abi.decode(log.data, (int256));
        else if (what == IMarketPosting.Posted.selector) {
            (int256 issuedG, ) = abi.decode(log.data, (int256, bytes));
            surrenderedG -= issuedG;
        }
    }

    function _tallyCarbon(Vm.Log memory log) private {
        bytes32 what = log.topics[0];
        if (what == IERC1155.TransferSingle.selector) {
            (address from, address to) = (
                address(uint160(uint256(log.topics[2]))),
                address(uint160(uint256(log.topics[3])))
            );
            (uint256 asset, uint256 value) = abi.decode(log.data, (uint256, uint256));
            if (from == address(0)) minted[asset] += value;
            else _balances[from][asset] -= value;
            if (to == address(0)) burned[asset] += value;
            else _balances[to][asset] += value;
        } else if (what == ICarbonCredit.Retired.selector) {
            (uint256 amount, ) = abi.decode(log.data, (uint256, ICarbonCredit.Retirement));
            retired[uint256(log.topics[2])] += amount;
        } else if (what == ICarbonCredit.AllowancesMinted.selector) {
            mintedG += abi.decode(log.data, (uint256));
        } else if (what == ICarbonCredit.CreditsOwed.selector) {
            (uint32 id, uint32 sequence) = (uint32(uint256(log.topics[1])), uint32(uint256(log.topics[2])));
            uint256 wh = abi.decode(log.data, (uint256));
            _last[sequence][id] -= wh;
            counted[id] -= wh;
            owed[id] += wh;
        } else if (what == ICarbonCredit.CertificateIssued.selector) {
            _tallyCertificate(log);
        }
    }

    function _tallyCertificate(Vm.Log memory log) private {
        (uint32 id, uint32 sequence) = (uint32(uint256(log.topics[2])), uint32(uint256(log.topics[3])));
        (, , uint40 start, uint32 seconds_, bytes memory wh, uint256 issued_) = abi.decode(
            log.data,
            (address, bytes32, uint40, uint32, bytes, uint256)
        );
        uint256 sum;
        for (uint256 t; 4 * t < wh.length; ++t) {
            sum += Batches.read(wh, 4 * t, 4);
            uint32 first = _sessionOf[id][start + t * seconds_];
            _check(first == 0 || first == sequence, "a meter's period is in the certificates of two sessions");
            _sessionOf[id][start + t * seconds_] = sequence;
        }
        uint256 fresh = sum - _last[sequence][id];
        _check(fresh >= issued_ && fresh - issued_ <= owed[id], "more was issued than is new, or taken than is owed");
        owed[id] -= fresh - issued_;
        counted[id] += fresh;
        issuedTo[id] += issued_;
        certified[uint256(log.topics[1])] += issued_;
        _last[sequence][id] = sum;
    }
}

/// What holds of credits and allowances after anything that may happen to them.
contract CreditsTest {
    /// Claims, debts after corrections, contests, moves of allowances, retirements; grams surrendered.
    error NotReached(uint256[5] reached, int256 surrenderedG);

    Credits private _credits;

    function setUp() public {
        _credits = new Credits();
        for (uint256 k; k < 4; ++k) _credits.device((uint256(keccak256(abi.encode(k))) << 8) | k);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_credits);
    }

    function invariant_no_claim_broke_a_rule() external view {
        _assertNothingBroken();
    }

    function invariant_credits_issued_are_held_or_retired() external view {
        _assertCredits();
    }

    function invariant_each_period_of_a_meter_is_issued_once() external view {
        _assertOnce();
    }

    function invariant_allowances_are_in_accounts_in_wallets_retired_or_surrendered() external view {
        _assertAllowances();
    }

    /// What the campaigns are about is reached.
    function test_the_campaign_reaches_claims_contests_and_retirements() external {
        for (uint256 k; k < 240; ++k) {
            uint256 seed = uint256(keccak256(abi.encode("credits", k)));
            if (k % 8 == 0) _credits.session(seed);
            if (k % 2 == 0) _credits.deliver(seed);
            if (k % 3 == 0) _credits.claim(seed);
            if (k % 5 == 0) _credits.wait(seed);
            if (k % 7 == 0) _credits.retire(seed);
            if (k % 6 == 1) _credits.move(seed);
            if (k % 9 == 1) _credits.mint(seed, seed >> 8);
            if (k % 10 == 1) _credits.contest(seed);
            if (k % 11 == 1) _credits.rotateMeter(seed);
            if (k % 13 == 1) _credits.transfer(seed);
            if (k % 17 == 1) _credits.device(seed);
            if (k % 40 == 1) _credits.handOver();
        }
        _assertNothingBroken();
        _assertCredits();
        _assertOnce();
        _assertAllowances();
        uint256[5] memory reached = [
            _credits.claims(),
            _credits.owing(),
            _credits.contests(),
            _credits.moves(),
            _credits.retirements()
        ];
        // A debt after a correction is not among what these seeds reach.
        uint8[5] memory least = [5, 0, 1, 5, 2];
        for (uint256 k; k < 5; ++k) if (reached[k] < least[k]) revert NotReached(reached, _credits.surrenderedG());
        if (_credits.surrenderedG() <= 0) revert NotReached(reached, _credits.surrenderedG());
    }

    function _assertCredits() private view {
        uint256[] memory assets = _credits.assets();
        for (uint256 k; k < assets.length; ++k) {
            uint256 held = _credits.heldOf(assets[k]);
            assert(_credits.carbon().totalSupply(assets[k]) == held);
            assert(_credits.minted(assets[k]) - _credits.burned(assets[k]) == held);
            assert(_credits.carbon().retiredOf(assets[k]) == _credits.retired(assets[k]));
            // The first is the ledger's, of which there are no certificates.
            if (k > 0) assert(_credits.certified(assets[k]) == held + _credits.retired(assets[k]));
        }
    }

    function _assertOnce() private view {
        uint32[] memory ids = _credits.accounts();
        for (uint256 k; k < ids.length; ++k) {
            assert(_credits.issuedTo(ids[k]) == _credits.counted(ids[k]) + _credits.owed(ids[k]));
            assert(_credits.carbon().owedWh(ids[k]) == _credits.owed(ids[k]));
        }
    }

    function _assertAllowances() private view {
        uint32[] memory ids = _credits.accounts();
        int256 inside;
        for (uint256 k; k < ids.length; ++k) inside += _credits.market().account(ids[k]).carbon;
        uint256 ledger = _credits.assets()[0];
        uint256 outside = _credits.heldOf(ledger) + _credits.retired(ledger);
        int256 issued = int256(_credits.givenG() + _credits.mintedG());
        assert(issued == inside + int256(outside) + _credits.surrenderedG());
        assert(inside == int256(_credits.givenG()) + _credits.broughtG() - _credits.surrenderedG());
        assert(inside == _credits.market().totalGrams() && inside == _credits.plain().totalGrams());
    }

    function _assertNothingBroken() private view {
        string memory broken = _credits.broken();
        if (bytes(broken).length != 0) revert(broken);
    }
}
