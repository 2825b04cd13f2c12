import { expect } from "chai";
import type { Contract, Wallet } from "ethers";
import { contracts, seal, send } from "../../offchain-solver/chain/deployment.ts";
import { deployAll } from "../../offchain-solver/devnet/deploy.ts";
import * as Onboarding from "../../offchain-solver/chain/onboarding.ts";
import * as Session from "../../offchain-solver/chain/session.ts";
import * as Grid from "../../offchain-solver/codec/gridModel.ts";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import { batch, generator } from "../support/batches.ts";
import { wallet as keyOf } from "../support/keys.ts";
import {
  BUNDLE,
  START,
  TERMS,
  createWorld,
  freeze,
  idsOf,
  lineGrid,
  refusalOf,
  sign,
  type World,
} from "../support/world.ts";
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

  /** The outcome of a freeze in a block of the given time; the chain is as it was afterwards. */
  async function frozenAt(at: number, ...args: unknown[]): Promise<string> {
    const snapshot = await world.connection.networkHelpers.takeSnapshot();
    await world.connection.networkHelpers.time.setNextBlockTimestamp(at);
    const sent = market.getFunction("freezeSession").send(...args, { gasLimit: 2_000_000 });
    const outcome = await sent
      .then((tx) => tx.wait())
      .then(
        () => "frozen",
        async (error) => (await refusalOf(market, Promise.reject(error))).predicate,
      );
    await snapshot.restore();
    return outcome;
  }

  it("are refused out of range, by somebody else, or while another is open", async () => {
    const late = START + 3600;
    const freezes = (...args: unknown[]): Promise<string> => refused(market, "freezeSession", ...args, TERMS, 0);
    const stranger = as(market, await owner(world, 101));
    expect(await refused(stranger, "freezeSession", START, 3600, 1, late, TERMS, 0)).to.equal(
      "accessManagedUnauthorized",
    );
    for (const [seconds, periods] of [
      [3600, 0],
      [3600, 101],
      [900, 3],
      [300, 11],
      [900, 101],
    ]) {
      expect(await freezes(START, seconds, periods, late), `${periods} of ${seconds}`).to.equal("periodsOutOfRange");
    }
    for (const seconds of [0, 1, 60, 240, 299, 301, 1000, 3599, 3601, 7200]) {
      expect(await freezes(START, seconds, 100, late), `${seconds}`).to.equal("periodSecondsOutOfRange");
    }
    for (const [seconds, periods] of [
      [300, 12],
      [900, 96],
      [900, 100],
      [3600, 1],
    ]) {
      const freeze = market.getFunction("freezeSession");
      await freeze.staticCall(START, seconds, periods, late, TERMS, 0);
    }
    await send(market, "freezeSession", START, 900, 100, late, TERMS, 0);
    expect(await freezes(START, 3600, 1, late)).to.equal("sessionStillOpen");
    expect(await refused(market, "settle", "0x", BUNDLE, 0, "0x")).to.equal("payloadLength");
    await world.connection.networkHelpers.time.increaseTo(late + 1);
    expect(await refused(market, "settle", "0x", BUNDLE, 0, "0x")).to.equal("deadlinePassed");
    await send(market, "setPaused", true);
    expect(await freezes(START + 7200, 3600, 1, START + 7200)).to.equal("settlementPaused");
  });

  it("threat: sessions of other times: on a boundary of a period, between an hour ago and two days ahead, and no later settled", async () => {
    const soon = START + 100;
    const ranges = [
      [soon, START, 3600, 1, soon + 1, "frozen"],
      [soon, START + 1, 3600, 1, soon + 1, "startOutOfRange"],
      [soon, START + 900, 3600, 1, soon + 1, "startOutOfRange"],
      [soon, START + 900, 900, 4, soon + 1, "frozen"],
      [START + 3600 - 1, START, 3600, 1, START + 3600, "frozen"],
      [START + 3600, START, 3600, 1, START + 3600, "deadlineOutOfRange"],
      [START + 3601, START, 3600, 1, START + 3602, "startOutOfRange"],
      [START - 2 * 86_400 + 172_800, START, 3600, 1, START + 3600, "frozen"],
      [soon, START + 2 * 86_400, 3600, 1, soon + 60, "frozen"],
      [soon, START + 2 * 86_400 + 3600, 3600, 1, soon + 60, "startOutOfRange"],
      [soon, 0, 3600, 1, soon + 60, "startOutOfRange"],
      [soon, 2 ** 40 - (2 ** 40 % 3600), 3600, 1, soon + 60, "startOutOfRange"],
      [soon, START, 3600, 1, soon, "deadlineOutOfRange"],
      [soon, START, 3600, 1, START + 3600, "frozen"],
      [soon, START, 3600, 1, START + 3601, "deadlineOutOfRange"],
    ] as const;
    for (const [at, start, seconds, periods, deadline, expected] of ranges) {
      const outcome = await frozenAt(at, start, seconds, periods, deadline, TERMS, 0);
      expect(outcome, `${start} at ${at} until ${deadline}`).to.equal(expected);
    }
    // Exactly two days ahead.
    expect(await frozenAt(START, START + 2 * 86_400, 3600, 1, START + 60, TERMS, 0)).to.equal("frozen");
    expect(await frozenAt(START - 1 + 300, START + 2 * 86_400 + 300, 300, 12, START + 600, TERMS, 0)).to.equal(
      "startOutOfRange",
    );
    expect(await frozenAt(START + 300, START + 2 * 86_400 + 300, 300, 12, START + 600, TERMS, 0)).to.equal("frozen");
  });

  it("threat: sessions that overlap: the next starts at the end of the last settled one or after it", async () => {
    const frozen = await freeze(world, 4, { periodSeconds: 900, standing: [] });
    const payload = Payload.encode({ participants: [], systems: 0, reactiveVar: [], trades: [] }, 4);
    const signed = await sign(world, frozen, payload);
    await Session.postAndSettle(world.deployment, world.admin, payload, BUNDLE, signed);
    expect((await market.getFunction("session").staticCall()).lastEnd).to.equal(BigInt(START + 3600));
    const at = now + 1000;
    for (const start of [START, START + 900, START + 2700]) {
      const outcome = await frozenAt(at, start, 900, 4, at + 60, TERMS, 0);
      expect(outcome).to.equal("sessionOverlaps");
    }
    expect(await frozenAt(at, START + 3600, 900, 4, at + 60, TERMS, 0)).to.equal("frozen");
  });

  it("threat: a stolen quorum: the guardian cancels the open session, nothing of it settles, and the next can be frozen", async () => {
    const frozen = await freeze(world, 1);
    const payload = Payload.encode({ participants: [], systems: 0, reactiveVar: [], trades: [] }, 1);
    const signed = await sign(world, frozen, payload);
    expect(await refused(as(market, await owner(world, 101)), "cancelSession")).to.equal("accessManagedUnauthorized");
    await send(market, "cancelSession");
    expect(await refused(market, "cancelSession")).to.equal("noOpenSession");
    const settled = Session.postAndSettle(world.deployment, world.admin, payload, BUNDLE, signed);
    expect((await refusalOf(market, settled)).predicate).to.equal("noOpenSession");
    expect(await call(market, "free", 101)).to.equal(100_000_000_000n);
    await freeze(world, 1);
  });

  it("need a seal, with it a committee, and a grid model", async () => {
    const { admin, wallets, nodeKeys, committee } = world;
    const bare = await deployAll(admin);
    const { market: closed } = contracts(bare, admin);
    const freezeIt = (): Promise<string> =>
      refused(closed, "freezeSession", 1_800_000_000, 3600, 1, now + 3600, TERMS, 0);
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
    expect(await refused(market, "batchAt", 2)).to.equal("batchNotKept");
    expect(await refused(market, "batchAt", 65)).to.equal("batchNotKept");
    await freeze(world, 1, { start: START + 86_400 });
    expect((await market.getFunction("session").staticCall()).priceCap).to.equal(10n);
  });

  it("leave out who is not on the feeder, and say so", async () => {
    const grid = lineGrid(idsOf(2), 4);
    await Onboarding.addGridModel(world.deployment, world.admin, Grid.encode(grid));
    const frozen = await freeze(world, 1);
    expect(frozen.leftOut).to.deep.equal([103]);
    expect(frozen.sessionHash).to.equal(await call(market, "sessionHash"));
    for (const id of [0, 103]) {
      const [covers] = (await call(market, "frozenMandate", id)) as [boolean];
      expect(covers).to.equal(false);
    }
  });

  it("leave out who is not on the feeder, whatever lies in memory behind its model", async () => {
    const deadline = 2_000_001_600;
    const ids = [...idsOf(4), deadline];
    // Of this size, the model's copy ends where the deadline lay in the event's data before: the bytes after it read as
    // an id.
    const other = await createWorld({
      prosumers: 5,
      clock: deadline - 86_400,
      ids,
      dollars: 0,
      grid: lineGrid(idsOf(4), 3),
    });
    const frozen = await freeze(other, 1, { at: deadline - 3_600, open: 3_600, start: deadline });
    expect(frozen.leftOut).to.deep.equal([deadline]);
  });

  it("leave out whose mandate ends before they do", async () => {
    const end = BigInt(START + 7200);
    await send(market, "registerMandate", ...(await mandate(world, 101, { nonce: 2n, validUntil: end })));
    await send(market, "registerMandate", ...(await mandate(world, 102, { nonce: 2n, validUntil: end - 1n })));
    const frozen = await freeze(world, 2);
    expect(frozen.leftOut).to.deep.equal([102]);
  });

  it("put no system account on a prosumer's bus", async () => {
    await send(market, "freezeSession", START, 3600, 1, START, TERMS, 0);
    for (const [id, bus] of [
      [101, 1n],
      [Onboarding.DESK_ID, 0n],
    ] as const) {
      const { covers, limits } = await market.getFunction("frozenMandate").staticCall(id);
      expect([covers, limits >> 240n]).to.deep.equal([true, bus]);
    }
  });
});
