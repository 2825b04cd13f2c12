import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { OPERATOR_AGENT } from "../offchain-solver/clearing/message.ts";
import { settingsTerms } from "../offchain-solver/clearing/settingsTerms.ts";
import { termsBytes, termsHash, type Terms } from "../offchain-solver/codec/terms.ts";
import { createMarket, defaultSettings } from "../offchain-solver/market/scenario/market.ts";
import { perUnit } from "../offchain-solver/market/scenario/perUnit.ts";
import { publicScenario } from "../offchain-solver/market/scenario/publicScenario.ts";
import { loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { clear, settingsFor } from "../offchain-solver/simulation/clear.ts";
import { withHeatPumps, withVehicles } from "./support/homeDevices.ts";
import type { Order, Report } from "./support/partyProcess.ts";

/** Every number below a value, whatever it is in. */
function numbersIn(value: unknown): number[] {
  if (typeof value === "number") return [value];
  if (value === null || typeof value !== "object") return [];
  return Object.values(value).flatMap(numbersIn);
}

/**
 * Numbers of `secrets` in these bytes: as a double at any offset, or written out in a text; sizes alike, signs aside.
 */
function leaks(bytes: Uint8Array, secrets: ReadonlySet<number>): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: number[] = [];
  for (let at = 0; at + 8 <= bytes.length; at++)
    for (const little of [true, false]) {
      const value = Math.abs(view.getFloat64(at, little));
      if (secrets.has(value)) found.push(value);
    }
  // Digits among the bytes of doubles are no text.
  if (bytes[0] !== "{".charCodeAt(0)) return found;
  // The numbers of pairs are public, and small enough to be somebody's cost as well.
  const written = new TextDecoder("latin1").decode(bytes).replaceAll(/"pair":\d+/g, "");
  for (const [text] of written.matchAll(/\d+(\.\d+)?(e[+-]?\d+)?/g))
    if (secrets.has(Number(text))) found.push(Number(text));
  return found;
}

describe("what leaves a prosumer's agent over a whole session", function () {
  this.timeout(300_000);
  const scenario = withHeatPumps(withVehicles(takeHours(loadScenario("ieee15"), 2)));
  const options = { method: "anderson", market: defaultSettings(scenario), trade: true, rhoScale: 1 } as const;
  const terms: Terms = {
    scenario: publicScenario(scenario),
    settings: options.market,
    clearing: { ...settingsTerms(settingsFor("anderson", { rhoScale: 1, maxIterations: 2000 })) } as Terms["clearing"],
    toleranceNano: 10_000,
  };
  const agents = [OPERATOR_AGENT, ...scenario.prosumers.keys()];
  const sent = new Map(agents.map((self) => [self, [] as Uint8Array[]]));
  const proposals = new Map<number, Uint8Array>();
  const secrets = new Map<number, readonly number[]>();
  const results = new Map<number, Extract<Report, { kind: "result" }>>();

  before(async () => {
    const file = fileURLToPath(new URL("./support/partyProcess.ts", import.meta.url));
    const parties = new Map(agents.map((self) => [self, fork(file, { serialization: "advanced" })]));
    const order = (self: number, what: Order): unknown => (parties.get(self) as ChildProcess).send(what);
    try {
      await new Promise<void>((done, fail) => {
        let ready = 0;
        const hear: { [K in Report["kind"]]: (self: number, report: Extract<Report, { kind: K }>) => void } = {
          ready: () => void (++ready === agents.length && agents.forEach((self) => order(self, { kind: "start" }))),
          send(self, { to, bytes }) {
            sent.get(self)!.push(bytes);
            order(to, { kind: "message", from: self, bytes });
          },
          private: (self, { numbers }) => void secrets.set(self, numbers),
          propose(self, { bytes }) {
            sent.get(self)!.push(bytes);
            proposals.set(self, bytes);
            if (proposals.size < agents.length) return;
            const all = agents.map((each) => proposals.get(each) as Uint8Array);
            for (const each of agents) order(each, { kind: "proposals", all });
          },
          result(self, report) {
            results.set(self, report);
            if (results.size === agents.length) done();
          },
        };
        const [bytes, hash] = [termsBytes(terms), termsHash(terms)];
        for (const [self, party] of parties) {
          party.on("message", (report: Report) => hear[report.kind](self, report as never));
          party.on("error", fail);
          party.on("exit", (code) => fail(new Error(`party ${self} ended with ${code}`)));
          const part = scenario.prosumers[self];
          order(self, { kind: "open", bytes, hash, self, ...(part && { part }) });
        }
      });
    } finally {
      for (const party of parties.values()) {
        party.removeAllListeners();
        party.kill();
      }
    }
  });

  it("makes the same integers in every process, and the same as all agents in one", () => {
    const { outcome } = clear(scenario, { ...options, maxIterations: 2000 });
    for (const self of agents) {
      expect(results.get(self)?.finding, `agent ${self}`).to.equal('{"kind":"valid"}');
      expect(JSON.parse(results.get(self)!.result), `agent ${self}`).to.deep.equal(outcome!.quantised.result);
    }
  });

  it("holds no cost, device limit, load, forecast, schedule or state of charge", () => {
    const known = new Set(numbersIn(terms).map(Math.abs));
    const inUnits = perUnit(createMarket(scenario, options.market)).prosumers;
    scenario.prosumers.forEach((part, i) => {
      const secret = [part, inUnits[i]].flatMap(({ id: _id, bus: _bus, sizeMw: _size, ...own }) => numbersIn(own));
      // As they are and in the units of the market; what the terms show of anybody, and zeros, tell nothing.
      const numbers = [...secret, ...secrets.get(i)!].map(Math.abs);
      const mine = new Set(numbers.filter((v) => v > 1e-9 && !known.has(v)));
      for (const trivial of [0.5, 1, 2]) mine.delete(trivial);
      expect(mine.size, `prosumer ${part.id}`).to.be.greaterThan(5);
      expect(sent.get(i)!.length).to.be.greaterThan(20);
      const found = sent.get(i)!.flatMap((bytes) => leaks(bytes, mine));
      expect(found, `prosumer ${part.id}`).to.deep.equal([]);
    });
  });

  it("would be seen: a planted cost, load or schedule is found in either form", () => {
    const secret = new Set([13.37]);
    const block = new Uint8Array(Float64Array.of(1, -13.37, 2).buffer);
    expect(leaks(new Uint8Array([7, ...block]), secret)).to.deep.equal([13.37]);
    expect(leaks(new TextEncoder().encode('{"mw":[-13.37]}'), secret)).to.deep.equal([13.37]);
    expect(leaks(block, new Set([4]))).to.deep.equal([]);
  });
});
