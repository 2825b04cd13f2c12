import { rmSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { Listr } from "listr2";
import { reachBroker, startBroker } from "../devnet/broker.ts";
import { hardhatChain } from "../devnet/chain/hardhatChain.ts";
import { anvilChain } from "../devnet/chain/anvilChain.ts";
import { keep } from "../devnet/chain/kept.ts";
import { compareWithMemory } from "../devnet/compare.ts";
import { daysOf } from "../devnet/days.ts";
import { openDevnet, type Devnet, type SessionEnd } from "../devnet/devnet.ts";
import { CHAINS, openFolder, writeStanding, type ChainKind, type DevnetFolder } from "../devnet/devnetFolder.ts";
import { devnetReport, type DevnetReport, type ReportedSession } from "../devnet/devnetReport.ts";
import { goOn, type GoingOn, type Had } from "../devnet/goingOn.ts";
import { appIsBuilt, servePage, type PageOptions, type ServedPage } from "../devnet/pageServer.ts";
import type { Wiring } from "../devnet/parties.ts";
import { usageOf } from "../devnet/usage.ts";
import { CHAIN_LIMITS } from "../codec/fits.ts";
import { plannedSessions } from "../devnet/plannedSessions.ts";
import { SessionRefused } from "../devnet/refused.ts";
import { verdictText } from "../auditor/verdict.ts";
import { InputError } from "../io/inputError.ts";
import { choiceOption, inline, note, numberOption } from "../io/output.ts";
import { complaint } from "../io/readJson.ts";
import { checkFolder, checkTarget } from "../io/target.ts";
import { sessionFaults } from "../ledger/termsFaults.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import type { CommunityJson } from "../records/communityJson.ts";
import { takeHours, takePeriods } from "../scenarios/periods.ts";
import { hoursOption, readScenario, type DrawArguments } from "./clearOptions.ts";
import { writeDevnet, type PlannedSession } from "./devnetFolders.ts";
import { tellDevnet } from "./devnetOutcome.ts";
import { notSolved } from "./notSolved.ts";

type Arguments = Pick<DrawArguments, "hours"> & {
  readonly sessions: number;
  readonly transport: "tls" | "nats";
  readonly broker?: string;
  readonly chain?: ChainKind;
  readonly data?: string;
  readonly reset?: true;
  readonly port: number;
  readonly rpcPort: number;
  readonly pagePort: number;
  readonly stay?: true;
  readonly patience: number;
  readonly compare?: true;
  readonly mostBytes?: number;
  readonly json?: string;
};

const DAY_MS = 86_400_000;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export function devnetCommand(): Command {
  return new Command("devnet")
    .description(
      "a whole market on this machine: chain, contracts, operator, every prosumer's node a process of its own",
    )
    .argument("[scenario]", "a case's name, a file or a community's folder", "ieee15")
    .option("--sessions <n>", "days that follow each other; then it ends", numberOption("--sessions", 1, 366, true), 1)
    .option("--hours <n>", "only the first n hours of each day", hoursOption())
    .option("--transport <kind>", "tls or nats", choiceOption("--transport", ["tls", "nats"] as const), "tls")
    .option("--broker <address>", "with --transport nats: a server that runs already; one is started unless given")
    .option(
      "--chain <kind>",
      "hardhat (in this process, ends with it) or anvil (kept in --data); unless given anvil with --data, else hardhat",
      choiceOption("--chain", CHAINS),
    )
    .option(
      "--data <dir>",
      "chain, keys, journals, logs and bundles; one that was stopped goes on; unless given a fresh folder of the system's",
    )
    .option("--reset", "removes the devnet that --data holds, and nothing else, first")
    .option(
      "--port <n>",
      "parties listen from here on; 0: on ports that are free",
      numberOption("--port", 0, 65_000, true),
      0,
    )
    .option("--rpc-port <n>", "the chain's; 0: one that is free", numberOption("--rpc-port", 0, 65_535, true), 0)
    .option("--page-port <n>", "the page's; 0: one that is free", numberOption("--page-port", 0, 65_535, true), 0)
    .option("--stay", "goes on after the last session, until it is interrupted, so that the page can be used")
    .option("--patience <s>", "a session that has not settled then is void", numberOption("--patience", 5, 86_400), 600)
    .option("--compare", "clears each day in this process too: the same integers? how long does it take?")
    .option(
      "--most-bytes <n>",
      "what a transaction may be long; a day that is longer is planned here and settled in several sessions",
      numberOption("--most-bytes", 1_000, CHAIN_LIMITS.bytes, true),
    )
    .option("--json <file>", "what became of the sessions; - is stdout")
    .action(devnet);
}

async function devnet(name: string, args: Arguments): Promise<void> {
  // What it and its processes write is all parties' own: plans, journals, bills.
  const umask = process.umask(0o077);
  const outcome = await outcomeOf(name, args).finally(() => process.umask(umask));
  tellDevnet(outcome, args.json);
}

async function outcomeOf(name: string, args: Arguments): Promise<DevnetReport> {
  checkTarget(args.json);
  if (args.data !== undefined) checkFolder(args.data, "--data");
  const { scenario, community } = await readScenario(name, { ...args } as DrawArguments);
  const wholes = checked(name, scenario, args);
  if (args.broker !== undefined) await reachBroker(args.broker);
  const first = sessionsOf(wholes, args);
  const folder = openFolder(args.data, args);
  const stop = new AbortController();
  const stopping = (): void => stop.abort();
  for (const signal of SIGNALS) process.on(signal, stopping);
  const run: Running = { ends: [], earlier: [], startSeconds: 0 };
  let place: Place | undefined;
  try {
    checkUncut(first, folder);
    place = await openPlace(args, first[0].scenario, folder);
    void place.ended?.then((why) => {
      run.chainEnded = why;
      stop.abort();
    });
    await runMarket({ scenario, community, first, args, folder, place, stop: stop.signal }, run);
    if (args.stay && run.page !== undefined) note(`the page stays at ${run.page.url} until this is interrupted`);
    if (args.stay) await interrupted(stop.signal);
  } catch (error) {
    run.refused = error instanceof InputError && run.market === undefined;
    throw error;
  } finally {
    await run.page?.close();
    await run.market?.close();
    await place?.close();
    (run.refused ? (folder.discard ?? folder.close) : folder.close)();
    for (const signal of SIGNALS) process.off(signal, stopping);
  }
  const { ends, earlier, delivered, startSeconds, market } = run;
  const outcome = devnetReport(folder.data, ends, { startSeconds, processes: market?.homes.length ?? 0 });
  const before = earlier.length > 0 && { earlier: earlier.map(({ day, end }) => ({ startUtc: day.startUtc, ...end })) };
  const told = { ...outcome, ...before, ...(delivered && { delivery: delivered }) };
  if (run.chainEnded === undefined) return told;
  const { data } = folder;
  throw new InputError(`the chain ended by itself (${run.chainEnded}): with --data ${data} it goes on from its copy`);
}

/** What has come of it so far. */
type Running = {
  /** It never came to a market. */
  refused?: boolean;
  /** By what the chain's process ended, which nobody told to. */
  chainEnded?: string;
  market?: Devnet;
  page?: ServedPage | undefined;
  startSeconds: number;
  earlier: readonly Had[];
  readonly ends: ReportedSession[];
  delivered?: DevnetReport["delivery"];
};

type Place = Awaited<ReturnType<typeof openPlace>>;

type Setting = {
  readonly scenario: Scenario;
  readonly community: CommunityJson | undefined;
  /** Sessions of a devnet that begins. */
  readonly first: readonly PlannedSession[];
  readonly args: Arguments;
  readonly folder: DevnetFolder;
  readonly place: Place;
  readonly stop: AbortSignal;
};

/** Step by step, until the last session is billed or nobody waits any longer. */
async function runMarket(setting: Setting, run: Running): Promise<void> {
  const { scenario, community, first, args, folder, place, stop } = setting;
  const { standing, data } = folder;
  const { provider } = place.chain;
  const { view, said } = terminalView(args);
  const plan = standing && (await goOn(scenario, { data, standing, provider, ...howMany(args) }));
  run.earlier = plan?.earlier ?? [];
  const days = plan?.days ?? first.map((one) => one.scenario);
  view.add({
    title: `market in ${data}`,
    task: async (_, task) => {
      const progress = (text: string): void => {
        task.output = text;
        said(text);
      };
      task.title = await openRun(setting, run, { days, plan, progress });
      said(task.title);
    },
  });
  days.forEach((day, k) =>
    view.add({
      title: `session of ${day.startUtc}`,
      skip: () => stop.aborted,
      task: async (_, task) => {
        const market = run.market as Devnet;
        const end = await market.session(k, { patienceMs: args.patience * 1000, stop });
        if (stop.aborted) return;
        await place.copy();
        run.ends.push(await measured(market, day, end, args.compare === true));
        const why = end.reason === undefined ? "" : inline(`: ${end.reason}`);
        task.title = `session of ${day.startUtc}: ${end.outcome} after ${end.seconds} s${why}`;
        said(task.title);
      },
    }),
  );
  view.add({
    title: "meters, bills, credits",
    skip: () => stop.aborted,
    task: async (_, task) => {
      const market = run.market as Devnet;
      const whole = (k: number) => plan === undefined && { whole: first[k].whole };
      const ended = run.ends.map((end, k) => ({ day: days[k], terms: market.terms[k], end, ...whole(k) }));
      const had = [...run.earlier, ...ended];
      run.delivered = await delivery(market, { had, community }, stop);
      if (run.delivered === undefined) return;
      const { sessions, bills, verdict } = run.delivered;
      task.title = `${sessions.length} sessions, ${bills} bills: ${verdict}`;
      said(task.title);
    },
  });
  await view.run();
}

type Opening = {
  readonly days: readonly Scenario[];
  readonly plan: GoingOn | undefined;
  readonly progress: (what: string) => void;
};

/** Everything that a session needs; what it returns says where it is. */
async function openRun(
  { scenario, community, args, folder: { data, standing }, place }: Setting,
  run: Running,
  { days, plan, progress }: Opening,
): Promise<string> {
  const began = performance.now();
  if (plan !== undefined) progress(inWords(plan));
  const { kind, chain, transport } = place;
  const goesOn = standing && plan && { ...plan, ...standing, earlier: plan.earlier.map(({ day }) => day) };
  const how = { basePort: args.port, deliver: true, progress, ...(goesOn && { goesOn }) };
  run.market = await openDevnet({ data, days, chain, transport, ...how });
  await place.copy();
  const begun = standing?.begun ?? clockStart(days[0]).toISOString();
  writeStanding(data, { scenario: scenario.name, chain: kind, begun, deployment: run.market.deployment });
  run.startSeconds = (performance.now() - began) / 1000;
  run.page = await openPage(run.market, args.pagePort, community);
  const where = `market in ${data}: ${run.market.homes.length} processes, chain at ${chain.url}`;
  return run.page === undefined ? where : `${where}, page at ${run.page.url}`;
}

const howMany = ({ sessions, hours }: Arguments) => ({
  sessions,
  // An option counts hours by the clock, terms count periods.
  shorten: (day: Scenario, periods?: number): Scenario => {
    if (periods !== undefined) return shortened(day, periods);
    return hours === undefined ? day : takeHours(day, hours);
  },
});

function inWords({ earlier, open, days }: GoingOn): string {
  const had = `goes on: ${earlier.length} sessions before`;
  return open ? `${had}, that of ${days[0].startUtc} is open` : `${had}, the next is that of ${days[0].startUtc}`;
}

/** Steps as a list where somebody looks on, and lines elsewhere. */
function terminalView({ json }: Arguments) {
  const looked = process.stderr.isTTY && json !== "-";
  const view = new Listr([], {
    renderer: looked ? "default" : "silent",
    concurrent: false,
    // Its own would end this process at once, with nothing stopped and nothing reported.
    registerSignalListeners: false,
  });
  return { view, said: looked ? () => undefined : (text: string) => note(`• ${text}`) };
}

/** What became of all that settled, into the folder `sessions`, made anew; undefined: nobody waits any longer. */
async function delivery(
  market: Devnet,
  of: Parameters<typeof writeDevnet>[2],
  stop: AbortSignal,
): Promise<DevnetReport["delivery"]> {
  const late = await market.deliver(stop);
  if (stop.aborted) return undefined;
  const out = join(market.data, "sessions");
  rmSync(out, { recursive: true, force: true });
  const { verdict, ...made } = await writeDevnet(market, out, of);
  return { ...made, late, verdict: verdictText(verdict) };
}

const clockStart = ({ startUtc }: Scenario): Date => new Date(Date.parse(startUtc) - 2 * DAY_MS);

/** The chain, and how parties reach each other: with NATS a broker, started here unless one is named. */
async function openPlace(args: Arguments, first: Scenario, { data, standing }: DevnetFolder) {
  const clock = standing === undefined ? clockStart(first) : new Date(standing.begun);
  const own = args.transport === "nats" && args.broker === undefined ? await startBroker() : undefined;
  const transport: Wiring["transport"] =
    args.transport === "tls" ? { kind: "tls" } : { kind: "nats", servers: [own?.url ?? String(args.broker)] };
  const kind = standing?.chain ?? args.chain ?? (args.data === undefined ? "hardhat" : "anvil");
  try {
    const opened = kind === "anvil" ? await keptChain(clock, args, data) : await passingChain(clock, args);
    const close = async (): Promise<void> => {
      await opened.stopCopying();
      await opened.chain.close();
      await own?.close();
    };
    return { kind, transport, ...opened, close };
  } catch (error) {
    await own?.close();
    throw error;
  }
}

/** Its copies are written now and then, and once more by `copy`. */
async function keptChain(clock: Date, { rpcPort }: Arguments, data: string) {
  const chain = await anvilChain(clock, rpcPort, join(data, "chain"));
  return { chain, ended: chain.ended, ...keep(chain, (fault) => note(fault)) };
}

const nothing = (): Promise<void> => Promise.resolve();

async function passingChain(clock: Date, { rpcPort, data }: Arguments) {
  if (data !== undefined)
    note(`--data ${data}: this chain ends with this process: the devnet goes on later only with --chain anvil`);
  return { chain: await hardhatChain(clock, rpcPort), ended: undefined, copy: nothing, stopCopying: nothing };
}

/** How a session ended, with what its processes hold and, where asked for, what comes of it in this one. */
async function measured(market: Devnet, day: Scenario, end: SessionEnd, compare: boolean): Promise<ReportedSession> {
  const usage = await usageOf(market.apiPorts);
  const memory = compare && end.outcome === "settled" ? await compareWithMemory(market, day, end) : undefined;
  return { ...end, usage, ...(memory && { memory }) };
}

/** The page, where it is built; names and clock are a community's. */
async function openPage(
  market: Devnet,
  port: number,
  community: CommunityJson | undefined,
): Promise<ServedPage | undefined> {
  if (!appIsBuilt()) return undefined;
  const called: PageOptions =
    community === undefined
      ? {}
      : {
          name: community.name,
          timeZone: community.timeZone,
          names: Object.fromEntries(community.members.map(({ prosumer, name }) => [prosumer, name])),
        };
  return servePage(market, { port, ...called });
}

const interrupted = (signal: AbortSignal): Promise<void> =>
  new Promise((ends) => {
    if (signal.aborted) return ends();
    signal.addEventListener("abort", () => ends(), { once: true });
  });

/** What the chain could not take is refused before any process starts. */
function checked(name: string, scenario: Scenario, { sessions, hours, broker, transport }: Arguments): Scenario[] {
  if (broker !== undefined && transport === "tls")
    throw new InputError(`--broker ${broker}: only with --transport nats`);
  const [fault] = sessionFaults(scenario);
  if (fault) throw complaint(name, fault.field, fault.value, fault.reason);
  if (scenario.prosumers.length < 3)
    throw complaint(
      name,
      "prosumers",
      scenario.prosumers.length,
      "a market of processes has at least 3: its committee",
    );
  return daysOf(scenario, sessions, (day) => (hours === undefined ? day : shortened(day, scenario.hours)));
}

/** Of days that are longer than a transaction may be: several each. */
function sessionsOf(wholes: readonly Scenario[], { mostBytes }: Arguments): PlannedSession[] {
  const most = mostBytes === undefined ? undefined : { ...CHAIN_LIMITS, bytes: mostBytes };
  const said = (step: string): void => note(`• ${step}`);
  try {
    return wholes.flatMap((whole) => plannedSessions(whole, said, most).map((scenario) => ({ scenario, whole })));
  } catch (error) {
    throw error instanceof SessionRefused ? notSolved(wholes[0].name, error.status, error.message) : error;
  }
}

/** A devnet that goes on is of whole days: of a part nobody knows where it would have left everything. */
function checkUncut(first: readonly PlannedSession[], { data, standing }: DevnetFolder): void {
  if (standing !== undefined && first.some(({ scenario, whole }) => scenario !== whole))
    throw new InputError(
      `--data ${data}: its days are longer than a transaction may be: none of them goes on; --reset begins anew`,
    );
}

const shortened = (day: Scenario, periods: number): Scenario =>
  day.hours === periods ? day : takePeriods(day, periods);
