// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {hashMandate, Limits, Mandate, packLimits, SERIES, Stored} from "../types/Mandate.sol";
import {State} from "./State.sol";

/// Signed limits of every account. The only place that asks a wallet contract anything.
abstract contract Mandates is State, EIP712, ReentrancyGuard {
    constructor() EIP712("gridpact", "1") {}

    function _registerMandate(Mandate calldata mandate, bytes calldata signature) internal nonReentrant whenSealed {
        uint32 id = mandate.prosumer;
        address wallet = _knownWallet(id);
        if (mandate.validUntil <= block.timestamp) revert IMarket.MandateExpired(mandate.validUntil);
        Stored storage registered = _mandates[id];
        if (mandate.nonce >> SERIES != registered.nonce >> SERIES) {
            revert IMarket.NonceOfAnotherSeries(mandate.nonce, registered.nonce >> SERIES);
        }
        if (mandate.nonce <= registered.nonce) revert IMarket.NonceNotLarger(mandate.nonce, registered.nonce);
        bool sent = msg.sender == wallet && signature.length == 0;
        if (!sent && !SignatureChecker.isValidSignatureNow(wallet, _mandateDigest(mandate), signature))
            revert IMarket.MandateBadSignature(id);
        _mandates[id] = _stored(mandate);
        _list(id);
        emit IMarket.MandateRegistered(id, mandate);
    }

    function _revokeMandate(uint32 id) internal onlyWallet(id) {
        emit IMarket.MandateRevoked(id, _openSeries(id));
    }

    function _endMandate(uint32 id) internal {
        if (msg.sender != address(registry)) revert IMarket.NotRegistry(msg.sender);
        _openSeries(id);
        emit IMarket.MandateEnded(id);
    }

    function _mandateDigest(Mandate calldata mandate) internal view returns (bytes32) {
        return _hashTypedDataV4(hashMandate(mandate));
    }

    /// Ends what is registered, and whatever was signed before and nobody has registered yet.
    function _openSeries(uint32 id) private returns (uint64 nonce) {
        Stored storage registered = _mandates[id];
        nonce = ((registered.nonce >> SERIES) + 1) << SERIES;
        registered.nonce = nonce;
        registered.validUntil = 0;
        _list(id);
    }

    function _stored(Mandate calldata mandate) private pure returns (Stored memory stored) {
        Limits memory limits;
        limits.maxBuy = mandate.maxBuy;
        limits.minSell = mandate.minSell;
        limits.maxBuyW = mandate.maxBuyW;
        limits.maxSellW = mandate.maxSellW;
        limits.minReservePrice = mandate.minReservePrice;
        limits.maxReservePrice = mandate.maxReservePrice;
        limits.maxReserveW = mandate.maxReserveW;
        limits.maxCarbonPrice = mandate.maxCarbonPrice;
        limits.minCarbonPrice = mandate.minCarbonPrice;
        (stored.limits, ) = packLimits(limits);
        stored.maxCarbonG = mandate.maxCarbonG;
        stored.maxSpendPerDay = mandate.maxSpendPerDay;
        stored.validUntil = mandate.validUntil;
        stored.nonce = mandate.nonce;
    }
}
