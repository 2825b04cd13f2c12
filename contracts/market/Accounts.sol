// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {Account} from "../types/Account.sol";
import {Session} from "../types/Session.sol";

/// Deposits in, withdrawals out, allowances issued. The only place that touches the token.
abstract contract Accounts is IMarket, AccessManaged, ReentrancyGuard {
    using SafeERC20 for IERC20;

    struct Pending {
        uint128 tokens;
        uint40 availableAt;
    }

    /// A token has 6 decimals, the ledger 9.
    uint256 internal constant NANO_PER_TOKEN = 1000;
    /// What all deposits come to at most.
    uint256 internal constant MAX_DEPOSITS = 1 << 63;
    /// Longer than a session can stay open, so what is leaving was never part of a lock.
    uint40 public constant WITHDRAWAL_DELAY = 3 days;

    IERC20 public immutable token;
    IRegistry public immutable registry;

    Session internal _session;
    /// Indexed by account id: no hash on the hot path.
    Account[1 << 32] internal _accounts;
    mapping(uint32 id => Pending) private _pending;

    constructor(IERC20 token_, IRegistry registry_) {
        token = token_;
        registry = registry_;
    }

    modifier onlyWallet(uint32 id) {
        _checkWallet(id);
        _;
    }

    /// Before the seal roles and committee change at once: nobody's money is taken, nobody's promise.
    modifier whenSealed() {
        _checkSealed();
        _;
    }

    /// @inheritdoc IMarket
    function deposit(uint32 id, uint256 amount) public nonReentrant whenSealed {
        _knownWallet(id);
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 held = token.balanceOf(address(this));
        uint256 nano = (held - before) * NANO_PER_TOKEN;
        // All together stay below half of what an account can hold, so no payment makes a batch overflow one.
        if (held > MAX_DEPOSITS / NANO_PER_TOKEN) revert DepositsTooLarge(held * NANO_PER_TOKEN);
        _accounts[id].deposit += uint64(nano);
        emit Deposited(id, msg.sender, nano);
    }

    /// @inheritdoc IMarket
    function depositWithPermit(uint32 id, uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external {
        try IERC20Permit(address(token)).permit(msg.sender, address(this), amount, deadline, v, r, s) {} catch {}
        deposit(id, amount);
    }

    /// @inheritdoc IMarket
    function requestWithdrawal(uint32 id, uint256 amount) external onlyWallet(id) {
        if (amount == 0) revert AmountZero();
        uint256 available = free(id);
        // Bound: no free deposit exceeds 2^64, so an amount that would overflow the product is refused before it.
        if (amount > available / NANO_PER_TOKEN) revert AmountExceedsFree(amount, available);
        uint40 availableAt = uint40(block.timestamp) + WITHDRAWAL_DELAY;
        _accounts[id].deposit -= uint64(amount * NANO_PER_TOKEN);
        _pending[id].tokens += uint128(amount);
        _pending[id].availableAt = availableAt;
        emit WithdrawalRequested(id, amount, availableAt);
    }

    /// @inheritdoc IMarket
    function withdraw(uint32 id) external nonReentrant {
        Pending memory due = _pending[id];
        if (due.tokens == 0) revert NothingPending(id);
        if (block.timestamp < due.availableAt) revert WithdrawalTooEarly(due.availableAt);
        address wallet = _walletOf(id);
        delete _pending[id];
        emit Withdrawn(id, wallet, due.tokens);
        token.safeTransfer(wallet, due.tokens);
    }

    /// @inheritdoc IMarket
    function issueAllowances(uint32[] calldata ids, uint256[] calldata grams) external restricted {
        if (ids.length != grams.length) revert LengthsDiffer(ids.length, grams.length);
        for (uint256 i; i < ids.length; ++i) {
            uint32 id = ids[i];
            _knownWallet(id);
            if (grams[i] > uint56(type(int56).max)) revert CarbonOverflow(id);
            int256 total = _accounts[id].carbon + int256(grams[i]);
            if (total > type(int56).max) revert CarbonOverflow(id);
            _accounts[id].carbon = int56(total);
            emit AllowancesIssued(id, grams[i]);
        }
    }

    /// @inheritdoc IMarket
    function account(uint32 id) external view returns (Account memory) {
        return _accounts[id];
    }

    /// @inheritdoc IMarket
    function free(uint32 id) public view returns (uint256 nano) {
        Account memory held = _accounts[id];
        bool locked = _sessionIsLive() && held.session == _session.ordinal;
        return held.deposit - (locked ? uint256(held.lockedMicro) * NANO_PER_TOKEN : 0);
    }

    /// @inheritdoc IMarket
    function pending(uint32 id) external view returns (uint128 tokens, uint40 availableAt) {
        return (_pending[id].tokens, _pending[id].availableAt);
    }

    function _sessionIsLive() internal view returns (bool) {
        return _session.open && block.timestamp <= _session.deadline;
    }

    function _checkSealed() private view {
        if (!registry.serves(address(this))) revert NotSealed();
    }

    function _checkWallet(uint32 id) private view {
        if (_walletOf(id) != msg.sender) revert NotWallet(id, msg.sender);
    }

    function _knownWallet(uint32 id) internal view returns (address wallet) {
        wallet = _walletOf(id);
        if (wallet == address(0)) revert UnknownAccount(id);
    }

    function _walletOf(uint32 id) private view returns (address) {
        return registry.walletOf(id);
    }
}
