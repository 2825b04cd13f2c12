import { fileURLToPath } from "node:url";
import { type Provider, type Signer, ZeroHash } from "ethers";
import * as Deployment from "../chain/deployment.ts";
import * as Onboarding from "../chain/onboarding.ts";
import * as Session from "../chain/session.ts";
import { audit, type AuditedSession } from "../auditor/audit.ts";
import { acViolation, judgeSession } from "../auditor/witness.ts";
import { fitsOneTransaction } from "../codec/fits.ts";
import * as GridModel from "../codec/gridModel.ts";
import * as Payload from "../codec/payload.ts";
import { HIGHEST_PRICE_CAP } from "../ledger/settleable.ts";
import { settle } from "../ledger/settlementModel.ts";
import { marketDomain, attestationDigest, quorumOf } from "../codec/typedData.ts";
import { signRegret, WitnessSchema, type Witness } from "../codec/witness.ts";
import type { ClearingResult } from "../market/result/clearingResult.ts";
import { publicScenario } from "../market/scenario/publicScenario.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { paymentNano, type Verified, verifyOwn, verifyPublic } from "../market/result/verify.ts";
import { clear, type ClearedSession, type ClearOptions } from "../simulation/clear.ts";
import { clearTightened, type Tightened } from "../simulation/acMargin.ts";
import { createNetwork } from "../market/formulation/network.ts";
import { devnetKey } from "./devnetKeys.ts";
import { devnetDeposit, devnetMandate } from "./devnetTerms.ts";

/** Progress of a session, step by step; `detail` may be said often. */
export type Progress = { readonly step: (title: string) => void; readonly detail: (text: string) => void };

/** `tighten`: clear inside limits tightened until the AC sweep passes. */
export type SessionOptions = ClearOptions & { readonly tighten?: boolean };

export type SessionOutcome = {
  readonly cleared: ClearedSession;
  readonly tightened: Tightened | undefined;
  readonly deployment: Deployment.Deployment;
  readonly settled: Session.Settled;
  readonly payloadBytes: number;
  readonly witness: Witness;
  readonly audited: readonly AuditedSession[];
  /** How many of the nodes verified and signed. */
  readonly signed: number;
};

/** A session that ended before money moved; `reason` says which check of which party refused it. */
export class SessionRefused extends Error {
  readonly status: ClearedSession["status"] | "refused";
  constructor(status: SessionRefused["status"], reason: string) {
    super(reason);
    this.status = status;
  }
}

/** Sum of regrets that certifies an optimum: this part of the objective, in 1e-9 (settlement: the witness). */
export const WITNESS_TOLERANCE_NANO = 10_000;

/** What a node accepts of money beyond what its agent agreed to: rounding and netting, $ per session. */
const PAYMENT_TOLERANCE = 0.05;

const SYSTEM_IDS = [Onboarding.DESK_ID, Onboarding.OPERATOR_ID, Onboarding.UTILITY_ID];

/** Hardhat's network in this process, contracts compiled; the project's own configuration, wherever the command was called from. */
export async function embeddedDevnet(): Promise<{ admin: Signer; provider: Provider; close: () => Promise<void> }> {
  process.env.HARDHAT_CONFIG ??= fileURLToPath(new URL("../../hardhat.config.ts", import.meta.url));
  const { network, tasks } = await import("hardhat");
  // Quick when nothing changed; on a fresh clone this is what makes the contracts.
  await tasks.getTask("build").run({ quiet: true, noTests: true });
  const connection = await network.create();
  const [admin] = await connection.ethers.getSigners();
  return { admin, provider: connection.ethers.provider, close: () => connection.close() };
}

/** Deploys, registers, funds and takes mandates: everything a session needs on a fresh chain. */
export async function onboard(
  scenario: Scenario,
  admin: Signer,
  allowanceG: ReadonlyMap<number, bigint>,
): Promise<{ deployment: Deployment.Deployment; committee: readonly number[] }> {
  const deployment = await Deployment.deployAll(admin, { priceCap: HIGHEST_PRICE_CAP });
  const ids = scenario.prosumers.map((p) => p.id);
  const accounts = [...ids, ...SYSTEM_IDS];
  await Onboarding.register(
    deployment,
    admin,
    accounts.map((id) => ({
      id,
      wallet: devnetKey("wallet", id).address,
      nodeKey: devnetKey("node", id),
      meterKey: devnetKey("meter", id),
    })),
  );
  const model = GridModel.fromFeeder(
    scenario.feeder,
    scenario.prosumers.map(({ id, bus }) => ({ id, bus })),
  );
  await Onboarding.addGridModel(deployment, admin, GridModel.encode(model));
  const committee = Onboarding.committeeOf(ids);
  await Onboarding.appointCommittee(deployment, admin, committee);
  await Deployment.seal(deployment, admin);
  for (const id of accounts) {
    const deposit = devnetDeposit(
      scenario,
      scenario.prosumers.find((p) => p.id === id),
    );
    await Onboarding.fund(deployment, admin, id, Onboarding.tokens(deposit));
    const mandate = devnetMandate(scenario, id);
    const signature = await Onboarding.signMandate(deployment, devnetKey("wallet", id), mandate);
    await Onboarding.registerMandate(deployment, admin, mandate, signature);
  }
  if (allowanceG.size > 0) await Onboarding.issueAllowances(deployment, admin, allowanceG);
  return { deployment, committee };
}

