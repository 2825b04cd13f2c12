/** What becomes of a settled session: readings in, imbalance charged, as the ledger says. */
import { expect } from "chai";
import * as Chain from "../../offchain-solver/chain/deployment.ts";
import { encodeReadings, type Row } from "../../offchain-solver/codec/readings.ts";
import { attempt } from "../../offchain-solver/codec/refusal.ts";
import * as Ledger from "../../offchain-solver/ledger/delivery.ts";
import { INSURANCE_ID as FUND } from "../../offchain-solver/ledger/posting.ts";
import { generator } from "../support/batches.ts";
import { as, held, owner } from "../support/calls.ts";
import {
  connectionsAt,
  deliver,
  delivery,
  entryOf,
  HOME,
  metered,
  movedBy,
  NONE,
  positionWh,
  PRICES,
  readingsOf,
  type SettledSession,
} from "../support/delivered.ts";
import { DAY, HOUR, type Traded, tradedSession, WHY } from "../support/tradedSession.ts";
import { SYSTEM_IDS, type World } from "../support/world.ts";

const [DESK, , UTILITY] = SYSTEM_IDS;
const CLOSES = Chain.DELIVERY_WINDOWS.metering;

for (const reference of [true, false]) {
  describe(`delivery, ${reference ? "plain" : "optimised"}`, () => {
    let world: World;
    let session: SettledSession;
    let until: Traded["until"];
    let refusal: Traded["refusal"];
    const start = async (dollars = 100): Promise<void> => {
      ({ world, session, until, refusal } = await tradedSession(reference, dollars));
    };

    describe("what a session comes to", () => {
      beforeEach(() => start());

      it("moves nothing where everybody did as promised, and frees what was held at once", async () => {
        const { market } = world.contracts;
        await until(session.end + HOUR);
        expect(await market.holdOf(101)).to.equal(360_000_000n);
        const moved = await movedBy(world, () =>
          deliver(
            session,
            readingsOf(session, (row) => ({ ...row, released: 360 })),
          ),
        );
        expect([...moved.values()].every((nano) => nano === 0n)).to.equal(true);
        expect(await market.holdOf(101)).to.equal(0n);
      });

      it("charges what is short at the buy price, pays what is long at the sell price, and the utility is the other side", async () => {
        await until(session.end + HOUR);
        const readings = readingsOf(session, (row, k) => {
          if (k === 0) return metered(row, 0, { meteredWh: 1_500 });
          return k === 2 ? metered(row, 1, { meteredWh: -400 }) : row;
        });
        const moved = await movedBy(world, () => deliver(session, readings));
        // 500 Wh short at 0.11 $, 600 Wh not drawn at 0.03 $.
        expect(moved.get(101)).to.equal(-55_000_000n);
        expect(moved.get(103)).to.equal(18_000_000n);
        expect(moved.get(UTILITY)).to.equal(37_000_000n);
      });

      it("moves energy of reserve that was called, and penalises what was not delivered of it", async () => {
        await until(session.end + HOUR);
        const due = (row: Row, more: number): Row => {
          const { dueWh, meteredWh } = row.values[0];
          return metered(row, 0, { dueWh: dueWh + more, meteredWh: meteredWh + more });
        };
        // 101 gives 300 Wh for the error of 103; 200 W of what it had booked did not come.
        const readings = readingsOf(session, (row, k) => (k === 0 ? due(row, 300) : k === 2 ? due(row, -300) : row), {
          responses: [
            { row: 0, period: 0, calledWh: 300, undeliveredW: 200, price: 5_000 },
            { row: 2, period: 0, calledWh: -300, undeliveredW: 0, price: 0 },
          ],
        });
        const moved = await movedBy(world, () => deliver(session, readings));
        expect(moved.get(101)).to.equal(300n * 70_000n - 3n * 200n * 5_000n);
        expect(moved.get(103)).to.equal(-300n * 70_000n);
        expect(moved.get(FUND)).to.equal(3_000_000n);
        expect(moved.get(UTILITY)).to.equal(0n);
      });

      it("surrenders allowances for what was emitted, and buys of the desk what is lacking", async () => {
        await until(session.end + HOUR);
        const { market } = world.contracts;
        const before = (await market.account(DESK)).carbon;
        const all = await market.totalGrams();
        const readings = readingsOf(session, (row, k) => ({ ...row, emissionsG: [400, 1_700, 0, 0][k] }));
        const moved = await movedBy(world, () => deliver(session, readings));
        expect((await market.account(101)).carbon).to.equal(600n);
        expect((await market.account(102)).carbon).to.equal(0n);
        expect((await market.account(DESK)).carbon).to.equal(before - 700n);
        expect(all - (await market.totalGrams())).to.equal(2_100n);
        expect([moved.get(102), moved.get(DESK)]).to.deep.equal([-700n * 50_000n, 700n * 50_000n]);
      });

      it("threat: dead meter: nobody is charged before the values can come, then nothing is delivered that was sold", async () => {
        const dead = readingsOf(session, (row, k) =>
          k === 0 || k === 1 ? metered(row, 0, { meteredWh: 0, quality: 2 }) : row,
        );
        await until(session.end + HOUR);
        const early = await refusal(await entryOf(session, encodeReadings(dead)));
        expect(early).to.deep.equal({ predicate: "notMeasured", detail: [BigInt(session.end + CLOSES)] });
        let before = NONE;
        const first = await movedBy(world, async () => {
          before = await deliver(session, dead, { kind: "provisional" });
        });
        expect([...first.values()].every((nano) => nano === 0n)).to.equal(true);
        // Who leaves as soon as it can finds its money held, up to the second in which the meter can no longer speak
        // and for hours after it.
        const leaving = as(world.contracts.market, await owner(world, 101));
        await Chain.send(leaving, "requestWithdrawal", 101, (await held(world, 101)) / 1_000n);
        await until(session.end + CLOSES + 5 * HOUR);
        const last = await movedBy(world, () => deliver(session, dead, { before }));
        expect(await delivery(world).arrearsOf(101)).to.equal(0n);
        // 2 kWh sold are not delivered; who bought has taken them.
        expect(last.get(101)).to.equal(-220_000_000n);
        expect(last.get(102)).to.equal(0n);
      });

      it("threat: late file: a provisional entry, then the last value, which moves the difference alone", async () => {
        await until(session.end + HOUR);
        const guess = readingsOf(session, (row, k) =>
          k === 0 ? metered(row, 0, { meteredWh: 1_800, quality: 1 }) : row,
        );
        let before = NONE;
        const first = await movedBy(world, async () => {
          before = await deliver(session, guess, { kind: "provisional" });
        });
        expect(first.get(101)).to.equal(-22_000_000n);
        const read = readingsOf(session, (row, k) => (k === 0 ? metered(row, 0, { meteredWh: 1_700 }) : row));
        const second = await movedBy(world, () => deliver(session, read, { before }));
        expect(second.get(101)).to.equal(-11_000_000n);
      });

      it("threat: corrected file: a new entry with a reason moves the difference, whoever's seat has changed since", async () => {
        await until(session.end + HOUR);
        const wrong = readingsOf(session, (row, k) => (k === 0 ? metered(row, 1, { meteredWh: 600 }) : row));
        const before = await deliver(session, wrong);
        await until(session.end + 90 * DAY);
        const right = readingsOf(session, (row, k) => (k === 0 ? metered(row, 1, { meteredWh: 900 }) : row));
        const options = { kind: "correction", before } as const;
        const without = await refusal(await entryOf(session, encodeReadings(right), options));
        expect(without.predicate).to.equal("reasonMissing");
        const moved = await movedBy(world, () => deliver(session, right, { ...options, reason: WHY }));
        expect(moved.get(101)).to.equal(33_000_000n);
        expect((await delivery(world).delivered(session.sequence)).getValue("entries")).to.equal(2n);
      });

      it("counts an entry's rows as those of the entry before", async () => {
        await until(session.end + HOUR);
        const all = readingsOf(session);
        const of = (...ks: number[]) => encodeReadings({ ...all, rows: ks.map((k) => all.rows[k]) });
        const before = await deliver(session, of(0, 1, 2), { kind: "provisional" });
        const changed = (detail: bigint) => ({ predicate: "rowsChanged", detail: [detail] });
        expect(await refusal(await entryOf(session, of(1, 2), { before }))).to.deep.equal(changed(2n));
        expect(await refusal(await entryOf(session, of(0, 1, 2, 3), { before }))).to.deep.equal(changed(4n));
        expect(await refusal(await entryOf(session, of(0, 1, 3), { before }))).to.deep.equal(changed(2n));
      });

      it("takes a first entry that names none before it, and no connections of its own choice", async () => {
        await until(session.end + HOUR);
        const bytes = encodeReadings(readingsOf(session));
        const [posting, readings, , ...attested] = await entryOf(session, bytes);
        const predicate = "notPrevious";
        expect((await refusal([posting, readings, bytes, ...attested])).predicate).to.equal(predicate);
        const connections = await connectionsAt(world);
        expect((await refusal(await entryOf(session, bytes, { posted: { connections } }))).predicate).to.equal(
          predicate,
        );
        await deliver(session, bytes);
      });
    });

    it("is what the ledger in TypeScript says, entry by entry", async () => {
      await start(6);
      await until(session.end + HOUR);
      const random = generator(2_121);
      const connections = new Map(world.ids.map((id) => [id, HOME]));
      let before = NONE;
      let last: Ledger.Bill | undefined;
      const kinds = ["provisional", "provisional", "final", "correction", "correction"] as const;
      for (const [n, kind] of kinds.entries()) {
        const readings = readingsOf(
          session,
          (row, k) => ({
            ...row,
            released: random(400),
            emissionsG: random(2) * random(3_000),
            values: row.values.map(({ dueWh }) => {
              const quality = kind === "final" ? 0 : random(3);
              const meteredWh = quality === 2 ? 0 : random(13_000) - 8_000;
              return { dueWh, meteredWh, quality, renewableWh: quality === 2 ? 0 : random(6_000) };
            }),
            id: world.ids[k],
          }),
          { responses: [{ row: 1, period: 1, calledWh: random(900) - 450, undeliveredW: random(500), price: 9_000 }] },
        );
        const basis = {
          periods: 2,
          periodSeconds: HOUR,
          closed: Ledger.closedBy(kind),
          multiple: 3,
          imbalancePrice: 120_000,
          connections,
        };
        const bill = attempt(() => Ledger.bill(readings, basis)) as Ledger.Bill;
        const was = n === 0 ? "none" : kinds[n - 1];
        const moves = last === undefined ? bill : Ledger.subtract(bill, last, was);
        last = bill;
        const can = new Map<number, { nano: bigint; grams: bigint }>();
        for (const id of [...world.ids, FUND, DESK, UTILITY]) {
          const [nano, grams] = await world.contracts.market.debitable(id);
          can.set(id, { nano, grams });
        }
        const entered = Ledger.enter(moves, kind, (id) => can.get(id) as { nano: bigint; grams: bigint });
        const moved = await movedBy(world, async () => {
          before = await deliver(session, readings, { kind, before, ...(kind === "correction" && { reason: WHY }) });
        });
        for (const { id, nano } of entered.entries) expect(moved.get(id), `entry ${n}, ${id}`).to.equal(nano);
        expect(await delivery(world).commitment(session.sequence)).to.equal(before.commitment);
      }
      expect(positionWh(session, 0, 0)).to.equal(2_000);
      expect(PRICES.shortPrice).to.equal(110_000);
    });
  });
}
