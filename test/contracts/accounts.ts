import { expect } from "chai";
import { type Contract, type JsonRpcApiProvider, type Signer, Signature, toBeHex, type Wallet } from "ethers";
import { deploy, send } from "../../offchain-solver/chain/deployment.ts";
import * as Onboarding from "../../offchain-solver/chain/onboarding.ts";
import * as Session from "../../offchain-solver/chain/session.ts";
import {
  attestationDigest,
  marketDomain,
  NODE_KEY_TYPES,
  packSignatures,
  registryDomain,
} from "../../offchain-solver/codec/typedData.ts";
import * as Grid from "../../offchain-solver/codec/gridModel.ts";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import { batch, generator } from "./batches.ts";
import { wallet as keyOf } from "./keys.ts";
import { createWorld, FAR, freeze, idsOf, lineGrid, OPEN_MANDATE, refusalOf, sign, type World } from "./world.ts";

/** The wallet of `id`, with money for gas. */
async function owner(world: World, id: number): Promise<Wallet> {
  const wallet = (world.wallets.get(id) as Wallet).connect(world.provider);
  await world.admin.sendTransaction({ to: wallet.address, value: 10n ** 18n });
  return wallet;
}
const as = (contract: Contract, signer: Signer): Contract => contract.connect(signer) as Contract;
const call = (contract: Contract, method: string, ...args: unknown[]): Promise<unknown> =>
  contract.getFunction(method).staticCall(...args);
async function refused(contract: Contract, method: string, ...args: unknown[]): Promise<string> {
  return (await refusalOf(contract, call(contract, method, ...args))).predicate;
}
const held = async (world: World, id: number): Promise<bigint> =>
  (await world.contracts.market.getFunction("account").staticCall(id)).deposit;

