/**
 * `outOfSample` of clearing.json: how often errors that the clearing never saw break each of its two-sided constraints.
 */
import * as z from "zod";

const probability = z.number().min(0).max(1);
/** Share of the draws, with its 95 % Wilson interval. */
const EstimateSchema = z.strictObject({ probability, low: probability, high: probability });
const LimitSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("booking"), prosumer: z.int().positive() }),
  z.strictObject({ kind: z.literal("voltage"), bus: z.int().positive() }),
  z.strictObject({
    kind: z.literal("line"),
    from: z.int().positive(),
    to: z.int().positive(),
    /** Pair of opposite facets of the 12-gon, normal at facet x 30 degrees. */
    facet: z.int().min(0).max(5),
  }),
]);
const hour = z.int().nonnegative();

/** heldOut: days of the scenario's test weeks, with replacement; the others have the fitted moments. */
const bySource = <T extends z.ZodType>(of: T) =>
  z.strictObject({ heldOut: of, gaussian: of, laplace: of, skewed: of, mixture: of });

export const OutOfSampleSchema = z.strictObject({
  draws: z.int().positive(),
  seed: z.int().nonnegative(),
  /** Promised per two-sided constraint and hour, not jointly. */
  epsilon: z.number().gt(0).lt(1),
  /** Beyond a limit by less than this, MW, MVA or squared p.u., does not count. */
  tolerance: z.number().positive(),
  heldOutDays: z.int().positive(),
  /** Every constraint that errors can move. */
  limits: z.array(
    z.strictObject({
      hour,
      limit: LimitSchema,
      /** Distance of the forecast point from the middle of the band, and standard deviation, over the half width. */
      offset: z.number(),
      deviation: z.number().nonnegative(),
      /** Largest violation over all distributions with the fitted moments. */
      worstCase: probability,
      violation: bySource(EstimateSchema),
      /** Of the held-out days, how many break it. */
      heldOutDays: z.int().nonnegative(),
    }),
  ),
  /** Any constraint broken in an hour (mean over hours), and in the whole day. */
  joint: bySource(z.strictObject({ hour: EstimateSchema, day: EstimateSchema })),
  /** Binding constraints under the distribution that breaks them most often. */
  adversarial: z.array(z.strictObject({ hour, limit: LimitSchema, expected: probability, violation: EstimateSchema })),
  /** Constraints that the held-out days break more often than epsilon, each with what those days did differently. */
  aboveEpsilon: z.array(z.strictObject({ hour, limit: LimitSchema, why: z.string() })),
});

const figure = z.number().nullable();

/** How the limits were tightened until the AC sweep kept the margins, and what was measured after each clearing. */
export const TighteningSchema = z.strictObject({
  voltagePu: z.number().nonnegative(),
  ratingShare: z.number().nonnegative(),
  passed: z.boolean(),
  measured: z.array(
    z.strictObject({
      /** Where the sweep did not converge there are no figures. */
      converged: z.boolean(),
      /** LinDistFlow against AC. */
      voltageErrorPu: figure,
      flowErrorMva: figure,
      /**
       * AC beyond the limits, and what it lacks of the chance constraints' margin; at most 0 where nothing is wrong.
       */
      voltageBeyondPu: figure,
      loadingBeyond: figure,
      voltageEatenPu: figure,
      ratingEaten: figure,
    }),
  ),
});
