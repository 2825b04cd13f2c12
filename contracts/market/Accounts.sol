// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {IMarketPosting} from "../interfaces/IMarketPosting.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {Account, HOLD_UNIT, INSURANCE} from "../types/Account.sol";
import {METERING_WINDOW} from "../types/Delays.sol";
import {Feeder} from "../types/Session.sol";
import {State} from "./State.sol";

/// Deposits in, withdrawals out. The only place that touches the token.
abstract contract Accounts is State, IMarket, ReentrancyGuard {
    using SafeERC20 for IERC20;

    /// What all deposits come to at most.
    uint256 internal constant MAX_DEPOSITS = 1 << 63;
    /// Longer than a session can stay open, so what is leaving was never part of a lock.
    uint40 public constant WITHDRAWAL_DELAY = 3 days;

    constructor(IERC20 token_, IRegistry registry_) State(token_, registry_) {}

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
        Pending storage leaving = _pending[id];
        uint256 owned = _accounts[id].deposit / NANO_PER_TOKEN;
        uint256 left = owned > leaving.queued ? owned - leaving.queued : 0;
        if (amount > left) revert AmountExceedsDeposit(amount, left);
        uint40 availableAt = uint40(block.timestamp) + WITHDRAWAL_DELAY;
        leaving.queued += uint64(amount);
        leaving.availableAt = availableAt;
        emit WithdrawalRequested(id, amount, availableAt);
        if (_moveQueued(id)) _list(id);
    }

    /// @inheritdoc IMarket
    function withdraw(uint32 id) external nonReentrant {
        Pending storage leaving = _pending[id];
        if (leaving.queued > 0) _moveQueued(id);
        uint256 tokens = leaving.tokens;
        if (tokens == 0) revert NothingPending(id);
        if (block.timestamp < leaving.availableAt) revert WithdrawalTooEarly(leaving.availableAt);
        address wallet = _walletOf(id);
        leaving.tokens = 0;
        emit Withdrawn(id, wallet, tokens);
        token.safeTransfer(wallet, tokens);
    }

    /// @inheritdoc IMarket
    function account(uint32 id) external view returns (Account memory) {
        return _accounts[id];
    }

    /// @inheritdoc IMarketPosting
    function delivery() external view returns (address) {
        return _delivery;
    }

    /// @inheritdoc IMarketPosting
    function carbonCredit() external view returns (address) {
        return _carbonCredit;
    }

    /// @inheritdoc IMarketPosting
    function totalGrams() external view returns (int64) {
        return _totalGrams;
    }

    /// @inheritdoc IMarket
    function free(uint32 id) public view returns (uint256 nano) {
        uint256 kept = holdOf(id) + lockOf(id);
        uint256 held = _accounts[id].deposit;
        return held > kept ? held - kept : 0;
    }

    /// @inheritdoc IMarket
    function holdOf(uint32 id) public view returns (uint256 nano) {
        Account memory account_ = _accounts[id];
        bool undelivered = block.timestamp < _session.lastEnd + METERING_WINDOW;
        // The fund stays for as long as anything is sold, or held.
        if (id == INSURANCE) return undelivered || _sessionIsLive() ? account_.deposit : 0;
        Feeder memory feeder = _feeder;
        bool current = account_.day >= feeder.epochDay;
        if (current && undelivered) nano = account_.held;
        if (block.timestamp < feeder.epochFrom + METERING_WINDOW) {
            if (current) nano += account_.heldBefore;
            else if (account_.day >= feeder.beforeDay) nano = account_.held;
        }
        nano *= HOLD_UNIT;
    }

    /// @inheritdoc IMarket
    function lockOf(uint32 id) public view virtual returns (uint256 nano);

    /// @inheritdoc IMarket
    function pending(uint32 id) external view returns (uint64 tokens, uint64 queued, uint40 availableAt) {
        return (_pending[id].tokens, _pending[id].queued, _pending[id].availableAt);
    }

    /// The freeze has taken up what had changed.
    function _unlist(uint32 id) internal {
        _pending[id].listed = false;
    }

    /// For the freeze: moves what waits of an account with a place on its feeder. Returns whether some still does; then
    /// the account stays listed.
    function _keepsWaiting(uint32 id) internal returns (bool waits) {
        if (_pending[id].queued == 0) return false;
        waits = _moveQueued(id);
        if (waits) _pending[id].listed = true;
    }

    /// Takes out of the deposit what waits and is free. Returns whether some still waits, never more than there is.
    function _moveQueued(uint32 id) private returns (bool waits) {
        Pending memory leaving = _pending[id];
        uint256 tokens = free(id) / NANO_PER_TOKEN;
        if (tokens > leaving.queued) tokens = leaving.queued;
        uint256 left = _accounts[id].deposit - tokens * NANO_PER_TOKEN;
        uint256 queued = leaving.queued - tokens;
        if (queued > left / NANO_PER_TOKEN) queued = left / NANO_PER_TOKEN;
        leaving.tokens += uint64(tokens);
        leaving.queued = uint64(queued);
        _pending[id] = leaving;
        _accounts[id].deposit = uint64(left);
        if (tokens > 0) emit WithdrawalMoved(id, tokens);
        return queued > 0;
    }

    function _sessionIsLive() internal view returns (bool) {
        return _isLive(_session);
    }
}
