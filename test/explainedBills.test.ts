/**
 * What somebody lost by what became of a promise, reckoned here from Wh, prices and connections by hand, and the bill
 * that says why: line by line, in a document of its own where something came later.
 */
import { expect } from "chai";
import type { AuditedSession } from "../offchain-solver/auditor/audit.ts";
import { movesOf } from "../offchain-solver/auditor/billLines.ts";
import type { AuditedEntry } from "../offchain-solver/auditor/entries.ts";
import { VALID } from "../offchain-solver/auditor/verdict.ts";
import type { Kind } from "../offchain-solver/codec/deliveryData.ts";
import * as Payload from "../offchain-solver/codec/payload.ts";
import { encodeReadings } from "../offchain-solver/codec/readings.ts";
import type { Row, RowValue, SessionReadings } from "../offchain-solver/codec/readings.ts";
import * as Ledger from "../offchain-solver/ledger/delivery.ts";
import { INSURANCE_ID } from "../offchain-solver/ledger/posting.ts";
import { toDeliveryJson, type Earlier } from "../offchain-solver/metering/record.ts";
import type { BillJson } from "../offchain-solver/records/billJson.ts";
import type { DeliveryJson } from "../offchain-solver/records/deliveryJson.ts";
import { billsOf, sessionLines } from "../offchain-solver/report/billLines.ts";

const IDS = [101, 102, 103, 104];
const PERIODS = 2;
const START = 1_800_000_000;
/** Nano-dollars a Wh. */
const [SHORT, LONG, RESPONSE] = [110_000, 30_000, 70_000];
const HOME = { feedW: 5_000, takeW: 8_000, renewableW: 6_000, maxPrice: 400_000 };
const RICH = 1_000_000_000_000n;
const MEASURED = 0;
const ESTIMATED = 1;
const MISSING = 2;
const hash = (byte: number): string => `0x${byte.toString(16).padStart(2, "0").repeat(32)}`;

/** By account and period: Wh due, metered and how. */
type Told = Readonly<Record<number, readonly (readonly [due: number, metered: number, quality?: number])[]>>;

function readingsOf(told: Told, rest: Partial<SessionReadings> = {}): SessionReadings {
  const rows = IDS.map((id): Row => {
    const values = Array.from({ length: PERIODS }, (_, t): RowValue => {
      const [dueWh, meteredWh, quality = MEASURED] = told[id]?.[t] ?? [0, 0];
      return { dueWh, meteredWh, quality, renewableWh: 0 };
    });
    return { id, released: 0, emissionsG: 0, values };
  });
  const prices = Array.from({ length: PERIODS }, () => ({
    ...{ shortPrice: SHORT, longPrice: LONG, responsePrice: RESPONSE },
  }));
  return { allowancePrice: 50_000, prices, rows, responses: [], ...rest };
}

type Entry = readonly [kind: Exclude<Kind, "none">, readings: SessionReadings, reason?: string];

/** By document: its entry, as an auditor reads it from the chain. */
const onChain = new Map<DeliveryJson, AuditedEntry>();

/** Documents of entries that follow each other; `has`: what accounts have, of whom it is not without end. */
function documentsOf(entries: readonly Entry[], has: ReadonlyMap<number, bigint> = new Map()): DeliveryJson[] {
  const basis = {
    ...{ periods: PERIODS, periodSeconds: 3600, multiple: 3, imbalancePrice: 400_000 },
    connections: new Map(IDS.map((id) => [id, HOME])),
  };
  const debitable = (id: number) => ({ nano: has.get(id) ?? (id === INSURANCE_ID ? 0n : RICH), grams: 0n });
  let earlier: Earlier | undefined;
  return entries.map(([kind, readings, reason], k) => {
    const own = { ...basis, closed: Ledger.closedBy(kind) };
    const bill = Ledger.bill(readings, own);
    const entered = Ledger.enter(earlier ? Ledger.subtract(bill, earlier.bill, earlier.kind) : bill, kind, debitable);
    const document = toDeliveryJson({
      ...{ batch: hash(1), kind, start: START, participants: IDS, readings, basis: own, bill, entered, earlier },
      ...{ hash: hash(2 + k), metersHash: hash(0x20) },
      ...(reason !== undefined && { reason }),
      chain: { delivery: `0x${"11".repeat(20)}`, entry: k + 1, txHash: hash(0x30 + k), block: 9 + k, gasUsed: 1 },
    });
    earlier = { number: k + 1, kind, readings, bill, hash: hash(2 + k) };
    const { entries: moved, takenUp } = entered;
    onChain.set(document, {
      ...{ sequence: 1n, batch: hash(1), number: k + 1, kind, transaction: hash(0x30 + k), block: 9 + k, at: 0n },
      ...{ readingsHash: hash(2 + k), meters: hash(0x20), reason: hash(0), connections: "", verdict: VALID },
      ...{ readings: encodeReadings(readings), limits: basis.connections, moved, left: takenUp.left },
    });
    return document;
  });
}

