import { expect } from "chai";
import { maskKey, openMask } from "../offchain-solver/node/agent/maskStream.ts";
import { loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { coalition } from "./support/coalition.ts";

const HOURS = 3;

describe("what the operator and one trading partner learn together", function () {
  this.timeout(300_000);
  const scenario = takeHours(loadScenario("ieee15"), HOURS);
  const victim = scenario.prosumers.findIndex((p) => p.generator && !p.battery && !p.renewable);
  const { generator, load } = scenario.prosumers[victim];
  const errorOf = (slope: number): number => Math.abs(slope / (2 * generator!.costA) - 1);

  it("is a generator's marginal cost, to three digits of its slope: docs/privacy.md says so", () => {
    const best = coalition(scenario, victim, { method: "admm", maxIterations: 150 }).fits.get(10)!;
    // Where the slope is known, so is b + 2 a times its load, within what a load differs from hour to hour.
    const intercept = best.intercept - generator!.costB;
    expect(errorOf(best.slope)).to.be.below(1e-3);
    expect(intercept / (2 * generator!.costA)).to.be.within(
      0.9 * Math.min(...load.fixedMw),
      1.1 * Math.max(...load.fixedMw),
    );
    // A change that hides more is good news, and a change of what docs/privacy.md says.
    expect(best.rest).to.be.below(1e-9);
  });

  it("is a hundred times less where the member masks its steps, at the same optimum", () => {
    const options = { method: "admm", maxIterations: 1_000 } as const;
    const open = coalition(scenario, victim, options);
    const mask = (index: number) => openMask(maskKey(0.3, "a node's key", "a session", index));
    const masked = coalition(scenario, victim, {
      ...options,
      mask: (index) => (index === victim ? mask(index) : undefined),
    });
    for (const [window, { slope }] of masked.fits) expect(errorOf(slope), `${window}`).to.be.above(1e-2);
    expect(Math.abs(masked.objective / open.objective - 1)).to.be.below(1e-5);
    expect(masked.evaluations).to.be.below(1.5 * open.evaluations);
  });
});
