import { type ClearingResult, DESK, OPERATOR, SESSION_PERIOD, type Trade, UNITS, UTILITY } from "./clearingResult.ts";
import { periodName, type Market } from "../scenario/market.ts";
import { unitsOf } from "../scenario/perUnit.ts";
import { excess } from "./excess.ts";
import { limitName, type Network } from "../formulation/network.ts";
import { invalid, type Finding } from "./finding.ts";

/** Posted reserve is whole W whose sum is the need, whatever the market's size. */
const RESERVE_W = 1;
/** Of a branch's own limit, which the chain knows: the market's size is what its members say it is. */
const FLOW_SHARE = 1e-3;

/**
 * What rounding and the clearing's own tolerance may move: injections W, voltages p.u.^2, flows MVA by the half width
 * of their limit. The clearing's follows the market's size; rounding is half a Wh of everybody's, however short the
 * period.
 */
export function verifyTolerance(market: Market) {
  const { mw } = unitsOf(market);
  const roundingW = 1 / market.dt;
  const roundingMva = (market.prosumers.length * roundingW) / UNITS;
  return {
    watts: 100 * mw + roundingW,
    voltage: 2e-4,
    flowMva: (halfMva: number): number => Math.min(2e-4 * mw, FLOW_SHARE * halfMva) + roundingMva,
  };
}

/** Net injection in Wh by [period][prosumer]: what a prosumer sold net, utility included. */
export function positionsWh(result: ClearingResult): number[][] {
  const positions = Array.from({ length: result.periods }, () => new Array<number>(result.participants.length).fill(0));
  for (const trade of result.trades) {
    if (trade.product !== "energy") continue;
    if (trade.seller < result.participants.length) positions[trade.period][trade.seller] += trade.quantity;
    if (trade.buyer < result.participants.length) positions[trade.period][trade.buyer] -= trade.quantity;
  }
  return positions;
}

/**
 * Reserve in W by [hour][slot] and by [hour][prosumer] from the utility; own shares are what the need leaves. What the
 * operator sells is no reserve but its charge on them.
 */
export function reservePositions(market: Market, result: ClearingResult) {
  const shares = market.shares.map((slots) => new Float64Array(slots.length));
  const utility = market.shares.map(() => new Float64Array(market.prosumers.length));
  const unknown: Trade[] = [];
  const slotOf = market.shares.map(
    (slots) => new Map(slots.map(({ seller, buyer }, s) => [seller * market.prosumers.length + buyer, s])),
  );
  for (const trade of result.trades) {
    if (trade.product !== "reserve" || trade.seller === OPERATOR) continue;
    if (trade.seller === UTILITY) utility[trade.period][trade.buyer] += trade.quantity;
    else {
      const slot = slotOf[trade.period].get(trade.seller * market.prosumers.length + trade.buyer);
      if (slot === undefined || trade.seller === trade.buyer) unknown.push(trade);
      else shares[trade.period][slot] += trade.quantity;
    }
  }
  const missing: { hour: number; prosumer: number; watts: number }[] = [];
  for (let t = 0; t < market.hours; t++)
    for (let j = 0; j < market.prosumers.length; j++) {
      const need = market.halfWidth[t] * market.sigma[t][j] * UNITS;
      if (need === 0) continue;
      let bought = utility[t][j];
      for (const s of market.slotsOf[j][t]) {
        const { seller, buyer } = market.shares[t][s];
        if (buyer === j && seller !== j) bought += shares[t][s];
      }
      const own = slotOf[t].get(j * market.prosumers.length + j);
      if (own !== undefined) shares[t][own] = Math.max(0, need - bought);
      if (bought > need + RESERVE_W || (own === undefined && bought < need - RESERVE_W))
        missing.push({ hour: t, prosumer: j, watts: bought - need });
    }
  return { shares, utility, unknown, missing };
}

/**
 * Everything a party can check from public data: balance, who may trade what, the response to every forecast error, and
 * the network security constraints of every hour, chance constraints included.
 */
