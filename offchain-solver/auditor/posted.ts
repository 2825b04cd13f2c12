/**
 * What the form and the prices of a posted result must be, whatever anybody's costs are: consequences of the optimum
 * (docs/model.md) that public data alone can check.
 */
import { quantiseSettings } from "../codec/quantise.ts";
import { transportWithin } from "../codec/transport.ts";
import type { Places } from "../grid/places.ts";
import {
  type ClearingResult,
  DESK,
  PRICE_UNITS,
  SESSION_PERIOD,
  type Trade,
  UTILITY,
} from "../market/result/clearingResult.ts";
import { allowedMismatch, allowedRegret, countedTariff } from "../market/result/certificate.ts";
import { invalid, VALID, type Finding } from "../market/result/finding.ts";
import { nameOf, type Market } from "../market/scenario/market.ts";
import { tradingGroups } from "../market/scenario/tradingGroups.ts";

/** Part of the price level that a clearing's own tolerance may move a price by. */
const PRICE_SHARE = 1e-3;
/** $/MWh: of a market whose tariff is nothing, as it is cleared. */
const FREE_LEVEL = 50;
/** Wh or g that making a prosumer's amounts whole may leave for utility or desk; among homes that is more than dust. */
const WHOLE = 1;

/** Everything of it, in this order. */
export function checkPosted(market: Market, places: Places, result: ClearingResult): Finding {
  for (const check of [checkTariffs, checkPositions, checkPrices]) {
    const finding = check(market, result, places);
    if (finding.kind === "invalid") return finding;
  }
  return VALID;
}

/** Trades among prosumers of one product and period. */
const amongPeers = ({ participants, trades }: ClearingResult, product: Trade["product"], period: number): Trade[] =>
  trades.filter(
    (trade) =>
      trade.product === product &&
      trade.period === period &&
      trade.seller < participants.length &&
      trade.buyer < participants.length,
  );

/** What utility and desk trade at is public, to the last unit of price. */
function checkTariffs(market: Market, { trades }: ClearingResult): Finding {
  const { tariff, carbon } = market.scenario;
  const reserve = (tariff.reserveUpPerMw + tariff.reserveDownPerMw) * market.dt;
  for (const trade of trades) {
    const price =
      trade.product === "reserve" && trade.seller === UTILITY
        ? reserve
        : trade.product === "carbon" && trade.seller === DESK
          ? carbon.deskBuyPerT
          : trade.product === "carbon" && trade.buyer === DESK
            ? carbon.deskSellPerT
            : undefined;
    if (price !== undefined && trade.price !== Math.round(price * PRICE_UNITS))
      return invalid("wrongTariff", JSON.stringify(trade));
    if (trade.product === "carbon" && !market.settings.carbon)
      return invalid("carbonWithoutMarket", JSON.stringify(trade));
  }
  return VALID;
}

/**
 * Nobody buys from a peer what it sells to another in the same period, nor allowances on both sides of peers and desk;
 * among those who can trade with one another the nearest is served first, so that no trade is anybody's choice.
 */
function checkPositions(market: Market, result: ClearingResult, places: Places): Finding {
  const n = result.participants.length;
  const groups = tradingGroups(market);
  const products = [
    ...Array.from({ length: result.periods }, (_, period) => ["energy", period] as const),
    ["carbon", SESSION_PERIOD] as const,
  ];
  for (const [product, period] of products) {
    const posted = amongPeers(result, product, period);
    const net = new Array<number>(n).fill(0);
    const sides = new Set<number>();
    for (const { seller, buyer, quantity } of posted) {
      net[seller] += quantity;
      net[buyer] -= quantity;
      sides.add(seller);
    }
    const both = posted.find(({ buyer }) => sides.has(buyer)) ?? withUtilityTwice(result, product, period);
    if (both !== undefined)
      return invalid("washTrade", `${product}, period ${period}: ${nameOf(market, both.buyer)} buys and sells`);
    // Whoever sells to somebody that no pairs lead to leaves a group that is not even.
    const uneven = groups.find((group) => group.reduce((sum, i) => sum + net[i], 0) !== 0);
    if (uneven !== undefined)
      return invalid("noSuchPair", `${product}, period ${period}: ${nameOf(market, uneven[0])} and those it can reach`);
    const shipped = transportWithin(groups, net, places).map(
      ({ seller, buyer, quantity }) => `${seller} ${buyer} ${quantity}`,
    );
    const given = posted.map(({ seller, buyer, quantity }) => `${seller} ${buyer} ${quantity}`);
    const other = shipped.sort().join() === given.sort().join() ? undefined : given.find((s) => !shipped.includes(s));
    if (other !== undefined || shipped.length !== given.length)
      return invalid("notNearestFirst", `${product}, period ${period}: ${other ?? "a trade is missing"}`);
    if (product === "carbon") {
      const opposed = result.trades.find(
        ({ seller, buyer }) =>
          (seller === DESK && buyer < n && net[buyer] > 0) || (buyer === DESK && seller < n && net[seller] < 0),
      );
      if (opposed !== undefined) return invalid("washTrade", `allowances: ${JSON.stringify(opposed)}`);
    }
  }
  return VALID;
}

