// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Accounts} from "./Accounts.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {hashMandate, Limits, Mandate, MAX_SPEND, packLimits, SERIES, Stored, VALID_UNTIL} from "../types/Mandate.sol";

/// Signed limits of every account. The only place that asks a wallet contract anything.
abstract contract Mandates is Accounts, EIP712 {
    mapping(uint32 id => Stored) internal _mandates;

    constructor() EIP712("gridpact", "1") {}

    /// @inheritdoc IMarket
    function registerMandate(Mandate calldata mandate, bytes calldata signature) external nonReentrant whenSealed {
        uint32 id = mandate.prosumer;
        address wallet = _knownWallet(id);
        if (mandate.validUntil <= block.timestamp) revert MandateExpired(mandate.validUntil);
        Stored storage registered = _mandates[id];
        if (mandate.nonce >> SERIES != registered.nonce >> SERIES) {
            revert NonceOfAnotherSeries(mandate.nonce, registered.nonce >> SERIES);
        }
        if (mandate.nonce <= registered.nonce) revert NonceNotLarger(mandate.nonce, registered.nonce);
        bool sent = msg.sender == wallet && signature.length == 0;
        if (!sent && !SignatureChecker.isValidSignatureNow(wallet, mandateDigest(mandate), signature))
            revert MandateBadSignature(id);
        _mandates[id] = _stored(mandate);
        _list(id);
        emit MandateRegistered(id, mandate);
    }

    /// @inheritdoc IMarket
    function revokeMandate(uint32 id) external onlyWallet(id) {
        emit MandateRevoked(id, _openSeries(id));
    }

    /// @inheritdoc IMarket
    function endMandate(uint32 id) external {
        if (msg.sender != address(registry)) revert NotRegistry(msg.sender);
        _openSeries(id);
        emit MandateEnded(id);
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

    /// @inheritdoc IMarket
    function registeredMandate(uint32 id) external view returns (uint256 limits, uint256 capacity, uint64 nonce) {
        Stored memory stored = _mandates[id];
        capacity = (uint256(stored.validUntil) << VALID_UNTIL) | (uint256(stored.maxSpendPerDay) << MAX_SPEND);
        return (stored.limits, capacity | stored.maxCarbonG, stored.nonce);
    }

    /// @inheritdoc IMarket
    function mandateDigest(Mandate calldata mandate) public view returns (bytes32) {
        return _hashTypedDataV4(hashMandate(mandate));
    }
}
