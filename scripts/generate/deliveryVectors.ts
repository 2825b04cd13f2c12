/**
 * Golden vectors of readings: `node scripts/generate/deliveryVectors.ts [DIRECTORY]` writes readings.json: readings of
 * a session, their bytes, and what they come to or are refused with. Each predicate refuses at least one.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hexlify } from "ethers";
import { rowsRoot } from "../../offchain-solver/codec/deliveryData.ts";
import {
  decodeReadings,
  encodeReadings,
  type Row,
  type SessionReadings,
} from "../../offchain-solver/codec/readings.ts";
import { attempt } from "../../offchain-solver/codec/refusal.ts";
import * as Ledger from "../../offchain-solver/ledger/delivery.ts";
import { generator } from "../../test/support/batches.ts";

/** Not whole words of values, of pairs, nor of qualities. */
const PERIODS = 9;
const SECONDS = 900;
const IMBALANCE = 120_000;
const homes = [
  { prosumer: 101, feedW: 9_000, takeW: 14_000, renewableW: 10_000, maxPrice: 200_000 },
  { prosumer: 102, feedW: 0, takeW: 7_001, renewableW: 0, maxPrice: 150_000 },
  { prosumer: 105, feedW: 400_000, takeW: 300_000, renewableW: 380_000, maxPrice: 90_000 },
];
const whOf = (watts: number): number => Math.ceil((watts * SECONDS) / 3600);
const basis = {
  ...{ periods: PERIODS, periodSeconds: SECONDS, closed: true, multiple: 3, imbalancePrice: IMBALANCE },
  connections: new Map(homes.map(({ prosumer, ...one }) => [prosumer, one])),
};
/** As the contract keeps them. */
const connections = hexlify(
  Uint8Array.from(
    homes.flatMap(({ prosumer, feedW, takeW, renewableW, maxPrice }) =>
      [prosumer, feedW, takeW, renewableW, maxPrice].flatMap((one) => [one >>> 24, one >>> 16, one >>> 8, one]),
    ),
  ),
);

/** `small`: as much as a narrow value holds. */
function drawn(seed: number, small: boolean, unmeasured: number): SessionReadings {
  const random = generator(seed);
  const within = (low: number, high: number): number => low + random(high - low + 1);
  const rows = homes.map(({ prosumer, feedW, takeW, renewableW }): Row => {
    const least = (watts: number): number => Math.min(whOf(watts), small ? 16_000 : Infinity);
    const values = Array.from({ length: PERIODS }, () => {
      const quality = random(100) < unmeasured ? 1 + random(2) : 0;
      const missing = quality === 2;
      return {
        dueWh: within(-least(takeW), least(feedW)),
        meteredWh: missing ? 0 : within(-least(takeW), least(feedW)),
        quality,
        renewableWh: missing ? 0 : random(least(renewableW) + 1),
      };
    });
    return { id: prosumer, released: random(5_000), emissionsG: random(whOf(takeW) * PERIODS), values };
  });
  const prices = Array.from({ length: PERIODS }, () => {
    const longPrice = within(-20_000, 40_000);
    const shortPrice = within(longPrice, IMBALANCE);
    return { shortPrice, longPrice, responsePrice: within(longPrice, shortPrice) };
  });
  const responses = Array.from({ length: PERIODS }, (_, period) => ({
    ...{ row: 2, period, calledWh: within(-2_000, 2_000), undeliveredW: random(3) * 500, price: random(60_000) },
  }));
  return { allowancePrice: 50_000, prices, rows, responses };
}

const good = drawn(5, true, 0);
const row = (k: number, change: (row: Row) => Row): SessionReadings => ({
  ...good,
  rows: good.rows.map((one, i) => (i === k ? change(one) : one)),
});
const value = (k: number, t: number, change: Partial<Row["values"][number]>): SessionReadings =>
  row(k, (one) => ({ ...one, values: one.values.map((each, i) => (i === t ? { ...each, ...change } : each)) }));
const price = (t: number, change: Partial<SessionReadings["prices"][number]>): SessionReadings => ({
  ...good,
  prices: good.prices.map((one, i) => (i === t ? { ...one, ...change } : one)),
});
const answered = (...responses: SessionReadings["responses"]): SessionReadings => ({ ...good, responses });
const response = { row: 0, period: 3, calledWh: -70, undeliveredW: 0, price: 0 };
const [first, second] = homes;

