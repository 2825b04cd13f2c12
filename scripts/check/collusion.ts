/**
 * `npm run bench:collusion -- [--json FILE]`: how much money a quorum that colludes can move in the whole day of ieee15
 * by prices alone, while an auditor finds nothing. Reckoned from the posted trades, not from the auditor's own figures.
 */
import { argumentsOf } from "./arguments.ts";
import { checkPosted } from "../../offchain-solver/auditor/posted.ts";
import { regretsOf } from "../../offchain-solver/clearing/regret.ts";
import { placesOn } from "../../offchain-solver/grid/places.ts";
import { writeJson } from "../../offchain-solver/io/target.ts";
import { createNetwork } from "../../offchain-solver/market/formulation/network.ts";
import { allowedRegret, turnoverOf } from "../../offchain-solver/market/result/certificate.ts";
import {
  type ClearingResult,
  PRICE_UNITS,
  type Trade,
  UTILITY,
} from "../../offchain-solver/market/result/clearingResult.ts";
import { defaultSettings } from "../../offchain-solver/market/scenario/market.ts";
import { clarabelSolver } from "../../offchain-solver/numerics/clarabelNode.ts";
import { loadScenario } from "../../offchain-solver/scenarios/loadScenario.ts";
import { clear } from "../../offchain-solver/simulation/clear.ts";

const { values } = argumentsOf({ options: { json: { type: "string" } } });
const scenario = loadScenario("ieee15");
const session = clear(scenario, {
  method: "anderson",
  market: defaultSettings(scenario),
  trade: true,
  rhoScale: 1,
  maxIterations: 4000,
});
const { market, outcome } = session;
if (outcome === undefined) throw new Error(session.status);
const { solution } = outcome;
const { result } = outcome.quantised;
const grid = createNetwork(market);
const places = placesOn(scenario.feeder, grid.topology, grid.busOf);
const isPeers = ({ product, seller, buyer }: Trade, what: Trade["product"]): boolean =>
  product === what && Math.max(seller, buyer) < result.participants.length;

/** The largest x in [0, most] that passes, to a thousandth of `most`; 0 must pass, and what passes is an interval. */
function largest(most: number, passes: (x: number) => boolean): number {
  if (passes(most)) return most;
  let [low, high] = [0, most];
  while (high - low > most / 1000) {
    const middle = (low + high) / 2;
    if (passes(middle)) low = middle;
    else high = middle;
  }
  return low;
}

const priced = (what: Trade["product"], price: (trade: Trade, k: number) => number): ClearingResult => ({
  ...result,
  trades: result.trades.map((trade, k) => (isPeers(trade, what) ? { ...trade, price: price(trade, k) } : trade)),
});
const found = (posted: ClearingResult): boolean => checkPosted(market, places, posted).kind === "valid";
/** $ by which what one side of every trade pays differs from what cleared. */
const moved = (posted: ClearingResult): number =>
  posted.trades.reduce((sum, { quantity, price }, k) => sum + quantity * Math.abs(price - result.trades[k].price), 0) /
  1e9;

/** Every second trade dearer and every other cheaper: one price in name. */
const apart = (units: number): ClearingResult =>
  priced("energy", ({ price }, k) => price + (k % 2 === 0 ? 1 : -1) * Math.floor(units));
/** Each period's price as far up, or down, as the tariff leaves room, whatever the owners say. */
function shifted(what: "energy" | "reserve", sign: number): ClearingResult {
  const periods = result.trades.filter((trade) => isPeers(trade, what)).map(({ period }) => period);
  const by = new Map(
    [...new Set(periods)].map((period) => {
      const only = (units: number) =>
        priced(what, (trade) => trade.price + (trade.period === period ? sign * Math.floor(units) : 0));
      return [period, sign * Math.floor(largest(100_000, (units) => found(only(units))))];
    }),
  );
  return priced(what, (trade) => trade.price + (by.get(trade.period) ?? 0));
}

