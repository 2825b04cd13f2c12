import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { defaultSettings, type MarketSettings } from "../market/scenario/market.ts";
import { wilson } from "../market/risk/exposure.ts";
import { RISK_METHODS, type RiskMethod, type Scenario } from "../market/scenario/scenario.ts";
import { CLEAR_METHODS, METHODS, type ClearMethod } from "../market/result/methods.ts";
import type { ClearOptions } from "../simulation/clear.ts";
import {
  bootstrapped,
  boundDay,
  calibrate,
  type BrokenDays,
  type Promised,
} from "../simulation/outOfSample/dayPromise.ts";
import { InputError } from "../io/inputError.ts";
import type { CommunityJson } from "../records/communityJson.ts";
import { loadCommunity } from "../scenarios/community/loadCommunity.ts";
import type { Stored } from "../scenarios/community/resolveCommunity.ts";
import { isFolder } from "../scenarios/community/readCommunity.ts";
import { loadBase } from "../scenarios/loadBase.ts";
import { loadScenario, shippedFile, takeHours } from "../scenarios/loadScenario.ts";
import { PERIOD_MINUTES, splitHours } from "../scenarios/periods.ts";
import { populate } from "../scenarios/populate.ts";
import { withRadii } from "../scenarios/withRadii.ts";
import { withSustain } from "../scenarios/withSustain.ts";
import { choiceOption, inline, liveLine, note, numberOption } from "../io/output.ts";

export const DEFAULT_METHOD: ClearMethod = "anderson";
/** Assumptions that are told before the work; all of them are in `community check`. */
const MOST_NOTES = 6;
const SWITCH = ["on", "off"] as const;

export type DrawArguments = {
  date?: string;
  radii?: "on" | "off";
  population?: number;
  seed?: number;
  hours?: number;
  minutes?: number;
  sustain?: number;
};

export type ClearArguments = DrawArguments & {
  method: ClearMethod;
  risk?: RiskMethod;
  epsilon?: number;
  /** Share of days. */
  promise?: DayPromise;
  /** Absent where it cannot be chosen: on. */
  network?: "on" | "off";
  networkRisk: "on" | "off";
  carbon: "on" | "off";
  trade: "on" | "off";
  /** Absent where it cannot be chosen: joint. */
  reserve?: "joint" | "sequential";
  tighten: "auto" | "off";
  rho: number;
  maxIterations: number;
  workers: number;
};

/**
 * --hours: by the clock, whatever the length of a period; what does not come out in whole periods is refused with the
 * scenario at hand.
 */
export const hoursOption = () => numberOption("--hours", 0.05, 24 * 366);
export const minutesOption = () => numberOption("--minutes", PERIOD_MINUTES[0], 60, true);

export const sustainOption = () => numberOption("--sustain", 0, 24 * 366);

/** The options that say which scenario, shared by `scenario`, `clear` and `run`. */
export function addDrawOptions(command: Command): Command {
  return command
    .option("--date <day>", "of a community's folder: the local day, YYYY-MM-DD (default: the first after its series)")
    .option(
      "--population <n>",
      "draw n prosumers on the scenario's feeder, a feeder or a MATPOWER case (*.m)",
      numberOption("--population", 1, 10_000, true),
    )
    .option("--seed <s>", "of the population (default: 1)", numberOption("--seed", 0, 0xffffffff, true))
    .option("--hours <n>", "only the first n hours by the clock: 4 n periods of quarter-hours", hoursOption())
    .option(
      "--minutes <m>",
      `split hours into periods of so many minutes: ${PERIOD_MINUTES.join(", ")}`,
      minutesOption(),
    )
    .option(
      "--sustain <hours>",
      "reserve must be deliverable for so long, until the market is cleared again; 0: by the period (default: the scenario's)",
      sustainOption(),
    )
    .option(
      "--radii <on|off>",
      "count the fitted moments as estimates, within their bootstrap 95 % radii (default: the scenario's)",
      choiceOption("--radii", SWITCH),
    );
}