describe("deposits and withdrawals", () => {
  let world: World;
  let market: Contract;
  beforeEach(async () => {
    world = await createWorld({ prosumers: 3, dollars: 100 });
    market = world.contracts.market;
  });

  it("a withdrawal pays after the delay, never earlier, and only what is free", async () => {
    const wallet = await owner(world, 101);
    const mine = as(market, wallet);
    expect(await refused(market, "requestWithdrawal", 101, 1n)).to.equal("notWallet");
    expect(await refused(mine, "requestWithdrawal", 101, 100_000_001n)).to.equal("amountExceedsFree");
    expect(await refused(mine, "requestWithdrawal", 101, 2n ** 255n)).to.equal("amountExceedsFree");
    expect(await refused(mine, "withdraw", 101)).to.equal("nothingPending");
    await send(mine, "requestWithdrawal", 101, 60_000_000n);
    await send(mine, "requestWithdrawal", 101, 10_000_000n);
    expect(await held(world, 101)).to.equal(30_000_000_000n);
    const [tokens, availableAt] = (await call(market, "pending", 101)) as [bigint, bigint];
    expect(tokens).to.equal(70_000_000n);
    await world.connection.networkHelpers.time.setNextBlockTimestamp(availableAt - 1n);
    const early = await refusalOf(
      market,
      market
        .getFunction("withdraw")
        .send(101, { gasLimit: 200_000 })
        .then((tx) => tx.wait()),
    );
    expect(early.predicate).to.equal("withdrawalTooEarly");
    await world.connection.networkHelpers.time.setNextBlockTimestamp(availableAt);
    await send(market, "withdraw", 101);
    expect(await call(world.contracts.token, "balanceOf", wallet.address)).to.equal(70_000_000n);
    expect(await refused(market, "withdraw", 101)).to.equal("nothingPending");
  });

  it("money that is locked for the open session cannot leave; once it is void, it can", async () => {
    const mine = as(market, await owner(world, 101));
    await send(market, "registerMandate", ...(await mandate(world, 102, { nonce: 2n, maxSpendPerDay: 40_000_000n })));
    const frozen = await freeze(world, 1, { open: 600 });
    expect(await refused(mine, "requestWithdrawal", 101, 1n)).to.equal("amountExceedsFree");
    expect(await call(market, "free", 102)).to.equal(60_000_000_000n);
    const other = as(market, await owner(world, 102));
    await send(other, "requestWithdrawal", 102, 60_000_000n);
    expect(await refused(other, "requestWithdrawal", 102, 1n)).to.equal("amountExceedsFree");
    await world.connection.networkHelpers.time.increaseTo(frozen.terms.deadline);
    expect(await call(market, "free", 101)).to.equal(0n);
    await world.connection.networkHelpers.time.increaseTo(frozen.terms.deadline + 1n);
    await send(mine, "requestWithdrawal", 101, 100_000_000n);
    expect(await held(world, 101)).to.equal(0n);
  });

  it("a lock of a session that is over does not bind whom the next session leaves out", async () => {
    const first = await freeze(world, 1, { open: 600 });
    expect(first.lockedMicro.get(101)).to.equal(100_000_000n);
    await world.connection.networkHelpers.time.increaseTo(first.terms.deadline + 1n);
    await send(as(market, await owner(world, 101)), "revokeMandate", 101, 1n);
    const next = await freeze(world, 1, { start: 1_800_086_400 });
    expect(next.leftOut).to.deep.equal([101]);
    expect(await call(market, "free", 101)).to.equal(100_000_000_000n);
    expect(await call(market, "free", 102)).to.equal(0n);
  });

  it("nobody can pay to an account that is not, nor more than an account holds", async () => {
    const { token } = world.contracts;
    expect(await refused(market, "deposit", 999, 1n)).to.equal("unknownAccount");
    const tooMuch = 2n ** 64n / 1000n;
    await send(token, "mint", await world.admin.getAddress(), tooMuch);
    await send(token, "approve", market.target, tooMuch);
    expect(await refused(market, "deposit", 101, tooMuch)).to.equal("depositTooLarge");
  });

  it("a permit deposits in one transaction, and a permit used by somebody else does not stop it", async () => {
    const { token } = world.contracts;
    const wallet = await owner(world, 103);
    await send(token, "mint", wallet.address, 9_000_000n);
    const domain = {
      name: "Test dollar",
      version: "1",
      chainId: world.deployment.chainId,
      verifyingContract: world.deployment.token,
    };
    const types = {
      Permit: [
        { name: "owner", type: "address" },
        { name: "spender", type: "address" },
        { name: "value", type: "uint256" },
        { name: "nonce", type: "uint256" },
        { name: "deadline", type: "uint256" },
      ],
    };
    const permit = {
      owner: wallet.address,
      spender: world.deployment.market,
      value: 9_000_000n,
      nonce: 0n,
      deadline: FAR,
    };
    const { v, r, s } = Signature.from(await wallet.signTypedData(domain, types, permit));
    await send(token, "permit", permit.owner, permit.spender, permit.value, FAR, v, r, s);
    await send(as(market, wallet), "depositWithPermit", 103, 9_000_000n, FAR, v, r, s);
    expect(await held(world, 103)).to.equal(109_000_000_000n);
  });

  it("allowances: only the regulator issues them, to accounts that are, and never too many", async () => {
    expect(await refused(as(market, await owner(world, 101)), "issueAllowances", [101], [1n])).to.equal(
      "accessManagedUnauthorized",
    );
    expect(await refused(market, "issueAllowances", [101, 102], [1n])).to.equal("lengthsDiffer");
    expect(await refused(market, "issueAllowances", [999], [1n])).to.equal("unknownAccount");
    expect(await refused(market, "issueAllowances", [101], [2n ** 55n])).to.equal("carbonOverflow");
    expect(await refused(market, "issueAllowances", [101], [2n ** 255n])).to.equal("carbonOverflow");
    expect(await call(market, "issueAllowances", [Onboarding.UTILITY_ID], [2n ** 55n - 1n])).to.have.lengthOf(0);
    expect(await refused(market, "issueAllowances", [101], [2n ** 55n - 1n])).to.equal("carbonOverflow");
    await send(market, "issueAllowances", [101], [2n ** 55n - 1n - 1_000_000n]);
    expect((await market.getFunction("account").staticCall(101)).carbon).to.equal(2n ** 55n - 1n);
  });
});

