/** A settled session and what is entered for it: readings, their attestation, the call. */
import { expect } from "chai";
import { type Contract, keccak256, type Wallet } from "ethers";
import * as Chain from "../../offchain-solver/chain/deployment.ts";
import * as Onboarding from "../../offchain-solver/chain/onboarding.ts";
import * as Session from "../../offchain-solver/chain/session.ts";
import {
  type Connection,
  CONNECTION_TYPES,
  deliveryDomain,
  entryCommitment,
  type Kind,
  KINDS,
  READINGS_TYPES,
  rowProof,
  rowsRoot,
} from "../../offchain-solver/codec/deliveryData.ts";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import { encodeReadings, rowBytes, type Row, type SessionReadings } from "../../offchain-solver/codec/readings.ts";
import { packSignatures, quorumOf, type SessionTerms } from "../../offchain-solver/codec/typedData.ts";
import { type ClearingResult, type Trade } from "../../offchain-solver/market/result/clearingResult.ts";
import { INSURANCE_ID } from "../../offchain-solver/ledger/posting.ts";
import { as, held } from "./calls.ts";
import { wallet } from "./keys.ts";
import { BUNDLE, freeze, type FreezeOptions, sign, SYSTEM_IDS, type World } from "./world.ts";

export const ZERO = `0x${"0".repeat(64)}`;
export const NOBODY = `0x${"0".repeat(40)}`;
/** 5 kW in, 8 kW out, 6 kW of sun, at most 0.4 $ a kWh. */
export const HOME = { feedW: 5_000, takeW: 8_000, renewableW: 6_000, maxPrice: 400_000 };

export type SettledSession = {
  readonly world: World;
  readonly terms: SessionTerms;
  readonly payload: Uint8Array;
  readonly batch: string;
  readonly sequence: number;
  readonly result: ClearingResult;
  readonly end: number;
};

/** What the entries of a session have come to so far. */
export type Entered = { readonly number: number; readonly commitment: string; readonly readings: Uint8Array };
export const NONE: Entered = { number: 0, commitment: ZERO, readings: new Uint8Array() };

export const delivery = (world: World): Contract => Chain.deliveryContracts(world.deployment, world.admin).delivery;
export const credits = (world: World): Contract => Chain.deliveryContracts(world.deployment, world.admin).carbonCredit;
/** How long after a session values may still come, s. */
const CLOSES = Chain.DELIVERY_WINDOWS.metering;

export const time = (world: World) => world.connection.networkHelpers.time;

/** Registers each home's connection, signed by its wallet. */
export async function connectHomes(
  world: World,
  homes: (id: number) => Partial<Connection> = () => ({}),
  nonce = 1n,
): Promise<void> {
  const domain = deliveryDomain(world.deployment.chainId, world.deployment.delivery as string);
  const connections = world.ids.map((id) => ({ prosumer: id, ...HOME, nonce, ...homes(id) }));
  const signatures = await Promise.all(
    connections.map((one) => (world.wallets.get(one.prosumer) as Wallet).signTypedData(domain, CONNECTION_TYPES, one)),
  );
  await Chain.send(delivery(world), "registerConnections", connections, signatures);
}

/** Registers the insurance fund and pays so much in; the admin can pay in more. Returns the fund's wallet. */
export async function registerFund(world: World, nano = 0n): Promise<Wallet> {
  const keys = { nodeKey: wallet("node", INSURANCE_ID), meterKey: wallet("meter", INSURANCE_ID) };
  const party = { id: INSURANCE_ID, wallet: keys.nodeKey.address, ...keys };
  await Onboarding.register(world.deployment, world.admin, [party]);
  await Chain.send(world.contracts.token, "mint", await world.admin.getAddress(), 10n ** 12n);
  await Chain.send(world.contracts.token, "approve", world.deployment.market, 10n ** 12n);
  if (nano > 0n) await Chain.send(as(world.contracts.market, world.admin), "deposit", INSURANCE_ID, nano / 1000n);
  return keys.nodeKey;
}

/** Freezes and settles a session of `trades`, of everybody unless told who takes part. */
export async function settleSession(
  world: World,
  trades: readonly Trade[],
  periods = 2,
  { participants = world.ids, ...options }: FreezeOptions & { readonly participants?: readonly number[] } = {},
): Promise<SettledSession> {
  const frozen = await freeze(world, periods, { imbalancePrice: 120_000, ...options });
  const result: ClearingResult = {
    sessionStart: Number(frozen.terms.start),
    periodSeconds: frozen.terms.periodSeconds,
    periods,
    participants,
    trades,
    reactiveVar: participants.map(() => Array<number>(periods).fill(0)),
  };
  const payload = Payload.encode(Payload.fromResult(result), periods);
  await Session.postAndSettle(world.deployment, world.admin, payload, BUNDLE, await sign(world, frozen, payload));
  const sequence = Number(frozen.terms.sequence) + 1;
  const batch = (await world.contracts.market.getFunction("batchAt").staticCall(sequence)) as string;
  const end = result.sessionStart + periods * result.periodSeconds;
  return { world, terms: frozen.terms, payload, batch, sequence, result, end };
}

/** Energy sold less bought, Wh, of the k-th participant in a period. */
export const positionWh = ({ result }: SettledSession, k: number, t: number): number =>
  result.trades
    .filter(({ product, period }) => product === "energy" && period === t)
    .reduce((sum, trade) => sum + (trade.seller === k ? trade.quantity : trade.buyer === k ? -trade.quantity : 0), 0);

