/** Everybody but one: operator, whole committee and every role, as fast as sessions can follow one another. */
import { expect } from "chai";
import { getBytes, type Log } from "ethers";
import * as Chain from "../../offchain-solver/chain/deployment.ts";
import * as Onboarding from "../../offchain-solver/chain/onboarding.ts";
import * as Session from "../../offchain-solver/chain/session.ts";
import * as Grid from "../../offchain-solver/codec/gridModel.ts";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import { decodeDeltas } from "../../offchain-solver/ledger/deltas.ts";
import { OPERATOR, SESSION_PERIOD, type Trade } from "../../offchain-solver/market/result/clearingResult.ts";
import { as, held, owner } from "../support/calls.ts";
import {
  BUNDLE,
  createWorld,
  freeze,
  type Frozen,
  lineGrid,
  refusalOf,
  sign,
  TERMS,
  type World,
} from "../support/world.ts";

const VICTIM = 101;
const DAY = 86_400;
const MIDNIGHT = 1_800_057_600;
const CAP = 10_000_000n;
const PERIODS = 2;
/** Half past midnight: half an hour of yesterday can still be traded. */
const NOW = MIDNIGHT + 1_800;

/** The victim buys dear in every period, is charged for it, has reserve both ways, and allowances: `share` of all. */
function plunder({ ids }: World, share: number): Uint8Array {
  const trades: Trade[] = [];
  const rows = [0, 1];
  const of = (most: number): number => Math.max(1, Math.floor(most * share));
  for (const period of rows) {
    const charge = { product: "network", period, quantity: of(1_000), price: 500_000 } as const;
    trades.push({ seller: OPERATOR, buyer: 0, ...charge }, { seller: OPERATOR, buyer: 1, ...charge });
  }
  for (const period of rows)
    trades.push({ seller: 1, buyer: 0, product: "energy", period, quantity: of(1_000), price: 1_500_000 });
  for (const period of rows) {
    trades.push({ seller: 0, buyer: 1, product: "reserve", period, quantity: of(400), price: -500_000 });
    trades.push({ seller: 1, buyer: 0, product: "reserve", period, quantity: of(400), price: 1_000_000 });
  }
  trades.push({
    seller: 1,
    buyer: 0,
    product: "carbon",
    period: SESSION_PERIOD,
    quantity: of(4_800_000),
    price: 1_000,
  });
  const reactiveVar = ids.map(() => rows.map(() => 0));
  return Payload.encode({ participants: ids, systems: 6, reactiveVar, trades }, PERIODS);
}

for (const reference of [true, false]) {
  describe(`everybody against one, ${reference ? "plain" : "optimised"} market`, () => {
    let world: World;
    before(async () => {
      const mandate = (id: number) => (id === VICTIM ? { maxSpendPerDay: CAP } : {});
      world = await createWorld({ prosumers: 4, dollars: 1_000, reference, mandate, clock: NOW - 3_600 });
      await world.connection.networkHelpers.time.increaseTo(NOW - 300);
    });
    const settle = async (frozen: Frozen, payload: Uint8Array): Promise<string> => {
      const signed = await sign(world, frozen, payload);
      const posted = Session.postAndSettle(world.deployment, world.admin, payload, BUNDLE, signed);
      return posted.then(
        () => "settled",
        async (error) => (await refusalOf(world.contracts.market, Promise.reject(error))).predicate,
      );
    };
    const open = (start: number): Promise<Frozen> =>
      freeze(world, PERIODS, { start, periodSeconds: 1_800, open: 60, imbalancePrice: 0xffffff });

    it("threat: every role and the whole committee at once: four days' caps before the victim looks, one session more after it", async () => {
      const { market } = world.contracts;
      const from = await world.provider.getBlockNumber();
      const before = await held(world, VICTIM);
      // Every role does its worst: any price, any feeder, grams for the asking.
      await Chain.send(market, "setPriceCap", 0x7ffffe);
      await Onboarding.addGridModel(world.deployment, world.admin, Grid.encode(lineGrid(world.ids, 6, 2n ** 40n - 1n)));
      await Chain.send(market, "issueAllowances", [102, VICTIM], [2n ** 50n, 2n ** 50n]);
      // Yesterday's last half hour, today, tomorrow, and the day after: a session on each takes the day's spend.
      const starts = [NOW - 3_600, NOW, MIDNIGHT + DAY, MIDNIGHT + 2 * DAY];
      for (const [k, start] of starts.entries()) {
        const frozen = await open(start);
        expect(await settle(frozen, plunder(world, 1.0001)), "more than the day's spend").to.equal("spendBeyondLock");
        if (k === 3) await Chain.send(as(market, await owner(world, VICTIM)), "revokeMandate", VICTIM);
        expect(await settle(frozen, plunder(world, 1))).to.equal("settled");
        // Half an hour after yesterday's session it is today.
        if (k === 0 || k === 3) continue;
        // The same day again: nothing is left of it.
        const again = await open(start + 3_600);
        expect(await settle(again, plunder(world, 1e-3))).to.equal("spendBeyondLock");
        await Chain.send(market, "cancelSession");
      }
      const terms = [MIDNIGHT + 2 * DAY + 3_600, 1_800, PERIODS, NOW, TERMS, 0] as const;
      const beyond = market.getFunction("freezeSession").staticCall(...terms);
      expect((await refusalOf(market, beyond)).predicate).to.equal("startOutOfRange");
      // It has revoked: nobody can freeze it again, whatever was signed before.
      await world.connection.networkHelpers.time.increaseTo(MIDNIGHT + 2 * DAY);
      const last = await open(MIDNIGHT + 3 * DAY);
      expect(last.leftOut).to.deep.equal([VICTIM]);
      expect(await settle(last, plunder(world, 1e-3))).to.equal("notLocked");

      // What it lost, from the events alone.
      let lost = 0n;
      const address = await market.getAddress();
      for (const log of await world.provider.getLogs({ address, fromBlock: from + 1 })) {
        const event = market.interface.parseLog(log as Log);
        if (event?.name !== "Settled") continue;
        const { data } = (await world.provider.getTransaction(log.transactionHash))!;
        const [payload] = market.interface.decodeFunctionData("settle", data);
        const deltas = decodeDeltas(getBytes(payload), getBytes(event.args.deltas));
        lost -= deltas.find(({ id }) => id === VICTIM)?.money ?? 0n;
      }
      expect(lost).to.equal(4n * CAP * 1_000n);
      expect(before - (await held(world, VICTIM))).to.equal(lost);
    });
  });
}
