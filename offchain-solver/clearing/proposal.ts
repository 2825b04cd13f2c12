import type { OperatorProposal, Proposal, Proposals } from "../market/result/proposal.ts";
import type { PairView, ProsumerView } from "../market/result/acceptance.ts";
import { emissionsT } from "../market/result/cost.ts";
import { withBand } from "../market/result/storedBand.ts";
import { answersIn, readSchedule, type Schedule, type Solution } from "../market/result/solution.ts";
import { UNITS } from "../market/result/clearingResult.ts";
import type { Market } from "../market/scenario/market.ts";
import { scheduleFrom, unitsOf } from "../market/scenario/perUnit.ts";
import { mismatchOf, pricesOf } from "./claim.ts";
import type { OperatorState } from "./operatorAgent.ts";
import type { ProsumerState } from "./prosumerAgent.ts";

/** Where a prosumer's agent stands at the end, as its owner reads it: nobody else sees more of it than the proposal. */
export type End = {
  readonly proposal: Proposal;
  readonly view: ProsumerView;
  readonly schedule: Schedule;
  /** Mean allowance price of its pairs, $/t. */
  readonly priceMu: number;
  /** Its part of the Lagrangian f(y) + rho u'(y - z), $: the parts add up to the objective. */
  readonly objective: number;
  /** $; infinite where its own problem could not be solved again. */
  readonly regret: number;
};

/** `market`: as the prosumer knows it, in MW and hours. */
export function endOf(market: Market, state: ProsumerState): End {
  const units = unitsOf(market);
  const { money } = units;
  const { layout, problem, z } = state;
  const inUnits = pricesOf(state);
  const price = inUnits.map((value) => value * units.price);
  let value = problem.cost();
  for (let c = 0; c < layout.size; c++) value += inUnits[c] * problem.y[c];
  const best = problem.bestResponse(inUnits);
  const regret = best ? (value - best.value) * money : Infinity;
  let objective = value;
  for (let c = 0; c < layout.size; c++) objective -= inUnits[c] * z[c];
  const answers = answersIn(problem.variables, problem.x, units.mw);
  const planned = scheduleFrom(units, readSchedule(problem.variables, problem.x));
  const schedule = withBand(market, state.index, planned, answers);
  const trades = tradesOf(market, state, price);
  const proposal: Proposal = {
    trades: trades.filter((_, k) => layout.signs[k] > 0),
    utilityMw: Array.from(schedule.exportMw, (mw, t) => mw - schedule.importMw[t]),
    utilityShareMw: [...schedule.utilityShareMw],
    deskT: schedule.allowanceBoughtT - schedule.allowanceSoldT,
    partsWithG: partsWith(market, state.index, schedule, (k) => trades[market.pairsOf[state.index].indexOf(k)].carbonT),
    ...(Number.isFinite(regret) && { regret, open: mismatchOf(state) * money }),
  };
  const mine = layout.pairs.length;
  let priceMu = 0;
  for (let k = 0; k < mine; k++) priceMu -= price[k * (layout.hours + 1) + layout.hours] / mine;
  // Without partners there is no price to agree on: its own, from desk and devices.
  if (mine === 0 && best) priceMu = best.allowancePrice * units.price;
  return {
    proposal,
    view: viewOf(market, state, price, proposal, trades),
    schedule,
    priceMu,
    objective: objective * money,
    regret,
  };
}

/**
 * Its side of every pair it is in, told as the pair's first would. Selling costs rho u, so the price that makes it
 * worthwhile is its negative; u is the mean of both ends' v, and so the same at both but for the last bits.
 */
function tradesOf(market: Market, { layout, z }: ProsumerState, price: Float64Array): PairView[] {
  const { mw, hours: h } = unitsOf(market);
  const stride = layout.hours + 1;
  return Array.from(layout.pairs, (pair, k): PairView => {
    const sign = layout.signs[k];
    const at = (t: number): number => k * stride + t;
    const byHour = (of: (c: number) => number): number[] => Array.from({ length: layout.hours }, (_, t) => of(at(t)));
    return {
      pair,
      energyMw: byHour((c) => sign * (z[c] * mw)),
      energyPrice: byHour((c) => -price[c]),
      carbonT: sign * (z[at(layout.hours)] * (mw * h)),
      carbonPrice: -price[at(layout.hours)],
    };
  });
}

/**
 * What it holds beyond its emissions, but no more than it parts with: then a rounding that asks one gram more of it
 * than it has is seen, and nobody learns how much it has left.
 */
function partsWith(market: Market, i: number, schedule: Schedule, carbonT: (pair: number) => number): number {
  if (!market.settings.carbon) return 0;
  const spare = Math.floor(market.allowanceT[i] * UNITS) - Math.ceil(emissionsT(market, i, schedule) * UNITS);
  const sold = market.pairsOf[i].reduce((sum, k) => sum + (market.pairs[k][0] === i ? 1 : -1) * carbonT(k), 0);
  const desk = Math.round((schedule.allowanceBoughtT - schedule.allowanceSoldT) * UNITS);
  return Math.min(spare, Math.ceil(sold * UNITS) + 1 - desk) + 0;
}

