// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

import {OPERATOR} from "./Account.sol";

/// What a prosumer signs: the flat message a hardware wallet can show.
/// It bounds totals. In each period the money of energy and network together is no worse than net energy x limit price,
/// so nothing is lost on a net of zero, whatever was wheeled; reserve sold and reserve bought are bounded each;
/// allowances over the session as energy is. Prices are signed, 1e-6 $ per kWh, kW and hour, or kg.
struct Mandate {
    uint32 prosumer;
    int24 maxBuy;
    int24 minSell;
    /// Net power bought or sold in one period, W: short periods multiply nothing.
    uint32 maxBuyW;
    uint32 maxSellW;
    int24 minReservePrice;
    int24 maxReservePrice;
    /// Reserve sold in one period, and likewise reserve bought, W.
    uint32 maxReserveW;
    int24 maxCarbonPrice;
    int24 minCarbonPrice;
    /// Allowances bought or sold net in one session, g.
    uint32 maxCarbonG;
    /// Net payment over the sessions that start on one UTC day, micro-dollars.
    uint48 maxSpendPerDay;
    /// Unix seconds; a session that ends later does not use the mandate.
    uint40 validUntil;
    /// Series (u24) and number in it (u40): the account's series, and a number larger than that of every mandate
    /// registered in it. A revocation or a change of the wallet opens the next series, so whatever was signed before it
    /// is void, also what nobody has registered yet.
    uint64 nonce;
}

/// The mandate as a session enforces it, with what the grid model says of its prosumer: an entry of the frozen table,
/// two words.
struct Limits {
    int24 maxBuy;
    int24 minSell;
    uint32 maxBuyW;
    uint32 maxSellW;
    int24 minReservePrice;
    int24 maxReservePrice;
    uint32 maxReserveW;
    int24 maxCarbonPrice;
    int24 minCarbonPrice;
    /// Index of the prosumer's bus in the grid model (depth-first order), set when frozen.
    uint16 bus;
    uint32 maxCarbonG;
    uint48 maxSpendPerDay;
    uint40 validUntil;
    /// Reactive power that the prosumer's connection is registered for, var taken and var fed in, set when frozen.
    uint24 absorbVar;
    uint24 feedVar;
}

/// A registered mandate: the limits' word without a bus, and the rest of what was signed.
struct Stored {
    uint256 limits;
    uint32 maxCarbonG;
    uint48 maxSpendPerDay;
    uint40 validUntil;
    uint64 nonce;
}

// Where the second word of an entry has its fields; maxCarbonG is lowest.
uint256 constant MAX_SPEND = 32;
uint256 constant VALID_UNTIL = 80;
uint256 constant ABSORB_VAR = 120;
uint256 constant FEED_VAR = 144;

// Where a nonce's series starts.
uint64 constant SERIES = 40;

bytes32 constant MANDATE_TYPEHASH = keccak256(
    "Mandate(uint32 prosumer,int24 maxBuy,int24 minSell,uint32 maxBuyW,uint32 maxSellW,int24 minReservePrice,"
    "int24 maxReservePrice,uint32 maxReserveW,int24 maxCarbonPrice,int24 minCarbonPrice,uint32 maxCarbonG,"
    "uint48 maxSpendPerDay,uint40 validUntil,uint64 nonce)"
);

/// EIP-712 struct hash: all members are static, so the ABI encoding of the struct is its encodeData.
function hashMandate(Mandate memory mandate) pure returns (bytes32) {
    return keccak256(abi.encode(MANDATE_TYPEHASH, mandate));
}

