import type { Quantised } from "../codec/quantise.ts";
import { tradeIntensity, type CarbonFlow } from "../grid/carbonFlow.ts";
import { DEVICE_PLANS } from "../market/devices/devices.ts";
import { createNetwork, type Network } from "../market/formulation/network.ts";
import { OPERATOR, type Trade } from "../market/result/clearingResult.ts";
import { COMMODITIES } from "../market/result/commodities.ts";
import { deviceCost, emissionsT, uniquenessCost } from "../market/result/cost.ts";
import type { Schedule, Solution, Status } from "../market/result/solution.ts";
import type { Market } from "../market/scenario/market.ts";
import type { Prosumer } from "../market/scenario/scenario.ts";
import { ALWAYS_SHOWN, ClearingJsonSchema, type ClearingJson, type PlannedJson } from "./clearingJson.ts";
import { networkOf } from "./clearingNetwork.ts";

/** Trades below this are solver noise, MW or t. */
const NOISE = 1e-9;

/** What a clearing, by whichever method, leaves to be written down. */
export type Cleared = {
  readonly status: Status;
  readonly market: Market;
  /** The limits that were held; undefined where the market was cleared without the network. */
  readonly network: Network | undefined;
  /** Of the agents; rho per commodity in the order of COMMODITIES, $/unit^2. */
  readonly settings: { readonly maxIterations: number; readonly rho: Float64Array };
  readonly iterations: number;
  readonly evaluations: number;
  readonly messages: number;
  readonly bytes: number;
  readonly wallMs: number;
  readonly residuals: readonly { readonly primal: number; readonly dual: number }[];
  /** undefined: not solved. */
  readonly outcome: Outcome | undefined;
};

type Outcome = {
  readonly solution: Solution;
  readonly objective: number;
  /** [prosumer index] $. */
  readonly regrets: Float64Array;
  readonly quantised: Pick<Quantised, "result">;
  /** [hour] limits that the clearing had to write out. */
  readonly workingSet: readonly (readonly number[])[];
};

/** What was asked for. */
type Asked = {
  readonly method: ClearingJson["settings"]["method"];
  readonly reserve?: ClearingJson["settings"]["reserve"];
  readonly trade: boolean;
};

/** clearing.json of a session that was solved. Throws where it was not: there is nothing to write. */
export function toClearingJson(
  session: Cleared,
  options: Asked,
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
        ...plannedOf(prosumer, s),
        importMw: array(s.importMw),
        exportMw: array(s.exportMw),
        reactiveMvar: array(s.qMvar),
        reserveUpMw: array(s.reserveUpMw),
        reserveDownMw: array(s.reserveDownMw),
        ...(s.band && { storedBelowMwh: array(s.band.belowMwh), storedAboveMwh: array(s.band.aboveMwh) }),
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

/** What its devices do: of those that scenarios have always had zeros too, of others where it has them. */
const plannedOf = (prosumer: Prosumer, s: Schedule): PlannedJson =>
  Object.fromEntries(
    DEVICE_PLANS.filter(({ device }) => ALWAYS_SHOWN.includes(device) || prosumer[device] !== undefined).flatMap(
      ({ names }) => names.map((name) => [name, Array.from(s[name])]),
    ),
  ) as PlannedJson;

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