async function mandate(world: World, id: number, fields: object): Promise<[object, string]> {
  const full = { prosumer: id, ...OPEN_MANDATE, ...fields };
  return [full, await Onboarding.signMandate(world.deployment, world.wallets.get(id) as Wallet, full)];
}

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
    expect(await refused(market, "revokeMandate", 101, 9n)).to.equal("notWallet");
    expect(await refused(mine, "revokeMandate", 101, 4n)).to.equal("nonceNotLarger");
    await call(mine, "revokeMandate", 101, 5n);
    await send(mine, "revokeMandate", 101, 9n);
    expect(await refused(market, "registerMandate", ...(await mandate(world, 101, { nonce: 9n })))).to.equal(
      "nonceNotLarger",
    );
    expect((await market.getFunction("registeredMandate").staticCall(101)).validUntil).to.equal(0n);
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
    const byContract = { prosumer: 103, ...OPEN_MANDATE, nonce: 2n };
    await send(market, "registerMandate", byContract, "0x1234");
    await send(hostile, "setAccepts", false);
    expect(await refused(market, "registerMandate", { ...byContract, nonce: 3n }, "0x1234")).to.equal(
      "mandateBadSignature",
    );

    const frozen = await freeze(world, 2);
    const first = as(market, await owner(world, 101));
    await send(first, "revokeMandate", 101, 8n);
    expect(await refused(first, "requestWithdrawal", 101, 1n)).to.equal("amountExceedsFree");
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
    await Session.postAndSettle(world.deployment, world.admin, payload, await sign(world, frozen, payload));

    const next = await freeze(world, 2, { start: 1_800_086_400 });
    expect(next.leftOut).to.deep.equal([101]);
  });
});

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
    expect(await refused(as(market, await owner(world, 101)), "freezeSession", at, 3600, 1, late, [])).to.equal(
      "accessManagedUnauthorized",
    );
    expect(await refused(market, "freezeSession", 0, 3600, 1, late, [])).to.equal("sessionNotLater");
    expect(await refused(market, "freezeSession", at, 3600, 0, late, [])).to.equal("periodsOutOfRange");
    expect(await refused(market, "freezeSession", at, 3600, 64, late, [])).to.equal("periodsOutOfRange");
    expect(await refused(market, "freezeSession", at, 0, 1, late, [])).to.equal("periodSecondsNotDivisorOfHour");
    expect(await refused(market, "freezeSession", at, 3601, 1, late, [])).to.equal("periodSecondsNotDivisorOfHour");
    expect(await refused(market, "freezeSession", at, 3600, 1, now, [])).to.equal("deadlineOutOfRange");
    expect(await refused(market, "freezeSession", at, 3600, 1, now + 2 * 86_400 + 60, [])).to.equal(
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
      const sent = market.getFunction("freezeSession").send(at, 3600, 1, next + seconds, [], { gasLimit: 2_000_000 });
      const outcome = sent.then((tx) => tx.wait()).then(() => "frozen");
      expect(await outcome.catch(async (error) => (await refusalOf(market, Promise.reject(error))).predicate)).to.equal(
        expected,
      );
      await fork.restore();
    }
    expect(await refused(market, "freezeSession", at, 3600, 1, late, [101, 101])).to.equal("freezeNotAscending");
    expect(await refused(market, "freezeSession", at, 3600, 1, late, [102, 101])).to.equal("freezeNotAscending");
    await send(market, "freezeSession", at, 3600, 63, late, [101]);
    expect(await refused(market, "freezeSession", at + 1, 3600, 1, late, [101])).to.equal("sessionStillOpen");
    expect(await refused(market, "settle", "0x", 0, "0x")).to.equal("payloadLength");
    await world.connection.networkHelpers.time.increaseTo(late + 1);
    expect(await refused(market, "settle", "0x", 0, "0x")).to.equal("deadlinePassed");
    await send(market, "setPaused", true);
    expect(await refused(market, "freezeSession", at, 3600, 1, late + 3600, [101])).to.equal("settlementPaused");
  });

  it("need a committee and a grid model", async () => {
    const registry = await deploy(world.admin, "Registry", world.deployment.authority);
    const bare = await deploy(
      world.admin,
      "Market",
      world.deployment.authority,
      world.deployment.token,
      registry.target,
      1000,
    );
    const { authority } = world.contracts;
    const selector = (contract: Contract, method: string): string =>
      contract.interface.getFunction(method)?.selector as string;
    await send(
      authority,
      "setTargetFunctionRole",
      bare.target,
      [selector(bare, "freezeSession"), selector(bare, "setPriceCap")],
      1n,
    );
    const methods = ["register", "appointCommittee", "addGridModel"].map((method) => selector(registry, method));
    await send(authority, "setTargetFunctionRole", registry.target, methods, 1n);
    const open = (): Promise<string> => refused(bare, "freezeSession", 1_800_000_000, 3600, 1, now + 3600, []);
    expect(await open()).to.equal("noCommittee");
    const node = keyOf("bare", 1);
    const domain = registryDomain(world.deployment.chainId, String(registry.target));
    const proof = await node.signTypedData(domain, NODE_KEY_TYPES, {
      prosumer: 101,
      wallet: node.address,
      rotation: 0n,
    });
    await send(registry, "register", 101, node.address, node.address, keyOf("bare meter", 1).address, proof);
    await send(registry, "appointCommittee", [101]);
    expect(await open()).to.equal("noGridModel");
    expect(await refused(bare, "setPriceCap", 0)).to.equal("priceCapOutOfRange");
    expect(await refused(bare, "setPriceCap", 0x7fffff)).to.equal("priceCapOutOfRange");
    await call(bare, "setPriceCap", 0x7ffffe);
    expect(await refused(market, "settle", "0x", 0, "0x")).to.equal("noOpenSession");
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
    await send(market, "freezeSession", 1_800_000_000, 3600, 1, now + 3600, [101, Onboarding.DESK_ID]);
    for (const [id, bus] of [
      [101, 1n],
      [Onboarding.DESK_ID, 0n],
    ] as const) {
      const { locked, limits } = await market.getFunction("frozenLimits").staticCall(id);
      expect([locked, limits.bus]).to.deep.equal([true, bus]);
    }
  });
});

