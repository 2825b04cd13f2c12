import * as z from "zod";
import { MAX_PERIODS, ScenarioSchema } from "../market/scenario/scenario.ts";

const nonneg = z.number().nonnegative();
const hourOfDay = z.int().min(0).max(24);

const share = z.number().min(0).max(1);
/** Smallest and largest of a uniform draw. */
const range = z.tuple([z.number().nonnegative(), z.number().nonnegative()]);

/** How prosumers are drawn. Sizes follow loads, so the same rules fit every feeder. */
export const PopulationSchema = z.strictObject({
  count: z.int().positive(),
  seed: z.int().nonnegative(),
  /** Exact shares of the prosumers that own each device; PV and wind exclude each other. */
  pvShare: share,
  windShare: share,
  generatorShare: share,
  batteryShare: share,
  /** Rating over the prosumer's base load. */
  pvPerLoad: range,
  windPerLoad: range,
  batteryPerLoad: range,
  /** Maximum output over the mean base load of all prosumers. */
  generatorPerMeanLoad: range,
  generatorCostA: range,
  generatorCostB: range,
  generatorTPerMwh: range,
  /** A base load below this counts as this where a device is sized by it. */
  smallestLoadMw: z.number().positive(),
  /**
   * Nearest partners of each prosumer, and the nearest owners of a generator or battery that it reaches in any case.
   */
  partners: z.tuple([z.int().positive(), z.int().positive()]),
  sellers: z.int().nonnegative(),
  /** Whom nobody further chooses once it has so many partners; absent: no bound. */
  mostPartners: z.int().positive().optional(),
});

/**
 * What a person writes down about a scenario besides its prosumers. MW, $/MWh, $/MW, $/t, tCO2/MWh, local hours of the
 * day. `resolveScenario` joins it with a feeder and the real series and spells every array out.
 */
const TERMS = {
  name: z.string().min(1),
  source: z.string().min(1),
  /** Name of a file in cases/feeders, or a file. */
  feeder: z.string().min(1),
  startUtc: z.iso.datetime(),
  hours: z.int().min(1).max(MAX_PERIODS),
  /** Local time of the tariff is UTC plus this. */
  utcOffsetHours: z.int().min(-12).max(14),
  /** Load is the feeder's base load x the regional profile x this. */
  loadScale: z.number().positive(),
  tariff: z.strictObject({
    /** Price outside the bands; a band runs from one local hour to before another, over midnight when from > to. */
    buyPerMwh: nonneg,
    bands: z.array(z.strictObject({ from: hourOfDay, to: hourOfDay, buyPerMwh: nonneg })),
    sellPerMwh: nonneg,
    reserveUpPerMw: nonneg,
    reserveDownPerMw: nonneg,
  }),
  carbon: z.strictObject({
    column: z.enum(["direct", "lifeCycle"]),
    quotaTPerMwh: nonneg,
    deskBuyPerT: nonneg,
    deskSellPerT: nonneg,
  }),
  regularisation: ScenarioSchema.shape.regularisation,
  risk: z.strictObject({ method: ScenarioSchema.shape.risk.shape.method, epsilon: z.number().gt(0).lt(1) }),
  load: z.strictObject({
    flexibleShare: z.number().min(0).max(1),
    /** Discomfort k = factor / max(peak load, floor). */
    discomfortFactor: nonneg,
    discomfortFloorMw: z.number().positive(),
    /** Loads err as a forecast by the day before would have; absent: they are as said. */
    errors: z.literal("day before").optional(),
  }),
  generator: z.strictObject({ rampShare: nonneg, reactiveShare: nonneg }),
  renewable: z.strictObject({ reactiveShare: nonneg }),
  battery: z.strictObject({
    durationHours: z.number().positive(),
    initialShare: z.number().min(0).max(1),
    minShare: z.number().min(0).max(1),
    efficiency: z.number().positive().max(1),
    wearPerMwh: nonneg,
  }),
  reserve: z.strictObject({ upPerMw: nonneg, downPerMw: nonneg }),
  bootstrap: z.strictObject({ resamples: z.int().nonnegative(), seed: z.int().nonnegative() }),
};

/** A scenario whose prosumers are listed one by one. */
export const DefinitionSchema = z.strictObject({
  ...TERMS,
  /** Every pair, or pairs of prosumer ids (their places in depth-first order, from 1). */
  pairs: z.union([z.literal("all"), z.array(z.tuple([z.int().positive(), z.int().positive()]))]),
  prosumers: z
    .array(
      z.strictObject({
        bus: z.int().positive(),
        /** Share of the bus's base load that is this prosumer's. */
        loadShare: z.number().min(0).max(1).default(1),
        generator: z
          .strictObject({ maxMw: nonneg, costA: nonneg, costB: z.number(), emissionTPerMwh: nonneg })
          .optional(),
        /** `plant`: the series it follows, one of the sixteen sources. */
        renewable: z
          .strictObject({ kind: z.enum(["pv", "wind"]), ratingMw: z.number().positive(), plant: z.string() })
          .optional(),
        battery: z.strictObject({ powerMw: z.number().positive() }).optional(),
      }),
    )
    .min(1),
});

/** A scenario whose prosumers are drawn. */
export const PopulatedSchema = z.strictObject({ ...TERMS, population: PopulationSchema });

export type Definition = z.infer<typeof DefinitionSchema>;
export type Populated = z.infer<typeof PopulatedSchema>;
export type Population = z.infer<typeof PopulationSchema>;
