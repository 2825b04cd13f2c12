import { expect } from "chai";
import { CHAIN_LIMITS, fitsOneTransaction, type Setting } from "../codec/fits.ts";
import { defaultSettings } from "../market/scenario/market.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { loadScenario, takeHours } from "../scenarios/loadScenario.ts";
import { splitHours } from "../scenarios/periods.ts";
import { clear } from "../simulation/clear.ts";
import type { DoneSession } from "./outcome.ts";
import { DoesNotFit, SessionRefused } from "./refused.ts";
import { DayBroken, partsOf, settleDay } from "./settleDay.ts";

/** Cleared as a session is, without a chain: what does not fit is refused as `quantise` refuses it. */
function clearedIn(scenario: Scenario, setting: Setting): DoneSession {
  const options = { method: "central", trade: true, rhoScale: 1, maxIterations: 1 } as const;
  const cleared = clear(scenario, { ...options, market: defaultSettings(scenario) });
  const { quantised, solution } = cleared.outcome!;
  const fit = fitsOneTransaction(quantised.result, setting);
  if (!fit.fits) throw new DoesNotFit(fit, { result: quantised.result, setting, plans: solution.schedules });
  return { clearing: { cleared, tightened: undefined } } as unknown as DoneSession;
}

const setting = (bytes: number): Setting => ({
  members: 15,
  buses: 15,
  homes: 14,
  most: { ...CHAIN_LIMITS, bytes, gas: 16_000_000 },
});
const day = takeHours(loadScenario("ieee15"), 6);
const whole = (() => {
  const { cleared } = clearedIn(day, setting(131_072)).clearing;
  return cleared.outcome!.quantised.result;
})();
const { bytes: all } = fitsOneTransaction(whole, setting(131_072));

describe("a day's sessions", function () {
  this.timeout(300_000);

  it("are as few as fit, of as many whole hours each, and cover the day", () => {
    const cuts = partsOf(whole, setting(Math.ceil(0.8 * all)), 1)!;
    expect(cuts).to.deep.equal([
      { from: 0, to: 3 },
      { from: 3, to: 6 },
    ]);
    const many = partsOf(whole, setting(Math.ceil(0.6 * all)), 1)!;
    expect(many.length).to.be.above(2);
    many.forEach(({ from }, k) => expect(from).to.equal(k === 0 ? 0 : many[k - 1].to));
    expect(many.at(-1)!.to).to.equal(6);
    expect(partsOf(whole, setting(400), 1)).to.equal(undefined);
  });

  it("are as long as their readings fit a transaction, and their correction", () => {
    // The same trades in a street of so many homes: the settlement hardly grows, what everybody meters does.
    const of = (homes: number): Setting => ({ members: 15, buses: 15, homes });
    expect(fitsOneTransaction(whole, of(200)).fits).to.equal(true);
    const long = fitsOneTransaction(whole, of(1_000));
    expect([long.fits, long.bytes < CHAIN_LIMITS.bytes, long.gas < CHAIN_LIMITS.gas]).to.deep.equal([
      false,
      true,
      true,
    ]);
    const cuts = partsOf(whole, of(1_000), 1)!;
    expect(cuts.length).to.be.above(1);
    expect(long.entry.bytes).to.be.above(CHAIN_LIMITS.entry.bytes);
  });

  it("begin on the hour where periods are quarter-hours", () => {
    const quarters = splitHours(takeHours(day, 3), 15);
    const { cleared } = clearedIn(quarters, setting(131_072)).clearing;
    const { result } = cleared.outcome!.quantised;
    const { bytes } = fitsOneTransaction(result, setting(131_072));
    for (const { from } of partsOf(result, setting(Math.ceil(0.8 * bytes)), 4)!) expect(from % 4).to.equal(0);
  });

  it("are one where one fits, and follow each other where it does not", async () => {
    const settle = (bytes: number) => (scenario: Scenario) =>
      Promise.resolve().then(() => clearedIn(scenario, setting(bytes)));
    expect(await settleDay(day, settle(131_072), () => undefined)).to.have.length(1);
    const parts = await settleDay(day, settle(Math.ceil(0.8 * all)), () => undefined);
    expect(parts.map(({ from, scenario }) => [from, scenario.hours])).to.deep.equal([
      [0, 3],
      [3, 3],
    ]);
  });

  it("say what is left of the day where one of them is refused", async () => {
    let asked = 0;
    const settle = async (scenario: Scenario): Promise<DoneSession> => {
      await Promise.resolve();
      asked++;
      if (asked === 3) throw new SessionRefused("infeasible", "no point");
      return clearedIn(scenario, setting(Math.ceil(0.8 * all)));
    };
    const broken = await settleDay(day, settle, () => undefined).catch((error: unknown) => error);
    expect(broken).to.be.instanceOf(DayBroken);
    const { rest, done, parts, message, status } = broken as DayBroken;
    expect([parts.length, status, done.hours, rest.hours]).to.deep.equal([1, "infeasible", 3, 3]);
    expect([done.startUtc, parts[0].from]).to.deep.equal([day.startUtc, 0]);
    expect(Date.parse(rest.startUtc) - Date.parse(day.startUtc)).to.equal(3 * 3_600_000);
    expect(message).to.include(rest.startUtc).and.include("no point");
  });

  it("are none where nothing has settled", async () => {
    const refuse = () => Promise.reject(new SessionRefused("infeasible", "no point"));
    const broken = await settleDay(day, refuse, () => undefined).catch((error: unknown) => error);
    expect(broken).to.be.instanceOf(SessionRefused).and.not.instanceOf(DayBroken);
  });
});
