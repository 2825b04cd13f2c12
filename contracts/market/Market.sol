// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {Accounts} from "./Accounts.sol";
import {MarketExtension} from "./MarketExtension.sol";
import {Sessions} from "./Sessions.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {IMarketPosting} from "../interfaces/IMarketPosting.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {CodeBlob} from "../libraries/CodeBlob.sol";
import {allocate, Frame, GROUP_BYTES, load, TRADE_BYTES} from "../libraries/Frame.sol";
import {GridCheck} from "../libraries/GridCheck.sol";
import {GridModel} from "../libraries/GridModel.sol";
import {Ledger} from "../libraries/Ledger.sol";
import {Netting} from "../libraries/Netting.sol";
import {Quorum} from "../libraries/Quorum.sol";
import {FrozenTable} from "../libraries/FrozenTable.sol";
import {Account, ACCOUNT_CARBON} from "../types/Account.sol";
import {Mandate} from "../types/Mandate.sol";
import {Feeder, Seats, Session} from "../types/Session.sol";

/// The market with the `settle` that is cheap: every position in memory, one storage word an account, no external call.
/// What it accepts and refuses is what reference/ReferenceMarket.sol does.
contract Market is Sessions {
    uint256 private constant HEAD_BYTES = 3;
    uint256 private constant MAX_TRADES = 32_767;
    uint256 private constant NOT_WHOLE = type(uint256).max;

    /// Whoever audits a market compares its code: it changes accounts and mandates.
    MarketExtension public immutable extension;

    constructor(
        address authority,
        IERC20 token_,
        IRegistry registry_,
        uint24 priceCap
    ) AccessManaged(authority) Accounts(token_, registry_) Sessions(priceCap) {
        extension = new MarketExtension(authority, token_, registry_);
    }

    /// @inheritdoc IMarket
    function settle(
        bytes calldata payload,
        bytes32 bundleHash,
        uint32 signers,
        bytes calldata signatures
    ) external returns (bytes32 batch) {
        Session memory current = _session;
        if (current.paused) revert SettlementPaused();
        if (!current.open) revert NoOpenSession();
        if (block.timestamp > current.deadline) revert DeadlinePassed(current.deadline);
        (Frame memory frame, bytes32 payloadHash) = _frame(payload, current);
        batch = _attestationDigest(current.sequence, payloadHash, bundleHash);
        Seats memory seated = _seats;
        Quorum.check(seated.keys, seated.members, seated.quorum, batch, signers, signatures);

        Feeder memory frozen = _feeder;
        frame.imbalancePrice = seated.imbalancePrice;
        (frame.epochDay, frame.beforeDay) = _epochs(frozen, uint16(frame.day));
        Ledger.open(frame, FrozenTable.read(_table));
        Netting.applyTrades(frame);
        bytes memory deltas = _close(frame, frozen.grid, payload);
        emit Settled(_finish(current, frozen, batch), batch, current.ordinal, deltas);
    }

    /// @inheritdoc IMarket
    function registerMandate(Mandate calldata, bytes calldata) external {
        _extended();
    }

    /// @inheritdoc IMarket
    function revokeMandate(uint32) external {
        _extended();
    }

    /// @inheritdoc IMarket
    function endMandate(uint32) external {
        _extended();
    }

    /// @inheritdoc IMarket
    function postStandingLoads(uint32, bytes32, bytes calldata) external {
        _extended();
    }

    /// @inheritdoc IMarketPosting
    function connect(address, address) external {
        _extended();
    }

    /// @inheritdoc IMarket
    function issueAllowances(uint32[] calldata, uint256[] calldata) external {
        _extended();
    }

    /// @inheritdoc IMarketPosting
    function post(uint16, bytes calldata, int256) external {
        _extended();
    }

    /// @inheritdoc IMarketPosting
    function moveGrams(uint32, int256) external {
        _extended();
    }

    /// Of those who take no part; never on the path of a session in which everybody does.
    function _standingFlows(bytes calldata payload) private returns (uint256 flows) {
        bytes memory returned = Address.functionDelegateCall(
            address(extension),
            abi.encodeCall(MarketExtension.standingFlows, (payload))
        );
        // Bound: what comes back is ABI-encoded: an offset of one word, a length, and as many bytes.
        assembly ("memory-safe") {
            flows := add(returned, 96)
        }
    }

    /// @inheritdoc IMarketPosting
    function debitableOf(bytes calldata ids) external view returns (bytes memory amounts) {
        Session memory session_ = _session;
        FrozenTable.Walk memory walk;
        bool live = _isLive(session_);
        if (live) walk.entries = FrozenTable.read(_table);
        amounts = new bytes(8 * ids.length);
        unchecked {
            // Bound: the lock is no more than there is, see _lock; the deposit is an account's lowest 64 bits.
            for (uint256 k; k < ids.length / 4; ++k) {
                uint256 id;
                uint256 word;
                assembly ("memory-safe") {
                    id := shr(224, calldataload(add(ids.offset, shl(2, k))))
                    word := sload(add(_accounts.slot, id))
                }
                int256 carbon = int56(uint56(word >> ACCOUNT_CARBON));
                word = (carbon > 0 ? uint256(carbon) << 128 : 0) | uint64(word);
                if (live) {
                    uint256 head = FrozenTable.headOf(walk, uint32(id));
                    (uint256 locked, uint256 lockedG) = _lock(session_, _accounts[id], head);
                    word -= (lockedG << 128) | locked;
                }
                assembly ("memory-safe") {
                    mstore(add(add(amounts, 32), shl(5, k)), word)
                }
            }
        }
    }

    /// The call as it came, on this market's storage; who may call is checked there.
    function _extended() private {
        Address.functionDelegateCall(address(extension), msg.data);
    }

    /// Exact lengths: what is left after the head is whole groups, and no byte more.
    function _frame(
        bytes calldata payload,
        Session memory current
    ) private pure returns (Frame memory frame, bytes32 payloadHash) {
        uint256 length = payload.length;
        uint256 start;
        // The payload and a word after it, so that reading its last trade reads nothing that is not ours.
        assembly ("memory-safe") {
            start := mload(0x40)
            calldatacopy(start, payload.offset, length)
            mstore(add(start, length), 0)
            payloadHash := keccak256(start, length)
            mstore(0x40, add(start, and(add(length, 63), not(31))))
        }
        uint256 head = load(start);
        frame.participants = head >> 240;
        frame.systems = (head >> 232) & 0xff;
        frame.periods = current.periods;
        frame.desk = frame.systems & 1 == 1 ? type(uint256).max - 2 : type(uint256).max >> 1;
        frame.utility = (frame.systems >> 2) & 1;
        frame.cap = current.priceCap;
        frame.span = 2 * frame.cap + 1;
        frame.ids = start + HEAD_BYTES;
        frame.reactive = frame.ids + 4 * frame.participants;
        frame.groups = frame.reactive + 3 * frame.participants * frame.periods;
        frame.end = start + length;
        uint256 trades = frame.systems > 7 ? NOT_WHOLE : _countTrades(frame.groups, frame.end);
        if (trades == NOT_WHOLE) revert PayloadLength(length);
        if (trades > MAX_TRADES || frame.participants > MAX_TRADES) revert TooManyTrades(trades);
        uint256 accounts;
        assembly ("memory-safe") {
            accounts := _accounts.slot
        }
        frame.accounts = accounts;
        frame.day = uint16(current.start / 1 days);
        frame.perHour = 3600 / current.periodSeconds;
        frame.ends = _end(current);
    }

    /// How many trades the groups from `cursor` hold; NOT_WHOLE where they do not end at `end`, which is also where the
    /// head is cut short, where one is empty, of no product, or could have been one with the group before it: a batch
    /// has one form.
    function _countTrades(uint256 cursor, uint256 end) private pure returns (uint256 trades) {
        unchecked {
            // Bound: a count has two bytes, and each step moves the cursor on.
            uint256 last = type(uint256).max;
            while (cursor < end) {
                uint256 head = load(cursor);
                uint256 count = uint16(head >> 224);
                if (count == 0 || head >> 250 != 0 || head >> 240 == last) return NOT_WHOLE;
                last = head >> 240;
                trades += count;
                cursor += GROUP_BYTES + TRADE_BYTES * count;
            }
            if (cursor != end) return NOT_WHOLE;
        }
    }

    /// The grid is checked with the accounts written: if it refuses, nothing was.
    function _close(Frame memory frame, address grid, bytes calldata payload) private returns (bytes memory deltas) {
        bytes memory model = CodeBlob.read(grid);
        frame.buses = GridModel.buses(model);
        // Nobody takes part twice, or without a place on the feeder.
        if (frame.participants == GridModel.prosumers(model)) {
            frame.flows = allocate(32 * frame.buses * frame.periods);
        } else frame.flows = _standingFlows(payload);
        deltas = Ledger.close(frame);
        GridCheck.check(frame.flows, frame.buses, frame.periods, model);
    }
}
