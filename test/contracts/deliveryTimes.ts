/** Entries, contests and credits in the first and the last second in which they may be. */
import { expect } from "chai";
import * as Chain from "../../offchain-solver/chain/deployment.ts";
import { encodeReadings } from "../../offchain-solver/codec/readings.ts";
import { artifact } from "../support/artifacts.ts";
import { as, owner } from "../support/calls.ts";
import {
  deliver,
  delivery,
  entryOf,
  metered,
  readingsOf,
  rowOf,
  type SettledSession,
  time,
} from "../support/delivered.ts";
import { HOUR, type Traded, tradedSession, WHY } from "../support/tradedSession.ts";
import type { World } from "../support/world.ts";

const { metering, dispute, correction } = Chain.DELIVERY_WINDOWS;

for (const reference of [true, false]) {
  describe(`the seconds of a delivery, ${reference ? "plain" : "optimised"}`, () => {
    let world: World;
    let session: SettledSession;
    let refusal: Traded["refusal"];
    let until: Traded["until"];
    beforeEach(async () => {
      ({ world, session, refusal, until } = await tradedSession(reference));
    });
    /** The next block is of that second. */
    const at = (second: number): Promise<void> => time(world).setNextBlockTimestamp(second);

    it("has windows of no length, and of one that is the next one's", async () => {
      const { authority, market, registry } = world.deployment;
      const code = artifact(reference ? "ReferenceDelivery" : "Delivery");
      const windows = { ...Chain.DELIVERY_WINDOWS, grace: metering, correction: metering };
      const deployed = await Chain.deployCompiled(world.admin, code, authority, market, registry, windows);
      expect((await deployed.getFunction("windows").staticCall()).correction).to.equal(BigInt(metering));
    });

    it("takes a first entry from the grace's last second on, and one with missing values from the window's", async () => {
      await until(session.end + HOUR - 2);
      const dead = readingsOf(session, (row, k) => (k === 2 ? metered(row, 0, { meteredWh: 0, quality: 2 }) : row));
      await at(session.end + HOUR);
      const before = await deliver(session, dead, { kind: "provisional" });
      await until(session.end + metering - 2);
      const early = await refusal(await entryOf(session, encodeReadings(dead), { before }));
      expect(early.predicate).to.equal("notMeasured");
      await at(session.end + metering - 1);
      await deliver(session, dead, { kind: "provisional", before }).then(async (again) => {
        await at(session.end + metering);
        await deliver(session, dead, { before: again });
      });
      expect((await delivery(world).delivered(session.sequence)).kind).to.equal(2n);
    });

    it("takes a correction in the last second, and none after it", async () => {
      await until(session.end + HOUR);
      const before = await deliver(session, readingsOf(session));
      const later = { kind: "correction", reason: WHY } as const;
      await until(session.end + correction - 1);
      await at(session.end + correction);
      const last = await deliver(session, readingsOf(session), { ...later, before });
      await until(session.end + correction + 1);
      const late = await refusal(
        await entryOf(session, encodeReadings(readingsOf(session)), { ...later, before: last }),
      );
      expect(late.predicate).to.equal("deliveryTooLate");
    });

    it("takes a wallet's objection in the last second of the dispute, and holds credits back until its own end", async () => {
      await until(session.end + HOUR);
      const entered = await deliver(session, readingsOf(session));
      const lastAt = Number((await delivery(world).delivered(session.sequence)).lastAt);
      await until(lastAt + dispute - 5);
      const home = as(delivery(world), await owner(world, 102));
      await at(lastAt + dispute);
      await Chain.send(home, "contest", ...(await rowOf(session, entered, 1)));
      const { contestedUntil } = await delivery(world).delivered(session.sequence);
      expect(Number(contestedUntil)).to.equal(lastAt + dispute + metering);
      // Whoever asks, asks of the newest block's second.
      const claim = await rowOf(session, entered, 2);
      const creditable = async () =>
        delivery(world)
          .getFunction("creditable")
          .staticCall(...claim, { blockTag: "latest" })
          .then(
            () => true,
            () => false,
          );
      const seen: boolean[] = [];
      for (const second of [-1, 0]) {
        await time(world).increaseTo(Number(contestedUntil) + second);
        seen.push(await creditable());
      }
      expect(seen).to.deep.equal([false, true]);
    });
  });
}