/**
 * The options that say how to clear, shared by `clear` and `run`. `settled`: only those whose result can be settled,
 * which takes agents (their multipliers are the witness) and the network's limits (the chain checks them).
 */
export function addClearOptions(command: Command, { settled }: { settled: boolean }): Command {
  const methods: readonly ClearMethod[] = settled ? METHODS : CLEAR_METHODS;
  if (!settled)
    command.option("--network <on|off>", "voltage and line limits", choiceOption("--network", SWITCH), "on");
  return addDrawOptions(command)
    .option(
      "--method <name>",
      `how to clear: ${methods.join(", ")} (gsa combines several ratios, gsa1 one)`,
      choiceOption("--method", methods),
      DEFAULT_METHOD,
    )
    .option(
      "--risk <name>",
      `chance constraints: ${RISK_METHODS.join(", ")} (default: the scenario's)`,
      choiceOption("--risk", RISK_METHODS),
    )
    .option(
      "--epsilon <e>",
      "accepted violation per two-sided constraint, not joint",
      numberOption("--epsilon", 1e-4, 0.5),
    )
    .option(
      "--promise <day:D>",
      "find the eps at which at most the share D of days break any limit, network and devices, by leaving fitted days out; day-bound:D: by a bound for every distribution",
      promiseOption,
    )
    .option(
      "--network-risk <on|off>",
      "hold the limits under forecast errors too",
      choiceOption("--network-risk", SWITCH),
      "on",
    )
    .option("--carbon <on|off>", "allowance market", choiceOption("--carbon", SWITCH), "on")
    .option("--trade <on|off>", "off: the no-trade baseline", choiceOption("--trade", SWITCH), "on")
    .option(
      "--tighten <auto|off>",
      "auto: tighten voltage and line limits by what the AC sweep finds missing, until it passes",
      choiceOption("--tighten", ["auto", "off"] as const),
      "off",
    )
    .option("--rho <factor>", "multiplies every penalty", numberOption("--rho", 1e-3, 1e3), 1)
    .option("--max-iterations <n>", "give up after this many", numberOption("--max-iterations", 1, 1e6, true), 20_000)
    .option(
      "--workers <n>",
      "threads that the agents are spread over, for speed on this machine; the result is the same",
      numberOption("--workers", 1, 256, true),
      1,
    );
}

/** The files that a scenario, feeder or case of this name is read from. */
export const inputsOf = (name: string): string[] =>
  isFolder(name)
    ? readdirSync(name, { recursive: true, encoding: "utf8" }).map((file) => join(name, file))
    : [name, shippedFile("scenarios", name), shippedFile("feeders", name)];

/** A scenario, and what a community calls those in it, if it is one's. */
export type ReadScenario = { readonly scenario: Scenario; readonly community?: CommunityJson };

/** Reads a scenario by name, file or community's folder, cut and split as asked. Throws InputError. */
export async function readScenario(name: string, args: DrawArguments, stored?: Stored): Promise<ReadScenario> {
  if (!isFolder(name)) {
    if (args.date !== undefined) throw new InputError(`--date ${args.date}: ${name} is no community's folder`);
    return { scenario: readNamed(name, args) };
  }
  if (args.population !== undefined || args.seed !== undefined)
    throw new InputError(`--population: ${name} is a community's folder, which has its own members`);
  const { scenario, community, assumed } = await loadCommunity(name, args.date, stored);
  const shown = assumed.slice(0, MOST_NOTES);
  for (const text of shown) note(inline(`assumed: ${text}`));
  if (shown.length < assumed.length)
    note(`assumed: and ${assumed.length - shown.length} things more: gridpact community check ${inline(name)}`);
  return { scenario: shaped(scenario, args), community };
}

/** A scenario by name or file, or drawn on a feeder, cut and split as asked. Throws InputError. */
export const readNamed = (name: string, args: DrawArguments): Scenario => shaped(drawnOrNamed(name, args), args);

