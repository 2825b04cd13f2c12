/** Whose signatures count for what became of a session, where keys change between its freeze and its entry. */
import { expect } from "chai";
import { audit } from "../../offchain-solver/auditor/audit.ts";
import { signedBy } from "../../offchain-solver/auditor/deliverySignatures.ts";
import { endpointOf } from "../../offchain-solver/chain/endpoint.ts";
import { keysOfSession } from "../../offchain-solver/chain/keys.ts";
import { look } from "../../offchain-solver/chain/look.ts";
import * as Chain from "../../offchain-solver/chain/deployment.ts";
import { deliveryDomain } from "../../offchain-solver/codec/deliveryData.ts";
import type { Witness } from "../../offchain-solver/codec/witness.ts";
import { releasedBuild } from "../../offchain-solver/devnet/release.ts";
import { toMetersJson } from "../../offchain-solver/metering/record.ts";
import {
  signReadings,
  signStatement,
  takeIn,
  type Expected,
  type MeterFile,
} from "../../offchain-solver/metering/signed.ts";
import { as, owner, proof } from "../support/calls.ts";
import { connectHomes, settleSession, type SettledSession } from "../support/delivered.ts";
import { wallet } from "../support/keys.ts";
import { createWorld, type World } from "../support/world.ts";

describe("keys of a session", function () {
  this.timeout(300_000);
  const [early, node, meter] = ["earlier meter", "new node", "new meter"].map((name) => wallet(name, 102));
  let world: World;
  let session: SettledSession;
  let expected: Expected;

  const meterRotated = async (key: typeof meter, rotation: bigint): Promise<void> => {
    const message = { prosumer: 102, wallet: world.wallets.get(102)!.address, rotation };
    const shown = await proof(world, "meter", key, message);
    await Chain.send(world.contracts.registry, "rotateMeterKey", 102, key.address, shown);
  };

  /** 102's meter is replaced once before the freeze and once after it, its node's key after it. */
  before(async () => {
    world = await createWorld({ prosumers: 4, dollars: 4 });
    await connectHomes(world);
    await meterRotated(early, 1n);
    const trade = { product: "energy", seller: 0, buyer: 1, period: 0, quantity: 1_000, price: 80_000 } as const;
    session = await settleSession(world, [trade]);
    await meterRotated(meter, 2n);
    const mine = as(world.contracts.registry, await owner(world, 102));
    const shown = await proof(world, "node", node, {
      prosumer: 102,
      wallet: world.wallets.get(102)!.address,
      rotation: 1n,
    });
    await Chain.send(mine, "rotateNodeKey", 102, node.address, shown);
    const { start, periodSeconds, periods } = session.terms;
    expected = {
      domain: deliveryDomain(world.deployment.chainId, world.deployment.delivery!),
      batch: session.batch,
      ...{ start: Number(start), periodSeconds, periods },
      ...(await keysOfSession(world.deployment, world.provider, session.terms)),
      committed: new Map(),
    };
  });

  const file = (key: typeof meter, number: number, prosumer = 102) =>
    signReadings(
      expected.domain,
      key,
      [0, 1].map((t) => ({
        ...{ prosumer, start: expected.start + t * expected.periodSeconds, seconds: expected.periodSeconds },
        ...{ meteredWh: 10, renewableWh: 0, quality: "measured" as const },
      })),
      number,
    );
  const stated = (key: typeof meter, prosumer = 102) =>
    signStatement(expected.domain, key, session.batch, { prosumer, generatorG: 0 });

  const takenOf = (...files: MeterFile[]) => takeIn({ files, activations: [], statements: [] }, expected);

  it("are the node's of the freeze, and the meter's of the freeze and since", () => {
    const frozen = world.nodeKeys.get(102)!;
    expect(expected.nodeKeys.get(102)).to.equal(frozen.address);
    expect(expected.meterKeys.get(102)).to.deep.equal([early.address, meter.address]);
    expect(expected.meterKeys.get(101)).to.deep.equal([wallet("meter", 101).address]);
  });

  it("take the file of a meter that was replaced since, and none of one that was replaced before", async () => {
    const own = takenOf(await file(early, 1));
    expect([[...own.files.keys()], own.refused]).to.deep.equal([[102], []]);
    expect(takenOf(await file(meter, 2)).refused).to.deep.equal([]);
    const before = takenOf(await file(wallet("meter", 102), 1));
    expect([before.files.size, before.refused.length]).to.deep.equal([0, 1]);
  });

  it("are the same to an auditor, who is shown no statement that was refused", async () => {
    const frozen = world.nodeKeys.get(102)!;
    const statements = [await stated(wallet("node", 101), 101), await stated(frozen), await stated(node, 103)];
    const taken = takeIn({ files: [await file(early, 1)], activations: [], statements }, expected);
    expect([...taken.statements.keys()]).to.deep.equal([101, 102]);
    expect(taken.refused).to.deep.equal(["statement of prosumer 103: not signed by its node's key"]);
    const { chainId, market, block, delivery } = world.deployment;
    const where = { batch: session.batch, chainId: Number(chainId), delivery: delivery! };
    const meters = toMetersJson(where, { taken, basis: { connections: new Map() } });
    const seen = look(endpointOf(world.provider));
    const found = await audit({ look: seen, market, fromBlock: block, release: releasedBuild() });
    // Terms of the market are no part of who signed.
    const judged = signedBy(meters, { session: found.sessions[0], witness: { terms: {} } as Witness, found });
    expect(judged).to.have.all.keys("readings", "statements", "activations", "files");
  });
});