describe("hostile tokens", () => {
  it("a token with a fee: what arrives is credited, not what was sent", async () => {
    const world = await createWorld({ prosumers: 1, dollars: 0 });
    const token = await deploy(world.admin, "FeeToken");
    const market = await deploy(
      world.admin,
      "Market",
      world.deployment.authority,
      token.target,
      world.deployment.registry,
      1000,
    );
    await send(token, "mint", await world.admin.getAddress(), 1_000n);
    await send(token, "approve", market.target, 1_000n);
    await send(market, "deposit", 101, 1_000n);
    expect((await market.getFunction("account").staticCall(101)).deposit).to.equal(990_000n);
    expect(await call(token, "balanceOf", market.target)).to.equal(990n);
  });

  it("a token that calls back: neither deposit nor withdrawal can be entered twice", async () => {
    const world = await createWorld({ prosumers: 1, dollars: 0 });
    const token = await deploy(world.admin, "HookToken");
    const market = await deploy(
      world.admin,
      "Market",
      world.deployment.authority,
      token.target,
      world.deployment.registry,
      1000,
    );
    const hostile = await deploy(world.admin, "HostileWallet");
    await send(as(world.contracts.registry, await owner(world, 101)), "rotateWallet", 101, hostile.target);
    await send(token, "mint", hostile.target, 1_000n);
    const run = (target: Contract, method: string, ...args: unknown[]) =>
      send(hostile, "execute", target.target, target.interface.encodeFunctionData(method, args));
    await run(token, "approve", market.target, 2_000n);
    await send(hostile, "setReentry", market.target, market.interface.encodeFunctionData("deposit", [101, 1n]));
    await run(market, "deposit", 101, 500n);
    expect(await call(hostile, "entered")).to.equal(false);
    expect(market.interface.parseError((await call(hostile, "failure")) as string)?.name).to.equal(
      "ReentrancyGuardReentrantCall",
    );
    expect((await market.getFunction("account").staticCall(101)).deposit).to.equal(500_000n);
    const own = { prosumer: 101, ...OPEN_MANDATE, nonce: 9n };
    await send(
      hostile,
      "setReentry",
      market.target,
      market.interface.encodeFunctionData("registerMandate", [own, "0x"]),
    );
    await run(market, "deposit", 101, 0n);
    expect(await call(hostile, "entered")).to.equal(false);
    await run(market, "requestWithdrawal", 101, 300n);
    await world.connection.networkHelpers.time.increase(4 * 86_400);
    await send(hostile, "setReentry", market.target, market.interface.encodeFunctionData("withdraw", [101]));
    await send(market, "withdraw", 101);
    expect(await call(hostile, "entered")).to.equal(false);
    expect(market.interface.parseError((await call(hostile, "failure")) as string)?.name).to.equal(
      "ReentrancyGuardReentrantCall",
    );
    expect(await call(token, "balanceOf", hostile.target)).to.equal(800n);
    expect(await call(token, "balanceOf", market.target)).to.equal(200n);
  });
});

