/** What whole Wh, W and g, and the thresholds below which nothing is traded, do to the bills of homes of 1 to 5 kW. */
import { quantise, type QuantiseSettings } from "../../codec/quantise.ts";
import { liveLine } from "../../io/output.ts";
import type { Trade } from "../../market/result/clearingResult.ts";
import { defaultSettings } from "../../market/scenario/market.ts";
import type { Scenario } from "../../market/scenario/scenario.ts";
import { scatterFigure } from "../../report/figures.ts";
import { resized } from "../../scenarios/resized.ts";
import { takeHours } from "../../scenarios/loadScenario.ts";
import { clear, gridOf, type ClearedSession, type ClearMethod } from "../../simulation/clear.ts";
import type { Cell, Experiment, Horizon } from "./common.ts";
import { lastDays, streetDays, type StreetDay } from "./street.ts";

/** The last days of the example: to Sunday. */
const CASES = [
  { minutes: 15, days: 2 },
  { minutes: 60, days: 4 },
] as const;
/** The market so many times as large has units so many times as fine; a power of two, so that its bits are the same. */
const FINER = 2 ** 12;
/** Everything is traded, however little. */
const NO_THRESHOLDS: QuantiseSettings = { reserveThresholdW: 0, dustWh: 0, allowanceDustG: 0 };

/** One member's day, ct. */
export type RoundingRow = {
  readonly date: string;
  readonly minutes: number;
  readonly member: string;
  /** What it pays as settled; negative: it is paid. */
  readonly bill: number;
  /** All that it pays and all that it is paid. */
  readonly gross: number;
  /** What its bill is more than that of the same clearing in units so fine that nothing is rounded. */
  readonly shift: number;
  /** The part of it that the thresholds make; whole units make the rest. */
  readonly byThresholds: number;
  /** What its bill is more than that of the central optimum, not rounded either. */
  readonly fromOptimum: number;
};

const HEADER = "date,minutes,member,billCt,grossCt,shiftCt,byThresholdsCt,fromOptimumCt";

type Bills = { readonly net: number[]; readonly gross: number[] };

/** [prosumer] ct of a posted result of a market that is `x` times as large. */
function billsOf(trades: readonly Trade[], members: number, x: number): Bills {
  const net = new Array<number>(members).fill(0);
  const gross = new Array<number>(members).fill(0);
  for (const { seller, buyer, quantity, price } of trades) {
    const ct = (quantity * price) / 1e7 / x;
    if (buyer < members) net[buyer] += ct;
    if (seller < members) net[seller] -= ct;
    for (const party of [seller, buyer]) if (party < members) gross[party] += Math.abs(ct);
  }
  return { net, gross };
}

function cleared(scenario: Scenario, method: ClearMethod, what: string): ClearedSession {
  const line = liveLine();
  const session = clear(scenario, {
    method,
    market: defaultSettings(scenario),
    trade: true,
    rhoScale: 1,
    maxIterations: 20_000,
    observe: (k) => line.show(`${what}: evaluation ${k}`),
  });
  line.end();
  if (session.outcome === undefined) throw new Error(`${what}: ${session.reason ?? session.status}`);
  return session;
}

/** What a clearing posts with these thresholds. */
const postedWith = ({ market, outcome }: ClearedSession, thresholds: QuantiseSettings): readonly Trade[] =>
  quantise(market, outcome!.proposals, gridOf(market).places, thresholds).result.trades;

/** Every member's day as it settles, beside the same clearing and the optimum without any rounding. */
export function roundingRows({ scenario, date, names }: StreetDay): RoundingRow[] {
  const minutes = Math.round(60 * scenario.periodHours);
  const what = `${date} in ${minutes} minutes`;
  const large = resized(scenario, FINER);
  const [settled, fine] = [scenario, large].map((one) => cleared(one, "anderson", what));
  const optimum = cleared(large, "central", what);
  const members = scenario.prosumers.length;
  const bills = billsOf(settled.outcome!.quantised.result.trades, members, 1);
  const whole = billsOf(postedWith(settled, NO_THRESHOLDS), members, 1);
  const exact = billsOf(postedWith(fine, NO_THRESHOLDS), members, FINER);
  const best = billsOf(postedWith(optimum, NO_THRESHOLDS), members, FINER);
  return scenario.prosumers.map(({ id }, k) => ({
    date,
    minutes,
    member: names.get(id) ?? String(id),
    bill: bills.net[k],
    gross: bills.gross[k],
    shift: bills.net[k] - exact.net[k],
    byThresholds: bills.net[k] - whole.net[k],
    fromOptimum: bills.net[k] - best.net[k],
  }));
}

