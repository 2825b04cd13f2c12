import { expect } from "chai";
import { loadScenario, takeHours } from "../../scenarios/loadScenario.ts";
import * as Market from "./market.ts";
import { exactly, perUnit, unitsOf } from "./perUnit.ts";
import { publicScenario } from "./publicScenario.ts";
import type { Scenario } from "./scenario.ts";
import { scenarioFaults } from "./scenarioFaults.ts";
import { marketSizeMw, sizeFaults, sizeOf, withSizes } from "./size.ts";

const undeclared = (scenario: Scenario): Scenario => ({
  ...scenario,
  prosumers: scenario.prosumers.map(({ sizeMw: _, ...prosumer }) => prosumer),
});
const marketOf = (scenario: Scenario) => Market.createMarket(scenario, Market.defaultSettings(scenario));

/** Every number in it, in order. */
const numbersIn = (value: unknown): number[] =>
  typeof value === "number" ? [value] : value instanceof Object ? Object.values(value).flatMap(numbersIn) : [];

describe("a market's size", () => {
  const day = loadScenario("ieee15");

  it("is what the units of the shipped 15-bus day are made of: one of them is one MW and one hour", () => {
    const market = marketOf(day);
    expect(unitsOf(market)).to.deep.equal({ mw: 1, hours: 1, price: 1, money: 1 });
    expect(market.regularisation).to.deep.equal({ trade: 0.01, allowances: 0.01, reactive: 0.2 });
    expect(perUnit(market, exactly).scenario.prosumers).to.deep.equal(day.prosumers);
    // What is cleared has 32 bits of every number.
    const [rounded, whole] = [perUnit(market).scenario.prosumers, day.prosumers].map(numbersIn);
    expect(rounded.length).to.equal(whole.length);
    rounded.forEach((value, k) => expect(Math.abs(value - whole[k])).to.be.at.most(2 ** -32 * Math.abs(whole[k])));
  });

  it("may be declared, but not a hundred times what loads and devices come to, nor less than a hundredth", () => {
    const declared = (size: (own: number, k: number) => number): Scenario => ({
      ...day,
      prosumers: undeclared(day).prosumers.map((p, k) => ({ ...p, sizeMw: size(sizeOf(p), k) })),
    });
    for (const [size, field] of [
      [(own) => own, undefined],
      [(own) => 99 * own, undefined],
      [(own) => own / 99, undefined],
      [(own) => 101 * own, "prosumers[0].sizeMw"],
      [() => 1e-8, "prosumers[0].sizeMw"],
      [(own, k) => (k === 5 ? 2000 : own), "prosumers[5].sizeMw"],
      [(own, k) => (k === 5 ? 1e-8 : own), undefined],
    ] as readonly (readonly [(own: number, k: number) => number, string | undefined])[]) {
      const found = scenarioFaults(declared(size));
      expect(found.map((fault) => fault.field)).to.deep.equal(field === undefined ? [] : [field]);
      expect(found.map(({ reason }) => /at most 100 times/.test(reason))).to.deep.equal(found.map(() => true));
    }
    // Of terms alone, loads and devices are not known.
    const bare = { prosumers: declared(() => 7).prosumers.map(({ id, bus, sizeMw }) => ({ id, bus, sizeMw })) };
    const load = { fixedMw: [0], mvarPerMw: 0, flexibleShare: 0, discomfort: 0 };
    const prosumers = bare.prosumers.map((p) => ({ ...p, load, reserveUpPerMw: 0, reserveDownPerMw: 0 }));
    expect(sizeFaults({ prosumers } as Pick<Scenario, "prosumers">)).to.deep.equal([]);
  });

  it("is the mean of load peaks and ratings, the largest of each member, where nothing is declared", () => {
    const load = { fixedMw: [0.1, 0.4], mvarPerMw: 0, flexibleShare: 0, discomfort: 0 };
    const base = { id: 1, bus: 1, load, reserveUpPerMw: 0, reserveDownPerMw: 0 };
    const battery = { powerMw: 0.6, minMwh: 0, maxMwh: 1, initialMwh: 0, efficiency: 1, wearPerMwh: 0 };
    expect([sizeOf(base), sizeOf({ ...base, battery }), sizeOf({ ...base, battery, sizeMw: 0.5 })]).to.eql([
      0.4, 0.6, 0.5,
    ]);
    expect(marketSizeMw([{ sizeMw: 0.4 }, { sizeMw: 0.6 }])).to.equal(0.5);
  });

  it("is derived when a scenario is loaded, and no cut of its hours moves it", () => {
    const sizes = day.prosumers.map((prosumer) => prosumer.sizeMw);
    expect(withSizes(undeclared(day)).prosumers.map((prosumer) => prosumer.sizeMw)).to.deep.equal(sizes);
    expect(marketOf(takeHours(day, 2)).sizeMw).to.equal(marketOf(day).sizeMw);
  });

  it("is the same to somebody who sees the public part alone", () => {
    for (const scenario of [day, undeclared(day)])
      expect(Market.marketOf(publicScenario(scenario), Market.defaultSettings(scenario)).sizeMw).to.equal(
        marketOf(day).sizeMw,
      );
  });
});
