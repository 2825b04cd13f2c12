import { expect } from "chai";
import { createMarket, defaultSettings, type Market } from "../market/scenario/market.ts";
import { createNetwork } from "../market/formulation/network.ts";
import { perUnit } from "../market/scenario/perUnit.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { viewOf } from "../market/scenario/view.ts";
import { loadScenario, scaleForecasts, takeHours } from "../scenarios/loadScenario.ts";
import { memoryTransport } from "../net/memoryTransport.ts";
import { clarabelSolver } from "../numerics/clarabelNode.ts";
import type { ConicSolver } from "../numerics/conicSolver.ts";
import type { Method } from "./acceleration/acceleration.ts";
import { assemble } from "./assemble.ts";
import { solveCentral } from "./central.ts";
import { runConsensus, type Carrier, type ConsensusResult } from "./consensus.ts";
import { penaltiesAt } from "./acceleration/penalties.ts";
import { pricesOf } from "./claim.ts";
import { layoutOf } from "./layout.ts";
import { OPERATOR_AGENT, type Message } from "./message.ts";
import { initProsumer, stepProsumer } from "./prosumerAgent.ts";
import { DEFAULT_SETTINGS, MEMORY, startedFrom, type Settings } from "./settings.ts";

const marketOf = (scenario: Scenario): Market => createMarket(scenario, defaultSettings(scenario));

function run(
  market: Market,
  method: Method,
  seed?: number,
  warm?: ConsensusResult,
  maxIterations = 4000,
): ConsensusResult {
  const cold = {
    ...DEFAULT_SETTINGS,
    maxIterations,
    acceleration: { ...DEFAULT_SETTINGS.acceleration, method, memory: MEMORY[method] },
  };
  return runConsensus(
    market,
    createNetwork(market),
    warm ? startedFrom(cold, warm.operator.acceleration.firstNorm) : cold,
    {
      solver: clarabelSolver,
      carrier: memoryTransport<Message>(seed),
      ...(warm && { warm: warm.prosumers.map((p) => ({ image: p.images[0] })) }),
    },
  );
}

/** The final iterate's bits. */
const bits = (result: ConsensusResult): string =>
  result.prosumers.map((p) => Buffer.from(p.images[0].buffer).toString("base64")).join();

