import * as z from "zod";
import { FeederSchema, figure, nonnegative as nonneg, positive, SMALLEST } from "../../grid/feeder.ts";
import { DEVICE_FIELDS } from "../devices/devices.ts";

/** How chance constraints are held (market-model section 5): the exact one and what it is compared with. */
export const RISK_METHODS = ["ts-drcc", "bonferroni", "gaussian", "robust", "deterministic"] as const;

/** Most periods of one session: a day of five minutes. How many a settlement can carry is the payload's own limit. */
export const MAX_PERIODS = 288;

const series = z.array(figure);

/** Injected at a bus, whatever is cleared, MW and Mvar by period. */
export const InjectionSchema = z.strictObject({ mw: series, mvar: series });

export const ProsumerSchema = z.strictObject({
  /** Registry id: ascending with the feeder's depth-first bus order. */
  id: z.int().positive().max(0xffffffff),
  bus: z.int().positive(),
  /**
   * Its own figure of its size, MW: public, declared at registration as a connection rating is. Absent: load peak or
   * largest rating.
   */
  sizeMw: nonneg.optional(),
  /**
   * Reactive power that its connection is registered for, var taken and fed in: public as its size is. Absent: what its
   * load and devices come to in this session.
   */
  absorbVar: z.int().nonnegative().optional(),
  feedVar: z.int().nonnegative().optional(),
  /**
   * What its bus is loaded with where it takes no part: public. Absent: the mean of its fixed load, at the power factor
   * of its bus's base load.
   */
  fallback: InjectionSchema.optional(),
  ...DEVICE_FIELDS,
  /** Cost of booking reserve capacity in own devices, $/MW and hour. */
  reserveUpPerMw: nonneg,
  reserveDownPerMw: nonneg,
});

/**
 * Errors of the sources over all periods at once, p.u. of rating: covariance of (t, s) and (t', s') is the sum over
 * `days` rows of their entries, plus the sum over `persistent` rows of theirs times the product of `lag` in between.
 */
const JointErrorsSchema = z.strictObject({
  /** MW and source (a column below) of each part of an error, whose column of `uncertain` is `column`. */
  ratingMw: z.array(nonneg),
  source: z.array(z.int().nonnegative()),
  /** Absent: every error of `uncertain` has one part. */
  column: z.array(z.int().nonnegative()).optional(),
  /** [period][row][source]: a row is a fitted day, the same in every period. */
  days: z.array(z.array(series)),
  /** [period][row][source]: a row is an independent process that is correlated by `lag` with itself a period before. */
  persistent: z.array(z.array(series)),
  /** [period] 0 at the first. */
  lag: z.array(z.number().min(0).max(1)),
});

/**
 * A scenario with every array inline: the whole input of one session. Nothing random or transcendental is
 * computed after this point; moments of the forecast errors are part of it (market-model: section 5).
 */
export const ScenarioSchema = z.strictObject({
  name: z.string().min(1),
  source: z.string().min(1),
  feeder: FeederSchema,
  /** Start of the first period, UTC, ISO 8601. */
  startUtc: z.iso.datetime(),
  /** IANA name of the clock by which its people tell time; absent: UTC. Nothing is computed from it. */
  timeZone: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+)*$/)
    .optional(),
  /** How many periods there are, each `periodHours` long. */
  hours: z.int().min(1).max(MAX_PERIODS),
  /** Length of a period in hours (dt). */
  periodHours: positive,
  tariff: z.strictObject({
    buyPerMwh: series,
    sellPerMwh: series,
    reserveUpPerMw: nonneg,
    reserveDownPerMw: nonneg,
  }),
  carbon: z.strictObject({
    gridTPerMwh: z.array(nonneg),
    /** Free allowance per MWh of fixed load over the horizon. */
    quotaTPerMwh: nonneg,
    /** A prosumer buys from the desk at this price and sells to it at `deskSellPerT` < `deskBuyPerT`. */
    deskBuyPerT: nonneg,
    deskSellPerT: nonneg,
  }),
  /**
   * kappa of e^2, r^2, c^2 per side; k_q of q^2: at the reference size, and the larger the smaller the market
   * (docs/model.md).
   */
  regularisation: z.strictObject({ trade: positive, reactive: positive }),
  risk: z.strictObject({
    method: z.enum(RISK_METHODS),
    epsilon: z.number().gt(0).min(SMALLEST).lt(1),
    /**
     * Robustness radii on mean and standard deviation of the estimated moments, per hour; zero = moments taken as
     * known.
     */
    meanRadius: z.array(nonneg),
    stdRadius: z.array(nonneg),
    /**
     * How long a response must be able to go on, hours: until the market is cleared again. With it goes
     * `uncertainty.joint`; absent: reserve is booked by the period, whatever came before.
     */
    sustainHours: positive.optional(),
  }),
  /** Allowed trading pairs, by prosumer id, first < second. */
  pairs: z.array(z.tuple([z.int().positive(), z.int().positive()])),
  prosumers: z.array(ProsumerSchema).min(1),
  /** Who was invited and takes no part, and what loads the feeder instead. */
  standing: z.array(InjectionSchema.extend({ id: z.int().positive(), bus: z.int().positive() })).optional(),
  uncertainty: z.strictObject({
    /** Names of the real series the errors come from. */
    sources: z.array(z.string()),
    /** Ids of prosumers with a renewable or a load that errs, in the column order of `factor`. */
    uncertain: z.array(z.int().positive()),
    /** factor[hour][row][column]: F_t with Sigma_t = F_t' F_t, MW; rows <= number of sources. */
    factor: z.array(z.array(series)),
    /** Largest norm(Sigma^{-1/2} xi) over the fitting samples, per hour (the robust comparator's radius). */
    robustRadius: z.array(nonneg),
    /**
     * Bootstrap 95 % quantiles, MW per hour: what `risk.meanRadius` and `risk.stdRadius` are when moments count as
     * estimated.
     */
    bootstrapMeanRadius: z.array(nonneg).optional(),
    bootstrapStdRadius: z.array(nonneg).optional(),
    /**
     * Standardised-free, debiased errors of the sources, p.u. of rating: [hour][sample][source]; fitting and held-out.
     */
    fitErrors: z.array(z.array(series)),
    testErrors: z.array(z.array(series)),
    /** The errors' joint law over the periods of the session (docs/model.md). */
    joint: JointErrorsSchema.optional(),
  }),
});

export type Scenario = z.infer<typeof ScenarioSchema>;
export type Prosumer = z.infer<typeof ProsumerSchema>;
export type RiskMethod = (typeof RISK_METHODS)[number];
export type JointErrors = z.infer<typeof JointErrorsSchema>;
