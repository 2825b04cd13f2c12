// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {Authority} from "../Authority.sol";
import {Market} from "../Market.sol";
import {Registry} from "../Registry.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {ReferenceMarket} from "../reference/ReferenceMarket.sol";
import {Account, DESK, OPERATOR, UTILITY} from "../types/Account.sol";
import {Mandate} from "../types/Mandate.sol";
import {Session} from "../types/Session.sol";
import {TestToken} from "./TestToken.sol";
import {VM} from "./Vm.sol";

/// Everything that may happen to a market, in any order, done to the optimised and the plain one alike. What must hold at each
/// step is noted in `broken`; what must hold always is asked by Market.t.sol.
contract Handler {
    uint256 private constant NODE = 0xA11CE;
    uint256 private constant SECOND_NODE = 0xB0B;
    uint32 private constant FIRST = 101;
    uint256 private constant PROSUMERS = 4;
    int24 public constant MAX_BUY = 150_000;
    int24 public constant MIN_SELL = 5_000;

    TestToken public immutable token = new TestToken();
    Registry public immutable registry;
    Market public immutable market;
    ReferenceMarket public immutable plain;
    uint32[] public ids;
    string public broken;
    uint256 public settled;
    uint256 public issued;
    uint256 public donated;
    uint256 public withdrawn;
    uint40 private _start = 1_800_000_000;
    uint64 private _nonce = 1;

    constructor() {
        Authority authority = new Authority(address(this));
        registry = new Registry(address(authority));
        market = new Market(address(authority), token, registry, 3_000_000);
        plain = new ReferenceMarket(address(authority), token, registry, 3_000_000);
        for (uint32 k; k < PROSUMERS; ++k) ids.push(FIRST + k);
        ids.push(DESK);
        ids.push(OPERATOR);
        ids.push(UTILITY);
        for (uint256 k; k < ids.length; ++k) _onboard(ids[k], k);
        registry.addGridModel(_gridModel());
        _appoint();
        token.mint(address(this), type(uint128).max);
        token.approve(address(market), type(uint256).max);
        token.approve(address(plain), type(uint256).max);
    }

    function accounts() external view returns (uint32[] memory) {
        return ids;
    }

    function deposit(uint256 who, uint256 amount) external {
        uint32 id = ids[who % ids.length];
        amount = amount % 50_000_000;
        market.deposit(id, amount);
        plain.deposit(id, amount);
    }

    function requestWithdrawal(uint256 who, uint256 amount) external {
        uint32 id = ids[who % ids.length];
        uint256 most = market.free(id) / 1000;
        amount = amount % (most + 2);
        VM.startPrank(registry.walletOf(id));
        bool first = _try(market, abi.encodeCall(IMarket.requestWithdrawal, (id, amount)));
        bool second = _try(plain, abi.encodeCall(IMarket.requestWithdrawal, (id, amount)));
        VM.stopPrank();
        _check(first == second && first == (amount <= most), "a withdrawal of what is not free, or not of what is");
    }

    function withdraw(uint256 who) external {
        uint32 id = ids[who % ids.length];
        (uint128 tokens, uint40 availableAt) = market.pending(id);
        bool first = _try(market, abi.encodeCall(IMarket.withdraw, (id)));
        bool second = _try(plain, abi.encodeCall(IMarket.withdraw, (id)));
        _check(
            first == second && first == (tokens > 0 && block.timestamp >= availableAt),
            "a withdrawal early, or not when due"
        );
        if (first) withdrawn += tokens;
    }

    function issue(uint256 who, uint256 grams) external {
        uint32[] memory to = new uint32[](1);
        uint256[] memory amounts = new uint256[](1);
        (to[0], amounts[0]) = (ids[who % PROSUMERS], grams % 100_000);
        market.issueAllowances(to, amounts);
        plain.issueAllowances(to, amounts);
        issued += amounts[0];
    }

    function revoke(uint256 who) external {
        uint32 id = ids[who % PROSUMERS];
        VM.startPrank(registry.walletOf(id));
        market.revokeMandate(id, ++_nonce);
        plain.revokeMandate(id, _nonce);
        VM.stopPrank();
    }

    function mandate(uint256 who, uint48 maxSpend) external {
        _mandate(ids[who % ids.length], maxSpend % 100_000_000);
    }

    function pause(bool paused) external {
        market.setPaused(paused);
        plain.setPaused(paused);
    }

    function rotateCommittee() external {
        _appoint();
    }

    function wait(uint256 time) external {
        VM.warp(block.timestamp + (time % 2 days));
    }

    function freeze(uint256 open, bool sameDay) external {
        _start += sameDay ? 3600 : 1 days;
        uint40 deadline = uint40(block.timestamp + 1 + (open % 1 days));
        bytes memory data = abi.encodeCall(IMarket.freezeSession, (_start, 3600, 2, deadline, ids));
        Session memory before = market.session();
        bool live = before.open && block.timestamp <= before.deadline;
        bool first = _try(market, data);
        _check(
            first == _try(plain, data) && first == (!before.paused && !live),
            "a session frozen when it may not, or not when it may"
        );
    }

    /// A batch as a colluding committee might sign it: any pair, any price, any quantity.
    function settle(uint256 seed, bool quorum) external {
        Session memory before = market.session();
        bytes memory payload = _payload(seed);
        Account[] memory earlier = _snapshot();
        (bool first, bytes memory why) = _settle(market, payload, quorum);
        (bool second, bytes memory whyPlain) = _settle(plain, payload, quorum);
        _check(first == second && (first || keccak256(why) == keccak256(whyPlain)), "the twins disagree");
        if (!first) return;
        ++settled;
        _check(quorum, "settled without a quorum");
        _check(before.open && !before.paused && block.timestamp <= before.deadline, "settled when it may not");
        _check(market.session().sequence == before.sequence + 1, "the sequence did not grow by one");
        for (uint256 k; k < ids.length; ++k) {
            Account memory now_ = market.account(ids[k]);
            uint256 most = uint256(earlier[k].lockedMicro) * 1000;
            _check(now_.deposit + most >= earlier[k].deposit, "somebody paid more than was locked");
            _check(ids[k] == DESK || now_.carbon >= 0, "somebody sold allowances it did not hold");
        }
        _checkMandates(payload);
    }

    function _settle(IMarket target, bytes memory payload, bool quorum) private returns (bool, bytes memory) {
        bytes32 digest = target.attestationDigest(payload);
        bytes memory signatures = _compact(NODE, digest);
        uint32 signers = 1;
        if (quorum) (signers, signatures) = (3, bytes.concat(signatures, _compact(SECOND_NODE, digest)));
        return address(target).call(abi.encodeCall(IMarket.settle, (payload, signers, signatures)));
    }

    function _compact(uint256 key, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(key, digest);
        return abi.encodePacked(r, uint256(s) | (uint256(v - 27) << 255));
    }

    /// Four prosumers and every system account, two periods, up to five trades.
    function _payload(uint256 seed) private view returns (bytes memory payload) {
        payload = abi.encodePacked(
            uint16(PROSUMERS),
            uint8(7),
            ids[0],
            ids[1],
            ids[2],
            ids[3],
            new bytes(3 * 2 * PROSUMERS)
        );
        bool wild = seed % 4 == 0;
        uint8[5] memory groups = [uint8(64), 65, 128, 129, 255];
        for (uint256 k; k < groups.length; ++k) {
            uint256 dice = uint256(keccak256(abi.encode(seed, k)));
            if (dice % 3 == 0) continue;
            uint16 seller = uint16((dice >> 8) % PROSUMERS);
            uint16 buyer = uint16((seller + 1 + ((dice >> 16) % (PROSUMERS - 1))) % PROSUMERS);
            if (groups[k] < 128 && (dice >> 24) % 4 == 0) seller = 0xffff;
            uint32 quantity = uint32(wild ? dice >> 32 : (dice >> 32) % 2_000);
            int24 price = int24(uint24(wild ? dice >> 64 : 5_000 + ((dice >> 64) % 140_000)));
            payload = abi.encodePacked(payload, groups[k], seller, buyer, quantity, price);
        }
    }

    /// With no network charge in the batch, every energy price is the one its parties see.
    function _checkMandates(bytes memory payload) private {
        uint256 offset = 3 + 4 * PROSUMERS + 6 * PROSUMERS;
        for (; offset < payload.length; offset += 12) {
            if (uint8(payload[offset]) >= 128) continue;
            int24 price = int24(uint24(_read(payload, offset + 9, 3)));
            bool prosumerSells = _read(payload, offset + 1, 2) < PROSUMERS;
            _check(price <= MAX_BUY, "somebody bought above its mandate");
            _check(!prosumerSells || price >= MIN_SELL, "somebody sold below its mandate");
        }
    }

    function _read(bytes memory data, uint256 offset, uint256 length) private pure returns (uint256 value) {
        for (uint256 k; k < length; ++k) value = (value << 8) | uint8(data[offset + k]);
    }

    function _snapshot() private view returns (Account[] memory held) {
        held = new Account[](ids.length);
        for (uint256 k; k < ids.length; ++k) held[k] = market.account(ids[k]);
    }

    function _check(bool holds, string memory what) private {
        if (!holds) broken = what;
    }

    function _try(IMarket target, bytes memory data) private returns (bool done) {
        (done, ) = address(target).call(data);
    }

    function _mandate(uint32 id, uint48 maxSpend) private {
        bool system = id >= DESK;
        Mandate memory signed = Mandate({
            prosumer: id,
            maxBuy: MAX_BUY,
            minSell: system ? int24(0) : MIN_SELL,
            maxBuyWh: 1_000_000,
            maxSellWh: 1_000_000,
            minReservePrice: 0,
            maxReservePrice: 200_000,
            maxReserveW: 1_000_000,
            maxCarbonPrice: 200_000,
            minCarbonPrice: 0,
            maxSpendPerDay: maxSpend,
            validUntil: type(uint40).max,
            nonce: ++_nonce
        });
        VM.startPrank(registry.walletOf(id));
        market.registerMandate(signed, "");
        plain.registerMandate(signed, "");
        VM.stopPrank();
    }

    function _onboard(uint32 id, uint256 k) private {
        uint256 key =
            id == OPERATOR
                ? NODE
                : id == FIRST
                    ? SECOND_NODE
                    : 1000 + k;
        address wallet = VM.addr(5000 + k);
        address nodeKey = VM.addr(key);
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(key, registry.nodeKeyDigest(id, wallet, 0));
        registry.register(id, wallet, nodeKey, VM.addr(9000 + k), abi.encodePacked(r, s, v));
        _mandate(id, 100_000_000);
    }

    function _appoint() private {
        uint32[] memory members = new uint32[](2);
        (members[0], members[1]) = (OPERATOR, FIRST);
        registry.appointCommittee(members);
    }

    /// Root and four buses in a row, one prosumer each; the third line carries at most 1,500 W.
    function _gridModel() private view returns (bytes memory model) {
        model = abi.encodePacked(uint16(5), uint16(4));
        for (uint16 bus = 1; bus < 5; ++bus) {
            uint40 rating = bus == 3 ? 1_500 : 1_000_000;
            uint40 unit = uint40(1) << 32;
            model = abi.encodePacked(model, uint8(0), bus - 1, rating, unit / 2, unit * 2, uint56(20e6), uint56(10e6));
        }
        for (uint16 k; k < 4; ++k) model = abi.encodePacked(model, ids[k], k + 1);
    }
}
