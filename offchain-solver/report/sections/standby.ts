/** Who stands ready: what every member's devices have booked, and what their batteries hold meanwhile. */
import { deviceChart } from "../charts/member.ts";
import { bandOf, range, total } from "../derive.ts";
import { called } from "../labels.ts";
import { card, table } from "../page.ts";
import { framed } from "../plot.ts";
import { inUnit } from "../units.ts";
import type { Session } from "./session.ts";

type Member = Session["clearing"]["prosumers"][number];

const largest = (values: readonly number[]): number => values.reduce((most, value) => Math.max(most, value), 0);

/** Whose devices have booked anything. */
export const readyIn = ({ clearing }: Session): Member[] =>
  clearing.prosumers.filter(({ schedule }) => largest([...schedule.reserveUpMw, ...schedule.reserveDownMw]) > 1e-9);

/** Empty where nobody has booked anything. */
export function standby(session: Session): string {
  const ready = readyIn(session);
  if (ready.length === 0) return "";
  const { scenario, units } = session;
  const { sustainHours } = scenario.risk;
  const owner = new Map(scenario.prosumers.map((one) => [one.id, one]));
  const rows = ready.map((member) => {
    const { id, schedule } = member;
    const { bus, battery } = owner.get(id)!;
    const { reserveUpMw: up, reserveDownMw: down, storedMwh } = schedule;
    const hours = scenario.periodHours * up.filter((mw, t) => mw + down[t] > 1e-9).length;
    const power = [largest(up), largest(down)].map((mw) => inUnit(units.power, mw));
    const held = [Math.min(...storedMwh), largest(storedMwh)].map((mwh) => inUnit(units.energy, mwh));
    const band = bandOf(member);
    const reach = band && [Math.min(...band.low), largest(band.high)].map((mwh) => inUnit(units.energy, mwh));
    const limits =
      battery === undefined ? [] : [battery.minMwh, battery.maxMwh].map((mwh) => inUnit(units.energy, mwh));
    const spans = [held, ...(sustainHours === undefined ? [] : [reach ?? held]), limits];
    const stored = spans.map((span) => (battery === undefined ? "–" : `${span[0]} to ${span[1]}`));
    return [called(scenario, id, bus), String(Number(hours.toPrecision(4))), ...power, ...stored];
  });
  const head = ["Member", "Hours", `Most up, ${units.power.name}`, `Most down, ${units.power.name}`];
  const answered = sustainHours === undefined ? [] : ["With its answers"];
  const energies = ["Stored", ...answered, "Its limits"].map((what) => `${what}, ${units.energy.name}`);
  return card("Who stands ready", storedChart(session, ready) + table([...head, ...energies], rows), {
    note:
      sustainHours === undefined
        ? "Booked by the period: each battery has the energy for one period of all that it has booked, and nothing is said of the next."
        : `Answers can go on for ${sustainHours} h: what a battery is planned to hold stays far enough from its limits for what errors may ask of it in that time, and a generator from its ramp, each with a probability of at least ${1 - session.clearing.settings.epsilon}. Shaded, and in the column "With its answers": how far that may take it. Where the shade meets a dashed line there is no room left for more.`,
  });
}

/** All batteries of those who stand ready, together. */
function storedChart(session: Session, ready: readonly Member[]): string {
  const batteries = ready.flatMap((member) => {
    const { battery } = session.scenario.prosumers.find((one) => one.id === member.id)!;
    return battery === undefined ? [] : [{ battery, storedMwh: member.schedule.storedMwh, band: bandOf(member) }];
  });
  if (batteries.length === 0) return "";
  const sum = (of: (one: (typeof batteries)[number]) => number): number => total(batteries.map(of));
  const periods = range(session.scenario.hours);
  const [low, high] = [sum(({ battery }) => battery.minMwh), sum(({ battery }) => battery.maxMwh)];
  const banded = batteries.every(({ band }) => band !== undefined);
  const edge = (side: "low" | "high"): number[] => periods.map((t) => sum(({ band }) => band![side][t]));
  const picture = {
    title: "Stored energy of those who stand ready",
    colour: "battery",
    unit: "energy",
    label: "stored at the end of the period",
    line: periods.map((t) => sum(({ storedMwh }) => storedMwh[t])),
    low: periods.map(() => low),
    high: periods.map(() => high),
    start: sum(({ battery }) => battery.initialMwh),
    ...(banded && { band: { low: edge("low"), high: edge("high"), says: "each one's answers, added up" } }),
    limits: "what all of them can hold together, and are never emptied below",
  } as const;
  return framed((frame) => deviceChart(session, picture, frame));
}
