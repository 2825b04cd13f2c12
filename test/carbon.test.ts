import { expect } from "chai";
import type { Feeder } from "../offchain-solver/grid/feeder.ts";
import { emissionsT } from "../offchain-solver/market/result/cost.ts";
import { defaultSettings, type MarketSettings } from "../offchain-solver/market/scenario/market.ts";
import { branchFlows, createNetwork } from "../offchain-solver/market/formulation/network.ts";
import type { Scenario } from "../offchain-solver/market/scenario/scenario.ts";
import { clear, type ClearOptions } from "../offchain-solver/simulation/clear.ts";
import { toClearingJson } from "../offchain-solver/records/clearingRecord.ts";
import { loadFeeder, loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { populate } from "../offchain-solver/scenarios/populate.ts";
import { readSeries } from "../offchain-solver/scenarios/series.ts";

const optionsFor = (scenario: Scenario, market: Partial<MarketSettings> = {}): ClearOptions => ({
  method: "central",
  trade: true,
  rhoScale: 1,
  maxIterations: 1,
  market: { ...defaultSettings(scenario), ...market },
});

function solved(scenario: Scenario, market: Partial<MarketSettings> = {}) {
  const session = clear(scenario, optionsFor(scenario, market));
  if (session.outcome === undefined) throw new Error(`${scenario.name}: ${session.reason}`);
  return { session, market: session.market, solution: session.outcome.solution };
}

const total = ({ market, solution }: ReturnType<typeof solved>): number =>
  market.prosumers.reduce((sum, _, i) => sum + emissionsT(market, i, solution.schedules[i]), 0);

describe("carbon", function () {
  this.timeout(300_000);
  const series = readSeries();
  const feeder: Feeder = loadFeeder("case15da");

  it("books what generation and the root emit, and twice over only what is imported and exported at once", () => {
    let overlaps = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const drawn = populate(feeder, 4 + (seed % 5), seed, series);
      // A quarter of the pairs leaves some who export while others import.
      const scenario = { ...takeHours(drawn, 2), pairs: drawn.pairs.filter((_, k) => k % 4 === seed % 4) };
      const cleared = solved(scenario, { risk: "deterministic", network: false });
      const { market, solution } = cleared;
      const network = createNetwork(market);
      const atRoot = [...network.topology.busOf.keys()].filter(
        (l) => network.topology.parent[network.topology.busOf[l]] === 0,
      );
      let [sources, twice] = [0, 0];
      for (let t = 0; t < market.hours; t++) {
        const sum = (of: "importMw" | "exportMw"): number => solution.schedules.reduce((mw, s) => mw + s[of][t], 0);
        market.prosumers.forEach((p, i) => {
          sources += (p.generator?.emissionTPerMwh ?? 0) * solution.schedules[i].generatorMw[t] * market.dt;
        });
        const flow = branchFlows(
          network,
          solution.schedules.map((s) => s.pMw[t]),
        );
        const root = atRoot.reduce((mw, l) => mw + flow[l], 0);
        expect(root).to.be.closeTo(sum("importMw") - sum("exportMw"), 1e-6);
        sources += scenario.carbon.gridTPerMwh[t] * Math.max(0, root) * market.dt;
        twice += scenario.carbon.gridTPerMwh[t] * Math.min(sum("importMw"), sum("exportMw")) * market.dt;
      }
      expect(total(cleared) - sources).to.be.closeTo(twice, 1e-6);
      if (twice > 1e-3) overlaps++;
    }
    expect(overlaps).to.be.above(0);
  });

  it("emits less the dearer allowances are, on a day that imports", () => {
    const scenario = takeHours(loadScenario("ieee15"), 3);
    const heavy = {
      ...scenario,
      prosumers: scenario.prosumers.map((p) => ({
        ...p,
        load: { ...p.load, fixedMw: p.load.fixedMw.map((mw) => 1.5 * mw) },
      })),
    };
    const emitted = [0, 15, 30, 60, 90, 120, 200].map((price) => {
      const cleared = solved(
        { ...heavy, carbon: { ...heavy.carbon, deskBuyPerT: price, deskSellPerT: (price * 5) / 6 } },
        { network: false },
      );
      return total(cleared);
    });
    for (let k = 1; k < emitted.length; k++) expect(emitted[k]).to.be.below(emitted[k - 1] + 1e-6);
    expect(emitted[emitted.length - 1]).to.be.below(0.9 * emitted[0]);
  });

  it("gives every energy trade the intensity of its seller's bus", () => {
    const scenario = takeHours(loadScenario("ieee15"), 2);
    const { session } = solved(scenario);
    const json = toClearingJson(session, optionsFor(scenario));
    const busOf = new Map(scenario.prosumers.map((p) => [p.id, p.bus]));
    const place = new Map(scenario.feeder.buses.map(({ bus }, b) => [bus, b]));
    expect(json.trades.energy.length).to.be.above(10);
    for (const { seller, hour, intensityTPerMwh } of json.trades.energy)
      expect(intensityTPerMwh).to.equal(json.carbonIntensity[hour][place.get(busOf.get(seller) as number) as number]);
    expect(json.trades.energy.some((trade) => (trade.intensityTPerMwh ?? 0) > 0.1)).to.equal(true);
  });
});
