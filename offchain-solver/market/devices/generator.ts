import * as z from "zod";
import type { Terms } from "../../numerics/conicModel.ts";
import { figure, nonnegative } from "../../grid/feeder.ts";
import type { Answer, Draft, Hour, Term } from "../formulation/hour.ts";
import { plainRows } from "../formulation/jointDeviation.ts";
import { holdWithin } from "../formulation/sustained.ts";
import type { Affine } from "../risk/tsDrcc.ts";
import type { Device, Span, Stretch } from "./device.ts";

/** Dispatchable generator: cost a p^2 + b p [$/h, p in MW], linear emission rate. */
const GeneratorSchema = z.strictObject({
  minMw: nonnegative,
  maxMw: nonnegative,
  rampMwPerHour: nonnegative,
  costA: nonnegative,
  costB: figure,
  emissionTPerMwh: nonnegative,
  reactiveMvar: nonnegative,
  /** What it ran at before the first period, which its ramp is counted from; absent: nobody knows, and none binds. */
  initialMw: nonnegative.optional(),
});

type Generator = z.infer<typeof GeneratorSchema>;

export const generator: Device<typeof GeneratorSchema, "generator" | "generatorUp" | "generatorDown", "generatorMw"> = {
  schema: GeneratorSchema,
  dimensions: {
    minMw: "power",
    maxMw: "power",
    rampMwPerHour: "ramp",
    costA: "slope",
    costB: "price",
    reactiveMvar: "power",
    initialMw: "power",
  },
  courses: {},
  hourly: ["generator", "generatorUp", "generatorDown"],
  plan: { generatorMw: { variable: "generator", unit: "mw" } },
  add,
  cost: ({ costA, costB }, { generatorMw }, t) => costA * generatorMw[t] * generatorMw[t] + costB * generatorMw[t],
  emission: ({ emissionTPerMwh }, { generatorMw }, t) => emissionTPerMwh * generatorMw[t],
  reserve: {
    up: "generatorUp",
    down: "generatorDown",
    mostMw: ({ minMw, maxMw }) => (maxMw - minMw) / 2,
    sustains,
    sustain,
  },
  reactiveMvar: ({ reactiveMvar }) => reactiveMvar,
  rating: ({ maxMw }) => ({ sizeMw: maxMw, drawsMw: 0, feedsMw: maxMw }),
  faults: ({ minMw, maxMw }) =>
    minMw > maxMw ? [{ field: "minMw", value: minMw, reason: `is above maxMw = ${maxMw}` }] : [],
  flows: (_, { generatorMw }, t) => [["generators", generatorMw[t]]],
  between,
};

/** Its first ramp is counted from what it ran at before. Where it ends is free: it is no store. */
function between(
  { minMw, maxMw }: Generator,
  { generatorMw }: { readonly generatorMw: ArrayLike<number> },
  { from }: Stretch,
): Partial<Generator> {
  return from === 0 ? {} : { initialMw: Math.min(maxMw, Math.max(minMw, generatorMw[from - 1])) };
}

function add(hour: Hour, part: Generator): void {
  const { model, market, variables: v, t } = hour;
  const { dt } = market;
  const p = (v.generator[t] = model.add());
  model.square(p, 2 * part.costA * dt);
  model.linear(p, part.costB * dt);
  hour.injection.push([p, 1]);
  hour.emissions.push([p, part.emissionTPerMwh * dt]);
  const answers = hour.answers && (!market.joint || sustains(part, market));
  const up: Terms = answers ? [[(v.generatorUp[t] = model.bounded(0, Infinity)), 1]] : [];
  const down: Terms = answers ? [[(v.generatorDown[t] = model.bounded(0, Infinity)), 1]] : [];
  model.lessEqual([[p, 1], ...up], part.maxMw);
  model.lessEqual([[p, -1], ...down], -part.minMw);
  const before: Affine | undefined =
    t > 0 ? { terms: [[v.generator[t - 1], 1]], constant: 0 } : startOf(part.initialMw);
  if (before !== undefined) addRamps(hour, p, before, part.rampMwPerHour * dt);
}

const startOf = (initialMw: number | undefined): Affine | undefined =>
  initialMw === undefined ? undefined : { terms: [], constant: initialMw };

function addRamps({ model }: Hour, p: number, before: Affine, most: number): void {
  for (const sign of [1, -1]) {
    const change: Terms = [[p, sign], ...before.terms.map(([x, c]) => [x, -sign * c] as const)];
    model.lessEqual(change, most + sign * before.constant);
  }
}

/** Errors change from one period to the next, and so must what answers them. */
function sustains({ rampMwPerHour, initialMw }: Generator, { hours }: Span): boolean {
  return rampMwPerHour > 0 || (hours === 1 && initialMw === undefined);
}

/**
 * abs((p_t + answer_t) - (p_{t-1} + answer_{t-1})) <= ramp, two-sided over the joint law of the two periods. What it
 * ran at before the first one has its answers in it.
 */
function sustain(
  draft: Draft,
  { rampMwPerHour, initialMw }: Generator,
  answered: readonly (readonly Answer[])[],
): void {
  const { market, variables: v } = draft;
  const most = rampMwPerHour * market.dt;
  for (let t = initialMw === undefined ? 1 : 0; t < market.hours; t++) {
    const before: Term[] = t > 0 ? [[v.generator[t - 1], -1]] : [];
    const from = Math.max(0, t - 1);
    holdWithin(draft, t, {
      centre: { terms: [[v.generator[t], 1], ...before], constant: t > 0 ? 0 : -(initialMw ?? 0) },
      spread: plainRows(market, answered, { from, to: t, perMw: (at) => (at === t ? 1 : -1) }),
      lower: { terms: [], constant: -most },
      upper: { terms: [], constant: most },
    });
  }
}