const RESULT = { sessionStart: START, periodSeconds: 3600, periods: PERIODS, participants: IDS, trades: [] };

function billsFor(prosumer: number, entries: readonly DeliveryJson[]): BillJson[] {
  const bills = madeFor(prosumer, entries);
  const lines = bills.flatMap((bill) => bill.lines);
  expect(audited(prosumer, entries)).to.have.deep.members(
    lines.map(({ entry, item, quantity, nano }) => [entry, item, quantity, nano]),
  );
  return bills;
}

/** What an auditor makes of the bytes on chain and of what moved: entry, item, quantity and nano-dollars. */
function audited(prosumer: number, entries: readonly DeliveryJson[]): unknown[] {
  const payload = Payload.encode(Payload.fromResult({ ...RESULT, reactiveVar: IDS.map(() => [0, 0]) }), PERIODS);
  const terms = { start: BigInt(START), periodSeconds: 3600, periods: PERIODS, imbalancePrice: 400_000n };
  const session = { batch: hash(1), transaction: hash(0x2f), payload, terms } as unknown as AuditedSession;
  const delivery = { multiple: 3n } as never;
  const moves = movesOf(session, { entries: entries.map((one) => onChain.get(one)!), delivery });
  return moves.flatMap((move) => {
    if ("kind" in move) throw new Error(JSON.stringify(move));
    const dues = [...(move.due.get(prosumer) ?? [])];
    return dues.map(([item, { quantity, nano }]) => [move.entry, item, quantity, `${nano}`]);
  });
}

function madeFor(prosumer: number, entries: readonly DeliveryJson[]): BillJson[] {
  const result = { ...RESULT, reactiveVar: IDS.map(() => [0, 0]) };
  const session = { result, batch: hash(1), sequence: 1n, transaction: hash(0x2f), entries };
  const of = { prosumer, currency: "$", timeZone: "UTC", vatPercent: 0 };
  const reasons = new Map(entries.flatMap(({ entered, reason }) => (reason ? [[entered!.txHash, reason]] : [])));
  return billsOf(sessionLines(session, prosumer, "UTC"), of, reasons as ReadonlyMap<string, string>);
}

/** Number of the entry, item, Wh (or W) and nano-dollars of each line. */
const linesOf = (bills: readonly BillJson[]) =>
  bills.flatMap(({ lines }) => lines.map(({ entry, item, quantity, nano }) => [entry, item, quantity, Number(nano)]));
const lostBy = (bills: readonly BillJson[]): number => bills.reduce((sum, { totalNano }) => sum + Number(totalNano), 0);

