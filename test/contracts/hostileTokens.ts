/** Tokens that take a fee or call back. */
import { expect } from "chai";
import type { Contract } from "ethers";
import { send } from "../../offchain-solver/chain/deployment.ts";
import { deploy } from "../support/artifacts.ts";
import { createWorld, OPEN_MANDATE } from "../support/world.ts";
import { as, call, owner } from "../support/calls.ts";

describe("hostile tokens", () => {
  it("a token with a fee: what arrives is credited, not what was sent", async () => {
    const world = await createWorld({ prosumers: 1, dollars: 0, token: "FeeToken" });
    const { market, token } = world.contracts;
    await send(token, "mint", await world.admin.getAddress(), 1_000n);
    await send(token, "approve", market.target, 1_000n);
    await send(market, "deposit", 101, 1_000n);
    expect((await market.getFunction("account").staticCall(101)).deposit).to.equal(990_000n);
    expect(await call(token, "balanceOf", market.target)).to.equal(990n);
  });

  it("a token that calls back: neither deposit nor withdrawal can be entered twice", async () => {
    const world = await createWorld({ prosumers: 1, dollars: 0, token: "HookToken" });
    const { market, token } = world.contracts;
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
