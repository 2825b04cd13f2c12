// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {CodeBlob} from "../libraries/CodeBlob.sol";
import {GridModel} from "../libraries/GridModel.sol";
import {Account, HOLD_UNIT} from "../types/Account.sol";
import {METERING_WINDOW} from "../types/Delays.sol";
import {Feeder, Seats, Session} from "../types/Session.sol";

/// Deposits in, withdrawals out, allowances issued. The only place that touches the token.
abstract contract Accounts is IMarket, AccessManaged, ReentrancyGuard {
    using SafeERC20 for IERC20;

    /// What is leaving, in tokens: what has left the deposit, and what follows as soon as it is free.
    struct Pending {
        uint64 tokens;
        uint64 queued;
        uint40 availableAt;
        /// On the list of changes.
        bool listed;
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
    Feeder internal _feeder;
    Seats internal _seats;
    /// Indexed by account id: no hash on the hot path.
    Account[1 << 32] internal _accounts;
    mapping(uint32 id => Pending) private _pending;
    /// Accounts of the last freeze's feeder whose mandate has changed or whose withdrawal waits since, `_seats.changes`
    /// of them, each once: never more than a feeder has. What lies beyond is left there: a slot that is not empty is
    /// cheap to write.
    uint32[1 << 32] internal _changes;

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
        uint256 kept = holdOf(id) + lockOf(id);
        uint256 held = _accounts[id].deposit;
        return held > kept ? held - kept : 0;
    }

    /// @inheritdoc IMarket
    function holdOf(uint32 id) public view returns (uint256 nano) {
        Account memory account_ = _accounts[id];
        Feeder memory feeder = _feeder;
        bool current = account_.day >= feeder.epochDay;
        if (current && block.timestamp < _session.lastEnd + METERING_WINDOW) nano = account_.held;
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

    /// The next freeze takes up what has changed of the account. Whoever has no place on the last freeze's feeder has
    /// nothing locked, and is asked by the first freeze of a feeder that has a place for it: so nobody can make the
    /// list longer than a freeze can take up.
    function _list(uint32 id) internal {
        if (_pending[id].listed || _feeder.grid == address(0)) return;
        (bool placed, ) = GridModel.placeOf(CodeBlob.read(_feeder.grid), id);
        if (!placed) return;
        _pending[id].listed = true;
        _changes[_seats.changes++] = id;
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

    function _isLive(Session memory session_) internal view returns (bool) {
        return session_.open && block.timestamp <= session_.deadline;
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
