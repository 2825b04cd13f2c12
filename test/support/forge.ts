/**
 * A settled session as a colluding committee would have it: whatever is changed is signed again by everybody who signs,
 * and the chain says what a contract without checks would say. Only what an auditor recomputes gives it away.
 */
import { AbiCoder, getAddress, hexlify, keccak256, TypedDataEncoder, type Wallet } from "ethers";
import { MARKET } from "../../offchain-solver/codec/abi.ts";
import { canonicalBytes } from "../../offchain-solver/codec/canonicalJson.ts";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import {
  attestation,
  ATTESTATION_TYPES,
  marketDomain,
  packSignatures,
  sessionHash,
  type SessionTerms,
} from "../../offchain-solver/codec/typedData.ts";
import { REGRET_TYPES, type Witness } from "../../offchain-solver/codec/witness.ts";
import { decodeDeltas } from "../../offchain-solver/ledger/deltas.ts";
import { SYSTEM_ID, type Delta } from "../../offchain-solver/ledger/settlementModel.ts";
import { DESK } from "../../offchain-solver/market/result/clearingResult.ts";
import { callKey, submitted, type ChainRecord, type RawLog } from "./recordedChain.ts";

/** A session that really settled, and all the keys of its committee. */
export type TrueSession = {
  readonly record: ChainRecord;
  readonly witness: Witness;
  readonly payload: Payload.Payload;
  readonly terms: SessionTerms;
  /** Node keys in the order of the committee's bits. */
  readonly committee: readonly Wallet[];
  /** By prosumer id. */
  readonly owners: ReadonlyMap<number, Wallet>;
};

export type Forgery = {
  /** What is posted; bytes where no payload has them. */
  readonly payload?: (payload: Payload.Payload) => Payload.Payload | Uint8Array;
  /** What is published; regrets are signed again by their owners. */
  readonly witness?: (witness: Witness) => Witness;
  /** The same after the regrets were signed. */
  readonly signed?: (witness: Witness) => unknown;
  /** What was frozen, if not what really was. */
  readonly frozen?: (terms: SessionTerms, witness: Witness) => SessionTerms;
  /** What is signed with, if not with everybody's keys. */
  readonly signatures?: (all: ReadonlyMap<number, string>) => { signers: number; signatures: string };
  /** Changes of money and allowances that the chain reports and books, if not the payload's. */
  readonly deltas?: (deltas: readonly Delta[]) => readonly Delta[];
  readonly settledAt?: bigint;
};

/** What an auditor is shown: the chain's record and the published files. */
export type Shown = { readonly record: ChainRecord; readonly files: Readonly<Record<string, string>> };

export async function forged(session: TrueSession, forgery: Forgery = {}): Promise<Shown> {
  const { record, committee } = session;
  const domain = marketDomain(BigInt(record.chainId), record.market);
  const made = forgery.payload?.(session.payload) ?? session.payload;
  const payload = made instanceof Uint8Array ? made : Payload.encode(made, session.terms.periods);
  const edited = forgery.witness?.(session.witness) ?? session.witness;
  const terms = forgery.frozen?.(session.terms, edited) ?? session.terms;
  const about = { session: sessionHash(terms), payload: keccak256(payload) };
  const claims = { ...edited, ...changedOnly(session.witness, edited, about) };
  const resigned = { ...claims, regrets: await signedBy(session.owners, domain, claims, edited, session.witness) };
  const published = forgery.signed?.(resigned) ?? resigned;
  const bytes = canonicalBytes(published as never);
  const bundle = keccak256(bytes);
  const said = attestation(terms, payload, bundle);
  const batch = TypedDataEncoder.hash(domain, ATTESTATION_TYPES, said);
  const all = new Map<number, string>();
  for (const [bit, key] of committee.entries()) all.set(bit, await key.signTypedData(domain, ATTESTATION_TYPES, said));
  const { signers, signatures } = (forgery.signatures ?? packSignatures)(all);
  const own = netted(made, payload);
  const input = MARKET.encodeFunctionData("settle", [payload, bundle, signers, signatures]);
  const shown = settledAs(record, { input, batch, terms, deltas: forgery.deltas?.(own) ?? own });
  const timed = forgery.settledAt === undefined ? shown : settledLate(shown, forgery.settledAt);
  return { record: timed, files: { [bundle]: new TextDecoder().decode(bytes) } };
}

