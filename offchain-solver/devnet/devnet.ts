/**
 * A whole market on one machine: a chain, contracts, and every party a process of its own that is given the public
 * terms and its own private file. Sessions follow each other day by day on a clock that is set forward.
 */
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Deployment } from "../chain/deployment.ts";
import * as Onboarding from "../chain/onboarding.ts";
import { readSettled } from "../chain/settledBatches.ts";
import { MarketWatch, type Seen } from "../chain/watch.ts";
import { settingsTerms } from "../clearing/settingsTerms.ts";
import type { Terms } from "../codec/terms.ts";
import { defaultSettings } from "../market/scenario/market.ts";
import { publicScenario } from "../market/scenario/publicScenario.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { journalFile } from "../node/home.ts";
import { isFree } from "../node/journal/journal.ts";
import { settingsFor } from "../simulation/clear.ts";
import { passTime, type ServedChain } from "./chain/served.ts";
import { generating } from "./connections.ts";
import { DeliveryWatch } from "./deliveryWatch.ts";
import { openMarket, widenMarket } from "./openMarket.ts";
import { makeParties, writeConfigs, writeSessions, type PartyHome, type Wiring } from "./parties.ts";
import { freePorts } from "./ports.ts";
import { Supervisor } from "./supervisor.ts";
import { lengthOf, lastFault } from "./partyLog.ts";
import { WITNESS_TOLERANCE_NANO } from "./steps/load.ts";

const DAY_S = 86_400;
/** How long before its start a session is frozen. */
const LEAD_S = DAY_S;
/** An agent of a devnet waits so long for the messages of an iteration. */
const PATIENCE_MS = 30_000;

/** Longer than a party's process takes to notice that whoever started it has gone, and to end. */
const GONE_MS = 25_000;

export type DevnetOptions = {
  readonly data: string;
  readonly days: readonly Scenario[];
  readonly transport: Wiring["transport"];
  readonly chain: ServedChain;
  /** Ports of the parties: from here on; 0: any that are free. */
  readonly basePort?: number;
  readonly logLevel?: Wiring["settings"]["logLevel"];
  readonly patienceMs?: number;
  /** Before a session is let come what is due of those before is waited for: readings, then credits. */
  readonly deliver?: boolean;
  /** Readings are entered by somebody else: no node signs any, nor claims credits. */
  readonly metersElsewhere?: boolean;
  readonly progress?: (what: string) => void;
  /** Of a market that stands and goes on; `open`: the first of the days was frozen before it was stopped. */
  readonly goesOn?: {
    readonly deployment: Deployment;
    readonly earlier: readonly Scenario[];
    readonly open: boolean;
  };
};

export type Devnet = {
  readonly deployment: Deployment;
  readonly homes: readonly PartyHome[];
  readonly terms: readonly Terms[];
  readonly supervisor: Supervisor;
  readonly chain: ServedChain;
  readonly data: string;
  readonly apiPorts: ReadonlyMap<number, number>;
  /** Lets session number `k` of the schedule come, and waits for its end, at most so long. */
  readonly session: (k: number, options: SessionWait) => Promise<SessionEnd>;
  /** All that is still to come of sessions that have settled; says which of them, by ordinal, were not delivered. */
  readonly deliver: (stop?: AbortSignal) => Promise<number[]>;
  readonly close: () => Promise<void>;
};

export type SessionWait = {
  /** Then the chain's clock is set past the deadline: the session is void. */
  readonly patienceMs: number;
  readonly seen?: (seen: Seen) => void;
  /** Nobody waits any longer. */
  readonly stop?: AbortSignal;
};

export type SessionEnd = {
  readonly ordinal: number;
  readonly startUtc: string;
  readonly outcome: "settled" | "void" | "lost";
  readonly batch?: string;
  /** From the moment at which the operator may freeze. */
  readonly seconds: number;
  /** Of a session that did not settle: what the operator's process complained of last, or that it took too long. */
  readonly reason?: string;
};

