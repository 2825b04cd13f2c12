import { expect } from "chai";
import type { FrozenLimits } from "../codec/typedData.ts";
import { createMarket, defaultSettings } from "../market/scenario/market.ts";
import { publicScenario } from "../market/scenario/publicScenario.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { loadScenario, takeHours } from "../scenarios/loadScenario.ts";
import { resized } from "../scenarios/resized.ts";
import { presetLimits } from "./mandatePreset.ts";
import { sessionFaults, termsFaults } from "./termsFaults.ts";

const day = takeHours(loadScenario("ieee15"), 2);
const open = publicScenario(day);
const ids = day.prosumers.map(({ id }) => id);
const LARGEST_W = 0xffffffffn;

const signed = (scenario: Scenario): Map<number, FrozenLimits> => {
  const market = createMarket(scenario, defaultSettings(scenario));
  const term = { maxSpendPerDay: 1n << 40n, validUntil: 1n << 39n };
  return new Map(ids.map((id) => [id, { ...presetLimits(market, id, 0n), ...term }]));
};
/** Mandates that their owners wrote themselves, W by place. */
const ofW = (watts: (k: number) => bigint): Map<number, FrozenLimits> =>
  new Map([...signed(day)].map(([id, limits], k) => [id, { ...limits, maxBuyW: watts(k), maxSellW: watts(k) }]));
const fieldsOf = (scenario: typeof open, limits: ReadonlyMap<number, FrozenLimits>): string[] =>
  termsFaults(scenario, limits).map(({ field }) => field);
const withSizes = (size: (k: number) => number): typeof open => ({
  ...open,
  prosumers: open.prosumers.map((p, k) => ({ ...p, sizeMw: size(k) })),
});

describe("sizes that terms state", () => {
  for (const x of [0.001, 0.01, 1, 100])
    it(`are sound in a market ${x} times as large`, () => {
      const scenario = resized(day, x);
      expect(fieldsOf(publicScenario(scenario), signed(scenario))).to.deep.equal([]);
    });

  it("are sound of one plant of 1 MW among homes of 5 kW", () => {
    const uneven = withSizes((k) => (k === 0 ? 1 : 0.005));
    expect(
      fieldsOf(
        uneven,
        ofW((k) => (k === 0 ? 1_000_000n : 5_000n)),
      ),
    ).to.deep.equal([]);
  });

  it("are sound where mandates allow a tenth of what devices can, where they allow anything, and nothing", () => {
    const homes = withSizes(() => 0.005);
    for (const watts of [500n, LARGEST_W, 0n])
      expect(
        fieldsOf(
          homes,
          ofW(() => watts),
        ),
      ).to.deep.equal([]);
    expect(fieldsOf(homes, new Map())).to.deep.equal([]);
  });

  it("are made up where their mean is far beyond what wallets have signed, whatever one of them signs", () => {
    const [one, all] = [withSizes((k) => (k === 0 ? 1e12 : 0.15)), withSizes(() => 1e4)];
    for (const terms of [one, all]) {
      expect(fieldsOf(terms, signed(day))).to.deep.equal(["prosumers.sizeMw"]);
      expect(
        fieldsOf(
          terms,
          ofW((k) => (k < 6 ? LARGEST_W : 150_000n)),
        ),
      ).to.deep.equal(["prosumers.sizeMw"]);
    }
  });
});

describe("what a session is refused for whatever is cleared", () => {
  it("is nothing of the shipped day, whatever its size", () => {
    for (const x of [0.001, 1, 10]) expect(sessionFaults(resized(day, x)), `x ${x}`).to.deep.equal([]);
  });

  it("is known before anybody clears: sizes that mandates do not bear out, loads that the chain does not count, prices", () => {
    const [one] = day.prosumers;
    const standing = [{ id: 900, bus: one.bus, mw: [0, 0], mvar: [0, 0] }];
    const dear = { ...day.tariff, buyPerMwh: day.tariff.buyPerMwh.map(() => 9000) };
    for (const [change, field] of [
      [{ prosumers: day.prosumers.map((p) => ({ ...p, sizeMw: 2000 })) }, "prosumers.sizeMw"],
      [{ standing }, "standing"],
      [{ tariff: dear }, "tariff.buyPerMwh[0]"],
    ] as const)
      expect(sessionFaults({ ...day, ...change })[0]?.field).to.equal(field);
  });
});

describe("loads that terms state", () => {
  it("are members' profiles alone: the contract's grid check would not count another, whoever signs", () => {
    const { id, bus } = open.prosumers[0];
    const [mw, mvar] = [open.prosumers[0].fallback.mw.map(() => -0.1), open.prosumers[0].fallback.mvar];
    expect(fieldsOf({ ...open, standing: [{ id: 900 + id, bus, mw, mvar }] }, signed(day))).to.deep.equal(["standing"]);
    expect(fieldsOf({ ...open, standing: [] }, signed(day))).to.deep.equal([]);
  });
});
