/**
 * What all entries of a session together take from an account and give it, where some cannot pay: added up here from
 * what each one moves, beside what the readings of each alone come to.
 */
import { expect } from "chai";
import fc from "fast-check";
import type { SessionReadings } from "../codec/readings.ts";
import { bill, DESK_ID, enter, subtract, takeUp, UTILITY_ID, type Basis, type Bill, type Unmoved } from "./delivery.ts";
import { INSURANCE_ID } from "./posting.ts";

const IDS = [101, 102, 103, 104];
const SYSTEMS = [INSURANCE_ID, DESK_ID, UTILITY_ID];
const ALL = [...IDS, ...SYSTEMS];
const CONNECTION = { feedW: 4_000, takeW: 6_000, renewableW: 4_000, maxPrice: 200_000 };
const BASIS: Basis = {
  ...{ periods: 1, periodSeconds: 3600, closed: true, multiple: 3, imbalancePrice: 150_000 },
  connections: new Map(IDS.map((id) => [id, CONNECTION])),
};
/** (feed + take) x price of an hour. */
const MOST = 10_000n * 200_000n;

/** What meters are said to have counted, Wh, and W that did not come of those called. */
type Said = { readonly wh: readonly number[]; readonly undeliveredW: number };

function readingsOf({ wh, undeliveredW }: Said): SessionReadings {
  return {
    allowancePrice: 0,
    prices: [{ shortPrice: 150_000, longPrice: 150_000, responsePrice: 150_000 }],
    rows: IDS.map((id, k) => ({
      ...{ id, released: 0, emissionsG: 0 },
      values: [{ dueWh: 0, meteredWh: wh[k], quality: 0, renewableWh: 0 }],
    })),
    responses: [{ row: 1, period: 0, calledWh: 0, undeliveredW, price: 20_000 }],
  };
}

/** Accounts, what each was moved so far, and what is owed, as a chain would keep them. */
class Books {
  readonly has: Map<number, bigint>;
  readonly moved = new Map(ALL.map((id) => [id, 0n]));
  readonly arrears = new Map<number, bigint>();
  #unmoved: Unmoved = new Map();
  #last: Bill | undefined;
  constructor(has: ReadonlyMap<number, bigint>) {
    this.has = new Map(has);
  }

  enter(said: Said): Bill {
    const made = bill(readingsOf(said), BASIS);
    const owed = (id: number): bigint => this.arrears.get(id) ?? 0n;
    const moving = this.#last ? subtract(made, this.#last, "correction") : made;
    const debitable = (id: number) => ({ nano: this.has.get(id)!, grams: 0n });
    const entered = enter(moving, "correction", debitable, takeUp(this.#unmoved, owed));
    for (const [id, nano] of entered.takenUp.arrears) this.arrears.set(id, owed(id) - nano);
    for (const [id, nano] of entered.arrears) this.arrears.set(id, owed(id) + nano);
    for (const { id, nano } of entered.entries) this.#move(id, nano);
    [this.#unmoved, this.#last] = [entered.unmoved, made];
    return made;
  }

  /** As anybody may: what an account owes, as far as it has it, into the fund. */
  collect(id: number): void {
    const [owed, has] = [this.arrears.get(id) ?? 0n, this.has.get(id)!];
    const nano = owed < has ? owed : has;
    this.arrears.set(id, owed - nano);
    this.#move(id, -nano);
    this.#move(INSURANCE_ID, nano);
  }

  #move(id: number, nano: bigint): void {
    this.has.set(id, this.has.get(id)! + nano);
    this.moved.set(id, this.moved.get(id)! + nano);
    if (this.has.get(id)! < 0n) throw new Error(`account ${id} is below zero`);
  }
}

const sum = (values: Iterable<bigint>): bigint => [...values].reduce((all, one) => all + one, 0n);
const nano = fc.constantFrom(0n, 30_000_000n, 400_000_000n, 10n ** 12n);
const said: fc.Arbitrary<Said> = fc.record({
  wh: fc.tuple(...IDS.map(() => fc.constantFrom(-6_000, -1_500, 0, 700, 4_000))),
  undeliveredW: fc.constantFrom(0, 0, 5_000),
});
const deposits = fc
  .tuple(...ALL.map(() => nano))
  .map((each) => new Map(ALL.map((id, k) => [id, each[k]])))
  .filter((has) => has.get(101) === 0n || has.get(104) === 0n);

/** What all of these readings would have moved at once, had everybody paid: the utility is beside energy. */
function dueBy({ lines }: Bill): Map<number, bigint> {
  const of = new Map(lines.map(({ id, energy, penalty }) => [id, energy - penalty]));
  of.set(INSURANCE_ID, sum(lines.map(({ penalty }) => penalty)));
  of.set(UTILITY_ID, -sum(lines.map(({ energy }) => energy)));
  return of.set(DESK_ID, 0n);
}

describe("all entries of a session together, where somebody cannot pay", () => {
  it("take from an account what the worst of them says, and give it what the best does, whatever is collected", () => {
    let short = 0;
    fc.assert(
      fc.property(deposits, fc.array(fc.tuple(said, fc.boolean()), { minLength: 2, maxLength: 8 }), (has, entries) => {
        const books = new Books(has);
        const low = new Map(ALL.map((id) => [id, 0n]));
        const high = new Map(low);
        for (const [one, collected] of entries) {
          for (const [id, due] of dueBy(books.enter(one))) {
            if (due < low.get(id)!) low.set(id, due);
            if (due > high.get(id)!) high.set(id, due);
          }
          short += books.arrears.size;
          for (const id of [...IDS, DESK_ID, UTILITY_ID]) {
            const moved = books.moved.get(id)!;
            expect(moved >= low.get(id)! && moved <= high.get(id)!, `account ${id}: ${moved}`).to.equal(true);
          }
          for (const id of IDS) expect(books.moved.get(id)! >= -MOST).to.equal(true);
          expect(sum(books.moved.values())).to.equal(0n);
          if (collected) for (const id of [...books.arrears.keys()]) books.collect(id);
        }
      }),
      { numRuns: 400, seed: 21 },
    );
    expect(short).to.be.above(400);
  });

  it("end where one entry with the last readings would have, once everybody can pay", () => {
    fc.assert(
      fc.property(deposits, fc.array(fc.tuple(said, fc.boolean()), { minLength: 1, maxLength: 6 }), (has, entries) => {
        const books = new Books(has);
        for (const [one, collected] of entries) {
          books.enter(one);
          if (collected) for (const id of [...books.arrears.keys()]) books.collect(id);
        }
        for (const id of ALL) books.has.set(id, 10n ** 15n);
        const last = entries.at(-1)![0];
        const due = dueBy(books.enter(last));
        for (const id of ALL) expect(books.moved.get(id), `account ${id}`).to.equal(due.get(id));
        expect([...books.arrears.values()].every((owed) => owed === 0n)).to.equal(true);
      }),
      { numRuns: 400, seed: 22 },
    );
  });
});