/** A witness names its session and payload; where a case names others, those. */
function changedOnly(before: Witness, after: Witness, about: { session: string; payload: string }) {
  return {
    session: after.session === before.session ? about.session : after.session,
    payload: after.payload === before.payload ? about.payload : after.payload,
  };
}

async function signedBy(
  owners: TrueSession["owners"],
  domain: ReturnType<typeof marketDomain>,
  { session, payload }: { session: string; payload: string },
  edited: Witness,
  before: Witness,
): Promise<Witness["regrets"]> {
  const kept = edited.regrets !== before.regrets;
  return Promise.all(
    edited.regrets.map(async (regret) => {
      const owner = owners.get(regret.id);
      const untouched = before.regrets.find(({ id }) => id === regret.id)?.signature === regret.signature;
      if (owner === undefined || (kept && !untouched)) return regret;
      const claim = {
        session,
        payload,
        prosumer: regret.id,
        regretNano: BigInt(regret.regretNano),
        openNano: BigInt(regret.openNano),
      };
      return { ...regret, signature: await owner.signTypedData(domain, REGRET_TYPES, claim) };
    }),
  );
}

/** What the trades come to, whatever they are. */
function netted(made: Payload.Payload | Uint8Array, bytes: Uint8Array): Delta[] {
  if (made instanceof Uint8Array) return [];
  const parties = [
    ...made.participants.map((id, k) => [k, id] as const),
    ...[0, 1, 2].filter((k) => (made.systems >> k) & 1).map((k) => [DESK + k, SYSTEM_ID + k] as const),
  ];
  const sums = new Map(parties.map(([party, id]) => [party, { id, money: 0n, carbon: 0n }]));
  for (const { seller, buyer, product, quantity, price } of made.trades)
    for (const [party, sign] of [
      [seller, 1n],
      [buyer, -1n],
    ] as const) {
      const sum = sums.get(party);
      if (sum === undefined) continue;
      sum.money += sign * BigInt(quantity) * BigInt(price);
      if (product === "carbon") sum.carbon -= sign * BigInt(quantity);
    }
  return bytes.length === 0 ? [] : [...sums.values()];
}

const packed = (deltas: readonly Delta[]): string =>
  `0x${deltas
    .map(({ money, carbon }) => (BigInt.asUintN(72, money) << 56n) | BigInt.asUintN(56, carbon))
    .map((word) => word.toString(16).padStart(32, "0"))
    .join("")}`;

type Settled = { input: string; batch: string; terms: SessionTerms; deltas: readonly Delta[] };

const named = (log: RawLog, market: string): string | undefined =>
  getAddress(log.address) === market ? MARKET.parseLog(log)?.name : undefined;

/** The record with another settlement in place of its last. */
function settledAs(record: ChainRecord, { input, batch, terms, deltas }: Settled): ChainRecord {
  const { market } = record;
  const old = record.logs.findLast((log) => named(log, market) === "Settled") as RawLog;
  const block = Number(old.blockNumber);
  const event = MARKET.getEvent("Settled");
  if (event === null) throw new Error("no event Settled");
  const { sequence, ordinal } = MARKET.parseLog(old)?.args as never;
  const encoded = MARKET.encodeEventLog(event, [sequence, batch, ordinal, packed(deltas)]);
  const logs = record.logs.map((log) => {
    if (log === old) return { ...old, ...encoded };
    return named(log, market) === "SessionFrozen" ? frozenAs(log, terms) : log;
  });
  const before = oldDeltas(record, old);
  const calls = { ...record.calls };
  for (const key of Object.keys(calls)) {
    const [to, data, at] = key.split(" ");
    if (getAddress(to) !== market || Number(at) < block) continue;
    const call = MARKET.parseTransaction({ data });
    if (call?.name === "lastBatch" || (call?.name === "batchAt" && call.args[0] === sequence)) calls[key] = batch;
    if (call?.name === "account") {
      const id = Number(call.args[0]);
      calls[key] = bookedAs(calls[callKey(market, data, block - 1)], calls[key], {
        now: deltas.find((delta) => delta.id === id),
        before: before.find((delta) => delta.id === id),
        day: terms.start / 86_400n,
      });
    }
  }
  return submitted({ ...record, logs, calls }, old.transactionHash, { to: market, input });
}

