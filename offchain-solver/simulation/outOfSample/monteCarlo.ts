import type { Market } from "../../market/scenario/market.ts";
import type { Network } from "../../market/formulation/network.ts";
import { exposureOf, limitLabel, momentsOf, wilson, type Exposure } from "../../market/risk/exposure.ts";
import { worstCaseViolation } from "../../market/risk/tsDrcc.ts";
import type { Solution } from "../../market/result/solution.ts";
import { seeded } from "../../scenarios/prng.ts";
import { attacks, type Attack, type Target } from "./adversary.ts";
import { drawOf, SHAPES, type Draw } from "./distributions.ts";
import { explain } from "./explain.ts";
import {
  lookAt,
  onFactor,
  sampled,
  TOLERANCE,
  violations,
  type Estimate,
  type Look,
  type Sample,
} from "./violations.ts";

/** An adversary needs something to move: least deviation over half width. */
const LEAST_DEVIATION = 1e-2;

export const SOURCES = ["heldOut", ...SHAPES] as const;
export type SourceName = (typeof SOURCES)[number];

export type LimitReport = {
  readonly hour: number;
  readonly limit: Exposure["id"];
  /** Centre and deviation for the fitted moments over the half width: 1 and 0 is a limit met exactly. */
  readonly offset: number;
  readonly deviation: number;
  /** Largest violation over all distributions with the fitted moments. */
  readonly worstCase: number;
  readonly violation: Readonly<Record<SourceName, Estimate>>;
  /** Held-out days beyond the limit; what the drawing with replacement converges to. */
  readonly heldOutDays: number;
};

export type AboveEpsilon = { readonly hour: number; readonly limit: Exposure["id"]; readonly why: string };

export type OutOfSample = {
  readonly draws: number;
  readonly seed: number;
  readonly epsilon: number;
  readonly tolerance: number;
  readonly heldOutDays: number;
  readonly limits: readonly LimitReport[];
  /** Any limit broken: in an hour (mean over hours), and anywhere in the day. eps promises neither. */
  readonly joint: Readonly<Record<SourceName, { readonly hour: Estimate; readonly day: Estimate }>>;
  readonly adversarial: readonly Attack[];
  /** Limits whose held-out violation is above eps, each with what the held-out days did differently. */
  readonly aboveEpsilon: readonly AboveEpsilon[];
};

/** What all hours are drawn from: whole held-out days, so that hours keep together, and the shapes. */
type Drawing = {
  readonly epsilon: number;
  readonly draws: number;
  readonly days: number;
  /** [day] */
  readonly timesDrawn: Int32Array;
  /** [shape] */
  readonly shapes: readonly Draw[];
};

function drawingOf(market: Market, draws: number, seed: number): Drawing {
  const random = seeded(seed);
  const days = market.scenario.uncertainty.testErrors[0].length;
  const timesDrawn = new Int32Array(days);
  for (let d = 0; d < draws; d++) timesDrawn[Math.floor(random() * days)]++;
  return {
    epsilon: market.settings.epsilon,
    draws,
    days,
    timesDrawn,
    shapes: SHAPES.map((shape) => drawOf(shape, random)),
  };
}

/** Any limit broken, by source: how many drawn hours, and which draws (of the held-out, which days). */
type Broken = Record<SourceName, { hours: number; readonly any: Uint8Array }>;

const noneBroken = ({ days, draws }: Drawing): Broken =>
  bySource((source) => ({ hours: 0, any: new Uint8Array(source === "heldOut" ? days : draws) }));

/** One hour's draws beyond each limit, by source, and the held-out days beyond it: [limit]. */
type Tally = { readonly hits: Readonly<Record<SourceName, Int32Array>>; readonly byDay: Int32Array };

function tallyOf(look: Look, drawing: Drawing, broken: Broken): Tally {
  const { exposure, factor, real } = look;
  const heldOut = count(exposure.limits, exposure.modes, real, drawing.timesDrawn);
  addBroken(broken.heldOut, heldOut.any, drawing.timesDrawn);
  const hits: Partial<Record<SourceName, Int32Array>> = { heldOut: heldOut.hits };
  const modes = onFactor(exposure, factor);
  SHAPES.forEach((shape, k) => {
    const found = count(exposure.limits, modes, sampled(drawing.shapes[k], factor.length, drawing.draws));
    addBroken(broken[shape], found.any);
    hits[shape] = found.hits;
  });
  return { hits: hits as Tally["hits"], byDay: heldOut.different };
}

