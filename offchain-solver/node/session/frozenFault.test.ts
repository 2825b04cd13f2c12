import { expect } from "chai";
import { keccak256 } from "ethers";
import * as GridModel from "../../codec/gridModel.ts";
import type { Terms } from "../../codec/terms.ts";
import { publicScenario } from "../../market/scenario/publicScenario.ts";
import { loadScenario, takeHours } from "../../scenarios/loadScenario.ts";
import { frozenFault } from "./frozenFault.ts";

describe("what was frozen against the terms that were sent", () => {
  const scenario = publicScenario(takeHours(loadScenario("ieee15"), 3));
  const terms = { scenario } as Terms;
  const hash = keccak256(GridModel.encode(GridModel.fromFeeder(scenario.feeder, scenario.prosumers)));
  // $/MWh are thousandths of a dollar a MWh, 1e-6 $ a kWh.
  const price = BigInt(Math.ceil(1_000 * Math.max(...scenario.tariff.buyPerMwh)));

  it("has no fault where feeder and price are the terms'", () => {
    expect(frozenFault(terms, hash, price)).to.equal(undefined);
  });

  it("threat: a price that holds nothing back: no node takes part", () => {
    for (const other of [0n, price - 1n, price + 1n])
      expect(frozenFault(terms, hash, other)?.code, `${other}`).to.equal("otherImbalancePrice");
  });

  it("has another feeder, or a connection registered for more reactive power", () => {
    const more = scenario.prosumers.map((one, k) => ({ ...one, absorbVar: one.absorbVar + (k === 0 ? 1 : 0) }));
    const other = keccak256(GridModel.encode(GridModel.fromFeeder(scenario.feeder, more)));
    expect(frozenFault(terms, other, price)?.code).to.equal("staleFeederModel");
  });
});
