import * as z from "zod";
import { norm, triangularFactor } from "../../numerics/qr.ts";
import { publicScenario, scenarioWith, type PrivatePart, type PublicScenario } from "./publicScenario.ts";
import { RISK_METHODS, type Prosumer, type RiskMethod, type Scenario } from "./scenario.ts";
import { marketSizeMw, REFERENCE_SIZE_MW } from "./size.ts";

/**
 * A right to answer: `seller` may take a share of `buyer`'s forecast error; seller = buyer is the own share. Indices
 * into `prosumers`.
 */
export type ShareSlot = { readonly seller: number; readonly buyer: number };

/**
 * How the errors hang together in time. Column of a prosumer's error in a period, empty where it has nothing to answer:
 * `days` over the fitted days, `persistent` over processes that carry over to the next period by `lag`.
 */
export type JointLaw = {
  /** How long a response must be able to go on, periods. */
  readonly sustain: number;
  /** [period][prosumer] MW. */
  readonly days: readonly (readonly Float64Array[])[];
  readonly persistent: readonly (readonly Float64Array[])[];
  /** [period] correlation with the period before; 0 at the first. */
  readonly lag: readonly number[];
};

/** Which market is cleared: part of the frozen terms. */
export const MarketSettingsSchema = z.strictObject({
  risk: z.enum(RISK_METHODS),
  epsilon: z.number().gt(0).lt(1),
  network: z.boolean(),
  carbon: z.boolean(),
  /**
   * Two-sided chance constraints on voltages and lines; without it only the forecast point is held inside the limits.
   */
  networkRisk: z.boolean(),
  /** Use the scenario's robustness radii of estimated moments. */
  radii: z.boolean(),
});
export type MarketSettings = Readonly<z.infer<typeof MarketSettingsSchema>>;

/** What every party knows of the session: the scenario with its index tables. No optimisation in here. */
export type Market = {
  readonly scenario: Scenario;
  readonly settings: MarketSettings;
  readonly hours: number;
  readonly dt: number;
  readonly prosumers: readonly Prosumer[];
  /** Mean of the members' own figures, MW. Whatever has a unit follows it. */
  readonly sizeMw: number;
  /** kappa of e^2 and r^2, of c^2, and k_q of q^2 at this size: $/MWh per MW, $/t per t, $/Mvarh per Mvar. */
  readonly regularisation: { readonly trade: number; readonly allowances: number; readonly reactive: number };
  /** Prosumer indices, first < second. */
  readonly pairs: readonly (readonly [number, number])[];
  /** pairsOf[i]: indices into `pairs`. */
  readonly pairsOf: readonly (readonly number[])[];
  /** Who owns a generator or battery, so may sell response shares. */
  readonly canAnswer: readonly boolean[];
  /** Standard deviation of the forecast error, MW: [hour][prosumer]; 0 = nothing to answer. */
  readonly sigma: readonly Float64Array[];
  /** Factor column of the forecast error, MW: [hour][prosumer], empty where sigma = 0. */
  readonly error: readonly (readonly Float64Array[])[];
  /** Joint law of the errors over the periods, MW; undefined where reserve is booked by the period. */
  readonly joint: JointLaw | undefined;
  /** Half width a symmetric limit needs, in standard deviations: [hour]. */
  readonly halfWidth: Float64Array;
  /** Response-share slots: [hour], ordered by buyer, then seller. */
  readonly shares: readonly (readonly ShareSlot[])[];
  /** Indices into `shares[hour]` where a prosumer sells, buys or answers itself, ascending: [prosumer][hour]. */
  readonly slotsOf: readonly (readonly (readonly number[])[])[];
  /** Free allowance, tCO2, and weight in the rebate of network charges, Wh: [prosumer], both public. */
  readonly allowanceT: Float64Array;
  readonly rebateWh: readonly number[];
  /**
   * Net energy each prosumer has already sold to partners, MW: [prosumer][hour]; undefined where energy is part of what
   * is cleared. Fixing the sums fixes the trades: a cleared day spreads given sums over the pairs at least kappa e^2,
   * and so does the next.
   */
  readonly fixedSoldMw: readonly Float64Array[] | undefined;
};

/** What a prosumer is called in a message: by its registry id, never by its index. */
export const nameOf = ({ prosumers }: Pick<Market, "prosumers">, index: number): string =>
  `prosumer ${prosumers[index].id}`;

