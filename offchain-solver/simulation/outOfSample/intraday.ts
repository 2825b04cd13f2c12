/** A held-out day as consecutive sessions: what is left of it is cleared again every few periods. */
import type { Periods } from "../../market/formulation/jointDeviation.ts";
import { deviceCost, emissionsT } from "../../market/result/cost.ts";
import type { Schedule } from "../../market/result/solution.ts";
import { createMarket, defaultSettings, type Market } from "../../market/scenario/market.ts";
import type { Scenario } from "../../market/scenario/scenario.ts";
import { restOfDay, type Reached } from "../../scenarios/restOfDay.ts";
import { withStretch } from "../../scenarios/stretch.ts";
import { deviationsOf } from "./deviations.ts";
import { centrally, type Plan, type Planner } from "./plan.ts";
import { answeringOf, beyondOf, errorsOf, ofPower, ofRamp, responseOf, type Answering, type Seen } from "./replay.ts";

/** A session that was cleared, and the period of the day that it begins with. */
type Cleared = {
  readonly from: number;
  readonly market: Market;
  readonly parties: readonly Answering[];
  readonly result: Plan;
  readonly errors: readonly Float64Array[];
};

export type IntradayDay = {
  /**
   * $ of what was posted and of what answers did: devices, utility, reserve, and allowances from and to the desk for
   * all together.
   */
  readonly cost: number;
  /** Periods at which the rest of the day had no solution, and the plan of before went on. */
  readonly refused: readonly number[];
  /** MWh that batteries end below what the day asks of them, added up. */
  readonly missingMwh: number;
};

/** The first session of a day is the same whatever is to come. */
export const firstSession = (day: Scenario, planner: Planner = centrally): Plan => {
  const planned = planner(day);
  if (planned === undefined) throw new Error(`${day.name}: the day has no solution`);
  return planned.result;
};

export type Course = {
  /** Which of the held-out days, and after how many periods the rest of it is cleared again. */
  readonly day: number;
  readonly every: number;
  readonly first: Plan;
  /** Clears what is left. */
  readonly planner?: Planner;
};

/**
 * One held-out day with a session every `every` periods, of which that many are settled. `seen` is called for every
 * limit that is met with an answer in the way, as by `replay`: nothing is taken to be brought back to plan, the next
 * session begins with what there is.
 */
export function playIntraday(
  whole: Scenario,
  { day, every, first, planner = centrally }: Course,
  seen: Seen,
): IntradayDay {
  const market = createMarket(whole, defaultSettings(whole));
  const begin = { from: 0, market, parties: answeringOf(market, first), result: first };
  let session: Cleared = { ...begin, errors: errorsOf(market, "testErrors", day) };
  let plans: readonly Schedule[] | ReturnType<typeof withStretch> = first.solution.schedules;
  const state = whole.prosumers.map(({ battery, generator }): Devices => ({
    storedMwh: battery?.initialMwh,
    outputMw: generator?.initialMw,
  }));
  const refused: number[] = [];
  let [cost, emitted] = [0, 0];
  for (let from = 0; from < whole.hours; from += every) {
    const to = Math.min(whole.hours, from + every);
    if (from > 0) {
      const rest = restOfDay(whole, { day, from, plans, reached: state });
      const planned = planner(rest, session.result.workingSet.slice(from - session.from));
      if (planned === undefined) refused.push(from);
      else {
        const { market: again, result } = planned;
        const parties = answeringOf(again, result);
        session = { from, market: again, parties, result, errors: errorsOf(again, "testErrors", 0) };
        plans = withStretch(plans, result.solution.schedules, from);
      }
    }
    for (const spent of [
      costOf(session, from - session.from, to - session.from),
      ...playPeriods(session, { from, to }, state, seen),
    ]) {
      cost += spent.money;
      emitted += spent.emissions;
    }
  }
  const free = market.allowanceT.reduce((sum, t) => sum + t, 0);
  const { deskBuyPerT, deskSellPerT } = whole.carbon;
  const missingMwh = state.reduce((sum, { storedMwh = 0 }, i) => {
    const { initialMwh = 0, finalMwh = initialMwh } = whole.prosumers[i].battery ?? {};
    return sum + Math.max(0, finalMwh - storedMwh);
  }, 0);
  return { cost: cost + (emitted > free ? deskBuyPerT : deskSellPerT) * (emitted - free), refused, missingMwh };
}

/** Where devices are; changed as periods go by. */
type Devices = { -readonly [K in keyof Reached]: Reached[K] } & {
  /** Whether its battery ever answered, and its generator in the period before. */
  moved?: boolean;
  answered?: boolean;
};

/** $ and tCO2. */
type Spent = { readonly money: number; readonly emissions: number };
const NOTHING: Spent = { money: 0, emissions: 0 };

/**
 * Periods of the day `from` on, before `to`, by a session's plan and answers; what answering came to beyond the plan.
 */
