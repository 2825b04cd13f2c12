import { expect } from "chai";
import { keccak256 } from "ethers";
import { defaultSettings } from "../market/scenario/market.ts";
import { publicScenario } from "../market/scenario/publicScenario.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { loadScenario, takeHours } from "../scenarios/loadScenario.ts";
import { hashOfTold, readTerms, termsBytes, termsHash, TermsSchema, toldTerms, type Terms } from "./terms.ts";

describe("the terms of a session", () => {
  const scenario = takeHours(loadScenario("ieee15"), 3);
  const termsOf = (given: Scenario): Terms => ({
    scenario: publicScenario(given),
    settings: defaultSettings(given),
    clearing: { rho: [1000, 420, 240, 140, 14], maxIterations: 20_000 },
    toleranceNano: 10_000,
  });
  const terms = termsOf(scenario);

  it("hash what is public and nothing else", () => {
    const private_: Scenario = {
      ...scenario,
      prosumers: scenario.prosumers.map((p) => ({
        ...p,
        ...(p.generator && { generator: { ...p.generator, costA: 7.25, maxMw: 1.125 } }),
        ...(p.battery && { battery: { ...p.battery, initialMwh: p.battery.minMwh, wearPerMwh: 3.5 } }),
        load: { ...p.load, fixedMw: [...p.load.fixedMw].reverse(), discomfort: 8 },
        reserveUpPerMw: 2.75,
      })),
    };
    // Reversing a load keeps its sum, up to the order of three additions.
    const hashes = [private_, scenario].map((given) => {
      const { prosumers, ...rest } = publicScenario(given);
      const rights = prosumers.map((p) => ({ ...p, allowanceT: Number(p.allowanceT.toFixed(9)) }));
      return termsHash({ ...terms, scenario: { ...rest, prosumers: rights } });
    });
    expect(hashes[0]).to.equal(hashes[1]);
    const text = new TextDecoder().decode(termsBytes(terms));
    for (const word of [
      "costA",
      "maxMw",
      "fixedMw",
      "initialMwh",
      "forecastMw",
      "discomfort",
      "wearPerMwh",
      "actualMw",
    ])
      expect(text, word).not.to.include(word);
  });

  it("read back from their bytes to the same terms and hash", () => {
    const found = readTerms(termsBytes(terms), termsHash(terms));
    expect(found).to.deep.equal({ kind: "agreed", terms });
    expect(termsHash(TermsSchema.parse(JSON.parse(JSON.stringify(terms))))).to.equal(termsHash(terms));
  });

  it("change their hash with any number of them", () => {
    const { scenario: open } = terms;
    const others: Terms[] = [
      { ...terms, toleranceNano: 10_001 },
      { ...terms, clearing: { ...terms.clearing, maxIterations: 20_001 } },
      { ...terms, settings: { ...terms.settings, epsilon: terms.settings.epsilon * (1 + Number.EPSILON) } },
      { ...terms, scenario: { ...open, pairs: open.pairs.slice(1) } },
      { ...terms, scenario: { ...open, tariff: { ...open.tariff, reserveUpPerMw: open.tariff.reserveUpPerMw + 1 } } },
      { ...terms, scenario: { ...open, prosumers: open.prosumers.map((p) => ({ ...p, rebateWh: p.rebateWh + 1 })) } },
    ];
    expect(new Set([terms, ...others].map(termsHash)).size).to.equal(others.length + 1);
    for (const other of others)
      expect(readTerms(termsBytes(other), termsHash(terms))).to.include({ kind: "refused", predicate: "otherTerms" });
  });

  it("are refused where the chain commits to other default profiles than they state", () => {
    const { stated, loads } = toldTerms(terms);
    expect(loads.length).to.be.greaterThan(0);
    const bytes = termsBytes(terms);
    expect(readTerms(bytes, hashOfTold({ stated, loads })).kind).to.equal("agreed");
    for (const other of [loads.subarray(12), new Uint8Array(), loads.map((byte, k) => (k === 8 ? byte ^ 1 : byte))])
      expect(readTerms(bytes, hashOfTold({ stated, loads: other }))).to.include({ predicate: "otherTerms" });
  });

  it("are refused when the bytes under the right hash are no terms", () => {
    const bodies = ["", "{", "[]", '{"scenario":{}}', "\ud800", JSON.stringify({ ...terms, more: 1 })];
    for (const body of bodies) {
      const bytes = new TextEncoder().encode(body);
      const found = readTerms(bytes, keccak256(bytes));
      expect(found, body.slice(0, 20)).to.include({ kind: "refused", predicate: "malformedTerms" });
    }
    const bytes = Uint8Array.of(0xff, 0xfe);
    expect(readTerms(bytes, keccak256(bytes))).to.include({ kind: "refused", predicate: "malformedTerms" });
  });
});