/** What a period is called in a message: its index in the session, and when in the day it begins. */
export function periodName({ scenario: { startUtc }, dt }: Pick<Market, "dt" | "scenario">, period: number): string {
  const [, hour, minute] = /T(\d\d):(\d\d)/.exec(startUtc) ?? [];
  const minutes = 60 * Number(hour) + Number(minute) + Math.round(60 * dt * period);
  const two = (part: number): string => String(part).padStart(2, "0");
  const day = minutes < 1440 ? "" : " the day after";
  return `period ${period} (${two(Math.floor(minutes / 60) % 24)}:${two(minutes % 60)} UTC${day})`;
}

/** Half width that a symmetric limit needs, in standard deviations (market-model section 5). */
export function halfWidthOf(method: RiskMethod, epsilon: number, robustRadius: number): number {
  switch (method) {
    case "ts-drcc":
      return 1 / Math.sqrt(epsilon);
    case "bonferroni":
      return Math.sqrt((1 - epsilon / 2) / (epsilon / 2));
    case "gaussian":
      return normalQuantile(1 - epsilon / 2);
    case "robust":
      return robustRadius;
    case "deterministic":
      return 0;
  }
}

/**
 * Phi^{-1}(p) for p in [.5, 1) by bisection on the series of the error function: only + - * / and sqrt, so the bits are
 * fixed.
 */
export function normalQuantile(p: number): number {
  let low = 0;
  let high = 9;
  for (let i = 0; i < 80; i++) {
    const mid = (low + high) / 2;
    if (normalCdf(mid) < p) low = mid;
    else high = mid;
  }
  return (low + high) / 2;
}

/** Phi(x), x in [0, 9]: 1/2 + phi(x) (x + x^3/3 + x^5/(3 5) + ...); exp by squaring of a Taylor series. */
export function normalCdf(x: number): number {
  let term = x;
  let sum = x;
  for (let k = 3; term > sum * 1e-17 && k < 600; k += 2) {
    term *= (x * x) / k;
    sum += term;
  }
  return 0.5 + sum * 0.3989422804014327 * expNegative((x * x) / 2);
}

function expNegative(x: number): number {
  // e^-x = (e^{-x/64})^64
  const y = x / 64;
  let term = 1;
  let sum = 1;
  for (let k = 1; k < 40; k++) {
    term *= -y / k;
    sum += term;
  }
  for (let k = 0; k < 6; k++) sum *= sum;
  return sum;
}

export function defaultSettings(scenario: Scenario): MarketSettings {
  return {
    risk: scenario.risk.method,
    epsilon: scenario.risk.epsilon,
    network: true,
    carbon: true,
    networkRisk: true,
    radii: true,
  };
}

/** The market of somebody who knows every party: a simulation. */
export function createMarket(
  scenario: Scenario,
  settings: MarketSettings,
  fixedSoldMw?: readonly Float64Array[],
): Market {
  return tabulate(scenario, publicScenario(scenario), settings, fixedSoldMw);
}

/**
 * The market from what was frozen for all, and the private parts that its holder was given: none for operator and
 * auditor.
 */
export function marketOf(open: PublicScenario, settings: MarketSettings, known: readonly PrivatePart[] = []): Market {
  return tabulate(scenarioWith(open, known), open, settings, undefined);
}

/** The tables come from the public part alone, so all parties have the same ones. */
function tabulate(
  scenario: Scenario,
  open: PublicScenario,
  settings: MarketSettings,
  fixedSoldMw: readonly Float64Array[] | undefined,
): Market {
  const { prosumers, hours, uncertainty } = scenario;
  const sizeMw = marketSizeMw(open.prosumers);
  const indexOf = indexTable(prosumers);
  const pairs = scenario.pairs.map(([a, b]) => [indexOf(a), indexOf(b)] as const);
  const canAnswer = open.prosumers.map(({ answers }) => answers);
  const columnOf = new Map(uncertainty.uncertain.map((id, column) => [indexOf(id), column]));
  const error = uncertainty.factor
    .slice(0, hours)
    .map((rows) => errorColumns(rows, prosumers.length, columnOf, settings));
  const partners = partnersOf(pairs, prosumers.length);
  const shares = error.map((columns) => slotsFor(columns, partners, canAnswer));
  return {
    scenario,
    settings,
    hours,
    dt: scenario.periodHours,
    prosumers,
    sizeMw,
    regularisation: regularisationAt(scenario, sizeMw),
    pairs,
    pairsOf: pairTable(pairs, prosumers.length),
    canAnswer,
    sigma: error.map((columns) => Float64Array.from(columns, (column) => norm(column))),
    error,
    joint: jointLaw(scenario, error, columnOf),
    halfWidth: Float64Array.from({ length: hours }, (_, t) =>
      halfWidthOf(settings.risk, settings.epsilon, uncertainty.robustRadius[t]),
    ),
    shares,
    slotsOf: slotTable(shares, prosumers.length),
    allowanceT: Float64Array.from(open.prosumers, (p) => p.allowanceT),
    rebateWh: open.prosumers.map((p) => p.rebateWh),
    fixedSoldMw,
  };
}

