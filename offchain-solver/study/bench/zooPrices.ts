import type { Scenario } from "../../market/scenario/scenario.ts";
import type { Draw } from "./zooDraw.ts";

/** What a day's prices look like. */
export const PRICES = ["flat", "bands", "moving", "below zero", "scarcity"] as const;
export type Prices = (typeof PRICES)[number];

/** Buys of the periods at one price level, $/MWh. */
function buyPrices(draw: Draw, kind: Prices, level: number, periods: number): number[] {
  const cents = (price: number): number => Math.round(100 * price) / 100 + 0;
  const block = Math.max(1, Math.ceil(periods / draw.between(1, 6)));
  const high = draw.between(1.2, 3);
  let walk = level;
  return Array.from({ length: periods }, (_, t) => {
    walk = Math.max(0.1 * level, walk * draw.between(0.8, 1.25));
    if (kind === "bands") return cents(Math.floor(t / block) % 2 === 0 ? level : high * level);
    if (kind === "moving") return cents(walk);
    if (kind === "below zero") return cents(draw.chance(0.4) ? -draw.between(0.1, 1) * level : walk);
    if (kind === "scarcity") return cents(draw.chance(0.2) ? draw.between(500, 4000) : walk);
    return cents(level);
  });
}

/**
 * Tariff and allowance prices: the level from 5 to 300 $/MWh, spreads from a hundredth of it to nearly all, allowances
 * from worthless to dear.
 */
export function drawPrices(draw: Draw, kind: Prices, periods: number): Pick<Scenario, "tariff"> & { level: number } {
  const level = draw.overDecades(5, 300);
  const buyPerMwh = buyPrices(draw, kind, level, periods);
  const spread = draw.overDecades(0.01, 0.9) * level;
  const up = draw.between(0, 0.5) * level;
  return {
    level,
    tariff: {
      buyPerMwh,
      sellPerMwh: buyPerMwh.map((buy) => Number((buy - spread).toPrecision(6))),
      reserveUpPerMw: Number((0.02 * level + up).toPrecision(6)),
      reserveDownPerMw: Number(draw.between(0, 0.3 * level).toPrecision(6)),
    },
  };
}

/** What the desk asks and pays for allowances, and how many everybody has: from none to more than anybody needs. */
export function drawDesk(draw: Draw): { quotaTPerMwh: number; deskBuyPerT: number; deskSellPerT: number } {
  const deskBuyPerT = draw.overDecades(2, 150);
  const quotaTPerMwh = draw.oneOf([
    [0, 1],
    [draw.between(0.1, 0.5), 4],
    [1, 1],
  ]);
  return { quotaTPerMwh, deskBuyPerT, deskSellPerT: Number((deskBuyPerT * draw.between(0.2, 0.95)).toPrecision(6)) };
}
