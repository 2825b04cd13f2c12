import { expect } from "chai";
import { keccak256, toUtf8Bytes, Wallet } from "ethers";
import fc from "fast-check";
import {
  connectionDigest,
  deliveryDomain,
  entryCommitment,
  meterDigest,
  meterReadings,
  metersHash,
  METER_READINGS_TYPES,
  reasonHash,
  rowsRoot,
} from "../codec/deliveryData.ts";
import { decodeReadings, encodeReadings, rowBytes, type SessionReadings } from "../codec/readings.ts";
import { attempt } from "../codec/refusal.ts";
import { signerOfText } from "../codec/recover.ts";
import { bill, DESK_ID, enter, share, subtract, UTILITY_ID, type Basis, type Bill } from "./delivery.ts";
import { INSURANCE_ID } from "./posting.ts";

/** Fractions of the test's own: numerator over a positive denominator. */
type Fraction = { readonly n: bigint; readonly d: bigint };
const fraction = (n: bigint, d = 1n): Fraction => ({ n, d });
const plus = (a: Fraction, b: Fraction): Fraction => fraction(a.n * b.d + b.n * a.d, a.d * b.d);
const below = (a: Fraction, b: Fraction): boolean => a.n * b.d < b.n * a.d;
const sum = (values: readonly bigint[]): bigint => values.reduce((all, one) => all + one, 0n);

/** What one home's meter said, and what it had promised: the raw data of which the readings are made. */
type Home = {
  readonly connection: { feedW: number; takeW: number; renewableW: number; maxPrice: number };
  readonly soldWh: readonly number[];
  readonly calledWh: readonly number[];
  readonly undeliveredW: readonly number[];
  readonly meteredWh: readonly number[];
  readonly quality: readonly number[];
  readonly emissionsG: number;
  readonly deposit: bigint;
  readonly grams: bigint;
};
type Day = {
  readonly periodSeconds: number;
  readonly prices: SessionReadings["prices"];
  readonly reservePrice: number;
  readonly allowancePrice: number;
  readonly multiple: number;
  readonly homes: readonly Home[];
  readonly fund: bigint;
  readonly utility: bigint;
};

const H = 3;
const each = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(one, { minLength: H, maxLength: H });
const MOST_PRICE = 400_000;
const price = fc.integer({ min: -50_000, max: MOST_PRICE });
const home: fc.Arbitrary<Home> = fc
  .record({ feedW: fc.integer({ min: 0, max: 9000 }), takeW: fc.integer({ min: 0, max: 9000 }) })
  .chain(({ feedW, takeW }) =>
    fc.record({
      connection: fc.record({
        feedW: fc.constant(feedW),
        takeW: fc.constant(takeW),
        renewableW: fc.constant(feedW),
        maxPrice: fc.constantFrom(0, 100_000, 900_000),
      }),
      soldWh: each(fc.integer({ min: -3000, max: 3000 })),
      calledWh: each(fc.constantFrom(0, 0, 700, -400)),
      undeliveredW: each(fc.constantFrom(0, 0, 250)),
      meteredWh: each(fc.integer({ min: -Math.floor(takeW / 4), max: Math.floor(feedW / 4) })),
      quality: each(fc.constantFrom(0, 0, 1, 2)),
      emissionsG: fc.integer({ min: 0, max: Math.floor((feedW + takeW) / 4) }),
      deposit: fc.constantFrom(0n, 50_000_000n, 10n ** 12n),
      grams: fc.constantFrom(0n, 300n, 10n ** 6n),
    }),
  );
const day: fc.Arbitrary<Day> = fc.record({
  periodSeconds: fc.constantFrom(900, 3600),
  prices: each(
    fc.array(price, { minLength: 3, maxLength: 3 }).map((three) => {
      const [longPrice, responsePrice, shortPrice] = three.toSorted((a, b) => a - b);
      return { shortPrice, longPrice, responsePrice };
    }),
  ),
  reservePrice: fc.integer({ min: 0, max: 90_000 }),
  allowancePrice: fc.integer({ min: 0, max: 90_000 }),
  multiple: fc.integer({ min: 0, max: 4 }),
  homes: fc.array(home, { minLength: 1, maxLength: 7 }),
  fund: fc.constantFrom(0n, 30_000_000n, 10n ** 12n),
  utility: fc.constantFrom(0n, 10n ** 13n),
});

