import { expect } from "chai";
import { postAndSettle } from "../../offchain-solver/chain/session.ts";
import { fitsOneTransaction } from "../../offchain-solver/codec/fits.ts";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import { settle } from "../../offchain-solver/ledger/settlementModel.ts";
import { createDayWorld, readDay } from "../support/realDay.ts";
import { BUNDLE, freeze, sign, type World } from "../support/world.ts";

const settingOf = (world: World) => ({
  members: world.committee.length,
  buses: world.grid.buses,
  homes: world.ids.length,
});

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
    const { fits, gas } = fitsOneTransaction(day, settingOf(world));
    expect(fits).to.equal(true);
    expect(Number(settled.gasUsed)).to.be.lessThan(gas);
  });

  it("costs less than its bound with 42 of them left out, each with another load in every period", async () => {
    const world = await createDayWorld();
    const { sessionStart: start, periodSeconds, periods } = readDay();
    const standing = world.ids.map((id, k) => ({
      id,
      watts: Array.from({ length: periods }, (_, t) => -1 - ((k + t) % 7)),
      vars: Array.from({ length: periods }, (_, t) => (k + t) % 3),
    }));
    const frozen = await freeze(world, periods, { start, periodSeconds, standing });
    const participants = world.ids.filter((_, k) => k % 2 === 0);
    const reactiveVar = participants.map(() => new Array<number>(periods).fill(0));
    const result = { sessionStart: start, periodSeconds, periods, participants, reactiveVar, trades: [] };
    const payload = Payload.encode(Payload.fromResult(result), periods);
    expect(settle(frozen.ledger, payload).kind).to.equal("settled");
    const signed = await sign(world, frozen, payload);
    const { gasUsed } = await postAndSettle(world.deployment, world.admin, payload, BUNDLE, signed);
    const { gas } = fitsOneTransaction(result, settingOf(world));
    expect(Number(gasUsed)).to.be.within(gas / 4, gas);
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
