import type { Prosumer, Scenario } from "../../offchain-solver/market/scenario/scenario.ts";

/** Odd figures, so that none of them is anybody else's by chance. */
const odd = (value: number, k: number): number => Number((value * (1 + 0.0137 * (k + 1))).toPrecision(9));

/**
 * The scenario with electric cars at every third of its members: half a charger's hours needed by the end of the second
 * third of the session, and of a second stay, which goes on after it, a little.
 */
export function withVehicles(scenario: Scenario): Scenario {
  const { hours, periodHours: dt, prosumers } = scenario;
  const [gone, back] = [Math.ceil((2 * hours) / 3), Math.ceil((2 * hours) / 3) + (hours > 3 ? 1 : 0)];
  return {
    ...scenario,
    prosumers: prosumers.map((prosumer, k): Prosumer => {
      if (k % 3 !== 0) return prosumer;
      const power = odd(0.2 * peakOf(prosumer), k);
      const efficiency = odd(0.88, k % 5);
      const needs = odd(0.45 * power * efficiency * gone * dt, k);
      const more = odd(0.3 * power * efficiency * dt, k);
      const series = (of: (t: number) => number): number[] => Array.from({ length: hours }, (_, t) => of(t));
      return {
        ...prosumer,
        vehicle: {
          powerMw: series((t) => (t < gone || t >= back ? power : 0)),
          efficiency,
          leastMwh: series((t) => (t < gone - 1 ? 0 : t < hours - 1 || back === gone ? needs : needs + more / 2)),
          mostMwh: series((t) => (t < back || back === gone ? needs : needs + more)),
        },
      };
    }),
  };
}

/** The scenario with heat pumps at every other of its members, on tanks from which some heat is drawn all along. */
export const withHeatPumps = (scenario: Scenario): Scenario => ({
  ...scenario,
  prosumers: scenario.prosumers.map((prosumer, k): Prosumer => {
    if (k % 2 !== 0) return prosumer;
    const power = odd(0.15 * peakOf(prosumer), k);
    const series = (of: (t: number) => number): number[] => Array.from({ length: scenario.hours }, (_, t) => of(t));
    return {
      ...prosumer,
      heatPump: {
        powerMw: power,
        cop: series((t) => odd(3 + 0.1 * (t % 4), k)),
        storeMwhPerC: odd((6 * power * scenario.periodHours) / 15, k),
        lossMwPerC: odd(0.01 * power, k),
        aroundC: series((t) => odd(18.37 + (t % 3), k)),
        drawnMw: series((t) => odd((t % 3 === 2 ? 2 : 0.4) * power, k)),
        lowC: odd(44, k % 3),
        highC: odd(58, k % 3),
        initialC: odd(50, k % 3),
      },
    };
  }),
});

const peakOf = ({ load }: Prosumer): number => Math.max(0.01, ...load.fixedMw);
