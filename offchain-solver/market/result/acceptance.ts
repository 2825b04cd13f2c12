/** What a party remembers of its own agent's end, and whether everybody's proposals agree with it. */
import { unitsOf } from "../scenario/perUnit.ts";
import type { Market } from "../scenario/market.ts";
import { misshapen, misshapenOperator, type OperatorProposal, type Proposal, type Proposals } from "./proposal.ts";
import { invalid, VALID, type Finding } from "./finding.ts";
import { partOf } from "./ancillaryCharge.ts";

/** A pair's trades as its first sells them: the same whoever of the two tells it. */
export type PairView = Proposal["trades"][number];

/** A prosumer's own view. It stays at its node. */
export type ProsumerView = {
  readonly kind: "prosumer";
  readonly index: number;
  /** As it was sent. */
  readonly proposal: Proposal;
  /** Its side of every pair it is in. */
  readonly trades: readonly PairView[];
  /** [hour] where the operator put it, and what it is charged for a MWh and a Mvarh injected. */
  readonly injectionMw: readonly number[];
  readonly injectionMvar: readonly number[];
  readonly nodalPrice: readonly number[];
  readonly nodalReactivePrice: readonly number[];
  /** Its copies of shares: MW, and what one more is worth to it, $/MW and hour. */
  readonly shares: readonly {
    readonly hour: number;
    readonly slot: number;
    readonly role: "seller" | "buyer" | "own";
    readonly mw: number;
    readonly value: number;
  }[];
};

export type OperatorView = { readonly kind: "operator"; readonly proposal: OperatorProposal };
export type OwnView = ProsumerView | OperatorView;

/**
 * Two ends of a pair work out one price each, with the same numbers in another order: $/MWh, $/MW, $/t. A posted price
 * has units of 1e-3.
 */
const PRICE_DIFFERENCE = 1e-6;
/** Quantities that both ends know are the same to the last bit before they leave the market's units. MW, t. */
const QUANTITY_DIFFERENCE = 1e-12;

/**
 * Do the proposals hold what my own agent sent, was told, and agreed with its partners? Names the first that is not so.
 */
export function acceptProposals(market: Market, own: OwnView, proposals: Proposals): Finding {
  const wrong = misshapen(market, proposals);
  if (wrong !== undefined) return invalid("misshapenProposals", wrong);
  const mine = acceptOwn(market, own, proposals);
  if (mine.kind === "invalid") return mine;
  const [doubted] = doubtedTrades(market, own, proposals);
  return doubted === undefined ? VALID : invalid(doubted.predicate, doubted.detail);
}

/** The part that is between this party and whoever handed the proposals out: its own, and the operator's beside it. */
export function acceptOwn(market: Market, own: OwnView, proposals: Proposals): Finding {
  const { operator, prosumers } = proposals;
  const wrong = misshapenOperator(market, operator);
  if (wrong !== undefined) return invalid("misshapenProposals", `the operator: ${wrong}`);
  if (prosumers.length !== market.prosumers.length)
    return invalid("misshapenProposals", `${prosumers.length} proposals of ${market.prosumers.length}`);
  if (own.kind === "operator")
    return same(own.proposal, operator) ? VALID : invalid("notMyProposal", "the operator's was changed");
  if (!same(own.proposal, prosumers[own.index]))
    return invalid("notMyProposal", `prosumer ${market.prosumers[own.index].id}: its proposal was changed`);
  const injection = acceptInjection(market, own, operator);
  return injection.kind === "invalid" ? injection : acceptShares(market, own, operator);
}

/** A partner whose proposal holds another trade than the two agreed on; who of them is wrong nobody else can tell. */
export type DoubtedTrade = { readonly agent: number; readonly predicate: string; readonly detail: string };

