/**
 * A small world to settle in: one feeder, its prosumers with keys, money, allowances and mandates, and their committee.
 */
import { network } from "hardhat";
import { type Contract, type Provider, type Signer, type Wallet } from "ethers";
import * as Chain from "../../offchain-solver/chain/deployment.ts";
import { deployAll } from "../../offchain-solver/devnet/deploy.ts";
import * as Onboarding from "../../offchain-solver/chain/onboarding.ts";
import * as Session from "../../offchain-solver/chain/session.ts";
import * as Grid from "../../offchain-solver/codec/gridModel.ts";
import { encode as encodeLoads, type StandingLoad } from "../../offchain-solver/codec/standingLoads.ts";
import { hashOfTold } from "../../offchain-solver/codec/terms.ts";
import type { Ledger } from "../../offchain-solver/ledger/settlementModel.ts";
import type { Mandate } from "../../offchain-solver/codec/typedData.ts";
import {
  attestation,
  ATTESTATION_TYPES,
  marketDomain,
  quorumOf,
  type SessionTerms,
} from "../../offchain-solver/codec/typedData.ts";
import { artifact, deploy, type ContractName } from "./artifacts.ts";
import { wallet } from "./keys.ts";

type Connection = Awaited<ReturnType<typeof network.create>>;

export type WorldOptions = {
  readonly prosumers: number;
  /** Their ids, ascending; 101, 102, ... unless given. */
  readonly ids?: readonly number[];
  readonly reference?: boolean;
  readonly grid?: Grid.GridModel;
  readonly mandate?: (id: number) => Partial<Mandate>;
  readonly dollars?: number;
  readonly grams?: bigint;
  readonly priceCap?: number;
  /** Name of a token's contract; the plain test token unless given. */
  readonly token?: ContractName;
  /** Members of the committee; at most 31, the operator's included. */
  readonly committee?: number;
  /** Names DELIVERY and CARBON, keys of these tests, as the contracts that may post. */
  readonly posters?: boolean;
  /** Unix seconds at which Hardhat's chain starts. */
  readonly clock?: number;
  /** Lets a transaction use more gas than EIP-7825 allows, to measure what would not fit. */
  readonly unlimitedGas?: boolean;
  /** A chain that is not Hardhat's own. */
  readonly chain?: { readonly admin: Signer; readonly provider: Provider };
  /** What stands there already; its admin holds every role. */
  readonly deployment?: Chain.Deployment;
};

export type World = {
  /** Hardhat's own network; absent on another chain. */
  readonly connection: Connection;
  readonly provider: Provider;
  readonly deployment: Chain.Deployment;
  readonly admin: Signer;
  readonly ids: readonly number[];
  readonly wallets: ReadonlyMap<number, Wallet>;
  readonly nodeKeys: ReadonlyMap<number, Wallet>;
  /** Ids in the order of the signers' bits. */
  readonly committee: readonly number[];
  readonly grid: Grid.GridModel;
  readonly contracts: Chain.Contracts;
};

export const SYSTEM_IDS = [Onboarding.DESK_ID, Onboarding.OPERATOR_ID, Onboarding.UTILITY_ID];
/** Stand for the delivery and the carbon contract: whatever they are, the market's rules hold. */
export const DELIVERY = wallet("delivery", 0);
export const CARBON = wallet("carbon", 0);
const UNLIMITED_GAS = { transactionGasCap: 2n ** 40n, blockGasLimit: 2n ** 40n };
/**
 * When the tests' sessions start unless told otherwise, and where their chain's clock stands at first: the day before.
 */
export const START = 1_800_000_000;
export const CLOCK = START - 86_400;
/** Of a mandate's nonces: a revocation, or a change of the wallet, opens the next. */
export const SERIES = 2n ** 40n;
/** What a session of the tests was agreed on, and the witness of its batches: nobody here looks behind the hashes. */
export const STATED = `0x${"7e".repeat(32)}`;
export const TERMS = hashOfTold({ stated: STATED, loads: new Uint8Array() });
export const BUNDLE = `0x${"b0".repeat(32)}`;
export const FAR = 4_000_000_000n;

export const OPEN_MANDATE: Omit<Mandate, "prosumer"> = {
  maxBuy: 2_000_000n,
  minSell: -2_000_000n,
  maxBuyW: 0xffffffffn,
  maxSellW: 0xffffffffn,
  minReservePrice: -2_000_000n,
  maxReservePrice: 2_000_000n,
  maxReserveW: 0xffffffffn,
  maxCarbonPrice: 2_000_000n,
  minCarbonPrice: -2_000_000n,
  maxCarbonG: 0xffffffffn,
  maxSpendPerDay: 10n ** 12n,
  validUntil: FAR,
  nonce: 1n,
};