export const devnetTerms = (day: Scenario, patienceMs = PATIENCE_MS): Terms => ({
  scenario: publicScenario(day),
  settings: defaultSettings(day),
  clearing: {
    ...settingsTerms({ ...settingsFor("anderson", { rhoScale: 1, maxIterations: 20_000 }), patienceMs }),
  } as Terms["clearing"],
  toleranceNano: WITNESS_TOLERANCE_NANO,
});

const allowancesOf = (day: Scenario): Map<number, bigint> =>
  new Map(publicScenario(day).prosumers.map(({ id, allowanceT }) => [id, BigInt(Math.floor(allowanceT * 1e6))]));

/** Starts everything; what was started is stopped again where it does not come to that. */
export async function openDevnet(options: DevnetOptions): Promise<Devnet> {
  const { data, days, chain, transport, goesOn, progress = () => undefined } = options;
  const ids = days[0].prosumers.map(({ id }) => id);
  progress("keys and folders of all parties");
  const homes = await makeParties(data, ids);
  const terms = days.map((day) => devnetTerms(day, options.patienceMs));
  writeSessions(data, homes, days, terms);
  const grams = days.map(allowancesOf);
  const deployment = await marketFor(options, homes);
  const free = await freePorts(2 * homes.length, options.basePort ?? 0);
  const ports = new Map(homes.map(({ id }, k) => [id, { peers: free[2 * k], api: free[2 * k + 1] }]));
  const settings = {
    patienceMs: options.patienceMs ?? PATIENCE_MS,
    pollMs: homes.length > 30 ? 1_000 : 250,
    leadS: LEAD_S,
    logLevel: options.logLevel ?? "info",
    ...(options.metersElsewhere === true && { deliver: false }),
  };
  writeConfigs(data, homes, { rpc: chain.url, deployment, transport, ports, settings });
  const supervisor = new Supervisor(data, (id, why) => progress(`party ${id} ended by itself: ${why}`));
  if (goesOn !== undefined) await journalsFree(homes);
  progress(`${homes.length} processes`);
  try {
    await startAll(supervisor, homes);
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
  const watch = new MarketWatch(deployment, chain.provider);
  let open = goesOn?.open ?? false;
  const deliveries = new DeliveryWatch(deployment, chain, { generating: generating(days[0]), progress });
  if (options.deliver && goesOn !== undefined)
    for (const { ordinal } of await readSettled(deployment, chain.provider, deployment.block))
      await deliveries.settled(ordinal);
  return {
    deployment,
    homes,
    terms,
    supervisor,
    chain,
    data,
    apiPorts: new Map([...ports].map(([id, { api }]) => [id, api])),
    async session(k, wait) {
      if (options.deliver) await deliveries.until(Date.parse(terms[k].scenario.startUtc) / 1000 - LEAD_S, wait.stop);
      // Of a session that was open already its allowances were issued before it was frozen.
      if (terms[k].settings.carbon && !open) await Onboarding.issueAllowances(deployment, chain.admin, grams[k]);
      open = false;
      const log = supervisor.logFile(Onboarding.OPERATOR_ID);
      const from = lengthOf(log);
      const end = await follow(watch, chain, terms[k], wait);
      if (options.deliver && end.outcome === "settled") await deliveries.settled(end.ordinal);
      if (end.outcome === "settled") return end;
      const waited = `nobody had settled it after ${wait.patienceMs / 1000} s`;
      const reason = lastFault(log, from) ?? (end.seconds * 1000 < wait.patienceMs ? undefined : waited);
      return { ...end, ...(reason !== undefined && { reason }) };
    },
    async deliver(stop) {
      await deliveries.until(Infinity, stop);
      return [...deliveries.late];
    },
    close: () => supervisor.stop(),
  };
}

/** A new one, or the one that stands, as wide as the days to come need it. */
async function marketFor(
  { days, chain, goesOn, progress = () => undefined }: DevnetOptions,
  homes: readonly PartyHome[],
): Promise<Deployment> {
  const allowances = (day: Scenario, id: number): bigint => allowancesOf(day).get(id) ?? 0n;
  if (goesOn === undefined) {
    progress("contracts, registrations, deposits, mandates");
    return openMarket(chain, homes, days, allowances);
  }
  progress("deposits and mandates for the days to come");
  const { deployment, earlier } = goesOn;
  await widenMarket({ ...chain, deployment }, homes, { days, earlier }, allowances);
  return deployment;
}

/** Processes of a devnet that was killed notice it by themselves, and end. */
async function journalsFree(homes: readonly PartyHome[]): Promise<void> {
  const files = homes.map(({ home }) => journalFile(home)).filter((file) => existsSync(file));
  for (const end = performance.now() + GONE_MS; performance.now() < end;) {
    if (files.every(isFree)) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/**
 * A few at a time: each takes a second of a processor. The highest number first: whoever has the lower one dials, and
 * finds somebody there.
 */
async function startAll(supervisor: Supervisor, homes: readonly PartyHome[]): Promise<void> {
  const waiting = homes.map(({ id }) => id).sort((a, b) => b - a);
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) await supervisor.start(id);
    }),
  );
}

