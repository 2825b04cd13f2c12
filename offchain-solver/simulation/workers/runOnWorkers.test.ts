import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Worker } from "node:worker_threads";
import { expect } from "chai";
import type { Method } from "../../clearing/acceleration/acceleration.ts";
import { assemble } from "../../clearing/assemble.ts";
import type { ConsensusResult } from "../../clearing/consensus.ts";
import { DEFAULT_SETTINGS, MEMORY, type Settings } from "../../clearing/settings.ts";
import { createMarket, defaultSettings, type Market } from "../../market/scenario/market.ts";
import { createNetwork, NO_TIGHTENING, type Network } from "../../market/formulation/network.ts";
import { perUnit } from "../../market/scenario/perUnit.ts";
import type { Prosumer } from "../../market/scenario/scenario.ts";
import { loadScenario, takeHours } from "../../scenarios/loadScenario.ts";
import { openCrew } from "./crew.ts";
import { runAgents } from "./runAgents.ts";
import { runOnWorkers } from "./runOnWorkers.ts";

const scenario = takeHours(loadScenario("ieee15"), 3);
const marketOf = (change: (prosumer: Prosumer, i: number) => Prosumer = (p) => p): Market =>
  createMarket({ ...scenario, prosumers: scenario.prosumers.map(change) }, defaultSettings(scenario));
const settingsOf = (method: Method, maxIterations: number): Settings => ({
  ...DEFAULT_SETTINGS,
  maxIterations,
  acceleration: { ...DEFAULT_SETTINGS.acceleration, method, memory: MEMORY[method] },
});

const base64 = (numbers: Float64Array): string => Buffer.from(Float64Array.from(numbers).buffer).toString("base64");

/** All that anybody reads of a result, to the last bit. */
function bitsOf({ prosumers, operator, residuals, ...rest }: ConsensusResult) {
  return {
    status: rest.status,
    reason: rest.reason,
    counts: [rest.iterations, rest.evaluations, rest.rejected, rest.messages, rest.bytes],
    residuals: base64(Float64Array.from(residuals.flatMap(({ primal, dual }) => [primal, dual]))),
    prosumers: prosumers.map(({ index, iteration, done, images, z, u, moved, sums, gram, problem }) => [
      index,
      iteration,
      done,
      ...[images[0], z, u, moved, sums, gram, problem.x, problem.y].map(base64),
    ]),
    hours: operator.hours.map((hour) => [
      hour.workingSet,
      hour.conicCalls,
      hour.multipliers.map(({ limit, multiplier }) => [limit, base64(Float64Array.from(multiplier))]),
    ]),
  };
}

