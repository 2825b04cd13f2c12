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
  const { prosumers, hours, regularisation } = scenario;
  const sizeMw = marketSizeMw(open.prosumers);
  const perSize = REFERENCE_SIZE_MW / sizeMw;
  const indexOf = new Map(prosumers.map((p, i) => [p.id, i]));
  const at = (id: number): number => {
    const i = indexOf.get(id);
    if (i === undefined) throw new Error(`scenario names prosumer ${id}, which does not exist`);
    return i;
  };
  const pairs = scenario.pairs.map(([a, b]) => [at(a), at(b)] as const);
  const pairsOf: number[][] = prosumers.map(() => []);
  const partner: number[][] = prosumers.map(() => []);
  pairs.forEach(([a, b], k) => {
    pairsOf[a].push(k);
    pairsOf[b].push(k);
    partner[a].push(b);
    partner[b].push(a);
  });
  const canAnswer = open.prosumers.map(({ answers }) => answers);
  const withRisk = settings.risk !== "deterministic";
  const columnOf = new Map(scenario.uncertainty.uncertain.map((id, c) => [at(id), c]));
  const error: Float64Array[][] = [];
  const sigma: Float64Array[] = [];
  const shares: ShareSlot[][] = [];
  const slotsOf: number[][][] = prosumers.map(() => []);
  for (let t = 0; t < hours; t++) {
    const rows = scenario.uncertainty.factor[t];
    const columns: Float64Array[] = prosumers.map(() => new Float64Array(0));
    if (withRisk) {
      const active = prosumers.flatMap((_, i) => {
        const c = columnOf.get(i);
        return c !== undefined && rows.some((row) => row[c] !== 0) ? [{ i, raw: rows.map((row) => row[c]) }] : [];
      });
      // Only norms matter: the triangular factor has fewer rows and the same norms.
      triangularFactor(active.map((a) => a.raw)).forEach((r, k) => (columns[active[k].i] = r));
    }
    error.push(columns);
    sigma.push(Float64Array.from(columns, (c) => norm(c)));
    const slots: ShareSlot[] = [];
    prosumers.forEach((_, buyer) => {
      if (columns[buyer].length === 0) return;
      const sellers = [buyer, ...partner[buyer]].filter((s) => canAnswer[s]).sort((a, b) => a - b);
      for (const seller of sellers) slots.push({ seller, buyer });
    });
    shares.push(slots);
    for (const mine of slotsOf) mine.push([]);
    slots.forEach(({ seller, buyer }, s) => {
      slotsOf[buyer][t].push(s);
      if (seller !== buyer) slotsOf[seller][t].push(s);
    });
  }
  return {
    scenario,
    settings,
    hours,
    dt: scenario.periodHours,
    prosumers,
    sizeMw,
    regularisation: {
      trade: regularisation.trade * perSize,
      allowances: regularisation.trade * perSize,
      reactive: regularisation.reactive * perSize,
    },
    pairs,
    pairsOf,
    canAnswer,
    sigma,
    error,
    halfWidth: Float64Array.from({ length: hours }, (_, t) =>
      halfWidthOf(settings.risk, settings.epsilon, scenario.uncertainty.robustRadius[t]),
    ),
    shares,
    slotsOf,
    allowanceT: Float64Array.from(open.prosumers, (p) => p.allowanceT),
    rebateWh: open.prosumers.map((p) => p.rebateWh),
    fixedSoldMw,
  };
}