describe("a bill of what became of a promise", () => {
  it("insolvent: says what was short, what stays unpaid, and to who receives what was cut for it", () => {
    // 2 kWh short of a home that has nine cents; a neighbour fed in 1 kWh more than it had promised.
    const readings = readingsOf({
      104: [[0, -2_000]],
      103: [
        [0, 0],
        [0, 1_000],
      ],
    });
    const has = new Map([
      [104, 90_000_000n],
      [INSURANCE_ID, 50_000_000n],
    ]);
    const entries = documentsOf([["final", readings]], has);
    const owes = 2_000 * SHORT;
    const bill = billsFor(104, entries);
    expect(linesOf(bill)).to.deep.equal([
      [1, "short", 2_000, owes],
      [1, "unpaid", 0, 90_000_000 - owes],
    ]);
    expect(lostBy(bill)).to.equal(90_000_000);
    // Of what is missing the fund bears 5 cents. The rest is cut of 0.03 $ and 0.19 $: 3 in 22, the larger part of a
    // nano-dollar upwards.
    const rest = owes - 90_000_000 - 50_000_000;
    const cut = Math.ceil((rest * 1_000 * LONG) / owes);
    const neighbour = billsFor(103, entries);
    expect(linesOf(neighbour)).to.deep.equal([
      [1, "long", 1_000, -1_000 * LONG],
      [1, "cut", 0, cut],
    ]);
    expect(lostBy(neighbour)).to.equal(cut - 1_000 * LONG);
    expect(linesOf(billsFor(101, entries))).to.deep.equal([]);
  });

  it("dead meter: who sold delivered nothing, who bought has taken it, and nothing is on the bill before", () => {
    const dead = readingsOf({ 101: [[2_000, 0, MISSING]], 102: [[-2_000, 0, MISSING]] });
    expect(linesOf(billsFor(101, documentsOf([["provisional", dead]])))).to.deep.equal([]);
    const entries = documentsOf([
      ["provisional", dead],
      ["final", dead],
    ]);
    expect(lostBy(billsFor(101, entries))).to.equal(2_000 * SHORT);
    expect(linesOf(billsFor(101, entries))).to.deep.equal([[2, "short", 0, 2_000 * SHORT]]);
    expect(linesOf(billsFor(102, entries))).to.deep.equal([]);
  });

  it("over-reporting meter: what was paid too much is taken back by a document that names the first and says why", () => {
    const entries = documentsOf([
      ["final", readingsOf({ 104: [[0, 5_000]] })],
      ["correction", readingsOf({ 104: [[0, 0]] }), "the meter counted twice"],
    ]);
    const bills = billsFor(104, entries);
    expect(linesOf(bills)).to.deep.equal([
      [1, "long", 5_000, -5_000 * LONG],
      [2, "long", 0, 5_000 * LONG],
    ]);
    expect(lostBy(bills)).to.equal(0);
    expect(bills.map(({ corrects, reason }) => [corrects, reason])).to.deep.equal([
      [undefined, undefined],
      [bills[0].number, "the meter counted twice"],
    ]);
  });

  it("late file, corrected file: the difference alone, and all of them together what the last one says", () => {
    const of = (metered: number, quality = MEASURED) => readingsOf({ 101: [[2_000, metered, quality]] });
    const entries = documentsOf([
      ["provisional", of(1_800, ESTIMATED)],
      ["final", of(1_700)],
      ["correction", of(1_950), "another transformer ratio"],
    ]);
    const bills = billsFor(101, entries);
    expect(linesOf(bills)).to.deep.equal([
      [1, "short", 200, 200 * SHORT],
      [2, "short", 0, 100 * SHORT],
      [3, "short", 0, -250 * SHORT],
    ]);
    expect(lostBy(bills)).to.equal(50 * SHORT);
    expect(bills.map(({ corrects }) => corrects)).to.deep.equal([undefined, bills[0].number, bills[0].number]);
  });

  it("meter replaced in mid-day: the gap costs nothing until it is closed, then what the new register says", () => {
    const first = readingsOf({
      101: [
        [1_000, 1_000],
        [1_000, 0, MISSING],
      ],
    });
    const last = readingsOf({
      101: [
        [1_000, 1_000],
        [1_000, 500, ESTIMATED],
      ],
    });
    const entries = documentsOf([
      ["provisional", first],
      ["final", last],
    ]);
    expect(linesOf(billsFor(101, entries))).to.deep.equal([[2, "short", 0, 500 * SHORT]]);
  });

  it("member who moved out: pays what is left there, the fund the rest, nobody else a nano-dollar", () => {
    const readings = readingsOf({ 104: [[0, -2_000]], 103: [[0, 100]] });
    const has = new Map([
      [104, 90_000_000n],
      [INSURANCE_ID, 5_000_000_000n],
    ]);
    const entries = documentsOf([["final", readings]], has);
    expect(lostBy(billsFor(104, entries))).to.equal(90_000_000);
    expect(linesOf(billsFor(103, entries))).to.deep.equal([[1, "long", 100, -100 * LONG]]);
    expect(entries[0].shortfall).to.deep.equal({ byFundNano: 2_000 * SHORT - 90_000_000, byReceiversNano: 0 });
  });

  it("colluding quorum: whatever it says was called, the bill ends at what the connection can carry", () => {
    const response = { row: 0, period: 0, calledWh: -400_000, undeliveredW: 4_000_000, price: 60_000 };
    const entries = documentsOf([["final", readingsOf({ 101: [[0, -8_000]] }, { responses: [response] })]]);
    const bill = billsFor(101, entries);
    const most = ((HOME.feedW + HOME.takeW) * HOME.maxPrice * PERIODS * 3600) / 3600;
    const called = 400_000 * RESPONSE;
    const short = 8_000 * SHORT;
    expect(linesOf(bill)).to.deep.equal([
      [1, "short", 8_000, short],
      [1, "called", -400_000, called],
      // The penalty has no room left beside it.
      [1, "undelivered", 4_000_000, 0],
      [1, "bound", 0, most - called - short],
    ]);
    expect(lostBy(bill)).to.equal(most);
  });
});
