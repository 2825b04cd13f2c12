import { expect } from "chai";
import { loadScenario } from "../../scenarios/loadScenario.ts";
import { createMarket, defaultSettings } from "./market.ts";
import { viewOf } from "./view.ts";

describe("a party's view of the market", () => {
  const scenario = loadScenario("ieee15");
  const market = createMarket(scenario, defaultSettings(scenario));
  const open = (owner: number | undefined) => viewOf(market, owner);

  it("holds the party's own devices and nobody else's numbers", () => {
    for (const owner of [0, 10, undefined]) {
      const view = open(owner);
      for (const list of [view.prosumers, view.scenario.prosumers])
        list.forEach((p, i) => {
          if (i === owner) return void expect(p).to.equal(market.prosumers[i]);
          const { id, bus, sizeMw, ...rest } = p;
          const declared = market.prosumers[i];
          expect([id, bus, sizeMw]).to.deep.equal([declared.id, declared.bus, declared.sizeMw]);
          expect(JSON.stringify(rest)).not.to.match(/[1-9]/);
        });
      expect(view.scenario.uncertainty.fitErrors).to.deep.equal([]);
    }
  });

  it("keeps who may answer whom", () => {
    expect(open(3).shares).to.equal(market.shares);
    expect(open(3).canAnswer).to.equal(market.canAnswer);
  });
});
