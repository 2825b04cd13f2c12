import type { Prosumer, Scenario } from "../market/scenario/scenario.ts";

/**
 * The same market `x` times as large: every MW, MWh and MVA times x at the same prices and voltages, so every quantity
 * and every amount of money of its solution is x times as large too.
 */
export function resized(scenario: Scenario, x: number): Scenario {
  const times = (value: number): number => value * x;
  const { feeder, risk, uncertainty } = scenario;
  const { bootstrapMeanRadius, bootstrapStdRadius } = uncertainty;
  return {
    ...scenario,
    feeder: {
      ...feeder,
      baseMva: x * feeder.baseMva,
      buses: feeder.buses.map((bus) => ({ ...bus, loadMw: x * bus.loadMw, loadMvar: x * bus.loadMvar })),
      branches: feeder.branches.map((b) => ({ ...b, ratingMva: b.ratingMva === null ? null : x * b.ratingMva })),
    },
    risk: { ...risk, meanRadius: risk.meanRadius.map(times), stdRadius: risk.stdRadius.map(times) },
    prosumers: scenario.prosumers.map((prosumer) => resizedProsumer(prosumer, x)),
    uncertainty: {
      ...uncertainty,
      factor: uncertainty.factor.map((rows) => rows.map((row) => row.map(times))),
      ...(bootstrapMeanRadius && { bootstrapMeanRadius: bootstrapMeanRadius.map(times) }),
      ...(bootstrapStdRadius && { bootstrapStdRadius: bootstrapStdRadius.map(times) }),
    },
  };
}

function resizedProsumer(prosumer: Prosumer, x: number): Prosumer {
  const times = (value: number): number => value * x;
  const { sizeMw, generator, renewable, battery, load } = prosumer;
  return {
    ...prosumer,
    ...(sizeMw !== undefined && { sizeMw: x * sizeMw }),
    ...(generator && {
      generator: {
        ...generator,
        minMw: x * generator.minMw,
        maxMw: x * generator.maxMw,
        rampMwPerHour: x * generator.rampMwPerHour,
        costA: generator.costA / x,
        reactiveMvar: x * generator.reactiveMvar,
      },
    }),
    ...(renewable && {
      renewable: {
        ...renewable,
        ratingMw: x * renewable.ratingMw,
        forecastMw: renewable.forecastMw.map(times),
        ...(renewable.actualMw && { actualMw: renewable.actualMw.map(times) }),
        reactiveMvar: x * renewable.reactiveMvar,
      },
    }),
    ...(battery && {
      battery: {
        ...battery,
        powerMw: x * battery.powerMw,
        minMwh: x * battery.minMwh,
        maxMwh: x * battery.maxMwh,
        initialMwh: x * battery.initialMwh,
      },
    }),
    load: { ...load, fixedMw: load.fixedMw.map(times), discomfort: load.discomfort / x },
  };
}
