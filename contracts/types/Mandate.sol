// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

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

/// The mandate as a session enforces it, frozen with it: two words.
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
}

/// A registered mandate.
struct Registered {
    Limits limits;
    uint48 maxSpendPerDay;
    uint40 validUntil;
    uint64 nonce;
}

// Where a nonce's series starts.
uint64 constant SERIES = 40;

bytes32 constant MANDATE_TYPEHASH = keccak256(
    "Mandate(uint32 prosumer,int24 maxBuy,int24 minSell,uint32 maxBuyW,uint32 maxSellW,int24 minReservePrice,int24 maxReservePrice,uint32 maxReserveW,int24 maxCarbonPrice,int24 minCarbonPrice,uint32 maxCarbonG,uint48 maxSpendPerDay,uint40 validUntil,uint64 nonce)"
);

/// EIP-712 struct hash: all members are static, so the ABI encoding of the struct is its encodeData.
function hashMandate(Mandate memory mandate) pure returns (bytes32) {
    return keccak256(abi.encode(MANDATE_TYPEHASH, mandate));
}

/// The members up to the bus in order, the first in the lowest bits, as storage would pack them; what else there is in
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
}

/**
 * The most a session of `periodSeconds` x `periods` can take from an account under a mandate, whoever signed it,
 * nano-dollars: in every period the dearer of buying and of selling all it may, with reserve in both directions, and
 * allowances; never more than a day's spend.
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
    if (nano > day) nano = day;
}

function _above(int256 price) pure returns (uint256) {
    return price > 0 ? uint256(price) : 0;
}
