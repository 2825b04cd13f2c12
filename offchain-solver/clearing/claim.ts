import { CERTIFICATE, countedPrice, countedTariff, dearest, roundingOf } from "../market/result/certificate.ts";
import { REFERENCE_PRICE, type UnitMarket } from "../market/scenario/perUnit.ts";
import type { ProsumerState } from "./prosumerAgent.ts";

/**
 * What a prosumer says of its newest iterate when it is asked, in the market's units of money: its regret, what its
 * plan and its trades still differ by, and its part of the gross turnover as it will be posted. Nothing in it is
 * believed by anybody who signs: the same sums are judged again after quantising.
 */
export type Claim = Float64Array;
export const [REGRET, MISMATCH, TURNOVER, REACH, CLAIM_SIZE] = [0, 1, 2, 3, 4] as const;

/**
 * Regrets of agents may fill this much of the turnover's part of what is allowed, and of rounding's: the operator's own
 * comes with rounding, up to a quarter of it on the 15-bus day and on streets. What plans and trades leave open at
 * prices that are off is what the objective is off by: 1.4e-5 of the turnover of a market of six where 1e-4 might be.
 */
const FILL = { turnover: 0.95, rounding: 0.5, mismatch: 0.5 } as const;

/**
 * Rounding excuses regrets up to this part of the turnover: the objective is off by regrets at most, and was by half
 * of them on a street once prices were near, so that small homes' whole Wh must excuse little of it.
 */
const MOST_EXCUSED = 5e-6;
/** Of the price of everybody's size: the least turnover, where hardly anything changes hands. */
const LEAST_TURNOVER = 1e-2;

/** What a member of the mean size would pay that drew all of it all day, in the market's units. */
const priceOf = ({ sizeMw, scenario }: UnitMarket): number =>
  scenario.tariff.buyPerMwh.reduce((sum, price) => sum + Math.abs(price), 0) * sizeMw;

/**
 * How far its devices could follow the limits' prices beyond where the operator put it: min price'(P, Q, shares) over
 * what they can do, less price'z. The operator's prices are normal to its limits at z, so where these numbers add up to
 * more than nothing no point of the limits is one of the devices: there is no solution. None where it found no minimum.
 */
export function reachOf(state: ProsumerState): Claimed | undefined {
  const { layout, problem, z } = state;
  const price = pricesOf(state);
  const least = problem.leastProduct(price);
  if (least === undefined) return undefined;
  const claim = new Float64Array(CLAIM_SIZE);
  claim[REACH] = least;
  for (let c = layout.gridStart; c < layout.size; c++) claim[REACH] -= price[c] * z[c];
  return { claim };
}

/** Share of what moves at the limits' prices that a proof has to exceed: a thousand times what solvers leave. */
const PROOF = 1e-6;
/** Times that nobody's devices are away from the limits, however large they are. */
const FARTHEST = 1e6;

/**
 * Do claims of reach prove that limits and devices have no point in common? `scale`: sum of abs(price x quantity) at
 * the operator's point.
 */
export function provesInfeasible(claims: readonly (Claim | undefined)[], scale: number): boolean {
  let total = 0;
  for (const claim of claims) {
    // Prices are normal to the limits: what moves at them is of the size of what they refuse.
    if (claim === undefined || !(Math.abs(claim[REACH]) <= FARTHEST * scale)) return false;
    total += claim[REACH];
  }
  return total > PROOF * scale;
}

export type Claimed = {
  readonly claim: Claim;
  /** [trade component] how far the best response at the claim's prices is from what is traded. */
  readonly response?: Float64Array;
};

/** The claim, or none where its own problem could not be solved again. */
export function claimOf(state: ProsumerState): Claimed | undefined {
  const { layout, problem } = state;
  const price = pricesOf(state);
  let value = problem.cost();
  for (let c = 0; c < layout.size; c++) value += price[c] * problem.y[c];
  const best = problem.bestResponse(price);
  if (best === undefined) return undefined;
  const claim = new Float64Array(CLAIM_SIZE);
  claim[REGRET] = Math.max(0, value - best.value);
  addMoney(state, price, claim);
  return { claim, response: best.y.subarray(0, layout.gridStart).map((mine, c) => mine - state.z[c]) };
}

