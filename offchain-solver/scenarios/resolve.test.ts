import { expect } from "chai";
import fc from "fast-check";
import { acSweep } from "../grid/acSweep.ts";
import { baseInjections } from "../grid/linDistFlow.ts";
import type { Feeder } from "../grid/feeder.ts";
import { distanceMatrix, topologyOf } from "../grid/topology.ts";
import { ScenarioSchema } from "../market/scenario/scenario.ts";
import { scenarioFaults } from "../market/scenario/scenarioFaults.ts";
import { InputError } from "../io/inputError.ts";
import { loadFeeder, loadScenario, takeHours } from "./loadScenario.ts";
import { isFittingDay, sourceForecasts, sourcesOf } from "./forecastErrors.ts";
import { generateFeeder } from "./generateFeeder.ts";
import { generateScenario } from "./generateScenario.ts";
import { nearestPairs } from "./nearestPairs.ts";
import { populate } from "./populate.ts";
import { at, HOUR_MS, parseSeries, readSeries } from "./series.ts";

const series = readSeries();
const startMs = Date.parse("2021-07-15T08:00:00Z");

describe("series", () => {
  it("put the sources' hours on one clock", () => {
    // RTS-GMLC: hour 1 of 1 January ends at 1:00 local, UTC-7; carbon starts its hours in UTC.
    expect(at(series.load, "region1", Date.parse("2021-01-01T07:00:00Z"))).to.be.closeTo(0.3456, 1e-12);
    expect(at(series.carbon, "direct", Date.parse("2021-01-01T01:00:00Z"))).to.equal(247.81);
    // The sun is highest around 19:30 UTC there, and down at 8:00 UTC.
    const pv = (hour: number): number => at(series.pv, "320_PV_1", startMs + hour * HOUR_MS);
    expect(pv(0)).to.equal(0);
    expect(pv(12)).to.be.greaterThan(0.5);
  });

  it("say which hour or column is missing", () => {
    expect(() => at(series.load, "region1", Date.parse("2031-01-01T00:00:00Z"))).to.throw(InputError, "2031-01-01");
    expect(() => at(series.load, "region9", startMs)).to.throw(InputError, "region9");
    expect(() => parseSeries("x", "utc,a\n2021-01-01T00Z,1\n2021-01-01T02Z,1\n", 1)).to.throw(
      InputError,
      /^x: line 3: utc = /,
    );
    expect(() => parseSeries("x", "utc,a\n2021-01-01T00Z,\n", 1)).to.throw(InputError, /^x: line 2: a = "": is blank/);
  });
});

describe("forecast errors", () => {
  const sources = sourcesOf(series);
  const { forecast, actual, fitErrors, testErrors } = sourceForecasts(series, sources, startMs, 24);

  it("come from twelve PV and four wind plants, 32 fitting and 28 held-out days", () => {
    expect(sources.map(({ kind }) => kind).join(" ")).to.equal(
      [...Array(12).fill("pv"), ...Array(4).fill("wind")].join(" "),
    );
    for (let hour = 0; hour < 24; hour++) {
      expect(fitErrors[hour]).to.have.length(32);
      expect(testErrors[hour]).to.have.length(28);
    }
    expect(Array.from({ length: 60 }, (_, day) => isFittingDay(day)).slice(0, 15)).to.deep.equal([
      ...Array(7).fill(true),
      ...Array(7).fill(false),
      true,
    ]);
  });

  it("have mean zero on the fitting days, and forecasts within [0, 1]", () => {
    for (let hour = 0; hour < 24; hour++) {
      sources.forEach((_, s) => {
        const mean = fitErrors[hour].reduce((sum, sample) => sum + sample[s], 0) / 32;
        expect(mean).to.be.closeTo(0, 1e-8);
        expect(forecast[hour][s]).to.be.within(0, 1);
        expect(actual[hour][s]).to.be.within(0, 1);
      });
    }
  });

  it("of wind are day-ahead against actual; of PV persistence of seven days against actual", () => {
    const [day, hour, pv, wind] = [24 * HOUR_MS, 12, 0, 12];
    const then = startMs + hour * HOUR_MS - 60 * day;
    let persistence = 0;
    for (let k = 1; k <= 7; k++) persistence += at(series.pv, sources[pv].name, then - k * day) / 7;
    const raw = [
      at(series.pv, sources[pv].name, then) - persistence,
      at(series.wind, `${sources[wind].name}_actual`, then) - at(series.wind, `${sources[wind].name}_forecast`, then),
    ];
    // The first fitting sample is the oldest day. Debiasing moves both sets by the same amount, which the next day
    // shows.
    const later = then + day;
    let laterPersistence = 0;
    for (let k = 1; k <= 7; k++) laterPersistence += at(series.pv, sources[pv].name, later - k * day) / 7;
    const next = [
      at(series.pv, sources[pv].name, later) - laterPersistence,
      at(series.wind, `${sources[wind].name}_actual`, later) - at(series.wind, `${sources[wind].name}_forecast`, later),
    ];
    [pv, wind].forEach((s, k) =>
      expect(fitErrors[hour][1][s] - fitErrors[hour][0][s]).to.be.closeTo(next[k] - raw[k], 3e-9),
    );
  });
});