export const PRICES = { shortPrice: 110_000, longPrice: 30_000, responsePrice: 70_000 };

/** Readings in which everybody did as promised, but for what `change` says of a row. */
export function readingsOf(
  session: SettledSession,
  change: (row: Row, k: number) => Row = (row) => row,
  rest: Partial<SessionReadings> = {},
): SessionReadings {
  const { participants, periods } = session.result;
  const rows = participants.map((id, k): Row => {
    const values = Array.from({ length: periods }, (_, t) => {
      const dueWh = positionWh(session, k, t);
      return { dueWh, meteredWh: dueWh, quality: 0, renewableWh: 0 };
    });
    return change({ id, released: 0, emissionsG: 0, values }, k);
  });
  const prices = Array.from({ length: periods }, () => PRICES);
  return { allowancePrice: 50_000, prices, rows, responses: [], ...rest };
}

export type EntryOptions = {
  readonly kind?: Kind;
  readonly reason?: string;
  readonly before?: Entered;
  /** Members that sign; the first quorum unless given. */
  readonly bits?: readonly number[];
  /** Other things than are due, for attacks: in what is signed, and in the call. */
  readonly signed?: Readonly<Record<string, unknown>>;
  readonly posted?: Readonly<Record<string, unknown>>;
  readonly domain?: Readonly<Record<string, unknown>>;
  readonly epoch?: bigint;
};

/** The code that holds everybody's connections since they were registered last. */
export async function connectionsAt(world: World): Promise<string> {
  const contract = delivery(world);
  const [last] = (await contract.queryFilter(contract.filters.ConnectionsWritten(), 0)).slice(-1);
  return last === undefined ? NOBODY : contract.interface.parseLog(last)?.args.pointer;
}

/** Arguments of `deliver`, attested. */
export async function entryOf(session: SettledSession, readings: Uint8Array, options: EntryOptions = {}) {
  const { world, terms } = session;
  const { kind = "final", reason = ZERO, before = NONE, bits } = options;
  const open = (await time(world).latest()) + 1 < session.end + CLOSES;
  const message = {
    batch: session.batch,
    epoch: options.epoch ?? (open ? terms.epoch : 0n),
    entry: before.number + 1,
    previous: before.commitment,
    kind: KINDS.indexOf(kind),
    readings: keccak256(readings),
    meters: ZERO,
    reason,
    ...options.signed,
  };
  const domain = {
    ...deliveryDomain(world.deployment.chainId, world.deployment.delivery as string),
    ...options.domain,
  };
  const signing = bits ?? Array.from({ length: quorumOf(world.committee.length) }, (_, k) => k);
  const signatures = new Map<number, string>();
  for (const bit of signing) {
    const key = world.nodeKeys.get(world.committee[bit]) as Wallet;
    signatures.set(bit, await key.signTypedData(domain, READINGS_TYPES, message));
  }
  const packed = packSignatures(signatures);
  const connections = before.number === 0 ? NOBODY : await connectionsAt(world);
  const posting = {
    terms,
    payload: keccak256(session.payload),
    bundle: BUNDLE,
    kind: message.kind,
    meters: ZERO,
    reason,
    connections,
    ...options.posted,
  };
  return [posting, readings, before.readings, packed.signers, packed.signatures] as const;
}

/** Enters readings and says what the next entry has to name. */
export async function deliver(
  session: SettledSession,
  readings: SessionReadings | Uint8Array,
  options: EntryOptions = {},
): Promise<Entered & { readonly gas: bigint; readonly hash: string }> {
  const bytes = readings instanceof Uint8Array ? readings : encodeReadings(readings);
  const args = await entryOf(session, bytes, options);
  const { gasUsed, hash } = await Chain.send(delivery(session.world), "deliver", ...args);
  return { ...(await enteredAs(session, bytes, (options.before ?? NONE).number + 1)), gas: gasUsed, hash };
}

export async function enteredAs(session: SettledSession, readings: Uint8Array, number: number): Promise<Entered> {
  const connections = await connectionsAt(session.world);
  const commitment = entryCommitment(session.batch, readings, session.result.periods, connections);
  return { number, commitment, readings };
}

/** What claims and objections name: the commitment's parts, the row and its proof. */
export async function rowOf(session: SettledSession, { readings }: Entered, k: number) {
  const { periods } = session.result;
  const committed = {
    batch: session.batch,
    readings: keccak256(readings),
    rows: rowsRoot(readings, periods),
    connections: await connectionsAt(session.world),
  };
  return [session.sequence, committed, rowBytes(readings, periods)[k], rowProof(readings, periods, k)] as const;
}

/** The value of one period changed. */
export const metered = (row: Row, t: number, change: Partial<Row["values"][number]>): Row => ({
  ...row,
  values: row.values.map((value, k) => (k === t ? { ...value, ...change } : value)),
});

/** What an action moves, account by account; the sum of all is checked to be nothing. */
export async function movedBy(world: World, act: () => Promise<unknown>): Promise<Map<number, bigint>> {
  const ids = [...world.ids, INSURANCE_ID, ...SYSTEM_IDS];
  const balances = async () => new Map(await Promise.all(ids.map(async (id) => [id, await held(world, id)] as const)));
  const before = await balances();
  await act();
  const after = await balances();
  const moved = new Map([...after].map(([id, nano]) => [id, nano - (before.get(id) as bigint)]));
  expect([...moved.values()].reduce((a, b) => a + b)).to.equal(0n);
  return moved;
}
