import { expect } from "chai";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import { settle } from "../../offchain-solver/ledger/settlementModel.ts";
import * as Session from "../../offchain-solver/chain/session.ts";
import { batch, generator } from "../support/batches.ts";
import { BUNDLE, createWorld, freeze, type Frozen, sign, SYSTEM_IDS, type World } from "../support/world.ts";

for (const reference of [true, false]) {
  describe(`settle of the ${reference ? "plain" : "optimised"} market`, () => {
    let world: World;
    let frozen: Frozen;
    before(async () => {
      world = await createWorld({ prosumers: 5, reference });
      frozen = await freeze(world, 3);
    });

    it("moves exactly what the batch says, to the last nano-dollar and gram", async () => {
      const result = batch(
        { ids: world.ids, periods: 3, energy: 4, reserve: 2, carbon: 2, systems: true },
        generator(1),
      );
      const payload = Payload.encode(Payload.fromResult(result), 3);
      const expected = settle(frozen.ledger, payload);
      if (expected.kind !== "settled") throw new Error(expected.predicate);
      const settled = await Session.postAndSettle(
        world.deployment,
        world.admin,
        payload,
        BUNDLE,
        await sign(world, frozen, payload),
      );
      expect(settled.deltas).to.deep.equal(expected.deltas);
      const after = await Session.readLedger(world.deployment, world.provider, [...world.ids, ...SYSTEM_IDS]);
      expect(after.accounts).to.deep.equal(expected.accounts);
      expect(settled.deltas.reduce((sum, { money }) => sum + money, 0n)).to.equal(0n);
      expect(settled.deltas.reduce((sum, { carbon }) => sum + carbon, 0n)).to.equal(0n);
    });
  });
}