export function verifyPublic(market: Market, network: Network | undefined, result: ClearingResult): Finding {
  const n = market.prosumers.length;
  if (result.periods !== market.hours) return invalid("wrongPeriods", `${result.periods}, not ${market.hours}`);
  if (result.participants.some((id, i) => id !== market.prosumers[i].id) || result.participants.length !== n)
    return invalid("wrongParticipants", result.participants.join(" "));
  for (const trade of result.trades) {
    if (!(trade.quantity > 0) || trade.seller === trade.buyer) return invalid("emptyTrade", JSON.stringify(trade));
    if (trade.seller === OPERATOR && !market.settings.network)
      return invalid("chargeWithoutNetwork", JSON.stringify(trade));
    const known = (party: number): boolean => party < n || [UTILITY, OPERATOR, DESK].includes(party);
    if (!known(trade.seller) || !known(trade.buyer)) return invalid("unknownParty", JSON.stringify(trade));
    if (
      trade.product === "carbon"
        ? trade.period !== SESSION_PERIOD
        : trade.product !== "network" && trade.period >= result.periods
    )
      return invalid("unknownPeriod", JSON.stringify(trade));
    if (trade.product === "energy" && (trade.seller === UTILITY || trade.buyer === UTILITY)) {
      const tariff = market.scenario.tariff;
      const price = (trade.seller === UTILITY ? tariff.buyPerMwh : tariff.sellPerMwh)[trade.period];
      if (trade.price !== Math.round(price * 1e3)) return invalid("wrongTariff", JSON.stringify(trade));
    }
  }
  const reserve = reservePositions(market, result);
  if (reserve.unknown.length > 0) return invalid("noSuchShare", JSON.stringify(reserve.unknown[0]));
  if (reserve.missing.length > 0) return invalid("errorNotAnswered", JSON.stringify(reserve.missing[0]));
  if (network === undefined) return { kind: "valid" };
  const positions = positionsWh(result);
  const tolerance = verifyTolerance(market);
  for (let t = 0; t < market.hours; t++) {
    const gap = excess(market, network, t, {
      p: positions[t].map((wh) => wh / UNITS / market.dt),
      q: result.reactiveVar.map((row) => row[t] / UNITS),
      shares: reserve.shares[t].map((w) => w / UNITS),
    });
    for (let limit = 0; limit < gap.length; limit++) {
      const half = (network.upper[limit] - network.lower[limit]) / 2;
      // No limit, no number; with one, what is no number is not within it.
      if (Number.isNaN(half)) continue;
      if (!(gap[limit] <= (limit < network.buses ? tolerance.voltage : tolerance.flowMva(half))))
        return invalid(
          "outsideNetworkLimit",
          `${periodName(market, t)}: ${limitName(market, network, limit)} by ${gap[limit].toExponential(2)}`,
        );
    }
  }
  return { kind: "valid" };
}

/** What one prosumer's node expects of the result: its own injections and money, as its agent computed them. */
export type OwnView = {
  readonly index: number;
  readonly injectionMw: ArrayLike<number>;
  readonly reactiveMvar: ArrayLike<number>;
  /** Most that its payment may exceed what its agent agreed to, $. */
  readonly expectedPayment: number;
  readonly paymentTolerance: number;
};

/** Money that flows into an account over the session, nano-dollars. */
export function paymentNano(result: ClearingResult, party: number): bigint {
  let total = 0n;
  for (const trade of result.trades) {
    const value = BigInt(trade.quantity) * BigInt(trade.price);
    if (trade.seller === party) total += value;
    if (trade.buyer === party) total -= value;
  }
  return total;
}

/** Does the result hold what my own agent agreed to? */
export function verifyOwn(market: Market, result: ClearingResult, view: OwnView): Finding {
  const positions = positionsWh(result);
  const { watts } = verifyTolerance(market);
  for (let t = 0; t < market.hours; t++) {
    const mine = (positions[t][view.index] / UNITS / market.dt - view.injectionMw[t]) * UNITS;
    if (Math.abs(mine) > watts)
      return invalid("notMyInjection", `${periodName(market, t)}: off by ${mine.toFixed(0)} W`);
    const reactive = result.reactiveVar[view.index][t] - view.reactiveMvar[t] * UNITS;
    if (Math.abs(reactive) > watts)
      return invalid("notMyReactive", `${periodName(market, t)}: off by ${reactive.toFixed(0)} var`);
  }
  const paid = -Number(paymentNano(result, view.index)) / 1e9;
  if (paid > view.expectedPayment + view.paymentTolerance)
    return invalid("payMoreThanAgreed", `${paid.toFixed(4)} $ instead of ${view.expectedPayment.toFixed(4)} $`);
  return { kind: "valid" };
}