/**
 * The same at the iterates' own prices, from which claims move them anew. A response says little of how far a price is
 * off that its owner's devices cannot follow: where claims began with prices that were far off, they would take for
 * ever to come back by it, while the iterates' own are near by then.
 */
export function unmovedClaimOf(state: ProsumerState): Claimed | undefined {
  state.moved.fill(0);
  return claimOf(state);
}

/** What its plan and its trades still differ by, in the market's units of money. */
export function mismatchOf(state: ProsumerState): number {
  const claim = new Float64Array(CLAIM_SIZE);
  addMoney(state, pricesOf(state), claim);
  return claim[MISMATCH];
}

/** [component] rho u, and of trades what responses have moved it by. */
export const pricesOf = ({ u, rho, layout, moved }: ProsumerState): Float64Array =>
  u.map((value, c) => rho[layout.commodity[c]] * value + (c < layout.gridStart ? moved[c] : 0));

/**
 * Moves a trade's price by kappa times half of what its two sides' best responses still differ by: a step of gradient
 * ascent on the dual at the curvature that kappa gives it. Where kappa alone says how much is whose, rho u is the price
 * at which the trades of the moment stand, and comes near the optimum's only as they do, kappa / rho of the way at a
 * time; regrets at the moved price are a third as large after one step. The iteration itself goes on with rho u. Both
 * sides add the same two numbers, so that they move their prices alike, and by no more than `most` in all: whatever a
 * partner says its response is, the price stays one that can be posted.
 */
export const nearer = (
  moved: number,
  { kappa, most }: { readonly kappa: number; readonly most: number },
  mine: number,
  theirs: number,
): number => Math.min(most, Math.max(-most, moved + (kappa * (mine + theirs)) / 2));

/** How far claims may move a price of energy, and one of allowances: once the level of prices in the market. */
export function mostMoved({ scenario: { carbon } }: UnitMarket): readonly [energy: number, allowances: number] {
  return [REFERENCE_PRICE, Math.max(REFERENCE_PRICE, Math.abs(carbon.deskBuyPerT), Math.abs(carbon.deskSellPerT))];
}

function addMoney({ market, layout, problem, z }: ProsumerState, price: Float64Array, claim: Claim): void {
  const { tariff, carbon } = market.scenario;
  const reserve = tariff.reserveUpPerMw + tariff.reserveDownPerMw;
  const most = dearest(tariff);
  const { variables, x, y } = problem;
  const stride = layout.hours + 1;
  const at = (index: Int32Array, t: number): number => (index[t] < 0 ? 0 : x[index[t]]);
  for (let offset = 0; offset < stride; offset++) {
    let [open, sold, mean] = [0, 0, 0];
    for (let k = 0; k < layout.pairs.length; k++) {
      const c = k * stride + offset;
      open += y[c] - z[c];
      sold += z[c];
      mean -= price[c] / layout.pairs.length;
    }
    // Posted netted, and between two prosumers: half of a trade is each one's part.
    claim[TURNOVER] += (Math.abs(sold) * countedPrice(mean, offset === layout.hours ? Infinity : most)) / 2;
    if (offset === layout.hours) claim[MISMATCH] += Math.abs(open) * (carbon.deskBuyPerT - carbon.deskSellPerT);
    else {
      const [p, spread] = [layout.gridStart + offset, Math.abs(tariff.buyPerMwh[offset] - tariff.sellPerMwh[offset])];
      claim[MISMATCH] += Math.abs(open - (y[p] - z[p])) * spread;
      claim[TURNOVER] +=
        Math.abs(at(variables.imports, offset) * tariff.buyPerMwh[offset]) +
        Math.abs(at(variables.exports, offset)) * countedPrice(tariff.sellPerMwh[offset], most) +
        Math.abs(z[p] * price[p]) +
        at(variables.utilityShare, offset) * reserve;
    }
  }
  const shares = new Float64Array(layout.hours);
  layout.copies.forEach(({ hour, role }, k) => {
    const c = layout.copiesStart + k;
    shares[hour] += y[c] - z[c];
    const sold = role === "seller" ? -price[c] : price[c];
    if (role !== "own") claim[TURNOVER] += (Math.abs(z[c]) * countedPrice(sold, reserve)) / 2;
  });
  for (const open of shares) claim[MISMATCH] += (Math.abs(open) * reserve) / 2;
}

