import { Command } from "commander";
import type { CommunityJson } from "../records/communityJson.ts";
import type { ClearingJson } from "../records/clearingJson.ts";
import { createNetwork } from "../market/formulation/network.ts";
import { clearTightened, tighteningRecord } from "../simulation/acMargin.ts";
import { clear, type ClearedSession } from "../simulation/clear.ts";
import { toClearingJson } from "../records/clearingRecord.ts";
import { readState, stateOf } from "../simulation/clearingState.ts";
import { InputError } from "../io/inputError.ts";
import { complaint } from "../io/readJson.ts";
import { outOfSample, type OutOfSample } from "../simulation/outOfSample/monteCarlo.ts";
import { addClearOptions, clearOptions, inputsOf, readScenario, type ClearArguments } from "./clearOptions.ts";
import { notSolved } from "./notSolved.ts";
import { choiceOption, inline, numberOption, say } from "../io/output.ts";
import type { Quantised } from "../codec/quantise.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { checkDistinct, checkTarget, writeJson, writeText } from "../io/target.ts";
import { bills } from "../report/derive.ts";
import { currencyOf } from "../report/labels.ts";
import { unitsOf } from "../report/units.ts";
import { terminalTable } from "../io/terminalTable.ts";
import { outOfSampleFigure, outOfSampleTable, tighteningLines } from "../study/outOfSample.ts";

type ClearOnlyArguments = ClearArguments & {
  json?: string;
  figure?: string;
  reserve: "joint" | "sequential";
  monteCarlo?: number;
  warm?: string;
  saveState?: string;
  drawSeed: number;
};

export function clearCommand(): Command {
  return addClearOptions(
    new Command("clear")
      .description("clear a scenario's market, nothing else")
      .argument("<scenario>", "a case's name (ieee15, ieee141) or a file; with --population a feeder too"),
    { settled: false },
  )
    .option(
      "--reserve <joint|sequential>",
      "sequential: energy first with deterministic limits, its trades fixed, then reserve",
      choiceOption("--reserve", ["joint", "sequential"] as const),
      "joint",
    )
    .option(
      "--monte-carlo <draws>",
      "afterwards, count violations in held-out and other errors",
      numberOption("--monte-carlo", 1, 1e6, true),
    )
    .option("--draw-seed <s>", "of --monte-carlo", numberOption("--draw-seed", 0, 0xffffffff, true), 1)
    .option("--figure <file>", "with --monte-carlo: the violations as an SVG")
    .option("--save-state <file>", "write there where the agents stand at the end, for --warm")
    .option("--warm <file>", "go on from a saved state: the same market with newer forecasts")
    .option("--json <file>", "write clearing.json there; - is stdout")
    .action(clearAndTell);
}

async function clearAndTell(name: string, args: ClearOnlyArguments): Promise<void> {
  checkArguments(name, args);
  const { scenario, community } = await readScenario(name, args);
  if (args.monteCarlo !== undefined) checkHeldOut(name, scenario);
  const { options: shared, done } = clearOptions(scenario, args);
  const options = {
    ...shared,
    reserve: args.reserve,
    ...(args.warm !== undefined && { warm: { file: args.warm, state: readState(args.warm) } }),
  };
  const tightened =
    args.tighten === "auto" ? clearTightened(scenario, options, (market) => createNetwork(market)) : undefined;
  const session = tightened?.session ?? clear(scenario, options);
  done();
  if (session.status !== "solved") throw notSolved(scenario.name, session.status, session.reason);
  const sampled = args.monteCarlo === undefined ? undefined : sampleOf(session, args.monteCarlo, args.drawSeed);
  const json = toClearingJson(session, options, {
    ...(sampled && { outOfSample: sampled as ClearingJson["outOfSample"] }),
    ...(tightened && { tightening: tighteningRecord(tightened) }),
  });
  if (args.saveState && session.consensus) writeJson(args.saveState, stateOf(session.market, session.consensus));
  if (args.json) writeJson(args.json, json);
  if (sampled && args.figure) writeText(args.figure, outOfSampleFigure(scenario.name, sampled));
  if (args.json === "-") return;
  say(summary(session, json, undefined, community));
  if (tightened) say(tighteningLines(tightened));
  if (sampled) say(outOfSampleTable(sampled));
}

/** What can be refused before a scenario is read. */
function checkArguments(name: string, args: ClearOnlyArguments): void {
  const inputs = [...inputsOf(name), ...(args.warm === undefined ? [] : [args.warm])];
  checkTarget(args.json, "--json", inputs);
  checkTarget(args.figure, "--figure", inputs);
  checkTarget(args.saveState, "--save-state", inputs);
  checkDistinct({ "--json": args.json, "--figure": args.figure, "--save-state": args.saveState });
  if (args.figure !== undefined && args.monteCarlo === undefined)
    throw new InputError(`--figure ${args.figure}: there is nothing to draw without --monte-carlo`);
  for (const [flag, file] of [
    ["--warm", args.warm],
    ["--save-state", args.saveState],
  ] as const)
    if (file !== undefined && (args.method === "central" || args.reserve === "sequential"))
      throw new InputError(`${flag} ${file}: only agents that clear energy and reserve at once have a state`);
}

