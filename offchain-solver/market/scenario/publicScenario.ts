import type { Scenario } from "./scenario.ts";

/** The scenario without anybody's devices, costs, loads and forecasts: who may answer errors stays visible, how well does not. */
export function publicScenario(scenario: Scenario): Scenario {
  const zeros = scenario.tariff.buyPerMwh.map(() => 0);
  return {
    ...scenario,
    uncertainty: { ...scenario.uncertainty, fitErrors: [], testErrors: [] },
    prosumers: scenario.prosumers.map((p) => ({
      id: p.id,
      bus: p.bus,
      ...(p.generator && {
        generator: { minMw: 0, maxMw: 0, rampMwPerHour: 0, costA: 0, costB: 0, emissionTPerMwh: 0, reactiveMvar: 0 },
      }),
      ...(p.battery && {
        battery: { powerMw: 0, minMwh: 0, maxMwh: 0, initialMwh: 0, efficiency: 1, wearPerMwh: 0 },
      }),
      load: { fixedMw: zeros, mvarPerMw: 0, flexibleShare: 0, discomfort: 0 },
      reserveUpPerMw: 0,
      reserveDownPerMw: 0,
    })),
  };
}
