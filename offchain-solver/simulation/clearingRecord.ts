import { acSweep, type AcFlow } from "../grid/acSweep.ts";
import { carbonFlow, tradeIntensity, type CarbonFlow } from "../grid/carbonFlow.ts";
import { surplusNano } from "../market/result/networkCharge.ts";
import { OPERATOR, type Trade } from "../market/result/clearingResult.ts";
import { ClearingJsonSchema, type ClearingJson } from "../records/clearingJson.ts";
import { deviceCost, emissionsT, uniquenessCost } from "../market/result/cost.ts";
import type { Market } from "../market/scenario/market.ts";
import { excess } from "../market/result/excess.ts";
import {
  branchFlows,
  busInjections,
  type BusInjections,
  createNetwork,
  squaredVoltages,
  type Network,
} from "../market/formulation/network.ts";
import type { Solution } from "../market/result/solution.ts";
import type { ClearedSession, ClearOptions } from "./clear.ts";
import { COMMODITIES } from "../clearing/layout.ts";

/** Trades below this are solver noise, MW or t. */
const NOISE = 1e-9;

type Outcome = NonNullable<ClearedSession["outcome"]>;

/** clearing.json of a session that was solved. */
export function toClearingJson(
  session: ClearedSession,
  options: ClearOptions,
  after: Pick<ClearingJson, "outOfSample" | "tightening"> = {},
): ClearingJson {
  const { market, outcome } = session;
  if (outcome === undefined) throw new Error(`session ${session.status}: there is no result to write`);
  const grid = session.network ?? createNetwork(market);
  const network = networkOf(market, grid, session.network !== undefined, outcome);
  return ClearingJsonSchema.parse({
    scenario: market.scenario.name,
    settings: {
      method: options.method,
      risk: market.settings.risk,
      epsilon: market.settings.epsilon,
      network: market.settings.network,
      networkRisk: market.settings.networkRisk,
      carbon: market.settings.carbon,
      reserve: options.reserve ?? "joint",
      trade: options.trade,
      ...(options.method === "central"
        ? {}
        : {
            maxIterations: session.settings.maxIterations,
            rho: Object.fromEntries(COMMODITIES.map((name, k) => [name, session.settings.rho[k]])),
          }),
    },
    status: session.status === "max iterations" ? "max-iterations" : session.status,
    iterations: session.iterations,
    evaluations: session.evaluations,
    messages: session.messages,
    bytes: session.bytes,
    wallMs: session.wallMs,
    residuals: session.residuals,
    objective: outcome.objective,
    uniqueness: uniquenessCost(market, outcome.solution),
    prosumers: prosumersOf(market, outcome),
    ...tradesOf(market, grid, outcome.solution, network.flows),
    network: network.network,
    carbonIntensity: network.flows.map((flow) => Array.from(flow.intensity)),
    quantised: outcome.quantised.result,
    ...after,
  });
}

/**
 * [product] what each prosumer pays over the session, nano-dollars; whatever it pays the operator is for the network.
 */
function paymentsOf(market: Market, trades: readonly Trade[]): Record<Trade["product"], bigint[]> {
  const zeros = (): bigint[] => market.prosumers.map(() => 0n);
  const paid = { energy: zeros(), reserve: zeros(), carbon: zeros(), network: zeros() };
  for (const { product: posted, seller, buyer, quantity, price } of trades) {
    const product = seller === OPERATOR ? "network" : posted;
    const value = BigInt(quantity) * BigInt(price);
    // The utility, the desk and the operator have numbers beyond the prosumers'.
    if (buyer < market.prosumers.length) paid[product][buyer] += value;
    if (seller < market.prosumers.length) paid[product][seller] -= value;
  }
  return paid;
}

