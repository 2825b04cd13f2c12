/** What an entry takes at most, as a session is refused that has longer ones: gas depends on the contracts alone. */
import { expect } from "chai";
import { getBytes } from "ethers";
import { entryBytes, entryGasBound } from "../../offchain-solver/codec/fits.ts";
import type { SessionReadings } from "../../offchain-solver/codec/readings.ts";
import { connectHomes, deliver, readingsOf, type SettledSession, settleSession } from "../support/delivered.ts";
import { energy, HOUR } from "../support/tradedSession.ts";
import { createWorld } from "../support/world.ts";

/** Of the two homes that trade: more in a quarter-hour than a narrow value holds. */
const LARGE = { feedW: 200_000, takeW: 200_000 };

/** Nothing is measured: every value estimated and off what is due, emissions that nobody has allowances for. */
const estimated = (session: SettledSession, up: boolean): SessionReadings =>
  readingsOf(session, (row) => ({
    ...row,
    emissionsG: up ? 300 : 100,
    values: row.values.map(({ dueWh }, t) => {
      const beside = (up ? 1 : -1) * (20 + ((7 * t) % 50));
      return { dueWh, meteredWh: dueWh + beside, quality: 1, renewableWh: t % 2 === 0 ? 60 : 0 };
    }),
  }));

describe("the longest entries", function () {
  this.timeout(600_000);

  for (const [prosumers, periods, periodSeconds, wide] of [
    [16, 96, 900, false],
    [16, 96, 900, true],
    [32, 24, 3_600, false],
  ] as const)
    it(`are no longer than is reckoned: ${prosumers} homes, ${periods} periods${wide ? ", wide" : ""}`, async () => {
      const world = await createWorld({ prosumers, committee: 16 });
      await connectHomes(world, (id) => (id <= 102 ? LARGE : {}));
      const trades = [energy(0, 1, 0, wide ? 40_000 : 1_000)];
      const session = await settleSession(world, trades, periods, { periodSeconds });
      await world.connection.networkHelpers.time.increaseTo(session.end + HOUR);
      let before = await deliver(session, estimated(session, true), { kind: "provisional" });
      for (const up of [false, true]) {
        const next = await deliver(session, estimated(session, up), { kind: "provisional", before });
        expect(Number(next.gas)).to.be.below(entryGasBound({ homes: prosumers, periods }));
        const sent = await world.provider.getTransaction(next.hash);
        const bytes = getBytes(sent!.data).length;
        // Beside the call data is the envelope; strings of bytes may need no padding.
        expect(entryBytes(session.result, { members: 16, homes: prosumers }) - bytes).to.be.within(160, 160 + 93);
        before = next;
      }
    });
});
