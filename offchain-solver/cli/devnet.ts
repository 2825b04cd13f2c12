import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { Listr } from "listr2";
import { startBroker } from "../devnet/broker.ts";
import { hardhatChain } from "../devnet/chain/hardhatChain.ts";
import { anvilChain } from "../devnet/chain/anvilChain.ts";
import { compareWithMemory } from "../devnet/compare.ts";
import { daysOf } from "../devnet/days.ts";
import { openDevnet, type Devnet, type SessionEnd } from "../devnet/devnet.ts";
import { devnetReport, type DevnetReport, type ReportedSession } from "../devnet/devnetReport.ts";
import { appIsBuilt, servePage, type PageOptions, type ServedPage } from "../devnet/pageServer.ts";
import { passwordFile, type Wiring } from "../devnet/parties.ts";
import { usageOf } from "../devnet/usage.ts";
import { verdictText } from "../auditor/verdict.ts";
import { InputError } from "../io/inputError.ts";
import { choiceOption, note, numberOption, say } from "../io/output.ts";
import { complaint } from "../io/readJson.ts";
import { checkTarget, writeJson } from "../io/target.ts";
import { terminalTable } from "../io/terminalTable.ts";
import { unsettleable } from "../ledger/settleable.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import type { CommunityJson } from "../records/communityJson.ts";
import { takePeriods } from "../scenarios/periods.ts";
import { hoursOption, readScenario, type DrawArguments } from "./clearOptions.ts";
import { writeDevnet } from "./devnetFolders.ts";
import { Exit } from "./exit.ts";

type Arguments = Pick<DrawArguments, "hours"> & {
  readonly sessions: number;
  readonly transport: "tls" | "nats";
  readonly broker?: string;
  readonly chain: "hardhat" | "anvil";
  readonly data?: string;
  readonly reset?: true;
  readonly port: number;
  readonly rpcPort: number;
  readonly pagePort: number;
  readonly stay?: true;
  readonly patience: number;
  readonly compare?: true;
  readonly json?: string;
};

const DAY_MS = 86_400_000;

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
      "hardhat (in this process) or anvil",
      choiceOption("--chain", ["hardhat", "anvil"] as const),
      "hardhat",
    )
    .option("--data <dir>", "keys, journals, logs and bundles; a fresh folder of the system's unless given")
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
    .option("--json <file>", "what became of the sessions; - is stdout")
    .action(devnet);
}

async function devnet(name: string, args: Arguments): Promise<void> {
  checkTarget(args.json);
  const { scenario, community } = await readScenario(name, { ...args } as DrawArguments);
  const days = checked(name, scenario, args);
  if (args.broker !== undefined && args.transport === "tls")
    throw new InputError(`--broker ${args.broker}: only with --transport nats`);
  const data = dataFolder(args);
  const ends: ReportedSession[] = [];
  const stop = new AbortController();
  const stopping = (): void => stop.abort();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, stopping);
  const { chain, transport, close } = await openPlace(args, days[0], data);
  let market: Devnet | undefined;
  let page: ServedPage | undefined;
  const began = performance.now();
  let startSeconds = 0;
  let delivered: DevnetReport["delivery"];
  try {
    const { view, said } = terminalView(args);
    view.add({
      title: `market in ${data}`,
      task: async (_, task) => {
        const progress = (text: string): void => {
          task.output = text;
          said(text);
        };
        const how = { basePort: args.port, deliver: true, progress };
        market = await openDevnet({ data, days, chain, transport, ...how });
        startSeconds = (performance.now() - began) / 1000;
        page = await openPage(market, args.pagePort, community);
        task.title = `market in ${data}: ${market.homes.length} processes, chain at ${chain.url}`;
        said((task.title += page === undefined ? "" : `, page at ${page.url}`));
      },
    });
    days.forEach((day, k) =>
      view.add({
        title: `session of ${day.startUtc}`,
        skip: () => stop.signal.aborted,
        task: async (_, task) => {
          const wait = { patienceMs: args.patience * 1000, stop: stop.signal };
          const end = await (market as Devnet).session(k, wait);
          if (stop.signal.aborted) return;
          ends.push(await measured(market as Devnet, day, end, args.compare === true));
          task.title = `session of ${day.startUtc}: ${end.outcome} after ${end.seconds} s`;
          said(task.title);
        },
      }),
    );
    view.add({
      title: "meters, bills, credits",
      skip: () => stop.signal.aborted,
      task: async (_, task) => {
        delivered = await delivery(market as Devnet, { days, ends, community }, stop.signal);
        if (delivered === undefined) return;
        task.title = `${delivered.sessions.length} sessions, ${delivered.bills} bills: ${delivered.verdict}`;
        said(task.title);
      },
    });
    await view.run();
    if (args.stay && page !== undefined) note(`the page stays at ${page.url} until this is interrupted`);
    if (args.stay) await interrupted(stop.signal);
  } finally {
    await page?.close();
    await market?.close();
    await close();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, stopping);
  }
  const outcome = devnetReport(data, ends, { startSeconds, processes: market?.homes.length ?? 0 });
  report({ ...outcome, ...(delivered && { delivery: delivered }) }, args.json);
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

