/** Bills of a member and a month, from what settled and what was delivered: integers, to the last unit. */
import type { BillItem, BillJson } from "../records/billJson.ts";
import type { DeliveryJson } from "../records/deliveryJson.ts";
import { OPERATOR, type ClearingResult, type Trade, UTILITY } from "../market/result/clearingResult.ts";

export type BillLine = BillJson["lines"][number];

/** A settled session, as its bills need it; `entries`: its documents of readings, the first one first. */
export type BilledSession = {
  readonly result: ClearingResult;
  readonly batch: string;
  /** Number of the batch in its market. */
  readonly sequence: bigint;
  readonly transaction: string;
  readonly entries: readonly DeliveryJson[];
};

/** A day on which nothing settled, or of a member that no market has: metered energy at the utility's tariff. */
export type FallbackDay = {
  readonly start: number;
  readonly periodSeconds: number;
  /** 1e-6 per kWh, by period. */
  readonly buyPrice: readonly number[];
  readonly sellPrice: readonly number[];
  /** By member: fed in net, Wh by period. */
  readonly meteredWh: ReadonlyMap<number, readonly number[]>;
};

/** "2021-07-15" by the clock of a time zone. */
export const dayIn = (seconds: number, timeZone: string): string =>
  new Intl.DateTimeFormat("en-CA", { timeZone, dateStyle: "short" }).format(new Date(1000 * seconds));

type Where = Omit<BillLine, "item" | "quantity" | "nano">;
type Sum = { quantity: number; nano: bigint };

const lineOf = (where: Where, item: BillItem, { quantity, nano }: Sum): BillLine[] =>
  quantity === 0 && nano === 0n ? [] : [{ ...where, item, quantity: quantity + 0, nano: `${nano}` }];

function itemOf({ product, seller, buyer }: Trade, isBuyer: boolean): BillItem {
  if (seller === OPERATOR) return "network";
  if (product === "reserve") return isBuyer ? "reserveBought" : "reserveSold";
  if (product === "carbon") return isBuyer ? "allowancesBought" : "allowancesSold";
  if (seller === UTILITY) return "fromUtility";
  if (buyer === UTILITY) return "toUtility";
  return isBuyer ? "bought" : "sold";
}

/** Lines of one member: the settlement's, then each entry's. */
export function sessionLines(session: BilledSession, prosumer: number, timeZone: string): BillLine[] {
  const { result, batch, transaction, entries } = session;
  const start = result.sessionStart;
  const where = { start, day: dayIn(start, timeZone), batch };
  return [
    ...settledLines(result, prosumer, { ...where, transaction, entry: 0 }),
    ...entries.flatMap((entry) => entryLines(entry, prosumer, where)),
  ];
}

function settledLines({ participants, trades }: ClearingResult, prosumer: number, where: Where): BillLine[] {
  const party = participants.indexOf(prosumer);
  if (party < 0) return [];
  const sums = new Map<BillItem, Sum>();
  for (const trade of trades) {
    if (trade.seller !== party && trade.buyer !== party) continue;
    const isBuyer = trade.buyer === party;
    const item = itemOf(trade, isBuyer);
    const sum = sums.get(item) ?? { quantity: 0, nano: 0n };
    const value = BigInt(trade.quantity) * BigInt(trade.price);
    sum.nano += isBuyer ? value : -value;
    // Charges of the network are of many things: they have no one quantity.
    if (item !== "network") sum.quantity += trade.quantity;
    sums.set(item, sum);
  }
  return [...sums].flatMap(([item, sum]) => lineOf(where, item, sum));
}

const sumOf = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0);

/** What was paid of an entry, part by part; of one that nobody entered on chain nothing was. */
function entryLines(delivery: DeliveryJson, prosumer: number, where: Omit<Where, "entry">): BillLine[] {
  const member = delivery.members.find(({ id }) => id === prosumer);
  const { entered } = delivery;
  if (member === undefined || entered === undefined) return [];
  const at: Where = { ...where, transaction: entered.txHash, entry: entered.entry };
  const { parts, boughtG, takenUpNano, arrearsNano, cutNano } = member;
  // Of a later entry amounts are differences: its quantities would be of two readings.
  const first = delivery.follows === undefined;
  const beside = member.meteredWh.map((wh, t) => {
    const due = member.promisedWh[t] + member.calledWh[t];
    if (member.quality[t] !== "missing") return wh - due;
    // Nobody is charged before the value can come; afterwards what was sold is not delivered, what was bought is taken.
    return delivery.kind === "provisional" ? 0 : Math.min(0, -due);
  });
  const wh = (values: readonly number[]): number => (first ? sumOf(values) : 0);
  const paid = (received: number): bigint => -BigInt(received);
  return [
    ...lineOf(at, "short", { quantity: wh(beside.map((one) => Math.max(0, -one))), nano: paid(parts.shortNano) }),
    ...lineOf(at, "long", { quantity: wh(beside.map((one) => Math.max(0, one))), nano: paid(parts.longNano) }),
    ...lineOf(at, "called", { quantity: wh(member.calledWh), nano: paid(parts.responsesNano) }),
    ...lineOf(at, "undelivered", { quantity: wh(member.undeliveredW), nano: paid(parts.penaltyNano) }),
    ...lineOf(at, "allowancesLacking", { quantity: boughtG, nano: paid(parts.allowancesNano) }),
    ...lineOf(at, "bound", { quantity: 0, nano: paid(parts.boundNano) }),
    ...lineOf(at, "takenUp", { quantity: 0, nano: paid(takenUpNano) }),
    ...lineOf(at, "unpaid", { quantity: 0, nano: paid(arrearsNano) }),
    ...lineOf(at, "cut", { quantity: 0, nano: BigInt(cutNano) }),
  ];
}

