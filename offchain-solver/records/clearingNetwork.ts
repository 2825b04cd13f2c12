/** The network in clearing.json: flows, voltages, the full AC sweep, nodal prices, binding limits, carbon by bus. */
import { acSweep, type AcFlow } from "../grid/acSweep.ts";
import { carbonFlow, type CarbonFlow } from "../grid/carbonFlow.ts";
import {
  branchFlows,
  busInjections,
  type BusInjections,
  squaredVoltages,
  type Network,
} from "../market/formulation/network.ts";
import { excess } from "../market/result/excess.ts";
import type { Solution } from "../market/result/solution.ts";
import type { Market } from "../market/scenario/market.ts";
import type { ClearingJson } from "./clearingJson.ts";

/** The cleared point, and [hour] the limits that the clearing had to write out. */
type Point = { readonly solution: Solution; readonly workingSet: readonly (readonly number[])[] };

/** LinDistFlow of the cleared point beside its full AC sweep, nodal prices, binding limits, carbon intensity by bus. */
export function networkOf(market: Market, grid: Network, on: boolean, outcome: Point) {
  const { scenario, hours } = market;
  const { solution } = outcome;
  const { feeder } = scenario;
  const byBus = (values: (i: number) => number): number[] => {
    const sum = new Array<number>(grid.buses).fill(0);
    market.prosumers.forEach((_, i) => (sum[grid.busOf[i]] += values(i)));
    return sum;
  };
  const voltage: (number | null)[][] = [];
  const [flowMw, flowMvar, nodalPrice]: number[][][] = [[], [], []];
  const flows: CarbonFlow[] = [];
  const sweeps: AcFlow[] = [];
  const binding: ClearingJson["network"]["binding"] = [];
  for (let t = 0; t < hours; t++) {
    const p = solution.schedules.map((s) => s.pMw[t]);
    const q = solution.schedules.map((s) => s.qMvar[t]);
    const standing = grid.standing[t] as BusInjections | undefined;
    const fp = branchFlows(grid, p, undefined, undefined, standing?.mw);
    const fq = branchFlows(grid, q, undefined, undefined, standing?.mvar);
    voltage.push(Array.from(squaredVoltages(grid, fp, fq), (square) => (square < 0 ? null : Math.sqrt(square))));
    flowMw.push(Array.from(fp));
    flowMvar.push(Array.from(fq));
    nodalPrice.push(nodalByBus(market, grid, solution.nodalPrice[t]));
    const injected = busInjections(grid, t, p, q);
    const sweep = acSweep(feeder, grid.topology, injected.mw, injected.mvar);
    sweeps.push(sweep);
    // Solvers leave outputs a hair below zero; a source that takes power in would make intensities negative.
    const source = (i: number): number => {
      const s = solution.schedules[i];
      return Math.max(0, s.generatorMw[t]) + Math.max(0, s.renewableMw[t]) + Math.max(0, s.dischargeMw[t]);
    };
    flows.push(
      carbonFlow(feeder, grid.topology, {
        generationMw: byBus(source),
        emissionTPerH: byBus(
          (i) =>
            (market.prosumers[i].generator?.emissionTPerMwh ?? 0) * Math.max(0, solution.schedules[i].generatorMw[t]),
        ),
        // Whoever takes no part is a load, or a source of no known emissions.
        loadMw: byBus((i) => source(i) - p[i]).map((mw, bus) => mw - (standing?.mw[bus] ?? 0)),
        flowMw: fp,
        arrivingMw: fp,
        gridTPerMwh: scenario.carbon.gridTPerMwh[t],
      }),
    );
    if (on) binding.push(...bindingOf(market, grid, outcome, t, { p, q }));
  }
  const figures = (of: (sweep: AcFlow) => number): (number | null)[] =>
    sweeps.map((sweep) => (sweep.converged ? of(sweep) : null));
  return {
    network: {
      voltage,
      flowMw,
      flowMvar,
      nodalPrice,
      binding,
      ac: {
        converged: sweeps.map((s) => s.converged),
        minVoltage: figures((s) => Math.min(...s.voltagePu)),
        maxVoltage: figures((s) => Math.max(...s.voltagePu)),
        maxLoading: figures((s) => Math.max(0, ...s.loading)),
        lossesMwh: figures((s) => s.lossesMw * market.dt),
      },
    },
    flows,
  };
}

/** Charge per MWh injected at each bus; a bus without a prosumer shows its nearest prosumer's upstream, else 0. */
function nodalByBus(market: Market, grid: Network, nodal: Float64Array): number[] {
  const price = new Array<number>(grid.buses).fill(NaN);
  market.prosumers.forEach((_, i) => (price[grid.busOf[i]] = nodal[i]));
  price[0] = 0;
  for (let k = 1; k < grid.buses; k++) {
    const bus = grid.topology.order[k];
    if (!(price[bus] === price[bus])) price[bus] = price[grid.topology.parent[bus]];
  }
  return price;
}

type Binding = ClearingJson["network"]["binding"];

function bindingOf(
  market: Market,
  grid: Network,
  outcome: Point,
  t: number,
  { p, q }: { readonly p: readonly number[]; readonly q: readonly number[] },
): Binding {
  const { feeder } = market.scenario;
  const gap = excess(market, grid, t, { p, q, shares: outcome.solution.shareMw[t] });
  return outcome.workingSet[t].flatMap((limit): Binding => {
    if (!(gap[limit] > -1e-5)) return [];
    if (limit < grid.buses) {
      const middle = (grid.upper[limit] + grid.lower[limit]) / 2;
      const standing = grid.standing[t] as BusInjections | undefined;
      const [fp, fq] = [
        branchFlows(grid, p, undefined, undefined, standing?.mw),
        branchFlows(grid, q, undefined, undefined, standing?.mvar),
      ];
      const v = squaredVoltages(grid, fp, fq)[limit];
      return [{ hour: t, limit: v < middle ? "voltage-low" : "voltage-high", bus: feeder.buses[limit].bus, price: 0 }];
    }
    const branch = feeder.branches[Math.floor((limit - grid.buses) / 6)];
    const below = market.prosumers.findIndex((x) => x.bus === branch.to);
    const above = market.prosumers.findIndex((x) => x.bus === branch.from);
    const nodal = outcome.solution.nodalPrice[t];
    // What a MVA more of rating is worth: the step of the nodal price across the branch.
    const price = Math.abs((below < 0 ? 0 : nodal[below]) - (above < 0 ? 0 : nodal[above]));
    return [{ hour: t, limit: "flow", from: branch.from, to: branch.to, price }];
  });
}
