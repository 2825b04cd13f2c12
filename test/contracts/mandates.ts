/** What an account has promised, how it ends, and what it can cost. */
import { expect } from "chai";
import { Contract, type TransactionRequest, ZeroHash as ZERO } from "ethers";
import { send } from "../../offchain-solver/chain/deployment.ts";
import { deploy } from "../support/artifacts.ts";
import { readArtifact } from "../../offchain-solver/devnet/artifacts.ts";
import * as Onboarding from "../../offchain-solver/chain/onboarding.ts";
import * as Session from "../../offchain-solver/chain/session.ts";
import * as Owner from "../../offchain-solver/chain/wallet.ts";
import { TABLE_WRITER } from "../../offchain-solver/codec/abi.ts";
import type { Mandate } from "../../offchain-solver/codec/typedData.ts";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import { OPERATOR, type Trade } from "../../offchain-solver/market/result/clearingResult.ts";
import { batch, generator } from "../support/batches.ts";
import {
  BUNDLE,
  START,
  SERIES,
  createWorld,
  freeze,
  OPEN_MANDATE,
  refusalOf,
  sign,
  type World,
} from "../support/world.ts";
import { as, call, held, mandate, owner, refused, registeredLimits } from "../support/calls.ts";

/** What writes the market's table, and says what a mandate can cost. */
const tablesOf = async (market: Contract): Promise<Contract> =>
  new Contract((await call(market, "tableWriter")) as string, readArtifact("market/TableWriter").abi, market.runner);