describe("consensus", function () {
  this.timeout(300_000);
  const three = marketOf(takeHours(loadScenario("ieee15"), 3));

  it("does not take limits for contradictory because the solver gives up on them", () => {
    const { risk, ...rest } = takeHours(loadScenario("ieee15"), 2);
    const radii = { meanRadius: risk.meanRadius.map(() => 1e-4), stdRadius: risk.stdRadius.map(() => 1e-4) };
    const market = marketOf({ ...rest, risk: { ...risk, ...radii } });
    // Only limits are projected on to 1e-11: of these every fourth fails, at whatever tolerance and scale it is asked.
    let [projections, failing, failed] = [0, 0, 0];
    const solver: ConicSolver = (problem, settings) => {
      if (failing === 0 && settings?.tolerance === 1e-11 && ++projections % 4 === 0)
        [failing, failed] = [15, failed + 1];
      const result = clarabelSolver(problem, settings);
      if (failing === 0) return result;
      failing--;
      return { ...result, status: "failed", x: new Float64Array(), dual: new Float64Array() };
    };
    const settled = (of: ConicSolver): ConsensusResult =>
      runConsensus(market, createNetwork(market), DEFAULT_SETTINGS, {
        solver: of,
        carrier: memoryTransport<Message>(),
      });
    const [stalling, sound] = [settled(solver), settled(clarabelSolver)];
    expect(failed).to.be.above(3);
    expect([stalling.status, sound.status]).to.deep.equal(["solved", "solved"]);
    expect(assemble(market, stalling).objective).to.be.closeTo(assemble(market, sound).objective, 1e-3);
  });

  const gapOf = (result: ConsensusResult): number => {
    const central = solveCentral(three, createNetwork(three), clarabelSolver);
    if (central.status !== "solved") throw new Error(central.status);
    const { objective, regrets } = assemble(three, result);
    for (const regret of regrets) expect(regret).to.be.above(-1e-6);
    return Math.abs(objective - central.objective) / Math.abs(central.objective);
  };

  for (const method of ["gsa", "gsa1", "anderson"] as const)
    it(`${method} agrees with the central solution on three hours`, () => {
      const result = run(three, method);
      expect(result.status).to.equal("solved");
      expect(gapOf(result)).to.be.below(2e-5);
    });

  for (const [method, seeds] of [
    ["anderson", 200],
    ["gsa", 60],
    ["gsa1", 60],
    ["admm", 60],
  ] as const)
    it(`${method} gives the same bits whatever the order of delivery, ${seeds} seeded orders`, () => {
      const reference = bits(run(three, method, undefined, undefined, 8));
      for (let seed = 1; seed <= seeds; seed++)
        expect(bits(run(three, method, seed, undefined, 8)), `seed ${seed}`).to.equal(reference);
    });

  it("needs fewer evaluations with the extra regularisation where several prosumers stand at one tariff", () => {
    const scenario = loadScenario("ieee15");
    const day = createMarket(scenario, { ...defaultSettings(scenario), risk: "gaussian" });
    const { acceleration, tolerance } = DEFAULT_SETTINGS;
    const clear = (start: number, more: Partial<Settings> = {}): ConsensusResult =>
      runConsensus(
        day,
        createNetwork(day),
        {
          ...DEFAULT_SETTINGS,
          acceleration: { ...acceleration, vanishing: { ...acceleration.vanishing, start } },
          ...more,
        },
        { solver: clarabelSolver, carrier: memoryTransport<Message>() },
      );
    const { start } = acceleration.vanishing;
    const [without, withIt] = [clear(0), clear(start)];
    expect([without.status, withIt.status]).to.deep.equal(["solved", "solved"]);
    expect(withIt.evaluations).to.be.below(without.evaluations);
    // Where iterates stand still the certificate may end it before residuals are small: not where less is too much.
    const finer = Object.fromEntries(Object.entries(tolerance).map(([name, value]) => [name, value / 10]));
    const most = 300;
    const goesOn = clear(0, { tolerance: finer as Settings["tolerance"], maxIterations: most });
    const small = ({ residuals }: ConsensusResult, bound: number): number => {
      const at = residuals.findIndex(({ primal, dual }) => Math.max(primal, dual) <= bound);
      return at < 0 ? most : at + 1;
    };
    expect(small(withIt, 1)).to.be.below(0.6 * small(goesOn, 10));
    const central = solveCentral(day, createNetwork(day), clarabelSolver);
    if (central.status !== "solved") throw new Error(central.status);
    expect(Math.abs(assemble(day, withIt).objective / central.objective - 1)).to.be.below(1e-5);
  });

  it("does not take solvers that stall for limits that cannot be met", () => {
    // From the 180th iteration on prosumer 4's warm-started solver and the interior point method both give up now and
    // then.
    const day = loadScenario("ieee15");
    const market = createMarket(day, { ...defaultSettings(day), risk: "bonferroni" });
    const rho = DEFAULT_SETTINGS.rho.map((r) => r * Math.SQRT2);
    const acceleration = { ...DEFAULT_SETTINGS.acceleration, method: "admm", memory: MEMORY.admm } as const;
    const settings = { ...DEFAULT_SETTINGS, rho, acceleration, maxIterations: 190 };
    const result = runConsensus(market, createNetwork(market), settings, {
      solver: clarabelSolver,
      carrier: memoryTransport<Message>(),
    });
    expect(result.status).to.equal("max iterations");
    expect(result.iterations).to.equal(190);
  });

  it("tells a prosumer who has no solution from one whose solvers stall", () => {
    const scenario = takeHours(loadScenario("ieee15"), 3);
    const owner = scenario.prosumers.findIndex(({ battery }) => battery);
    // A battery that must hold what it cannot be charged with in time.
    const stuck = marketOf({
      ...scenario,
      prosumers: scenario.prosumers.map((p, i) =>
        i === owner && p.battery
          ? { ...p, battery: { ...p.battery, initialMwh: 0, minMwh: 50, maxMwh: 60, powerMw: 0.1 } }
          : p,
      ),
    });
    const stalling: ConicSolver = (problem) => ({
      status: "failed",
      x: new Float64Array(problem.variables),
      dual: new Float64Array(problem.rows),
      objective: NaN,
      iterations: 0,
    });
    const end = (solver: ConicSolver) => {
      const { status, reason } = runConsensus(stuck, createNetwork(stuck), DEFAULT_SETTINGS, {
        solver,
        carrier: memoryTransport<Message>(),
      });
      return { status, reason };
    };
    expect(end(clarabelSolver)).to.deep.equal({
      status: "infeasible",
      reason: `prosumer ${stuck.prosumers[owner].id}: its own devices cannot meet its limits`,
    });
    expect(end(stalling)).to.deep.equal({
      status: "max iterations",
      reason: `prosumer ${stuck.prosumers[owner].id}: its own problem could not be solved accurately enough`,
    });
  });

  it("keeps every energy and allowance trade antisymmetric to the last bit", () => {
    const cold = run(three, "anderson", 7, undefined, 20);
    const nearby = marketOf(scaleForecasts(takeHours(loadScenario("ieee15"), 3), 1.005));
    const warm = run(nearby, "anderson", 7, run(three, "anderson"), 4);
    expect(warm.operator.acceleration, "pulls towards what was traded").to.include({ centre: 0.5 });
    expect(warm.operator.acceleration.extra).to.be.above(0);
    for (const { prosumers } of [cold, warm])
      three.pairs.forEach(([a, b], pair) => {
        const block = (i: number): Float64Array => {
          const k = prosumers[i].layout.pairs.indexOf(pair);
          return prosumers[i].z.subarray(k * 4, k * 4 + 4);
        };
        for (let t = 0; t < 4; t++) expect(block(a)[t] + block(b)[t]).to.equal(0);
      });
  });

  it("pulls a warm start's trades towards the operator's share of what they were", () => {
    const image = new Float64Array(layoutOf(three, 0).size).map((_, c) => Math.sin(c + 1));
    const view = viewOf(perUnit(three), 0);
    const [state] = stepProsumer(initProsumer(DEFAULT_SETTINGS, view, 0, clarabelSolver, { warm: { image } }), {
      kind: "start",
    });
    const { layout } = state;
    const grid = (iteration: number, pull: { extra: number; centre?: number }): Message => {
      const weights = state.gram.map((_, age) => (age === 0 ? 1 : 0));
      const block = new Float64Array(layout.size - layout.gridStart);
      return { kind: "grid", iteration, weights, block, end: "no", ...pull };
    };
    const exchange = (iteration: number, pull: { extra: number; centre?: number }): void => {
      for (const from of layout.partners) {
        const block = new Float64Array(layout.hours + 1);
        stepProsumer(state, { kind: "message", from, message: { kind: "trade", iteration, block } });
      }
      stepProsumer(state, { kind: "message", from: OPERATOR_AGENT, message: grid(iteration, pull) });
      expect(state.iteration).to.equal(iteration + 1);
    };
    exchange(0, { extra: 0 });
    const first = state.z.slice(0, layout.gridStart);
    expect(first, "half of what partners that offer nothing differ by").to.deep.equal(
      image.slice(0, layout.gridStart).map((v) => v / 2),
    );
    const image1 = state.images[0].slice();
    exchange(1, { extra: 10, centre: 0.5 });
    for (let c = 0; c < layout.gridStart; c++) {
      const rho = DEFAULT_SETTINGS.rho[layout.commodity[c]];
      const expected = (rho * (image1[c] / 2) + 10 * 0.5 * first[c]) / (rho + 10);
      expect(state.z[c], `component ${c}`).to.be.closeTo(expected, 1e-12);
    }
  });

  it("changes penalties at the same point and the same prices, and hands its image on at the session's own", () => {
    const image = new Float64Array(layoutOf(three, 0).size).map((_, c) => Math.sin(c + 1));
    const view = viewOf(perUnit(three), 0);
    const rhoScale = Float64Array.of(0.3, 7, 0.02, 11, 100);
    const [kept, changed] = [undefined, rhoScale].map((scale) => {
      const state = initProsumer(DEFAULT_SETTINGS, view, 0, clarabelSolver, { warm: { image } });
      stepProsumer(state, { kind: "start" });
      const { layout } = state;
      const hear = (from: number, message: Message) => stepProsumer(state, { kind: "message", from, message });
      const block = new Float64Array(layout.size - layout.gridStart).map((_, c) => Math.cos(c));
      const weights = state.gram.map((_, age) => (age === 0 ? 1 : 0));
      const iterate = (iteration: number, end: "no" | "solved", more = {}): void => {
        for (const from of layout.partners)
          hear(from, { kind: "trade", iteration, block: new Float64Array(layout.hours + 1).fill(0.1) });
        hear(OPERATOR_AGENT, { kind: "grid", iteration, weights, block, extra: 0, end, ...more });
      };
      iterate(0, "no", scale && { rhoScale: scale });
      const [z, price, y] = [state.z.slice(), pricesOf(state), state.problem.y.slice()];
      // Told once, and in force until told otherwise.
      iterate(1, "no");
      const [u, ours] = [state.u.slice(), state.rho.slice()];
      const before = state.images[0].slice();
      iterate(2, "solved");
      return { state, z, price, y, u, ours, before };
    });
    expect(changed.z).to.deep.equal(kept.z);
    kept.price.forEach((price, c) => expect(changed.price[c], `price ${c}`).to.be.closeTo(price, 1e-9));
    expect(changed.y, "another proximal step").to.not.deep.equal(kept.y);
    expect([...changed.ours]).to.deep.equal([...penaltiesAt(DEFAULT_SETTINGS, rhoScale)]);
    expect(kept.state.images[0]).to.deep.equal(kept.before);
    const { commodity } = changed.state.layout;
    changed.state.images[0].forEach((value, c) => {
      const scale = rhoScale[commodity[c]];
      expect(value, `image ${c}`).to.be.closeTo(changed.before[c] - changed.u[c] + scale * changed.u[c], 1e-9);
    });
  });

  it("clears again after forecasts changed by up to 5 % from where it stood, in two fifths of the evaluations", () => {
    const scenario = takeHours(loadScenario("ieee15"), 3);
    const before = run(three, "anderson");
    // Each ends by an answer of the certificate, up to three evaluations after it could: a large part of the warm ones.
    const runs = [0.95, 1.02, 1.05].map((factor) => {
      const changed = marketOf(scaleForecasts(scenario, factor));
      return { cold: run(changed, "anderson"), warm: run(changed, "anderson", undefined, before) };
    });
    for (const { cold, warm } of runs) expect([cold.status, warm.status]).to.deep.equal(["solved", "solved"]);
    const total = (of: "cold" | "warm"): number => runs.reduce((sum, one) => sum + one[of].iterations, 0);
    expect(total("warm")).to.be.below(0.4 * total("cold"));
  });

  it("ends by its deadline when a party falls silent, naming who was waited for", () => {
    const { join, run: deliver } = memoryTransport<Message>();
    let sent = 0;
    const silent: Carrier = {
      join(self, party) {
        const link = join(self, party);
        return { ...link, send: (to, message) => void (self === 2 && sent++ > 60 ? 0 : link.send(to, message)) };
      },
      run: deliver,
    };
    const result = runConsensus(three, createNetwork(three), DEFAULT_SETTINGS, {
      solver: clarabelSolver,
      carrier: silent,
    });
    expect(result.status).to.equal("deadline");
    expect(result.reason).to.match(/waited in vain for .*prosumer 3\b/);
  });
});
