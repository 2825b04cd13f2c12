import { expect } from "chai";
import { createMarket, defaultSettings } from "../market/scenario/market.ts";
import { perUnit } from "../market/scenario/perUnit.ts";
import { clarabelSolver } from "../numerics/clarabelNode.ts";
import { seeded } from "../scenarios/prng.ts";
import { loadScenario } from "../scenarios/loadScenario.ts";
import { withSustain } from "../scenarios/withSustain.ts";
import { layoutOf } from "./layout.ts";
import { DEFAULT_SETTINGS } from "./settings.ts";
import { ProsumerProblem } from "./prosumerProblem.ts";
import { createProgram, readComponents, setPull, withDiagonal } from "./prosumerProgram.ts";

describe("a prosumer's problem", function () {
  this.timeout(300_000);

  it("is solved without the conic solver where answers last, and to its optimum", () => {
    const day = withSustain(loadScenario("ieee15"), 24);
    const market = perUnit(createMarket(day, defaultSettings(day)));
    // Its battery sells, and it has a renewable of its own.
    const index = 4;
    const layout = layoutOf(market, index);
    const problem = new ProsumerProblem(market, index, layout, clarabelSolver);
    const program = createProgram(market, index, layout);
    const { rho } = DEFAULT_SETTINGS;
    const weight = (c: number): number => rho[layout.commodity[c]];
    const exact = withDiagonal(program, weight);
    const random = seeded(7);
    const target = new Float64Array(layout.size);
    const plain = { x: new Float64Array(exact.variables), y: new Float64Array(layout.size) };
    for (let k = 0; k < 3; k++) {
      for (let c = 0; c < target.length; c++) target[c] += 0.02 * (random() - 0.5);
      expect(problem.prox(target, rho)).to.equal("solved");
      const pull = (c: number): number => weight(c) * target[c];
      setPull(program, exact, pull);
      const twin = clarabelSolver(exact, { tolerance: 1e-10 });
      expect(twin.status).to.equal("solved");
      plain.x.set(twin.x);
      readComponents(program, plain, pull, weight);
      for (let c = 0; c < target.length; c++) expect(problem.y[c]).to.be.closeTo(plain.y[c], 1e-6);
    }
    expect(problem.fallbacks()).to.equal(0);
  });
});
