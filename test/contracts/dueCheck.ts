/** Whether readings are of their batch, asked of the chain: of whoever took part, and of homes that were left out. */
import { expect } from "chai";
import { encodeReadings, type Row } from "../../offchain-solver/codec/readings.ts";
import {
  deliver,
  delivery,
  type Entered,
  entryOf,
  metered,
  readingsOf,
  type SettledSession,
} from "../support/delivered.ts";
import { HOUR, tradedSession, WHY } from "../support/tradedSession.ts";

for (const reference of [true, false]) {
  describe(`due energy of a batch, ${reference ? "plain" : "optimised"}`, () => {
    const agrees = async (session: SettledSession, entered: Entered): Promise<boolean> => {
      const [posting] = await entryOf(session, entered.readings, { before: entered });
      return delivery(session.world).getFunction("checkDue").staticCall(posting, session.payload, entered.readings);
    };

    /** Of a home that was left out: nothing is due, and it draws. */
    const leftOut = (id: number): Row => {
      const value = { dueWh: 0, meteredWh: -300, quality: 0, renewableWh: 0 };
      return { id, released: 0, emissionsG: 0, values: [value, value] };
    };

    for (const [where, out] of [
      ["before the others", 101],
      ["behind them", 104],
      ["between them", 102],
    ] as const)
      it(`has nothing due of a home that was left out, whose row stands ${where}`, async () => {
        const participants = [101, 102, 103, 104].filter((id) => id !== out);
        const { session, until } = await tradedSession(reference, 100, participants);
        await until(session.end + HOUR);
        const own = readingsOf(session);
        const home = leftOut(out);
        const rowsWith = (row: Row) => [...own.rows, row].toSorted((a, b) => a.id - b.id);
        const entering = (row: Row) => encodeReadings({ ...own, rows: rowsWith(row) });
        const right = await deliver(session, entering(home));
        expect(await agrees(session, right)).to.equal(true);
        const wrong = await deliver(session, entering(metered(home, 1, { dueWh: 1 })), {
          ...{ kind: "correction", reason: WHY, before: right },
        });
        expect(await agrees(session, wrong)).to.equal(false);
      });

    it("has nothing due of a session that nobody takes part in", async () => {
      const { session, until } = await tradedSession(reference, 100, []);
      await until(session.end + HOUR);
      const entered = await deliver(session, { ...readingsOf(session), rows: [leftOut(103)] });
      expect(await agrees(session, entered)).to.equal(true);
    });
  });
}