/** From a registry id to the index into `prosumers`. */
function indexTable(prosumers: readonly Prosumer[]): (id: number) => number {
  const indices = new Map(prosumers.map((p, i) => [p.id, i]));
  return (id) => {
    const index = indices.get(id);
    if (index === undefined) throw new Error(`scenario names prosumer ${id}, which does not exist`);
    return index;
  };
}

function regularisationAt({ regularisation }: Scenario, sizeMw: number): Market["regularisation"] {
  const perSize = REFERENCE_SIZE_MW / sizeMw;
  const trade = regularisation.trade * perSize;
  return { trade, allowances: trade, reactive: regularisation.reactive * perSize };
}

/** [prosumer] indices into `pairs`. */
function pairTable(pairs: Market["pairs"], prosumers: number): number[][] {
  const pairsOf: number[][] = Array.from({ length: prosumers }, () => []);
  pairs.forEach((pair, k) => pair.forEach((i) => pairsOf[i].push(k)));
  return pairsOf;
}

/** [prosumer] whom it may trade with. */
function partnersOf(pairs: Market["pairs"], prosumers: number): number[][] {
  const partners: number[][] = Array.from({ length: prosumers }, () => []);
  for (const [a, b] of pairs) {
    partners[a].push(b);
    partners[b].push(a);
  }
  return partners;
}

/** [prosumer] factor columns of one hour's errors, MW; empty where there is nothing to answer. */
function errorColumns(
  factor: readonly (readonly number[])[],
  prosumers: number,
  columnOf: ReadonlyMap<number, number>,
  { risk }: MarketSettings,
): Float64Array[] {
  const columns: Float64Array[] = Array.from({ length: prosumers }, () => new Float64Array(0));
  if (risk === "deterministic") return columns;
  const active = columns.flatMap((_, i) => {
    const c = columnOf.get(i);
    return c !== undefined && factor.some((row) => row[c] !== 0) ? [{ i, raw: factor.map((row) => row[c]) }] : [];
  });
  // Only norms matter: the triangular factor has fewer rows and the same norms.
  triangularFactor(active.map(({ raw }) => raw)).forEach((r, k) => (columns[active[k].i] = r));
  return columns;
}

function jointLaw(
  { hours, periodHours, risk: { sustainHours }, uncertainty: { joint } }: Scenario,
  error: readonly (readonly Float64Array[])[],
  columnOf: ReadonlyMap<number, number>,
): JointLaw | undefined {
  if (joint === undefined || sustainHours === undefined) return undefined;
  // [column of `uncertain`] its parts.
  const parts = new Map<number, number[]>();
  joint.source.forEach((_, k) => {
    const c = joint.column?.[k] ?? k;
    parts.set(c, [...(parts.get(c) ?? []), k]);
  });
  const columns = (law: readonly (readonly (readonly number[])[])[]): Float64Array[][] =>
    error.map((active, t) =>
      active.map((column, i) => {
        const c = columnOf.get(i);
        if (column.length === 0 || c === undefined) return new Float64Array(0);
        const [first, ...more] = parts.get(c) ?? [];
        return Float64Array.from(law[t], (row) =>
          more.reduce(
            (sum, k) => sum + row[joint.source[k]] * joint.ratingMw[k],
            row[joint.source[first]] * joint.ratingMw[first],
          ),
        );
      }),
    );
  return {
    sustain: Math.min(hours, Math.max(1, Math.round(sustainHours / periodHours))),
    days: columns(joint.days),
    persistent: columns(joint.persistent),
    lag: joint.lag,
  };
}

/** One hour's slots: whoever errs may be answered by itself and by its partners. */
function slotsFor(
  columns: readonly Float64Array[],
  partners: readonly (readonly number[])[],
  canAnswer: readonly boolean[],
): ShareSlot[] {
  return columns.flatMap((column, buyer) => {
    if (column.length === 0) return [];
    const sellers = [buyer, ...partners[buyer]].filter((s) => canAnswer[s]).sort((a, b) => a - b);
    return sellers.map((seller) => ({ seller, buyer }));
  });
}

function slotTable(shares: Market["shares"], prosumers: number): number[][][] {
  const slotsOf: number[][][] = Array.from({ length: prosumers }, () => shares.map(() => []));
  shares.forEach((slots, t) =>
    slots.forEach(({ seller, buyer }, s) => {
      slotsOf[buyer][t].push(s);
      if (seller !== buyer) slotsOf[seller][t].push(s);
    }),
  );
  return slotsOf;
}
