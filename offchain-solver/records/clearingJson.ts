/**
 * clearing.json: one cleared session as `gridpact clear --json` writes it, for people, reports and other programs.
 * Floats; what is signed and settled is `quantised` alone. Arrays run by hour, then by bus or branch in the feeder's
 * order. Units are in the names; prices are $/MWh (energy, nodal), $/MW (reserve), $/t (allowances).
 */
import * as z from "zod";
import { DEVICE_PLANS, type DeviceName, type PlanName } from "../market/devices/devices.ts";
import { PRODUCTS } from "../market/result/clearingResult.ts";
import { CLEAR_METHODS } from "../market/result/methods.ts";
import { RISK_METHODS } from "../market/scenario/scenario.ts";
import { OutOfSampleSchema, TighteningSchema } from "./outOfSampleJson.ts";

const count = z.int().nonnegative();
const nonneg = z.number().nonnegative();
const series = z.array(z.number());
const matrix = z.array(series);
/** A figure that there may be none of. */
const known = z.array(z.number().nullable());
/** Prosumer id, as in the scenario. */
const id = z.int().positive();

export const STATUSES = ["solved", "max-iterations", "infeasible", "deadline"] as const;

const SettingsSchema = z.strictObject({
  method: z.enum(CLEAR_METHODS),
  risk: z.enum(RISK_METHODS),
  /** Per two-sided constraint and hour, not joint over the network. */
  epsilon: z.number().gt(0).lt(1),
  network: z.boolean(),
  /** Limits held under forecast errors too. */
  networkRisk: z.boolean(),
  carbon: z.boolean(),
  reserve: z.enum(["joint", "sequential"]),
  trade: z.boolean(),
  maxIterations: count.optional(),
  /** Penalty per product: $/MW^2, for allowances $/t^2. */
  rho: z.record(z.string(), z.number().positive()).optional(),
});

/** Devices whose series every schedule shows, zeros where somebody has none; of all others only their owners'. */
export const ALWAYS_SHOWN: readonly DeviceName[] = ["generator", "renewable", "battery", "load"];
type AlwaysShown = "generatorMw" | "renewableMw" | "chargeMw" | "dischargeMw" | "storedMwh" | "flexibleMw";

/** Flexible load is the change from the fixed profile. */
const planned = Object.fromEntries(
  DEVICE_PLANS.flatMap(({ device, names }) =>
    names.map((name) => [name, ALWAYS_SHOWN.includes(device) ? series : series.optional()]),
  ),
) as { [P in AlwaysShown]: typeof series } & { [P in Exclude<PlanName, AlwaysShown>]: z.ZodOptional<typeof series> };

const ScheduleSchema = z.strictObject({
  ...planned,
  importMw: series,
  exportMw: series,
  /** Net reactive injection. */
  reactiveMvar: series,
  reserveUpMw: series,
  reserveDownMw: series,
  /**
   * Where answers have to last: how far below and above the plan they may take its battery's stored energy, each with a
   * probability of at most epsilon.
   */
  storedBelowMwh: z.array(nonneg).optional(),
  storedAboveMwh: z.array(nonneg).optional(),
});

export type PlannedJson = Pick<z.infer<typeof ScheduleSchema>, PlanName>;

const ProsumerResultSchema = z.strictObject({
  id,
  bus: z.int().positive(),
  /** What its own devices cost it over the horizon, $: fuel, wear, discomfort, booking. */
  cost: z.number(),
  /** What it pays over the horizon, $, utility and desk included; negative: it is paid. */
  payment: z.strictObject({ energy: z.number(), reserve: z.number(), carbon: z.number(), network: z.number() }),
  /** What its own best response could still gain at these prices, $. */
  regret: z.number(),
  schedule: ScheduleSchema,
  carbon: z.strictObject({
    emissionsT: z.number(),
    allowanceT: z.number(),
    /** From and to the desk. */
    boughtT: nonneg,
    soldT: nonneg,
    /** To other prosumers, net. */
    tradedT: z.number(),
    /** Dual of its allowance balance, $/t. */
    priceMu: z.number(),
  }),
});

