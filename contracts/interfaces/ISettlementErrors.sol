// SPDX-License-Identifier: MIT
pragma solidity 0.8.36;

/// @title What a batch can be refused for. The names are those of the predicates in TypeScript.
/// @notice Stages, in order; within a stage in the order of the payload. Every implementation refuses with the first.
interface ISettlementErrors {
    // The session
    error SettlementPaused();
    error NoOpenSession();
    error DeadlinePassed(uint256 deadline);
    // The bytes
    error PayloadLength(uint256 length);
    error TooManyTrades(uint256 trades);
    // The quorum
    error SignaturesLength(uint256 length);
    error QuorumNotReached(uint256 signers, uint256 quorum);
    error UnknownMember(uint256 bit);
    error BadSignature(uint256 bit);
    // The participants
    error ParticipantsNotAscending(uint256 index);
    error NotLocked(uint32 id);
    // The trades, one by one
    error TradesNotAscending(uint256 trade);
    error UnknownPeriod(uint256 trade);
    error UnknownParty(uint256 trade);
    error SelfTrade(uint256 trade);
    error WrongParties(uint256 trade);
    error ZeroQuantity(uint256 trade);
    error PriceBeyondCap(uint256 trade);
    error RebatePositive(uint256 trade);
    error ReservePriceOutsideMandate(uint32 id, uint256 trade);
    // Those who take no part: what they load the feeder with was not posted
    error StandingLoadsMissing();
    // The accounts, one by one: each period, then the whole session
    error NetworkMismatch(uint32 id, uint256 period);
    error EnergyMoneyBeyondMandate(uint32 id, uint256 period);
    error EnergyBeyondMandate(uint32 id, uint256 period);
    error ReserveBeyondMandate(uint32 id, uint256 period);
    error ReactiveBeyondCapability(uint32 id, uint256 period);
    error CarbonMoneyBeyondMandate(uint32 id);
    error CarbonBeyondMandate(uint32 id);
    error SpendBeyondLock(uint32 id);
    error DepositOverflow(uint32 id);
    error CarbonBelowZero(uint32 id);
    error CarbonOverflow(uint32 id);
    // The grid, period by period
    error LineLimit(uint256 period, uint256 bus);
    error VoltageBand(uint256 period, uint256 bus);
}