/** Of every partner the first; the proposals have their shape. */
export function doubtedTrades(market: Market, own: OwnView, proposals: Proposals): DoubtedTrade[] {
  if (own.kind === "operator") return [];
  return own.trades.flatMap((trade): DoubtedTrade[] => {
    const finding = acceptTrade(market, own.index, trade, proposals);
    const [first, second] = market.pairs[trade.pair];
    const agent = first === own.index ? second : first;
    return finding.kind === "valid" ? [] : [{ agent, predicate: finding.predicate, detail: finding.detail }];
  });
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

function acceptTrade(market: Market, index: number, mine: PairView, { prosumers }: Proposals): Finding {
  const [first, second] = market.pairs[mine.pair];
  const theirs = prosumers[first].trades.find(({ pair }) => pair === mine.pair);
  const partner = `prosumer ${market.prosumers[first === index ? second : first].id}`;
  if (theirs === undefined) return invalid("notMyTrade", `with ${partner}: none is proposed`);
  const scale = unitsOf(market).mw;
  for (let t = 0; t < market.hours; t++) {
    if (!near(mine.energyMw[t], theirs.energyMw[t], QUANTITY_DIFFERENCE * scale))
      return invalid("notMyTrade", `with ${partner} in period ${t}: ${theirs.energyMw[t]} MW, not ${mine.energyMw[t]}`);
    if (!near(mine.energyPrice[t], theirs.energyPrice[t], PRICE_DIFFERENCE))
      return invalid("priceNotAccepted", `energy with ${partner} in period ${t}: ${theirs.energyPrice[t]} $/MWh`);
  }
  if (!near(mine.carbonT, theirs.carbonT, QUANTITY_DIFFERENCE * scale))
    return invalid("notMyTrade", `with ${partner}: ${theirs.carbonT} t, not ${mine.carbonT}`);
  if (!near(mine.carbonPrice, theirs.carbonPrice, PRICE_DIFFERENCE))
    return invalid("priceNotAccepted", `allowances with ${partner}: ${theirs.carbonPrice} $/t`);
  return VALID;
}

function acceptInjection(market: Market, own: ProsumerView, operator: OperatorProposal): Finding {
  const { index } = own;
  for (let t = 0; t < market.hours; t++) {
    if (operator.injectionMw[t][index] !== own.injectionMw[t])
      return invalid("notMyInjection", `period ${t}: ${operator.injectionMw[t][index]} MW, not ${own.injectionMw[t]}`);
    if (operator.injectionMvar[t][index] !== own.injectionMvar[t])
      return invalid("notMyReactive", `period ${t}: ${operator.injectionMvar[t][index]} Mvar`);
    if (!near(operator.nodalPrice[t][index], own.nodalPrice[t], PRICE_DIFFERENCE))
      return invalid("priceNotAccepted", `network in period ${t}: ${operator.nodalPrice[t][index]} $/MWh`);
    if (!near(operator.nodalReactivePrice[t][index], own.nodalReactivePrice[t], PRICE_DIFFERENCE))
      return invalid("priceNotAccepted", `network in period ${t}: ${operator.nodalReactivePrice[t][index]} $/Mvarh`);
  }
  return VALID;
}

/** A buyer's value is the price and half the operator's charge, a seller's the negative price and the other half. */
function acceptShares(market: Market, own: ProsumerView, operator: OperatorProposal): Finding {
  for (const { hour, slot, role, mw, value } of own.shares) {
    const where = `period ${hour}, ${market.shares[hour][slot].seller} for ${market.shares[hour][slot].buyer}`;
    if (operator.shareMw[hour][slot] !== mw)
      return invalid("notMyShare", `${where}: ${operator.shareMw[hour][slot]} MW`);
    const [price, charge] = [operator.sharePrice[hour][slot], operator.shareCharge[hour][slot]];
    const implied = partOf(role) * charge + (role === "own" ? 0 : role === "buyer" ? price : -price);
    if (!near(implied, value, PRICE_DIFFERENCE))
      return invalid("priceNotAccepted", `reserve in ${where}: ${price} $/MW`);
  }
  return VALID;
}

const near = (a: number, b: number, most: number): boolean => Math.abs(a - b) <= most * Math.max(1, Math.abs(a));

/**
 * What the agent agreed to pay over the session, $, at prices that it has accepted: the most that it can be asked for
 * besides rounding. The rebate is a gift and not counted on.
 */
export function agreedPayment(
  market: Market,
  own: ProsumerView,
  { sharePrice, shareCharge }: OperatorProposal,
): number {
  const { index, proposal, trades } = own;
  const { tariff, carbon } = market.scenario;
  const { deskT, utilityMw, utilityShareMw } = proposal;
  let total = Math.max(0, deskT) * carbon.deskBuyPerT + Math.min(0, deskT) * carbon.deskSellPerT;
  for (const { pair, energyMw, energyPrice, carbonT, carbonPrice } of trades) {
    const sign = market.pairs[pair][0] === index ? -1 : 1;
    energyMw.forEach((mw, t) => (total += sign * mw * energyPrice[t] * market.dt));
    total += sign * carbonT * carbonPrice;
  }
  const reserve = tariff.reserveUpPerMw + tariff.reserveDownPerMw;
  for (let t = 0; t < market.hours; t++) {
    const utility = utilityMw[t];
    const energy = -utility * (utility > 0 ? tariff.sellPerMwh[t] : tariff.buyPerMwh[t]);
    const network = own.nodalPrice[t] * own.injectionMw[t] + own.nodalReactivePrice[t] * own.injectionMvar[t];
    total += market.dt * (energy + reserve * utilityShareMw[t] + network);
  }
  for (const { hour, slot, role, mw } of own.shares) {
    const price = role === "own" ? 0 : (role === "buyer" ? 1 : -1) * sharePrice[hour][slot];
    total += mw * (price + partOf(role) * shareCharge[hour][slot]) * market.dt;
  }
  return total;
}
