import { expect } from "chai";
import { judgeSession, judgeWitness } from "../offchain-solver/auditor/witness.ts";
import type { Witness } from "../offchain-solver/codec/witness.ts";
import type { ClearingResult } from "../offchain-solver/market/result/clearingResult.ts";
import { defaultSettings } from "../offchain-solver/market/scenario/market.ts";
import { loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import {
  disagreements,
  embeddedDevnet,
  runSession,
  type SessionOutcome,
} from "../offchain-solver/devnet/runSession.ts";

describe("a session, end to end on the embedded devnet", function () {
  this.timeout(300_000);
  let outcome: SessionOutcome;
  let result: ClearingResult;

  before(async () => {
    const scenario = takeHours(loadScenario("ieee15"), 3);
    const devnet = await embeddedDevnet();
    try {
      outcome = await runSession(
        scenario,
        { method: "anderson", market: defaultSettings(scenario), trade: true, rhoScale: 1, maxIterations: 2000 },
        devnet,
        { step: () => undefined, detail: () => undefined },
      );
    } finally {
      await devnet.close();
    }
    result = outcome.cleared.outcome!.quantised.result;
  });

  it("is signed by every node, settled, and found valid from chain data and its witness", () => {
    expect(outcome.signed).to.equal(15);
    expect(outcome.audited.map(({ verdict }) => verdict)).to.deep.equal([{ kind: "valid" }]);
  });

  it("moves on chain exactly what the result says, and nothing in sum", () => {
    expect(disagreements(result, outcome.settled)).to.deep.equal([]);
    expect(outcome.settled.deltas.reduce((sum, d) => sum + d.money, 0n)).to.equal(0n);
    expect(outcome.settled.deltas.reduce((sum, d) => sum + d.carbon, 0n)).to.equal(0n);
  });

  it("has regrets that certify the optimum to 1e-5", () => {
    const total = outcome.witness.regrets.reduce((sum, r) => sum + Number(r.regretNano), 0);
    expect(total).to.be.at.most(1e-5 * Number(outcome.witness.objectiveNano));
  });

  const judge = (edit: (witness: Witness) => Witness, changed: ClearingResult = result) => {
    const { batch, nodeKeys } = outcome.audited[0];
    const { chainId, market } = outcome.deployment;
    return judgeWitness({ chainId, market, batch, nodeKeys }, changed, edit(outcome.witness));
  };

  it("is found invalid, with the predicate's name, when its witness lies", () => {
    const first = outcome.witness.regrets[0];
    const cases: [string, (w: Witness) => Witness][] = [
      ["witnessOfAnotherBatch", (w) => ({ ...w, batch: `0x${"11".repeat(32)}` })],
      ["regretMissing", (w) => ({ ...w, regrets: w.regrets.slice(1) })],
      ["regretNotSigned", (w) => ({ ...w, regrets: [{ ...first, regretNano: "0" }, ...w.regrets.slice(1)] })],
      ["regretsTooLarge", (w) => ({ ...w, toleranceNano: 1 })],
      ["nodalPriceUnsupported", (w) => ({ ...w, limits: w.limits.slice(1) })],
      [
        "nodalPriceUnsupported",
        (w) => ({ ...w, limits: w.limits.map((l) => ({ ...l, multiplier: l.multiplier.map((m) => 2 * m) })) }),
      ],
      [
        "outsideNetworkLimit",
        (w) => ({
          ...w,
          scenario: {
            ...w.scenario,
            feeder: {
              ...w.scenario.feeder,
              branches: w.scenario.feeder.branches.map((b) => ({ ...b, ratingMva: 0.1 })),
            },
          },
        }),
      ],
    ];
    expect(judge((w) => w)).to.deep.equal({ kind: "valid" });
    for (const [predicate, edit] of cases) expect(judge(edit), predicate).to.include({ kind: "invalid", predicate });
  });

  it("is found invalid when the witness is of another feeder or horizon than the chain's", () => {
    const { chainId, market } = outcome.deployment;
    const judgeAs = (edit: (s: Witness["scenario"]) => Witness["scenario"]) =>
      judgeSession(
        outcome.audited[0],
        { ...outcome.witness, scenario: edit(outcome.witness.scenario) },
        { chainId, market },
      );
    expect(judgeAs((s) => s)).to.deep.equal({ kind: "valid" });
    const wider = (s: Witness["scenario"]) => s.feeder.branches.map((b) => ({ ...b, ratingMva: 9 }));
    expect(judgeAs((s) => ({ ...s, feeder: { ...s.feeder, branches: wider(s) } }))).to.include({
      kind: "invalid",
      predicate: "witnessOfAnotherFeeder",
    });
    expect(judgeAs((s) => ({ ...s, hours: 2 }))).to.include({ kind: "invalid", predicate: "witnessOfAnotherHorizon" });
  });

  it("cannot be decided without a witness", () => {
    const { batch, nodeKeys } = outcome.audited[0];
    const { chainId, market } = outcome.deployment;
    expect(judgeWitness({ chainId, market, batch, nodeKeys }, result, undefined)).to.include({ kind: "undecided" });
  });
});

describe("a session on a sparse trade graph", function () {
  this.timeout(300_000);

  // Agents lower their penalties there, and the witness' multipliers are scaled with them.
  it("is found valid, serial and on worker threads", async () => {
    const scenario = takeHours(loadScenario("ieee141"), 1);
    for (const workers of [1, 2]) {
      const devnet = await embeddedDevnet();
      try {
        const { audited, witness } = await runSession(
          scenario,
          {
            method: "anderson",
            market: defaultSettings(scenario),
            trade: true,
            rhoScale: 1,
            maxIterations: 3000,
            workers,
          },
          devnet,
          { step: () => undefined, detail: () => undefined },
        );
        expect(witness.limits).not.empty;
        expect(audited.map(({ verdict }) => verdict)).to.deep.equal([{ kind: "valid" }]);
      } finally {
        await devnet.close();
      }
    }
  });
});
