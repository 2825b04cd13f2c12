/** Who attests readings, and when. */
import { expect } from "chai";
import { encodeReadings } from "../../offchain-solver/codec/readings.ts";
import { call, refused } from "../support/calls.ts";
import {
  connectionsAt,
  deliver,
  entryOf,
  metered,
  movedBy,
  NOBODY,
  NONE,
  readingsOf,
  type SettledSession,
  settleSession,
} from "../support/delivered.ts";
import { DAY, energy, HOUR, type Traded, tradedSession, WHY } from "../support/tradedSession.ts";
import { START, type World } from "../support/world.ts";

for (const reference of [true, false]) {
  describe(`attested readings, ${reference ? "plain" : "optimised"}`, () => {
    let world: World;
    let session: SettledSession;
    let until: Traded["until"];
    let refusal: Traded["refusal"];
    const start = async (dollars = 100): Promise<void> => {
      ({ world, session, until, refusal } = await tradedSession(reference, dollars));
    };

    describe("who attests, and when", () => {
      beforeEach(() => start());
      const bytes = () => encodeReadings(readingsOf(session));

      it("threat: a quorum less one: no entry", async () => {
        await until(session.end + HOUR);
        const few = await refusal(await entryOf(session, bytes(), { bits: [0, 1, 2] }));
        expect(few.predicate).to.equal("quorumNotReached");
      });

      it("threat: replay of readings over session, chain, contract, committee, kind and number of the entry", async () => {
        await until(session.end + HOUR);
        const other = `0x${"77".repeat(32)}`;
        const cases = [
          { signed: { batch: other } },
          { signed: { epoch: 99 } },
          { signed: { entry: 2 } },
          { signed: { previous: other } },
          { signed: { kind: 1 } },
          { signed: { readings: other } },
          { signed: { meters: other } },
          { signed: { reason: other } },
          { domain: { chainId: 1n } },
          { domain: { verifyingContract: world.deployment.market } },
        ];
        for (const one of cases) {
          // Of what is signed only: the call is the right one.
          const posted = { kind: 2, meters: `0x${"0".repeat(64)}`, reason: `0x${"0".repeat(64)}` };
          const { predicate } = await refusal(await entryOf(session, bytes(), { ...one, posted }));
          expect(predicate, JSON.stringify(Object.keys(one))).to.equal("badSignature");
        }
        const before = await deliver(session, readingsOf(session), { kind: "provisional" });
        // Signed for the first entry, sent as the second; then as what follows something else.
        const connections = await connectionsAt(world);
        const first = { kind: "provisional", posted: { connections } } as const;
        const [posting, readings, , signers, signatures] = await entryOf(session, bytes(), first);
        expect((await refusal([posting, readings, bytes(), signers, signatures])).predicate).to.equal("badSignature");
        const [second, , , ...attested] = await entryOf(session, bytes(), { before });
        const another = encodeReadings(readingsOf(session, (row) => ({ ...row, released: 1 })));
        expect((await refusal([second, bytes(), another, ...attested])).predicate).to.equal("notPrevious");
        // Once it is anchored nobody starts over, whatever is named as what came before.
        const over = await entryOf(session, bytes(), { before, posted: { connections: NOBODY } });
        expect((await refusal(over)).predicate).to.equal("noConnection");
      });

      it("takes no batch that did not settle, and no other terms than its own", async () => {
        await until(session.end + HOUR);
        for (const posted of [
          { bundle: `0x${"11".repeat(32)}` },
          { payload: `0x${"11".repeat(32)}` },
          { terms: { ...session.terms, periodSeconds: 900 } },
        ]) {
          const { predicate } = await refusal(await entryOf(session, bytes(), { posted }));
          expect(predicate).to.equal("unknownBatch");
        }
      });

      it("has kinds in their order and in their time", async () => {
        const as_ = async (kind: "provisional" | "final" | "correction", before = NONE, reason?: string) => {
          const args = await entryOf(session, bytes(), { kind, before, ...(reason && { reason }) });
          return refusal(args);
        };
        await until(session.end + HOUR - 2);
        expect(await as_("final")).to.deep.equal({
          predicate: "deliveryTooEarly",
          detail: [BigInt(session.end + HOUR)],
        });
        await until(session.end + HOUR);
        expect((await as_("correction", NONE, WHY)).predicate).to.equal("kindOutOfOrder");
        expect((await as_("final", NONE, WHY)).predicate).to.equal("reasonUnexpected");
        let before = NONE;
        for (let k = 0; k < 4; k++)
          before = await deliver(session, readingsOf(session), { kind: "provisional", before });
        expect(await as_("provisional", before)).to.deep.equal({ predicate: "tooManyEntries", detail: [4n] });
        before = await deliver(session, readingsOf(session), { before });
        expect((await as_("final", before)).predicate).to.equal("kindOutOfOrder");
        expect((await as_("provisional", before)).predicate).to.equal("kindOutOfOrder");
        for (let k = 0; k < 3; k++)
          before = await deliver(session, readingsOf(session), { kind: "correction", reason: WHY, before });
        expect(await as_("correction", before, WHY)).to.deep.equal({ predicate: "tooManyEntries", detail: [8n] });
      });

      it("ends when corrections end", async () => {
        await until(session.end + 400 * DAY + 1);
        expect(await refusal(await entryOf(session, bytes()))).to.deep.equal({
          predicate: "deliveryTooLate",
          detail: [BigInt(session.end + 400 * DAY)],
        });
      });

      it("takes a first entry once no more values come, however many hours were cleared ahead", async () => {
        const first = session;
        const closes = first.end + 42 * HOUR;
        // As many as there can be by then: the last begins two days later.
        for (let start = first.end; start <= closes + 2 * DAY; start += HOUR)
          await settleSession(world, [energy(0, 1, 0, 10)], 1, { start });
        await until(closes + DAY);
        const moved = await movedBy(world, () => deliver(first, readingsOf(first)));
        expect(moved.get(101)).to.equal(0n);
      });

      it("keeps a batch for corrections when the market has forgotten it", async () => {
        await until(session.end + HOUR);
        const before = await deliver(session, readingsOf(session), { kind: "provisional" });
        const first = session;
        for (let k = 0; k < 128; k++) {
          const at = START + 8 * HOUR + k * HOUR;
          // The last of those that are kept.
          if (k === 127) expect(await call(world.contracts.market, "batchAt", first.sequence)).to.equal(first.batch);
          await settleSession(world, [energy(0, 1, 0, 10)], 1, { start: at });
        }
        expect(await refused(world.contracts.market, "batchAt", first.sequence)).to.equal("batchNotKept");
        await until(first.end + 7 * DAY);
        const read = readingsOf(first, (row, k) => (k === 0 ? metered(row, 0, { meteredWh: 1_900 }) : row));
        const moved = await movedBy(world, () => deliver(first, read, { before }));
        expect(moved.get(101)).to.equal(-11_000_000n);
      });
    });
  });
}