/** Every node checks the whole result against its own view; only what passed can be signed. */
export function verifyForSigning(cleared: ClearedSession, member: number | "operator"): Verified<ClearingResult> {
  const { market, network, outcome } = cleared;
  if (outcome === undefined) throw new SessionRefused(cleared.status, "there is no result to verify");
  const { result } = outcome.quantised;
  const name = member === "operator" ? "the operator" : `prosumer ${market.prosumers[member].id}`;
  const whole = verifyPublic(market, network, result);
  if (whole.kind === "invalid")
    throw new SessionRefused("refused", `${name} refuses: ${whole.predicate}: ${whole.detail}`);
  if (member !== "operator") {
    const s = outcome.solution.schedules[member];
    const own = verifyOwn(market, result, {
      index: member,
      injectionMw: s.pMw,
      reactiveMvar: s.qMvar,
      expectedPayment: expectedPayment(cleared, member),
      paymentTolerance: PAYMENT_TOLERANCE,
    });
    if (own.kind === "invalid") throw new SessionRefused("refused", `${name} refuses: ${own.predicate}: ${own.detail}`);
  }
  return result as Verified<ClearingResult>;
}

/** What the prosumer's agent agreed to pay, $, from its own prices and quantities; the rebate is a gift and not counted on. */
function expectedPayment(cleared: ClearedSession, i: number): number {
  const { market, outcome } = cleared;
  const { solution } = outcome as NonNullable<ClearedSession["outcome"]>;
  const { tariff, carbon } = market.scenario;
  const s = solution.schedules[i];
  let total = carbon.deskBuyPerT * s.allowanceBoughtT - carbon.deskSellPerT * s.allowanceSoldT;
  for (const k of market.pairsOf[i]) {
    const sign = market.pairs[k][0] === i ? -1 : 1;
    for (let t = 0; t < market.hours; t++)
      total += sign * solution.energyMw[k][t] * solution.energyPrice[k][t] * market.dt;
    total += sign * solution.carbonT[k] * solution.carbonPrice[k];
  }
  const reserveTariff = tariff.reserveUpPerMw + tariff.reserveDownPerMw;
  for (let t = 0; t < market.hours; t++) {
    const energy = tariff.buyPerMwh[t] * s.importMw[t] - tariff.sellPerMwh[t] * s.exportMw[t];
    total += market.dt * (energy + reserveTariff * s.utilityShareMw[t] + solution.nodalPrice[t][i] * s.pMw[t]);
    market.shares[t].forEach(({ seller, buyer }, k) => {
      if (seller === buyer || (seller !== i && buyer !== i)) return;
      total += (buyer === i ? 1 : -1) * solution.shareMw[t][k] * solution.sharePrice[t][k] * market.dt;
    });
  }
  return total;
}

