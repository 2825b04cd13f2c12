import { expect } from "chai";
import { topologyOf, downstream } from "../grid/topology.ts";
import { voltageSensitivity } from "../grid/linDistFlow.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { loadScenario } from "./loadScenario.ts";

/**
 * The largest share of a limit that the uncovered errors take when nobody injects anything: s / (sqrt(eps) T) over all
 * voltages, lines and hours, the TS-DRCC with m = 0 (market-model sections 4 and 5). Below 1 is inside.
 */
function zeroInjectionLoad({ feeder, prosumers, uncertainty, risk }: Scenario): number {
  const topology = topologyOf(feeder);
  const busOf = uncertainty.uncertain.map((id) =>
    topology.indexOfBus.get(prosumers.find((prosumer) => prosumer.id === id)!.bus)!,
  );
  const apothem = (Math.sqrt(6) + Math.sqrt(2)) / 4;
  let worst = 0;
  for (const factor of uncertainty.factor) {
    const sigma = (weights: number[]): number =>
      Math.sqrt(factor.reduce((sum, row) => sum + row.reduce((dot, f, j) => dot + f * weights[j], 0) ** 2, 0));
    feeder.branches.forEach(({ ratingMva }, k) => {
      const below = new Set(downstream(topology, topology.busOf[k]));
      const s = sigma(busOf.map((bus) => (below.has(bus) ? 1 : 0)));
      if (ratingMva !== null) worst = Math.max(worst, s / (Math.sqrt(risk.epsilon) * ratingMva * apothem));
    });
    feeder.buses.forEach(({ vMinPu, vMaxPu }, b) => {
      if (b === 0) return;
      const { perMw } = voltageSensitivity(feeder, topology, b);
      const s = sigma(busOf.map((bus) => perMw[bus]));
      const [low, high] = [vMinPu * vMinPu, vMaxPu * vMaxPu];
      const offCentre = Math.abs(1 - (high + low) / 2);
      worst = Math.max(worst, s / (Math.sqrt(risk.epsilon) * ((high - low) / 2 - offCentre)));
    });
  }
  return worst;
}

describe("the scenarios that ship with the project", () => {
  for (const name of ["ieee15", "ieee141", "ieee15-loads"]) {
    it(`${name}: injecting nothing, errors uncovered, is inside the network's limits`, () => {
      expect(zeroInjectionLoad(loadScenario(name))).to.be.below(1);
    });
  }

  it("ieee141 is what the market model says", () => {
    const { prosumers, pairs, carbon, hours, feeder } = loadScenario("ieee141");
    const owners = (device: "pv" | "wind" | "generator" | "battery"): number =>
      prosumers.filter((prosumer) =>
        device === "pv" || device === "wind" ? prosumer.renewable?.kind === device : prosumer[device] !== undefined,
      ).length;
    const loadBuses = feeder.buses.filter(({ loadMw }) => loadMw > 0).map(({ bus }) => bus);
    expect(hours).to.equal(24);
    expect(new Set(prosumers.map(({ bus }) => bus))).to.deep.equal(new Set(loadBuses));
    expect(prosumers).to.have.length(84);
    expect([owners("pv"), owners("wind"), owners("generator"), owners("battery")]).to.deep.equal([50, 17, 21, 34]);
    expect(pairs.length).to.be.within(300, 600);
    expect(carbon.quotaTPerMwh).to.equal(0.28);
    for (const { generator } of prosumers) {
      if (!generator) continue;
      expect(generator.maxMw).to.be.within(0.1, 0.4);
      expect(generator.costB).to.be.within(10, 35);
      expect(generator.emissionTPerMwh).to.be.within(0.4, 0.65);
    }
    for (const { id } of prosumers) expect(pairs.filter((pair) => pair.includes(id)).length).to.be.at.least(6);
  });
});
