/** Reports of sessions that are really cleared, and what their pages hold. */
import { expect } from "chai";
import { parseHTML } from "linkedom";
import type { Feeder } from "../../offchain-solver/grid/feeder.ts";
import { OPERATOR } from "../../offchain-solver/market/result/clearingResult.ts";
import { defaultSettings, type MarketSettings } from "../../offchain-solver/market/scenario/market.ts";
import type { Scenario } from "../../offchain-solver/market/scenario/scenario.ts";
import { swept, type SweptClearing as ClearingJson } from "../../offchain-solver/records/clearingJson.ts";
import { renderReport } from "../../offchain-solver/report/sessionReport.ts";
import { clear } from "../../offchain-solver/simulation/clear.ts";
import { toClearingJson } from "../../offchain-solver/records/clearingRecord.ts";

export type Node = {
  readonly tagName: string;
  readonly textContent: string;
  getAttribute(name: string): string | null;
  querySelector(selector: string): Node | null;
  querySelectorAll(selector: string): Iterable<Node>;
  closest(selector: string): Node | null;
};
export const UTILITY = 0xffff;
export const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
/** "−1,234.56 $" or "$3.10" as a number. */
export const read = (text: string): number => Number(text.replace("−", "-").replace(/[^0-9.e-]/g, ""));
export const all = (node: Node, selector: string): Node[] => [...node.querySelectorAll(selector)];

/** Six houses at 400 V. */
export const STREET: Feeder = {
  name: "street",
  source: "made up",
  baseMva: 0.1,
  baseKv: 0.4,
  buses: [0, 2, 1.5, 3, 1, 2.5, 1.8].map((kw, k) => ({
    bus: k + 1,
    vMinPu: k === 0 ? 1 : 0.9,
    vMaxPu: k === 0 ? 1 : 1.1,
    loadMw: kw / 1e3,
    loadMvar: kw / 5e3,
  })),
  branches: [1, 2, 3, 4, 5, 6].map((from) => ({ from, to: from + 1, rPu: 0.02, xPu: 0.01, ratingMva: 0.05 })),
};

export type Report = {
  readonly scenario: Scenario;
  readonly clearing: ClearingJson;
  readonly html: string;
  readonly page: Node;
};

export function reportOf(scenario: Scenario, market: Partial<MarketSettings> = {}, trade = true): Report {
  const settings = { ...defaultSettings(scenario), ...market };
  const options = { method: "central", trade, rhoScale: 1, maxIterations: 100, market: settings } as const;
  const clearing = swept(toClearingJson(clear(scenario, options), options));
  const html = renderReport({ clearing, scenario });
  return { scenario, clearing, html, page: (parseHTML(html) as unknown as { document: Node }).document };
}

export const card = (page: Node, title: string): Node => {
  const found = all(page, ".card").find((one) => one.querySelector("h3")?.textContent === title);
  expect(found, title).not.to.equal(undefined);
  return found!;
};
export const cells = (row: Node): string[] => all(row, "th,td").map(({ textContent }) => textContent);
export const rowsOf = (table: Node): string[][] => all(table, "tbody tr").map(cells);
export const footOf = (table: Node): string[] => all(table, "tfoot tr").flatMap(cells);
export const tableOf = (page: Node, title: string): Node => card(page, title).querySelector("table")!;

/** What every prosumer pays, nano-dollars by product, from the posted integers alone. */
export function paidOf({ quantised }: ClearingJson): Map<string, bigint> {
  const paid = new Map<string, bigint>();
  for (const { seller, buyer, product: posted, quantity, price } of quantised.trades) {
    const value = BigInt(quantity) * BigInt(price);
    // Whatever the operator sells is the network's.
    const product = seller === OPERATOR ? "network" : posted;
    for (const [party, sign] of [
      [buyer, 1n],
      [seller, -1n],
    ] as const) {
      const key = `${quantised.participants[party] ?? party} ${product}`;
      paid.set(key, (paid.get(key) ?? 0n) + sign * value);
    }
  }
  return paid;
}