/** The same, neither cut nor split. */
export function drawnOrNamed(name: string, args: DrawArguments): Scenario {
  if (args.population === undefined && args.seed !== undefined)
    throw new InputError(`--seed ${args.seed}: there is nothing to draw without --population`);
  if (args.population === undefined && name.endsWith(".m"))
    throw new InputError(`${name}: a feeder has no prosumers; draw some with --population N`);
  return args.population === undefined
    ? loadScenario(name)
    : populate(
        loadBase(name, (text) => note(inline(text))),
        args.population,
        args.seed ?? 1,
      );
}

/** The first hours, in shorter periods, with radii or without, with reserve that lasts, as asked. */
export function shaped(scenario: Scenario, args: DrawArguments): Scenario {
  const day = args.hours === undefined ? scenario : takeHours(scenario, args.hours);
  const split = args.minutes === undefined ? day : splitHours(day, args.minutes);
  const believed = args.radii === undefined ? split : withRadii(split, args.radii === "on");
  const { sustainHours } = scenario.risk;
  if (args.radii === "on" && args.sustain === undefined && sustainHours !== undefined)
    throw new InputError(
      `${scenario.name}: --radii on: they are known by the period only, and risk.sustainHours = ${sustainHours}; --sustain 0 books by the period`,
    );
  return args.sustain === undefined ? believed : withSustain(believed, args.sustain);
}

/** At most so many days with any broken limit: by days left out, or by a bound for every distribution. */
type DayPromise = { readonly kind: "day" | "day-bound"; readonly share: number };