function viewOf(
  market: Market,
  { index, layout, z }: ProsumerState,
  price: Float64Array,
  proposal: Proposal,
  trades: readonly PairView[],
): ProsumerView {
  const { mw } = unitsOf(market);
  const grid = (from: number, of: (c: number) => number): number[] =>
    Array.from({ length: layout.hours }, (_, t) => of(layout.gridStart + from + t));
  return {
    kind: "prosumer",
    index,
    proposal,
    trades,
    injectionMw: grid(0, (c) => z[c] * mw),
    injectionMvar: grid(layout.hours, (c) => z[c] * mw),
    nodalPrice: grid(0, (c) => price[c]),
    nodalReactivePrice: grid(layout.hours, (c) => price[c]),
    shares: layout.copies.map(({ hour, slot, role }, k) => ({
      hour,
      slot,
      role,
      mw: Math.max(0, z[layout.copiesStart + k]) * mw,
      value: price[layout.copiesStart + k],
    })),
  };
}

/** The operator's own end: its projections and prices, out of the market's units, in which a period is one. */
export function operatorEnd(
  market: Market,
  { layouts, replies, prices, hours: limits }: OperatorState,
): OperatorProposal {
  const units = unitsOf(market);
  const { hours } = market;
  const rows = (of: (i: number, t: number) => number): number[][] =>
    Array.from({ length: hours }, (_, t) => layouts.map((_, i) => of(i, t)));
  const slots = (): number[][] => market.shares.map((s) => new Array<number>(s.length).fill(0));
  const [shareMw, sharePrice, shareCharge] = [slots(), slots(), slots()];
  layouts.forEach(({ copies }, i) =>
    copies.forEach(({ hour, slot, role }, k) => {
      const value = prices[i][2 * hours + k] * units.price;
      shareMw[hour][slot] = Math.max(0, replies[i][2 * hours + k]) * units.mw;
      if (role !== "own") sharePrice[hour][slot] += (role === "buyer" ? value : -value) / 2;
      shareCharge[hour][slot] += value;
    }),
  );
  return {
    injectionMw: rows((i, t) => replies[i][t] * units.mw),
    injectionMvar: rows((i, t) => replies[i][hours + t] * units.mw),
    nodalPrice: rows((i, t) => prices[i][t] * units.price),
    nodalReactivePrice: rows((i, t) => prices[i][hours + t] * units.price),
    shareMw,
    sharePrice,
    shareCharge,
    limits: limits.flatMap((hour, t) =>
      hour.multipliers.map(({ limit, multiplier }) => ({
        hour: t,
        limit,
        multiplier: multiplier.map(
          (m) => m * (limit < market.scenario.feeder.buses.length ? units.money : units.money / units.mw),
        ),
      })),
    ),
  };
}

/** The same proposals with the energy prices of an earlier clearing, whose trades stand at them. */
export const pricedAs = (proposals: Proposals, earlier: Proposals): Proposals => ({
  ...proposals,
  prosumers: proposals.prosumers.map((proposal, i) => ({
    ...proposal,
    trades: proposal.trades.map((trade, k) => ({
      ...trade,
      energyPrice: earlier.prosumers[i].trades[k].energyPrice,
    })),
  })),
});

/** A point that no agents made (the central twin's), as its parties would propose it. */
export function proposalsFrom(market: Market, solution: Solution): Proposals {
  const plain = (rows: readonly Float64Array[]): number[][] => rows.map((row) => [...row]);
  return {
    operator: {
      injectionMw: plain(solution.injectionMw),
      injectionMvar: plain(solution.injectionMvar),
      nodalPrice: plain(solution.nodalPrice),
      nodalReactivePrice: plain(solution.nodalReactivePrice),
      shareMw: plain(solution.shareMw),
      sharePrice: plain(solution.sharePrice),
      shareCharge: plain(solution.shareCharge),
      limits: [],
    },
    prosumers: solution.schedules.map((schedule, i) => ({
      trades: market.pairsOf[i]
        .filter((pair) => market.pairs[pair][0] === i)
        .map((pair) => ({
          pair,
          energyMw: [...solution.energyMw[pair]],
          energyPrice: [...solution.energyPrice[pair]],
          carbonT: solution.carbonT[pair],
          carbonPrice: solution.carbonPrice[pair],
        })),
      utilityMw: Array.from(schedule.exportMw, (mw, t) => mw - schedule.importMw[t]),
      utilityShareMw: [...schedule.utilityShareMw],
      deskT: schedule.allowanceBoughtT - schedule.allowanceSoldT,
      partsWithG: partsWith(market, i, schedule, (pair) => solution.carbonT[pair]),
    })),
  };
}
