/** What goes wrong between a promise and its meter: the others are paid, and the loss is where the rules say. */
import { expect } from "chai";
import { keccak256 } from "ethers";
import * as Chain from "../../offchain-solver/chain/deployment.ts";
import { encodeReadings, type Row } from "../../offchain-solver/codec/readings.ts";
import { INSURANCE_ID } from "../../offchain-solver/ledger/posting.ts";
import { as, held, owner, proof, refused } from "../support/calls.ts";
import {
  deliver,
  delivery,
  entryOf,
  HOME,
  metered,
  movedBy,
  NONE,
  readingsOf,
  registerFund,
  type SettledSession,
  time,
} from "../support/delivered.ts";
import { wallet } from "../support/keys.ts";
import { DAY, HOUR, tradedSession, WHY } from "../support/tradedSession.ts";
import { refusalOf, SYSTEM_IDS, type World } from "../support/world.ts";

const UTILITY = SYSTEM_IDS[2];

for (const reference of [true, false]) {
  describe(`after the promise, ${reference ? "plain" : "optimised"} delivery`, () => {
    let world: World;
    let session: SettledSession;
    const start = async (dollars = 100, participants?: readonly number[]): Promise<void> => {
      const traded = await tradedSession(reference, dollars, participants);
      ({ world, session } = traded);
      await traded.until(session.end + HOUR);
    };

    it("bills a home that was left out at the utility's prices from its meter, and nobody else for it", async () => {
      await start(100, [101, 102, 103]);
      const home: Row = {
        id: 104,
        released: 0,
        emissionsG: 300,
        values: [-700, 400].map((meteredWh) => ({ dueWh: 0, meteredWh, quality: 0, renewableWh: 0 })),
      };
      const readings = readingsOf(session);
      const moved = await movedBy(world, () => deliver(session, { ...readings, rows: [...readings.rows, home] }));
      // 0.7 kWh at 0.11 $ less 0.4 kWh at 0.03 $; its emissions from its own allowances.
      expect(moved.get(104)).to.equal(-77_000_000n + 12_000_000n);
      expect(moved.get(UTILITY)).to.equal(65_000_000n);
      expect([101, 102, 103].map((id) => moved.get(id))).to.deep.equal([0n, 0n, 0n]);
      expect((await world.contracts.market.account(104)).carbon).to.equal(700n);
    });

    it("threat: over-reporting meter: paid at the long price, by the utility alone, until a correction takes it back", async () => {
      await start();
      const lie = readingsOf(session, (row, k) => (k === 3 ? metered(row, 0, { meteredWh: HOME.feedW }) : row));
      let before = NONE;
      const gained = await movedBy(world, async () => {
        before = await deliver(session, lie);
      });
      expect(gained.get(104)).to.equal(BigInt(HOME.feedW) * 30_000n);
      expect(gained.get(UTILITY)).to.equal(-BigInt(HOME.feedW) * 30_000n);
      expect([101, 102, 103].map((id) => gained.get(id))).to.deep.equal([0n, 0n, 0n]);
      // One Wh more than the connection is no entry, whoever signs it.
      const more = readingsOf(session, (row, k) => (k === 3 ? metered(row, 1, { meteredWh: HOME.feedW + 1 }) : row));
      const correction = { kind: "correction", before, reason: WHY } as const;
      const args = await entryOf(session, encodeReadings(more), correction);
      const sent = delivery(world)
        .getFunction("deliver")
        .staticCall(...args);
      expect((await refusalOf(delivery(world), sent)).predicate).to.equal("meteredBeyondConnection");
      const back = await movedBy(world, () => deliver(session, readingsOf(session), correction));
      expect(back.get(104)).to.equal(-BigInt(HOME.feedW) * 30_000n);
    });

    it("a meter replaced in mid-day leaves a gap that is nobody's loss until no value can come any more", async () => {
      await start();
      const { registry } = world.contracts;
      const fresh = wallet("meter", 7_777);
      const holder = await owner(world, 101);
      const shown = await proof(world, "meter", fresh, { prosumer: 101, wallet: holder.address, rotation: 1n });
      await Chain.send(registry, "rotateMeterKey", 101, fresh.address, shown);
      // The old meter has the first hour; the second is on neither.
      const gap = readingsOf(session, (row, k) => (k === 0 ? metered(row, 1, { meteredWh: 0, quality: 2 }) : row));
      const files = { meters: keccak256(fresh.address) };
      let before = NONE;
      const first = await movedBy(world, async () => {
        const options = { kind: "provisional", signed: files, posted: files } as const;
        before = await deliver(session, gap, options);
      });
      expect([...first.values()].every((nano) => nano === 0n)).to.equal(true);
      // The new one's register says that half of it was delivered.
      const read = readingsOf(session, (row, k) => (k === 0 ? metered(row, 1, { meteredWh: 500, quality: 1 }) : row));
      await time(world).increaseTo(session.end + 2 * DAY);
      const moved = await movedBy(world, () => deliver(session, read, { before }));
      expect(moved.get(101)).to.equal(-500n * 110_000n);
      expect(moved.get(102)).to.equal(0n);
    });

    it("a member who has moved out pays what it left behind; the rest is the fund's, and the others are paid", async () => {
      await start(1);
      const { market, registry } = world.contracts;
      await registerFund(world, 5_000_000_000n);
      // Once its sale is free it leaves with all but nine cents, and the account changes hands.
      const leaving = as(market, await owner(world, 104));
      await Chain.send(leaving, "requestWithdrawal", 104, 990_000n);
      await time(world).increase(3 * DAY);
      await Chain.send(market, "withdraw", 104);
      const heir = wallet("wallet", 4_104);
      await Chain.send(as(registry, await owner(world, 104)), "rotateWallet", 104, heir.address);
      const readings = readingsOf(session, (row, k) => {
        if (k === 3) return metered(row, 0, { meteredWh: -2_000 });
        return k === 2 ? metered(row, 1, { meteredWh: -500 }) : row;
      });
      const moved = await movedBy(world, () => deliver(session, readings));
      expect(moved.get(104)).to.equal(-90_000_000n);
      expect(moved.get(103)).to.equal(15_000_000n);
      expect(moved.get(INSURANCE_ID)).to.equal(-130_000_000n);
      expect(moved.get(UTILITY)).to.equal(205_000_000n);
      expect(await delivery(world).arrearsOf(104)).to.equal(130_000_000n);
      // Whoever has the account now owes it, and what comes in goes to the fund first.
      await Chain.send(as(market, world.admin), "deposit", 104, 300_000n);
      const paid = await movedBy(world, () => Chain.send(delivery(world), "collect", 104));
      expect([paid.get(104), paid.get(INSURANCE_ID)]).to.deep.equal([-130_000_000n, 130_000_000n]);
      expect(await refused(delivery(world), "collect", 104)).to.equal("noArrears");
      expect(await held(world, 104)).to.equal(170_000_000n);
    });

    it("what energy and penalties take over all entries is within the connection, and allowances cost as much at most besides", async () => {
      await start();
      const most = (await delivery(world).mostCharge(101, HOUR, 2)) as bigint;
      const before = await held(world, 101);
      // First its emissions alone, at the dearest allowance, for grams that it has not; then all that energy can take.
      const gross = { allowancePrice: 0xffffff };
      const emitting = readingsOf(session, (row, k) => (k === 0 ? { ...row, emissionsG: 52_000 } : row), gross);
      const first = await deliver(session, emitting, { kind: "provisional" });
      expect(before - (await held(world, 101)) <= most).to.equal(true);
      const responses = [{ row: 0, period: 0, calledWh: 0, undeliveredW: 2 ** 32 - 1, price: 0xffffff }];
      const fined = readingsOf(session, (row, k) => (k === 0 ? { ...row, emissionsG: 52_000 } : row), {
        ...gross,
        responses,
      });
      await deliver(session, fined, { before: first });
      const lost = before - (await held(world, 101));
      expect(lost > most && lost <= 2n * most, String(lost)).to.equal(true);
      expect((await held(world, 101)) >= 0n).to.equal(true);
    });
  });
}