function promiseOption(text: string): DayPromise {
  const [, kind, digits] = /^(day|day-bound):((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)$/.exec(text) ?? [];
  const share = Number(digits);
  if (!(share >= 0 && share < 1))
    throw new InputError(
      `--promise ${text}: must be day:D or day-bound:D, D a share of days from 0 to below 1 such as .1 or 1e-3`,
    );
  return { kind: kind as DayPromise["kind"], share };
}

const nameOf = ({ kind, share }: DayPromise): string => `--promise ${kind}:${share}`;

/** What a promise does not go with. */
function checkPromise(scenario: Scenario, promise: DayPromise, args: ClearArguments): void {
  const named = nameOf(promise);
  const { risk = scenario.risk.method } = args;
  if (args.epsilon !== undefined)
    throw new InputError(`--epsilon ${args.epsilon}: --promise finds eps itself; give one of the two`);
  if (args.tighten === "auto")
    throw new InputError(`${named}: --tighten auto: eps is found at limits as they are; give one of the two`);
  if (risk === "robust" || risk === "deterministic")
    throw new InputError(`${named}: --risk ${risk} has no eps to find`);
  if (promise.kind === "day-bound" && scenario.risk.sustainHours !== undefined)
    throw new InputError(`${named}: the bound knows no ramps and no stored energy; --sustain 0 books by the period`);
  const days = scenario.uncertainty.fitErrors[0].length;
  if (promise.kind === "day" && days < LEAST_DAYS)
    throw new InputError(`${named}: ${scenario.name}: uncertainty.fitErrors: ${days} fitted days, needs ${LEAST_DAYS}`);
}

/** The eps that keeps a promise for the day, with what it comes to told. Throws where none does. */
function promised(scenario: Scenario, market: Promised, promise: DayPromise): number {
  const { kind, share } = promise;
  const named = nameOf(promise);
  if (kind === "day-bound") return bounded(scenario, market, named, share);
  const network = (broken: BrokenDays): string => (market.network ? `network ${broken.network}` : "no network counted");
  const of = (broken: BrokenDays): string =>
    `${broken.any} of ${broken.days} days (${network(broken)}, devices ${broken.devices})`;
  const found = calibrate(scenario, market, share, (epsilon, at) =>
    note(`eps ${epsilon}: ${at ? `$${at.objective.toFixed(4)}, breaks ${of(at.leftOut)} left out` : "no solution"}`),
  );
  if (found === undefined)
    throw new InputError(`${named}: no eps that has a solution breaks so few of the days that were left out`);
  const { low, high } = wilson(found.leftOut.any, found.leftOut.days);
  const interval = `95 % interval ${(100 * low).toFixed(0)}-${(100 * high).toFixed(0)} %`;
  note(
    `promised: eps ${found.epsilon} breaks ${of(found.leftOut)} left out, ${interval}; ${of(found.fitted)} fitted, ${heldOutText(found.heldOut, share, of)}`,
  );
  const anew = found.heldOut.days > 0 && bootstrapped(scenario, market, found.epsilon);
  if (anew) note(`of held-out days put together anew by six hours it breaks ${of(anew)}`);
  return found.epsilon;
}

/** Days that nothing was chosen by, the only ones that judge the choice. */
function heldOutText(heldOut: BrokenDays, share: number, of: (broken: BrokenDays) => string): string {
  if (heldOut.days === 0) return "and there are no held-out days to judge it by";
  const worse = heldOut.any > share * heldOut.days ? ", more than promised" : "";
  return `${of(heldOut)} held out${worse}`;
}

/** Days have to be left out of something. */
const LEAST_DAYS = 8;

function bounded(scenario: Scenario, market: Promised, named: string, share: number): number {
  const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
  const { found, least } = boundDay(scenario, market, share, (epsilon, at) =>
    note(`eps ${epsilon}: ${at ? `$${at.objective.toFixed(4)}, bound ${percent(at.bound)}` : "no solution"}`),
  );
  if (found !== undefined) {
    note(`promised: eps ${found.epsilon}; at most ${percent(found.bound)} of days, whatever the distribution`);
    return found.epsilon;
  }
  if (least === undefined) throw new InputError(`${named}: no eps has a solution`);
  if (least.bound === 1) throw new InputError(`${named}: no eps with a solution reaches any bound below 1`);
  throw new InputError(`${named}: the least that is reached is ${least.bound.toPrecision(3)}, at eps ${least.epsilon}`);
}

/** Refuses options that do not go together, or not with the scenario. */
export function checkClearing(scenario: Scenario, args: ClearArguments): void {
  if (args.method === "central" && args.workers > 1)
    throw new InputError(`--workers ${args.workers}: the central twin has no agents to spread`);
  if (scenario.risk.sustainHours !== undefined && (args.risk ?? scenario.risk.method) === "robust")
    throw new InputError(
      `--risk robust: its radius is one of a single period; --sustain 0 books reserve by the period`,
    );
  if (args.promise !== undefined) checkPromise(scenario, args.promise, args);
}

/** Options with the scenario's defaults filled in, residuals shown live. */
export function clearOptions(scenario: Scenario, args: ClearArguments): { options: ClearOptions; done: () => void } {
  checkClearing(scenario, args);
  const defaults = defaultSettings(scenario);
  const market: MarketSettings = {
    ...defaults,
    risk: args.risk ?? defaults.risk,
    epsilon: args.epsilon ?? defaults.epsilon,
    network: args.network !== "off",
    networkRisk: args.networkRisk === "on",
    carbon: args.carbon === "on",
  };
  const trade = args.trade === "on";
  const asked: Promised = { ...market, trade, ...(args.reserve && { reserve: args.reserve }) };
  const line = liveLine();
  const options: ClearOptions = {
    method: args.method,
    trade,
    rhoScale: args.rho,
    maxIterations: args.maxIterations,
    workers: args.workers,
    market: args.promise === undefined ? market : { ...market, epsilon: promised(scenario, asked, args.promise) },
    observe: (iteration, { primal, dual }) => {
      if (iteration % 5 === 0)
        line.show(
          `iteration ${iteration}  residual/tolerance: primal ${primal.toExponential(1)}  dual ${dual.toExponential(1)}`,
        );
    },
  };
  return { options, done: line.end };
}
