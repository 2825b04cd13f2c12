import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { assemble } from "../offchain-solver/clearing/assemble.ts";
import { solveCentral } from "../offchain-solver/clearing/central.ts";
import { claimOf, REGRET } from "../offchain-solver/clearing/claim.ts";
import { runConsensus } from "../offchain-solver/clearing/consensus.ts";
import type { Message } from "../offchain-solver/clearing/message.ts";
import { regretsOf } from "../offchain-solver/clearing/regret.ts";
import { DEFAULT_SETTINGS } from "../offchain-solver/clearing/settings.ts";
import { createNetwork } from "../offchain-solver/market/formulation/network.ts";
import { createMarket, defaultSettings } from "../offchain-solver/market/scenario/market.ts";
import type { Scenario } from "../offchain-solver/market/scenario/scenario.ts";
import { networkIn, perUnit } from "../offchain-solver/market/scenario/perUnit.ts";
import { EXAMPLE, exampleFiles } from "../offchain-solver/scenarios/community/example.ts";
import { loadCommunity } from "../offchain-solver/scenarios/community/loadCommunity.ts";
import { memoryTransport } from "../offchain-solver/net/memoryTransport.ts";
import { clarabelSolver } from "../offchain-solver/numerics/clarabelNode.ts";
import { loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { resized } from "../offchain-solver/scenarios/resized.ts";
import { streetDays } from "../offchain-solver/study/experiments/street.ts";

const SIZES = [0.001, 0.01, 0.1, 1, 10, 100] as const;

function clear(scenario: Scenario) {
  const market = createMarket(scenario, defaultSettings(scenario));
  const network = createNetwork(market);
  const result = runConsensus(market, network, DEFAULT_SETTINGS, {
    solver: clarabelSolver,
    carrier: memoryTransport<Message>(),
  });
  const central = solveCentral(market, network, clarabelSolver);
  if (central.status !== "solved") throw new Error(central.status);
  return { market, result, cleared: assemble(market, result), central };
}

describe("a market of any size", function () {
  this.timeout(300_000);

  it("is one market to the last bit in its own units, whatever its members own", async () => {
    const folder = mkdtempSync(join(tmpdir(), "gridpact-scale-"));
    try {
      for (const [name, text] of exampleFiles({ ...EXAMPLE, minutes: 60 })) {
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeFileSync(join(folder, name), text);
      }
      const street = (await loadCommunity(folder)).scenario;
      const owned = new Set(street.prosumers.flatMap((prosumer) => Object.keys(prosumer)));
      for (const device of ["load", "renewable", "battery", "vehicle", "heatPump"]) expect(owned).to.include(device);
      const inUnits = (x: number) => {
        const market = createMarket(resized(street, x), defaultSettings(street));
        // Weights of the rebate are whole Wh, for the ledger: nothing is cleared by them.
        const { units, rebateWh, ...rest } = perUnit(market);
        expect(rebateWh.length).to.equal(street.prosumers.length);
        return { units, rest: JSON.stringify([rest, networkIn(units, createNetwork(market))]) };
      };
      const one = inUnits(1);
      for (const x of [0.001, 0.37, 100]) {
        const other = inUnits(x);
        expect(other.units.mw / one.units.mw).to.be.closeTo(x, 1e-12 * x);
        expect(other.rest === one.rest, `x ${x}`).to.equal(true);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("ends after as many evaluations on a street whose homes are small and whose whole Wh excuse much", async () => {
    const [{ scenario }] = await streetDays(60, [undefined]);
    const [one, large] = [1, 100].map((x) => clear(resized(scenario, x)));
    for (const { result } of [one, large]) expect(result.status).to.equal("solved");
    expect(large.result.evaluations / one.result.evaluations).to.be.within(0.95, 1.05);
    // What ends it is that regrets are small, at the prices that are posted.
    const { regret, allowedRegret } = large.result.operator.certificate!;
    expect(regret).to.be.below(allowedRegret);
    const claimed = large.result.prosumers.reduce((sum, state) => sum + claimOf(state)!.claim[REGRET], 0);
    expect(claimed).to.be.closeTo(regret, 1e-9);
  });

  const base = takeHours(loadScenario("ieee15"), 3);
  const runs = SIZES.map((x) => ({ x, ...clear(resized(base, x)) }));
  const reference = runs[SIZES.indexOf(1)];

  it("clears in as many evaluations, give or take five of a hundred", () => {
    for (const { x, result } of runs) {
      expect(result.status, `x ${x}`).to.equal("solved");
      expect(Math.abs(result.evaluations / reference.result.evaluations - 1), `x ${x}`).to.be.at.most(0.05);
    }
  });

  it("ends at central's optimum and nodal prices", () => {
    for (const { x, market, cleared, central } of runs) {
      expect(Math.abs(cleared.objective / central.objective - 1), `x ${x}`).to.be.below(1e-5);
      cleared.solution.nodalPrice.forEach((prices, t) =>
        prices.forEach((price, i) =>
          expect(price, `x ${x}, hour ${t}, ${market.prosumers[i].id}`).to.be.closeTo(
            central.solution.nodalPrice[t][i],
            0.01,
          ),
        ),
      );
    }
  });

  it("has quantities and money in proportion", () => {
    const [{ solution, objective }, { regrets }] = [reference.cleared, reference.cleared];
    const total = (values: Float64Array): number => values.reduce((sum, value) => sum + Math.max(0, value), 0);
    for (const { x, market, cleared, central } of runs) {
      expect(cleared.objective / x / objective).to.be.closeTo(1, 1e-6);
      expect(central.objective / x / reference.central.objective).to.be.closeTo(1, 1e-7);
      cleared.solution.injectionMw.forEach((row, t) =>
        row.forEach((mw, i) => expect(mw / x, `x ${x}`).to.be.closeTo(solution.injectionMw[t][i], 1e-5)),
      );
      cleared.solution.carbonT.forEach((t, k) => expect(t / x).to.be.closeTo(solution.carbonT[k], 1e-4));
      expect(total(cleared.regrets) / x, `x ${x}`).to.be.closeTo(total(regrets), 1e-5);
      // What agents claim and what anybody works out from the solution in MW.
      expect(total(regretsOf(market, cleared.solution, clarabelSolver)) / x).to.be.closeTo(total(regrets), 2e-3);
    }
  });
});