/** A purchase from the utility by somebody who sells to it in the same period. */
function withUtilityTwice({ trades }: ClearingResult, product: Trade["product"], period: number): Trade | undefined {
  const own = trades.filter((trade) => trade.product === product && trade.period === period);
  const sellers = new Set(own.filter(({ buyer }) => buyer === UTILITY).map(({ seller }) => seller));
  return own.find(({ seller, buyer }) => seller === UTILITY && sellers.has(buyer));
}

/** Bounds of a price, 1e-6 $ per kWh or kg. */
type Band = { readonly low: number; readonly high: number };

/**
 * Whoever may deal with the utility too pays no more than it asks, allowances for what it imports included, and takes
 * no less than it pays, and no more for reserve; the desk bounds the price of allowances likewise. All who can trade
 * with one another pay one price. Where they buy from the utility, or sell to it, beside a peers' price that is better,
 * they lose the difference: regret that everybody can see, whatever was claimed, or what plans and trades still
 * differed by. All of it together is no more than a certified result may have of both.
 */
function checkPrices(market: Market, result: ClearingResult): Finding {
  const { tariff, carbon } = market.scenario;
  const tolerance = PRICE_SHARE * levelOf(tariff) * PRICE_UNITS;
  const dust = quantiseSettings(market);
  const groups = tradingGroups(market);
  const desk = { low: carbon.deskSellPerT * PRICE_UNITS, high: carbon.deskBuyPerT * PRICE_UNITS };
  const allowances = market.settings.carbon ? desk : { low: 0, high: 0 };
  const losses: Loss[] = [];
  for (let t = 0; t < result.periods; t++) {
    const grid = carbon.gridTPerMwh[t];
    const [buy, sell] = [tariff.buyPerMwh[t] * PRICE_UNITS, tariff.sellPerMwh[t] * PRICE_UNITS];
    const asked = { low: buy + grid * allowances.low, high: buy + grid * allowances.high };
    const what = `energy, period ${t}`;
    for (const [group, peers, dealt] of byGroup(groups, result, ["energy", t, UTILITY])) {
      const finding = checkBand(peers, { low: sell, high: asked.high }, tolerance, what, true);
      if (finding.kind === "invalid") return finding;
      const most = group.length * (dust.dustWh + WHOLE);
      losses.push(...lossesOf(peers, { asked: asked.low, paid: sell }, dealt, most, { what, tolerance }));
    }
  }
  for (let t = 0; t < result.periods; t++) {
    // Whoever buys reserve of a peer could have it of the utility, and a period has a part of the price of an hour.
    const most = (tariff.reserveUpPerMw + tariff.reserveDownPerMw) * market.dt * PRICE_UNITS;
    const trades = amongPeers(result, "reserve", t);
    const finding = checkBand(trades, { low: -Infinity, high: most }, tolerance * market.dt, `reserve, period ${t}`);
    if (finding.kind === "invalid") return finding;
  }
  const what = "allowances";
  for (const [group, peers, dealt] of byGroup(groups, result, ["carbon", SESSION_PERIOD, DESK])) {
    const finding = checkBand(peers, desk, tolerance, what, true);
    if (finding.kind === "invalid") return finding;
    const most = group.length * (dust.allowanceDustG + WHOLE);
    losses.push(...lossesOf(peers, { asked: desk.high, paid: desk.low }, dealt, most, { what, tolerance }));
  }
  return checkLosses(losses, allowedRegret(market, result) + allowedMismatch(market, result));
}