/** Ids 101, 102, ... one prosumer a bus, round and round in depth-first order. */
export function idsOf(count: number): number[] {
  return Array.from({ length: count }, (_, k) => 101 + k);
}

/** A line of `buses` buses with room for `watts`, prosumers spread over it in order. */
export function lineGrid(ids: readonly number[], buses: number, watts = 50_000_000n): Grid.GridModel {
  const unit = 1n << 32n;
  return {
    buses,
    branches: Array.from({ length: buses - 1 }, (_, k) => ({
      parent: k === 0 ? 0 : k % 3 === 0 ? k - 1 : k,
      rating: watts,
      vMin2: (unit * 81n) / 100n,
      vMax2: (unit * 121n) / 100n,
      r: 20_000_000n,
      x: 10_000_000n,
    })),
    prosumers: ids.map((id, k) => ({
      id,
      bus: 1 + Math.floor((k * (buses - 1)) / ids.length),
      absorbVar: Grid.ANY_VAR,
      feedVar: Grid.ANY_VAR,
    })),
  };
}

export async function createWorld(options: WorldOptions): Promise<World> {
  const connection = options.chain
    ? (undefined as never)
    : await network.create({
        network: "default",
        override: {
          initialDate: new Date(1000 * (options.clock ?? CLOCK)),
          ...(options.unlimitedGas && UNLIMITED_GAS),
        },
      });
  const admin = options.chain?.admin ?? (await connection.ethers.getSigners())[0];
  const provider = options.chain?.provider ?? connection.ethers.provider;
  const ids = options.ids ?? idsOf(options.prosumers);
  const accounts = [...ids, ...SYSTEM_IDS];
  const wallets = new Map(accounts.map((id) => [id, wallet("wallet", id)]));
  const nodeKeys = new Map(accounts.map((id) => [id, wallet("node", id)]));
  const deployment =
    options.deployment ??
    (await deployAll(admin, {
      ...(options.reference ? { market: artifact("ReferenceMarket"), delivery: artifact("ReferenceDelivery") } : {}),
      ...(options.posters ? { posters: [DELIVERY.address, CARBON.address] as const } : {}),
      ...(options.priceCap ? { priceCap: options.priceCap } : {}),
      ...(options.token ? { token: await (await deploy(admin, options.token)).getAddress() } : {}),
    }));
  const contracts = Chain.contracts(deployment, admin);
  await Onboarding.register(
    deployment,
    admin,
    accounts.map((id) => ({
      id,
      wallet: (wallets.get(id) as Wallet).address,
      nodeKey: nodeKeys.get(id) as Wallet,
      meterKey: wallet("meter", id),
    })),
  );
  const grid = options.grid ?? lineGrid(ids, 6);
  await Onboarding.addGridModel(deployment, admin, Grid.encode(grid));
  const committee = Onboarding.committeeOf(ids, options.committee);
  await Onboarding.appointCommittee(deployment, admin, committee);
  if (options.posters)
    for (const { address } of [DELIVERY, CARBON]) await admin.sendTransaction({ to: address, value: 10n ** 19n });
  await Chain.seal(deployment, admin);
  const amount = Onboarding.tokens(options.dollars ?? 1_000_000);
  await Chain.send(contracts.token, "mint", await admin.getAddress(), amount * BigInt(accounts.length));
  await Chain.send(contracts.token, "approve", deployment.market, amount * BigInt(accounts.length));
  for (const id of accounts) {
    if (amount > 0n) await Chain.send(contracts.market, "deposit", id, amount);
    const mandate = { prosumer: id, ...OPEN_MANDATE, ...options.mandate?.(id) };
    const signature = await Onboarding.signMandate(deployment, wallets.get(id) as Wallet, mandate);
    await Onboarding.registerMandate(deployment, admin, mandate, signature);
  }
  await Onboarding.issueAllowances(deployment, admin, new Map(ids.map((id) => [id, options.grams ?? 1_000_000n])));
  return { connection, provider, deployment, admin, ids, wallets, nodeKeys, committee, grid, contracts };
}

