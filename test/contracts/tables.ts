/** The table of mandates that a session is frozen with: whatever has changed is in it, and nothing else is written. */
import { expect } from "chai";
import { type Contract, getBytes } from "ethers";
import { send } from "../../offchain-solver/chain/deployment.ts";
import * as Onboarding from "../../offchain-solver/chain/onboarding.ts";
import { baseOf, decodeTable, type FrozenEntry } from "../../offchain-solver/codec/frozenTable.ts";
import * as Grid from "../../offchain-solver/codec/gridModel.ts";
import { unpackLimits } from "../../offchain-solver/codec/typedData.ts";
import { wallet as keyOf } from "../support/keys.ts";
import { as, call, mandate, owner, registeredLimits } from "../support/calls.ts";
import {
  AS_RELEASED,
  createWorld,
  FAR,
  freeze,
  idsOf,
  lineGrid,
  START,
  SYSTEM_IDS,
  type World,
} from "../support/world.ts";

/** With the three system accounts a multiple of four: what is still few is the fourth part. */
const PROSUMERS = 13;
const HOUR = 3_600;
/** As many as a feeder may have. */
const MOST = 256;

for (const reference of [true, false]) {
  describe(`the table of mandates, ${reference ? "plain" : "optimised"} market`, () => {
    let world: World;
    let market: Contract;
    let start: number;
    beforeEach(async () => {
      world = await createWorld({ prosumers: PROSUMERS, dollars: 0, reference });
      market = world.contracts.market;
      start = START;
    });

    /** Freezes the next session; the bytes that this freeze wrote, if it wrote any. */
    async function next(): Promise<Uint8Array | undefined> {
      const from = await world.provider.getBlockNumber();
      const { terms } = await freeze(world, 1, { start, open: 60 });
      start += HOUR;
      await world.connection.networkHelpers.time.increaseTo(terms.deadline + 1n);
      const [written, ...more] = await market.queryFilter("TableWritten", from + 1);
      expect(more).to.have.length(0);
      if (written === undefined) return undefined;
      const { pointer } = market.interface.parseLog(written)!.args;
      return getBytes(await world.provider.getCode(pointer)).subarray(1);
    }
    async function entries(bytes: Uint8Array): Promise<Map<number, FrozenEntry>> {
      const base = baseOf(bytes);
      if (base === undefined) return decodeTable(bytes);
      return decodeTable(getBytes(await world.provider.getCode(base)).subarray(1), bytes);
    }
    const replace = async (id: number, nonce: bigint): Promise<void> =>
      void (await send(market, "registerMandate", ...(await mandate(world, id, { nonce, maxBuyW: nonce + 7n }))));
    /** Everybody's entry is the mandate that is registered now, and what the market says of it. */
    async function isWhatIsRegistered(table: Map<number, FrozenEntry>): Promise<void> {
      expect([...table.keys()]).to.deep.equal([...world.ids, ...SYSTEM_IDS]);
      for (const [id, { id: _, absorbVar, feedVar, ...limits }] of table) {
        expect([absorbVar, feedVar]).to.deep.equal([Grid.ANY_VAR, Grid.ANY_VAR]);
        expect(limits, `${id}`).to.deep.equal(await registeredLimits(market, id));
        const frozen = await market.getFunction("frozenMandate").staticCall(id);
        expect(unpackLimits(frozen.limits, frozen.capacity)).to.deep.equal(limits);
      }
    }

    it("is written whole for a feeder, and not again while nothing changes", async () => {
      const whole = (await next()) as Uint8Array;
      expect(whole).to.have.length(64 * (PROSUMERS + 3));
      await isWhatIsRegistered(await entries(whole));
      expect(await next()).to.equal(undefined);
      await Onboarding.addGridModel(world.deployment, world.admin, Grid.encode(lineGrid(world.ids, 7)));
      const again = (await next()) as Uint8Array;
      expect(again).to.have.length(64 * (PROSUMERS + 3));
      await isWhatIsRegistered(await entries(again));
    });

    it("of which few changes are written apart, each account once, and many with the whole", async () => {
      await next();
      for (const nonce of [2n, 3n]) await replace(104, nonce);
      const one = (await next()) as Uint8Array;
      expect(one).to.have.length(20 + 64);
      await isWhatIsRegistered(await entries(one));
      await replace(102, 2n);
      await replace(112, 2n);
      const three = (await next()) as Uint8Array;
      expect(three).to.have.length(20 + 3 * 64);
      await isWhatIsRegistered(await entries(three));
      await replace(104, 4n);
      const same = (await next()) as Uint8Array;
      expect(same).to.have.length(20 + 3 * 64);
      await isWhatIsRegistered(await entries(same));
      await replace(105, 2n);
      const four = (await next()) as Uint8Array;
      expect(four).to.have.length(20 + 4 * 64);
      await isWhatIsRegistered(await entries(four));
      await replace(106, 2n);
      const whole = (await next()) as Uint8Array;
      expect(whole).to.have.length(64 * (PROSUMERS + 3));
      await isWhatIsRegistered(await entries(whole));
    });

    it("has whoever revokes, and the system accounts, like anybody", async () => {
      await next();
      await send(as(market, await owner(world, 103)), "revokeMandate", 103);
      const [, operator] = SYSTEM_IDS;
      await replace(operator, 2n);
      const bytes = (await next()) as Uint8Array;
      expect(bytes).to.have.length(20 + 2 * 64);
      const table = await entries(bytes);
      await isWhatIsRegistered(table);
      expect(table.get(103)?.validUntil).to.equal(0n);
      expect(((await call(market, "frozenMandate", 103)) as { covers: boolean }).covers).to.equal(false);
    });

    it("is not written for who has no place on the feeder, nor for a withdrawal that waits, nor for what is as it was", async () => {
      await next();
      const stranger = { id: 999, wallet: await world.admin.getAddress(), ...keysOf(999) };
      await Onboarding.register(world.deployment, world.admin, [stranger]);
      await send(market, "registerMandate", { ...(await mandate(world, 101, {}))[0], prosumer: 999 }, "0x");
      expect(await next()).to.equal(undefined);
      await Onboarding.fund(world.deployment, world.admin, 102, 5_000_000n);
      const { deadline } = (await freeze(world, 1, { start, open: 60 })).terms;
      start += HOUR;
      await send(as(market, await owner(world, 102)), "requestWithdrawal", 102, 5_000_000n);
      expect((await market.getFunction("pending").staticCall(102)).queued).to.equal(5_000_000n);
      await world.connection.networkHelpers.time.increaseTo(deadline + 1n);
      expect(await next()).to.equal(undefined);
      expect((await market.getFunction("pending").staticCall(102)).tokens).to.equal(5_000_000n);
      // A new home trades from the freeze on that has its place.
      const ids = [...world.ids, 999];
      await Onboarding.addGridModel(world.deployment, world.admin, Grid.encode(lineGrid(ids, 7)));
      const table = await entries((await next()) as Uint8Array);
      expect([...table.keys()]).to.deep.equal([...ids, ...SYSTEM_IDS]);
      expect(table.get(999)?.maxSpendPerDay).to.equal(10n ** 12n);
    });

    it("grows by nobody who has no place: strangers' mandates and revocations are no freeze's work", async () => {
      await next();
      const admin = await world.admin.getAddress();
      const strangers = Array.from({ length: 8 }, (_, k) => 900 + k);
      await Onboarding.register(
        world.deployment,
        world.admin,
        strangers.map((id) => ({ id, wallet: admin, ...keysOf(id) })),
      );
      const [signed] = await mandate(world, 101, {});
      for (const id of strangers) await send(market, "registerMandate", { ...signed, prosumer: id }, "0x");
      await send(market, "revokeMandate", strangers[0]);
      expect(await changesOf(market)).to.equal(0n);
      await replace(101, 2n);
      expect(await changesOf(market)).to.equal(1n);
      const bytes = (await next()) as Uint8Array;
      expect(bytes).to.have.length(20 + 64);
      expect(await changesOf(market)).to.equal(0n);
      // Each is asked when it has a place: none takes part under a mandate of its past.
      await Onboarding.addGridModel(world.deployment, world.admin, Grid.encode(lineGrid([...world.ids, 900, 901], 7)));
      const table = await entries((await next()) as Uint8Array);
      expect(table.get(900)?.validUntil).to.equal(0n);
      expect(table.get(901)?.validUntil).to.equal(FAR);
    });

    it("forgets who has lost its place, and moves its queued withdrawal when it comes back", async () => {
      await next();
      await Onboarding.fund(world.deployment, world.admin, 112, 5_000_000n);
      await freeze(world, 1, { start, open: 60 });
      start += HOUR;
      await send(as(market, await owner(world, 112)), "requestWithdrawal", 112, 5_000_000n);
      expect(await changesOf(market)).to.equal(1n);
      await world.connection.networkHelpers.time.increase(61);
      const without = world.ids.filter((id) => id !== 112);
      await Onboarding.addGridModel(world.deployment, world.admin, Grid.encode(lineGrid(without, 7)));
      await next();
      expect(await changesOf(market)).to.equal(0n);
      expect((await market.getFunction("pending").staticCall(112)).queued).to.equal(5_000_000n);
      await replace(112, 2n);
      expect(await changesOf(market)).to.equal(0n);
      await Onboarding.addGridModel(world.deployment, world.admin, Grid.encode(lineGrid(world.ids, 7)));
      await freeze(world, 1, { start, open: 60 });
      expect((await market.getFunction("pending").staticCall(112)).tokens).to.equal(5_000_000n);
      expect(await call(market, "lockOf", 112)).to.equal(0n);
      // Listed anew from here on.
      await replace(112, 3n);
      expect(await changesOf(market)).to.equal(1n);
    });

    it("of as many prosumers as there is room for is written whole in one freeze", async () => {
      const ids = idsOf(MOST);
      await Onboarding.addGridModel(world.deployment, world.admin, Grid.encode(lineGrid(ids, 7)));
      const bytes = (await next()) as Uint8Array;
      expect(bytes).to.have.length(64 * (MOST + 3));
      expect([...(await entries(bytes)).values()].filter(({ validUntil }) => validUntil > 0n)).to.have.length(
        PROSUMERS + 3,
      );
    });
  });
}

