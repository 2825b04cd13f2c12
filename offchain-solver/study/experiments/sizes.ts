import { defaultSettings } from "../../market/scenario/market.ts";
import type { Scenario } from "../../market/scenario/scenario.ts";
import { liveLine } from "../../io/output.ts";
import { scatterFigure } from "../../report/figures.ts";
import { takeHours } from "../../scenarios/loadScenario.ts";
import { resized } from "../../scenarios/resized.ts";
import { clear, type ClearedSession, type ClearMethod } from "../../simulation/clear.ts";
import { measureOf } from "../bench/zooRow.ts";
import { scenarioOf, type Cell, type Experiment, type Horizon } from "./common.ts";
import { streetDays } from "./street.ts";

/** The least share of nodal prices that are central's, in words. */
const sameOf = (rows: readonly SizeRow[]): string => {
  const least = Math.min(...rows.map(({ pricesSame }) => pricesSame));
  return least === 1 ? "all" : `${percent(least)} or more`;
};

export const FACTORS = [0.001, 0.01, 0.1, 1, 10, 100] as const;

/** $/MWh: nodal prices that are unique lie as near to the central twin's. */
const SAME_PRICE = 0.01;

/** One market at one size; money in parts of the central twin's gross turnover. */
export type SizeRow = {
  readonly market: string;
  readonly factor: number;
  readonly sizeKw: number;
  readonly status: string;
  readonly evaluations: number;
  readonly gap: number;
  /** Nodal prices of active power: the largest difference from central's, $/MWh, and the share within SAME_PRICE. */
  readonly priceApart: number;
  readonly pricesSame: number;
  /** Largest change of a member's payment for energy by whole Wh, and what dust of reserve costs more. */
  readonly paymentShift: number;
  readonly reserveMoved: number;
};

const HEADER =
  "market,factor,sizeKw,status,evaluations,gapOfTurnover,largestNodalPriceDifference,shareOfNodalPricesWithin.01,paymentShiftOfTurnover,reserveMovedOfTurnover";

const NOTHING = { gap: NaN, priceApart: NaN, pricesSame: NaN, paymentShift: NaN, reserveMoved: NaN } as const;

/** Clears `scenario` so many times as large as it is by the default method, and centrally. */
export function sizeRow(market: string, scenario: Scenario, factor: number): SizeRow {
  const line = liveLine();
  const by = (method: ClearMethod): ClearedSession =>
    clear(resized(scenario, factor), {
      method,
      market: defaultSettings(scenario),
      trade: true,
      rhoScale: 1,
      maxIterations: 20_000,
      observe: (k) => line.show(`${market} x ${factor}: evaluation ${k}`),
    });
  const [central, cleared] = [by("central"), by("anderson")];
  line.end();
  const row = {
    market,
    factor,
    sizeKw: cleared.market.sizeMw * 1000,
    status: cleared.status,
    evaluations: cleared.evaluations,
  };
  if (central.outcome === undefined || cleared.outcome === undefined) return { ...row, ...NOTHING };
  const { solution, objective, quantised } = cleared.outcome;
  const turnover = measureOf(central.market, central.outcome.solution);
  const optimum = central.outcome.solution.nodalPrice;
  const apart = solution.nodalPrice.flatMap((prices, t) => Array.from(prices, (p, i) => Math.abs(p - optimum[t][i])));
  return {
    ...row,
    gap: (objective - central.outcome.objective) / turnover,
    priceApart: apart.reduce((a, b) => Math.max(a, b), 0),
    pricesSame: apart.filter((value) => value <= SAME_PRICE).length / apart.length,
    paymentShift: quantised.report.paymentShift / turnover,
    reserveMoved: quantised.report.reserveMovedCost / turnover,
  };
}

const cellsOf = (r: SizeRow): Cell[] => [
  r.market,
  r.factor,
  r.sizeKw,
  r.status,
  r.evaluations,
  ...[r.gap, r.priceApart, r.pricesSame, r.paymentShift, r.reserveMoved].map((value) =>
    Number.isNaN(value) ? "" : value,
  ),
];

