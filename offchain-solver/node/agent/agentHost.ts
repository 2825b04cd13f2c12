/** The agent's thread, task by task. Nothing is signed here but a regret of its own and what `verify` gave a yes to. */
import { isDeepStrictEqual } from "node:util";
import { keccak256, Wallet } from "ethers";
import { mayBeSigned } from "../../auditor/beforeSigning.ts";
import { acBeyond } from "../../auditor/tightening.ts";
import { acViolation, operatorRegret } from "../../auditor/witness.ts";
import { attest } from "../../chain/session.ts";
import { OPERATOR_AGENT, type Effect, type Event } from "../../clearing/message.ts";
import { canonicalBytes, type Json } from "../../codec/canonicalJson.ts";
import { fitsOneTransaction } from "../../codec/fits.ts";
import { foreignJson } from "../../codec/foreign.ts";
import { committedPlans, planHash, planSalt, signPlan } from "../../codec/plans.ts";
import { quantise } from "../../codec/quantise.ts";
import { attestationDigest, marketDomain, sessionHash } from "../../codec/typedData.ts";
import { bundleHash, CommittedPlanSchema, signRegret, WitnessSchema, type CommittedPlan } from "../../codec/witness.ts";
import { outsideMandates } from "../../ledger/mandateFit.ts";
import { batchOf, type Batch, type Verified } from "../../ledger/verified.ts";
import { acceptOwn, doubtedTrades } from "../../market/result/acceptance.ts";
import { allowedMismatch, allowedOfLeast, allowedRegret } from "../../market/result/certificate.ts";
import { NO_TIGHTENING, type Tightening } from "../../market/formulation/network.ts";
import { tighter } from "../../market/formulation/tightening.ts";
import { OperatorProposalSchema, ProposalSchema, type Proposals } from "../../market/result/proposal.ts";
import { proposalFaults } from "../../market/result/proposalFault.ts";
import { decode, encode } from "../../net/wire.ts";
import * as z from "zod";
import { openAgent, type OwnAgent, type OwnEnd } from "./ownAgent.ts";
import type { AgentEvent, AgentStart, Allowed, Failed, Market, Outgoing, Reply, Task, Verifying } from "./protocol.ts";

const ProposalsSchema = z.strictObject({
  operator: OperatorProposalSchema,
  prosumers: z.array(ProposalSchema),
  plans: z.array(CommittedPlanSchema),
});
const NANO = 1e9;
const nano = (dollars: number): bigint => BigInt(Math.round(dollars * NANO));
const bytesOf = (value: unknown): Uint8Array => canonicalBytes(JSON.parse(JSON.stringify(value)) as Json);
const refused = (predicate: string, detail: string): Reply => ({ kind: "refused", predicate, detail });

/** One session's work of one party. */
type Work = {
  readonly agent: OwnAgent;
  readonly self: number;
  end?: OwnEnd;
  proposals?: Proposals;
  /** Handed out with them. */
  plans?: readonly CommittedPlan[];
  verifying?: Verifying;
  batch?: Batch;
  verified?: { readonly batch: Verified<Batch>; readonly bundleHash: string };
};

export function createAgentHost({ party, privateKey }: AgentStart): (task: Task) => Promise<Reply> {
  const key = new Wallet(privateKey);
  let work: Work | undefined;
  const begun = (): Work => {
    if (work === undefined) throw new Error("a task before the agent was opened");
    return work;
  };
  return async (task) => {
    switch (task.kind) {
      case "open": {
        const agent = openAgent(task.opening);
        if ("kind" in agent) return agent;
        work = { agent, self: task.opening.self };
        return { kind: "opened", longest: agent.longest };
      }
      case "events":
        return step(begun(), task.events);
      case "commit":
        return commit(begun(), task.market, party, key);
      case "claim":
        return claim(begun(), task, party, key);
      case "verify":
        return check(begun(), task.witness);
      case "sign": {
        const { verified, verifying } = begun();
        if (verified === undefined || verifying === undefined) throw new Error("nothing was verified");
        const { session, chainId, market } = verifying;
        const deployment = { chainId, market, block: 0, authority: "", token: "", registry: "" };
        const signature = await attest(deployment, key, session, verified.batch, verified.bundleHash);
        return { kind: "signed", signature };
      }
    }
  };
}

/** An event as the agent takes it; undefined: bytes that are no message of this attempt. */
function eventOf(event: AgentEvent, tag: number): Event | undefined {
  if (event.kind !== "message") return event;
  const { message } = decode(event.bytes, tag);
  return message && { kind: "message", from: event.from, message };
}