/** Lines of a day without a market: what was drawn and fed in, period by period at the tariff. */
export function fallbackLines(day: FallbackDay, prosumer: number, timeZone: string): BillLine[] {
  const metered = day.meteredWh.get(prosumer);
  if (metered === undefined) return [];
  const where: Where = { start: day.start, day: dayIn(day.start, timeZone), entry: 0 };
  const [drawn, fed]: [Sum, Sum] = [
    { quantity: 0, nano: 0n },
    { quantity: 0, nano: 0n },
  ];
  metered.forEach((wh, t) => {
    const side = wh < 0 ? drawn : fed;
    side.quantity += Math.abs(wh);
    side.nano -= BigInt(wh) * BigInt(wh < 0 ? day.buyPrice[t] : day.sellPrice[t]);
  });
  return [...lineOf(where, "drawn", drawn), ...lineOf(where, "fedIn", fed)];
}

type Of = Pick<BillJson, "prosumer" | "currency" | "timeZone"> & {
  readonly name?: string;
  readonly vatPercent: number | ((month: string) => number);
};

/** Which of its market's sessions it is in its month, and on its day, counted from one in the order of the chain. */
type Place = { readonly ofMonth: number; readonly ofDay: number };
export type Places = ReadonlyMap<string, Place>;

/** By batch. `settled`: all that the market has settled, by which any two documents have numbers of their own. */
export function placesOf(
  settled: readonly { readonly batch: string; readonly sequence: bigint; readonly start: number }[],
  timeZone: string,
): Places {
  const counts = new Map<string, number>();
  const next = (of: string): number => {
    counts.set(of, (counts.get(of) ?? 0) + 1);
    return counts.get(of)!;
  };
  const inOrder = settled.toSorted((a, b) => Number(a.sequence - b.sequence));
  return new Map(
    inOrder.map(({ batch, start }) => {
      const day = dayIn(start, timeZone);
      return [batch, { ofMonth: next(day.slice(0, 7)), ofDay: next(day) }];
    }),
  );
}

export const monthOf = ({ day }: Pick<BillLine, "day">): string => day.slice(0, 7);

/** `first`: number of the bill that there is already of a month, which stays as it is. */
export type Numbering = { readonly places: Places; readonly first?: (month: string) => string | undefined };

/**
 * One bill a month, and beside it one for each correction since: lines of an entry after the first are in a document of
 * their own that names the one it corrects, and so is whatever came after a bill that there is already. `reasons`: why,
 * by transaction.
 */
export function billsOf(
  lines: readonly BillLine[],
  of: Of,
  reasons: ReadonlyMap<string, string>,
  { places, first }: Numbering = { places: new Map() },
): BillJson[] {
  const months = [...new Set(lines.map(monthOf))].toSorted();
  const placeOf = ({ batch }: BillLine): Place => places.get(batch ?? "") ?? { ofMonth: 1, ofDay: 1 };
  return months.flatMap((month) => {
    const own = lines.filter((line) => monthOf(line) === month);
    const there = first?.(month);
    const isLater = ({ entry }: BillLine): boolean => entry > (there === undefined ? 1 : 0);
    const k = Math.min(...own.map((line) => placeOf(line).ofMonth));
    const number = there ?? `${month}-${of.prosumer}${k > 1 ? `-${k}` : ""}`;
    const bill = (no: string, some: readonly BillLine[]): BillJson => billOf(no, month, some, of);
    const moves = Map.groupBy(own.filter(isLater), ({ batch, entry }) => `${batch} ${entry}`);
    const corrections = [...moves.values()].map((some): BillJson => {
      const [{ day, entry, transaction }] = some;
      const { ofDay } = placeOf(some[0]);
      const session = ofDay > 1 ? `-session-${ofDay}` : "";
      const reason = reasons.get(transaction!);
      const made = bill(`${number}-corrected-${day}${session}-${entry}`, some);
      return { ...made, corrects: number, ...(reason !== undefined && { reason }) };
    });
    const settled = own.filter((line) => !isLater(line));
    return there === undefined ? [bill(number, settled), ...corrections] : corrections;
  });
}

/** Half a unit goes away from zero. */
function share(nano: bigint, percent: number): bigint {
  // Percents have at most four digits after the point.
  const part = BigInt(Math.round(percent * 1e4));
  const twice = 2n * nano * part;
  const whole = 1_000_000n;
  return twice < 0n ? -((-twice + whole) / (2n * whole)) : (twice + whole) / (2n * whole);
}

function billOf(number: string, at: string, lines: readonly BillLine[], of: Of): BillJson {
  const { name, prosumer, currency, timeZone } = of;
  const vatPercent = typeof of.vatPercent === "number" ? of.vatPercent : of.vatPercent(at);
  const total = lines.reduce((sum, { nano }) => sum + BigInt(nano), 0n);
  return {
    number,
    ...{ prosumer, ...(name !== undefined && { name }), month: at, currency, timeZone },
    lines: [...lines],
    totalNano: `${total}`,
    vat: { percent: vatPercent, nano: `${share(total, vatPercent)}` },
  };
}