describe("mandates", () => {
  let world: World;
  let market: Contract;
  beforeEach(async () => {
    world = await createWorld({ prosumers: 3, dollars: 100 });
    market = world.contracts.market;
  });

  it("are refused unsigned, signed by another, expired, replayed, revoked, or of nobody", async () => {
    const [full, signature] = await mandate(world, 101, { nonce: 5n });
    expect(await refused(market, "registerMandate", full, "0x")).to.equal("mandateBadSignature");
    expect(await refused(market, "registerMandate", { ...full, prosumer: 102 }, signature)).to.equal(
      "mandateBadSignature",
    );
    expect(await refused(market, "registerMandate", { ...full, maxBuy: 1n }, signature)).to.equal(
      "mandateBadSignature",
    );
    expect(await refused(market, "registerMandate", { ...full, prosumer: 999 }, signature)).to.equal("unknownAccount");
    expect(
      await refused(market, "registerMandate", ...(await mandate(world, 101, { nonce: 5n, validUntil: 1n }))),
    ).to.equal("mandateExpired");
    const at = (await world.connection.networkHelpers.time.latest()) + 100;
    for (const [validUntil, expected] of [
      [at, "mandateExpired"],
      [at + 1, "registered"],
    ] as const) {
      const fork = await world.connection.networkHelpers.takeSnapshot();
      await world.connection.networkHelpers.time.setNextBlockTimestamp(at);
      const signed = await mandate(world, 101, { nonce: 5n, validUntil: BigInt(validUntil) });
      const sent = market.getFunction("registerMandate").send(...signed, { gasLimit: 500_000 });
      const outcome = sent.then((tx) => tx.wait()).then(() => "registered");
      expect(await outcome.catch(async (error) => (await refusalOf(market, Promise.reject(error))).predicate)).to.equal(
        expected,
      );
      await fork.restore();
    }
    await send(market, "registerMandate", full, signature);
    expect(await refused(market, "registerMandate", full, signature)).to.equal("nonceNotLarger");
    const mine = as(market, await owner(world, 101));
    expect(await refused(market, "revokeMandate", 101)).to.equal("notWallet");
    const ahead = await mandate(world, 101, { nonce: 9n });
    const last = await mandate(world, 101, { nonce: SERIES - 1n });
    await call(market, "registerMandate", ...last);
    await send(mine, "revokeMandate", 101);
    for (const signed of [ahead, last]) {
      expect(await refused(market, "registerMandate", ...signed)).to.equal("nonceOfAnotherSeries");
    }
    for (const nonce of [2n ** 64n - 1n, 2n * SERIES]) {
      const signed = await mandate(world, 101, { nonce });
      expect(await refused(market, "registerMandate", ...signed)).to.equal("nonceOfAnotherSeries");
    }
    expect(await refused(market, "registerMandate", ...(await mandate(world, 101, { nonce: SERIES })))).to.equal(
      "nonceNotLarger",
    );
    await call(market, "registerMandate", ...(await mandate(world, 101, { nonce: SERIES + 1n })));
    expect((await registeredLimits(market, 101)).validUntil).to.equal(0n);
  });

  it("threat: a wallet rotation: the mandate of the old wallet ends with it", async () => {
    const [, stranger] = await world.connection.ethers.getSigners();
    const wallet = await owner(world, 101);
    const ahead = await mandate(world, 101, { nonce: 9n });
    const { registry } = world.contracts;
    await send(as(registry, wallet), "rotateWallet", 101, stranger.address);
    expect((await freeze(world, 1)).leftOut).to.deep.equal([101]);
    // Nor does what it has signed come back with it.
    await send(as(registry, stranger), "rotateWallet", 101, wallet.address);
    expect(await refused(market, "registerMandate", ...ahead)).to.equal("nonceOfAnotherSeries");
  });

  it("lose in a session what their formula says and no more, a day's spend at most", async () => {
    const base = {
      prosumer: 101,
      ...OPEN_MANDATE,
      maxBuyW: 2_000n,
      maxSellW: 9_000n,
      maxReserveW: 500n,
      maxCarbonG: 700n,
    };
    const full = {
      ...base,
      maxBuy: 400_000n,
      minSell: -1_000n,
      minReservePrice: -300n,
      maxReservePrice: 30_000n,
      maxCarbonPrice: 60_000n,
      minCarbonPrice: 20_000n,
    };
    const tables = await tablesOf(market);
    const most = (fields: object, seconds = 3600, periods = 24): Promise<unknown> =>
      call(tables, "mostLoss", { ...full, ...fields }, seconds, periods);
    expect(await most({})).to.equal(24n * (2_000n * 400_000n + 500n * 30_300n) + 700n * 60_000n);
    expect(await most({}, 900, 96)).to.equal(await most({}));
    expect(await most({ maxBuy: -5n })).to.equal(24n * (9_000n * 1_000n + 500n * 30_300n) + 700n * 60_000n);
    expect(
      await most({ maxBuy: -5n, minSell: 1n, maxReservePrice: -1n, minReservePrice: 0n, maxCarbonPrice: 0n }),
    ).to.equal(0n);
    expect(await most({ minCarbonPrice: -70_000n })).to.equal(
      24n * (2_000n * 400_000n + 500n * 30_300n) + 700n * 70_000n,
    );
    expect(await most({ maxSpendPerDay: 10_000_000n })).to.equal(10_000_000_000n);
    expect(await most({ maxBuyW: 1n, maxBuy: 1n, maxReserveW: 0n, maxCarbonG: 0n, minSell: 0n }, 300, 12)).to.equal(1n);
    expect(await most({ maxBuyW: 1n, maxBuy: 1n, maxReserveW: 0n, maxCarbonG: 0n, minSell: 0n }, 300, 13)).to.equal(2n);
  });

  it("cost at most what their readable twin says, in 200 random mandates and sessions", async () => {
    const random = generator(29);
    const price = (most: number): bigint => BigInt(random(2 * most + 1) - most);
    for (let k = 0; k < 200; k++) {
      const [signed] = await mandate(world, k % 20 === 0 ? Onboarding.OPERATOR_ID : 101, {
        ...{ maxBuy: price(0x7ffffe), minSell: price(0x7ffffe), maxReservePrice: price(0x7ffffe) },
        ...{ minReservePrice: price(0x7ffffe), maxCarbonPrice: price(0x7ffffe), minCarbonPrice: price(0x7ffffe) },
        ...{ maxBuyW: BigInt(random(2 ** 31)), maxSellW: BigInt(random(2 ** 31)), maxReserveW: BigInt(random(9)) },
        ...{
          maxCarbonG: BigInt(random(2 ** 31)),
          maxSpendPerDay: BigInt(random(2 ** 31)) * BigInt(1 + random(60_000)),
        },
      });
      const length = { periodSeconds: [300, 900, 1_200, 3_600][k % 4], periods: 1 + random(100) };
      const imbalancePrice = BigInt(random(0xffffff));
      // Both throw where contract and twin differ.
      await Owner.mostLoss(world.deployment, world.provider, signed as Mandate, length);
      await Owner.mostTaken(world.deployment, world.provider, signed as Mandate, { ...length, imbalancePrice });
    }
    const [signed] = await mandate(world, 101, {});
    const lying = Object.assign(Object.create(world.provider) as typeof world.provider, {
      call: async (asked: TransactionRequest) =>
        asked.data?.startsWith(TABLE_WRITER.getFunction("mostLoss")!.selector) ? ZERO : world.provider.call(asked),
    });
    const length = { periodSeconds: 3_600, periods: 1 };
    const said = await Owner.mostLoss(world.deployment, lying, signed as Mandate, length).catch(
      (error: unknown) => error,
    );
    expect(said).to.be.instanceOf(Owner.FalseFigure);
  });

  it("threat: an operator's rebates: what it gives back is bounded by its day's spend, and its formula says so", async () => {
    const operator = Onboarding.OPERATOR_ID;
    const nothing = { maxBuyW: 0n, maxSellW: 0n, maxReserveW: 0n, maxCarbonG: 0n, maxSpendPerDay: 20_000_000n };
    const signed = await mandate(world, operator, { ...nothing, nonce: 2n });
    await send(market, "registerMandate", ...signed);
    const tables = await tablesOf(market);
    const most = await call(tables, "mostLoss", signed[0], 3600, 1);
    expect(await call(tables, "mostLoss", { ...signed[0], prosumer: 101 }, 3600, 1)).to.equal(0n);
    const before = await held(world, operator);
    const frozen = await freeze(world, 1);
    const rebate = { seller: OPERATOR, buyer: 0, product: "network", period: 255, quantity: 20_000, price: -1_000_000 };
    const payload = Payload.encode(
      { participants: world.ids, systems: 2, reactiveVar: world.ids.map(() => [0]), trades: [rebate as Trade] },
      1,
    );
    await Session.postAndSettle(world.deployment, world.admin, payload, BUNDLE, await sign(world, frozen, payload));
    expect(before - (await held(world, operator))).to.equal(most);
  });

  it("sent by the wallet itself need no signature", async () => {
    const mine = as(market, await owner(world, 101));
    const own = { prosumer: 101, ...OPEN_MANDATE, nonce: 3n };
    expect(await refused(mine, "registerMandate", own, "0x12")).to.equal("mandateBadSignature");
    await send(mine, "registerMandate", own, "0x");
    expect((await market.getFunction("registeredMandate").staticCall(101)).nonce).to.equal(3n);
  });

  it("no single prosumer makes a correctly signed batch revert: revoked, replaced, drained, ERC-1271 turned hostile", async () => {
    const hostile = await deploy(world.admin, "HostileWallet");
    const mine = as(world.contracts.registry, await owner(world, 103));
    await send(mine, "rotateWallet", 103, hostile.target);
    const byContract = { prosumer: 103, ...OPEN_MANDATE, nonce: SERIES + 2n };
    await send(market, "registerMandate", byContract, "0x1234");
    await send(hostile, "setAccepts", false);
    expect(await refused(market, "registerMandate", { ...byContract, nonce: SERIES + 3n }, "0x1234")).to.equal(
      "mandateBadSignature",
    );

    const frozen = await freeze(world, 2);
    const first = as(market, await owner(world, 101));
    await send(first, "revokeMandate", 101);
    await send(first, "requestWithdrawal", 101, 100_000_000n);
    expect(await held(world, 101)).to.equal(100_000_000_000n);
    await send(
      market,
      "registerMandate",
      ...(await mandate(world, 102, { nonce: 2n, maxBuy: -1_000_000n, minSell: 1_000_000n })),
    );
    await send(hostile, "setBurnsGas", true);
    const result = batch(
      { ids: world.ids, periods: 2, energy: 4, reserve: 2, carbon: 2, systems: true, maxWh: 500 },
      generator(77),
    );
    const payload = Payload.encode(Payload.fromResult(result), 2);
    await Session.postAndSettle(world.deployment, world.admin, payload, BUNDLE, await sign(world, frozen, payload));

    const next = await freeze(world, 2, { start: START + 86_400 });
    expect(next.leftOut).to.deep.equal([101]);
  });
});
