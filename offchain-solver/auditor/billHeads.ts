/** What a bill says above and below its lines, by itself and beside the others: number, month, rate, names, sums. */
import type { BillJson } from "../records/billJson.ts";
import type { AuditedSession } from "./audit.ts";
import { invalid, undecided, worst, type Verdict } from "./verdict.ts";

/** What community.json tells: who bills, by which clock, in what, and by account what its members have been called. */
export type Billers = {
  readonly currency: string;
  readonly timeZone: string;
  readonly names: ReadonlyMap<number, ReadonlySet<string>>;
};

/** YYYY-MM-DD; undefined: no clock is called so. */
export function dayAt(seconds: number, timeZone: string): string | undefined {
  try {
    const parts = new Intl.DateTimeFormat("en-GB", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" });
    const by = new Map(parts.formatToParts(new Date(1000 * seconds)).map(({ type, value }) => [type, value]));
    return `${by.get("year")}-${by.get("month")}-${by.get("day")}`;
  } catch {
    return undefined;
  }
}

/** The first thing that a bill says of itself that cannot be. */
export function ownFault(bill: BillJson): Verdict | undefined {
  const { number, lines, totalNano, vat, month, timeZone, corrects, reason } = bill;
  const total = lines.reduce((sum, { nano }) => sum + BigInt(nano), 0n);
  if (total !== BigInt(totalNano)) return invalid("billNotItsLines", `${number}: its lines add up to ${total}`);
  const tax = taxOn(total, vat.percent);
  if (tax === undefined) return invalid("taxNotItsRate", `${number}: ${vat.percent} % has more than four digits`);
  if (tax !== BigInt(vat.nano)) return invalid("taxNotItsRate", `${number}: its tax is ${tax}, not ${vat.nano}`);
  for (const { start, day, item } of lines) {
    const is = dayAt(start, timeZone);
    if (is === undefined) return invalid("billNotItsClock", `${number}: there is no clock ${timeZone}`);
    if (is !== day) return invalid("billNotItsClock", `${number}: ${item} is of ${is}, not of ${day}`);
    if (day.slice(0, 7) !== month) return invalid("billNotItsClock", `${number}: ${item} of ${day} is not of ${month}`);
  }
  if (corrects === undefined && reason !== undefined) return invalid("reasonUnexpected", `${number} corrects no bill`);
  return undefined;
}

/** Half a unit goes away from zero; undefined where the rate has more digits than rates may have. */
function taxOn(nano: bigint, percent: number): bigint | undefined {
  const digits = /^(\d+)(?:\.(\d{1,4}))?$/.exec(`${percent}`);
  if (digits === null) return undefined;
  const rate = BigInt(digits[1] + (digits[2] ?? "").padEnd(4, "0"));
  const exact = (nano < 0n ? -nano : nano) * rate;
  const rounded = exact / 1_000_000n + (exact % 1_000_000n >= 500_000n ? 1n : 0n);
  return nano < 0n ? -rounded : rounded;
}

/** What they must have in common: number of each, clock and currency of all, one rate a month, one name a member. */
export function commonFault(bills: readonly BillJson[], billers: Billers | undefined): Verdict | undefined {
  const numbers = new Set<string>();
  const rates = new Map<string, BillJson>();
  const named = new Map<number, BillJson>();
  const [any] = bills;
  for (const bill of bills) {
    const { number, prosumer, month, name } = bill;
    if (numbers.has(number)) return invalid("billTwice", `number ${number}`);
    numbers.add(number);
    for (const field of ["currency", "timeZone"] as const)
      if (bill[field] !== (billers ?? any)[field])
        return invalid("billNotTheCommunity", `${number}: ${field} is ${(billers ?? any)[field]}, not ${bill[field]}`);
    const other = rates.get(month) ?? bill;
    rates.set(month, other);
    if (other.vat.percent !== bill.vat.percent)
      return invalid("taxNotOneRate", `${month}: ${other.number} states ${other.vat.percent} %, ${number} another`);
    const [sibling, known] = [named.get(prosumer) ?? bill, billers?.names.get(prosumer)];
    named.set(prosumer, sibling);
    const fits = billers === undefined ? sibling.name === name : (known?.has(name ?? "") ?? name === undefined);
    if (!fits) return invalid("billNotTheCommunity", `${number}: prosumer ${prosumer} is not called ${name}`);
  }
  return undefined;
}

/** A correction names a bill of the same account and month, which is none itself; it may have been left elsewhere. */
export function correctsVerdict(bills: readonly BillJson[]): Verdict {
  const missing: Verdict[] = [];
  for (const { number, corrects, prosumer, month, lines } of bills) {
    if (corrects === undefined) {
      const empty = lines.length === 0 && !bills.some((one) => one.corrects === number);
      if (empty) return invalid("billOfNothing", `${number} has no line, and no other names it`);
      continue;
    }
    const first = bills.find((one) => one.number === corrects);
    if (first === undefined) missing.push(undecided(`bill ${corrects}, which ${number} corrects`));
    else if (first.corrects !== undefined || first.prosumer !== prosumer || first.month !== month)
      return invalid("billOfNoBill", `${number} corrects ${corrects}, which is no bill of ${prosumer} of ${month}`);
    const [line] = lines;
    const batch = line?.batch;
    if (batch === undefined || lines.some((one) => one.batch !== batch || one.entry !== line.entry))
      return invalid("correctionOfNoEntry", `${number}: its lines are not of one entry of readings`);
    const settled = bills.find((one) => one.corrects === undefined && one.prosumer === prosumer && has(one, batch));
    if (settled !== undefined && settled !== first)
      return invalid("billOfNoBill", `${number} corrects ${corrects}, its batch is billed in ${settled.number}`);
  }
  return worst(missing);
}

const has = ({ lines }: BillJson, batch: string): boolean => lines.some((line) => line.batch === batch);

/**
 * Numbers count what the chain has: of an account's month by the first of its sessions among the month's, of a
 * correction by its session among the day's and its entry. Bills before corrections.
 */
export function numberFault(bills: readonly BillJson[], sessions: readonly AuditedSession[]): Verdict | undefined {
  for (const { number, corrects, month, prosumer, timeZone, lines } of bills) {
    const later = bills.filter((one) => one.corrects === number);
    const own = corrects === undefined ? [...lines, ...later.flatMap((one) => one.lines)] : lines;
    const batches = new Set(own.flatMap(({ batch }) => batch ?? []));
    const first = sessions.find(({ batch }) => batches.has(batch));
    const before = first === undefined ? [] : sessions.filter(({ sequence }) => sequence <= first.sequence);
    const unseen = before.find(({ terms }) => terms === undefined);
    if (unseen !== undefined) return undecided(`the terms of batch ${unseen.batch}, by which ${number} is counted`);
    const days = before.map(({ terms }) => dayAt(Number(terms!.start), timeZone) ?? "");
    const ofMonth = days.filter((day) => day.startsWith(month)).length;
    const ofDay = days.filter((day) => day === days.at(-1)).length;
    const wanted =
      corrects === undefined
        ? `${month}-${prosumer}${ofMonth > 1 ? `-${ofMonth}` : ""}`
        : `${corrects}-corrected-${days.at(-1)}${ofDay > 1 ? `-session-${ofDay}` : ""}-${lines[0].entry}`;
    if (number !== wanted) return invalid("numberNotTheChain", `${number} is number ${wanted}`);
  }
  return undefined;
}