for (const reference of [true, false]) {
  describe(`the ends of the ledger's ranges, ${reference ? "plain" : "optimised"} market`, () => {
    const settle = async (world: World, trades: Payload.Payload["trades"], systems = 0, day = 0): Promise<string> => {
      const frozen = await freeze(world, 1, { start: 1_800_000_000 + 86_400 * day });
      const payload = Payload.encode({ participants: world.ids, systems, reactiveVar: [[0], [0]], trades }, 1);
      const { market } = world.contracts;
      const signed = await sign(world, frozen, payload);
      return Session.postAndSettle(world.deployment, world.admin, payload, signed).then(
        () => "settled",
        async (error) => (await refusalOf(market, Promise.reject(error))).predicate,
      );
    };

    it("what was spent today counts tomorrow no more", async () => {
      const mandate = (id: number) => (id < Onboarding.DESK_ID ? { maxSpendPerDay: 1_000n } : {});
      const world = await createWorld({ prosumers: 2, reference, mandate });
      const pays = async (start: number, nano: number): Promise<bigint> => {
        const frozen = await freeze(world, 1, { start });
        const trades = [{ seller: 1, buyer: 0, product: "carbon", period: 63, quantity: nano, price: 1 }] as const;
        const payload = Payload.encode({ participants: world.ids, systems: 0, reactiveVar: [[0], [0]], trades }, 1);
        await Session.postAndSettle(world.deployment, world.admin, payload, await sign(world, frozen, payload));
        return frozen.lockedMicro.get(101) as bigint;
      };
      const day = 1_800_000_000 - (1_800_000_000 % 86_400);
      expect(await pays(day, 300_001)).to.equal(1_000n);
      expect(await pays(day + 3_600, 699_000)).to.equal(699n);
      expect((await refusalOf(world.contracts.market, pays(day + 7_200, 1))).predicate).to.equal("spendBeyondLock");
      await world.connection.networkHelpers.time.increase(3_601);
      expect(await pays(day + 86_400, 1)).to.equal(1_000n);
    });

    it("the whole lock spent is no excuse for allowances that are not there: carbonBelowZero", async () => {
      const mandate = (id: number) => (id === 101 ? { maxSpendPerDay: 1_000n } : {});
      const world = await createWorld({ prosumers: 2, reference, mandate });
      const sales = [
        { seller: 0, buyer: 1, product: "carbon", period: 63, quantity: 1, price: 0 },
        { seller: 0, buyer: 0xfffd, product: "carbon", period: 63, quantity: 1_000_000, price: -1 },
      ] as const;
      expect(await settle(world, sales, 1)).to.equal("carbonBelowZero");
    });

    it("a deposit stays below 2^64 nano-dollars: depositOverflow", async () => {
      const world = await createWorld({ prosumers: 2, reference, dollars: 1_000 });
      const room = (2n ** 64n - 1n) / 1000n - 1_000_000_000n;
      await Onboarding.fund(world.deployment, world.admin, 101, room);
      const sale = (quantity: number) =>
        [{ seller: 0, buyer: 1, product: "carbon", period: 63, quantity, price: 1_000 }] as const;
      expect(await settle(world, sale(1))).to.equal("depositOverflow");
    });

    it("a deposit may be 2^64 - 1 nano-dollars, and no more: depositTooLarge", async () => {
      const world = await createWorld({ prosumers: 2, reference, dollars: 1_000 });
      const sale = [{ seller: 0, buyer: 1, product: "carbon", period: 63, quantity: 615, price: 1 }] as const;
      expect(await settle(world, sale)).to.equal("settled");
      const room = (2n ** 64n - 1n - (await held(world, 101))) / 1000n;
      const { market, token } = world.contracts;
      await send(token, "mint", await world.admin.getAddress(), room + 1n);
      await send(token, "approve", market.target, room + 1n);
      expect(await refused(market, "deposit", 101, room + 1n)).to.equal("depositTooLarge");
      await send(market, "deposit", 101, room);
      expect(await held(world, 101)).to.equal(2n ** 64n - 1n);
      const gift = (quantity: number) =>
        [{ seller: 0, buyer: 0xfffd, product: "carbon", period: 63, quantity, price: 0 }] as const;
      expect(await settle(world, gift(10_000), 1, 1)).to.equal("settled");
      expect(await settle(world, gift(1_000_000), 1, 2)).to.equal("carbonBelowZero");
    });

    it("a system account's mandate binds as anybody's, in a batch that not all take part in: carbonPriceOutsideMandate", async () => {
      const mandate = (id: number) => (id === Onboarding.DESK_ID ? { minCarbonPrice: 25_000n } : {});
      const world = await createWorld({ prosumers: 3, reference, mandate });
      const frozen = await freeze(world, 1);
      const { market } = world.contracts;
      const sells = async (price: number): Promise<unknown> => {
        const trades = [{ seller: 0xfffd, buyer: 0, product: "carbon", period: 63, quantity: 1, price }] as const;
        const participants = world.ids.slice(0, 2);
        const payload = Payload.encode({ participants, systems: 1, reactiveVar: [[0], [0]], trades }, 1);
        const { signers, signatures } = packSignatures(await sign(world, frozen, payload));
        expect(await call(market, "attestationDigest", payload)).to.equal(
          attestationDigest(marketDomain(world.deployment.chainId, world.deployment.market), frozen.terms, payload),
        );
        return call(market, "settle", payload, signers, signatures);
      };
      const { predicate, detail } = await refusalOf(market, sells(24_999));
      expect([predicate, ...detail]).to.deep.equal(["carbonPriceOutsideMandate", BigInt(Onboarding.DESK_ID), 0n]);
      await sells(25_000);
    });

    it("a system account that gave no mandate takes part in no batch: notLocked", async () => {
      for (const [id, product, systems] of [
        [Onboarding.DESK_ID, "carbon", 1],
        [Onboarding.UTILITY_ID, "energy", 4],
      ] as const) {
        const world = await createWorld({ prosumers: 2, reference });
        await send(as(world.contracts.market, await owner(world, id)), "revokeMandate", id, 1n);
        const period = product === "carbon" ? 63 : 0;
        const sale = [{ seller: id & 0xffff, buyer: 0, product, period, quantity: 1, price: 1 }] as const;
        expect(await settle(world, sale, systems)).to.equal("notLocked");
      }
    });

    it("an account holds less than 2^55 grams: carbonOverflow; the desk alone may owe them", async () => {
      const world = await createWorld({ prosumers: 2, reference });
      await Onboarding.issueAllowances(world.deployment, world.admin, new Map([[101, 2n ** 55n - 2n - 1_000_000n]]));
      const sale = [{ seller: 0xfffd, buyer: 0, product: "carbon", period: 63, quantity: 1, price: 1 }] as const;
      expect(await settle(world, sale, 1)).to.equal("settled");
      expect(await settle(world, sale, 1, 1)).to.equal("carbonOverflow");
    });

    it("the desk neither holds nor owes 2^55 grams and more: carbonOverflow", async () => {
      const world = await createWorld({ prosumers: 2, reference });
      const provider = world.provider as JsonRpcApiProvider;
      const { deployment } = world;
      // No number of batches that a test can settle comes near, so the word is written: carbon is 56 bits above a deposit of 64.
      let slot = BigInt(Onboarding.DESK_ID);
      while (BigInt(await provider.getStorage(deployment.market, slot)) === 0n) slot++;
      const moves = async (carbon: bigint, sells: boolean, day: number): Promise<string> => {
        const word = (BigInt.asUintN(56, carbon) << 64n) + (await held(world, Onboarding.DESK_ID));
        await provider.send("hardhat_setStorageAt", [deployment.market, toBeHex(slot), toBeHex(word, 32)]);
        expect((await world.contracts.market.getFunction("account").staticCall(Onboarding.DESK_ID)).carbon).to.equal(
          carbon,
        );
        const [seller, buyer] = sells ? [0xfffd, 0] : [0, 0xfffd];
        return settle(world, [{ seller, buyer, product: "carbon", period: 63, quantity: 1, price: 1 }], 1, day);
      };
      const end = 2n ** 55n;
      expect(await moves(end - 2n, false, 0)).to.equal("settled");
      expect(await moves(1n - end, true, 1)).to.equal("settled");
      expect(await moves(end - 1n, false, 2)).to.equal("carbonOverflow");
      await world.connection.networkHelpers.time.increase(3_601);
      expect(await moves(-end, true, 3)).to.equal("carbonOverflow");
    });
  });
}

