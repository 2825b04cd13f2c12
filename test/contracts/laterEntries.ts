/** What entries of one session come to together, where some cannot pay what they owe. */
import { expect } from "chai";
import type { Wallet } from "ethers";
import * as Chain from "../../offchain-solver/chain/deployment.ts";
import { DESK_ID as DESK, UTILITY_ID as UTILITY } from "../../offchain-solver/chain/onboarding.ts";
import { DELIVERY, MARKET } from "../../offchain-solver/codec/abi.ts";
import { decodeEntries } from "../../offchain-solver/codec/entries.ts";
import type { Row, SessionReadings } from "../../offchain-solver/codec/readings.ts";
import * as Ledger from "../../offchain-solver/ledger/delivery.ts";
import { INSURANCE_ID as FUND } from "../../offchain-solver/ledger/posting.ts";
import { generator } from "../support/batches.ts";
import { as, held, owner } from "../support/calls.ts";
import {
  deliver,
  delivery,
  type Entered,
  HOME,
  metered,
  movedBy,
  NONE,
  readingsOf,
  registerFund,
  type SettledSession,
} from "../support/delivered.ts";
import { DAY, HOUR, type Traded, tradedSession, WHY } from "../support/tradedSession.ts";
import type { World } from "../support/world.ts";

const KINDS = [
  ...Array<"provisional">(4).fill("provisional"),
  "final",
  "correction",
  "correction",
  "correction",
] as const;

