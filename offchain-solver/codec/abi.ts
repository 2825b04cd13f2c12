/** The events and calls an auditor reads, apart from any build: a test holds them against the compiled contracts. */
import { Interface } from "ethers";

const MANDATE =
  "(uint32 prosumer,int24 maxBuy,int24 minSell,uint32 maxBuyW,uint32 maxSellW,int24 minReservePrice,int24 maxReservePrice," +
  "uint32 maxReserveW,int24 maxCarbonPrice,int24 minCarbonPrice,uint32 maxCarbonG,uint48 maxSpendPerDay,uint40 validUntil,uint64 nonce)";

export const MARKET = new Interface([
  "event Deposited(uint32 indexed id, address indexed from, uint256 nano)",
  "event WithdrawalRequested(uint32 indexed id, uint256 tokens, uint256 availableAt)",
  "event AllowancesIssued(uint32 indexed id, uint256 grams)",
  `event MandateRegistered(uint32 indexed id, ${MANDATE} mandate)`,
  "event MandateRevoked(uint32 indexed id, uint64 nonce)",
  "event MandateEnded(uint32 indexed id)",
  "event MandateLocked(uint24 indexed ordinal, uint32 indexed id, uint256 limits, uint256 capacity, uint48 lockedMicro)",
  "event LeftOut(uint24 indexed ordinal, uint32 indexed id)",
  "event SessionFrozen(uint24 indexed ordinal, bytes32 indexed sessionHash, uint40 start, uint32 periodSeconds, uint8 periods, uint40 deadline, uint32 sequence, bytes32 previousBatch, bytes32 gridModel, bytes32 termsHash, uint32 epoch)",
  "event Settled(uint32 indexed sequence, bytes32 indexed batch, uint24 indexed ordinal, bytes deltas)",
  "event SessionCancelled(uint24 indexed ordinal)",
  "event PriceCapChanged(uint24 priceCap)",
  "function settle(bytes payload, bytes32 bundleHash, uint32 signers, bytes signatures) returns (bytes32 batch)",
  "function registry() view returns (address)",
  "function account(uint32 id) view returns ((uint64 deposit, int56 carbon, uint48 lockedMicro, uint48 spentMicro, uint16 day, uint24 session))",
]);

export const REGISTRY = new Interface([
  "event Registered(uint32 indexed id, address indexed wallet, address nodeKey, address meterKey)",
  "event NodeKeyRotated(uint32 indexed id, address nodeKey)",
  "event GridModelAdded(uint32 indexed version, bytes32 indexed hash, address pointer)",
  "event CommitteeAppointed(uint32 indexed epoch, address pointer, uint8 quorum, uint40 effectiveAt, uint32[] ids)",
  "event MemberChanged(uint32 indexed epoch, uint32 previous, address pointer, uint32 indexed id, uint256 bit, address key)",
]);
