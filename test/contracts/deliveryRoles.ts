/** What one role, or one member, could do to entries and credits by itself. */
import { expect } from "chai";
import { concat, dataSlice, keccak256 } from "ethers";
import * as Chain from "../../offchain-solver/chain/deployment.ts";
import * as Onboarding from "../../offchain-solver/chain/onboarding.ts";
import { encodeReadings, rowBytes } from "../../offchain-solver/codec/readings.ts";
import { quorumOf } from "../../offchain-solver/codec/typedData.ts";
import { as, owner, proof, refused } from "../support/calls.ts";
import { CREDIT, DEVICE } from "../support/credit.ts";
import {
  connectHomes,
  credits,
  deliver,
  delivery,
  entryOf,
  readingsOf,
  rowOf,
  settleSession,
  time,
} from "../support/delivered.ts";
import { wallet } from "../support/keys.ts";
import { DAY, energy, HOUR, tradedSession } from "../support/tradedSession.ts";
import { createWorld, refusalOf, SYSTEM_IDS, type World } from "../support/world.ts";

const [DESK] = SYSTEM_IDS;
/** What there may be of allowances. */
const MOST_G = 2n ** 54n;
/** An account with a number that its operator likes. */
async function register(world: World, id: number): Promise<ReturnType<typeof wallet>> {
  const mine = wallet("wallet", 666);
  const keys = { nodeKey: wallet("node", 666), meterKey: wallet("meter", 666) };
  await Onboarding.register(world.deployment, world.admin, [{ id, wallet: mine.address, ...keys }]);
  return mine;
}

const pair = (a: string, b: string): string => concat([a, b].sort());

for (const reference of [false, true])
  describe(`one alone, ${reference ? "plain" : "optimised"}`, () => {
    for (const [periods, periodSeconds] of [
      [1, 3_600],
      [2, 3_600],
      [4, 900],
    ] as const)
      it(`threat: an inner node of the rows' tree is no row, of ${periods} periods: no credits, nothing contested`, async () => {
        const world = await createWorld({ prosumers: 4, grams: 5_000n, reference });
        await connectHomes(world);
        const session = await settleSession(world, [energy(0, 1, 0, 100)], periods, { periodSeconds });
        await time(world).increaseTo(session.end + HOUR);
        // Which of the nodes reads as a row is chance: what is released is varied until one does.
        for (let released = 0; ; released++) {
          const readings = readingsOf(session, (row, k) => (k === 3 ? { ...row, released } : row));
          const leaves = rowBytes(encodeReadings(readings), periods).map((row) => keccak256(row));
          const [left, right] = [pair(leaves[0], leaves[1]), pair(leaves[2], leaves[3])];
          const found = [
            [left, [keccak256(right)]] as const,
            [right, [keccak256(left)]] as const,
            [pair(keccak256(left), keccak256(right)), []] as const,
          ].find(([node]) => {
            const measured = Number(dataSlice(node, 44 + 4 * periods, 45 + 4 * periods)) >> 6 === 0;
            const id = Number(dataSlice(node, 0, 4));
            return measured && id > 0 && id < 0xfffffffc;
          });
          if (found === undefined) continue;
          const entered = await deliver(session, readings);
          const [node, path] = found;
          const id = Number(dataSlice(node, 0, 4));
          const mine = await register(world, id);
          (world.wallets as Map<number, typeof mine>).set(id, mine);
          const carbon = credits(world);
          await Chain.send(carbon, "defineAsset", { ...CREDIT, allowance: false });
          await Chain.send(carbon, "registerDevice", id, DEVICE);
          const [sequence, committed, row, own] = await rowOf(session, entered, 0);
          const theirs = as(delivery(world), await owner(world, id));
          expect(await refused(theirs, "contest", sequence, committed, node, path)).to.equal("notInTree");
          await time(world).increase(DAY);
          expect(await refused(delivery(world), "creditable", sequence, committed, node, path)).to.equal("notInTree");
          const claim = carbon.getFunction("issueCredits").staticCall(sequence, committed, node, path);
          expect((await refusalOf(delivery(world), claim)).predicate).to.equal("notInTree");
          await delivery(world).getFunction("creditable").staticCall(sequence, committed, row, own);
          return;
        }
      });

    it("threat: a member of the committee who changes its key undoes no signature of the others", async () => {
      const { world, session, until } = await tradedSession(reference);
      await until(session.end + 2 * DAY);
      const member = world.committee.at(-1)!;
      const bits = Array.from({ length: quorumOf(world.committee.length) }, (_, k) => k);
      expect(bits).not.to.include(world.committee.length - 1);
      const args = await entryOf(session, encodeReadings(readingsOf(session)), { bits });
      const holder = await owner(world, member);
      for (let k = 1; k <= 3; k++) {
        const fresh = wallet("node", 9_000 + k);
        const message = { prosumer: member, wallet: holder.address, rotation: BigInt(k) };
        const shown = await proof(world, "node", fresh, message);
        await Chain.send(as(world.contracts.registry, holder), "rotateNodeKey", member, fresh.address, shown);
        await delivery(world)
          .getFunction("deliver")
          .staticCall(...args);
      }
    });

    it("threat: the desk's wallet takes out what the desk has, and makes nothing", async () => {
      const { world, session, until } = await tradedSession(reference);
      await until(session.end + HOUR);
      const desk = as(credits(world), await owner(world, DESK));
      const { market } = world.contracts;
      for (const grams of [1n, 5_000n, MOST_G]) {
        const has = (await market.account(DESK)).carbon as bigint;
        const beyond = (has > 0n ? has : 0n) + grams;
        const attempt = desk.getFunction("withdrawAllowances").staticCall(DESK, beyond);
        expect((await refusalOf(market, attempt)).predicate).to.equal("gramsBeyondFree");
      }
      // What it has it takes.
      await Onboarding.issueAllowances(world.deployment, world.admin, new Map([[DESK, 5_000n]]));
      const has = (await market.account(DESK)).carbon as bigint;
      expect(has > 0n).to.equal(true);
      await Chain.send(desk, "withdrawAllowances", DESK, has);
      expect((await market.account(DESK)).carbon).to.equal(0n);
    });
  });
