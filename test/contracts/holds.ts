/** Nobody is paid out before delivery: what was sold stays in the account until meters can tell. */
import { expect } from "chai";
import { type Contract, type JsonRpcApiProvider, toBeHex } from "ethers";
import { send } from "../../offchain-solver/chain/deployment.ts";
import * as Session from "../../offchain-solver/chain/session.ts";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import { settle } from "../../offchain-solver/ledger/settlementModel.ts";
import { OPERATOR, type Trade, UTILITY } from "../../offchain-solver/market/result/clearingResult.ts";
import { as, call, held, owner } from "../support/calls.ts";
import { BUNDLE, createWorld, freeze, START, SYSTEM_IDS, sign, type World } from "../support/world.ts";

const DAY = 86_400;
/** Midnight, on which an even number of days has passed. */
const MIDNIGHT = START - (START % (2 * DAY)) + 2 * DAY;
const METERING = 2 * DAY;
/** 1e-6 $ per kWh. */
const IMBALANCE = 120_000;
const energy = (seller: number, buyer: number, quantity: number, price: number): Trade => ({
  seller,
  buyer,
  product: "energy",
  period: 0,
  quantity,
  price,
});

for (const reference of [true, false]) {
  describe(`what is sold and not delivered yet, ${reference ? "plain" : "optimised"} market`, () => {
    let world: World;
    let market: Contract;
    beforeEach(async () => {
      world = await createWorld({ prosumers: 2, dollars: 100, reference, clock: MIDNIGHT - 4 * DAY });
      market = world.contracts.market;
    });
    const time = () => world.connection.networkHelpers.time;
    const hold = (id: number): Promise<unknown> => call(market, "holdOf", id);

    /** A session of a day, settled as soon as it can be frozen. */
    async function sell(day: number, trades: readonly Trade[], ahead = 2 * DAY): Promise<void> {
      const start = MIDNIGHT + day * DAY;
      if ((await time().latest()) < start - ahead) await time().increaseTo(start - ahead);
      await sellAt(start, 24, trades);
    }

    /** A session settled at once; the TypeScript ledger must agree on every account. */
    async function sellAt(start: number, hours: number, trades: readonly Trade[], at?: number): Promise<void> {
      const options = { start, imbalancePrice: IMBALANCE, open: 600, standing: [], ...(at !== undefined && { at }) };
      const frozen = await freeze(world, hours, options);
      const participants = trades.length > 0 ? world.ids : [];
      const reactiveVar = participants.map(() => new Array<number>(hours).fill(0));
      const payload = Payload.encode({ participants, systems: 6, reactiveVar, trades }, hours);
      const expected = settle(frozen.ledger, payload);
      if (expected.kind !== "settled") throw new Error(expected.predicate);
      await Session.postAndSettle(world.deployment, world.admin, payload, BUNDLE, await sign(world, frozen, payload));
      const after = await Session.readLedger(world.deployment, world.provider, [...world.ids, ...SYSTEM_IDS]);
      expect(after.accounts).to.deep.equal(expected.accounts);
    }

    it("threat: paid before delivery: a seller takes its deposit out, and not what it has received for a day to come", async () => {
      const mine = as(market, await owner(world, 101));
      await sell(0, [energy(0, 1, 10_000, 500_000)]);
      expect(await held(world, 101)).to.equal(105_000_000_000n);
      expect(await hold(101)).to.equal(5_000_000_000n);
      await send(mine, "revokeMandate", 101);
      await send(mine, "requestWithdrawal", 101, 105_000_000n);
      expect(await held(world, 101)).to.equal(5_000_000_000n);
      // Not by a freeze either, nor once the delay is over; a metering window after the day's end it is free.
      await sell(1, [], DAY);
      expect(await held(world, 101)).to.equal(5_000_000_000n);
      await time().setNextBlockTimestamp(MIDNIGHT + DAY + METERING - 1);
      await send(market, "withdraw", 101);
      // Where nothing moves, nothing is said to have moved.
      const here = await world.provider.getBlockNumber();
      expect(await market.queryFilter(market.filters.WithdrawalMoved(), here)).to.deep.equal([]);
      expect(await held(world, 101)).to.equal(5_000_000_000n);
      await time().setNextBlockTimestamp(MIDNIGHT + DAY + METERING);
      await send(market, "withdraw", 101);
      expect(await held(world, 101)).to.equal(0n);
    });

    it("is what was received, or what the energy costs if it is not delivered, whatever is paid besides", async () => {
      await sell(0, [energy(0, 1, 10_000, 100_000), energy(1, 0, 0x1, 0), energy(1, UTILITY, 30_000, 90_000)]);
      // 1 $ received, 9.999 kWh at 0.12 $; 2.7 $ received, less 1 $ paid, 20.001 kWh sold net at 0.12 $.
      expect(await hold(101)).to.equal(1_200_000_000n);
      expect(await hold(102)).to.equal(2_401_000_000n);
      // Who pays more than it receives owes what it has sold all the same.
      await sell(1, [energy(0, 1, 5_000, -1_000_000)]);
      expect(await hold(101)).to.equal(1_800_000_000n);
      expect(await hold(102)).to.equal(2_401_000_000n + 5_000_000_000n);
    });

    it("is not held of the utility and the operator", async () => {
      const charge = { ...energy(OPERATOR, 0, 10_000, 50_000), product: "network" as const };
      await sell(0, [charge, energy(UTILITY, 0, 10_000, 100_000)]);
      for (const id of SYSTEM_IDS) expect(await hold(id)).to.equal(0n);
      expect(await held(world, SYSTEM_IDS[1])).to.equal(100_500_000_000n);
    });

    it("is rounded up to a thousandth of a dollar, and never held beyond what the field holds", async () => {
      await sell(0, [energy(0, 1, 1, 1)]);
      expect(await hold(101)).to.equal(1_000_000n);
      // Of the next epoch, which two days have.
      await sell(1, [energy(0, 1, 1, 1)]);
      expect(await hold(101)).to.equal(2_000_000n);
      const provider = world.provider as JsonRpcApiProvider;
      let slot = 101n;
      while (BigInt(await provider.getStorage(world.deployment.market, slot)) === 0n) slot++;
      const word = BigInt(await provider.getStorage(world.deployment.market, slot));
      const most = (1n << 32n) - 1n;
      await provider.send("hardhat_setStorageAt", [market.target, toBeHex(slot), toBeHex(word | (most << 152n), 32)]);
      await sell(2, [energy(0, 1, 1_000, 1_000_000)]);
      expect(await hold(101)).to.equal((most + 1n) * 1_000_000n);
    });

    it("of a daily seller is free between one and two metering windows after its day, or a day later when cleared ahead", async () => {
      const delivered: { nano: bigint; end: number }[] = [];
      for (let day = 0; day < 12; day++) {
        await sell(day, [energy(0, 1, 1_000 * (day + 1), 200_000)], day % 3 === 0 ? 2 * DAY : DAY / 2);
        delivered.push({ nano: BigInt(day + 1) * 200_000_000n, end: MIDNIGHT + (day + 1) * DAY });
        const now = await time().latest();
        const since = (window: number): bigint =>
          delivered.filter(({ end }) => end + window > now).reduce((sum, { nano }) => sum + nano, 0n);
        const held = (await hold(101)) as bigint;
        expect(held >= since(METERING), `day ${day}: ${held} of ${since(METERING)}`).to.equal(true);
        expect(held <= since(2 * METERING + DAY), `day ${day}: ${held}, ${since(2 * METERING + DAY)}`).to.equal(true);
      }
      const { lastEnd } = await market.getFunction("session").staticCall();
      await time().increaseTo(lastEnd + BigInt(METERING) - 1n);
      expect(await hold(101)).to.not.equal(0n);
      await time().increaseTo(lastEnd + BigInt(METERING));
      expect(await hold(101)).to.equal(0n);
    });

    it("of two sessions of one day is free a metering window after the second, whatever is cleared the day after", async () => {
      await sell(0, [energy(0, 1, 1_000, 200_000)]);
      // So much later that nothing from before is held.
      const morning = MIDNIGHT + 10 * DAY;
      await time().increaseTo(morning - 600);
      await sellAt(morning, 6, [energy(0, 1, 1_000, 200_000)]);
      await sellAt(morning + DAY / 4, 6, [energy(0, 1, 2_000, 200_000)]);
      expect(await hold(101)).to.equal(600_000_000n);
      await sell(11, [], DAY);
      const free = morning + DAY / 2 + METERING;
      await time().increaseTo(free - 1);
      expect(await hold(101)).to.equal(600_000_000n);
      await time().increaseTo(free);
      expect(await hold(101)).to.equal(0n);
    });

    it("begins anew with a session that is frozen in the very second in which what was held before is free", async () => {
      await sell(0, [energy(0, 1, 1_000, 200_000)]);
      await sell(1, [energy(0, 1, 2_000, 200_000)], DAY);
      const free = MIDNIGHT + DAY + METERING;
      await sellAt(free, 24, [], free);
      expect(await hold(101)).to.equal(400_000_000n);
      await time().increaseTo(free + DAY);
      expect(await hold(101)).to.equal(0n);
    });

    it("threat: sessions that are never settled release nothing early, and keep nothing back", async () => {
      await sell(0, [energy(0, 1, 10_000, 500_000)], DAY);
      for (let day = 1; day < 4; day++) {
        await freeze(world, 24, { start: MIDNIGHT + day * DAY, open: 60 });
        await time().increase(61);
        expect(await hold(101), `day ${day}`).to.equal(5_000_000_000n);
        await time().increaseTo(MIDNIGHT + day * DAY - DAY / 2);
      }
      await time().increaseTo(MIDNIGHT + DAY + METERING - 1);
      expect(await hold(101)).to.equal(5_000_000_000n);
      await time().increaseTo(MIDNIGHT + DAY + METERING);
      expect(await hold(101)).to.equal(0n);
    });
  });
}