function sampleOf({ market, outcome }: ClearedSession, draws: number, seed: number): OutOfSample {
  const { solution } = outcome as NonNullable<ClearedSession["outcome"]>;
  return outOfSample(market, createNetwork(market), solution, draws, seed);
}

function loadingOf({ feeder }: Scenario, loadings: readonly number[]): string {
  if (feeder.branches.every(({ ratingMva }) => ratingMva === null)) return "no branch has a rating";
  return `loading at most ${(100 * Math.max(...loadings)).toFixed(1)} %`;
}

/** Errors are drawn from held-out days. */
function checkHeldOut(file: string, { uncertainty: { testErrors } }: Scenario): void {
  const [{ length }] = testErrors;
  if (length === 0) throw complaint(file, "uncertainty.testErrors[0].length", 0, "--monte-carlo needs held-out errors");
}

function nettingText({ pairTrades, postedEnergy, paymentShift }: Quantised["report"], money: string): string {
  const moved = `no payment moved by more than ${paymentShift.toExponential(1)} ${money}`;
  return pairTrades === 0
    ? `no energy trades between prosumers, ${moved}`
    : `netting left ${postedEnergy} of ${pairTrades} energy trades between prosumers, ${moved}`;
}

/** "2, 5 and 7" would hide how many: the first few and a count. */
const some = (periods: readonly number[]): string =>
  periods.length <= 6 ? periods.join(", ") : `${periods.slice(0, 5).join(", ")} and ${periods.length - 5} more`;

/** What the AC sweep says of the cleared point; of periods in which it has no answer it says that, and no figure. */
function sweepLines(scenario: Scenario, { ac }: ClearingJson["network"]): string[] {
  const known = (values: readonly (number | null)[]): number[] => values.filter((value) => value !== null);
  const failed = ac.converged.flatMap((converged, period) => (converged ? [] : [period]));
  const lines =
    failed.length === 0
      ? []
      : [
          `AC sweep: does not converge in period ${some(failed)}: the feeder cannot carry these injections, and there are no figures for them; less load or more limits (--network on) would help`,
        ];
  if (failed.length < ac.converged.length)
    lines.push(
      `AC sweep${failed.length > 0 ? ", other periods" : ""}: voltage ${Math.min(...known(ac.minVoltage)).toFixed(4)} to ${Math.max(...known(ac.maxVoltage)).toFixed(4)} p.u., ${loadingOf(scenario, known(ac.maxLoading))}`,
    );
  return lines;
}

/** Batteries that would have charged and discharged at once, and were held to one way. */
const heldLines = ({ prosumers }: Scenario): string[] =>
  prosumers.flatMap(({ id, battery }) => {
    const held = battery?.direction?.flatMap((way, period) => (way === "either" ? [] : [period])) ?? [];
    return held.length === 0
      ? []
      : [`battery of prosumer ${id}: held to one way in period ${some(held)}; regrets are for that way`];
  });

/** What people look at first: how it ended, what it costs, what each prosumer pays. */
export function summary(
  session: ClearedSession,
  json: ClearingJson,
  width?: number,
  community?: CommunityJson,
): string {
  const outcome = session.outcome as NonNullable<ClearedSession["outcome"]>;
  const regret = outcome.regrets.reduce((a, b) => a + b, 0);
  const { whole } = currencyOf({ community });
  const paid = bills(json).reduce((sum, bill) => sum + bill.total, 0);
  const { report, result } = outcome.quantised;
  return [
    `${inline(json.scenario)}: ${json.status} by ${json.settings.method} in ${json.iterations} ${json.settings.method === "central" ? "solves" : "iterations"}, ${(json.wallMs / 1000).toFixed(1)} s`,
    `objective ${json.objective.toFixed(4)} ${whole}, regrets add up to ${regret.toExponential(1)} ${whole} (${(regret / Math.abs(json.objective)).toExponential(1)} of it)`,
    `${result.trades.length} trades to post; ${nettingText(report, whole)}`,
    ...sweepLines(session.market.scenario, json.network),
    ...heldLines(session.market.scenario),
    `bills add up to ${paid.toFixed(4)} ${whole}: what is paid is in whole Wh, W and g, and the objective also holds ${(json.uniqueness ?? 0).toFixed(4)} ${whole} that make trades unique`,
    billTable(json, session.market.scenario, community, width),
  ].join("\n");
}

/** What everybody pays, by bus. */
export function billTable(json: ClearingJson, scenario: Scenario, community?: CommunityJson, width?: number): string {
  const { money } = unitsOf(json, { ...scenario, community });
  const nameOf = new Map(community?.members.map(({ prosumer, name }) => [prosumer, inline(name)]));
  const columns = ["energy", "reserve", "carbon", "network", "payments", "deviceCost", "total"] as const;
  const head = columns.map((key) => `${key === "deviceCost" ? "device cost" : key} ${money.name}`);
  const rows = bills(json).map((bill) => [
    nameOf.get(bill.id) ?? bill.id,
    bill.bus,
    // A value that rounds to zero has no sign.
    ...columns.map((key) => (money.factor * bill[key]).toFixed(money.digits).replace(/^-(0\.0*)$/, "$1")),
  ]);
  // Payments are the four before them: where there is no room these go first.
  return terminalTable([community ? "member" : "prosumer", "bus", ...head], rows, {
    spare: [5, 4, 3, 2],
    ...(width !== undefined && { width }),
  });
}