async function follow(
  watch: MarketWatch,
  { provider }: ServedChain,
  terms: Terms,
  { patienceMs, seen, stop }: SessionWait,
): Promise<SessionEnd> {
  const { startUtc } = terms.scenario;
  const start = Date.parse(startUtc) / 1000;
  await passTime(provider, start - LEAD_S);
  const began = performance.now();
  const ended = (ordinal: number, outcome: SessionEnd["outcome"], batch?: string): SessionEnd => ({
    ordinal,
    startUtc,
    outcome,
    seconds: Math.round((performance.now() - began) / 10) / 100,
    ...(batch !== undefined && { batch }),
  });
  /** A chain that has gone never answers, and never refuses either. */
  const looked = unlessLate(() => watch.look());
  for (let overdue = false; ;) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const session = (await looked(stop))?.session;
    const mine = session !== undefined && Number(session.terms.start) === start ? session : undefined;
    if (mine !== undefined) seen?.(mine);
    const { outcome } = mine ?? {};
    const ordinal = Number(mine?.terms.ordinal ?? 0);
    if (outcome?.kind === "settled") return ended(ordinal, "settled", outcome.batch);
    if (outcome?.kind === "void" || outcome?.kind === "cancelled") return ended(ordinal, "void");
    if (stop?.aborted) return ended(ordinal, "lost");
    if (performance.now() - began < patienceMs) continue;
    // Past the deadline nobody can settle it; a session that nobody froze is none.
    if (overdue) return ended(ordinal, mine === undefined ? "void" : "lost");
    // A chain that is away has no clock to set: it is asked again, for as long as a session is waited for.
    const passed = await unlessLate(() => passTime(provider, start + 3_600 + 1).then(() => true))(stop);
    overdue = passed ?? performance.now() - began > 3 * patienceMs;
  }
}

const ANSWER_MS = 5_000;

/** What `ask` finds, never asked twice at once; undefined where it fails, is late, or nobody waits any longer. */
function unlessLate<T>(ask: () => Promise<T>): (stop?: AbortSignal) => Promise<T | undefined> {
  let asked: Promise<T | undefined> | undefined;
  return async (stop) => {
    asked ??= ask()
      .catch(() => undefined)
      .finally(() => (asked = undefined));
    const over = new AbortController();
    const signal = stop === undefined ? over.signal : AbortSignal.any([stop, over.signal]);
    const late = sleep(ANSWER_MS, undefined, { signal }).catch(() => undefined);
    try {
      return await Promise.race([asked, late]);
    } finally {
      over.abort();
    }
  };
}