/** One whole session on a chain: onboard, freeze, clear, quantise, verify, attest, settle, audit from chain data. */
export async function runSession(
  scenario: Scenario,
  options: SessionOptions,
  chain: { readonly admin: Signer; readonly provider: Provider },
  progress: Progress,
): Promise<SessionOutcome> {
  const { admin, provider } = chain;
  progress.step(`clear ${scenario.hours} h with ${scenario.prosumers.length} prosumers by ${options.method}`);
  const tightened = options.tighten ? clearTightened(scenario, options, (m) => createNetwork(m)) : undefined;
  const cleared = tightened?.session ?? clear(scenario, options);
  if (cleared.outcome === undefined) throw new SessionRefused(cleared.status, cleared.reason ?? cleared.status);
  const { quantised, objective, regrets } = cleared.outcome;
  // An auditor sweeps the posted point: what would be found invalid is never settled.
  const beyond = acViolation(cleared.market, createNetwork(cleared.market), quantised.result);
  if (beyond !== undefined)
    throw new SessionRefused(
      "refused",
      `the linear model holds, but not the AC sweep: ${beyond}${tightened ? "" : "; --tighten auto clears inside tighter limits"}`,
    );
  const { market } = cleared;
  const committeeSize = Onboarding.committeeOf(scenario.prosumers.map(({ id }) => id)).length;
  const fit = fitsOneTransaction(quantised.result, committeeSize, scenario.feeder.buses.length);
  if (!fit.fits)
    throw new SessionRefused(
      "refused",
      `the session does not fit one transaction: ${fit.bytes} bytes, up to ${fit.gas} gas`,
    );

  progress.step("deploy, register, fund, take mandates");
  const allowances = new Map(scenario.prosumers.map((p, i) => [p.id, BigInt(Math.floor(market.allowanceT[i] * 1e6))]));
  const { deployment, committee } = await onboard(scenario, admin, options.market.carbon ? allowances : new Map());

  progress.step("freeze the session");
  const ids = [...scenario.prosumers.map((p) => p.id), ...SYSTEM_IDS];
  const now = (await provider.getBlock("latest"))?.timestamp ?? 0;
  const frozen = await Session.freezeSession(deployment, admin, {
    start: quantised.result.sessionStart,
    periodSeconds: quantised.result.periodSeconds,
    periods: quantised.result.periods,
    deadline: now + 86_400,
    termsHash: ZeroHash,
    ids,
  });
  if (frozen.leftOut.length > 0)
    throw new SessionRefused("refused", `left out at the freeze: ${frozen.leftOut.join(", ")}`);

  progress.step("verify on every node and attest");
  const payload = Payload.encode(Payload.fromResult(quantised.result), quantised.result.periods);
  const ledger = await Session.readLedger(deployment, provider, ids);
  const attestations = new Map<number, string>();
  for (const [bit, id] of committee.entries()) {
    // Utility and desk have no view of their own: they verify what the operator does.
    const member = SYSTEM_IDS.includes(id) ? "operator" : scenario.prosumers.findIndex((p) => p.id === id);
    verifyForSigning(cleared, member);
    // The chain's own rules, re-executed: a batch that would revert is never signed.
    const judged = settle(ledger, payload);
    if (judged.kind === "refused")
      throw new SessionRefused("refused", `account ${id} refuses: ${judged.predicate}: ${judged.detail}`);
    attestations.set(bit, await Session.attest(deployment, devnetKey("node", id), frozen.terms, payload, ZeroHash));
    progress.detail(`${attestations.size} of ${committee.length} nodes verified and signed`);
  }
  const signed = attestations.size;
  // Every signature beyond the quorum only costs gas.
  for (const bit of [...attestations.keys()].slice(quorumOf(committee.length))) attestations.delete(bit);

  progress.step("settle");
  const settled = await Session.postAndSettle(deployment, admin, payload, ZeroHash, attestations);

  progress.step("publish the witness and audit from chain data");
  const domain = marketDomain(deployment.chainId, deployment.market);
  const batch = attestationDigest(domain, frozen.terms, payload, ZeroHash);
  const witness = WitnessSchema.parse({
    batch,
    scenario: publicScenario(market.scenario),
    settings: market.settings,
    ...(tightened && { tightening: tightened.tightening }),
    objectiveNano: BigInt(Math.round(objective * 1e9)).toString(),
    toleranceNano: WITNESS_TOLERANCE_NANO,
    regrets: await Promise.all(
      scenario.prosumers.map(async ({ id }, i) => {
        const regretNano = BigInt(Math.round(regrets[i] * 1e9));
        const signature = await signRegret(domain, devnetKey("node", id), batch, id, regretNano);
        return { id, regretNano: regretNano.toString(), signature };
      }),
    ),
    limits: cleared.outcome.limits,
  });
  const audited = await audit({
    provider,
    market: deployment.market,
    fromBlock: deployment.block,
    witness: async (session) =>
      judgeSession(session, witness, { chainId: deployment.chainId, market: deployment.market }),
  });
  return { cleared, tightened, deployment, settled, payloadBytes: payload.length, witness, audited, signed };
}

/** Ledger changes of the chain beside what the integers say; empty when they agree to the last nano-dollar and gram. */
export function disagreements(result: ClearingResult, settled: Session.Settled): string[] {
  const party = (id: number): number =>
    id >= Onboarding.DESK_ID ? 0xfffd + (id - Onboarding.DESK_ID) : result.participants.indexOf(id);
  return settled.deltas.flatMap(({ id, money }) => {
    const expected = paymentNano(result, party(id));
    return expected === money ? [] : [`account ${id}: chain ${money}, result ${expected}`];
  });
}