/** Effects of events as bytes; at the agent's end its proposal too. */
function step(work: Work, events: readonly AgentEvent[]): Reply {
  const { agent } = work;
  const effects = events.flatMap((one): readonly Effect[] => {
    const event = eventOf(one, agent.tag);
    return event === undefined ? [] : agent.step(event);
  });
  const sends: Outgoing[] = [];
  let timerMs: number | undefined;
  let failure: Failed | undefined;
  for (const effect of effects) {
    if (effect.kind === "send") sends.push({ to: effect.to, bytes: encode(effect.message, agent.tag) });
    else if (effect.kind === "setTimer") timerMs = effect.afterMs;
    else if (effect.kind === "fail") failure = effect.failure;
    if (effect.kind !== "send" || effect.message.kind !== "grid") continue;
    const { end } = effect.message;
    if (end !== "no" && end !== "solved") failure ??= { reason: `the clearing ended: ${end}` };
  }
  const fresh = work.end === undefined && agent.ended();
  if (fresh) work.end = agent.end();
  return {
    kind: "stepped",
    sends,
    ...(timerMs !== undefined && { timerMs }),
    ...(failure !== undefined && { failure }),
    ...(fresh && { end: { proposal: bytesOf(work.end!.proposal), own: bytesOf(work.end!.own) } }),
    progress: agent.progress(),
  };
}

/** A prosumer's end is a plan too: its hash is what its node commits to. */
async function commit({ end }: Work, market: Market, party: number, key: Wallet): Promise<Reply> {
  if (end?.plannedWh === undefined) return { kind: "committed" };
  const proposal = keccak256(bytesOf(end.proposal));
  const about = { session: sessionHash(market.session), proposal };
  const plan = planHash(planSalt(key, about), end.plannedWh);
  const domain = marketDomain(market.chainId, market.market);
  const signature = await signPlan(domain, key, { ...about, prosumer: party, plan });
  return { kind: "committed", plan: { proposal, plan, signature } };
}

/** The integers that all proposals make, and what the party claims of its own part. */
async function claim(work: Work, task: Extract<Task, { kind: "claim" }>, party: number, key: Wallet): Promise<Reply> {
  const { agent, end, self } = work;
  if (end === undefined) return refused("noProposal", "the own agent has no end yet");
  const read = ProposalsSchema.safeParse(foreignJson(task.proposals)?.value);
  if (!read.success) return refused("misshapenProposals", z.prettifyError(read.error).split("\n")[0]);
  const own = acceptOwn(agent.market, end.view, read.data);
  if (own.kind === "invalid") return refused(own.predicate, own.detail);
  const { verifying } = task;
  const { plans, ...proposals } = read.data;
  const cannotBe = impossible(agent, end, proposals) ?? uncommitted(agent, verifying, read.data);
  if (cannotBe !== undefined) return cannotBe;
  const batch = batchOf(quantise(agent.market, proposals, agent.places).result);
  Object.assign(work, { proposals, plans, verifying, batch });
  const session = sessionHash(verifying.session);
  const about = { session, payload: keccak256(batch.payload) };
  const { regret, open } = (self === OPERATOR_AGENT ? undefined : read.data.prosumers[self]) ?? {};
  const claimed = {
    kind: "claimed",
    payload: about.payload,
    outside: outsideMandates(batch.result, verifying.ledger),
    whole: true,
    doubts: doubtedTrades(agent.market, end.view, read.data),
    ...(self === OPERATOR_AGENT && { allowed: allowedOf(agent, batch, read.data), ...tightenOf(agent, batch) }),
  } as const;
  const domain = marketDomain(verifying.chainId, verifying.market);
  if (regret === undefined || open === undefined) return { ...claimed, claim: {} };
  const [regretNano, openNano] = [nano(regret), nano(open)];
  const signature = await signRegret(domain, key, { ...about, prosumer: party, regretNano, openNano });
  return { ...claimed, claim: { regretNano: `${regretNano}`, openNano: `${openNano}`, signature } };
}

/** No integers are made of proposals that cannot be: everybody finds the same at fault, and says so by its hash. */
function impossible({ market }: OwnAgent, { view }: OwnEnd, proposals: Proposals): Reply | undefined {
  const faults = proposalFaults(market, proposals);
  if (faults.length === 0) return undefined;
  const outside = faults.map(({ party, predicate, detail }) => ({ id: market.prosumers[party].id, predicate, detail }));
  const shaped = faults.every(({ predicate }) => predicate !== "misshapenProposal");
  const doubts = shaped ? doubtedTrades(market, view, proposals) : [];
  return { kind: "claimed", claim: {}, payload: keccak256(bytesOf(outside)), outside, whole: false, doubts };
}

/**
 * Nor without a plan that each has committed to beside the very proposal that is handed out, one each and in their
 * order: nobody could tell afterwards what its renewables err by.
 */
