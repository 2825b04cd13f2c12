/**
 * What each account's bill must say of a session and of its entries: from the batch and the readings on chain alone, by
 * rules written apart from those that bills are made by.
 */
import * as Payload from "../codec/payload.ts";
import { decodeReadings, type SessionReadings } from "../codec/readings.ts";
import { DESK, UTILITY, type Trade } from "../market/result/clearingResult.ts";
import type { BillItem } from "../records/billJson.ts";
import type { Audited, AuditedSession } from "./audit.ts";
import { chargesOf, difference, isFault, type Charge, type Moved } from "./charges.ts";
import type { AuditedEntry } from "./entries.ts";
import { invalid, undecided, type Verdict } from "./verdict.ts";

/** What a line of one item says. */
export type Due = { readonly quantity: number; readonly nano: bigint };
export type Dues = ReadonlyMap<BillItem, Due>;

/** What moved at once, an entry or the settlement, which is 0, and what each account's bill must say of it. */
export type BilledMove = {
  readonly batch: string;
  readonly entry: number;
  readonly transaction: string;
  /** Hash of why, as signed. */
  readonly reason?: string;
  readonly due: ReadonlyMap<number, Dues>;
};

type Found = Pick<Audited, "entries" | "delivery">;

/** The settlement, then each entry; a verdict where not all of it was seen. */
export function movesOf(session: AuditedSession, found: Found): (BilledMove | Verdict)[] {
  const { batch, transaction, payload, terms } = session;
  if (payload === undefined || terms === undefined) return [undecided(`the payload of batch ${batch}`)];
  const { participants, trades } = Payload.decode(payload, terms.periods);
  const settled = new Map(participants.map((id, party) => [id, settledDues(trades, party)]));
  const own = found.entries.filter((one) => one.batch === batch);
  return [
    { batch, entry: 0, transaction, due: settled },
    ...own.map((entry): BilledMove | Verdict => {
      const due = entryDues(session, entry, { ...found, entries: own });
      const { number, reason } = entry;
      return "kind" in due ? due : { batch, entry: number, transaction: entry.transaction, reason, due };
    }),
  ];
}

const OPERATOR = DESK + 1;

const PRODUCTS: Readonly<Record<Exclude<Trade["product"], "network">, readonly [BillItem, BillItem]>> = {
  energy: ["bought", "sold"],
  reserve: ["reserveBought", "reserveSold"],
  carbon: ["allowancesBought", "allowancesSold"],
};

/** Each trade that it is in, to the line that it belongs to. */
function settledDues(trades: readonly Trade[], party: number): Dues {
  const dues = new Map<BillItem, Due>();
  for (const { seller, buyer, product, quantity, price } of trades) {
    if (![seller, buyer].includes(party)) continue;
    const [other, side] = seller === party ? [buyer, 1] : [seller, 0];
    const ofNetwork = product === "network" || (side === 0 && other === OPERATOR);
    const withUtility = product === "energy" && other === UTILITY;
    const item = ofNetwork
      ? "network"
      : withUtility
        ? (["fromUtility", "toUtility"] as const)[side]
        : PRODUCTS[product][side];
    const before = dues.get(item) ?? { quantity: 0, nano: 0n };
    dues.set(item, {
      quantity: before.quantity + (ofNetwork ? 0 : quantity),
      nano: before.nano + BigInt(side === 0 ? price : -price) * BigInt(quantity),
    });
  }
  return told(dues);
}

const told = (dues: ReadonlyMap<BillItem, Due>): Dues =>
  new Map([...dues].filter(([, { quantity, nano }]) => quantity !== 0 || nano !== 0n));