const idOf = (k: number): number => 10 * (k + 1);

function readingsOf({ homes, prices, allowancePrice, reservePrice }: Day): SessionReadings {
  const rows = homes.map((one, k) => ({
    id: idOf(k),
    released: k,
    emissionsG: one.emissionsG,
    values: one.soldWh.map((sold, t) => ({
      dueWh: sold + one.calledWh[t],
      meteredWh: one.quality[t] === 2 ? 0 : one.meteredWh[t],
      quality: one.quality[t],
      renewableWh: 0,
    })),
  }));
  const responses = homes.flatMap((one, row) =>
    one.calledWh.flatMap((calledWh, period) =>
      calledWh === 0 ? [] : [{ row, period, calledWh, undeliveredW: one.undeliveredW[period], price: reservePrice }],
    ),
  );
  return { allowancePrice, prices, rows, responses };
}

const basisOf = ({ homes, periodSeconds, multiple }: Day, closed: boolean): Basis => ({
  periods: H,
  periodSeconds,
  closed,
  multiple,
  imbalancePrice: MOST_PRICE,
  connections: new Map(homes.map(({ connection }, k) => [idOf(k), connection])),
});

/** By docs/delivery.md from the meters' data, in $ as fractions: paid by the utility, penalty, and the bound. */
function chargesOf({ prices, periodSeconds, multiple, reservePrice }: Day, one: Home, closed: boolean) {
  const hours = fraction(BigInt(periodSeconds), 3600n);
  const watts = BigInt(one.connection.feedW + one.connection.takeW) * BigInt(one.connection.maxPrice);
  // W x 1e-6 $/kWh x h is 1e-9 $.
  const most = (watts * BigInt(H) * hours.n) / hours.d;
  let paid = fraction(0n);
  let penalty = fraction(0n);
  one.soldWh.forEach((sold, t) => {
    const promised = sold + one.calledWh[t];
    const missing = one.quality[t] === 2;
    const delivered = !missing ? one.meteredWh[t] : closed ? Math.min(promised, 0) : promised;
    const kwh = fraction(BigInt(delivered - promised), 1000n);
    const perKwh = fraction(BigInt(delivered < promised ? prices[t].shortPrice : prices[t].longPrice), 1_000_000n);
    paid = plus(paid, fraction(kwh.n * perKwh.n, kwh.d * perKwh.d));
    paid = plus(paid, fraction(BigInt(one.calledWh[t]) * BigInt(prices[t].responsePrice), 1_000_000_000n));
    if (one.calledWh[t] !== 0)
      penalty = plus(penalty, fraction(BigInt(multiple * one.undeliveredW[t]) * BigInt(reservePrice), 10n ** 9n));
  });
  const nano = (value: Fraction): bigint => {
    expect((value.n * 10n ** 9n) % value.d, "whole nano-dollars").to.equal(0n);
    return (value.n * 10n ** 9n) / value.d;
  };
  const energy = nano(paid) > most ? most : nano(paid) < -most ? -most : nano(paid);
  const room = energy < 0n ? most + energy : most;
  return { energy, penalty: nano(penalty) < room ? nano(penalty) : room, most };
}

const debitableOf =
  (given: Day) =>
  (id: number): { nano: bigint; grams: bigint } => {
    if (id === INSURANCE_ID) return { nano: given.fund, grams: 0n };
    if (id >= DESK_ID) return { nano: id === UTILITY_ID ? given.utility : 0n, grams: 0n };
    const { deposit, grams } = given.homes[id / 10 - 1];
    return { nano: deposit, grams };
  };

