/**
 * Golden vectors shared by TypeScript and Solidity: `node scripts/generate/vectors.ts [DIRECTORY]` writes payloads.json
 * (results, their bytes, and what they are refused with) and typedData.json (mandates, sessions, attestations and their
 * hashes).
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hexlify, keccak256, TypedDataEncoder } from "ethers";
import * as Grid from "../../offchain-solver/codec/gridModel.ts";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import * as StandingLoads from "../../offchain-solver/codec/standingLoads.ts";
import { attempt } from "../../offchain-solver/codec/refusal.ts";
import { type Ledger, settle } from "../../offchain-solver/ledger/settlementModel.ts";
import { ATTESTATION_TYPES, MANDATE_TYPES, sessionHash } from "../../offchain-solver/codec/typedData.ts";
import type { ClearingResult } from "../../offchain-solver/market/result/clearingResult.ts";
import { batch, generator } from "../../test/support/batches.ts";

const IDS = [101, 102, 104, 109];
const PERIODS = 2;
const SYSTEMS = [0xfffffffd, 0xfffffffe, 0xffffffff];

const grid: Grid.GridModel = {
  buses: 5,
  branches: [0, 1, 1, 3].map((parent) => ({
    parent,
    rating: parent === 3 ? Grid.UNLIMITED : 25_000n,
    vMin2: (1n << 32n) - 40_000n,
    vMax2: (1n << 32n) + 40_000n,
    r: 30_000_000n,
    x: 12_000_000n,
  })),
  prosumers: IDS.map((id, k) => ({ id, bus: k + 1, absorbVar: 2_100, feedVar: 2_050 })),
};
const limits = {
  maxBuy: 180_000n,
  minSell: -20_500n,
  maxBuyW: 30_000n,
  maxSellW: 30_000n,
  minReservePrice: 0n,
  maxReservePrice: 30_000n,
  maxReserveW: 2_000n,
  maxCarbonPrice: 60_000n,
  minCarbonPrice: 0n,
  maxCarbonG: 1_500n,
  maxSpendPerDay: 5_000_000n,
  validUntil: 2_000_000_000n,
};
const accounts = [...IDS, ...SYSTEMS];
const ledger: Ledger = {
  terms: {
    start: 1_800_000_000n,
    periodSeconds: 3600,
    periods: PERIODS,
    ordinal: 7n,
    priceCap: 3_000_000n,
    imbalancePrice: 150_000n,
    epochDay: 20_833n,
    beforeDay: 20_831n,
  },
  grid,
  standing: [
    { id: 101, watts: [-1_000, 2_000], vars: [-100, 200] },
    { id: 104, watts: [-3_000_000], vars: [0] },
  ],
  accounts: new Map(
    accounts.map((id) => [
      id,
      { deposit: 9_000_000_000n, carbon: 2_000n, heldBefore: 3n, held: 4n, spentMicro: 5n, day: 20_832n },
    ]),
  ),
  limits: new Map(accounts.map((id) => [id, limits])),
};

const json = (value: unknown): string =>
  `${JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? inner.toString() : inner), 1)}\n`;

const results: { name: string; result: ClearingResult }[] = Array.from({ length: 12 }, (_, seed) => ({
  name: `seed ${seed}`,
  result: batch(
    { ids: IDS, periods: PERIODS, energy: seed % 4, reserve: seed % 3, carbon: seed % 2, systems: seed > 3 },
    generator(seed),
  ),
}));
const changed = (
  name: string,
  change: (result: ClearingResult) => ClearingResult,
): { name: string; result: ClearingResult } => ({
  name,
  result: change(results[7].result),
});
const atFirst = (fields: object) => (result: ClearingResult) => ({
  ...result,
  trades: result.trades.map((trade, k) => (k === 0 ? { ...trade, ...fields } : trade)),
});
const without = (id: number) => (result: ClearingResult) => {
  const participants = IDS.filter((one) => one !== id);
  return { ...result, participants, trades: [], reactiveVar: participants.map(() => [0, 0]) };
};
results.push(
  changed("ids not ascending", (result) => ({ ...result, participants: [102, 101, 104, 109] })),
  changed("an id nobody locked", (result) => ({ ...result, participants: [101, 102, 103, 109] })),
  changed("trades in reverse", (result) => ({ ...result, trades: result.trades.toReversed() })),
  changed("a quantity of zero", atFirst({ quantity: 0 })),
  changed("a charge on another quantity", atFirst({ quantity: 1 })),
  changed("a price beyond the cap", atFirst({ price: -3_000_001 })),
  changed("a price at the end of its bytes", atFirst({ price: 0x7fffff })),
  changed("more reactive power than is registered", (result) => ({
    ...result,
    trades: [],
    reactiveVar: result.reactiveVar.map((row, k) => (k === 2 ? [row[0], -2_101] : row)),
  })),
  changed("a home takes no part and loads its line", without(101)),
  changed("a home takes no part and overloads its line", without(104)),
  changed("the operator buys", atFirst({ seller: 1, buyer: 0xfffe })),
  changed("a period that is not", atFirst({ period: 9 })),
  changed("a party that is not", atFirst({ buyer: 44 })),
);

const payloads = results.map(({ name, result }) => {
  const bytes = Payload.encode(Payload.fromResult(result), PERIODS);
  const outcome = settle(ledger, bytes);
  const refused = outcome.kind === "refused" ? { predicate: outcome.predicate, detail: outcome.detail } : undefined;
  const deltas = outcome.kind === "settled" ? outcome.deltas : undefined;
  return { name, result, bytes: hexlify(bytes), ...(refused && { refused }), ...(deltas && { deltas }) };
});

/** Results that have no bytes: refused before there is a payload. */
const unencodable = [
  changed("a quantity of 2^32", atFirst({ quantity: 2 ** 32 })),
  changed("a price of 2^23", atFirst({ price: 2 ** 23 })),
  changed("a price of -2^23 - 1", atFirst({ price: -(2 ** 23) - 1 })),
  changed("a period of 256", atFirst({ period: 256 })),
  changed("a party of 65,536", atFirst({ buyer: 65_536 })),
  changed("an id of 2^32", (result) => ({ ...result, participants: [101, 102, 104, 2 ** 32] })),
  changed("a row of reactive power too few", (result) => ({ ...result, reactiveVar: result.reactiveVar.slice(1) })),
  changed("reactive power of 2^23", (result) => ({
    ...result,
    reactiveVar: result.reactiveVar.map(() => [2 ** 23, 0]),
  })),
].map(({ name, result }) => {
  const refusal = attempt(() => Payload.encode(Payload.fromResult(result), PERIODS));
  if (refusal instanceof Uint8Array) throw new Error(`${name}: there are bytes`);
  return { name, result, refused: { predicate: refusal.predicate, detail: refusal.detail } };
});

