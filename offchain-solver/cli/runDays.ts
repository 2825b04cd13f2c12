import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../io/inputError.ts";
import { note, say } from "../io/output.ts";
import { writeFolder } from "../io/sessionFolder.ts";
import { writeJson, writeText } from "../io/target.ts";
import type { ClearingJson } from "../records/clearingJson.ts";
import type { BillJson } from "../records/billJson.ts";
import { MonthJsonSchema, type MonthJson } from "../records/monthJson.ts";
import { plainTariff } from "../report/memberPage.ts";
import { sharedKwh } from "../report/sharedEnergy.ts";
import { renderMonth } from "../report/monthPage.ts";
import { addDays, isDate } from "../scenarios/community/zoneClock.ts";
import { clear } from "../simulation/clear.ts";
import { toClearingJson } from "../records/clearingRecord.ts";
import { defaultSettings } from "../market/scenario/market.ts";
import { ownedBy, type DeviceName } from "../market/devices/devices.ts";
import { planIn } from "../report/derive.ts";
import type { Stored } from "../scenarios/community/resolveCommunity.ts";
import { writeBills } from "./bills.ts";
import type { SettledDay } from "./settledDays.ts";
import type { ReadScenario } from "./clearOptions.ts";
import { Exit } from "./exit.ts";

/** Most days of one run: a year. */
const MOST_DAYS = 366;

/** What is wrong with each day that settled, by its start, and the bills of all. */
export type EndedDays = {
  readonly wrong: ReadonlyMap<string, string | undefined>;
  readonly bills: readonly BillJson[];
};

type Days = {
  readonly folder: string;
  readonly from: string;
  readonly to: string;
  readonly out: string;
  /** Throws InputError where one of the days cannot be read: before anything is done for the first. */
  readonly check: (dates: readonly string[]) => Promise<void>;
  /** Reads a day, batteries where the day before left them. */
  readonly read: (date: string, stored: Stored) => Promise<ReadScenario>;
  /** Settles a day, or the first sessions of one that takes several. Throws Exit where it ends without a result. */
  readonly settle: (read: ReadScenario) => Promise<SettledDay>;
  /** Delivers what is still to come, once all days have settled or not; each has a folder by then. */
  readonly finish: () => Promise<EndedDays>;
};

type Left = Map<string, Readonly<Partial<Record<DeviceName, number>>>>;
type Sums = Map<string, MonthJson["members"][number]>;

/**
 * Days one after another in one market: batteries go on as the day before left them, forecasts as the meters' files
 * allow. A day that is not solved is told, billed at the tariff, and the next goes on. Writes bills, and of a community
 * its month, to a folder of their own. Throws Exit with 3 or 4 at the end where a day was not settled, or not found
 * valid.
 */
export async function runDays({ folder, from, to, out, check, read, settle, finish }: Days): Promise<void> {
  const dates = datesOf(from, to);
  await check(dates);
  const stored: Left = new Map();
  const sums: Sums = new Map();
  const days: (MonthJson["days"][number] & { readonly startUtc: string })[] = [];
  let last: ReadScenario | undefined;
  for (const date of dates) {
    note(`== ${date}`);
    const day = await read(date, stored);
    last = day;
    const { startUtc } = day.scenario;
    try {
      const { read: done, clearing, refused } = await settle(day);
      if (done.community !== undefined) add(sums, done, clearing);
      if (done.community !== undefined) keep(stored, done, clearing);
      const shared = sharedOf(done, clearing);
      if (refused === undefined) days.push({ date, startUtc, verdict: "valid", settled: true, ...shared });
      else {
        note(refused.message);
        const settledHours = Number((done.scenario.hours * done.scenario.periodHours).toFixed(2));
        days.push({ date, startUtc, verdict: refused.message, settled: false, settledHours, ...shared });
      }
    } catch (error) {
      if (!(error instanceof Exit)) throw error;
      note(error.message);
      days.push({ date, startUtc, verdict: error.message, settled: false, sharedKwh: 0, loadKwh: 0, emissionsKg: 0 });
    }
  }
  const { wrong, bills } = await finish();
  const told = days.map(({ startUtc, ...day }) => ({ ...day, verdict: verdictOf(day, wrong.get(startUtc)) }));
  const written = writeMonth({ out, from, to, days: told, members: [...sums.values()] }, last!, bills);
  const name = last!.community?.name ?? folder;
  say(
    `${told.filter(({ settled }) => settled).length} of ${told.length} days settled, ${bills.length} bills: ${written}`,
  );
  if (told.some(({ settled }) => !settled)) throw new Exit(3, `${name}: not every day was settled`);
  if (told.some(({ verdict }) => verdict !== "valid")) throw new Exit(4, `${name}: not every day was found valid`);
}