const made: [name: string, readings: SessionReadings, closed?: boolean][] = [
  ...Array.from({ length: 10 }, (_, seed): [string, SessionReadings, boolean] => [
    `seed ${seed}`,
    drawn(seed, seed % 2 === 0, seed < 4 ? 0 : 25),
    seed % 3 !== 0,
  ]),
  ["all it may feed in", value(0, 8, { meteredWh: whOf(first.feedW) })],
  ["one more than it may feed in", value(0, 8, { meteredWh: whOf(first.feedW) + 1 })],
  ["all it may take", value(1, 0, { meteredWh: -whOf(second.takeW) })],
  ["one more than it may take", value(1, 0, { meteredWh: -whOf(second.takeW) - 1 })],
  ["all it may generate", value(0, 7, { renewableWh: whOf(first.renewableW) })],
  ["one more than it may generate", value(0, 7, { renewableWh: whOf(first.renewableW) + 1 })],
  ["sun where there is none", value(1, 2, { renewableWh: 1 })],
  ["all it may feed in, estimated", value(0, 8, { meteredWh: whOf(first.feedW), quality: 1 })],
  ["all it may take, estimated", value(1, 0, { meteredWh: -whOf(second.takeW), quality: 1 })],
  ["all it may generate, estimated", value(0, 7, { renewableWh: whOf(first.renewableW), quality: 1 })],
  // Read as narrow, each half of these is a value that the connection allows.
  [
    "wide values that look like narrow ones",
    row(2, (one) => ({
      ...one,
      values: one.values.map((each) => ({ ...each, dueWh: -40_000, meteredWh: 5_000, renewableWh: 0 })),
    })),
  ],
  ["all that a connection emits, to the gram", row(0, (one) => ({ ...one, emissionsG: 103_500 }))],
  ["all that a connection emits", row(1, (one) => ({ ...one, emissionsG: 31_504 }))],
  ["more emissions than a connection", row(1, (one) => ({ ...one, emissionsG: 31_505 }))],
  ["a missing value that was metered", value(0, 1, { quality: 2, meteredWh: 5, renewableWh: 0 })],
  ["a missing value with sun", value(0, 1, { quality: 2, meteredWh: 0, renewableWh: 5 })],
  ["a quality that is none", value(2, 4, { quality: 3 })],
  ["rows that do not ascend", { ...good, rows: good.rows.toReversed() }],
  ["a row twice", { ...good, rows: [good.rows[0], ...good.rows] }],
  ["a row of id zero", row(0, (one) => ({ ...one, id: 0 }))],
  ["a home that is not connected", row(1, (one) => ({ ...one, id: 103 }))],
  ["a response above the short price", price(4, { responsePrice: good.prices[4].shortPrice + 1 })],
  ["a response as high as the short price", price(4, { responsePrice: good.prices[4].shortPrice })],
  ["a response as low as the long price", price(0, { responsePrice: good.prices[0].longPrice })],
  ["a short price as high as was frozen", price(8, { shortPrice: IMBALANCE })],
  ["a response below the long price", price(0, { responsePrice: good.prices[0].longPrice - 1 })],
  ["a short price that nobody has frozen", price(8, { shortPrice: IMBALANCE + 1 })],
  ["a response twice", answered(response, response)],
  ["responses that do not ascend", answered({ ...response, row: 1 }, response)],
  ["a response of a row that is not", answered({ ...response, row: 3 })],
  ["a response of a period that is not", answered({ ...response, period: PERIODS })],
  ["nobody", { ...good, rows: [], responses: [] }],
];

type Bytes = readonly [name: string, bytes: Uint8Array, closed: boolean];
const whole = encodeReadings(good);
const ofWidth3 = (bytes: Uint8Array) => Uint8Array.from(bytes, (byte, at) => (at === 5 ? 3 : byte));
const unanswered = encodeReadings(answered());
const all: Bytes[] = [
  ...made.map(([name, readings, closed = true]): Bytes => [name, encodeReadings(readings), closed]),
  ["no bytes", new Uint8Array(), true],
  ["a width and nothing more", whole.subarray(0, 6), true],
  ["no width", whole.subarray(0, 5), true],
  // 2 less than 2^256 is a multiple of a response's bytes.
  ["two bytes less than the last row", unanswered.subarray(0, -2), true],
  ["one byte less", whole.subarray(0, -1), true],
  ["one byte more", Uint8Array.from([...whole, 0]), true],
  ["a width that is none", ofWidth3(whole), true],
  ["a width that is none, of nobody", ofWidth3(encodeReadings({ ...good, rows: [], responses: [] })), true],
];
const readings = all.map(([name, bytes, closed]) => {
  const outcome = attempt(() => Ledger.bill(decodeReadings(bytes, PERIODS), { ...basis, closed }));
  const refused = "kind" in outcome ? { predicate: outcome.predicate, detail: outcome.detail } : undefined;
  const bill = "kind" in outcome ? undefined : { ...outcome, rows: rowsRoot(bytes, PERIODS) };
  return { name, closed, bytes: hexlify(bytes), ...(refused && { refused }), ...(bill && { bill }) };
});

const { periods, periodSeconds, multiple, imbalancePrice } = basis;
const shared = { periods, periodSeconds, multiple, imbalancePrice, connections };
const directory = process.argv[2] ?? fileURLToPath(new URL("../../test/vectors", import.meta.url));
mkdirSync(directory, { recursive: true });
const text = JSON.stringify(
  { basis: shared, readings },
  (_, inner) => (typeof inner === "bigint" ? inner.toString() : inner),
  1,
);
writeFileSync(join(directory, "readings.json"), `${text}\n`);