const mandates = [1n, 2n].map((nonce) => {
  const mandate = { prosumer: 101, ...limits, nonce };
  return { mandate, hash: TypedDataEncoder.hashStruct("Mandate", MANDATE_TYPES, mandate) };
});
const sessions = [1n, 2n].map((sequence) => {
  const terms = {
    epoch: 3n,
    sequence,
    ordinal: 7n,
    previousBatch: keccak256("0x01"),
    gridModel: keccak256(Grid.encode(grid)),
    termsHash: keccak256("0x02"),
    imbalancePrice: 150_000n,
    start: 1_800_000_000n,
    periodSeconds: 3600,
    periods: PERIODS,
    deadline: 1_800_003_600n,
  };
  const payload = payloads[Number(sequence)].bytes;
  const bundle = keccak256("0x03");
  const attestation = TypedDataEncoder.hashStruct("Attestation", ATTESTATION_TYPES, {
    session: terms,
    payload: keccak256(payload),
    bundle,
  });
  return { terms, hash: sessionHash(terms), payload, bundle, attestation };
});

const directory = process.argv[2] ?? fileURLToPath(new URL("../../test/vectors", import.meta.url));
mkdirSync(directory, { recursive: true });
const state = {
  terms: ledger.terms,
  grid: hexlify(Grid.encode(grid)),
  standing: hexlify(StandingLoads.encode(ledger.standing ?? [])),
  accounts: [...ledger.accounts],
  limits: [...ledger.limits],
};
writeFileSync(join(directory, "payloads.json"), json({ state, payloads, unencodable }));
writeFileSync(join(directory, "typedData.json"), json({ mandates, sessions }));