/** Where a part of a day is wrong, and the rest did not settle, both are told. */
const verdictOf = ({ settled, verdict }: MonthJson["days"][number], wrong: string | undefined): string =>
  wrong === undefined ? verdict : settled ? wrong : `${wrong}; ${verdict}`;

type Month = Pick<MonthJson, "from" | "to" | "days" | "members"> & { readonly out: string };

/** Returns where it is. */
function writeMonth(
  { out, ...month }: Month,
  { scenario, community }: ReadScenario,
  bills: readonly BillJson[],
): string {
  const name = community?.name ?? scenario.name;
  return writeFolder(out, `${name}-${month.from}-to-${month.to}`, (draft) => {
    if (community === undefined) return writeBills(draft, bills);
    const { currency, timeZone } = community;
    const own = join(draft, "private");
    const record = MonthJsonSchema.parse({ name, currency, timeZone, ...month });
    mkdirSync(own, { mode: 0o700 });
    writeJson(join(own, "month.json"), record);
    writeText(join(own, "month.html"), renderMonth(record));
    writeBills(own, bills);
  });
}

/** Both counted. */
export const daysFrom = (from: string, to: string): number =>
  Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000) + 1;

function datesOf(from: string, to: string): string[] {
  for (const [option, date] of [
    ["--from", from],
    ["--to", to],
  ] as const)
    if (!isDate(date)) throw new InputError(`${option} ${date}: is no date such as 2026-07-15`);
  const count = daysFrom(from, to);
  if (count < 1 || count > MOST_DAYS)
    throw new InputError(`--to ${to}: must be 0 to ${MOST_DAYS - 1} days after --from ${from}`);
  return Array.from({ length: count }, (_, k) => addDays(from, k));
}

/** What every member paid, beside what it would have paid. */
function add(sums: Sums, { scenario, community }: ReadScenario, clearing: ClearingJson): void {
  const market = defaultSettings(scenario);
  const options = { method: "central", trade: false, rhoScale: 1, maxIterations: 1, market } as const;
  const alone = clear(scenario, options);
  const noTrade = alone.status === "solved" ? toClearingJson(alone, options) : undefined;
  const nano = paidNano(clearing);
  clearing.prosumers.forEach(({ id: prosumer, cost, schedule }, k) => {
    const { id, name } = community!.members.find((member) => member.prosumer === prosumer)!;
    const before = sums.get(id) ?? { id, name, paidNano: "0", paid: 0, deviceCost: 0, noTrade: 0, plainTariff: 0 };
    const other = noTrade?.prosumers.find((one) => one.id === prosumer);
    const otherBill = other && other.cost + Object.values(other.payment).reduce((a, b) => a + b, 0);
    const paid = BigInt(before.paidNano) + nano[k];
    sums.set(id, {
      ...before,
      paidNano: paid.toString(),
      paid: Number(paid) / 1e9,
      deviceCost: before.deviceCost + cost,
      // A day that devices alone cannot meet would make the sum look cheap.
      noTrade: otherBill === undefined || before.noTrade === null ? null : before.noTrade + otherBill,
      plainTariff: before.plainTariff + plainTariff(scenario, prosumer, schedule),
    });
  });
}

/** [prosumer] what it pays by the integers that were settled, 1e-9 of the currency. */
function paidNano({ quantised, prosumers }: ClearingJson): bigint[] {
  const paid = prosumers.map(() => 0n);
  for (const { seller, buyer, quantity, price } of quantised.trades) {
    const value = BigInt(quantity) * BigInt(price);
    if (buyer < paid.length) paid[buyer] += value;
    if (seller < paid.length) paid[seller] -= value;
  }
  return paid;
}

/** Where the day has left batteries, cars and tanks. */
function keep(stored: Left, { scenario, community }: ReadScenario, clearing: ClearingJson): void {
  scenario.prosumers.forEach((prosumer) => {
    const { id } = community!.members.find((member) => member.prosumer === prosumer.id)!;
    const own = clearing.prosumers.find((one) => one.id === prosumer.id);
    // Who was left out has planned nothing.
    if (own === undefined) return;
    const plan = planIn(own.schedule);
    const left = ownedBy(prosumer).flatMap(({ name, device, part }) =>
      device.after === undefined ? [] : [[name, device.after(part, plan)] as const],
    );
    stored.set(id, Object.fromEntries(left));
  });
}

function sharedOf({ scenario }: ReadScenario, clearing: ClearingJson) {
  const load = scenario.prosumers.flatMap(({ load: { fixedMw } }) => fixedMw).reduce((a, b) => a + b, 0);
  return {
    sharedKwh: sharedKwh(clearing),
    loadKwh: load * scenario.periodHours * 1e3,
    emissionsKg: clearing.prosumers.reduce((sum, { carbon }) => sum + carbon.emissionsT, 0) * 1e3,
  };
}