const EnergyTradeSchema = z.strictObject({
  seller: id,
  buyer: id,
  hour: count,
  mw: nonneg,
  price: z.number(),
  /** Carbon emission flow: tCO2 per MWh leaving the seller's bus. */
  intensityTPerMwh: nonneg.optional(),
});
const ReserveTradeSchema = z.strictObject({
  seller: id,
  buyer: id,
  hour: count,
  /** Part of the buyer's forecast error that the seller answers. */
  share: nonneg,
  mw: nonneg,
  price: z.number(),
});
const CarbonTradeSchema = z.strictObject({ seller: id, buyer: id, t: nonneg, price: z.number() });

/**
 * A limit that costs something. `bus` for a voltage, `from` and `to` for a branch; `price` is its dual in $ per p.u.^2
 * or MVA.
 */
const BindingSchema = z.strictObject({
  hour: count,
  limit: z.enum(["voltage-low", "voltage-high", "flow"]),
  bus: z.int().positive().optional(),
  from: z.int().positive().optional(),
  to: z.int().positive().optional(),
  price: z.number(),
});

const NetworkSchema = z.strictObject({
  /** LinDistFlow voltage magnitude, p.u.; null where the linear model has none (its square is below zero). */
  voltage: z.array(known),
  flowMw: matrix,
  flowMvar: matrix,
  /** Network charge on a MWh injected at the bus, 0 at the root; a MWh drawn there is charged the negative of it. */
  nodalPrice: matrix,
  binding: z.array(BindingSchema),
  /** Full AC sweep of the cleared point, by hour; null where it did not converge. */
  ac: z.strictObject({
    converged: z.array(z.boolean()),
    minVoltage: known,
    maxVoltage: known,
    maxLoading: known,
    lossesMwh: known,
  }),
});

const QuantisedSchema = z.strictObject({
  sessionStart: count,
  periodSeconds: z.int().positive(),
  periods: z.int().positive(),
  participants: z.array(id),
  trades: z.array(
    z.strictObject({
      seller: count,
      buyer: count,
      product: z.enum(PRODUCTS),
      period: count,
      quantity: z.int().positive(),
      price: z.int(),
    }),
  ),
  reactiveVar: z.array(z.array(z.int())),
});

export const ClearingJsonSchema = z.strictObject({
  /** The scenario's name. */
  scenario: z.string().min(1),
  settings: SettingsSchema,
  status: z.enum(STATUSES),
  iterations: count,
  /** Every application of the iteration, accelerated steps that were rejected counted in. */
  evaluations: count,
  messages: count,
  bytes: count,
  wallMs: nonneg,
  /**
   * Largest ratio of residual to tolerance over the products, by iteration: solved when both are at most 1. Empty for
   * the central method.
   */
  residuals: z.array(z.strictObject({ primal: nonneg, dual: nonneg })),
  /** $ over the horizon, the same definition for every method. */
  objective: z.number(),
  /** The part of `objective` that makes trades unique, $: paid by nobody. */
  uniqueness: nonneg.optional(),
  prosumers: z.array(ProsumerResultSchema).min(1),
  trades: z.strictObject({
    energy: z.array(EnergyTradeSchema),
    reserve: z.array(ReserveTradeSchema),
    carbon: z.array(CarbonTradeSchema),
  }),
  /** Shares of a prosumer's forecast error that the utility answers. */
  utilityReserve: z.array(z.strictObject({ prosumer: id, hour: count, share: nonneg, mw: nonneg })),
  network: NetworkSchema,
  /** Carbon emission flow, t/MWh at every bus. */
  carbonIntensity: matrix,
  quantised: QuantisedSchema,
  /** With --monte-carlo. */
  outOfSample: OutOfSampleSchema.optional(),
  /** With --tighten auto. */
  tightening: TighteningSchema.optional(),
});

export type ClearingJson = z.infer<typeof ClearingJsonSchema>;

/** A clearing of which there are all figures of the network: what settles, and what a report draws. */
export type SweptClearing = Omit<ClearingJson, "network"> & {
  network: Omit<ClearingJson["network"], "voltage" | "ac"> & {
    voltage: number[][];
    ac: Record<"minVoltage" | "maxVoltage" | "maxLoading" | "lossesMwh", number[]> & { converged: boolean[] };
  };
};

/** Throws where the linear model or the AC sweep has no answer in some hour: such a session is never settled. */
export function swept(clearing: ClearingJson): SweptClearing {
  const { voltage, ac } = clearing.network;
  const whole = ac.converged.every(Boolean) && voltage.every((row) => row.every((v) => v !== null));
  if (!whole) throw new Error(`${clearing.scenario}: there is an hour in which the network has no figures`);
  return clearing as SweptClearing;
}