export type FreezeOptions = {
  readonly start?: number;
  readonly periodSeconds?: number;
  /** Seconds until the deadline. */
  readonly open?: number;
  /** The chain's clock when the session is frozen, for runs that must repeat to the bit. */
  readonly at?: number;
  /** 1e-6 $ per kWh that is sold and not delivered. */
  readonly imbalancePrice?: number;
  /** What the terms say that those load who take no part; the chain is told. */
  readonly standing?: readonly StandingLoad[];
};

/** The first hour that is not before `seconds`: a session starts on a boundary of its periods. */
export const onTheHour = (seconds: number): number => Math.ceil(seconds / 3_600) * 3_600;

export type Frozen = Session.FrozenSession & { readonly ledger: Ledger };

/** Freezes a session for everybody: the first of the tests', or the next that the chain's clock still lets start. */
export async function freeze(
  world: World,
  periods: number,
  { start: asked, periodSeconds = 3600, open = 3600, at, imbalancePrice = 0, standing }: FreezeOptions = {},
): Promise<Frozen> {
  const told = { stated: STATED, loads: encodeLoads(standing ?? []) };
  const start = asked ?? Math.max(START, onTheHour((await world.provider.getBlock("latest"))?.timestamp as number));
  if (at !== undefined) await world.connection.networkHelpers.time.setNextBlockTimestamp(at);
  else await reach(world, start);
  const now = at ?? ((await world.provider.getBlock("latest"))?.timestamp as number);
  const ids = [...world.ids, ...SYSTEM_IDS];
  const frozen = await Session.freezeSession(world.deployment, world.admin, {
    start,
    periodSeconds,
    periods,
    deadline: now + open,
    termsHash: hashOfTold(told),
    imbalancePrice,
    ids,
  });
  if (standing !== undefined) await Session.postStandingLoads(world.deployment, world.admin, frozen.terms, told);
  const ledger = await Session.readLedger(world.deployment, world.provider, ids);
  return { ...frozen, ledger: { ...ledger, ...(standing && { standing }) } };
}

/** A session can be frozen two days ahead: waits until its start is near enough. */
async function reach(world: World, start: number): Promise<void> {
  const now = (await world.provider.getBlock("latest"))?.timestamp as number;
  if (start > now + 2 * 86_400) await world.connection.networkHelpers.time.increaseTo(start - 86_400);
}

/** As a colluding member signs: whatever the payload says, nothing is verified. */
export function attestAnything(
  { deployment }: World,
  key: Wallet,
  terms: SessionTerms,
  payload: Uint8Array,
  bundleHash = BUNDLE,
): Promise<string> {
  const domain = marketDomain(deployment.chainId, deployment.market);
  return key.signTypedData(domain, ATTESTATION_TYPES, attestation(terms, payload, bundleHash));
}

/** Signatures by bit. Without `bits`, the first quorum of the committee. */
export async function sign(
  world: World,
  frozen: Session.FrozenSession,
  payload: Uint8Array,
  bits?: readonly number[],
): Promise<Map<number, string>> {
  const signing = bits ?? Array.from({ length: quorumOf(world.committee.length) }, (_, k) => k);
  const signed = new Map<number, string>();
  for (const bit of signing) {
    const key = world.nodeKeys.get(world.committee[bit]) as Wallet;
    signed.set(bit, await attestAnything(world, key, frozen.terms, payload));
  }
  return signed;
}

export type Refused = { readonly predicate: string; readonly detail: readonly bigint[] };

/** The custom error a call is refused with, as the TypeScript model names it. */
export async function refusalOf(contract: Contract, call: Promise<unknown>): Promise<Refused> {
  try {
    await call;
  } catch (error) {
    const data = revertData(error);
    const parsed = data === undefined ? null : contract.interface.parseError(data);
    if (parsed === null) throw error;
    const name = parsed.name[0].toLowerCase() + parsed.name.slice(1);
    return { predicate: name, detail: parsed.args.map((value) => value) };
  }
  throw new Error("the call was accepted");
}

function revertData(error: unknown): string | undefined {
  for (let at = error as { data?: unknown; cause?: unknown; error?: unknown; info?: unknown } | undefined; at;) {
    if (typeof at.data === "string" && at.data.length >= 10) return at.data;
    if (at.data !== undefined && typeof at.data === "object") at = at.data as typeof at;
    else at = (at.cause ?? at.error ?? at.info) as typeof at;
  }
  return undefined;
}

/** Code as it is released, whose gas counts: neither instrumented nor with mutants behind switches. */
export const AS_RELEASED = process.env.GRIDPACT_ANY_SIZE === undefined && process.env.GRIDPACT_COVERAGE === undefined;