describe("the dearest freeze", () => {
  it("fits in a transaction: another feeder, all its prosumers with other mandates and queued withdrawals", async () => {
    const world = await createWorld({ prosumers: MOST, dollars: 5 });
    const { market } = world.contracts;
    const { deadline } = (await freeze(world, 1, { start: START, open: 3_000 })).terms;
    const held = 5_000_000n;
    for (const id of world.ids) {
      const mine = as(market, await owner(world, id));
      await send(mine, "requestWithdrawal", id, held - 1n);
      await send(market, "registerMandate", ...(await mandate(world, id, { nonce: 2n, maxBuyW: 7n })));
    }
    expect(await changesOf(market)).to.equal(BigInt(MOST));
    await world.connection.networkHelpers.time.increaseTo(deadline + 1n);
    await Onboarding.addGridModel(world.deployment, world.admin, Grid.encode(lineGrid(world.ids, 7)));
    const { gasUsed } = await freeze(world, 1, { start: START + HOUR, open: 3_000 });
    for (const id of [world.ids[0], world.ids[MOST - 1]])
      expect((await market.getFunction("pending").staticCall(id)).tokens).to.equal(held - 1n);
    expect(await changesOf(market)).to.equal(0n);
    // What is left of a transaction is enough to strike as many accounts of another feeder off the list, each from
    // another slot: 2,100 and 2,900 gas, and what computes.
    if (AS_RELEASED) expect(Number(gasUsed) + MOST * 6_000).to.be.lessThan(16_777_216);
  });
});

/** Whom the next freeze takes up. */
const changesOf = async (market: Contract): Promise<bigint> =>
  ((await call(market, "seats")) as { changes: bigint }).changes;

const keysOf = (id: number) => ({ nodeKey: keyOf("node", id), meterKey: keyOf("meter", id) });