function entryDues(session: AuditedSession, entry: AuditedEntry, found: Found): ReadonlyMap<number, Dues> | Verdict {
  const { number, batch, limits, kind, left } = entry;
  const { periods, periodSeconds, imbalancePrice } = session.terms!;
  const before = found.entries.find((one) => one.number === number - 1);
  const unseen = entry.readings === undefined || (number > 1 && before?.readings === undefined);
  if (unseen || limits === undefined || found.delivery === undefined)
    return undecided(`the readings of entry ${number} of batch ${batch}`);
  if (entry.verdict.kind !== "valid") return entry.verdict;
  const readings = decodeReadings(entry.readings!, periods);
  const { multiple } = found.delivery;
  const terms = { periods, periodSeconds, multiple, imbalancePrice: Number(imbalancePrice), limits };
  const whole = chargesOf(readings, terms, kind !== "provisional");
  if (isFault(whole)) return invalid(whole.predicate, whole.detail);
  const closedBefore = before !== undefined && before.kind !== "provisional";
  const old = before && chargesOf(decodeReadings(before.readings!, periods), terms, closedBefore);
  if (old !== undefined && isFault(old)) return invalid(old.predicate, old.detail);
  const charges = old === undefined ? whole : difference(whole, old, closedBefore);
  if (isFault(charges)) return invalid(charges.predicate, charges.detail);
  const moved = new Map(entry.moved.map((one) => [one.id, one]));
  return new Map(
    charges.map((charge, row) => {
      const parts = { charge, moved: moved.get(charge.id), left: left?.get(charge.id) ?? 0n, readings };
      // Of a later entry amounts are differences, and have no quantity of their own.
      const wh = number === 1 ? quantitiesOf(readings, row, kind !== "provisional") : NO_QUANTITIES;
      return [charge.id, chargeDues(parts, wh)] as const;
    }),
  );
}

type Quantities = Readonly<Record<"short" | "long" | "called" | "undelivered", number>>;
const NO_QUANTITIES: Quantities = { short: 0, long: 0, called: 0, undelivered: 0 };
const MISSING = 2;

function quantitiesOf({ rows, responses }: SessionReadings, row: number, closed: boolean): Quantities {
  const sums = { ...NO_QUANTITIES };
  for (const { dueWh, meteredWh, quality } of rows[row].values) {
    const counted = quality !== MISSING ? meteredWh : closed && dueWh > 0 ? 0 : dueWh;
    if (counted < dueWh) sums.short += dueWh - counted;
    else sums.long += counted - dueWh;
  }
  for (const { row: of, calledWh, undeliveredW } of responses) {
    if (of !== row) continue;
    sums.called += calledWh;
    sums.undelivered += undeliveredW;
  }
  return sums;
}

type Parts = {
  readonly charge: Charge;
  readonly moved: Moved | undefined;
  /** What the entry before could not move. */
  readonly left: bigint;
  readonly readings: SessionReadings;
};

/** What an account received is what its bill has less. */
function chargeDues({ charge, moved, left, readings }: Parts, wh: Quantities): Dues {
  const { short, long, called, energy, penalty, emissionsG, most } = charge;
  const lackingG = emissionsG + (moved?.grams ?? 0n);
  const lacking = lackingG * BigInt(readings.allowancePrice);
  const charged = energy - penalty + left;
  const room = charged >= 0n ? most : -charged < most ? most + charged : 0n;
  const bought = lacking < room ? lacking : room;
  const due = energy - penalty - bought;
  const bound = due - (short + long + called - penalty - lacking);
  const wanted = due + left;
  const rest = wanted - (moved?.nano ?? 0n);
  return told(
    new Map<BillItem, Due>([
      ["short", { quantity: wh.short, nano: -short }],
      ["long", { quantity: wh.long, nano: -long }],
      ["called", { quantity: wh.called, nano: -called }],
      ["undelivered", { quantity: wh.undelivered, nano: penalty }],
      ["allowancesLacking", { quantity: Number(lackingG), nano: lacking }],
      ["bound", { quantity: 0, nano: -bound }],
      ["takenUp", { quantity: 0, nano: -left }],
      ["unpaid", { quantity: 0, nano: wanted < 0n ? rest : 0n }],
      ["cut", { quantity: 0, nano: wanted < 0n ? 0n : rest }],
    ]),
  );
}