for (const reference of [true, false]) {
  describe(`all entries of a session, ${reference ? "plain" : "optimised"}`, () => {
    let world: World;
    let session: SettledSession;
    let until: Traded["until"];

    /** Homes with so many dollars, an insurance fund with `fundNano`. */
    const start = async (dollars: number, fundNano: bigint): Promise<void> => {
      ({ world, session, until } = await tradedSession(reference, dollars));
      (world.wallets as Map<number, Wallet>).set(FUND, await registerFund(world, fundNano));
    };

    /** It leaves with all but nine cents. */
    const leave = async (id = 104): Promise<void> => {
      const leaving = as(world.contracts.market, await owner(world, id));
      await Chain.send(leaving, "requestWithdrawal", id, (await held(world, id)) / 1000n - 90_000n);
      await until(session.end + 4 * DAY);
      await Chain.send(world.contracts.market, "withdraw", id);
      expect((await held(world, id)) / 1000n).to.equal(90_000n);
    };

    const drawn = (k: number, wh: number) => (row: Row, of: number) =>
      of === k ? metered(row, 0, { meteredWh: row.values[0].dueWh + wh }) : row;

    it("threat: entries to and fro beside an account that cannot pay: nobody loses what no reading says", async () => {
      await start(4, 0n);
      await leave();
      // What 103 fed in too much is cut, since 104 cannot pay; then nobody did anything.
      const said = readingsOf(session, (row, k) => drawn(2, 4_000)(drawn(3, -1_500)(row, k), k));
      const nothing = readingsOf(session);
      const before = new Map(
        await Promise.all([102, 103, 104, UTILITY].map(async (id) => [id, await held(world, id)] as const)),
      );
      let last = await deliver(session, said);
      const lost = async (id: number): Promise<bigint> => before.get(id)! - (await held(world, id));
      expect(await lost(103))
        .to.be.below(0n)
        .and.above(-4_000n * 30_000n);
      for (const readings of [nothing, said, nothing, said, nothing]) {
        last = await deliver(session, readings, { kind: "correction", reason: WHY, before: last });
        expect((await lost(103)) <= 0n && (await lost(102)) === 0n).to.equal(true);
        expect(await lost(104)).to.be.at.least(0n);
      }
      for (const id of before.keys()) expect(await lost(id), `account ${id}`).to.equal(0n);
      expect(await delivery(world).arrearsOf(104)).to.equal(0n);
      expect(await delivery(world).unmovedOf(session.sequence)).to.deep.equal([]);
    });

    it("a correction refunds what was paid, and who had borne the rest, whatever was collected in between", async () => {
      await start(4, 50_000_000n);
      await leave();
      const deposited = await held(world, FUND);
      const wrong = await deliver(session, readingsOf(session, drawn(3, -2_000)));
      // 220 million are owed: 90 it has, 50 the fund has, and 80 are cut from the utility.
      expect(await delivery(world).arrearsOf(104)).to.equal(130_000_000n);
      await Chain.send(as(world.contracts.market, world.admin), "deposit", 104, 60_000n);
      await Chain.send(delivery(world), "collect", 104);
      expect(await held(world, FUND)).to.equal(60_000_000n);
      const entry = { kind: "correction", reason: WHY, before: wrong } as const;
      const moved = await movedBy(world, () => deliver(session, readingsOf(session), entry));
      expect(moved.get(104)).to.equal(150_000_000n);
      expect(moved.get(UTILITY)).to.equal(-140_000_000n);
      expect(await held(world, FUND)).to.equal(deposited);
      expect(await delivery(world).arrearsOf(104)).to.equal(0n);
    });

    /** Readings of which much is wrong; `poor`: more is fed in than drawn. */
    const drawnReadings = (random: (below: number) => number, poor: boolean) =>
      readingsOf(
        session,
        (row) => ({
          ...row,
          released: random(400),
          emissionsG: random(2) * random(30_000),
          values: row.values.map(({ dueWh }) => {
            const drawn = poor ? random(8_000) - 3_000 : random(13_000) - 8_000;
            const meteredWh = random(3) === 0 ? dueWh : drawn;
            return { dueWh, meteredWh, quality: 0, renewableWh: 0 };
          }),
        }),
        {
          allowancePrice: 40_000,
          responses: [{ row: 1, period: 1, calledWh: 100, undeliveredW: random(2) * 5_000, price: 9_000 }],
        },
      );

    const accounts = (): number[] => [...world.ids, DESK, UTILITY, FUND];
    const read = async <T>(of: (id: number) => Promise<T>): Promise<Map<number, T>> =>
      new Map(await Promise.all(accounts().map(async (id) => [id, await of(id)] as const)));
    const debitable = async (id: number) => {
      const [nano, grams] = await world.contracts.market.debitable(id);
      return { nano: nano as bigint, grams: grams as bigint };
    };

    /** By event: account and nano-dollars, in their order. */
    const eventsOf = async (hash: string) => {
      const events = new Map<string, [number, bigint][]>();
      const { logs } = (await world.provider.getTransactionReceipt(hash))!;
      const posted = logs.map((log) => MARKET.parseLog(log)).find((log) => log?.name === "Posted")!;
      for (const log of logs) {
        const { name, args } = DELIVERY.parseLog(log) ?? { name: "", args: undefined };
        if (args?.nano !== undefined) events.set(name, [...(events.get(name) ?? []), [Number(args.id), args.nano]]);
      }
      return { events, posted: decodeEntries(posted.args.getValue("entries")) };
    };

    type Course = { before: Entered; last?: Ledger.Bill; unmoved: Ledger.Unmoved };

    /** Enters these readings, and holds all that the chain has afterwards against the ledger. */
    const enterNext = async (course: Course, n: number, readings: SessionReadings): Promise<Ledger.Entered> => {
      const kind = KINDS[n];
      const basis = {
        ...{ periods: 2, periodSeconds: HOUR, closed: Ledger.closedBy(kind), multiple: 3, imbalancePrice: 120_000 },
        connections: new Map(world.ids.map((id) => [id, HOME])),
      };
      const bill = Ledger.bill(readings, basis);
      const moves = course.last === undefined ? bill : Ledger.subtract(bill, course.last, KINDS[n - 1]);
      const [can, owed] = [await read(debitable), await read((id) => delivery(world).arrearsOf(id) as Promise<bigint>)];
      const takenUp = Ledger.takeUp(course.unmoved, (id) => owed.get(id)!);
      const entered = Ledger.enter(moves, kind, (id) => can.get(id)!, takenUp);
      let hash = "";
      const moved = await movedBy(world, async () => {
        const options = { kind, before: course.before, ...(kind === "correction" && { reason: WHY }) };
        const made = await deliver(session, readings, options);
        [course.before, hash] = [made, made.hash];
      });
      const { events, posted } = await eventsOf(hash);
      expect(posted).to.deep.equal(entered.entries);
      expect(events.get("ArrearsTakenUp") ?? []).to.deep.equal([...takenUp.arrears]);
      expect(events.get("Arrears") ?? []).to.deep.equal([...entered.arrears]);
      for (const { id, nano } of entered.entries) expect(moved.get(id), `entry ${n}, ${id}`).to.equal(nano);
      const left = (await delivery(world).unmovedOf(session.sequence)) as bigint[];
      const named = left.map((nano, k) => [accounts()[k], nano]).filter(([, nano]) => nano !== 0n);
      expect(named).to.deep.equal([...entered.unmoved]);
      for (const id of accounts()) {
        const owes = owed.get(id)! - (takenUp.arrears.get(id) ?? 0n) + (entered.arrears.get(id) ?? 0n);
        expect(await delivery(world).arrearsOf(id)).to.equal(owes);
      }
      [course.last, course.unmoved] = [bill, entered.unmoved];
      return entered;
    };

    it("give back a penalty of which the fund has not enough left: who it was taken from bears the rest", async () => {
      await start(4, 0n);
      await until(session.end + HOUR);
      const course: Course = { before: NONE, unmoved: new Map() };
      const fined = (undeliveredW: number) =>
        readingsOf(session, (row) => row, {
          responses: [{ row: 1, period: 1, calledWh: 0, undeliveredW, price: 9_000 }],
        });
      await enterNext(course, 0, fined(5_000));
      expect(await held(world, FUND)).to.equal(135_000_000n);
      await leave(FUND);
      const { entries, byReceivers } = await enterNext(course, 1, fined(0));
      expect(byReceivers).to.equal(45_000_000n);
      expect(entries.find(({ id }) => id === 102)!.nano).to.equal(90_000_000n);
      expect(await held(world, FUND)).to.equal(0n);
    });

    it("cut receivers of the same alike, but for the nano-dollar that does not divide", async () => {
      await start(1, 0n);
      await until(session.end + HOUR);
      const course: Course = { before: NONE, unmoved: new Map() };
      let uneven = 0;
      for (const n of KINDS.keys()) {
        // 101 draws more each time than it can pay; the others feed in the same.
        const readings = readingsOf(session, (row, k) => {
          if (k > 0) return metered(row, 0, { meteredWh: row.values[0].dueWh + 1_000 + n });
          return metered(metered(row, 0, { meteredWh: -7_000 - 37 * n }), 1, { meteredWh: -7_000 });
        });
        const { entries } = await enterNext(course, n, readings);
        const received = entries.slice(1, 4).map(({ nano }) => nano);
        if (new Set(received).size > 1) uneven++;
        await Chain.send(as(world.contracts.market, world.admin), "deposit", 101, 12_345n);
      }
      expect(uneven).to.be.above(2);
    });

    it("are what the ledger says of each, accounts that cannot pay and what is collected of them included", async () => {
      let [short, taken, owing] = [0, 0, 0];
      for (const [seed, fund, poor] of [
        [5, 0n, false],
        [6, 700_000_000n, false],
        [7, 50_000_000n, true],
      ] as const) {
        await start(1, fund);
        const random = generator(seed);
        await until(session.end + HOUR);
        if (poor) await leave(UTILITY);
        const course: Course = { before: NONE, unmoved: new Map() };
        for (const n of KINDS.keys()) {
          const { arrears, takenUp } = await enterNext(course, n, drawnReadings(random, poor));
          short += arrears.size;
          taken += takenUp.arrears.size;
          if (arrears.has(UTILITY)) owing++;
          if (n % 3 !== 1) continue;
          for (const id of arrears.keys()) {
            await Chain.send(as(world.contracts.market, world.admin), "deposit", id, 100_000n);
            if (random(2) === 0) await Chain.send(delivery(world), "collect", id);
          }
        }
      }
      expect([short > 10, taken > 6, owing > 0]).to.deep.equal([true, true, true]);
    });
  });
}
