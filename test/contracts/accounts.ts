import { expect } from "chai";
import { type Contract, Signature, type Wallet } from "ethers";
import { send } from "../../offchain-solver/chain/deployment.ts";
import * as Onboarding from "../../offchain-solver/chain/onboarding.ts";
import * as Session from "../../offchain-solver/chain/session.ts";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import { wallet as keyOf } from "../support/keys.ts";
import { BUNDLE, START, TERMS, createWorld, FAR, freeze, refusalOf, sign, type World } from "../support/world.ts";
import { as, call, held, mandate, owner, proof, refused, seat } from "../support/calls.ts";

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
    expect(await refused(mine, "requestWithdrawal", 101, 0n)).to.equal("amountZero");
    expect(await refused(mine, "requestWithdrawal", 101, 100_000_001n)).to.equal("amountExceedsDeposit");
    expect(await refused(mine, "requestWithdrawal", 101, 2n ** 256n - 1n)).to.equal("amountExceedsDeposit");
    expect(await refused(mine, "withdraw", 101)).to.equal("nothingPending");
    await send(mine, "requestWithdrawal", 101, 60_000_000n);
    await send(mine, "requestWithdrawal", 101, 10_000_000n);
    expect(await held(world, 101)).to.equal(30_000_000_000n);
    const [tokens, queued, availableAt] = (await call(market, "pending", 101)) as [bigint, bigint, bigint];
    expect([tokens, queued]).to.deep.equal([70_000_000n, 0n]);
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
    await send(mine, "requestWithdrawal", 101, 100_000_000n);
    expect(await held(world, 101)).to.equal(100_000_000_000n);
    expect(await refused(mine, "requestWithdrawal", 101, 1n)).to.equal("amountExceedsDeposit");
    expect(await call(market, "free", 102)).to.equal(60_000_000_000n);
    const other = as(market, await owner(world, 102));
    await send(other, "requestWithdrawal", 102, 80_000_000n);
    expect(await held(world, 102)).to.equal(40_000_000_000n);
    const [moved, waits, availableAt] = (await call(market, "pending", 102)) as [bigint, bigint, bigint];
    expect([moved, waits]).to.deep.equal([60_000_000n, 20_000_000n]);
    await world.connection.networkHelpers.time.increaseTo(frozen.terms.deadline);
    expect(await call(market, "free", 101)).to.equal(0n);
    // What waited follows as soon as nothing is locked, whoever asks for it; its delay has run since the request.
    await world.connection.networkHelpers.time.increaseTo(availableAt);
    for (const id of [101, 102]) await send(market, "withdraw", id);
    expect(await held(world, 101)).to.equal(0n);
    expect(await held(world, 102)).to.equal(20_000_000_000n);
    const wallet = (world.wallets.get(102) as Wallet).address;
    expect(await call(world.contracts.token, "balanceOf", wallet)).to.equal(80_000_000n);
  });

  it("threat: back-to-back freezes: what waits leaves at the next, whoever is frozen, and a revoked account is locked no more", async () => {
    const mine = as(market, await owner(world, 101));
    const { time } = world.connection.networkHelpers;
    const first = await freeze(world, 1, { open: 600 });
    await send(mine, "requestWithdrawal", 101, 100_000_000n);
    await send(mine, "revokeMandate", 101);
    const revokedAt = await time.latest();
    await time.increaseTo(first.terms.deadline + 1n);
    let { terms } = await freeze(world, 1, { start: START + 3_600, open: 600 });
    // Everything has left, in a market that is never without a live session.
    expect(await held(world, 101)).to.equal(0n);
    expect((await market.getFunction("pending").staticCall(101)).tokens).to.equal(100_000_000n);
    for (let at = START + 7_200; (await time.latest()) < revokedAt + 3 * 86_400; at += 2 * 86_400) {
      await time.increaseTo(terms.deadline + 1n);
      ({ terms } = await freeze(world, 1, { start: at }));
    }
    await send(market, "withdraw", 101);
    expect(await call(world.contracts.token, "balanceOf", (world.wallets.get(101) as Wallet).address)).to.equal(
      100_000_000n,
    );
  });

  it("threat: a mandate replaced in mid-session: its lock is the frozen one's, and what it locked covers the batch", async () => {
    const mine = as(market, await owner(world, 101));
    await send(market, "registerMandate", ...(await mandate(world, 101, { nonce: 2n, maxSpendPerDay: 70_000_000n })));
    await freeze(world, 1);
    expect(await call(market, "lockOf", 101)).to.equal(70_000_000_000n);
    await send(market, "registerMandate", ...(await mandate(world, 101, { nonce: 3n, maxSpendPerDay: 0n })));
    expect(await call(market, "lockOf", 101)).to.equal(70_000_000_000n);
    await send(mine, "requestWithdrawal", 101, 100_000_000n);
    expect(await held(world, 101)).to.equal(70_000_000_000n);
    // A payment during the session does not unlock anything either.
    await Onboarding.fund(world.deployment, world.admin, 101, 10_000_000n);
    expect(await call(market, "lockOf", 101)).to.equal(70_000_000_000n);
    expect(await call(market, "free", 101)).to.equal(10_000_000_000n);
  });

  it("what waits is never more than the deposit: what a session has spent is gone", async () => {
    const mine = as(market, await owner(world, 101));
    const frozen = await freeze(world, 1);
    await send(mine, "requestWithdrawal", 101, 100_000_000n);
    const trade = { seller: 1, buyer: 0, product: "carbon", period: 255, quantity: 40_000, price: 1_000_000 } as const;
    const payload = Payload.encode(
      { participants: world.ids, systems: 0, reactiveVar: world.ids.map(() => [0]), trades: [trade] },
      1,
    );
    await Session.postAndSettle(world.deployment, world.admin, payload, BUNDLE, await sign(world, frozen, payload));
    await world.connection.networkHelpers.time.increase(3 * 86_400);
    await send(market, "withdraw", 101);
    expect(await call(market, "pending", 101)).to.deep.equal([0n, 0n, await availableOf(101)]);
    expect(await call(world.contracts.token, "balanceOf", (world.wallets.get(101) as Wallet).address)).to.equal(
      60_000_000n,
    );
    expect(await refused(market, "withdraw", 101)).to.equal("nothingPending");
  });
  const availableOf = async (id: number): Promise<bigint> =>
    (await market.getFunction("pending").staticCall(id)).availableAt;

  it("a lock of a session that is over does not bind whom the next session leaves out", async () => {
    const first = await freeze(world, 1, { open: 600 });
    expect(await call(market, "lockOf", 101)).to.equal(100_000_000_000n);
    await world.connection.networkHelpers.time.increaseTo(first.terms.deadline + 1n);
    await send(as(market, await owner(world, 101)), "revokeMandate", 101);
    const next = await freeze(world, 1, { start: START + 86_400 });
    expect(next.leftOut).to.deep.equal([101]);
    expect(await call(market, "free", 101)).to.equal(100_000_000_000n);
    expect(await call(market, "free", 102)).to.equal(0n);
  });

  it("nobody can pay to an account that is not, nor more than an account holds", async () => {
    const { token } = world.contracts;
    expect(await refused(market, "deposit", 999, 1n)).to.equal("unknownAccount");
    const room = 2n ** 63n / 1000n - ((await call(token, "balanceOf", market.target)) as bigint);
    await send(token, "mint", await world.admin.getAddress(), room + 1n);
    await send(token, "approve", market.target, room + 1n);
    expect(await refused(market, "deposit", 101, room + 1n)).to.equal("depositsTooLarge");
    // What all accounts hold together is the limit, so no account's deposit can make a batch overflow another's.
    await send(market, "deposit", 101, room);
    expect(await refused(market, "deposit", 102, 1n)).to.equal("depositsTooLarge");
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
});

