import { expect } from "chai";
import type { Contract, Wallet } from "ethers";
import { contracts, deployAll, seal, send } from "../../offchain-solver/chain/deployment.ts";
import * as Onboarding from "../../offchain-solver/chain/onboarding.ts";
import * as Session from "../../offchain-solver/chain/session.ts";
import * as Grid from "../../offchain-solver/codec/gridModel.ts";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import { batch, generator } from "../support/batches.ts";
import { wallet as keyOf } from "../support/keys.ts";
import { BUNDLE, TERMS, createWorld, freeze, idsOf, lineGrid, refusalOf, sign, type World } from "../support/world.ts";
import { as, call, mandate, owner, refused } from "../support/calls.ts";

describe("sessions", () => {
  let world: World;
  let market: Contract;
  let now: number;
  beforeEach(async () => {
    world = await createWorld({ prosumers: 3, dollars: 100 });
    market = world.contracts.market;
    now = (await world.connection.networkHelpers.time.latest()) as number;
  });

  it("are refused out of range, out of order, out of time, or by somebody else", async () => {
    const at = 1_800_000_000;
    const late = now + 3600;
    expect(await refused(as(market, await owner(world, 101)), "freezeSession", at, 3600, 1, late, TERMS, [])).to.equal(
      "accessManagedUnauthorized",
    );
    expect(await refused(market, "freezeSession", 0, 3600, 1, late, TERMS, [])).to.equal("sessionNotLater");
    expect(await refused(market, "freezeSession", at, 3600, 0, late, TERMS, [])).to.equal("periodsOutOfRange");
    expect(await refused(market, "freezeSession", at, 3600, 101, late, TERMS, [])).to.equal("periodsOutOfRange");
    expect(await refused(market, "freezeSession", at, 0, 1, late, TERMS, [])).to.equal("periodSecondsNotDivisorOfHour");
    expect(await refused(market, "freezeSession", at, 3601, 1, late, TERMS, [])).to.equal(
      "periodSecondsNotDivisorOfHour",
    );
    expect(await refused(market, "freezeSession", at, 3600, 1, now, TERMS, [])).to.equal("deadlineOutOfRange");
    expect(await refused(market, "freezeSession", at, 3600, 1, now + 2 * 86_400 + 60, TERMS, [])).to.equal(
      "deadlineOutOfRange",
    );
    const next = now + 100;
    for (const [seconds, expected] of [
      [0, "deadlineOutOfRange"],
      [1, "frozen"],
      [2 * 86_400, "frozen"],
      [2 * 86_400 + 1, "deadlineOutOfRange"],
    ] as const) {
      const fork = await world.connection.networkHelpers.takeSnapshot();
      await world.connection.networkHelpers.time.setNextBlockTimestamp(next);
      const sent = market
        .getFunction("freezeSession")
        .send(at, 3600, 1, next + seconds, TERMS, [], { gasLimit: 2_000_000 });
      const outcome = sent.then((tx) => tx.wait()).then(() => "frozen");
      expect(await outcome.catch(async (error) => (await refusalOf(market, Promise.reject(error))).predicate)).to.equal(
        expected,
      );
      await fork.restore();
    }
    expect(await refused(market, "freezeSession", at, 3600, 1, late, TERMS, [101, 101])).to.equal("freezeNotAscending");
    expect(await refused(market, "freezeSession", at, 3600, 1, late, TERMS, [102, 101])).to.equal("freezeNotAscending");
    await send(market, "freezeSession", at, 3600, 100, late, TERMS, [101]);
    expect(await refused(market, "freezeSession", at + 1, 3600, 1, late, TERMS, [101])).to.equal("sessionStillOpen");
    expect(await refused(market, "settle", "0x", BUNDLE, 0, "0x")).to.equal("payloadLength");
    await world.connection.networkHelpers.time.increaseTo(late + 1);
    expect(await refused(market, "settle", "0x", BUNDLE, 0, "0x")).to.equal("deadlinePassed");
    await send(market, "setPaused", true);
    expect(await refused(market, "freezeSession", at, 3600, 1, late + 3600, TERMS, [101])).to.equal("settlementPaused");
  });

  it("need a seal, with it a committee, and a grid model", async () => {
    const { admin, wallets, nodeKeys, committee } = world;
    const bare = await deployAll(admin);
    const { market: closed } = contracts(bare, admin);
    const freezeIt = (): Promise<string> =>
      refused(closed, "freezeSession", 1_800_000_000, 3600, 1, now + 3600, TERMS, []);
    expect(await freezeIt()).to.equal("notSealed");
    const parties = committee.map((id) => ({
      id,
      wallet: wallets.get(id)?.address as string,
      nodeKey: nodeKeys.get(id) as Wallet,
      meterKey: keyOf("meter", id),
    }));
    await Onboarding.register(bare, admin, parties);
    await Onboarding.appointCommittee(bare, admin, committee);
    expect(await freezeIt()).to.equal("notSealed");
    await seal(bare, admin);
    expect(await freezeIt()).to.equal("noGridModel");
    expect(await refused(closed, "setPriceCap", 0)).to.equal("priceCapOutOfRange");
    expect(await refused(closed, "setPriceCap", 0x7fffff)).to.equal("priceCapOutOfRange");
    await call(closed, "setPriceCap", 0x7ffffe);
    expect(await refused(market, "settle", "0x", BUNDLE, 0, "0x")).to.equal("noOpenSession");
  });

  it("a price cap changed meanwhile does not touch the open session", async () => {
    const frozen = await freeze(world, 1);
    await send(market, "setPriceCap", 10);
    const result = batch({ ids: world.ids, periods: 1, energy: 4, maxWh: 50 }, generator(4));
    const payload = Payload.encode(Payload.fromResult(result), 1);
    const settled = await Session.postAndSettle(
      world.deployment,
      world.admin,
      payload,
      BUNDLE,
      await sign(world, frozen, payload),
    );
    expect(await call(market, "lastBatch")).to.equal(settled.batch);
    expect(await call(market, "batchAt", 1)).to.equal(settled.batch);
    expect(await call(market, "batchAt", 0)).to.equal(`0x${"00".repeat(32)}`);
    await freeze(world, 1, { start: 1_800_086_400 });
    expect((await market.getFunction("session").staticCall()).priceCap).to.equal(10n);
  });

  it("leave out who is not on the feeder, and say so", async () => {
    const grid = lineGrid(idsOf(2), 4);
    await Onboarding.addGridModel(world.deployment, world.admin, Grid.encode(grid));
    const frozen = await freeze(world, 1);
    expect(frozen.leftOut).to.deep.equal([103]);
    expect(frozen.sessionHash).to.equal(await call(market, "sessionHash"));
    for (const id of [0, 103]) {
      const [locked] = (await call(market, "frozenLimits", id)) as [boolean];
      expect(locked).to.equal(false);
    }
  });

  it("leave out who is not on the feeder, whatever lies in memory behind its model", async () => {
    const deadline = 2_000_003_600;
    const ids = [...idsOf(4), deadline];
    // Of this size, the model's copy ends where the deadline lay in the event's data before: the bytes after it read as an id.
    const other = await createWorld({ prosumers: 5, ids, dollars: 0, grid: lineGrid(idsOf(4), 3) });
    const frozen = await freeze(other, 1, { at: deadline - 3_600, open: 3_600, start: deadline });
    expect(frozen.leftOut).to.deep.equal([deadline]);
  });

  it("leave out whose mandate ends before they do", async () => {
    const end = 1_800_007_200n;
    await send(market, "registerMandate", ...(await mandate(world, 101, { nonce: 2n, validUntil: end })));
    await send(market, "registerMandate", ...(await mandate(world, 102, { nonce: 2n, validUntil: end - 1n })));
    const frozen = await freeze(world, 2);
    expect(frozen.leftOut).to.deep.equal([102]);
  });

  it("put no system account on a prosumer's bus", async () => {
    await send(market, "freezeSession", 1_800_000_000, 3600, 1, now + 3600, TERMS, [101, Onboarding.DESK_ID]);
    for (const [id, bus] of [
      [101, 1n],
      [Onboarding.DESK_ID, 0n],
    ] as const) {
      const { locked, limits } = await market.getFunction("frozenLimits").staticCall(id);
      expect([locked, limits.bus]).to.deep.equal([true, bus]);
    }
  });
});
