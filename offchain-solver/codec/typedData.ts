/** What is signed (EIP-712), and its hashes. One codec with contracts/types/*.sol; golden vectors in test/vectors. */
import { keccak256, Signature, TypedDataEncoder, type TypedDataDomain, type TypedDataField } from "ethers";

type Types = Record<string, TypedDataField[]>;
const fields = (text: string): TypedDataField[] =>
  text.split(",").map((field) => {
    const [type, name] = field.trim().split(" ");
    return { type, name };
  });

/** What a mandate bounds in a period or a session. */
export type Limits = {
  readonly maxBuy: bigint;
  readonly minSell: bigint;
  /** Net power in one period, W. */
  readonly maxBuyW: bigint;
  readonly maxSellW: bigint;
  readonly minReservePrice: bigint;
  readonly maxReservePrice: bigint;
  readonly maxReserveW: bigint;
  readonly maxCarbonPrice: bigint;
  readonly minCarbonPrice: bigint;
  /** Allowances bought or sold net in one session. */
  readonly maxCarbonG: bigint;
};

/** A mandate as the table of a session holds it. */
export type FrozenLimits = Limits & {
  /** Micro-dollars, net over the sessions that start on one UTC day. */
  readonly maxSpendPerDay: bigint;
  /** Unix seconds; a session that ends later does not use the mandate. */
  readonly validUntil: bigint;
};

export type Mandate = FrozenLimits & {
  readonly prosumer: number;
  /**
   * The account's series, which a revocation or a change of its wallet raises, times 2^40, and a number larger than
   * that of each mandate before in it.
   */
  readonly nonce: bigint;
};

/** Limits from the two words in which the chain holds them (contracts/types/Mandate.sol). */
export function unpackLimits(word: bigint, capacity: bigint): FrozenLimits {
  const unsigned = (from: bigint, at: number, bits: number) => BigInt.asUintN(bits, from >> BigInt(at));
  const signed = (at: number) => BigInt.asIntN(24, word >> BigInt(at));
  return {
    maxBuy: signed(0),
    minSell: signed(24),
    maxBuyW: unsigned(word, 48, 32),
    maxSellW: unsigned(word, 80, 32),
    minReservePrice: signed(112),
    maxReservePrice: signed(136),
    maxReserveW: unsigned(word, 160, 32),
    maxCarbonPrice: signed(192),
    minCarbonPrice: signed(216),
    maxCarbonG: unsigned(capacity, 0, 32),
    maxSpendPerDay: unsigned(capacity, 32, 48),
    validUntil: unsigned(capacity, 80, 40),
  };
}

/** Everything the signers of a batch commit to besides the payload; the chain reads it from its own storage. */
export type SessionTerms = {
  readonly epoch: bigint;
  readonly sequence: bigint;
  readonly ordinal: bigint;
  readonly previousBatch: string;
  readonly gridModel: string;
  /** Of the public scenario and settings that everybody invited was given. */
  readonly termsHash: string;
  /** What a kWh costs that is sold and not delivered, 1e-6 $ per kWh. */
  readonly imbalancePrice: bigint;
  readonly start: bigint;
  readonly periodSeconds: number;
  readonly periods: number;
  readonly deadline: bigint;
};

export const MANDATE_TYPES: Types = {
  Mandate: fields(
    "uint32 prosumer, int24 maxBuy, int24 minSell, uint32 maxBuyW, uint32 maxSellW, int24 minReservePrice, " +
      "int24 maxReservePrice, uint32 maxReserveW, int24 maxCarbonPrice, int24 minCarbonPrice, uint32 maxCarbonG, uint48 maxSpendPerDay, " +
      "uint40 validUntil, uint64 nonce",
  ),
};

export const ATTESTATION_TYPES: Types = {
  Attestation: fields("Session session, bytes32 payload, bytes32 bundle"),
  Session: fields(
    "uint32 epoch, uint32 sequence, uint32 ordinal, bytes32 previousBatch, bytes32 gridModel, bytes32 termsHash, uint24 imbalancePrice, uint64 start, " +
      "uint32 periodSeconds, uint32 periods, uint64 deadline",
  ),
};

export const NODE_KEY_TYPES: Types = { NodeKey: fields("uint32 prosumer, address wallet, uint64 rotation") };
export const METER_KEY_TYPES: Types = { MeterKey: fields("uint32 prosumer, address wallet, uint64 rotation") };

export function marketDomain(chainId: bigint, market: string): TypedDataDomain {
  return { name: "gridpact", version: "1", chainId, verifyingContract: market };
}

export function registryDomain(chainId: bigint, registry: string): TypedDataDomain {
  return { name: "gridpact registry", version: "1", chainId, verifyingContract: registry };
}

export function mandateDigest(domain: TypedDataDomain, mandate: Mandate): string {
  return TypedDataEncoder.hash(domain, MANDATE_TYPES, mandate);
}

export function nodeKeyDigest(domain: TypedDataDomain, prosumer: number, wallet: string, rotation: bigint): string {
  return TypedDataEncoder.hash(domain, NODE_KEY_TYPES, { prosumer, wallet, rotation });
}

export function meterKeyDigest(domain: TypedDataDomain, prosumer: number, wallet: string, rotation: bigint): string {
  return TypedDataEncoder.hash(domain, METER_KEY_TYPES, { prosumer, wallet, rotation });
}

/** Equal to the contract's `sessionHash` while the session is open. */
export function sessionHash(terms: SessionTerms): string {
  return TypedDataEncoder.hashStruct("Session", { Session: ATTESTATION_TYPES.Session }, terms);
}

/** The digest every node signs, and the batch's name on chain. */
export function attestationDigest(
  domain: TypedDataDomain,
  session: SessionTerms,
  payload: Uint8Array,
  bundleHash: string,
): string {
  return TypedDataEncoder.hash(domain, ATTESTATION_TYPES, attestation(session, payload, bundleHash));
}

/** What `ATTESTATION_TYPES` encode. `bundleHash`: of the witness that the nodes publish with the batch. */
export function attestation(session: SessionTerms, payload: Uint8Array, bundleHash: string) {
  return { session, payload: keccak256(payload), bundle: bundleHash };
}

/** n members, f = floor((n - 1)/3) of them faulty: any two quorums share an honest member. */
export function quorumOf(members: number): number {
  const faulty = Math.floor((members - 1) / 3);
  return Math.floor((members + faulty) / 2) + 1;
}

/** Bit k of `signers` and, in the order of the bits, 64 bytes a signature (EIP-2098). */
export function packSignatures(signatures: ReadonlyMap<number, string>): { signers: number; signatures: string } {
  let signers = 0;
  let packed = "0x";
  for (const bit of [...signatures.keys()].sort((a, b) => a - b)) {
    signers += 2 ** bit;
    packed += Signature.from(signatures.get(bit)).compactSerialized.slice(2);
  }
  return { signers, signatures: packed };
}
