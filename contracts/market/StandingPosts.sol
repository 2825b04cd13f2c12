// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {IMarket} from "../interfaces/IMarket.sol";
import {ISettlementErrors} from "../interfaces/ISettlementErrors.sol";
import {CodeBlob} from "../libraries/CodeBlob.sol";
import {hashSession, Session, SessionTerms, Standing} from "../types/Session.sol";
import {State} from "./State.sol";
import {TableWriter} from "./TableWriter.sol";

/// What the live session's terms say of those who take no part in it, told to the chain only where somebody does not.
abstract contract StandingPosts is State {
    /// The terms are committed to by the session's hash, so whoever tells them can tell no others.
    function _postStandingLoads(uint32 epoch, bytes32 stated, bytes calldata loads) internal {
        Session memory live = _session;
        if (!_isLive(live)) revert ISettlementErrors.NoOpenSession();
        bytes32 termsHash = keccak256(abi.encode(stated, keccak256(loads)));
        SessionTerms memory terms = _terms(live, epoch, keccak256(CodeBlob.read(_feeder.grid)), termsHash);
        terms.imbalancePrice = _seats.imbalancePrice;
        if (hashSession(terms) != _frozenHash(live.sequence)) revert IMarket.StandingLoadsNotAgreed();
        address written = _writer().writeLoads(_feeder.grid, live.periods, loads);
        _standing = Standing(written, live.ordinal);
        emit IMarket.StandingLoadsPosted(live.ordinal, stated, loads);
    }

    /// The market's.
    function _writer() internal view virtual returns (TableWriter);

    /// Whether it is known what those load who take no part in the session.
    function _standingKnown(Session memory current) internal view returns (bool) {
        return _standing.loads != address(0) && _standing.ordinal == current.ordinal;
    }
}
