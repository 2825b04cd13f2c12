/** An auditor's charges beside the ledger's, which were written apart: the same on random readings, whoever can pay. */
import { expect } from "chai";
import type { SessionReadings } from "../codec/readings.ts";
import { attempt } from "../codec/refusal.ts";
import * as Ledger from "../ledger/delivery.ts";
import * as Charges from "./charges.ts";

/** Whole numbers below `below`, the same from run to run. */
function drawing(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const PERIODS = 3;
const IDS = [3, 7, 8, 21];

/** Most that a kWh costs that is short. */
const MOST = 350_000;

type Draw = (below: number) => number;
const limitsOf = (draw: Draw): Map<number, Charges.Limits> =>
  new Map(
    IDS.map((id) => [
      id,
      { feedW: draw(9_000), takeW: 500 + draw(9_000), renewableW: draw(8_000), maxPrice: draw(3) * 150_000 },
    ]),
  );

function drawn(draw: Draw, limits: ReadonlyMap<number, Charges.Limits>, wrong: boolean): SessionReadings {
  const signed = (most: number): number => draw(2 * most + 1) - most;
  const rows = IDS.map((id) => ({
    id,
    released: draw(5_000),
    emissionsG: draw(4_000),
    values: Array.from({ length: PERIODS }, () => {
      const { feedW, takeW, renewableW } = limits.get(id)!;
      const quality = draw(3);
      if (quality === 2) return { dueWh: signed(4_000), meteredWh: 0, quality, renewableWh: 0 };
      const meteredWh = draw(feedW + takeW + 1) - takeW;
      return { dueWh: signed(4_000), meteredWh, quality, renewableWh: draw(renewableW + 1) };
    }),
  }));
  if (wrong) {
    const value = rows[draw(IDS.length)].values[draw(PERIODS)];
    Object.assign(
      value,
      [{ meteredWh: 20_000 }, { meteredWh: -20_000 }, { renewableWh: 9_999 }, { quality: 3 }][draw(4)],
    );
  }
  const responses = rows.flatMap((_, row) =>
    Array.from({ length: PERIODS }, (__, period) => period)
      .filter(() => draw(3) === 0)
      .map((period) => ({ row, period, calledWh: signed(900), undeliveredW: draw(700), price: draw(40_000) })),
  );
  const price = (): number => draw(MOST + 50_001) - 50_000;
  const prices = Array.from({ length: PERIODS }, () => {
    const three = [price(), price(), price()];
    const [longPrice, responsePrice, shortPrice] = three.toSorted((a, b) => a - b);
    return { shortPrice, longPrice, responsePrice };
  });
  if (wrong && draw(2) === 0) {
    const one = prices[draw(PERIODS)];
    const { shortPrice, longPrice } = one;
    const spoilt = [{ responsePrice: shortPrice + 1 }, { responsePrice: longPrice - 1 }, { shortPrice: MOST + 1 }];
    Object.assign(one, spoilt[draw(3)]);
  }
  return { allowancePrice: draw(90_000), prices, rows, responses };
}

describe("what an entry moves, made twice", () => {
  it("is the same to the last unit on 400 random entries and corrections, and so is what is refused", () => {
    const draw = drawing(20);
    let [cut, refused] = [0, 0];
    for (let k = 0; k < 400; k++) {
      const limits = limitsOf(draw);
      const [first, second] = [drawn(draw, limits, false), drawn(draw, limits, draw(10) === 0)];
      const basis = { periods: PERIODS, periodSeconds: 3_600, multiple: 3, imbalancePrice: MOST, connections: limits };
      const terms = { periods: PERIODS, periodSeconds: 3_600, multiple: 3n, imbalancePrice: MOST, limits };
      const was = draw(2) === 0 ? "provisional" : "final";
      const theirs = Charges.chargesOf(second, terms, true);
      const ours = attempt(() => Ledger.bill(second, { ...basis, closed: true }));
      if (Charges.isFault(theirs)) {
        expect("kind" in ours && ours.predicate).to.equal(theirs.predicate);
        refused++;
        continue;
      }
      if ("kind" in ours) throw new Error(ours.predicate);
      const old = Charges.chargesOf(first, terms, was === "final") as Charges.Charge[];
      const moving = Charges.difference(theirs, old, was === "final") as Charges.Charge[];
      const before = Ledger.bill(first, { ...basis, closed: was === "final" });
      const due = Ledger.subtract(ours, before, was);
      const poor = new Map(
        [...IDS, Charges.FUND, Charges.DESK, Charges.UTILITY].map((id) => [id, BigInt(draw(5)) ** 12n * 100n]),
      );
      const free = (id: number) => ({ nano: poor.get(id)!, grams: BigInt(draw(1) + (id % 5) * 300) });
      // What the entry before left of somebody, as a chain may have it: with arrears of other sessions beside it, or
      // with some of it collected since.
      const some = IDS.map((id) => [id, BigInt(draw(3) * (draw(2) - 1)) * 10n ** 9n] as const);
      const sum = some.reduce((all, [, nano]) => all + nano, 0n);
      const unmoved = new Map([...some, [Charges.FUND, -sum] as const].filter(([, nano]) => nano !== 0n));
      const arrears = new Map(IDS.map((id) => [id, BigInt(draw(4)) * 700_000_000n]));
      const resumed = Charges.resume(unmoved, arrears);
      const takenUp = Ledger.takeUp(unmoved, (id) => arrears.get(id)!);
      const made = Charges.movesOf(moving, second.allowancePrice, { final: true, free, left: resumed.left });
      const entered = Ledger.enter(due, "final", free, takenUp);
      expect(new Map(resumed.forgiven)).to.deep.equal(takenUp.arrears);
      expect(made.unmoved).to.deep.equal(entered.unmoved);
      for (const [id, nano] of takenUp.left) expect(resumed.left.get(id), `left of ${id}`).to.equal(nano);
      expect(made.moved, `draw ${k}`).to.deep.equal(entered.entries);
      expect([made.byFund, made.byReceivers]).to.deep.equal([entered.byFund, entered.byReceivers]);
      expect(new Map(made.arrears)).to.deep.equal(entered.arrears);
      if (made.byReceivers > 0n) cut++;
    }
    // Shortfalls that reach the receivers, and readings that no contract takes, are among them.
    expect(cut).to.be.above(50);
    expect(refused).to.be.above(10);
  });
});
