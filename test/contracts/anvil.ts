import { expect } from "chai";
import { JsonRpcProvider } from "ethers";
import * as Session from "../../offchain-solver/chain/session.ts";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import { type Anvil, startAnvil } from "../support/anvil.ts";
import { audited } from "../support/audited.ts";
import { batch, generator } from "../support/batches.ts";
import { BUNDLE, CLOCK, createWorld, freeze, sign } from "../support/world.ts";

describe("on anvil, a client written by others, with the transaction gas limit enforced", () => {
  let anvil: Anvil;
  let provider: JsonRpcProvider;

  before(async () => {
    anvil = await startAnvil("--timestamp", `${CLOCK}`);
    provider = new JsonRpcProvider(anvil.url, 31_337, {
      staticNetwork: true,
      cacheTimeout: -1,
      batchMaxCount: 1,
      polling: true,
      pollingInterval: 20,
    });
  });

  after(() => {
    provider?.destroy();
    anvil?.close();
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