function prosumersOf(market: Market, { solution, regrets, quantised }: Outcome) {
  const paid = paymentsOf(market, quantised.result.trades);
  return market.prosumers.map((prosumer, i) => {
    const s = solution.schedules[i];
    const array = (a: ArrayLike<number>): number[] => Array.from(a);
    let tradedT = 0;
    for (const k of market.pairsOf[i]) tradedT += (market.pairs[k][0] === i ? 1 : -1) * solution.carbonT[k];
    const payment = (product: Trade["product"]): number => Number(paid[product][i]) / 1e9;
    return {
      id: prosumer.id,
      bus: prosumer.bus,
      cost: deviceCost(market, i, s),
      payment: {
        energy: payment("energy"),
        reserve: payment("reserve"),
        carbon: payment("carbon"),
        network: payment("network"),
      },
      regret: regrets[i],
      schedule: {
        generatorMw: array(s.generatorMw),
        renewableMw: array(s.renewableMw),
        chargeMw: array(s.chargeMw),
        dischargeMw: array(s.dischargeMw),
        storedMwh: array(s.storedMwh),
        flexibleMw: array(s.flexibleMw),
        importMw: array(s.importMw),
        exportMw: array(s.exportMw),
        reactiveMvar: array(s.qMvar),
        reserveUpMw: array(s.reserveUpMw),
        reserveDownMw: array(s.reserveDownMw),
      },
      carbon: {
        emissionsT: emissionsT(market, i, s),
        allowanceT: market.allowanceT[i],
        boughtT: Math.max(0, s.allowanceBoughtT),
        soldT: Math.max(0, s.allowanceSoldT),
        tradedT,
        priceMu: solution.priceMu[i],
      },
    };
  });
}

function tradesOf(market: Market, grid: Network, solution: Solution, flows: readonly CarbonFlow[]) {
  const id = (i: number): number => market.prosumers[i].id;
  const energy: ClearingJson["trades"]["energy"] = [];
  const carbon: { seller: number; buyer: number; t: number; price: number }[] = [];
  market.pairs.forEach(([a, b], k) => {
    for (let hour = 0; hour < market.hours; hour++) {
      const mw = solution.energyMw[k][hour];
      if (Math.abs(mw) <= NOISE) continue;
      const [seller, buyer] = mw > 0 ? [id(a), id(b)] : [id(b), id(a)];
      energy.push({
        seller,
        buyer,
        hour,
        mw: Math.abs(mw),
        price: solution.energyPrice[k][hour],
        intensityTPerMwh: tradeIntensity(flows[hour], grid.topology, market.prosumers[mw > 0 ? a : b].bus),
      });
    }
    const t = solution.carbonT[k];
    if (Math.abs(t) <= NOISE) return;
    const [seller, buyer] = t > 0 ? [id(a), id(b)] : [id(b), id(a)];
    carbon.push({ seller, buyer, t: Math.abs(t), price: solution.carbonPrice[k] });
  });
  const need = (hour: number, j: number): number => market.halfWidth[hour] * market.sigma[hour][j];
  const reserve = market.shares.flatMap((slots, hour) =>
    slots.flatMap(({ seller, buyer }, s) => {
      const mw = solution.shareMw[hour][s];
      if (seller === buyer || mw <= NOISE) return [];
      const price = solution.sharePrice[hour][s];
      return [{ seller: id(seller), buyer: id(buyer), hour, share: mw / need(hour, buyer), mw, price }];
    }),
  );
  const utilityReserve = market.prosumers.flatMap((p, j) =>
    Array.from({ length: market.hours }, (_, hour) => ({
      prosumer: p.id,
      hour,
      mw: Math.max(0, solution.schedules[j].utilityShareMw[hour]),
    }))
      .filter(({ mw }) => mw > 1e-7)
      .map((row) => ({ ...row, share: row.mw / need(row.hour, j) })),
  );
  return { trades: { energy, reserve, carbon }, utilityReserve };
}

/** LinDistFlow of the cleared point beside its full AC sweep, nodal prices, binding limits, carbon intensity by bus. */
function networkOf(market: Market, grid: Network, on: boolean, outcome: Outcome) {
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
  outcome: Outcome,
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

/** The operator's surplus over the session before the rebate, $. */
export const operatorSurplus = (outcome: Outcome): number => Number(surplusNano(outcome.quantised.result.trades)) / 1e9;