describe("roles", () => {
  it("no role moves a deposit: every function a role may call leaves all deposits as they were", async () => {
    const world = await createWorld({ prosumers: 2, dollars: 100 });
    const { market } = world.contracts;
    const before = await Promise.all(world.ids.map((id) => held(world, id)));
    await send(market, "setPaused", true);
    await send(market, "setPaused", false);
    await send(market, "setPriceCap", 5);
    await send(market, "issueAllowances", [101], [5n]);
    await send(world.contracts.registry, "appointCommittee", [Onboarding.OPERATOR_ID]);
    await send(world.contracts.registry, "rotateMeterKey", 101, keyOf("new meter", 1).address);
    await freeze(world, 1);
    expect(await Promise.all(world.ids.map((id) => held(world, id)))).to.deep.equal(before);
    expect(await refused(world.contracts.registry, "rotateWallet", 101, await world.admin.getAddress())).to.equal(
      "notWalletOf",
    );
    expect(await refused(market, "requestWithdrawal", 101, 1n)).to.equal("notWallet");
  });

  it("every function with a role refuses everybody else", async () => {
    const world = await createWorld({ prosumers: 1, dollars: 0 });
    const stranger = await owner(world, 101);
    const market = as(world.contracts.market, stranger);
    const registry = as(world.contracts.registry, stranger);
    const attempts: [Contract, string, ...unknown[]][] = [
      [market, "setPaused", true],
      [market, "setPriceCap", 5],
      [market, "issueAllowances", [], []],
      [market, "freezeSession", 1, 3600, 1, 1, []],
      [registry, "register", 1, stranger.address, stranger.address, stranger.address, "0x"],
      [registry, "rotateMeterKey", 101, stranger.address],
      [registry, "addGridModel", "0x00010000"],
      [registry, "appointCommittee", [101]],
    ];
    for (const [contract, method, ...args] of attempts) {
      expect(await refused(contract, method, ...args), method).to.equal("accessManagedUnauthorized");
    }
  });
});