/** [limit] draws beyond it, and different draws where one counts `weight` times; [draw] whether beyond any limit. */
function count(
  limits: Look["exposure"]["limits"],
  modes: readonly Float64Array[],
  sample: Sample,
  weight?: Int32Array,
) {
  const [hits, different] = [new Int32Array(limits.length), new Int32Array(limits.length)];
  const any = new Uint8Array(sample.draws);
  violations(limits, modes, sample, (limit, d) => {
    hits[limit] += weight ? weight[d] : 1;
    different[limit]++;
    any[d] = 1;
  });
  return { hits, different, any };
}

function addBroken(broken: Broken[SourceName], any: Uint8Array, weight?: Int32Array): void {
  any.forEach((hit, d) => {
    broken.hours += hit * (weight ? weight[d] : 1);
    broken.any[d] |= hit;
  });
}

/** What has been found out so far. */
type Findings = { readonly limits: LimitReport[]; readonly aboveEpsilon: AboveEpsilon[]; readonly targets: Target[] };

/** Looks at limit k of an hour. */
function judge(look: Look, k: number, tally: Tally, drawing: Drawing, into: Findings): void {
  const { hour, exposure, factor } = look;
  const limit = exposure.limits[k];
  const { hits, byDay } = tally;
  const { epsilon } = drawing;
  const { offset, s, T: half } = momentsOf(exposure, limit, factor);
  // Nothing is booked where nothing is answered: a limit of no width is as wide as what does not count as a violation.
  const T = Math.max(half, TOLERANCE);
  const worst = worstCaseViolation(Math.abs(offset), s, Math.max(T, Math.abs(offset) + TOLERANCE));
  if (s === 0 && SOURCES.every((source) => hits[source][k] === 0)) return;
  if (s > LEAST_DEVIATION * T && worst > 0.9 * epsilon && worst < 1.1 * epsilon)
    into.targets.push({ hour, exposure, limit, deviation: s / T });
  into.limits.push({
    hour,
    limit: limit.id,
    offset: offset / T,
    deviation: s / T,
    worstCase: worst,
    violation: bySource((source) => wilson(hits[source][k], drawing.draws)),
    heldOutDays: byDay[k],
  });
  if (byDay[k] / drawing.days > epsilon)
    into.aboveEpsilon.push({ hour, limit: limit.id, why: explain(look, limit, byDay[k], epsilon) });
}

const bySource = <T>(of: (source: SourceName) => T): Record<SourceName, T> =>
  Object.fromEntries(SOURCES.map((source) => [source, of(source)])) as Record<SourceName, T>;

/**
 * How often each two-sided constraint of a cleared day is broken: by errors drawn from the held-out days (whole days,
 * so that hours keep together), by four shapes with the fitted moments, and by the extremal law of the constraints that
 * bind.
 */
export function outOfSample(
  market: Market,
  network: Network,
  solution: Solution,
  draws: number,
  seed: number,
): OutOfSample {
  const drawing = drawingOf(market, draws, seed);
  const broken = noneBroken(drawing);
  const findings: Findings = { limits: [], aboveEpsilon: [], targets: [] };
  for (let t = 0; t < market.hours; t++) {
    const look = lookAt(market, t, exposureOf(market, network, solution, t));
    const tally = tallyOf(look, drawing, broken);
    look.exposure.limits.forEach((_, k) => judge(look, k, tally, drawing, findings));
  }
  const { limits, aboveEpsilon, targets } = findings;
  return {
    draws,
    seed,
    epsilon: drawing.epsilon,
    tolerance: TOLERANCE,
    heldOutDays: drawing.days,
    limits,
    joint: jointOf(broken, drawing, market.hours),
    adversarial: attacks(market, targets, draws, seed),
    aboveEpsilon,
  };
}

const jointOf = (broken: Broken, { draws, timesDrawn }: Drawing, hours: number): OutOfSample["joint"] =>
  bySource((source) => ({
    hour: wilson(broken[source].hours, draws * hours),
    day: wilson(
      broken[source].any.reduce((sum, hit, d) => sum + hit * (source === "heldOut" ? timesDrawn[d] : 1), 0),
      draws,
    ),
  }));

/** "period 12, line 3-4 facet 0" */
export function whereOf({ hour, limit }: { hour: number; limit: Exposure["id"] }): string {
  return `period ${hour}, ${limitLabel(limit)}`;
}