/** What is claimed in all, and what of it may be: money in the market's units. Sums run in prosumer order. */
export type Certificate = {
  readonly regret: number;
  readonly mismatch: number;
  readonly allowedRegret: number;
  readonly allowedMismatch: number;
  readonly certified: boolean;
  /** By so much that how near iterates are says nothing more. */
  readonly ample: boolean;
};

/** So little of what may be is ample. */
const AMPLE = 0.1;

/**
 * Those who trade least may leave open together so many times their own part of what all may. Of a plant among homes
 * the turnover is the plant's, and what homes leave open of theirs would be 1 % of it, and no optimum.
 */
const OWN_PART = 30;

/** Nobody honest turns over, loses or leaves open so many times what all members together would draw in a day. */
const ABSURD = 1e3;
/** Of fewer members one alone may be all there is to say. */
const MANY = 3;

/**
 * Whose claims count. None that has a number which is none; of turnovers no more than is absurd, since they excuse what
 * others lose; and where one alone claims an absurd loss, not that one: it must not hold the others up.
 */
function believedOf(market: UnitMarket, claims: readonly (Claim | undefined)[]): Claim[] {
  const most =
    ABSURD *
    countedTariff(market.scenario.tariff).reduce((sum, price) => sum + price, REFERENCE_PRICE) *
    market.sizeMw *
    claims.length;
  const sound = claims
    .filter((claim) => claim !== undefined && claim.every((number) => number >= 0 && number < Infinity))
    .map((claim) => claim!.map((number, k) => (k === TURNOVER ? Math.min(number, most) : number)));
  const absurd = sound.filter((claim) => Math.max(claim[REGRET], claim[MISMATCH]) > most);
  return absurd.length === 1 && sound.length >= MANY ? sound.filter((claim) => claim !== absurd[0]) : sound;
}

/**
 * Adds claims up. Whoever made none, or one that no honest party makes, is left out: it must not hold the others up.
 */
export function certificateOf(market: UnitMarket, claims: readonly (Claim | undefined)[]): Certificate {
  const believed = believedOf(market, claims);
  const [regret, turnover] = [REGRET, TURNOVER].map((k) => believed.reduce((sum, claim) => sum + claim[k], 0));
  const rounding = roundingOf(market, 1e-6 / (market.units.mw * market.units.hours));
  const [nearly, most] = [
    CERTIFICATE.regret * turnover,
    MOST_EXCUSED * Math.max(turnover, LEAST_TURNOVER * priceOf(market)),
  ];
  const allowedRegret = FILL.turnover * nearly + Math.min(FILL.rounding * rounding, most);
  const { mismatch, allowedMismatch } = mismatchIn(believed, turnover, rounding);
  const certified = regret <= allowedRegret && mismatch <= allowedMismatch;
  const ample = regret <= AMPLE * allowedRegret && mismatch <= AMPLE * allowedMismatch;
  return { regret, mismatch, allowedRegret, allowedMismatch, certified, ample };
}

/** What all leave open, or those who trade least where that is more of what it may be. */
function mismatchIn(
  claims: readonly Claim[],
  turnover: number,
  rounding: number,
): Pick<Certificate, "mismatch" | "allowedMismatch"> {
  const all = FILL.mismatch * CERTIFICATE.mismatch * turnover;
  let [open, traded] = [0, 0];
  let worst = { mismatch: 0, allowedMismatch: all + rounding };
  for (const claim of [...claims].sort((a, b) => a[TURNOVER] - b[TURNOVER])) {
    open += claim[MISMATCH];
    traded += claim[TURNOVER];
    const allowed = Math.min(all, OWN_PART * CERTIFICATE.mismatch * traded) + rounding;
    if (open * worst.allowedMismatch > worst.mismatch * allowed) worst = { mismatch: open, allowedMismatch: allowed };
  }
  return worst;
}