const percent = (share: number): string => `${Number((100 * share).toPrecision(2))} %`;

function textOf(rows: readonly SizeRow[]): string {
  const counts = rows.map(({ evaluations }) => evaluations);
  const [least, highest] = [Math.min(...counts), Math.max(...counts)];
  const most = (of: (row: SizeRow) => number): number => rows.reduce((a, row) => Math.max(a, of(row)), 0);
  return [
    `**${rows[0].market}:** ${least === highest ? `${least} evaluations at every size` : `${least} to ${highest} evaluations`}`,
    `the largest gap to the central optimum ${most(({ gap }) => Math.abs(gap)).toExponential(1)} of gross turnover`,
    `nodal prices at most ${most(({ priceApart }) => priceApart).toPrecision(2)} $/MWh from central's, at every size ${sameOf(rows)} of them within ${SAME_PRICE} (where several prices support one optimum, they may differ)`,
    `whole Wh and W shift a member's payment by at most, of turnover: ${rows.map((r) => `${percent(r.paymentShift)} at x ${r.factor}`).join(", ")}; reserve too small to post costs ${rows.map((r) => `${percent(r.reserveMoved)} at x ${r.factor}`).join(", ")}.`,
  ].join("; ");
}

/** What the tables show, and the code says why. */
const WHY_NOT_EQUAL =
  "Where sizes take different counts, only the end differs: all follow the same iterates until claims are asked for. Regrets may be 1e-5 of the turnover and half of what whole Wh may cost, up to 5e-6 of it; what plans and trades leave open may be half a ten-thousandth and what whole Wh may cost, which does not shrink with the market. What is left is slow: several batteries of one kind stand at one price, only the term that makes trades unique says which of them gives how much, and in each step iterates go that term over the penalty of the way. Prices need not wait for that: claims are made at prices that each pair moves by what its two best responses still differ by ([model](../model.md)), which ends the street by the hour after the same count at every size. In quarter-hours plans and trades are still apart as well when claims are first asked for, by more than large homes may leave open";

/** The same markets from a thousandth to a hundred times their size. */
export async function sizesExperiment({ hours = 24 }: Horizon = {}): Promise<Experiment> {
  const street = async (minutes: 15 | 60) => takeHours((await streetDays(minutes, [undefined]))[0].scenario, hours);
  const markets = [
    { name: `ieee15, ${hours} h`, scenario: scenarioOf("ieee15", hours) },
    { name: `street of 12 homes, ${hours} h`, scenario: await street(60) },
    { name: `street of 12 homes, ${hours} h in quarter-hours`, scenario: await street(15) },
  ];
  return sizesPage(markets.map(({ name, scenario }) => FACTORS.map((factor) => sizeRow(name, scenario, factor))));
}

/** [market][factor] rows as table, figures and text. */
export function sizesPage(rows: readonly (readonly SizeRow[])[]): Experiment {
  const points = (of: (row: SizeRow) => number) =>
    rows.map((sizes) => ({
      name: sizes[0].market,
      points: sizes.map((row): [number, number] => [row.factor, of(row)]).filter(([, value]) => value > 0),
    }));
  return {
    title: "The same market at other sizes",
    header: HEADER.split(","),
    rows: rows.flat().map(cellsOf),
    json: rows.flat(),
    figures: {
      "": scatterFigure(
        { title: "Evaluations to the certified end", x: "times its size", y: "evaluations" },
        points(({ evaluations }) => evaluations),
        { xLog: true },
        { joined: true },
      ),
      "-rounding": scatterFigure(
        { title: "Largest change of a payment by whole Wh", x: "times its size", y: "share of gross turnover" },
        points(({ paymentShift }) => paymentShift),
        { xLog: true, yLog: true },
        { joined: true },
      ),
    },
    text: [
      "Every MW, MWh and MVA times a factor at the same prices and voltages, cleared by the default method to its certified end and by the central twin. The clearing reckons in units of the market's size, so only whole Wh, W and grams know how large it is.",
      ...rows.map(textOf),
      WHY_NOT_EQUAL,
    ],
  };
}