function oldDeltas(record: ChainRecord, settled: RawLog): Delta[] {
  const call = MARKET.parseTransaction({ data: record.transactions[settled.transactionHash].input });
  const data = MARKET.parseLog(settled)?.args.deltas as string;
  const bytes = (text: string): Uint8Array => Uint8Array.from(text.slice(2).match(/../g) ?? [], (b) => parseInt(b, 16));
  return decodeDeltas(bytes(call?.args.payload as string), bytes(data));
}

function frozenAs(log: RawLog, terms: SessionTerms): RawLog {
  const event = MARKET.getEvent("SessionFrozen");
  const args = MARKET.parseLog(log)?.args;
  if (event === null || args === undefined) throw new Error("no event SessionFrozen");
  const values = event.inputs.map(({ name }, k) =>
    name === "sessionHash" ? sessionHash(terms) : name in terms ? terms[name as keyof SessionTerms] : args[k],
  );
  return { ...log, ...MARKET.encodeEventLog(event, values) };
}

type Booking = { now: Delta | undefined; before: Delta | undefined; day: bigint };

/** An account's word after the settlement: as it was before it, with the change. */
function bookedAs(earlier: string, later: string, { now, before, day }: Booking): string {
  const [word] = MARKET.decodeFunctionResult("account", later);
  const [first] = MARKET.decodeFunctionResult("account", earlier);
  const carbon = word.carbon - (before?.carbon ?? 0n) + (now?.carbon ?? 0n);
  const deposit = word.deposit - (before?.money ?? 0n) + (now?.money ?? 0n);
  const money = now?.money ?? 0n;
  const due = (delta: Delta | undefined): bigint =>
    delta === undefined || delta.id > SYSTEM_ID || delta.money < 0n ? 0n : (delta.money + 999_999n) / 1_000_000n;
  const values = {
    ...word.toObject(),
    deposit: BigInt.asUintN(64, deposit),
    carbon: BigInt.asIntN(56, carbon),
    // Whoever takes part has what it received held, and a new day's spending.
    held: now === undefined && before === undefined ? word.held : word.held - due(before) + due(now),
    spentMicro: BigInt.asUintN(
      48,
      now === undefined
        ? first.spentMicro
        : (first.day === day ? first.spentMicro : 0n) + (money < 0n ? (-money + 999n) / 1000n : 0n),
    ),
    day: now === undefined ? first.day : day,
  };
  const output = MARKET.getFunction("account")?.outputs[0];
  if (output === undefined) throw new Error("no function account");
  return AbiCoder.defaultAbiCoder().encode([output], [values]);
}

function settledLate(record: ChainRecord, timestamp: bigint): ChainRecord {
  const old = record.logs.findLast((log) => named(log, record.market) === "Settled") as RawLog;
  const block = Number(old.blockNumber);
  const blocks = { ...record.blocks, [block]: { ...record.blocks[block], timestamp: `0x${timestamp.toString(16)}` } };
  return { ...record, blocks };
}

/** Text of the bytes of a log or a code with one of them changed. */
export const flipped = (text: string, at: number): string => {
  const place = 2 + 2 * at;
  const byte = (parseInt(text.slice(place, place + 2), 16) ^ 1).toString(16).padStart(2, "0");
  return hexlify(text.slice(0, place) + byte + text.slice(place + 2));
};
