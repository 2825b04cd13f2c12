import * as z from "zod";
import { nonnegative } from "../../grid/feeder.ts";
import { InjectionSchema, ProsumerSchema, ScenarioSchema, type Prosumer, type Scenario } from "./scenario.ts";
import { ownedBy } from "../devices/devices.ts";
import { capabilityOf } from "./capability.ts";
import { sizeOf } from "./size.ts";

/** What everybody may know of a participant: where it is, what it may do, and what its rights are reckoned on. */
export const PublicProsumerSchema = ProsumerSchema.pick({ id: true, bus: true }).extend({
  /**
   * May sell response shares: it registered a device that can answer an error. How well it can stays its own affair.
   */
  answers: z.boolean(),
  /** Reactive power that its connection is registered for, var: taken at most, and fed in. */
  absorbVar: z.int().nonnegative(),
  feedVar: z.int().nonnegative(),
  /** Its own figure of its size, MW; the market's is their mean. */
  sizeMw: nonnegative,
  /** Free allowance that the session issues to it, tCO2. */
  allowanceT: nonnegative,
  /** Its weight in the rebate of network charges, Wh. */
  rebateWh: z.int().nonnegative(),
  /** What its bus is loaded with where it takes no part. */
  fallback: InjectionSchema,
});

/**
 * What is frozen for all before anybody clears: feeder, tariffs, moments of the errors, trade graph, rights. Devices,
 * costs, loads, forecasts and what the day brought are in each party's private file alone.
 */
export const PublicScenarioSchema = ScenarioSchema.extend({
  prosumers: z.array(PublicProsumerSchema).min(1),
  uncertainty: ScenarioSchema.shape.uncertainty.omit({ fitErrors: true, testErrors: true }),
});

/** A party's private file: what its own agent clears with, and nobody else ever reads. */
export const PrivatePartSchema = ProsumerSchema;

export type PublicProsumer = z.infer<typeof PublicProsumerSchema>;
export type PublicScenario = z.infer<typeof PublicScenarioSchema>;
export type PrivatePart = Prosumer;

/** The part of a scenario that is frozen for all; the schema is the list of what may be in it. */
export function publicScenario(scenario: Scenario): PublicScenario {
  const { fitErrors: _fit, testErrors: _test, ...uncertainty } = scenario.uncertainty;
  return {
    ...scenario,
    uncertainty,
    prosumers: scenario.prosumers.map((prosumer) => {
      const { id, bus, load } = prosumer;
      const fixed = load.fixedMw.reduce((a, b) => a + b, 0);
      return {
        id,
        bus,
        answers: ownedBy(prosumer).some(({ device }) => device.reserve !== undefined),
        ...capabilityOf(prosumer),
        sizeMw: sizeOf(prosumer),
        allowanceT: scenario.carbon.quotaTPerMwh * fixed * scenario.periodHours,
        rebateWh: Math.round(fixed * scenario.periodHours * 1e6),
        fallback: prosumer.fallback ?? meanLoad(scenario, bus, fixed),
      };
    }),
  };
}

/** A mean that the rebate's weight tells anyway, and whole W: nothing of when a load runs. */
function meanLoad({ feeder, hours }: Scenario, at: number, fixed: number): PublicProsumer["fallback"] {
  const base = feeder.buses.find(({ bus }) => bus === at);
  const ratio = base === undefined || base.loadMw === 0 ? 0 : base.loadMvar / base.loadMw;
  const whole = (mw: number): number[] => new Array<number>(hours).fill(Math.round(mw * 1e6) / 1e6 + 0);
  return { mw: whole(-fixed / hours), mvar: whole((-fixed / hours) * ratio) };
}

/**
 * The scenario as somebody has it who was given these private parts: everybody else is a place on the feeder without
 * devices.
 */
export function scenarioWith(open: PublicScenario, known: readonly PrivatePart[]): Scenario {
  const parts = new Map(known.map((part) => [part.id, part]));
  const zeros = open.tariff.buyPerMwh.map(() => 0);
  return {
    ...open,
    uncertainty: { ...open.uncertainty, fitErrors: [], testErrors: [] },
    prosumers: open.prosumers.map(
      ({ id, bus, sizeMw }) =>
        parts.get(id) ?? {
          id,
          bus,
          sizeMw,
          load: { fixedMw: zeros, mvarPerMw: 0, flexibleShare: 0, discomfort: 0 },
          reserveUpPerMw: 0,
          reserveDownPerMw: 0,
        },
    ),
  };
}
