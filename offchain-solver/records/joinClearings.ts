/** Sessions one after another as one day: what is summed is summed, what has a place in time keeps it. */
import { PLANNED, type PlanName } from "../market/devices/devices.ts";
import { SESSION_PERIOD } from "../market/result/clearingResult.ts";
import type { ClearingJson } from "./clearingJson.ts";

type Prosumer = ClearingJson["prosumers"][number];
type Quantised = ClearingJson["quantised"];

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** Those clearings as one, in their order; every session has the same market and every member in at least one. */
export function joinClearings(parts: readonly ClearingJson[]): ClearingJson {
  const [first] = parts;
  if (parts.length === 1) return first;
  const starts = startsOf(parts);
  const added = (of: (part: ClearingJson) => number): number => sum(parts.map(of));
  /** What lies in an hour of its session. */
  const moved = <T extends { readonly hour: number }>(of: (part: ClearingJson) => readonly T[]): T[] =>
    parts.flatMap((part, k) => of(part).map((one) => ({ ...one, hour: one.hour + starts[k] })));
  const ids = [...new Set(parts.flatMap(({ prosumers }) => prosumers.map(({ id }) => id)))].sort((a, b) => a - b);
  const order = new Map(parts.flatMap(({ prosumers }) => prosumers.map((one) => [one.id, one] as const)));
  return {
    scenario: first.scenario,
    settings: first.settings,
    status: first.status,
    iterations: added((part) => part.iterations),
    evaluations: added((part) => part.evaluations),
    messages: added((part) => part.messages),
    bytes: added((part) => part.bytes),
    wallMs: added((part) => part.wallMs),
    residuals: parts.flatMap(({ residuals }) => residuals),
    objective: added((part) => part.objective),
    ...(first.uniqueness !== undefined && { uniqueness: added((part) => part.uniqueness ?? 0) }),
    prosumers: ids.map((id) => joinProsumer(parts, order.get(id)!)),
    trades: {
      energy: moved((part) => part.trades.energy),
      reserve: moved((part) => part.trades.reserve),
      carbon: parts.flatMap(({ trades }) => trades.carbon),
    },
    utilityReserve: moved((part) => part.utilityReserve),
    network: joinNetwork(
      parts,
      moved((part) => part.network.binding),
    ),
    carbonIntensity: parts.flatMap(({ carbonIntensity }) => carbonIntensity),
    quantised: joinQuantised(
      parts.map(({ quantised }) => quantised),
      ids,
      starts,
    ),
  };
}

/** [part] the period of the day that it begins with. */
function startsOf(parts: readonly ClearingJson[]): number[] {
  let next = 0;
  return parts.map(({ quantised }) => {
    const start = next;
    next += quantised.periods;
    return start;
  });
}

/** In a part that it took no part in it has zeros. Of its carbon price the mean is left. */
function joinProsumer(parts: readonly ClearingJson[], { id, bus, schedule }: Prosumer): Prosumer {
  const own = parts.map(({ prosumers }) => prosumers.find((one) => one.id === id));
  const there = own.filter((one) => one !== undefined);
  const added = (of: (one: Prosumer) => number): number => sum(there.map(of));
  const paid = (product: keyof Prosumer["payment"]): number => added(({ payment }) => payment[product]);
  const ofCarbon = (name: Exclude<keyof Prosumer["carbon"], "priceMu">): number => added((one) => one.carbon[name]);
  return {
    id,
    bus,
    cost: added(({ cost }) => cost),
    payment: { energy: paid("energy"), reserve: paid("reserve"), carbon: paid("carbon"), network: paid("network") },
    regret: added(({ regret }) => regret),
    schedule: Object.fromEntries(
      (Object.keys(schedule) as (keyof Prosumer["schedule"])[]).map((name) => [
        name,
        joinSeries(
          own.map((one, k) => one?.schedule[name] ?? Array.from({ length: parts[k].quantised.periods }, () => 0)),
          FROM_START.has(name),
        ),
      ]),
    ) as Prosumer["schedule"],
    carbon: {
      emissionsT: ofCarbon("emissionsT"),
      allowanceT: ofCarbon("allowanceT"),
      boughtT: ofCarbon("boughtT"),
      soldT: ofCarbon("soldT"),
      tradedT: ofCarbon("tradedT"),
      priceMu: added((one) => one.carbon.priceMu) / there.length,
    },
  };
}

const FROM_START: ReadonlySet<string> = new Set<PlanName>(
  PLANNED.flatMap(([name, { fromStart }]) => (fromStart === true ? [name] : [])),
);

/** What is counted from a session's start goes on counting. */
function joinSeries(series: readonly (readonly number[])[], fromStart: boolean): number[] {
  const day: number[] = [];
  for (const part of series) {
    const before = fromStart ? (day.at(-1) ?? 0) : 0;
    day.push(...part.map((value) => before + value));
  }
  return day;
}

function joinNetwork(
  parts: readonly ClearingJson[],
  binding: ClearingJson["network"]["binding"],
): ClearingJson["network"] {
  const all = parts.map(({ network }) => network);
  return {
    voltage: all.flatMap(({ voltage }) => voltage),
    flowMw: all.flatMap(({ flowMw }) => flowMw),
    flowMvar: all.flatMap(({ flowMvar }) => flowMvar),
    nodalPrice: all.flatMap(({ nodalPrice }) => nodalPrice),
    binding,
    ac: {
      converged: all.flatMap(({ ac }) => ac.converged),
      minVoltage: all.flatMap(({ ac }) => ac.minVoltage),
      maxVoltage: all.flatMap(({ ac }) => ac.maxVoltage),
      maxLoading: all.flatMap(({ ac }) => ac.maxLoading),
      lossesMwh: all.flatMap(({ ac }) => ac.lossesMwh),
    },
  };
}

/** Participants by their place in the day's list; trades of a whole session stay one a session. */
function joinQuantised(parts: readonly Quantised[], ids: readonly number[], starts: readonly number[]): Quantised {
  const [{ sessionStart, periodSeconds }] = parts;
  const placeIn = (part: Quantised, index: number): number =>
    index < part.participants.length ? ids.indexOf(part.participants[index]) : index;
  return {
    sessionStart,
    periodSeconds,
    periods: sum(parts.map(({ periods }) => periods)),
    participants: [...ids],
    trades: parts.flatMap((part, k) =>
      part.trades.map((trade) => ({
        ...trade,
        seller: placeIn(part, trade.seller),
        buyer: placeIn(part, trade.buyer),
        period: trade.period === SESSION_PERIOD ? SESSION_PERIOD : trade.period + starts[k],
      })),
    ),
    reactiveVar: ids.map((id) =>
      parts.flatMap(
        ({ participants, reactiveVar, periods }) =>
          reactiveVar[participants.indexOf(id)] ?? Array.from({ length: periods }, () => 0),
      ),
    ),
  };
}