/** What became of all that settled, into the folder `sessions`; undefined: nobody waits any longer. */
async function delivery(
  market: Devnet,
  days: Parameters<typeof writeDevnet>[2],
  stop: AbortSignal,
): Promise<DevnetReport["delivery"]> {
  const late = await market.deliver(stop);
  if (stop.aborted) return undefined;
  const { verdict, ...made } = await writeDevnet(market, join(market.data, "sessions"), days);
  return { ...made, late, verdict: verdictText(verdict) };
}

/** The chain, and how parties reach each other: with NATS a broker, started here unless one is named. */
async function openPlace(args: Arguments, { startUtc }: Scenario, data: string) {
  const clock = new Date(Date.parse(startUtc) - 2 * DAY_MS);
  const own = args.transport === "nats" && args.broker === undefined ? await startBroker() : undefined;
  const transport: Wiring["transport"] =
    args.transport === "tls" ? { kind: "tls" } : { kind: "nats", servers: [own?.url ?? String(args.broker)] };
  try {
    const open = args.chain === "anvil" ? anvilChain : hardhatChain;
    const chain = await open(clock, args.rpcPort, join(data, "chain"));
    const close = async (): Promise<void> => {
      await chain.close();
      await own?.close();
    };
    return { chain, transport, close };
  } catch (error) {
    await own?.close();
    throw error;
  }
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
function checked(name: string, scenario: Scenario, { sessions, hours }: Arguments): Scenario[] {
  const [fault] = unsettleable(scenario);
  if (fault) throw complaint(name, fault.field, fault.value, fault.reason);
  if (scenario.prosumers.length < 3)
    throw complaint(
      name,
      "prosumers",
      scenario.prosumers.length,
      "a market of processes has at least 3: its committee",
    );
  const days = daysOf(scenario, sessions, (day) => (hours === undefined ? day : shortened(day, scenario.hours)));
  return days;
}

const shortened = (day: Scenario, periods: number): Scenario =>
  day.hours === periods ? day : takePeriods(day, periods);

/** A folder of its own: what is there already is never mixed with, and removed only if it is a devnet's. */
function dataFolder({ data, reset }: Arguments): string {
  if (data === undefined) return mkdtempSync(join(tmpdir(), "gridpact-devnet-"));
  const there = existsSync(data) ? readdirSync(data) : [];
  if (there.length > 0) {
    const ours = existsSync(passwordFile(data)) && existsSync(join(data, "operator"));
    if (!ours) throw new InputError(`--data ${data}: holds something else than a devnet`);
    if (!reset) throw new InputError(`--data ${data}: holds a devnet already; --reset removes it`);
    rmSync(data, { recursive: true });
  }
  mkdirSync(data, { recursive: true });
  return data;
}

function report(outcome: DevnetReport, json: string | undefined): void {
  if (json !== undefined) writeJson(json, outcome);
  if (json !== "-") show(outcome);
  const { split, lost, sessions, delivery } = outcome;
  if (split + lost > 0) throw new Exit(1, `${split} sessions split, ${lost} lost`);
  if (delivery !== undefined && (delivery.late.length > 0 || !delivery.verdict.startsWith("valid")))
    throw new Exit(4, `delivery: ${delivery.verdict}, sessions not delivered: ${delivery.late.join(", ") || "none"}`);
  const other = sessions.filter(({ memory }) => memory?.same === false).length;
  if (other > 0) throw new Exit(1, `${other} sessions settled other integers than all agents in one process make`);
}

function show({ sessions, settled, voided, split, lost, growth }: DevnetReport): void {
  const rows = sessions.map(({ startUtc, outcome, seconds, usage, memory, batch }) => [
    startUtc,
    outcome,
    `${seconds}`,
    memory === undefined ? "" : `${memory.seconds}${memory.same ? "" : " (other integers)"}`,
    `${Math.round(usage.reduce((sum, { residentMb }) => sum + residentMb, 0))}`,
    batch ?? "",
  ]);
  say(terminalTable(["session", "ended", "s", "s in memory", "MB", "batch"], rows, { text: [0, 1, 3, 5] }));
  if (growth)
    say(`grown most: ${growth.residentMb} MB resident, ${growth.heapMb} MB heap, ${growth.handles} handles a process`);
  say(`${settled} settled, ${voided} void, ${split} split, ${lost} lost`);
}