describe("worker threads", function () {
  this.timeout(300_000);
  const market = marketOf();
  const tight = createNetwork(market, { ...NO_TIGHTENING, voltagePu: 0.02 });

  for (const [method, iterations] of [
    ["anderson", 4000],
    ["admm", 25],
  ] as const)
    for (const [name, network] of [
      ["limits that bind", tight],
      ["no network", undefined],
    ] as [string, Network | undefined][])
      it(`give the serial run's bits, ${method}, ${name}`, () => {
        const run = (workers: number): ConsensusResult => {
          const observed: unknown[] = [];
          const options = { workers, observe: (...seen: unknown[]) => void observed.push(seen) };
          const settings = settingsOf(method, iterations);
          // One worker is a crew too here; runAgents would not open one for it.
          const result =
            workers === 0
              ? runAgents(market, network, settings, { ...options, workers: 1 })
              : runOnWorkers(market, network, settings, options);
          expect(observed).to.deep.equal(result.residuals.map((residual, k) => [k + 1, residual]));
          return result;
        };
        const serial = run(0);
        expect(serial.status).to.equal(method === "admm" ? "max iterations" : "solved");
        if (network) expect(serial.operator.hours.flatMap((hour) => hour.multipliers)).not.empty;
        for (const workers of [1, 2, 3]) {
          const parallel = run(workers);
          expect(bitsOf(parallel), `${workers} workers`).to.deep.equal(bitsOf(serial));
          expect(assemble(market, parallel)).to.deep.equal(assemble(market, serial));
        }
      });

  it("go on from where an earlier run stood", () => {
    const before = runAgents(market, tight, settingsOf("anderson", 10), {});
    const warm = before.prosumers.map(({ images }) => ({ image: images[0] }));
    const run = (workers: number) => bitsOf(runAgents(market, tight, settingsOf("anderson", 10), { workers, warm }));
    expect(run(3)).to.deep.equal(run(1));
  });

  it("end alike when the limits leave no point", () => {
    const narrow = createNetwork(market, { ...NO_TIGHTENING, ratingShare: 0.9999 });
    const [serial, parallel] = [1, 3].map((workers) =>
      runAgents(market, narrow, settingsOf("anderson", 100), { workers }),
    );
    expect(serial.reason).to.match(/no point left/);
    for (const key of ["status", "reason", "iterations", "residuals", "messages", "bytes"] as const)
      expect(parallel[key], key).to.deep.equal(serial[key]);
  });

  it("end alike when prosumers cannot meet their own limits: the first of them is named", () => {
    // Two batteries that must hold what they cannot be charged with in time.
    const owners = scenario.prosumers.flatMap((p, i) => (p.battery ? [i] : [])).slice(-2);
    const stuck = marketOf((p, i) =>
      owners.includes(i) && p.battery
        ? { ...p, battery: { ...p.battery, initialMwh: 0, minMwh: 50, maxMwh: 60, powerMw: 0.1 } }
        : p,
    );
    const [serial, parallel] = [1, 2].map((workers) =>
      runAgents(stuck, createNetwork(stuck), settingsOf("anderson", 100), { workers }),
    );
    expect(serial.reason).to.match(new RegExp(`^prosumer ${stuck.prosumers[owners[0]].id}: `));
    for (const key of ["status", "reason", "iterations", "residuals", "messages", "bytes"] as const)
      expect(parallel[key], key).to.deep.equal(serial[key]);
  });

  it("report what goes wrong in one of them, and end", async () => {
    const started: Worker[] = [];
    const note = (worker: Worker): void => void started.push(worker);
    process.on("worker", note);
    try {
      const settings = settingsOf("admm", 5);
      const broken = { ...tight, areaOf: undefined as unknown as Int32Array };
      expect(() => runOnWorkers(market, broken, settings, { workers: 2 })).to.throw(
        /^worker thread 1 of 2 failed: TypeError: .*\n.*partsOf/,
      );
      const part = { prosumers: [3], hours: [], market: perUnit(market), network: tight, settings, warm: undefined };
      const crew = openCrew([part, { ...part, prosumers: [4] }]);
      const message = { kind: "trade", iteration: 0, block: new Float64Array(4) } as const;
      expect(() => crew.ask("stepped", () => ({ kind: "step", inbox: [{ from: 0, to: 4, message }] }))).to.throw(
        /^worker thread 1 of 2 failed: TypeError: .*\n.*stepProsumer/,
      );
      expect(crew.ask("report", () => ({ kind: "report" })).map(({ prosumers }) => prosumers.length)).to.eql([1, 1]);
      crew.close();
      await new Promise(setImmediate);
      expect(started.length).to.equal(4);
      for (const worker of started) if (worker.threadId !== -1) await new Promise((done) => worker.once("exit", done));
    } finally {
      process.off("worker", note);
    }
  });

  it("serve the command, which ends by itself and writes the same file", () => {
    const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
    const clear = (workers: string) =>
      spawnSync(process.execPath, [main, ..."clear ieee15 --hours 2 --json - --workers".split(" "), workers], {
        encoding: "utf8",
        timeout: 300_000,
      });
    const [serial, parallel] = ["1", "2"].map((workers) => {
      const { status, stdout, stderr } = clear(workers);
      expect(status, stderr).to.equal(0);
      return { ...(JSON.parse(stdout) as object), wallMs: 0 };
    });
    expect(parallel).to.deep.equal(serial);
  });
});
