/** What is shown of an entry is a row of its readings, as it was entered, narrow or wide. */
import { expect } from "chai";
import { encodeReadings, rowBytes } from "../../offchain-solver/codec/readings.ts";
import { refused } from "../support/calls.ts";
import { deliver, delivery, metered, readingsOf, rowOf, time } from "../support/delivered.ts";
import { DAY, HOUR, tradedSession } from "../support/tradedSession.ts";

for (const reference of [true, false]) {
  describe(`rows that are shown, ${reference ? "plain" : "optimised"}`, () => {
    it("are those that were entered: another value, another account's proof or none is refused", async () => {
      const { world, session, until } = await tradedSession(reference);
      await until(session.end + HOUR);
      const entered = await deliver(session, readingsOf(session));
      await time(world).increase(DAY);
      const [sequence, committed, row, proof] = await rowOf(session, entered, 2);
      await delivery(world).getFunction("creditable").staticCall(sequence, committed, row, proof);
      const altered = row.slice();
      altered[altered.length - 4] ^= 1;
      const [, , , others] = await rowOf(session, entered, 1);
      for (const [shown, by] of [
        [altered, proof],
        [row, others],
        [row, []],
        [row.slice(0, -1), proof],
      ] as const)
        expect(await refused(delivery(world), "creditable", sequence, committed, shown, by)).to.equal("notInTree");
    });

    it("have values of four bytes where one is too large for two", async () => {
      const { world, session, until } = await tradedSession(reference);
      await until(session.end + HOUR);
      const wide = readingsOf(session, (row, k) => (k === 0 ? metered(row, 0, { dueWh: 40_000 }) : row));
      const entered = await deliver(session, wide);
      await time(world).increase(DAY);
      const [sequence, committed, row, proof] = await rowOf(session, entered, 2);
      expect(row.length).to.be.above(rowBytes(encodeReadings(readingsOf(session)), 2)[2].length);
      await delivery(world).getFunction("creditable").staticCall(sequence, committed, row, proof);
    });
  });
}
