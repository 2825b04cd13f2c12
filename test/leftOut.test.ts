import { expect } from "chai";
import * as Onboarding from "../offchain-solver/chain/onboarding.ts";
import { solveCentral } from "../offchain-solver/clearing/central.ts";
import { devnetKey } from "../offchain-solver/devnet/devnetKeys.ts";
import { devnetMandate } from "../offchain-solver/devnet/devnetMandate.ts";
import { embeddedDevnet } from "../offchain-solver/devnet/embedded.ts";
import { SessionRefused } from "../offchain-solver/devnet/refused.ts";
import { runLoaded, type SessionOutcome } from "../offchain-solver/devnet/session.ts";
import { load } from "../offchain-solver/devnet/steps/load.ts";
import type { Mandate } from "../offchain-solver/codec/typedData.ts";
import { createNetwork } from "../offchain-solver/market/formulation/network.ts";
import { deviceCost } from "../offchain-solver/market/result/cost.ts";
import { leaveOut } from "../offchain-solver/market/scenario/leaveOut.ts";
import { createMarket, defaultSettings, marketOf } from "../offchain-solver/market/scenario/market.ts";
import { publicScenario } from "../offchain-solver/market/scenario/publicScenario.ts";
import type { Scenario } from "../offchain-solver/market/scenario/scenario.ts";
import { scenarioFaults } from "../offchain-solver/market/scenario/scenarioFaults.ts";
import { clarabelSolver } from "../offchain-solver/numerics/clarabelNode.ts";
import { swept } from "../offchain-solver/records/clearingJson.ts";
import { renderReport } from "../offchain-solver/report/sessionReport.ts";
import { loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { toClearingJson } from "../offchain-solver/records/clearingRecord.ts";
import { syntheticSettlement } from "./support/syntheticClearing.ts";

const solved = (market: ReturnType<typeof createMarket>) => {
  const result = solveCentral(market, createNetwork(market), clarabelSolver);
  if (result.status !== "solved") throw new Error(result.status);
  return result;
};

describe("members that are left out", function () {
  this.timeout(300_000);

  it("load the feeder as a home would that has nothing but that load and the utility", () => {
    const day = takeHours(loadScenario("ieee15"), 14);
    // The sizes of all, so that taking one away leaves the market's size as it is.
    const even: Scenario = { ...day, prosumers: day.prosumers.map((one) => ({ ...one, sizeMw: 0.15 })) };
    const out = even.prosumers[10];
    const settings = defaultSettings(even);
    const open = publicScenario(even);
    const { fallback } = open.prosumers[10];
    expect(Math.max(...fallback.mw)).to.be.below(0);
    const taking = even.prosumers.filter(({ id }) => id !== out.id);
    const reduced = leaveOut(open, [out.id]);
    const market = marketOf(reduced, settings, taking);
    const alone: Scenario = {
      ...even,
      pairs: even.pairs.filter(([a, b]) => a !== out.id && b !== out.id),
      uncertainty: { ...even.uncertainty, ...reduced.uncertainty },
      prosumers: even.prosumers.map((one) =>
        one.id === out.id
          ? {
              id: one.id,
              bus: one.bus,
              sizeMw: 0.15,
              load: {
                fixedMw: fallback.mw.map((mw) => -mw),
                mvarPerMw: fallback.mvar[0] / fallback.mw[0],
                flexibleShare: 0,
                discomfort: 0,
              },
              reserveUpPerMw: 0,
              reserveDownPerMw: 0,
            }
          : one,
      ),
    };
    const whole = createMarket(alone, settings);
    const [a, b] = [solved(market), solved(whole)];
    const s = b.solution.schedules[10];
    const { tariff, carbon } = even;
    let bill =
      deviceCost(whole, 10, s) + carbon.deskBuyPerT * s.allowanceBoughtT - carbon.deskSellPerT * s.allowanceSoldT;
    s.importMw.forEach((mw, t) => (bill += mw * tariff.buyPerMwh[t] - s.exportMw[t] * tariff.sellPerMwh[t]));
    expect(a.objective).to.be.closeTo(b.objective - bill, 1e-4);
    // Its load counts: behind a line that exports it relieves, and the others pay less for it.
    const without = solved(marketOf({ ...reduced, standing: [] }, settings, taking));
    expect(Math.abs(a.objective - without.objective)).to.be.above(0.05);
    a.solution.injectionMw.forEach((row, t) =>
      taking.forEach((_, i) => expect(row[i]).to.be.closeTo(b.solution.injectionMw[t][i < 10 ? i : i + 1], 2e-4)),
    );
  });

  it("show nothing of when they load: the mean that the rebate tells, in whole W, unless the terms state another", () => {
    const day = takeHours(loadScenario("ieee15"), 4);
    const [first] = publicScenario(day).prosumers;
    expect(new Set(first.fallback.mw).size).to.equal(1);
    expect(-4e6 * first.fallback.mw[0]).to.be.closeTo(first.rebateWh, 4);
    const stated = { mw: [-0.1, -0.2, -0.3, 0.1], mvar: [0, 0, 0, -0.05] };
    const own: Scenario = { ...day, prosumers: day.prosumers.map((p, i) => (i ? p : { ...p, fallback: stated })) };
    expect(publicScenario(own).prosumers[0].fallback).to.deep.equal(stated);
    expect(leaveOut(publicScenario(own), [first.id]).standing).to.deep.equal([
      { id: first.id, bus: first.bus, ...stated },
    ]);
    expect(takeHours(own, 2).prosumers[0].fallback).to.deep.equal({ mw: [-0.1, -0.2], mvar: [0, 0] });
    const short = {
      ...own,
      prosumers: own.prosumers.map((p, i) => (i ? p : { ...p, fallback: { mw: [0], mvar: [0] } })),
    };
    expect(scenarioFaults(short).map(({ field }) => field)).to.include("prosumers[0].fallback.mw.length");
    expect(() =>
      leaveOut(
        publicScenario(day),
        day.prosumers.map(({ id }) => id),
      ),
    ).to.throw(/nobody is left/);
  });
});

describe("a session in which not everybody can take part", function () {
  this.timeout(300_000);
  const scenario = takeHours(loadScenario("ieee15"), 2);
  const options = {
    method: "anderson",
    market: defaultSettings(scenario),
    trade: true,
    rhoScale: 1,
    maxIterations: 2000,
  } as const;
  const [revoked, tight] = [scenario.prosumers[3].id, scenario.prosumers[8].id];

  /** A devnet on which some have replaced their mandates, and one has no valid one. */
  async function run(replaced: ReadonlyMap<number, Partial<Mandate>>, said: string[]): Promise<SessionOutcome> {
    const devnet = await embeddedDevnet(scenario.startUtc);
    try {
      const loaded = await load(scenario, options, devnet);
      for (const [id, change] of replaced) {
        const mandate = { ...devnetMandate(scenario, id, 10_000_000n), nonce: 2n, ...change };
        const signature = await Onboarding.signMandate(loaded.deployment, devnetKey("wallet", id), mandate);
        await Onboarding.registerMandate(loaded.deployment, devnet.admin, mandate, signature);
      }
      return await runLoaded(loaded, scenario, options, (step) => said.push(step));
    } finally {
      await devnet.close();
    }
  }

  it("leaves out who has no valid mandate and who is beyond it, clears again once, settles, and is found valid", async () => {
    const said: string[] = [];
    // Valid until before the session ends: the freeze leaves it out.
    const expired = { validUntil: BigInt(Date.parse(scenario.startUtc) / 1000) };
    const outcome = await run(
      new Map<number, Partial<Mandate>>([
        [revoked, expired],
        [tight, { maxBuyW: 0n, maxSellW: 0n }],
      ]),
      said,
    );
    const left = scenario.prosumers.map(({ id }) => id).filter((id) => id !== revoked && id !== tight);
    expect(outcome.batch.result.participants).to.deep.equal(left);
    expect(outcome.audited.map(({ verdict }) => verdict)).to.deep.equal([{ kind: "valid" }]);
    expect(said.filter((step) => step.startsWith("clear"))).to.have.length(2);
    expect(said.find((step) => step.startsWith("leave out"))).to.match(
      new RegExp(`^leave out ${tight} .*energyBeyondMandate`),
    );
    const { market } = outcome.cleared;
    expect(market.scenario.standing?.map(({ id }) => id)).to.deep.equal([revoked, tight]);
    // The record and the report are those of who took part.
    const clearing = toClearingJson(outcome.cleared, options);
    expect(clearing.prosumers.map(({ id }) => id)).to.deep.equal(left);
    const drawn = swept(clearing);
    const page = renderReport({ clearing: drawn, settlement: syntheticSettlement(drawn), scenario });
    expect(page).to.contain("</html>").and.not.contain("NaN");
  });

  it("is void where nobody is left", async () => {
    const none = { maxBuyW: 0n, maxSellW: 0n };
    const all = new Map<number, Partial<Mandate>>(scenario.prosumers.map(({ id }) => [id, none]));
    const refused = await run(all, []).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(refused).to.be.instanceOf(SessionRefused);
    expect((refused as SessionRefused).status).to.equal("void");
  });
});
