/**
 * Kills of a seed: at moments of a session that are drawn, a node, the operator, the one that is about to post, or the
 * chain itself is killed (kill -9) and comes back. What may never follow: two settlements, two signatures of one node,
 * a session that is lost. Void is a session only where the operator or the chain stayed away past its deadline.
 */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { OPERATOR_ID } from "../chain/onboarding.ts";
import { readSessions } from "../chain/events.ts";
import type { AnvilChain } from "./chain/anvilChain.ts";
import type { Devnet, SessionEnd } from "./devnet.ts";
import { journalsOf, splitSessions } from "./devnetReport.ts";

export const FAULTS = ["node", "operator", "submitter", "chain", "operator stays away", "chain stays away"] as const;
export type Fault = (typeof FAULTS)[number];

/** What is drawn for a session: what is killed, at which line of a log, and how long it stays away, ms. */
export type Drawn = {
  readonly fault: Fault;
  readonly victim: number;
  readonly at: string;
  readonly delayMs: number;
  readonly awayMs: number;
};

/** Moments of a session, as the operator's log names them. */
const MOMENTS = ["session is frozen", "opening", "clearing", "claiming", "attesting"] as const;
/** Staying away is tried once in so many sessions: it costs a deadline each. */
const RARE = 8;
/** In turn: drawn, one of them might never come. */
const STAYING = FAULTS.slice(4);

/** mulberry32. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function draw(seed: number, sessions: number, nodes: readonly number[]): Drawn[] {
  const next = random(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)];
  return Array.from({ length: sessions }, (_, k) => {
    const rare = k % RARE === RARE - 1;
    const fault = rare ? STAYING[Math.floor(k / RARE) % STAYING.length] : pick(FAULTS.slice(0, 4));
    const victim = fault.startsWith("operator") ? OPERATOR_ID : pick(nodes);
    // Whoever stays away goes early: once all have signed, the others settle without it.
    const at = pick(rare ? MOMENTS.slice(0, 3) : MOMENTS);
    const delayMs = Math.floor(next() * (rare ? 20 : 300));
    return { fault, victim, at, delayMs, awayMs: Math.floor(next() * 1_500) };
  });
}

export type ChaosRow = Drawn & {
  /** Whether it was killed before the session had ended: a short session may be over by then. */
  readonly struck: boolean;
  readonly outcome: SessionEnd["outcome"];
  readonly seconds: number;
  readonly ordinal: number;
};

export type ChaosReport = {
  readonly sessions: number;
  /** Faults that came before the session had ended. */
  readonly struck: number;
  readonly settled: number;
  readonly voided: number;
  /** Void although operator and chain were back in time. */
  readonly voidedWithoutCause: number;
  readonly split: number;
  readonly lost: number;
  /** Sessions that the chain settled more than once. */
  readonly twice: number;
  readonly rows: readonly ChaosRow[];
};

/** One session with its fault. */
export async function chaosSession(devnet: Devnet, chain: AnvilChain, k: number, drawn: Drawn, patienceMs: number) {
  const log = devnet.supervisor.logFile(OPERATOR_ID);
  const before = linesOf(log).length;
  const stays = drawn.fault.endsWith("stays away");
  const wait = { patienceMs: stays ? 6_000 : patienceMs };
  const session = devnet.session(k, wait);
  const over = session.then(() => true);
  const hit = strike(devnet, chain, drawn, { log, before, over });
  const end = await session;
  const struck = await hit;
  return { ...drawn, struck, outcome: end.outcome, seconds: end.seconds, ordinal: end.ordinal };
}

type Moment = { readonly log: string; readonly before: number; readonly over: Promise<boolean> };

/** true: the victim was killed before the session had ended. */
async function strike(devnet: Devnet, chain: AnvilChain, drawn: Drawn, { log, before, over }: Moment) {
  let ended = false;
  void over.then(() => (ended = true));
  const { supervisor } = devnet;
  const { fault, victim, at, delayMs, awayMs } = drawn;
  const until = async (came: () => boolean): Promise<boolean> => {
    while (!came() && !ended) await sleep(10);
    return !ended;
  };
  const reached = (moment: string): boolean =>
    linesOf(log)
      .slice(before)
      .some((line) => line.includes(`"${moment}"`));
  if (fault === "submitter") {
    return (await until(() => reached("claiming"))) && (await strikeSubmitter(devnet, chain, drawn, until));
  }
  if (!(await until(() => reached(at)))) return false;
  await sleep(delayMs);
  const struck = !ended;
  const away = fault.endsWith("stays away") ? over : sleep(awayMs);
  if (fault.startsWith("chain")) {
    await chain.save().catch(() => undefined);
    await chain.kill();
    // Whoever sets the clock past the deadline must reach it.
    await (fault === "chain" ? away : sleep(7_000));
    await chain.comeBack();
    return struck;
  }
  await supervisor.kill(victim);
  await away;
  await supervisor.start(victim);
  return struck;
}

/**
 * Between signing and inclusion: no block is made while the first node that posts is killed. What it sent is forgotten
 * by the chain every other time.
 */
async function strikeSubmitter(
  devnet: Devnet,
  chain: AnvilChain,
  { delayMs, awayMs }: Drawn,
  until: (came: () => boolean) => Promise<boolean>,
): Promise<boolean> {
  const { supervisor, homes } = devnet;
  const before = new Map(homes.map(({ id }) => [id, posts(supervisor.logFile(id))]));
  const poster = (): number | undefined =>
    homes.find(({ id }) => posts(supervisor.logFile(id)) > (before.get(id) as number))?.id;
  await chain.provider.send("evm_setAutomine", [false]);
  try {
    if (!(await until(() => poster() !== undefined))) return false;
    const who = poster() as number;
    await supervisor.kill(who);
    if (delayMs % 2 === 0) await chain.provider.send("anvil_dropAllTransactions", []);
    await sleep(awayMs);
    await supervisor.start(who);
    return true;
  } finally {
    await chain.provider.send("evm_setAutomine", [true]);
    await chain.provider.send("evm_mine", []);
  }
}

const posts = (file: string): number => linesOf(file).filter((line) => line.includes(`"msg":"posts"`)).length;

/** Whole ones: what follows the last line's end is the next. */
const linesOf = (file: string): string[] => readFileSync(file, "utf8").split("\n").slice(0, -1);

/** Once everything is stopped: what journals and chain say. */
export async function chaosReport(devnet: Devnet, rows: readonly ChaosRow[]): Promise<ChaosReport> {
  const settled = await readSessions(devnet.deployment, devnet.chain.provider, 0);
  const ordinals = settled.map(({ ordinal }) => ordinal);
  const count = (outcome: SessionEnd["outcome"]): ChaosRow[] => rows.filter((row) => row.outcome === outcome);
  return {
    sessions: rows.length,
    struck: rows.filter(({ struck }) => struck).length,
    settled: count("settled").length,
    voided: count("void").length,
    voidedWithoutCause: count("void").filter(({ fault }) => !fault.endsWith("stays away")).length,
    split: splitSessions(journalsOf(devnet.data)).length,
    lost: count("lost").length,
    twice: ordinals.length - new Set(ordinals).size,
    rows,
  };
}
