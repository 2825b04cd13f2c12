import { expect } from "chai";
import { keccak256 } from "ethers";
import { judgeSession, judgeWitness } from "../offchain-solver/auditor/witness.ts";
import { termsHash } from "../offchain-solver/codec/terms.ts";
import { marketDomain, sessionHash } from "../offchain-solver/codec/typedData.ts";
import { bundleHash, type Witness } from "../offchain-solver/codec/witness.ts";
import type { ClearingResult } from "../offchain-solver/market/result/clearingResult.ts";
import { defaultSettings } from "../offchain-solver/market/scenario/market.ts";
import { loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { embeddedDevnet } from "../offchain-solver/devnet/embedded.ts";
import { runSession, type SessionOutcome } from "../offchain-solver/devnet/session.ts";
import { disagreements } from "../offchain-solver/devnet/steps/settle.ts";

type Open = Witness["terms"]["scenario"];
const inScenario = (witness: Witness, edit: (scenario: Open) => Open): Witness => ({
  ...witness,
  terms: { ...witness.terms, scenario: edit(witness.terms.scenario) },
});
const narrow = (feeder: Open["feeder"]): Open["feeder"] => ({
  ...feeder,
  branches: feeder.branches.map((branch) => ({ ...branch, ratingMva: 0.1 })),
});

describe("a session, end to end on the embedded devnet", function () {
  this.timeout(300_000);
  let outcome: SessionOutcome;
  let result: ClearingResult;

  before(async () => {
    const scenario = takeHours(loadScenario("ieee15"), 3);
    const devnet = await embeddedDevnet(scenario.startUtc);
    try {
      outcome = await runSession(
        scenario,
        { method: "anderson", market: defaultSettings(scenario), trade: true, rhoScale: 1, maxIterations: 2000 },
        devnet,
        () => undefined,
      );
    } finally {
      await devnet.close();
    }
    result = outcome.batch.result;
  });

  it("is signed by every node, settled, and found valid from chain data and its witness", () => {
    expect(outcome.verified).to.equal(15);
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
    const { payload, nodeKeys, terms } = outcome.audited[0];
    const { chainId, market } = outcome.deployment;
    const about = { session: sessionHash(terms!), payload: keccak256(payload!) };
    return judgeWitness({ domain: marketDomain(chainId, market), ...about, nodeKeys }, changed, edit(outcome.witness));
  };

  it("is found invalid, with the predicate's name, when its witness lies", () => {
    const first = outcome.witness.regrets[0];
    const cases: [string, (w: Witness) => Witness][] = [
      ["witnessOfAnotherBatch", (w) => ({ ...w, session: `0x${"11".repeat(32)}` })],
      ["witnessOfAnotherBatch", (w) => ({ ...w, payload: `0x${"11".repeat(32)}` })],
      ["regretMissing", (w) => ({ ...w, regrets: w.regrets.slice(1) })],
      ["regretNotSigned", (w) => ({ ...w, regrets: [{ ...first, regretNano: "0" }, ...w.regrets.slice(1)] })],
      ["regretsTooLarge", (w) => ({ ...w, terms: { ...w.terms, toleranceNano: 1 } })],
      ["nodalPriceUnsupported", (w) => ({ ...w, limits: w.limits.slice(1) })],
      [
        "nodalPriceUnsupported",
        (w) => ({ ...w, limits: w.limits.map((l) => ({ ...l, multiplier: l.multiplier.map((m) => 2 * m) })) }),
      ],
      ["outsideNetworkLimit", (w) => inScenario(w, (s) => ({ ...s, feeder: narrow(s.feeder) }))],
    ];
    expect(judge((w) => w)).to.deep.equal({ kind: "valid" });
    for (const [predicate, edit] of cases) expect(judge(edit), predicate).to.include({ kind: "invalid", predicate });
  });

  it("is judged by no witness but the signed one, and no terms but the frozen ones", () => {
    const { chainId, market } = outcome.deployment;
    const [audited] = outcome.audited;
    const other = inScenario(outcome.witness, (s) => ({ ...s, feeder: narrow(s.feeder) }));
    expect(judgeSession(audited, outcome.witness, { chainId, market })).to.deep.equal({ kind: "valid" });
    expect(judgeSession(audited, undefined, { chainId, market })).to.include({ kind: "undecided" });
    expect(judgeSession(audited, other, { chainId, market })).to.include({ kind: "undecided" });
    // What a quorum that signs other terms than the frozen ones would publish.
    const signed = { ...audited, bundleHash: bundleHash(other) };
    expect(judgeSession(signed, other, { chainId, market })).to.include({ kind: "invalid", predicate: "otherTerms" });
  });

  it("is found invalid when the frozen terms are of another feeder or horizon than the chain's", () => {
    const { chainId, market } = outcome.deployment;
    const judgeAs = (edit: (s: Open) => Open) => {
      const witness = inScenario(outcome.witness, edit);
      const terms = { ...outcome.audited[0].terms!, termsHash: termsHash(witness.terms) };
      const audited = { ...outcome.audited[0], terms, bundleHash: bundleHash(witness) };
      return judgeSession(audited, witness, { chainId, market });
    };
    expect(judgeAs((s) => ({ ...s, feeder: narrow(s.feeder) }))).to.include({
      kind: "invalid",
      predicate: "witnessOfAnotherFeeder",
    });
    for (const edit of [{ hours: 2 }, { startUtc: "2026-01-01T00:00:00Z" }, { periodHours: 0.5 }])
      expect(judgeAs((s) => ({ ...s, ...edit }))).to.include({ kind: "invalid", predicate: "witnessOfAnotherHorizon" });
  });
});

describe("a session on a sparse trade graph", function () {
  this.timeout(300_000);

  // Agents lower their penalties there, and the witness' multipliers are scaled with them.
  it("is found valid, serial and on worker threads", async () => {
    const scenario = takeHours(loadScenario("ieee141"), 1);
    for (const workers of [1, 2]) {
      const devnet = await embeddedDevnet(scenario.startUtc);
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
          () => undefined,
        );
        expect(witness.limits).not.empty;
        expect(audited.map(({ verdict }) => verdict)).to.deep.equal([{ kind: "valid" }]);
      } finally {
        await devnet.close();
      }
    }
  });
});
