/** Reactive power that no device gives: what is posted stays within what each connection is registered for. */
import { expect } from "chai";
import { hexlify } from "ethers";
import * as Grid from "../../offchain-solver/codec/gridModel.ts";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import { packSignatures } from "../../offchain-solver/codec/typedData.ts";
import { settle } from "../../offchain-solver/ledger/settlementModel.ts";
import { UTILITY } from "../../offchain-solver/market/result/clearingResult.ts";
import {
  BUNDLE,
  createWorld,
  freeze,
  type Frozen,
  idsOf,
  lineGrid,
  refusalOf,
  sign,
  type World,
} from "../support/world.ts";

const EXPORT_WH = 200_000;
const [ABSORB, FEED] = [1_500, 900];

/** A street whose end leaves its band upwards at 200 kW, and whose homes have hardly any reactive power. */
function street(ids: readonly number[], capability: { absorbVar: number; feedVar: number }): Grid.GridModel {
  const grid = lineGrid(ids, 3, 10n ** 9n);
  const unit = 1n << 32n;
  return {
    ...grid,
    branches: grid.branches.map((branch) => ({
      ...branch,
      vMin2: unit - 14_000n,
      vMax2: unit + 14_000n,
    })),
    prosumers: grid.prosumers.map((placed) => ({ ...placed, bus: 2, ...capability })),
  };
}

for (const reference of [true, false]) {
  describe(`invented reactive power, ${reference ? "plain" : "optimised"} market`, () => {
    async function outcome(world: World, frozen: Frozen, vars: readonly number[], exported = 0): Promise<string> {
      const energy = { seller: 0, buyer: UTILITY, product: "energy", period: 0, quantity: exported, price: 1 } as const;
      const reactiveVar = world.ids.map((_, k) => [k === 0 ? vars[0] : 0, k === 0 ? (vars[1] ?? 0) : 0]);
      const trades = exported > 0 ? [energy] : [];
      const payload = Payload.encode({ participants: world.ids, systems: 4, reactiveVar, trades }, 2);
      const model = settle(frozen.ledger, payload);
      const named = model.kind === "refused" ? `${model.predicate}(${model.detail.join(", ")})` : "settled";
      const { signers, signatures } = packSignatures(await sign(world, frozen, payload));
      const call = world.contracts.market
        .getFunction("settle")
        .staticCall(hexlify(payload), BUNDLE, signers, signatures);
      const chain = await call.then(
        () => "settled",
        async (error) => {
          const { predicate, detail } = await refusalOf(world.contracts.market, Promise.reject(error));
          return `${predicate}(${detail.join(", ")})`;
        },
      );
      expect(chain).to.equal(named);
      return chain;
    }
    const worldOf = async (capability: { absorbVar: number; feedVar: number }) => {
      const world = await createWorld({ prosumers: 2, reference, grid: street(idsOf(2), capability) });
      return { world, frozen: await freeze(world, 2) };
    };

    it("threat: invented reactive power: 400 kvar that nobody can absorb would let 200 kW out of the street", async () => {
      const any = await worldOf({ absorbVar: Grid.ANY_VAR, feedVar: Grid.ANY_VAR });
      expect(await outcome(any.world, any.frozen, [0], EXPORT_WH)).to.equal("voltageBand(0, 1)");
      expect(await outcome(any.world, any.frozen, [-400_000], EXPORT_WH), "what it is worth").to.equal("settled");
      const { world, frozen } = await worldOf({ absorbVar: ABSORB, feedVar: FEED });
      expect(await outcome(world, frozen, [-400_000], EXPORT_WH)).to.equal("reactiveBeyondCapability(101, 0)");
      expect(await outcome(world, frozen, [-ABSORB], EXPORT_WH)).to.equal("voltageBand(0, 1)");
    });

    it("is accepted up to the last var either way, traded or not, and refused one further", async () => {
      const { world, frozen } = await worldOf({ absorbVar: ABSORB, feedVar: FEED });
      for (const exported of [0, 100]) {
        expect(await outcome(world, frozen, [-ABSORB, FEED], exported)).to.equal("settled");
        expect(await outcome(world, frozen, [FEED, -ABSORB], exported)).to.equal("settled");
        for (const [vars, period] of [
          [[-ABSORB - 1, 0], 0],
          [[FEED + 1, 0], 0],
          [[0, -ABSORB - 1], 1],
          [[FEED, FEED + 1], 1],
          [[0x7fffff, 0], 0],
          [[-0x800000, 0], 0],
        ] as const)
          expect(await outcome(world, frozen, vars, exported)).to.equal(`reactiveBeyondCapability(101, ${period})`);
      }
    });
  });
}