function uncommitted(
  { market }: OwnAgent,
  verifying: Verifying,
  { prosumers, plans }: z.infer<typeof ProposalsSchema>,
): Reply | undefined {
  const places = plans.map(({ id }) => market.prosumers.findIndex((one) => one.id === id));
  if (places.some((place, k) => place < 0 || (k > 0 && place <= places[k - 1])))
    return refused("misshapenProposals", "plans are not one a member, in their order");
  const domain = marketDomain(verifying.chainId, verifying.market);
  const beside = plans.filter(({ proposal }, k) => proposal === keccak256(bytesOf(prosumers[places[k]])));
  const about = { domain, session: sessionHash(verifying.session), nodeKeys: verifying.nodeKeys };
  const committed = committedPlans({ plans: beside }, about);
  const without = market.prosumers.filter(({ id }) => !committed.has(id));
  if (without.length === 0) return undefined;
  const detail = "its node has signed no plan beside this proposal";
  const outside = without.map(({ id }) => ({ id, predicate: "noPlan", detail }));
  return { kind: "claimed", claim: {}, payload: keccak256(bytesOf(outside)), outside, whole: false, doubts: [] };
}

/**
 * What members' regrets, and what they left open, may add up to: of every member and all who traded less, those who
 * traded least first, and of all beside the operator's own.
 */
function allowedOf({ market, cleared, terms }: OwnAgent, { result }: Batch, { operator }: Proposals): Allowed {
  const own = terms.settings.network ? operatorRegret(market, cleared, result, operator.limits).regret : 0;
  const share = terms.toleranceNano / NANO;
  const all = { regret: allowedRegret(market, result, share) - own, open: allowedMismatch(market, result) };
  const floor = (dollars: number): string => `${BigInt(Math.max(0, Math.floor(dollars * NANO)))}`;
  return allowedOfLeast(market, result, share).map(({ member, regret, open }) => ({
    party: result.participants[member],
    regretNano: floor(Math.min(regret, all.regret)),
    openNano: floor(Math.min(open, all.open)),
  }));
}

/** Nobody would sign integers whose AC sweep is outside the limits: how tight they are to be the next time. */
function tightenOf({ market, network, terms, tightening }: OwnAgent, { result }: Batch): { tighten?: Tightening } {
  const beyond = terms.settings.network ? acBeyond(market, network, result) : undefined;
  if (beyond === undefined || (beyond.voltagePu === 0 && beyond.loading === 0)) return {};
  const missing = { voltagePu: beyond.voltagePu, ratingShare: beyond.loading };
  const tighten = tighter(tightening ?? NO_TIGHTENING, missing);
  return tighten.ratingShare < 1 ? { tighten } : {};
}

/** Proposals against the own view, integers against proposals, the chain's rules, and the auditor's own test. */
function check(work: Work, bytes: Uint8Array): Reply {
  const { agent, end, proposals, plans, verifying, batch } = work;
  if (end === undefined || proposals === undefined || verifying === undefined || batch === undefined)
    return refused("noProposal", "a witness came before all proposals");
  const read = WitnessSchema.safeParse(foreignJson(bytes)?.value);
  if (!read.success) return refused("malformedWitness", z.prettifyError(read.error).split("\n")[0]);
  const { market, network, places, terms } = agent;
  if (!isDeepStrictEqual(read.data.plans, plans))
    return refused("planLeftOut", "the witness has other plans than were committed to beside the proposals");
  const { scenario, settings } = terms;
  const fit = fitsOneTransaction(batch.result, {
    members: verifying.committee,
    buses: scenario.feeder.buses.length,
    homes: verifying.ledger.grid.prosumers.length,
  });
  if (!fit.fits)
    return refused(
      "tooLarge",
      `${fit.bytes} bytes, up to ${fit.gas} gas; readings ${fit.entry.bytes}, up to ${fit.entry.gas} gas`,
    );
  const beyond = acViolation(market, network, batch.result);
  if (beyond !== undefined) return refused("outsideAcLimit", beyond);
  const limits = settings.network ? network : undefined;
  const known = { market, network: limits, places, ledger: verifying.ledger };
  const domain = marketDomain(verifying.chainId, verifying.market);
  const about = { session: sessionHash(verifying.session), payload: keccak256(batch.payload) };
  const context = { domain, ...about, nodeKeys: verifying.nodeKeys };
  const verified = mayBeSigned(known, end.view, { proposals, batch, witness: read.data, context });
  if (verified.kind === "refused") return verified;
  const hash = bundleHash(read.data);
  work.verified = { batch: verified.batch, bundleHash: hash };
  const digest = attestationDigest(domain, verifying.session, batch.payload, hash);
  return { kind: "verified", digest, payload: batch.payload, bundleHash: hash };
}
