/** The operator's lines for injections, and how its surplus goes back to the members. */
import type { Market } from "../scenario/market.ts";
import { OPERATOR, PRICE_UNITS, SESSION_PERIOD, type Trade } from "./clearingResult.ts";
import { invalid, VALID, type Finding } from "./finding.ts";

/** Charges nu P: one line where there is an injection and it costs something. Wh and $/MWh by [period][prosumer]. */
export function injectionLines(
  injectionWh: readonly (readonly number[])[],
  nodalPrice: readonly (readonly number[])[],
): Trade[] {
  return injectionWh.flatMap((injection, period) =>
    injection.flatMap((wh, buyer): Trade[] => {
      const charge = Math.round(nodalPrice[period][buyer] * PRICE_UNITS);
      if (wh === 0 || charge === 0) return [];
      const price = wh > 0 ? charge : -charge;
      return [{ seller: OPERATOR, buyer, product: "network", period, quantity: Math.abs(wh), price }];
    }),
  );
}

/** Money that the operator takes in over the periods, before any rebate, nano-dollars. */
export function surplusNano(trades: readonly Trade[]): bigint {
  let surplus = 0n;
  for (const { seller, period, quantity, price } of trades)
    if (seller === OPERATOR && period !== SESSION_PERIOD) surplus += BigInt(quantity) * BigInt(price);
  return surplus;
}

/** The surplus goes back pro rata to the members' public weights, in whole units of price; a deficit stays. */
export function rebateLines({ rebateWh }: Market, trades: readonly Trade[]): Trade[] {
  const surplus = surplusNano(trades);
  const total = rebateWh.reduce((a, b) => a + b, 0);
  const rate = total > 0 && surplus > 0n ? Number(surplus / BigInt(total)) : 0;
  if (rate === 0) return [];
  return rebateWh.flatMap((quantity, buyer): Trade[] =>
    quantity > 0
      ? [{ seller: OPERATOR, buyer, product: "network", period: SESSION_PERIOD, quantity, price: -rate }]
      : [],
  );
}

/** Whether posted rebates are those that the operator's other lines make, to the last nano-dollar. */
export function judgeRebates(market: Market, trades: readonly Trade[]): Finding {
  const posted = trades.filter(({ seller, period }) => seller === OPERATOR && period === SESSION_PERIOD);
  const of = ({ buyer, quantity, price }: Trade): string => `${quantity} Wh at ${price} to ${buyer}`;
  const expected = new Map(rebateLines(market, trades).map((line) => [line.buyer, of(line)]));
  for (const line of posted) {
    if (expected.get(line.buyer) !== of(line))
      return invalid("rebateNotPaid", `${of(line)} is posted, not ${expected.get(line.buyer) ?? "nothing"}`);
    expected.delete(line.buyer);
  }
  const [missing] = expected.values();
  return missing === undefined ? VALID : invalid("rebateNotPaid", `nothing is posted, not ${missing}`);
}