describe("a delivery's settlement", () => {
  it("charges each home what its meter and its promise come to, by an independent reckoning", () => {
    fc.assert(
      fc.property(day, fc.boolean(), (given, closed) => {
        const made = bill(readingsOf(given), basisOf(given, closed));
        given.homes.forEach((one, k) => {
          const { energy, penalty, most } = chargesOf(given, one, closed);
          expect([made.lines[k].energy, made.lines[k].penalty, made.lines[k].most]).to.deep.equal([
            energy,
            penalty,
            most,
          ]);
        });
        expect(made.measured).to.equal(given.homes.every(({ quality }) => quality.every((one) => one === 0)));
      }),
      { numRuns: 500, seed: 7 },
    );
  });

  it("moves money and grams that sum to zero, takes no more than there is or than the connection allows", () => {
    let insolvent = 0;
    let cut = 0;
    fc.assert(
      fc.property(day, (given) => {
        const made = bill(readingsOf(given), basisOf(given, true));
        const { entries, burned, arrears, byFund, byReceivers } = enter(made, "final", debitableOf(given));
        expect(sum(entries.map(({ nano }) => nano))).to.equal(0n);
        expect(sum(entries.map(({ grams }) => grams))).to.equal(-burned);
        expect(burned).to.equal(sum(given.homes.map(({ emissionsG }) => BigInt(emissionsG))));
        const ids = entries.map(({ id }) => id);
        expect(ids).to.deep.equal([...ids].sort((a, b) => a - b));
        for (const { id, nano } of entries)
          expect(nano >= -debitableOf(given)(id).nano, `${id}: ${nano}`).to.equal(true);
        given.homes.forEach((one, k) => {
          const { nano, grams } = entries[k];
          expect(nano >= -made.lines[k].most && nano <= made.lines[k].most).to.equal(true);
          expect(-grams <= one.grams).to.equal(true);
        });
        expect(sum([...arrears.values()]) <= byFund + byReceivers).to.equal(true);
        if (byFund > 0n) insolvent++;
        if (byReceivers > 0n) cut++;
      }),
      { numRuns: 500, seed: 8 },
    );
    expect(insolvent).to.be.above(50);
    expect(cut).to.be.above(50);
  });

  it("cuts receivers pro rata, each within a nano-dollar of its exact part, never in favour of a higher id", () => {
    const amount = fc.bigInt({ min: -(10n ** 6n), max: 10n ** 6n });
    const cases = fc.array(fc.tuple(amount, fc.bigInt({ min: 0n, max: 10n ** 6n })), { minLength: 2, maxLength: 9 });
    let seen = 0;
    fc.assert(
      fc.property(cases, fc.bigInt({ min: 0n, max: 10n ** 5n }), (pairs, fundHas) => {
        const amounts = pairs.map(([one]) => one);
        // All sums to zero with the last, as utility's and desk's sides make it.
        amounts.push(-sum(amounts));
        const debitable = [...pairs.map(([, one]) => one), 0n];
        const { moved, fund, byFund, byReceivers } = share(amounts, debitable, 0n, fundHas);
        expect(sum(moved) + fund).to.equal(0n);
        expect(fund).to.equal(-byFund);
        if (byReceivers > 0n) expect(byFund).to.equal(fundHas);
        if (byReceivers === 0n) return;
        seen++;
        const credits = sum(amounts.filter((one) => one > 0n));
        amounts.forEach((credit, k) => {
          if (credit <= 0n) return void expect(moved[k]).to.equal(credit < -debitable[k] ? -debitable[k] : credit);
          const exact = fraction(byReceivers * credit, credits);
          const given = fraction(credit - moved[k]);
          expect(below(plus(exact, fraction(-1n)), given) && below(given, plus(exact, fraction(1n)))).to.equal(true);
          amounts.forEach((other, j) => {
            // Who bears the larger remainder, or has the lower id at the same, is cut first.
            if (other <= 0n || j === k) return;
            const rest = (credited: bigint): bigint => (byReceivers * credited) % credits;
            const up = (i: number): bigint => amounts[i] - moved[i] - (byReceivers * amounts[i]) / credits;
            if (up(j) > up(k))
              expect(rest(other) > rest(credit) || (rest(other) === rest(credit) && j < k)).to.equal(true);
          });
        });
      }),
      { numRuns: 500, seed: 9 },
    );
    expect(seen).to.be.above(50);
  });

  it("moves by later entries what a first one with their readings would have moved, where all can pay", () => {
    fc.assert(
      fc.property(day, day, (first, second) => {
        const rich = { ...first, homes: first.homes.map((one) => ({ ...one, deposit: 10n ** 15n, grams: 10n ** 9n })) };
        const count = Math.min(rich.homes.length, second.homes.length);
        const given = { ...rich, fund: 10n ** 15n, utility: 10n ** 15n, homes: rich.homes.slice(0, count) };
        const later = {
          ...given,
          homes: given.homes.map((one, k) => ({
            ...one,
            meteredWh: one.meteredWh.map((wh) => Math.trunc(wh / 2)),
            quality: second.homes[k].quality,
          })),
        };
        const provisional = bill(readingsOf(given), basisOf(given, false));
        const final = bill(readingsOf(later), basisOf(later, true));
        const has = debitableOf(given);
        const [one, two, whole] = [
          enter(provisional, "provisional", has),
          enter(subtract(final, provisional, "provisional"), "final", has),
          enter(final, "final", has),
        ].map(({ entries }) => entries);
        whole.forEach(({ id, nano, grams }, k) => {
          expect([one[k].nano + two[k].nano, one[k].grams + two[k].grams], String(id)).to.deep.equal([nano, grams]);
        });
        expect(one.every(({ released }) => released === 0n)).to.equal(true);
        expect(two.map(({ released }) => released)).to.deep.equal(whole.map(({ released }) => released));
      }),
      { numRuns: 200, seed: 10 },
    );
  });

  const small = (): Day => ({
    periodSeconds: 3600,
    prices: Array.from({ length: H }, () => ({ shortPrice: 80_000, longPrice: 20_000, responsePrice: 40_000 })),
    reservePrice: 0,
    allowancePrice: 30_000,
    multiple: 2,
    fund: 0n,
    utility: 10n ** 13n,
    homes: [0, 1].map(() => ({
      connection: { feedW: 5000, takeW: 5000, renewableW: 3000, maxPrice: 200_000 },
      soldWh: [1000, -1000, 0],
      calledWh: [0, 0, 0],
      undeliveredW: [0, 0, 0],
      meteredWh: [1000, -1000, 0],
      quality: [0, 0, 0],
      emissionsG: 0,
      deposit: 10n ** 12n,
      grams: 0n,
    })),
  });

  it("a dead meter never earns, whatever it had promised", () => {
    const given = small();
    const dead = { ...given, homes: [given.homes[0], { ...given.homes[1], quality: [2, 2, 2] }] };
    const open = bill(readingsOf(dead), basisOf(dead, false));
    expect(open.lines.map(({ energy }) => energy)).to.deep.equal([0n, 0n]);
    const closed = bill(readingsOf(dead), basisOf(dead, true));
    // The kWh that it sold is bought from the utility at 80_000e-6 $.
    expect(closed.lines.map(({ energy }) => energy)).to.deep.equal([0n, -80_000_000n]);
  });

  it("nobody gains by not answering a call, wherever the prices stand that are taken", () => {
    const call = fc.constantFrom(-900, -1, 1, 900);
    fc.assert(
      fc.property(day, call, fc.integer({ min: 0, max: 900 }), (given, calledWh, missing) => {
        const one = { ...small(), prices: given.prices, multiple: given.multiple };
        const of = (called: number, moved: number): bigint => {
          const [first, second] = one.homes;
          const home = { ...first, calledWh: [called, 0, 0], meteredWh: [1000 + moved, -1000, 0] };
          const { lines } = bill(readingsOf({ ...one, homes: [home, second] }), basisOf(one, true));
          return lines[0].energy - lines[0].penalty;
        };
        // No more than it had without the call, and the price of what it moved: not even without a fine.
        const moved = Math.sign(calledWh) * Math.max(0, Math.abs(calledWh) - missing);
        const worth = BigInt(moved) * BigInt(given.prices[0].responsePrice);
        expect(of(calledWh, moved) <= of(0, 0) + worth).to.equal(true);
      }),
      { numRuns: 300, seed: 12 },
    );
  });

  it("sells missing allowances from the desk and says what they cost", () => {
    const given = small();
    const homes = given.homes.map((one, k) => ({ ...one, emissionsG: 500, grams: k === 0 ? 500n : 100n }));
    const made = bill(readingsOf({ ...given, homes }), basisOf(given, true));
    const { entries, allowances, burned } = enter(made, "final", debitableOf({ ...given, homes }));
    expect(allowances).to.deep.equal([0n, 400n * 30_000n]);
    expect(burned).to.equal(1000n);
    expect(entries.map(({ grams }) => grams)).to.deep.equal([-500n, -100n, 0n, -400n, 0n]);
    expect(entries.map(({ nano }) => nano)).to.deep.equal([0n, -12_000_000n, 0n, 12_000_000n, 0n]);
  });

  const spoilt: readonly [predicate: string, change: (readings: SessionReadings) => SessionReadings][] = [
    ["rowsNotAscending(1)", (r) => ({ ...r, rows: [r.rows[0], { ...r.rows[1], id: 10 }] })],
    ["noConnection(99)", (r) => ({ ...r, rows: [r.rows[0], { ...r.rows[1], id: 99 }] })],
    ["emissionsBeyondConnection(20)", (r) => ({ ...r, rows: [r.rows[0], { ...r.rows[1], emissionsG: 60_001 }] })],
    ["unknownQuality(20, 1)", (r) => withValue(r, { quality: 3 })],
    ["missingWithEnergy(20, 1)", (r) => withValue(r, { quality: 2 })],
    ["meteredBeyondConnection(20, 1)", (r) => withValue(r, { meteredWh: -5001 })],
    ["meteredBeyondConnection(20, 1)", (r) => withValue(r, { meteredWh: 5001 })],
    ["renewableBeyondConnection(20, 1)", (r) => withValue(r, { renewableWh: 3001 })],
    ["responsesNotAscending(1)", (r) => ({ ...r, responses: [response(1, 1), response(1, 1)] })],
    ["responsesNotAscending(1)", (r) => ({ ...r, responses: [response(1, 0), response(0, 2)] })],
    ["pricesOutOfOrder(1)", (r) => withPrice(r, { responsePrice: 80_001 })],
    ["pricesOutOfOrder(1)", (r) => withPrice(r, { responsePrice: 19_999 })],
    ["priceBeyondTerms(1)", (r) => withPrice(r, { shortPrice: 400_001 })],
    ["unknownReading(0)", (r) => ({ ...r, responses: [response(2, 0)] })],
    ["unknownReading(0)", (r) => ({ ...r, responses: [response(0, 3)] })],
  ];
  const response = (row: number, period: number) => ({ row, period, calledWh: 1, undeliveredW: 0, price: 0 });
  function withPrice(readings: SessionReadings, change: object): SessionReadings {
    return { ...readings, prices: readings.prices.map((one, t) => (t === 1 ? { ...one, ...change } : one)) };
  }
  function withValue(readings: SessionReadings, change: object): SessionReadings {
    const [first, second] = readings.rows;
    const values = second.values.map((value, t) => (t === 1 ? { ...value, ...change } : value));
    return { ...readings, rows: [first, { ...second, values }] };
  }
  for (const [predicate, change] of spoilt)
    it(`refuses ${predicate}, and nothing at the bound`, () => {
      const given = small();
      const found = attempt(() => bill(change(readingsOf(given)), basisOf(given, true)));
      expect("kind" in found && `${found.predicate}(${found.detail.join(", ")})`).to.equal(predicate);
      const most = withValue(readingsOf(given), { meteredWh: -5000, renewableWh: 3000 });
      const rows = [{ ...most.rows[0], emissionsG: 60_000 }, most.rows[1]];
      expect(attempt(() => bill({ ...most, rows }, basisOf(given, true)))).not.to.have.property("kind");
      for (const ends of [{ responsePrice: 80_000 }, { responsePrice: 20_000 }, { shortPrice: MOST_PRICE }])
        expect(attempt(() => bill(withPrice(most, ends), basisOf(given, true)))).not.to.have.property("kind");
    });

  it("refuses another entry's rows", () => {
    const one: Bill = bill(readingsOf(small()), basisOf(small(), true));
    const fewer = { ...one, lines: one.lines.slice(1) };
    expect(() => subtract(one, fewer, "final")).to.throw("rowsChanged(2)");
    const others = { ...one, lines: one.lines.map((line) => ({ ...line, id: line.id + 1 })) };
    expect(() => subtract(one, others, "final")).to.throw("rowsChanged(0)");
  });
});

