// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {IMarketPosting} from "../interfaces/IMarketPosting.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {CodeBlob} from "../libraries/CodeBlob.sol";
import {GridModel} from "../libraries/GridModel.sol";
import {Account} from "../types/Account.sol";
import {MAX_SPEND, Stored, VALID_UNTIL} from "../types/Mandate.sol";
import {Feeder, Seats, Session, SessionTerms, Standing} from "../types/Session.sol";

/// What a market stores of its accounts and its session, and what follows from it. Whoever shares a market's storage
/// (MarketExtension) has this first, so that both find it in the same slots.
abstract contract State is AccessManaged {
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
    /// What all allowances come to at most, and what the desk owes at most after a posting: together less than an
    /// account holds. A session adds less than 2^32 to what the desk owes, and takes an hour: less than 2^54 in 478
    /// years.
    int256 internal constant MAX_GRAMS = 1 << 54;

    /// How many batches are kept. Sessions take an hour at least and begin two days ahead at most: a batch is kept until
    /// 79 hours after its session's end or longer, and its first entry has 37 hours once no more values come.
    uint256 internal constant KEPT = 128;
    uint256 internal constant RING = KEPT + 1;

    IERC20 public immutable token;
    IRegistry public immutable registry;

    Session internal _session;
    Feeder internal _feeder;
    Seats internal _seats;
    /// Indexed by account id: no hash on the hot path.
    Account[1 << 32] internal _accounts;
    mapping(uint32 id => Pending) internal _pending;
    mapping(uint32 id => Stored) internal _mandates;
    /// Accounts of the last freeze's feeder whose mandate has changed or whose withdrawal waits since, `_seats.changes`
    /// of them, each once: never more than a feeder has. What lies beyond is left there: a slot that is not empty is
    /// cheap to write.
    uint32[1 << 32] internal _changes;
    /// Everybody's mandates that sessions are frozen with, as code; see libraries/FrozenTable.sol.
    address internal _table;
    address internal _delivery;
    address internal _carbonCredit;
    int64 internal _totalGrams;
    /// What those load the feeder with who take no part in the session it names.
    Standing internal _standing;
    /// Recycled: slot k holds the batch whose sequence is k modulo RING, and before that the hash of the session that
    /// is frozen to be it. Never zero, so that no settlement pays for a new slot.
    bytes32[RING] internal _ring;

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

    function _end(Session memory session_) internal pure returns (uint256) {
        return uint256(session_.start) + uint256(session_.periods) * session_.periodSeconds;
    }

    function _isLive(Session memory session_) internal view returns (bool) {
        return session_.open && block.timestamp <= session_.deadline;
    }

    function _frozenHash(uint32 sequence) internal view returns (bytes32) {
        return _ring[(uint256(sequence) + 1) % RING];
    }

    /// Of one of the last KEPT batches.
    function _kept(uint32 sequence) internal view returns (bytes32) {
        return sequence == 0 ? bytes32(0) : _ring[sequence % RING];
    }

    /// Epoch, sequence, previous batch and grid model go from storage into what will be signed, never through calldata.
    function _terms(
        Session memory opened,
        uint32 epoch,
        bytes32 gridModel,
        bytes32 termsHash
    ) internal view returns (SessionTerms memory) {
        return
            SessionTerms({
                epoch: epoch,
                sequence: opened.sequence,
                ordinal: opened.ordinal,
                previousBatch: _kept(opened.sequence),
                gridModel: gridModel,
                termsHash: termsHash,
                imbalancePrice: 0,
                start: opened.start,
                periodSeconds: opened.periodSeconds,
                periods: opened.periods,
                deadline: opened.deadline
            });
    }

    /// What an account may spend in the live session, nano-dollars, and how many grams it may sell, under the entry of
    /// the frozen table that begins with `head`.
    function _lock(
        Session memory live,
        Account memory held,
        uint256 head
    ) internal pure returns (uint256 nano, uint256 grams) {
        if (uint40(head >> VALID_UNTIL) < _end(live)) return (0, 0);
        uint256 spent = held.day == live.start / 1 days ? held.spentMicro : 0;
        uint256 most = uint48(head >> MAX_SPEND);
        nano = most > spent ? (most - spent) * NANO_PER_TOKEN : 0;
        if (nano > held.deposit) nano = held.deposit;
        uint256 owned = held.carbon > 0 ? uint56(held.carbon) : 0;
        grams = uint32(head);
        if (grams > owned) grams = owned;
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

    function _knownWallet(uint32 id) internal view returns (address wallet) {
        wallet = _walletOf(id);
        if (wallet == address(0)) revert IMarket.UnknownAccount(id);
    }

    function _walletOf(uint32 id) internal view returns (address) {
        return registry.walletOf(id);
    }

    /// Grams come into the accounts, or leave them.
    function _issue(int256 grams) internal {
        int256 total = _totalGrams + grams;
        if (total > MAX_GRAMS) revert IMarketPosting.AllowancesTooLarge(total);
        // Bound: the desk's grams aside nobody's are negative, and the desk's are an int56.
        _totalGrams = int64(total);
    }

    function _checkSealed() private view {
        if (!registry.serves(address(this))) revert IMarket.NotSealed();
    }

    function _checkWallet(uint32 id) private view {
        if (_walletOf(id) != msg.sender) revert IMarket.NotWallet(id, msg.sender);
    }
}