/**
 * $/MWh: the tariff's median over the periods, of which an export price below zero counts no more than the dearest of
 * what the utility asks.
 */
function levelOf(tariff: Market["scenario"]["tariff"]): number {
  const levels = countedTariff(tariff).sort((a, b) => a - b);
  const middle = levels[Math.floor(levels.length / 2)];
  return middle > 0 ? middle : FREE_LEVEL;
}

type Dealt = { bought: number; sold: number };

/** Of each group: what its members trade with one another, and buy from utility or desk and sell to it, in all. */
function byGroup(
  groups: readonly (readonly number[])[],
  { participants, trades }: ClearingResult,
  [product, period, other]: readonly [Trade["product"], number, number],
): (readonly [readonly number[], Trade[], Dealt])[] {
  const groupOf = new Map(groups.flatMap((group, g) => group.map((i) => [i, g] as const)));
  const found = groups.map((group): [readonly number[], Trade[], Dealt] => [group, [], { bought: 0, sold: 0 }]);
  for (const trade of trades) {
    if (trade.product !== product || trade.period !== period) continue;
    const [seller, buyer] = [groupOf.get(trade.seller), groupOf.get(trade.buyer)];
    if (seller !== undefined && trade.buyer < participants.length) found[seller][1].push(trade);
    else if (seller !== undefined && trade.buyer === other) found[seller][2].sold += trade.quantity;
    else if (buyer !== undefined && trade.seller === other) found[buyer][2].bought += trade.quantity;
  }
  return found;
}

/** $ that members of a group lose with the utility beside their peers' price, and how it is told. */
type Loss = { readonly dollars: number; readonly detail: string };

/** What is dealt up to `most` is left by netting and whole units, and nobody's loss. */
function lossesOf(
  peers: readonly Trade[],
  other: { readonly asked: number; readonly paid: number },
  { bought, sold }: Dealt,
  most: number,
  { what, tolerance }: { readonly what: string; readonly tolerance: number },
): Loss[] {
  const [low, high] = rangeOf(peers);
  const lost = (quantity: number, by: number, detail: string): Loss[] =>
    quantity > most && by > tolerance ? [{ dollars: (quantity * by) / 1e9, detail }] : [];
  return [
    ...lost(bought, other.asked - low, `${what}: ${said(low)} where ${bought} are bought at ${said(other.asked)}`),
    ...lost(sold, high - other.paid, `${what}: ${said(high)} where ${sold} are sold at ${said(other.paid)}`),
  ];
}

function checkLosses(losses: readonly Loss[], allowed: number): Finding {
  const total = losses.reduce((sum, { dollars }) => sum + dollars, 0);
  if (!(total > allowed)) return VALID;
  const worst = losses.reduce((a, b) => (b.dollars > a.dollars ? b : a));
  const all = losses.length > 1 ? ` and ${losses.length - 1} more` : "";
  return invalid(
    "priceOutsideTariff",
    `${worst.detail}${all}: $${total.toPrecision(4)} lost, at most $${allowed.toPrecision(4)} may be`,
  );
}

const said = (price: number): string => (price / PRICE_UNITS).toFixed(3);

/** Lowest and highest price; of no trades one above and one below every other. */
const rangeOf = (trades: readonly Trade[]): [number, number] =>
  trades.reduce<[number, number]>(
    ([low, high], { price }) => [Math.min(low, price), Math.max(high, price)],
    [Infinity, -Infinity],
  );

function checkBand(trades: readonly Trade[], band: Band, tolerance: number, what: string, uniform = false): Finding {
  if (trades.length === 0) return VALID;
  const [low, high] = rangeOf(trades);
  if (low < band.low - tolerance || high > band.high + tolerance)
    return invalid(
      "priceOutsideTariff",
      `${what}: ${said(low)} to ${said(high)}, the tariff leaves ${said(band.low)} to ${said(band.high)}`,
    );
  if (high - low > 2 * tolerance && uniform)
    return invalid("priceNotUniform", `${what}: from ${said(low)} to ${said(high)}`);
  return VALID;
}