describe("nearestPairs", () => {
  it("finds what the full distance matrix finds", () => {
    const feeder = loadFeeder("case141");
    const topology = topologyOf(feeder);
    const places = feeder.buses.filter(({ loadMw }) => loadMw > 0);
    const index = places.map(({ bus }) => topology.indexOfBus.get(bus)!);
    const distance = distanceMatrix(feeder, topology);
    const n = feeder.buses.length;
    const pairs = nearestPairs(feeder, places, {
      wanted: places.map(() => 6),
      sells: places.map(() => true),
      sellers: 0,
    });
    const neighbours = places.map((_, i) => new Set(pairs.filter((pair) => pair.includes(i + 1)).flat()));
    places.forEach((_, i) => {
      const sorted = index.map((b, j) => [distance[index[i] * n + b], j]).sort(([a], [b]) => a - b);
      const sixth = sorted[6][0];
      for (const [d, j] of sorted.slice(1))
        if (d < sixth - 1e-12) expect(neighbours[i].has(j + 1), `${i + 1}-${j + 1}`).to.equal(true);
    });
  });
});

describe("populate", () => {
  it("draws the same scenario for the same seed, another for another", () => {
    const feeder = loadFeeder("case15da");
    const one = populate(feeder, 10, 1, series);
    expect(populate(feeder, 10, 1, series)).to.deep.equal(one);
    expect(populate(feeder, 10, 2, series).prosumers).not.to.deep.equal(one.prosumers);
  });

  it("gives sound scenarios for any count, fewer or more than there are load buses", () => {
    const feeder = loadFeeder("papavasiliou15");
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.nat({ max: 1000 }), (count, seed) => {
        const scenario = populate(feeder, count, seed, series);
        expect(ScenarioSchema.safeParse(scenario).success).to.equal(true);
        expect(scenarioFaults(scenario)).to.deep.equal([]);
        expect(scenario.prosumers).to.have.length(count);
      }),
      { numRuns: 15 },
    );
  });

  it("with more prosumers than load buses the feeder's load stays whole", () => {
    const feeder = loadFeeder("case15da");
    const load = (count: number): number =>
      populate(feeder, count, 5, series).prosumers.reduce((sum, { load }) => sum + load.fixedMw[12], 0);
    expect(load(40)).to.be.closeTo(load(14), 1e-9);
  });

  it("keeps day, prices and risk of the scenario it starts from", () => {
    const base = takeHours(loadScenario("ieee15"), 6);
    const drawn = populate({ ...base, risk: { ...base.risk, epsilon: 0.1 } }, 20, 3, series);
    expect(drawn.hours).to.equal(6);
    expect(drawn.feeder).to.deep.equal(base.feeder);
    expect(drawn.tariff).to.deep.equal(base.tariff);
    expect(drawn.carbon).to.deep.equal(base.carbon);
    expect(drawn.risk.epsilon).to.equal(0.1);
    expect(scenarioFaults(drawn)).to.deep.equal([]);
  });

  it("refuses counts and seeds that are none, and feeders without load", () => {
    const feeder = loadFeeder("case15da");
    expect(() => populate(feeder, 0, 1, series)).to.throw(InputError, "population = 0");
    expect(() => populate(feeder, 3.5, 1, series)).to.throw(InputError, "population = 3.5");
    expect(() => populate(feeder, 3, -1, series)).to.throw(InputError, "seed = -1");
    const empty = { ...feeder, buses: feeder.buses.map((bus) => ({ ...bus, loadMw: 0, loadMvar: 0 })) };
    expect(() => populate(empty, 3, 1, series)).to.throw(InputError, "no bus has a load");
  });

  it("refuses what a drawn prosumer cannot be: capacitors and generators written as negative loads", () => {
    const feeder = loadFeeder("case15da");
    const withBus = (index: number, change: Partial<Feeder["buses"][number]>): Feeder => ({
      ...feeder,
      buses: feeder.buses.map((bus, i) => (i === index ? { ...bus, ...change } : bus)),
    });
    expect(() => populate(withBus(3, { loadMw: 0, loadMvar: -0.4 }), 3, 1, series)).to.throw(
      InputError,
      "feeder case15da: buses[3].loadMvar = -0.4: bus 4 has reactive power without load",
    );
    expect(() => populate(withBus(5, { loadMw: -0.2 }), 3, 1, series)).to.throw(
      InputError,
      "feeder case15da: buses[5].loadMw = -0.2: bus 6 injects active power",
    );
    // A load with a leading power factor injects its share in every hour.
    const leading = populate(withBus(3, { loadMw: 0.1, loadMvar: -0.05 }), 14, 1, series);
    expect(leading.prosumers.find(({ bus }) => bus === 4)!.load.mvarPerMw).to.equal(-0.5);
  });

  it("holds what it draws to the checks of a file", () => {
    const feeder = loadFeeder("case15da");
    const stiff = { ...feeder, buses: feeder.buses.map((bus) => ({ ...bus, vMinPu: 1, vMaxPu: 1 })) };
    expect(() => populate(stiff, 3, 1, series)).to.throw(
      InputError,
      "case15da-n3-s1: feeder.buses[1].vMinPu = 1: equals vMaxPu: no power can flow between such limits",
    );
    const broken = { ...feeder, branches: feeder.branches.map((branch) => ({ ...branch, rPu: -1 })) };
    expect(() => populate(broken, 3, 1, series)).to.throw(InputError, "case15da-n3-s1: feeder.branches[0].rPu = -1");
  });
});

