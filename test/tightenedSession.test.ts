/** Parties in processes of their own, on a feeder for which the linear model is too optimistic. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { hexlify } from "ethers";
import { audit } from "../offchain-solver/auditor/audit.ts";
import { acViolation } from "../offchain-solver/auditor/witness.ts";
import { endpointOf } from "../offchain-solver/chain/endpoint.ts";
import { readSessions } from "../offchain-solver/chain/events.ts";
import { look } from "../offchain-solver/chain/look.ts";
import { OPERATOR_ID } from "../offchain-solver/chain/onboarding.ts";
import { WitnessSchema } from "../offchain-solver/codec/witness.ts";
import { hardhatChain } from "../offchain-solver/devnet/chain/hardhatChain.ts";
import type { ServedChain } from "../offchain-solver/devnet/chain/served.ts";
import { daysOf } from "../offchain-solver/devnet/days.ts";
import { openDevnet, type Devnet } from "../offchain-solver/devnet/devnet.ts";
import { bundleFolder, homeOf } from "../offchain-solver/devnet/parties.ts";
import { processSession } from "../offchain-solver/devnet/processSession.ts";
import { releasedBuild } from "../offchain-solver/devnet/release.ts";
import { batchOf } from "../offchain-solver/ledger/verified.ts";
import { createNetwork, type Tightening } from "../offchain-solver/market/formulation/network.ts";
import { defaultSettings } from "../offchain-solver/market/scenario/market.ts";
import type { Scenario } from "../offchain-solver/market/scenario/scenario.ts";
import { journalFile } from "../offchain-solver/node/home.ts";
import { loadBase } from "../offchain-solver/scenarios/loadBase.ts";
import { populate } from "../offchain-solver/scenarios/populate.ts";
import { takeHours } from "../offchain-solver/scenarios/periods.ts";
import { clear } from "../offchain-solver/simulation/clear.ts";
import { tighteningRecord } from "../offchain-solver/simulation/acMargin.ts";
import { captured } from "./support/commandLine.ts";

/** Losses take the lowest voltage below it at what the linear model finds best. */
const FLOOR_PU = 0.992;

describe("a session whose linear optimum the AC sweep finds outside the limits", function () {
  this.timeout(600_000);
  let chain: ServedChain;
  let devnet: Devnet;
  let day: Scenario;
  let data: string;

  before(async function () {
    // Compiles the contracts on a fresh clone.
    this.timeout(0);
    const street = { ...takeHours(populate(loadBase("ieee15"), 4, 1), 1), name: "street" };
    const buses = street.feeder.buses.map((bus) => ({ ...bus, vMinPu: FLOOR_PU }));
    [day] = daysOf({ ...street, feeder: { ...street.feeder, buses } }, 1, (one) => one);
    chain = await hardhatChain(new Date(Date.parse(day.startUtc) - 2 * 86_400_000), 0);
    data = mkdtempSync(join(tmpdir(), "gridpact-tightened-"));
    devnet = await openDevnet({ data, days: [day], chain, transport: { kind: "tls" }, patienceMs: 15_000 });
  });
  after(async () => {
    await devnet?.close();
    await chain?.close();
    rmSync(data, { recursive: true, force: true });
  });

  const inMemory = (tightening?: Tightening) => {
    const options = { method: "anderson", trade: true, rhoScale: 1, maxIterations: 20_000 } as const;
    const cleared = clear(day, { ...options, market: defaultSettings(day), ...(tightening && { tightening }) });
    const { result } = cleared.outcome!.quantised;
    return { outside: acViolation(cleared.market, createNetwork(cleared.market), result), batch: batchOf(result) };
  };

  it("is cleared again inside tighter limits, and settles what one process makes inside the same", async () => {
    expect(inMemory().outside).to.match(/voltage 0\.991\d/);
    expect(await devnet.session(0, { patienceMs: 240_000 })).to.deep.include({ ordinal: 1, outcome: "settled" });
    const [{ payload, bundleHash }] = await readSessions(devnet.deployment, chain.provider, 0);
    const witness = WitnessSchema.parse(
      JSON.parse(readFileSync(join(bundleFolder(data), `${bundleHash}.json`), "utf8")),
    );
    expect(witness.tightening!.voltagePu).to.be.within(1e-4, 1e-3);
    expect(witness.tightening!.ratingShare).to.equal(0);
    const again = inMemory(witness.tightening);
    expect(again.outside).to.equal(undefined);
    expect(hexlify(payload)).to.equal(hexlify(again.batch.payload));
    expect(readFileSync(devnet.supervisor.logFile(OPERATOR_ID), "utf8")).to.match(
      /"voltagePu":[\d.e-]+,"ratingShare":0,"msg":"clears again inside tighter limits"/,
    );
  });

  it("is found valid, and the operator's journal runs both clearings again", async () => {
    const audited = await audit({
      look: look(endpointOf(chain.provider)),
      market: devnet.deployment.market,
      fromBlock: devnet.deployment.block,
      release: releasedBuild(),
      bundles: async (name) => readFileSync(join(bundleFolder(data), `${name}.json`)),
    });
    expect(audited.sessions.map(({ verdict }) => verdict)).to.deep.equal([{ kind: "valid" }]);
    const terms = devnet.terms[0];
    const { outcome } = await processSession(devnet, { day, terms, ordinal: 1 }, audited);
    const told = tighteningRecord(outcome.tightened!)!;
    expect(told.voltagePu).to.equal(outcome.witness.tightening!.voltagePu);
    expect(told.measured.length).to.equal(1);
    // What the linear model leaves out is not beyond the limits, though it takes some of the margin for errors.
    expect(told.measured[0].voltageErrorPu).to.be.within(1e-5, 1e-3);
    expect(told.measured[0].voltageBeyondPu).to.be.within(-1e-3, 0);
    await devnet.close();
    const { code, stdout } = await captured("replay", journalFile(homeOf(data, OPERATOR_ID)), "--json", "-");
    expect(code).to.equal(0);
    const ends = (JSON.parse(stdout) as { attempts: { end: string }[] }).attempts.map(({ end }) => end);
    expect(ends.length).to.be.within(2, 9);
    expect(new Set(ends)).to.deep.equal(new Set(["same"]));
  });
});
