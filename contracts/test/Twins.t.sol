// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {Authority} from "../market/Authority.sol";
import {Market} from "../market/Market.sol";
import {Registry} from "../market/Registry.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {ReferenceMarket} from "../reference/ReferenceMarket.sol";
import {Account, DESK, OPERATOR, UTILITY} from "../types/Account.sol";
import {EXIT_TIME} from "../types/Delays.sol";
import {Limits, Mandate} from "../types/Mandate.sol";
import {Session} from "../types/Session.sol";
import {Batches} from "./Batches.t.sol";
import {HostileWallet} from "./Hostile.sol";
import {TestToken} from "./TestToken.sol";
import {VM} from "./Vm.sol";

/// An optimised and a plain market over one registry, token and feeder, and what every party has signed, kept apart
/// from what the markets store of it.
abstract contract Twins {
    uint256 private constant NODE = 0xA11CE;
    uint256 private constant SECOND_NODE = 0xB0B;
    uint256 private constant THIRD_NODE = 0xCA7;
    uint32 internal constant FIRST = 101;
    bytes32 internal constant STATED = keccak256("terms");
    bytes32 internal constant BUNDLE = keccak256("bundle");
    uint256 internal constant PROSUMERS = 4;
    uint24 internal constant PRICE_CAP = 3_000_000;
    /// Twice the resistance and reactance of every branch, p.u. x 2^60; the band of squared voltages, p.u. x 2^32.
    uint56 internal constant R = 20e6;
    uint56 internal constant X = 10e6;
    int256 internal constant BAND = 100;
    /// What the third line carries at most, W.
    uint40 internal constant LINE = 500;
    /// Reactive power that every prosumer is registered for, var taken and var fed in; what is not delivered costs this
    /// much, 1e-6 $ per kWh.
    uint24 internal constant ABSORB = 390;
    uint24 internal constant FEED = 380;
    uint24 internal constant IMBALANCE = 120_000;

    /// Whoever these are, the market's rules hold.
    address internal constant DELIVERY = address(0xDE11);
    address internal constant CARBON = address(0xCA2B);

    TestToken public immutable token = new TestToken();
    Registry public immutable registry;
    Market public immutable market;
    ReferenceMarket public immutable plain;
    HostileWallet public immutable hostile = new HostileWallet();
    /// The other wallet of the prosumer whose first is hostile.
    address public immutable heir = VM.addr(7000);
    uint32[] public ids;
    string public broken;
    int256 public issued;
    uint256 public donated;
    uint256 public withdrawn;

    uint40 internal _start = 1_800_000_000;
    /// The order in which the committee sits, the one it will sit in, and from when.
    bool internal _turned;
    bool private _turnsTo;
    uint256 private _turnsAt;
    bool internal _disturbed;
    uint256[7] internal _validUntil;
    uint256[7] internal _spentDay;
    uint256[7] internal _spentMicro;
    uint256[7] internal _frozenSpend;
    uint64 private _nonce = 1;
    uint64[7] private _series;
    /// Number of the mandate that each has signed last, and of the one a session was frozen with: `_mandateOf` says
    /// what is in it.
    uint64[7] private _signed;
    uint64[7] private _frozen;
    bool internal _frozenTurned;

    constructor() {
        VM.warp(_start - EXIT_TIME);
        Authority authority = new Authority(address(this));
        registry = new Registry(address(authority));
        market = new Market(address(authority), token, registry, PRICE_CAP);
        plain = new ReferenceMarket(address(authority), token, registry, PRICE_CAP);
        for (uint32 k; k < PROSUMERS; ++k) ids.push(FIRST + k);
        ids.push(DESK);
        ids.push(OPERATOR);
        ids.push(UTILITY);
        for (uint256 k; k < ids.length; ++k) _onboard(ids[k], k);
        registry.addGridModel(_gridModel(LINE));
        _appoint(false);
        _connect();
        _seal(authority);
        VM.warp(_start);
        for (uint256 k; k < ids.length; ++k) _register(k, _start + 30 days);
        token.mint(address(this), type(uint128).max);
        token.approve(address(market), type(uint256).max);
        token.approve(address(plain), type(uint256).max);
    }

    /// Names who may post, before the seal.
    function _connect() internal virtual {
        market.connect(DELIVERY, CARBON);
        plain.connect(DELIVERY, CARBON);
    }

    function accounts() external view returns (uint32[] memory) {
        return ids;
    }

    function _check(bool holds, string memory what) internal {
        if (!holds) broken = what;
    }

    function _call(IMarket target, bytes memory data) internal returns (bool done, bytes memory result) {
        (done, result) = address(target).call(data);
    }

    /// One call to each; they must agree on whether it is refused.
    function _both(bytes memory data) internal returns (bool done) {
        (done, ) = _call(market, data);
        (bool second, ) = _call(plain, data);
        _check(done == second, "the twins disagree");
    }

    function _asWallet(uint32 id, bytes memory data) internal returns (bool done) {
        VM.startPrank(registry.walletOf(id));
        done = _both(data);
        VM.stopPrank();
    }

    function _deposit(uint32 id, uint256 amount) internal {
        _check(_both(abi.encodeCall(IMarket.deposit, (id, amount))), "a deposit was refused");
    }

    function _issue(uint32 id, uint256 grams) internal {
        uint32[] memory to = new uint32[](1);
        uint256[] memory amounts = new uint256[](1);
        (to[0], amounts[0]) = (id, grams);
        if (_both(abi.encodeCall(IMarket.issueAllowances, (to, amounts)))) issued += int256(grams);
    }

    function _revoke(uint256 k) internal {
        _check(_asWallet(ids[k], abi.encodeCall(IMarket.revokeMandate, (ids[k]))), "a revocation was refused");
        _validUntil[k] = 0;
        ++_series[k];
    }

    /// Hands the last prosumer's account over, to and fro; it is in no committee.
    function _handOver() internal {
        uint256 k = PROSUMERS - 1;
        address wallet = registry.walletOf(ids[k]);
        VM.prank(wallet);
        registry.rotateWallet(ids[k], wallet == heir ? address(hostile) : heir);
        _validUntil[k] = 0;
        ++_series[k];
    }

    /// A key's account becomes a contract that answers as the hostile one does (EIP-7702).
    function _delegate(uint256 k) internal {
        VM.etch(registry.walletOf(ids[k]), abi.encodePacked(hex"ef0100", address(hostile)));
    }

    function _register(uint256 k, uint40 validUntil) internal {
        Mandate memory signed = _mandateOf(k, ++_nonce, validUntil);
        _send(k, signed);
        _signed[k] = _nonce;
    }

    /// A mandate that nobody can trade under: it must not touch the session that is frozen.
    function _registerRefusingAll(uint256 k) internal {
        Mandate memory signed = _mandateOf(k, ++_nonce, uint40(block.timestamp + 1));
        (signed.maxBuy, signed.minSell, signed.maxBuyW, signed.maxSpendPerDay) = (-1, 1, 0, 0);
        _send(k, signed);
    }

    function _send(uint256 k, Mandate memory signed) private {
        _check(_asWallet(ids[k], abi.encodeCall(IMarket.registerMandate, (signed, ""))), "a mandate was refused");
        _validUntil[k] = signed.validUntil;
    }

    /// Freezes a session of everybody and keeps what each has signed at this moment.
    function _freeze(uint40 start, uint40 deadline) internal returns (bool done) {
        Session memory before = market.session();
        bool live = before.open && block.timestamp <= before.deadline;
        done = _both(
            abi.encodeCall(
                IMarket.freezeSession,
                (start, 3600, uint8(Batches.PERIODS), deadline, _termsHash(), IMBALANCE)
            )
        );
        _check(done == (!before.paused && !live), "a session frozen when it may not, or not when it may");
        if (!done) return false;
        if (block.timestamp >= _turnsAt) _turned = _turnsTo;
        (_start, _frozenTurned) = (start, _turned);
        for (uint256 k; k < ids.length; ++k) {
            _frozen[k] = _signed[k];
            bool covers = _validUntil[k] >= start + Batches.PERIODS * 3600;
            (bool locked, , ) = market.frozenMandate(ids[k]);
            _check(locked == covers, "a mandate frozen that does not cover the session, or not one that does");
            _frozenSpend[k] = locked ? _mandateOf(k, _frozen[k], 0).maxSpendPerDay : 0;
        }
        if (_participants().length < PROSUMERS) _tellLoads();
    }

    /// Whoever tells other loads, or of another epoch, is refused.
    function _tellLoads() private {
        uint32 epoch = registry.committee().epoch;
        bool done = _both(abi.encodeCall(IMarket.postStandingLoads, (epoch, STATED, "")));
        done = _both(abi.encodeCall(IMarket.postStandingLoads, (epoch + 1, STATED, _loads()))) || done;
        done = _both(abi.encodeCall(IMarket.postStandingLoads, (epoch, keccak256("other"), _loads()))) || done;
        _check(!done, "loads were taken that the session was not frozen with");
        done = _both(abi.encodeCall(IMarket.postStandingLoads, (epoch, STATED, _loads())));
        _check(done, "the loads that the session was frozen with were not taken");
    }

    /// What the k-th prosumer feeds in where it takes no part, by its terms.
    function _standing(uint256 k, uint256 period) internal pure returns (int256 activeW, int256 reactiveVar) {
        return (-5 - 3 * int256(k) - (k == 1 ? int256(period) : int256(0)), int256(k) - 2);
    }

    function _loads() private pure returns (bytes memory loads) {
        for (uint256 k; k < PROSUMERS; ++k) {
            uint256 values = k == 1 ? Batches.PERIODS : 1;
            loads = abi.encodePacked(loads, FIRST + uint32(k), uint8(values));
            for (uint256 t; t < values; ++t) {
                (int256 activeW, int256 reactiveVar) = _standing(k, t);
                loads = abi.encodePacked(loads, int32(activeW), int24(reactiveVar));
            }
        }
    }

    function _termsHash() internal pure returns (bytes32) {
        return keccak256(abi.encode(STATED, keccak256(_loads())));
    }

    /// Never in the past, later than the last, and on the hour.
    function _next(uint40 step) internal view returns (uint40 start) {
        start = _start + step > block.timestamp ? _start + step : uint40(block.timestamp);
        start += (1 hours - (start % 1 hours)) % 1 hours;
    }

    /// The prosumers of the session frozen last.
    function _participants() internal view returns (uint32[] memory participants) {
        participants = new uint32[](PROSUMERS);
        uint256 count;
        for (uint256 k; k < PROSUMERS; ++k) {
            (bool locked, , ) = market.frozenMandate(ids[k]);
            if (locked) participants[count++] = ids[k];
        }
        // Bound: count <= PROSUMERS.
        assembly ("memory-safe") {
            mstore(participants, count)
        }
    }

    /// The mandate that the session frozen last has of the k-th account.
    function _frozenMandate(uint256 k) internal view returns (Mandate memory) {
        return _mandateOf(k, _frozen[k], 0);
    }

    function _frozenLimits(uint32 id) internal view returns (Limits memory limits) {
        Mandate memory signed = _frozenMandate(id < DESK ? id - FIRST : PROSUMERS + id - DESK);
        limits.maxBuy = signed.maxBuy;
        limits.minSell = signed.minSell;
        limits.maxBuyW = signed.maxBuyW;
        limits.maxSellW = signed.maxSellW;
        limits.minReservePrice = signed.minReservePrice;
        limits.maxReservePrice = signed.maxReservePrice;
        limits.maxReserveW = signed.maxReserveW;
        limits.maxCarbonPrice = signed.maxCarbonPrice;
        limits.minCarbonPrice = signed.minCarbonPrice;
        limits.maxCarbonG = signed.maxCarbonG;
    }

    function _snapshot() internal view returns (Account[] memory held) {
        held = new Account[](ids.length);
        for (uint256 k; k < ids.length; ++k) held[k] = market.account(ids[k]);
    }

    /// The committee's signatures for each market, in the order of the bits; without a quorum, the first member's
    /// alone.
    function _sign(
        bytes memory payload,
        bool quorum
    ) internal view returns (uint32 signers, bytes memory optimised, bytes memory reference_) {
        signers = quorum ? 7 : 1;
        optimised = _signatures(market.attestationDigest(payload, BUNDLE), quorum);
        reference_ = _signatures(plain.attestationDigest(payload, BUNDLE), quorum);
    }

    function _signatures(bytes32 digest, bool quorum) private view returns (bytes memory signatures) {
        return _signaturesOf(digest, quorum, _frozenTurned);
    }

    /// Whether the committee in office now sits in the other order.
    function _turnedNow() internal view returns (bool) {
        return block.timestamp >= _turnsAt ? _turnsTo : _turned;
    }

    function _signaturesOf(bytes32 digest, bool quorum, bool turned) internal pure returns (bytes memory signatures) {
        (uint256 first, uint256 second) = turned ? (SECOND_NODE, NODE) : (NODE, SECOND_NODE);
        signatures = _compact(first, digest);
        if (quorum) signatures = bytes.concat(signatures, _compact(second, digest), _compact(THIRD_NODE, digest));
    }

    function _compact(uint256 key, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(key, digest);
        return abi.encodePacked(r, uint256(s) | (uint256(v - 27) << 255));
    }

    /// Every number of a mandate differs between prosumers and from one mandate to the next; a day's spend is a few
    /// cents.
    function _mandateOf(uint256 k, uint64 nonce, uint40 validUntil) private view returns (Mandate memory signed) {
        uint256 dice = uint256(keccak256(abi.encode(k, nonce)));
        bool system = k >= PROSUMERS;
        signed = Mandate({
            prosumer: ids[k],
            maxBuy: system ? int24(2_000_000) : int24(uint24(100_000 + (dice % 50_000))),
            minSell: system ? int24(-2_000_000) : int24(uint24(5_000 + ((dice >> 16) % 20_000))),
            maxBuyW: system ? type(uint32).max : uint32(500 + ((dice >> 32) % 1_500)),
            maxSellW: system ? type(uint32).max : uint32(500 + ((dice >> 48) % 1_500)),
            minReservePrice: int24(uint24(1_000 + ((dice >> 64) % 4_000))),
            maxReservePrice: int24(uint24(60_000 + ((dice >> 80) % 40_000))),
            maxReserveW: system ? type(uint32).max : uint32(200 + ((dice >> 96) % 800)),
            maxCarbonPrice: int24(uint24(60_000 + ((dice >> 112) % 20_000))),
            minCarbonPrice: int24(uint24(1_000 + ((dice >> 128) % 4_000))),
            maxCarbonG: system ? type(uint32).max : uint32(300 + ((dice >> 160) % 1_500)),
            maxSpendPerDay: uint48(system ? 100_000_000 : 30_000 + ((dice >> 144) % 200_000)),
            validUntil: validUntil,
            nonce: (_series[k] << 40) | nonce
        });
    }

    function _onboard(uint32 id, uint256 k) internal {
        uint256 key =
            id == OPERATOR
                ? NODE
                : id == FIRST
                    ? SECOND_NODE
                    : id == FIRST + 1
                        ? THIRD_NODE
                        : 1000 + k;
        address wallet = k == PROSUMERS - 1 ? address(hostile) : VM.addr(5000 + k);
        bytes memory nodeProof = _proof(key, registry.nodeKeyDigest(id, wallet, 0));
        bytes memory meterProof = _proof(9000 + k, registry.meterKeyDigest(id, wallet, 0));
        registry.register(id, wallet, VM.addr(key), VM.addr(9000 + k), nodeProof, meterProof);
    }

    function _proof(uint256 key, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// Every role is this contract's, apart from the manager's own, which waits from the seal on.
    function _seal(Authority authority) private {
        uint64 role = 1;
        authority.grantRole(role, address(this), 0);
        bytes4[] memory functions = new bytes4[](5);
        functions[0] = IMarket.freezeSession.selector;
        functions[1] = IMarket.issueAllowances.selector;
        functions[2] = IMarket.setPaused.selector;
        functions[3] = IMarket.setPriceCap.selector;
        functions[4] = IMarket.cancelSession.selector;
        authority.setTargetFunctionRole(address(market), functions, role);
        authority.setTargetFunctionRole(address(plain), functions, role);
        (functions[0], functions[1]) = (IRegistry.appointCommittee.selector, IRegistry.addGridModel.selector);
        authority.setTargetFunctionRole(address(registry), functions, role);
        address[] memory markets = new address[](2);
        (markets[0], markets[1]) = (address(market), address(plain));
        authority.seal(registry, markets);
    }

    /// The same members with the first two in either order: signatures under a committee's bits are no other
    /// committee's.
    function _appoint(bool turned) internal {
        uint32[] memory members = new uint32[](4);
        (members[0], members[1], members[2], members[3]) = (OPERATOR, FIRST, FIRST + 1, FIRST + 2);
        if (turned) (members[0], members[1]) = (FIRST, OPERATOR);
        registry.appointCommittee(members);
        if (block.timestamp >= _turnsAt) _turned = _turnsTo;
        (_turnsTo, _turnsAt) = (turned, block.timestamp + EXIT_TIME);
    }

    function _rating(uint16 bus, uint40 third) internal pure returns (uint40) {
        return bus == 3 ? third : 1_000_000;
    }

    /// Root and four buses in a row, one prosumer each; the third line carries at most `third` W.
    function _gridModel(uint40 third) internal view returns (bytes memory model) {
        model = abi.encodePacked(uint16(5), uint16(4));
        uint40 unit = uint40(1) << 32;
        uint40 band = uint40(uint256(BAND));
        for (uint16 bus = 1; bus < 5; ++bus) {
            model = abi.encodePacked(model, uint8(0), bus - 1, _rating(bus, third), unit - band, unit + band, R, X);
        }
        for (uint16 k; k < 4; ++k) model = abi.encodePacked(model, ids[k], k + 1, ABSORB, FEED);
    }
}