describe("generateFeeder", () => {
  for (const buses of [2, 100, 1000, 10_000]) {
    it(`makes ${buses} buses that carry their base load`, () => {
      const feeder = generateFeeder(buses, 1);
      const { pMw, qMvar } = baseInjections(feeder);
      const ac = acSweep(feeder, topologyOf(feeder), pMw, qMvar);
      expect(feeder.buses).to.have.length(buses);
      expect(ac.converged).to.equal(true);
      expect(Math.min(...ac.voltagePu)).to.be.within(0.94, 0.96);
      expect(Math.max(...ac.loading)).to.be.below(1);
    });
  }
});

describe("generateScenario", () => {
  it("gives the same bytes for the same number and seed, others for another seed", () => {
    const text = (seed: number): string => JSON.stringify(generateScenario(40, seed, series));
    expect(text(7)).to.equal(text(7));
    expect(text(8)).not.to.equal(text(7));
    expect(() => generateScenario(1, 1, series)).to.throw(InputError, "prosumers = 1");
  });

  for (const count of [2, 100, 3000])
    it(`${count} prosumers: sound, and no busier for being among many`, () => {
      const scenario = generateScenario(count, 1, series);
      expect(scenarioFaults(scenario)).to.deep.equal([]);
      expect(scenario.prosumers).to.have.length(count);
      const partners = new Map<number, number>();
      for (const id of scenario.pairs.flat()) partners.set(id, (partners.get(id) ?? 0) + 1);
      expect(scenario.pairs.length).to.be.below(5 * count);
      expect(Math.max(...partners.values())).to.be.below(30);
      expect(partners.size).to.equal(count);
    });
});