const sorted = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);
const median = (values: readonly number[]): number => sorted(values)[Math.floor(values.length / 2)];
const most = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), 0);
const ct = (value: number): string => `${Number(value.toPrecision(2))} ct`;
const percent = (share: number): string => `${Number((100 * share).toPrecision(2))} %`;

function textOf(rows: readonly RoundingRow[]): string {
  const by = (of: (row: RoundingRow) => number): number[] => rows.map((row) => Math.abs(of(row)));
  const [shift, thresholds, optimum] = [by((r) => r.shift), by((r) => r.byThresholds), by((r) => r.fromOptimum)];
  const ofBill = rows.map(({ shift: one, bill }) => Math.abs(one / bill));
  const ofGross = rows.map(({ shift: one, gross }) => Math.abs(one) / gross);
  const bills = by((r) => r.bill);
  return [
    `**Periods of ${rows[0].minutes} minutes**, ${rows.length} bills of a day, ${ct(sorted(bills)[0])} to ${ct(most(bills))}, median ${ct(median(bills))}.`,
    `Rounding changes a bill by ${ct(median(shift))} in the median and by ${ct(most(shift))} at most;`,
    `that is ${percent(median(ofBill))} of the bill in the median and ${percent(most(ofBill))} at most, and ${percent(most(ofGross))} at most of what the member pays and is paid in all.`,
    `Of it the thresholds make ${ct(median(thresholds))} in the median and ${ct(most(thresholds))} at most.`,
    `From the bill of the central optimum, which is not rounded, a settled bill is away by ${ct(median(optimum))} in the median and by ${ct(most(optimum))} at most: what the clearing's tolerance leaves open, and which of several prices that support one optimum it ends with, are in that too.`,
    `In all ${percent(rows.length === 0 ? 0 : shift.reduce((a, b) => a + b, 0) / bills.reduce((a, b) => a + b, 0))} of the bills' sum moves.`,
  ].join(" ");
}

/** Twelve homes on a street, day by day, in quarter-hours and in hours. */
export async function roundingExperiment({ hours }: Horizon = {}): Promise<Experiment> {
  const rows: RoundingRow[][] = [];
  for (const { minutes, days: count } of CASES) {
    const days = await streetDays(minutes, lastDays(count));
    rows.push(
      days.flatMap((day) =>
        roundingRows(hours === undefined ? day : { ...day, scenario: takeHours(day.scenario, hours) }),
      ),
    );
  }
  return roundingPage(rows);
}

/** [length of a period] rows as table, figure and text. */
export function roundingPage(rows: readonly (readonly RoundingRow[])[]): Experiment {
  const worst = most(rows.flat().map(({ shift }) => Math.abs(shift)));
  const cellsOf = (r: RoundingRow): Cell[] => [
    ...[r.date, r.minutes, r.member],
    ...[r.bill, r.gross, r.shift, r.byThresholds, r.fromOptimum],
  ];
  return {
    title: "What whole units do to a home's bill",
    header: HEADER.split(","),
    rows: rows.flat().map(cellsOf),
    figures: {
      "": scatterFigure(
        { title: "Change of a day's bill by rounding", x: "bill, ct", y: "change, ct" },
        rows.map((some) => ({
          name: `${some[0].minutes} minutes`,
          points: some.map(({ bill, shift }): [number, number] => [Math.abs(bill), Math.abs(shift)]),
        })),
        { xLog: true, yLog: true },
      ),
    },
    text: [
      "Energy is settled in whole Wh, reserve in whole W, allowances in whole g, prices in millionths of a euro per kWh; energy that a member trades with the utility in a period and shares of reserve are not posted below thresholds that follow the market's size (some .2 Wh and 1 W for homes). Here every bill of the example's last days is set beside the bill that the same clearing makes in units 4,096 times as fine without thresholds.",
      `**Nobody's bill of a day is changed by more than ${ct(worst)}.** What rounding takes from one account it gives to another: every column of the ledger still adds up to zero.`,
      ...rows.map(textOf),
    ],
  };
}
