import { expect } from "chai";
import { checkFigures } from "../offchain-solver/auditor/clearingFigures.ts";
import * as Onboarding from "../offchain-solver/chain/onboarding.ts";
import { devnetKey } from "../offchain-solver/devnet/devnetKeys.ts";
import { devnetMandate } from "../offchain-solver/devnet/devnetMandate.ts";
import { embeddedDevnet } from "../offchain-solver/devnet/embedded.ts";
import { SessionRefused } from "../offchain-solver/devnet/refused.ts";
import type { SessionOutcome } from "../offchain-solver/devnet/outcome.ts";
import { runLoaded } from "../offchain-solver/devnet/session.ts";
import { load } from "../offchain-solver/devnet/steps/load.ts";
import type { Mandate } from "../offchain-solver/codec/typedData.ts";
import { defaultSettings } from "../offchain-solver/market/scenario/market.ts";
import { swept } from "../offchain-solver/records/clearingJson.ts";
import { renderReport } from "../offchain-solver/report/sessionReport.ts";
import { loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { toClearingJson } from "../offchain-solver/records/clearingRecord.ts";
import { syntheticSettlement } from "./support/syntheticClearing.ts";

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

    // Who was left out is metered all the same, and pays the utility's tariff for it: the day without a market.
    const { delivery, verdict } = outcome.delivery!;
    expect(verdict).to.deep.equal({ kind: "valid" });
    const out = delivery.members.filter(({ tookPart }) => !tookPart);
    expect(out.map(({ id }) => id)).to.deep.equal([revoked, tight]);
    for (const { id, parts, movedNano } of out) {
      const { load: drawn, renewable } = scenario.prosumers.find((one) => one.id === id)!;
      const bill = drawn.fixedMw.map((mw, t) => {
        const fedIn = (renewable?.actualMw?.[t] ?? 0) - mw;
        return fedIn * (fedIn < 0 ? scenario.tariff.buyPerMwh[t] : scenario.tariff.sellPerMwh[t]);
      });
      const dollars = bill.reduce((sum, one) => sum + one, 0);
      // To half a Wh an hour.
      expect(Math.abs((movedNano - parts.allowancesNano) / 1e9 - dollars) < 1e-4, `${id}`).to.equal(true);
      expect(parts.responsesNano).to.equal(0);
    }
    expect(said.find((step) => step.startsWith("leave out"))).to.match(
      new RegExp(`^leave out ${tight} .*energyBeyondMandate`),
    );
    const { market } = outcome.cleared;
    expect(market.scenario.standing?.map(({ id }) => id)).to.deep.equal([revoked, tight]);
    // The record and the report are those of who took part.
    const clearing = toClearingJson(outcome.cleared, options);
    // Its figures are those of who is left, beside the loads of the others.
    const known = { ...outcome.witness, owned: scenario.prosumers };
    expect(checkFigures(clearing, known)).to.deep.equal({ kind: "valid" });
    const { cost } = clearing.prosumers[2];
    clearing.prosumers[2].cost += 1e-4;
    expect(checkFigures(clearing, known)).to.include({ predicate: "costNotTheSchedule" });
    clearing.prosumers[2].cost = cost;
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