describe("the bytes of readings", () => {
  it("come back as they were, and no other length is taken", () => {
    fc.assert(
      fc.property(day, (given) => {
        const readings = readingsOf(given);
        const bytes = encodeReadings(readings);
        expect(decodeReadings(bytes, H)).to.deep.equal(readings);
        for (const length of [0, 4, bytes.length - 1, bytes.length + 1]) {
          const cut = new Uint8Array(length);
          cut.set(bytes.subarray(0, length));
          expect(() => decodeReadings(cut, H)).to.throw("readingsLength");
        }
      }),
      { numRuns: 100, seed: 11 },
    );
    const [row] = readingsOf(fc.sample(day, { numRuns: 1, seed: 1 })[0]).rows;
    const rows = [{ ...row, emissionsG: 2 ** 32 }];
    expect(() => encodeReadings({ allowancePrice: 0, prices: Array(H).fill(prices), rows, responses: [] })).to.throw(
      "emissionsG: 4294967296",
    );
  });
  const prices = { shortPrice: 0, longPrice: 0, responsePrice: 0 };

  it("are a tree of rows, and an entry's commitment", () => {
    const rows = [1, 2, 3].map((id) => ({ id, released: 0, emissionsG: 0, values: [] }));
    const bytes = encodeReadings({ allowancePrice: 0, prices: [], rows, responses: [] });
    const leaves = rowBytes(bytes, 0).map((row) => keccak256(row));
    const pair = (a: string, b: string): string =>
      keccak256(
        `0x${[a, b]
          .sort()
          .map((one) => one.slice(2))
          .join("")}`,
      );
    expect(rowsRoot(bytes, 0)).to.equal(pair(pair(leaves[0], leaves[1]), leaves[2]));
    expect(rowsRoot(encodeReadings({ allowancePrice: 0, prices: [], rows: [], responses: [] }), 0)).to.match(
      /^0x0{64}$/,
    );
    const batch = keccak256("0x01");
    const address = `0x${"11".repeat(20)}`;
    const word = (text: string): string => text.slice(2).padStart(64, "0");
    expect(entryCommitment(batch, bytes, 0, address)).to.equal(
      keccak256(`0x${[batch, keccak256(bytes), rowsRoot(bytes, 0), address].map(word).join("")}`),
    );
    expect(reasonHash("late file")).to.equal(keccak256(toUtf8Bytes("late file")));
  });

  it("are signed by meters, each its own values", async () => {
    const key = new Wallet(keccak256(toUtf8Bytes("meter")));
    const domain = deliveryDomain(31337n, `0x${"22".repeat(20)}`);
    const reading = { prosumer: 7, start: 3600, seconds: 900, renewableWh: 5, quality: "estimated" as const };
    const signed = meterReadings(
      [
        { ...reading, meteredWh: -2 },
        { ...reading, start: 4500, meteredWh: 3, quality: "measured" },
      ],
      1,
    );
    expect(Buffer.from(signed.values).toString("hex")).to.equal("fffffffe40000005" + "0000000300000005");
    const signature = await key.signTypedData(domain, METER_READINGS_TYPES, signed);
    const digest = meterDigest(domain, signed);
    expect(signerOfText(digest, signature)).to.equal(key.address);
    expect(meterDigest(domain, { ...signed, number: 2 })).not.to.equal(digest);
    const other = { prosumer: 7, feedW: 1, takeW: 2, renewableW: 3, maxPrice: 4, nonce: 5n };
    expect(connectionDigest(domain, other)).not.to.equal(connectionDigest(domain, { ...other, nonce: 6n }));
    expect(metersHash([undefined])).to.equal(keccak256(new Uint8Array(96)));
    expect(metersHash([{ digest, signature }, undefined])).not.to.equal(metersHash([undefined, { digest, signature }]));
    expect(() =>
      meterReadings(
        [reading, reading].map((one) => ({ ...one, meteredWh: 0 })),
        1,
      ),
    ).to.throw("reading 1");
  });
});
