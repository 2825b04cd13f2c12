import { expect } from "chai";
import fc from "fast-check";
import { randomFeeder } from "../../test/support/randomFeeder.ts";
import { readFeeder } from "../../test/support/readFeeder.ts";
import { acSweep } from "./acSweep.ts";
import { carbonFlow, tradeIntensity } from "./carbonFlow.ts";
import type { Feeder } from "./feeder.ts";
import { linDistFlow } from "./linDistFlow.ts";
import { topologyOf } from "./topology.ts";

const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((total, value) => total + value, 0);

/** Carbon flow of generation and load on a feeder, with or without losses. */
function run(feeder: Feeder, generation: number[], rate: number[], grid: number, losses: boolean) {
  const topology = topologyOf(feeder);
  const load = feeder.buses.map(({ loadMw }) => loadMw);
  const pMw = generation.map((g, bus) => g - load[bus]);
  const qMvar = feeder.buses.map(({ loadMvar }) => -loadMvar);
  const ac = acSweep(feeder, topology, pMw, qMvar);
  const { flowMw } = linDistFlow(feeder, topology, pMw, qMvar);
  const flow = carbonFlow(feeder, topology, {
    generationMw: generation,
    emissionTPerH: generation.map((g, bus) => g * rate[bus]),
    loadMw: load,
    flowMw: losses ? ac.flowMw : flowMw,
    arrivingMw: losses ? ac.arrivingMw : flowMw,
    gridTPerMwh: grid,
  });
  return { topology, flow, ac };
}

describe("carbonFlow", () => {
  it("mixes in proportion at a bus", () => {
    const feeder: Feeder = {
      name: "three",
      source: "made up for a test",
      baseMva: 1,
      baseKv: 11,
      buses: [0, 0, 3].map((loadMw, i) => ({ bus: i + 1, loadMw, loadMvar: 0, vMinPu: 0.9, vMaxPu: 1.1 })),
      branches: [
        { from: 1, to: 2, rPu: 0.001, xPu: 0.001, ratingMva: null },
        { from: 2, to: 3, rPu: 0.001, xPu: 0.001, ratingMva: null },
      ],
    };
    const { flow, topology } = run(feeder, [0, 1, 0], [0, 0.6, 0], 0.3, false);
    expect(flow.intensity[0]).to.equal(0.3);
    expect(flow.intensity[1]).to.be.closeTo((2 * 0.3 + 1 * 0.6) / 3, 1e-15);
    expect(flow.intensity[2]).to.equal(flow.intensity[1]);
    expect(tradeIntensity(flow, topology, 2)).to.equal(flow.intensity[1]);
  });

  it("a feeder that exports sends its own intensity up, not the grid's", () => {
    const feeder = readFeeder("case15da");
    const generation = feeder.buses.map(({ bus }) => (bus === 4 ? 2 : 0));
    const rate = generation.map(() => 0.5);
    const { flow } = run(feeder, generation, rate, 0.3, true);
    expect(flow.intensity[0]).to.be.closeTo(0.5, 1e-12);
    expect(flow.exportTPerH).to.be.greaterThan(0);
  });

  for (const losses of [false, true]) {
    it(`conserves carbon on random feeders ${losses ? "with" : "without"} losses`, () => {
      const mix = randomFeeder.chain((feeder) => {
        const each = (max: number) =>
          fc.array(fc.nat({ max }), { minLength: feeder.buses.length, maxLength: feeder.buses.length });
        return fc.tuple(fc.constant(feeder), each(40), each(9), fc.nat({ max: 9 }));
      });
      fc.assert(
        fc.property(mix, ([feeder, generation, rate, grid]) => {
          const { flow, ac } = run(
            feeder,
            generation.map((g) => (g > 20 ? g / 1000 : 0)),
            rate.map((r) => r / 10),
            grid / 10,
            losses,
          );
          expect(ac.converged).to.equal(true);
          const end = flow.loadTPerH + flow.exportTPerH + sum(flow.lossTPerH);
          expect(end).to.be.closeTo(flow.sourceTPerH, 1e-8);
          const highest = Math.max(grid, ...rate) / 10;
          for (const w of flow.intensity) expect(w).to.be.within(0, highest + 1e-12);
        }),
        { numRuns: 300 },
      );
    });
  }
});