describe("roles", () => {
  it("no role moves a deposit: every function a role may call leaves all deposits as they were", async () => {
    const world = await createWorld({ prosumers: 2, dollars: 100 });
    const { market } = world.contracts;
    const before = await Promise.all(world.ids.map((id) => held(world, id)));
    await send(market, "setPaused", true);
    await send(market, "setPaused", false);
    await send(market, "setPriceCap", 5);
    await send(market, "issueAllowances", [101], [5n]);
    const meter = keyOf("new meter", 1);
    const message = { prosumer: 101, wallet: (await owner(world, 101)).address, rotation: 1n };
    const shown = await proof(world, "meter", meter, message);
    await send(world.contracts.registry, "rotateMeterKey", 101, meter.address, shown);
    await seat(world, world.committee);
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
      [market, "cancelSession"],
      [market, "setPriceCap", 5],
      [market, "issueAllowances", [], []],
      [market, "freezeSession", 1, 3600, 1, 1, TERMS, 0],
      [registry, "register", 1, stranger.address, stranger.address, stranger.address, "0x", "0x"],
      [registry, "rotateMeterKey", 101, stranger.address, "0x"],
      [registry, "addGridModel", "0x00010000"],
      [registry, "appointCommittee", [101]],
    ];
    for (const [contract, method, ...args] of attempts) {
      expect(await refused(contract, method, ...args), method).to.equal("accessManagedUnauthorized");
    }
  });
});

for (const reference of [true, false]) {
  describe(`allowances, ${reference ? "plain" : "optimised"} market`, () => {
    it("only the regulator issues them, to accounts that are, and never too many", async () => {
      const world = await createWorld({ prosumers: 3, dollars: 100, reference });
      const { market } = world.contracts;
      expect(await refused(as(market, await owner(world, 101)), "issueAllowances", [101], [1n])).to.equal(
        "accessManagedUnauthorized",
      );
      expect(await refused(market, "issueAllowances", [101, 102], [1n])).to.equal("lengthsDiffer");
      expect(await refused(market, "issueAllowances", [999], [1n])).to.equal("unknownAccount");
      expect(await refused(market, "issueAllowances", [101], [2n ** 55n])).to.equal("carbonOverflow");
      expect(await refused(market, "issueAllowances", [101], [2n ** 255n])).to.equal("carbonOverflow");
      expect(await refused(market, "issueAllowances", [101], [2n ** 54n])).to.equal("allowancesTooLarge");
      // All together, so that no account overflows whatever a batch moves.
      const total = (await call(market, "totalGrams")) as bigint;
      expect(await refused(market, "issueAllowances", [Onboarding.UTILITY_ID], [2n ** 54n - total + 1n])).to.equal(
        "allowancesTooLarge",
      );
      expect(await refused(market, "issueAllowances", [101, 102], [2n ** 54n - total, 1n])).to.equal(
        "allowancesTooLarge",
      );
      await send(market, "issueAllowances", [101], [2n ** 54n - total]);
      expect(await call(market, "totalGrams")).to.equal(2n ** 54n);
      expect(await refused(market, "issueAllowances", [102], [1n])).to.equal("allowancesTooLarge");
    });
  });
}
