/** Agents of a whole session as their nodes host them, and a conductor that hands out what was not said. */
import { expect } from "chai";
import { keccak256 } from "ethers";
import { OPERATOR_AGENT } from "../offchain-solver/clearing/message.ts";
import { OPERATOR_ID } from "../offchain-solver/chain/onboarding.ts";
import { planHash, planSalt, signPlan } from "../offchain-solver/codec/plans.ts";
import { marketDomain, sessionHash } from "../offchain-solver/codec/typedData.ts";
import type { CommittedPlan, Witness } from "../offchain-solver/codec/witness.ts";
import { devnetKey } from "../offchain-solver/devnet/devnetKeys.ts";
import { embeddedDevnet } from "../offchain-solver/devnet/embedded.ts";
import { freeze, type Frozen } from "../offchain-solver/devnet/steps/freeze.ts";
import { load } from "../offchain-solver/devnet/steps/load.ts";
import { defaultSettings } from "../offchain-solver/market/scenario/market.ts";
import type { OperatorProposal } from "../offchain-solver/market/result/proposal.ts";
import { createAgentHost } from "../offchain-solver/node/agent/agentHost.ts";
import type { AgentEvent, Reply, Task, Verifying } from "../offchain-solver/node/agent/protocol.ts";
import { textOf } from "../offchain-solver/node/session/said.ts";
import { loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";

type Host = (task: Task) => Promise<Reply>;
type Proposed = { readonly proposal: unknown; readonly plan: Omit<CommittedPlan, "id"> | undefined };
const ATTEMPT = 3;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("agents that nodes host", function () {
  this.timeout(300_000);
  let session: Frozen;
  let hosts: ReadonlyMap<number, Host>;
  let verifying: Verifying;
  /** By agent number. */
  let proposed: ReadonlyMap<number, Proposed>;
  const agents = (): number[] => [OPERATOR_AGENT, ...session.taking.keys()];
  const partyOf = (agent: number): number => (agent === OPERATOR_AGENT ? OPERATOR_ID : session.taking[agent]);

  before(async () => {
    const scenario = takeHours(loadScenario("ieee15"), 1);
    const devnet = await embeddedDevnet(scenario.startUtc);
    try {
      const options = { market: defaultSettings(scenario), trade: true, rhoScale: 1, maxIterations: 2000 };
      session = await freeze(await load(scenario, { method: "anderson", ...options }, devnet));
    } finally {
      await devnet.close();
    }
    const { deployment, frozen, ledger, committee, parts } = session;
    const nodeKeys = new Map(parts.map(({ id }) => [id, devnetKey("node", id).address]));
    const { chainId, market } = deployment;
    verifying = { chainId, market, session: frozen.terms, ledger, nodeKeys, committee: committee.length };
    hosts = new Map(
      agents().map((agent) => {
        const { privateKey } = devnetKey("node", partyOf(agent));
        return [agent, createAgentHost({ party: partyOf(agent), privateKey })];
      }),
    );
    proposed = await cleared();
  });

  /** Messages go from host to host as their nodes would carry them, until everybody has its end. */
  async function cleared(): Promise<Map<number, Proposed>> {
    const { frozen, termsBytes, parts, taking } = session;
    for (const [self, host] of hosts) {
      const part = parts.find(({ id }) => id === partyOf(self));
      const about = { termsBytes, termsHash: frozen.terms.termsHash, self, members: taking, attempt: ATTEMPT };
      expect((await host({ kind: "open", opening: { ...about, ...(part && { part }) } })).kind).to.equal("opened");
    }
    const ends = new Map<number, Proposed>();
    let waiting = new Map<number, AgentEvent[]>(agents().map((agent) => [agent, [{ kind: "start" }]]));
    while (waiting.size > 0) {
      const next = new Map<number, AgentEvent[]>();
      for (const [agent, events] of waiting) {
        const host = hosts.get(agent)!;
        const reply = await host({ kind: "events", events });
        if (reply.kind !== "stepped" || reply.failure !== undefined) throw new Error(JSON.stringify(reply));
        for (const { to, bytes: message } of reply.sends)
          next.set(to, [...(next.get(to) ?? []), { kind: "message", from: agent, bytes: message }]);
        if (reply.end === undefined) continue;
        const committed = await host({ kind: "commit", market: verifying });
        if (committed.kind !== "committed") throw new Error(committed.kind);
        const proposal: unknown = JSON.parse(new TextDecoder().decode(reply.end.proposal));
        ends.set(agent, { proposal, plan: committed.plan });
      }
      waiting = next;
    }
    return ends;
  }

  const plans = (): CommittedPlan[] => session.taking.map((id, agent) => ({ id, ...proposed.get(agent)!.plan! }));
  const handedOut = (given: readonly CommittedPlan[]): Uint8Array => {
    const prosumers = session.taking.map((_, agent) => proposed.get(agent)!.proposal);
    return bytes(textOf({ operator: proposed.get(OPERATOR_AGENT)!.proposal, prosumers, plans: given }));
  };
  const claimsOf = async (given: readonly CommittedPlan[]) => {
    const all = new Map<number, Extract<Reply, { kind: "claimed" }>>();
    for (const [agent, host] of hosts) {
      const reply = await host({ kind: "claim", proposals: handedOut(given), verifying });
      if (reply.kind !== "claimed") throw new Error(JSON.stringify(reply));
      all.set(agent, reply);
    }
    return all;
  };
  const predicatesOf = async (witness: Witness): Promise<string[]> => {
    const replies = await Promise.all(
      [...hosts.values()].map((host) => host({ kind: "verify", witness: bytes(textOf(witness)) })),
    );
    return [...new Set(replies.map((one) => (one.kind === "refused" ? one.predicate : one.kind)))];
  };

  it("all find the same member without whom nobody goes on: the one that commits to no plan beside its proposal", async () => {
    const victim = 2;
    const [key, domain] = [
      devnetKey("node", session.taking[victim]),
      marketDomain(verifying.chainId, verifying.market),
    ];
    const about = { session: sessionHash(verifying.session), proposal: keccak256("0x12") };
    const plan = planHash(planSalt(key, about), [0]);
    const before = await signPlan(domain, key, { ...about, prosumer: session.taking[victim], plan });
    const whole = plans();
    for (const spoilt of [
      undefined,
      { ...whole[victim], signature: "0x" },
      { ...whole[victim], signature: whole[0].signature },
      { ...whole[victim], plan: whole[0].plan },
      // Of an attempt before, as it is and as if it were of this one.
      { ...whole[victim], proposal: about.proposal, plan, signature: before },
      { ...whole[victim], plan, signature: before },
    ]) {
      const given = whole.flatMap((own, k) => (k !== victim ? [own] : (spoilt ?? [])));
      const claims = [...(await claimsOf(given)).values()];
      expect(new Set(claims.map(({ payload }) => payload)).size).to.equal(1);
      for (const { outside, whole: all } of claims) {
        expect(outside.map(({ id, predicate }) => [id, predicate])).to.deep.equal([[session.taking[victim], "noPlan"]]);
        expect(all).to.equal(false);
      }
    }
  });

  it("all take one plan a member, in their order: no second one, of an attempt before, is put before it", async () => {
    const whole = plans();
    const before = { ...whole[2], proposal: keccak256("0x12") };
    for (const given of [[before, ...whole], [...whole, before], whole.toReversed(), [...whole, { ...before, id: 99 }]])
      for (const host of hosts.values()) {
        const reply = await host({ kind: "claim", proposals: handedOut(given), verifying });
        expect(reply.kind === "refused" && reply.predicate).to.equal("misshapenProposals");
      }
  });

  it("all sign the witness with the plans that came with the proposals, and none with others", async () => {
    const claims = await claimsOf(plans());
    const { frozen, terms } = session;
    const operator = proposed.get(OPERATOR_AGENT)!.proposal as OperatorProposal;
    const witness: Witness = {
      session: sessionHash(frozen.terms),
      payload: claims.get(0)!.payload,
      terms,
      plans: plans(),
      regrets: session.taking.map((id, agent) => ({ id, ...(claims.get(agent)!.claim as Required<object>) }) as never),
      limits: operator.limits,
    };
    expect(await predicatesOf(witness)).to.deep.equal(["verified"]);
    const [first, ...rest] = plans();
    const { plans: _, ...none } = witness;
    for (const other of [rest, [{ ...first, plan: rest[0].plan }, ...rest], [...rest, first], [first, first, ...rest]])
      expect(await predicatesOf({ ...witness, plans: other })).to.deep.equal(["planLeftOut"]);
    expect(await predicatesOf(none)).to.deep.equal(["planLeftOut"]);
  });
});
