import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { isError, JsonRpcProvider } from "ethers";
import * as Session from "../../offchain-solver/chain/session.ts";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import { audited } from "../support/audited.ts";
import { batch, generator } from "../support/batches.ts";
import { BUNDLE, CLOCK, createWorld, freeze, sign } from "../support/world.ts";

const PORT = 18_545 + (process.pid % 1_000);

/** From the package for Linux on x64; on another platform, where npm leaves that out, from GRIDPACT_ANVIL. */
function binary(): string {
  const own = process.env.GRIDPACT_ANVIL;
  if (own !== undefined) return own;
  try {
    return createRequire(import.meta.url).resolve("@foundry-rs/anvil-linux-amd64/bin/anvil");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
    throw new Error(
      `no anvil comes with ${process.platform} on ${process.arch}: set GRIDPACT_ANVIL to the path of one`,
    );
  }
}

describe("on anvil, a client written by others, with the transaction gas limit enforced", () => {
  let anvil: ChildProcess | undefined;
  const provider = new JsonRpcProvider(`http://127.0.0.1:${PORT}`, 31_337, {
    staticNetwork: true,
    cacheTimeout: -1,
    batchMaxCount: 1,
    polling: true,
    pollingInterval: 20,
  });

  before(async () => {
    anvil = spawn(binary(), [
      "--port",
      `${PORT}`,
      "--hardfork",
      "osaka",
      "--enable-tx-gas-limit",
      "--silent",
      "--timestamp",
      `${CLOCK}`,
    ]);
    for (let tries = 0; tries < 100; tries++) {
      try {
        await provider.send("eth_chainId", []);
        return;
      } catch (error) {
        if (!isError(error, "UNKNOWN_ERROR") && (error as NodeJS.ErrnoException).code !== "ECONNREFUSED") throw error;
        await sleep(50);
      }
    }
    throw new Error("anvil does not answer");
  });

  after(() => {
    provider.destroy();
    anvil?.kill();
  });

  it("a session is deployed, settled and audited", async () => {
    const world = await createWorld({ prosumers: 4, chain: { admin: await provider.getSigner(0), provider } });
    const frozen = await freeze(world, 2);
    const result = batch({ ids: world.ids, periods: 2, energy: 4, reserve: 1, carbon: 2, systems: true }, generator(8));
    const payload = Payload.encode(Payload.fromResult(result), 2);
    await Session.postAndSettle(world.deployment, world.admin, payload, BUNDLE, await sign(world, frozen, payload));
    const { market, block } = world.deployment;
    const { sessions, standing } = await audited(provider, market, block);
    expect(standing).to.deep.equal({ kind: "valid" });
    expect(sessions.map(({ verdict }) => verdict)).to.deep.equal([{ kind: "valid" }]);
  });
});
