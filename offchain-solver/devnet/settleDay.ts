/** A day that does not fit one transaction is planned as one and settled as sessions of whole hours. */
import { CHAIN_LIMITS, type EntryFit, fitsOneTransaction, type Setting } from "../codec/fits.ts";
import { SESSION_PERIOD, type ClearingResult } from "../market/result/clearingResult.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { stretchOf, withStretch, type Cut, type Plans } from "../scenarios/stretch.ts";
import type { DoneSession, Progress } from "./outcome.ts";
import { DoesNotFit, SessionRefused } from "./refused.ts";

/** A session of the day, from its period `from` on. */
export type SettledPart = { readonly from: number; readonly scenario: Scenario; readonly session: DoneSession };

/** Some sessions of a day have settled, and one has not. */
export class DayBroken extends SessionRefused {
  /** Those that have, from the day's first period on. */
  readonly parts: readonly SettledPart[];
  /** The day as far as it settled, as a session that ends where it has left everything. */
  readonly done: Scenario;
  /** The day from there on. */
  readonly rest: Scenario;
  constructor({ parts, done, rest }: Pick<DayBroken, "parts" | "done" | "rest">, why: SessionRefused) {
    // Of a part that was itself in parts the innermost says from when on.
    super(why.status, why instanceof DayBroken ? why.message : `from ${rest.startUtc} on: ${why.message}`);
    this.name = "DayBroken";
    this.parts = parts;
    this.done = done;
    this.rest = rest;
  }
}

/** Of a transaction: cleared on its own a part may post a little more than was planned of it. */
const FILL = 0.9;

/**
 * As few parts as there can be, of as many whole hours each but the last, so that none takes more than nine tenths of
 * what a transaction takes; undefined where an hour alone takes more.
 */
export function partsOf(result: ClearingResult, setting: Setting, perHour: number): Cut[] | undefined {
  const { entry, ...most } = setting.most ?? CHAIN_LIMITS;
  const filled = ({ bytes, gas }: EntryFit): EntryFit => ({ bytes: FILL * bytes, gas: FILL * gas });
  const less = { ...setting, most: { ...filled(most), entry: filled(entry) } };
  const hours = Math.ceil(result.periods / perHour);
  for (let count = 2; count <= hours; count++) {
    const step = Math.ceil(hours / count) * perHour;
    const cuts: Cut[] = [];
    for (let from = 0; from < result.periods; from += step)
      cuts.push({ from, to: Math.min(result.periods, from + step) });
    if (cuts.every((cut) => fitsOneTransaction(sliced(result, cut), less).fits)) return cuts;
  }
  return undefined;
}

/** Trades of the whole session, allowances, are in every part. */
const sliced = (result: ClearingResult, { from, to }: Cut): ClearingResult => ({
  ...result,
  periods: to - from,
  reactiveVar: result.reactiveVar.map((row) => row.slice(from, to)),
  trades: result.trades
    .filter(({ period }) => period === SESSION_PERIOD || (period >= from && period < to))
    .map((trade) => (trade.period === SESSION_PERIOD ? trade : { ...trade, period: trade.period - from })),
});

/**
 * Settles a day by `settle`, in one session or in as many as transactions need. Each part begins where the one before
 * has left batteries, cars and tanks, and leaves them as the plan of the day needs them. Throws SessionRefused where
 * nothing settled, DayBroken where only a part did.
 */
export async function settleDay(
  day: Scenario,
  settle: (session: Scenario) => Promise<DoneSession>,
  progress: Progress,
): Promise<SettledPart[]> {
  try {
    return [{ from: 0, scenario: day, session: await settle(day) }];
  } catch (error) {
    if (!(error instanceof DoesNotFit) || error.plans.length !== day.prosumers.length) throw error;
    const cuts = partsOf(error.result, error.setting, perHour(day));
    if (cuts === undefined) throw error;
    progress(`${error.message}: settled in ${cuts.length} sessions of up to ${hoursOf(day, cuts[0])} h`);
    return settleParts(day, { plans: error.plans, cuts }, settle, progress);
  }
}

/** Periods. */
export const perHour = ({ periodHours }: Scenario): number => Math.max(1, Math.round(1 / periodHours));
const hoursOf = ({ periodHours }: Scenario, { from, to }: Cut): number =>
  Number(((to - from) * periodHours).toFixed(2));

async function settleParts(
  day: Scenario,
  planned: { readonly plans: Plans; readonly cuts: readonly Cut[] },
  settle: (session: Scenario) => Promise<DoneSession>,
  progress: Progress,
): Promise<SettledPart[]> {
  let { plans } = planned;
  const parts: SettledPart[] = [];
  for (const cut of planned.cuts) {
    const scenario = stretchOf(day, plans, cut);
    const keep = (settled: readonly SettledPart[]): void => {
      for (const part of settled) {
        const from = cut.from + part.from;
        plans = withStretch(plans, plansOf(scenario, part), from);
        parts.push({ ...part, from });
      }
    };
    try {
      keep(await settleDay(scenario, settle, progress));
    } catch (error) {
      if (error instanceof DayBroken) keep(error.parts);
      const last = parts.at(-1);
      if (!(error instanceof SessionRefused) || last === undefined) throw error;
      const to = last.from + last.scenario.hours;
      const [done, rest] = [stretchOf(day, plans, { from: 0, to }), stretchOf(day, plans, { from: to, to: day.hours })];
      throw new DayBroken({ parts, done, rest }, error);
    }
  }
  return parts;
}

/** What everybody's devices do in a part; undefined of those who take no part in it. */
function plansOf({ prosumers }: Scenario, { session }: SettledPart): (Plans[number] | undefined)[] {
  const { market, outcome } = session.clearing.cleared;
  return prosumers.map(({ id }) => outcome!.solution.schedules[market.prosumers.findIndex((one) => one.id === id)]);
}