/** Sum of true regrets at the energy prices that cleared and this much more, $. */
function regretAt(perMwh: number): number {
  const energyPrice = solution.energyPrice.map((prices) => prices.map((price) => price + perMwh));
  const regrets = regretsOf(market, { ...solution, energyPrice }, clarabelSolver);
  return regrets.reduce((sum, regret) => sum + Math.max(0, regret), 0);
}

/** The largest part of all that it traded which an honest owner claims that it could still gain. */
function honestShare(): number {
  const gross = new Float64Array(result.participants.length);
  for (const { seller, buyer, quantity, price } of result.trades)
    for (const party of [seller, buyer]) if (party < gross.length) gross[party] += Math.abs(quantity * price) / 1e9;
  return Math.max(...Array.from(outcome?.regrets ?? [], (regret, i) => regret / gross[i]));
}

/** 1e-6 $ per kWh or kW: the lowest that a batch carries. */
const LOWEST = -(2 ** 23);
/** Members sell each other what reserve all need, to and fro, at the lowest price. */
const paidToTake = priced("reserve", () => LOWEST);
/** Terms whose utility takes energy at that price only; what is sold to it is posted at it. */
const exportsCost = {
  ...market,
  scenario: {
    ...scenario,
    tariff: { ...scenario.tariff, sellPerMwh: scenario.tariff.sellPerMwh.map(() => LOWEST / PRICE_UNITS) },
  },
};
const atThat = (posted: ClearingResult): ClearingResult => ({
  ...posted,
  trades: posted.trades.map((t) => (t.product === "energy" && t.buyer === UTILITY ? { ...t, price: LOWEST } : t)),
});
/** Where the utility trades prices are its own: of peers alone. */
const alone = (posted: ClearingResult): ClearingResult => ({
  ...posted,
  trades: posted.trades.filter(
    ({ product, seller, buyer }) => product !== "energy" || Math.max(seller, buyer) < UTILITY,
  ),
});
const uniformThere = (units: number): boolean => checkPosted(exportsCost, places, alone(apart(units))).kind === "valid";

const { reserveUpPerMw, reserveDownPerMw } = scenario.tariff;
const utilityReserve = (reserveUpPerMw + reserveDownPerMw) * market.dt;
const allowed = allowedRegret(market, result);
const traded = result.trades.filter((trade) => isPeers(trade, "energy")).reduce((wh, { quantity }) => wh + quantity, 0);
const room = ([1, -1] as const).map((sign) => sign * largest(5, (perMwh) => regretAt(sign * perMwh) <= allowed));
const honest = (["up", "down"] as const).map((way, k) => ({
  way,
  perMwh: room[k],
  dollars: (Math.abs(room[k]) * traded) / 1e6,
}));
const figures = {
  about: "npm run bench:collusion: what a colluding quorum can move by prices in the whole day of ieee15, $",
  turnover: turnoverOf(market, result).gross,
  tradedMwh: traded / 1e6,
  allowedRegret: allowed,
  insideTolerance: moved(apart(largest(1e4, (units) => found(apart(units))))),
  toleranceDollarsPerMwh: Math.floor(largest(1e4, (units) => found(apart(units)))) / PRICE_UNITS,
  padded: {
    allowedByReserve: allowedRegret(market, paidToTake),
    allowedByExportTariff: allowedRegret(exportsCost, atThat(result)),
    toleranceByExportTariff: Math.floor(largest(1e4, uniformThere)) / PRICE_UNITS,
  },
  ownersSignTrueRegrets: honest,
  largestHonestShare: honestShare(),
  nobodysRegretCounts: {
    energyUp: moved(shifted("energy", 1)),
    energyDown: moved(shifted("energy", -1)),
    reserveUp: moved(shifted("reserve", 1)),
    // What keeps reserve from being cheaper is the sellers' mandates: -.3 of the utility's price as they are preset.
    reserveDown: moved(priced("reserve", () => Math.ceil(-0.3 * PRICE_UNITS * utilityReserve))),
  },
};
process.stdout.write(`${JSON.stringify(figures, undefined, 1)}\n`);
if (values.json !== undefined) writeJson(values.json, figures);
