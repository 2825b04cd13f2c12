import { expect } from "chai";
import { ScenarioSchema } from "../../market/scenario/scenario.ts";
import { scenarioFaults } from "../../market/scenario/scenarioFaults.ts";
import { mostOf, unsettleable } from "../../ledger/settleable.ts";
import { readSeries } from "../../scenarios/series.ts";
import { zooMarket, type Traits } from "./zooMarket.ts";

describe("the zoo's markets", function () {
  this.timeout(300_000);
  const series = readSeries();
  const markets = Array.from({ length: 200 }, (_, seed) => zooMarket(seed, series));
  const traits = markets.map((market) => market.traits);
  const share = (of: (t: Traits) => boolean): number => traits.filter(of).length / traits.length;

  it("are scenarios that pass the checks of a file", () => {
    for (const { seed, scenario } of markets) {
      const written: unknown = JSON.parse(JSON.stringify(scenario));
      const read = ScenarioSchema.parse(written);
      expect(read, `seed ${seed}`).to.deep.equal(written);
      expect(scenarioFaults(read), `seed ${seed}`).to.deep.equal([]);
    }
  });

  it("can be settled whatever their size, but for those shorter than an hour", () => {
    const large = markets.filter(({ scenario }) => scenario.prosumers.some((one) => mostOf(one) > 15));
    expect(large.length).to.be.above(10);
    for (const { seed, scenario } of markets) {
      const short = scenario.hours * scenario.periodHours < 1;
      expect(unsettleable(scenario).map(({ field }) => field), `seed ${seed}`).to.deep.equal(short ? ["hours"] : []);
    }
  });

  it("follow from their seed alone", () => {
    for (const seed of [0, 17, 199]) expect(zooMarket(seed, series)).to.deep.equal(markets[seed]);
    expect(new Set(markets.map(({ scenario }) => JSON.stringify({ ...scenario, name: "", source: "" }))).size).to.equal(200);
  });

  it("are of every size and kind, none beyond its share of the work", () => {
    const decades = new Set(traits.map(({ sizeKw }) => Math.floor(Math.log10(sizeKw / 0.5))));
    expect([...decades].sort()).to.deep.equal([0, 1, 2, 3, 4]);
    for (const limits of ["tight", "loose", "none"]) expect(share((t) => t.limits === limits), limits).to.be.above(0.05);
    for (const prices of ["flat", "bands", "moving", "below zero", "scarcity"])
      expect(share((t) => t.prices === prices), prices).to.be.above(0.1);
    for (const kv of [0.4, 10, 20]) expect(share((t) => t.kv === kv), `${kv} kV`).to.be.above(0.1);
    for (const device of "gbpw")
      expect(share((t) => t.devices.includes(device)), device).to.be.within(0.2, 0.8);
    expect(share((t) => t.carbon)).to.be.within(0.5, 0.9);
    expect(share((t) => t.risk === "deterministic" || !/[pw]/.test(t.devices))).to.be.within(0.2, 0.7);
    expect(share((t) => t.prosumers >= 20)).to.be.within(0.1, 0.5);
    expect(share((t) => t.periods >= 24)).to.be.within(0.1, 0.5);
    expect(Math.max(...traits.map((t) => t.prosumers))).to.be.within(50, 60);
    expect(Math.max(...traits.map((t) => t.periods))).to.be.within(64, 96);
    expect(Math.max(...traits.map((t) => t.prosumers * t.periods))).to.be.at.most(600);
    const dense = (t: Traits): boolean => t.prosumers > 3 && t.pairs === (t.prosumers * (t.prosumers - 1)) / 2;
    expect(share(dense)).to.be.within(0.1, 0.5);
    const prices = markets.flatMap(({ scenario }) => scenario.tariff.buyPerMwh);
    expect(Math.min(...prices)).to.be.below(-50);
    expect(Math.max(...prices)).to.be.above(2000);
  });
});