/// The members up to the bus in order, the first in the lowest bits, as storage would pack them; the others likewise in
/// `capacity`.
function packLimits(Limits memory limits) pure returns (uint256 word, uint256 capacity) {
    word = uint24(limits.maxBuy);
    word |= uint256(uint24(limits.minSell)) << 24;
    word |= uint256(limits.maxBuyW) << 48;
    word |= uint256(limits.maxSellW) << 80;
    word |= uint256(uint24(limits.minReservePrice)) << 112;
    word |= uint256(uint24(limits.maxReservePrice)) << 136;
    word |= uint256(limits.maxReserveW) << 160;
    word |= uint256(uint24(limits.maxCarbonPrice)) << 192;
    word |= uint256(uint24(limits.minCarbonPrice)) << 216;
    word |= uint256(limits.bus) << 240;
    capacity = limits.maxCarbonG;
    capacity |= uint256(limits.maxSpendPerDay) << MAX_SPEND;
    capacity |= uint256(limits.validUntil) << VALID_UNTIL;
    capacity |= uint256(limits.absorbVar) << ABSORB_VAR;
    capacity |= uint256(limits.feedVar) << FEED_VAR;
}

function unpackLimits(uint256 word, uint256 capacity) pure returns (Limits memory limits) {
    limits.maxBuy = int24(uint24(word));
    limits.minSell = int24(uint24(word >> 24));
    limits.maxBuyW = uint32(word >> 48);
    limits.maxSellW = uint32(word >> 80);
    limits.minReservePrice = int24(uint24(word >> 112));
    limits.maxReservePrice = int24(uint24(word >> 136));
    limits.maxReserveW = uint32(word >> 160);
    limits.maxCarbonPrice = int24(uint24(word >> 192));
    limits.minCarbonPrice = int24(uint24(word >> 216));
    limits.bus = uint16(word >> 240);
    limits.maxCarbonG = uint32(capacity);
    limits.maxSpendPerDay = uint48(capacity >> MAX_SPEND);
    limits.validUntil = uint40(capacity >> VALID_UNTIL);
    limits.absorbVar = uint24(capacity >> ABSORB_VAR);
    limits.feedVar = uint24(capacity >> FEED_VAR);
}

/**
 * The most a session of `periodSeconds` x `periods` can take from an account under a mandate, whoever signed it,
 * nano-dollars: in every period the dearer of buying and of selling all it may, with reserve in both directions, and
 * allowances; never more than a day's spend, which is all that bounds what the operator gives back.
 */
function mostLoss(Mandate memory mandate, uint256 periodSeconds, uint256 periods) pure returns (uint256 nano) {
    uint256 bought = uint256(mandate.maxBuyW) * _above(mandate.maxBuy);
    uint256 sold = uint256(mandate.maxSellW) * _above(-int256(mandate.minSell));
    uint256 reserve = uint256(mandate.maxReserveW) *
        (_above(mandate.maxReservePrice) + _above(-int256(mandate.minReservePrice)));
    uint256 boughtG = uint256(mandate.maxCarbonG) * _above(mandate.maxCarbonPrice);
    uint256 soldG = uint256(mandate.maxCarbonG) * _above(-int256(mandate.minCarbonPrice));
    // W x 1e-6 $ per kWh is 1e-9 $ an hour; a period that is no whole number of them is rounded up by less than one.
    nano = (((bought > sold ? bought : sold) + reserve) * periodSeconds * periods + 3599) / 3600;
    nano += boughtG > soldG ? boughtG : soldG;
    uint256 day = uint256(mandate.maxSpendPerDay) * 1000;
    if (nano > day || mandate.prosumer == OPERATOR) nano = day;
}

/**
 * The most that a delivery contract may take from an account for a session, nano-dollars, besides what the session
 * took: all the energy that the mandate lets it sell, promised and not delivered, at `imbalancePrice`, and a margin of
 * one day's spend for whatever else its meter shows. The market takes a posting up to the whole free deposit: this is
 * what the delivery contract must keep to.
 */
function mostTaken(
    Mandate memory mandate,
    uint256 periodSeconds,
    uint256 periods,
    uint256 imbalancePrice
) pure returns (uint256 nano) {
    nano = (uint256(mandate.maxSellW) * imbalancePrice * periodSeconds * periods + 3599) / 3600;
    nano += uint256(mandate.maxSpendPerDay) * 1000;
}

function _above(int256 price) pure returns (uint256) {
    return price > 0 ? uint256(price) : 0;
}