function playPeriods(
  session: Cleared,
  { from, to }: { from: number; to: number },
  state: readonly Devices[],
  seen: Seen,
): Spent[] {
  return session.parties.flatMap((party, i) =>
    Array.from({ length: to - from }, (_, k) => from + k).flatMap((t) => {
      const at = { i, t, device: state[i], seen };
      return [playBattery(session, party, at), playGenerator(session, party, at), playUtility(session, party, at)];
    }),
  );
}

type At = { readonly i: number; readonly t: number; readonly device: Devices; readonly seen: Seen };

const within = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

/** What is not there cannot be given, and what has no room is lost: stored energy goes on from its limit. */
function playBattery({ market, errors, from }: Cleared, party: Answering, { i, t, device, seen }: At): Spent {
  const { schedule, answers } = party;
  const { battery } = market.prosumers[i];
  if (battery === undefined) return NOTHING;
  const { efficiency, minMwh, maxMwh, powerMw, wearPerMwh } = battery;
  const own = t - from;
  const response = responseOf(market, answers, "batteryUp", errors)[own];
  const planned = schedule.dischargeMw[own] - schedule.chargeMw[own];
  const mw = planned + response;
  const unusual = (periods: Periods) => () => deviationsOf(market, party, "batteryUp", errors, periods);
  if (response !== 0) seen("battery power", i, t, beyondOf(mw, -powerMw, powerMw), unusual(ofPower(own)));
  const given = within(mw, -powerMw, powerMw);
  const stored = (device.storedMwh ?? 0) - (given > 0 ? given / efficiency : given * efficiency) * market.dt;
  device.moved ||= response !== 0;
  if (device.moved)
    seen(
      "stored energy",
      i,
      t,
      beyondOf(stored, minMwh, maxMwh),
      unusual({ from: 0, to: own, perMw: () => market.dt / efficiency }),
    );
  device.storedMwh = within(stored, minMwh, maxMwh);
  return { money: wearPerMwh * (Math.abs(given) - Math.abs(planned)) * market.dt, emissions: 0 };
}

function playGenerator({ market, errors, from }: Cleared, party: Answering, { i, t, device, seen }: At): Spent {
  const { schedule, answers } = party;
  const { generator } = market.prosumers[i];
  if (generator === undefined) return NOTHING;
  const { minMw, maxMw, costA, costB, emissionTPerMwh } = generator;
  const most = generator.rampMwPerHour * market.dt;
  const own = t - from;
  const response = responseOf(market, answers, "generatorUp", errors)[own];
  const planned = schedule.generatorMw[own];
  const output = planned + response;
  const unusual = (periods: Periods) => () => deviationsOf(market, party, "generatorUp", errors, periods);
  if (response !== 0) seen("generator power", i, t, beyondOf(output, minMw, maxMw), unusual(ofPower(own)));
  const before = device.outputMw;
  if (before !== undefined && (response !== 0 || device.answered))
    seen("ramp", i, t, beyondOf(output - before, -most, most), unusual(ofRamp(own)));
  const given = within(output, minMw, maxMw);
  device.outputMw = given;
  device.answered = response !== 0;
  const more = given - planned;
  return {
    money: (costA * (given + planned) + costB) * more * market.dt,
    emissions: emissionTPerMwh * more * market.dt,
  };
}

/** Its share of an error, or all of one too small to be answered, is the utility's to make up for, at the tariff. */
function playUtility({ market, errors, from }: Cleared, { schedule }: Answering, { i, t }: At): Spent {
  const own = t - from;
  const error = errors[own][i];
  if (error === 0) return NOTHING;
  const { tariff, carbon } = market.scenario;
  const need = market.halfWidth[own] * market.sigma[own][i];
  const mwh = -(need > 0 ? schedule.utilityShareMw[own] / need : 1) * error * market.dt;
  return {
    money: mwh * (mwh > 0 ? tariff.buyPerMwh : tariff.sellPerMwh)[own],
    emissions: Math.max(0, mwh) * carbon.gridTPerMwh[own],
  };
}

/** Of a session's periods a on, before b. */
function costOf({ market, result }: Cleared, a: number, b: number): Spent {
  const { tariff } = market.scenario;
  const reserve = tariff.reserveUpPerMw + tariff.reserveDownPerMw;
  let [money, emissions] = [0, 0];
  const upTo = (hours: number): Market => ({ ...market, hours });
  result.solution.schedules.forEach((s, i) => {
    money += deviceCost(upTo(b), i, s) - deviceCost(upTo(a), i, s);
    emissions += emissionsT(upTo(b), i, s) - emissionsT(upTo(a), i, s);
    for (let t = a; t < b; t++)
      money +=
        market.dt *
        (tariff.buyPerMwh[t] * s.importMw[t] - tariff.sellPerMwh[t] * s.exportMw[t] + reserve * s.utilityShareMw[t]);
  });
  return { money, emissions };
}
