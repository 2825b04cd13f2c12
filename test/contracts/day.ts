import { expect } from "chai";
import { postAndSettle } from "../../offchain-solver/chain/session.ts";
import { fitsOneTransaction } from "../../offchain-solver/codec/fits.ts";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import { settle } from "../../offchain-solver/ledger/settlementModel.ts";
import { createDayWorld, readDay } from "../support/realDay.ts";
import { BUNDLE, freeze, sign } from "../support/world.ts";

describe("a real day of 84 prosumers on 141 buses", () => {
  it("is one transaction, and moves what the TypeScript model says", async () => {
    const world = await createDayWorld();
    const day = readDay();
    const frozen = await freeze(world, day.periods, { start: day.sessionStart, periodSeconds: day.periodSeconds });
    const payload = Payload.encode(Payload.fromResult(day), day.periods);
    const model = settle(frozen.ledger, payload);
    if (model.kind !== "settled") throw new Error(model.predicate);
    const settled = await postAndSettle(
      world.deployment,
      world.admin,
      payload,
      BUNDLE,
      await sign(world, frozen, payload),
    );
    expect(settled.deltas).to.deep.equal(model.deltas);
    expect(settled.deltas).to.have.length(84 + 3);
    const { fits, gas } = fitsOneTransaction(day, world.committee.length, world.grid.buses);
    expect(fits).to.equal(true);
    expect(Number(settled.gasUsed)).to.be.lessThan(gas);
  });

  it("is refused with one Watt-hour more in one trade", async () => {
    const world = await createDayWorld();
    const day = readDay();
    const charged = day.trades.findIndex(({ product, period }) => product === "network" && period < day.periods);
    const trades = day.trades.map((trade, k) => (k === charged ? { ...trade, quantity: trade.quantity + 1 } : trade));
    const frozen = await freeze(world, day.periods, { start: day.sessionStart, periodSeconds: day.periodSeconds });
    const payload = Payload.encode(Payload.fromResult({ ...day, trades }), day.periods);
    const signed = await sign(world, frozen, payload);
    await expect(postAndSettle(world.deployment, world.admin, payload, BUNDLE, signed)).to.be.revertedWithCustomError(
      world.contracts.market,
      "NetworkMismatch",
    );
  });
});
