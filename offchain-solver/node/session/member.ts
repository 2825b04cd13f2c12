/**
 * A party's part in one session, from the terms to its signature: opens its agent on the terms that the chain froze,
 * clears, proposes, claims, verifies, asks its journal, signs. What comes from others is checked here or in the agent's
 * thread before anything of it counts.
 */
import { OPERATOR_AGENT } from "../../clearing/message.ts";
import { sessionHash, type SessionTerms } from "../../codec/typedData.ts";
import { readTerms, type Terms } from "../../codec/terms.ts";
import { madeUpSizes, ownFaults } from "../../ledger/termsFaults.ts";
import type { Fault } from "../../market/scenario/scenarioFaults.ts";
import { attemptTag, type Progress } from "../agent/ownAgent.ts";
import type { AgentEvent, Reply } from "../agent/protocol.ts";
import { heardOf } from "../journal/journal.ts";
import { maySign, remember } from "../journal/signing.ts";
import { MAX_MESSAGE_BYTES } from "../../net/wire.ts";
import { Attestations, type Counted, type Signatures } from "./attestations.ts";
import { openingFault } from "./exclusions.ts";
import { frozenFault } from "./frozenFault.ts";
import { MOST_DETAIL, type Life, type LifeOf } from "./messages.ts";
import type { FrozenOnChain, Surroundings } from "./surroundings.ts";

/** Messages of another's agent: so many an iteration, and as if it were so many iterations ahead. */
const AN_ITERATION = 4;
const AHEAD = 64;

type Batch = { readonly payload: Uint8Array; readonly bundleHash: string; readonly digest: string; witness: string };

export class Member {
  readonly session: string;
  readonly #frozen: SessionTerms;
  #chain: FrozenOnChain | undefined;
  readonly #around: Surroundings;
  #terms: Terms | undefined;
  #termsBytes: Uint8Array | undefined;
  #parties: readonly number[] = [];
  #self = OPERATOR_AGENT;
  #attempt = 0;
  #tag = -1;
  #checking: Promise<boolean> | undefined;
  #started = false;
  /** Messages that came before everybody was told to go; and what waits for the agent, which is busy. */
  #early: AgentEvent[] = [];
  #waiting: AgentEvent[] = [];
  #busy = false;
  /** Bytes of the longest message that the own agent can be sent, and how many each party's has sent. */
  #longest = 0;
  #said = new Map<number, number>();
  /** In the attempt that is under way; ms. */
  #sent = { messages: 0, bytes: 0, since: 0 };
  #witness = "";
  #batch: Batch | undefined;
  /** Of every member that an own claim has looked at: whether the newest found it beyond its mandate. */
  readonly #judged = new Map<number, boolean>();
  #attestations: Attestations | undefined;
  progress: Progress = { iteration: 0 };
  stage = "waiting for the terms";
  refusal: string | undefined;

  constructor(frozen: SessionTerms, around: Surroundings) {
    this.#frozen = frozen;
    this.#around = around;
    this.session = sessionHash(frozen);
  }

  get terms(): Terms | undefined {
    return this.#terms;
  }

  get attempt(): number {
    return this.#attempt;
  }

  /** An agent's message of another party. */
  async hearAgent(from: number, bytes: Uint8Array): Promise<void> {
    const index = this.#indexOf(from);
    if (index === undefined || bytes.length < 4) return;
    const tag = bytes[2] | (bytes[3] << 8);
    if (tag !== this.#tag) return;
    const flood = this.#floods(from, bytes.length);
    if (flood !== undefined) return this.#around.drop(from, flood);
    const event = { kind: "message", from: index, bytes } as const;
    if (!this.#started) this.#early.push(event);
    else await this.#step(event);
  }

  /**
   * What an agent can say is known: messages no longer than the own agent could take, one an iteration and few more.
   * All of it goes into the journal.
   */
  #floods(from: number, length: number): string | undefined {
    if (length > this.#longest) return `its agent sent ${length} bytes at once, where ${this.#longest} are the most`;
    const said = (this.#said.get(from) ?? 0) + 1;
    this.#said.set(from, said);
    const most = AN_ITERATION * (this.progress.iteration + (this.#started ? AHEAD : 2));
    return said > most ? `its agent sent ${said} messages by iteration ${this.progress.iteration}` : undefined;
  }

  async timeout(): Promise<void> {
    if (this.#started) await this.#step({ kind: "timeout" });
  }

  /** From the conductor, who is the operator, or an attestation from anybody. */
  async hear(from: number, message: Life): Promise<void> {
    if (!("session" in message) || message.session !== this.session) return;
    if (message.kind === "attestations") return this.#hearAttestations(from, message);
    if (from !== this.#around.operator) return;
    if (message.kind === "terms") return this.#hearTerms(message.text);
    if (message.kind === "attempt") return this.#open(message);
    // Whoever is left out of an attempt has no agent in it.
    if (!("attempt" in message) || message.attempt !== this.#attempt || this.#tag < 0) return;
    if (message.kind === "go") await this.#go();
    else if (message.kind === "proposals") await this.#claim(message.text);
    else if (message.kind === "witness") await this.#verify(message.text);
  }

  /** The terms come again until the conductor knows that this party is there: they are checked once. */
  async #hearTerms(text: string): Promise<void> {
    if (this.#terms === undefined) {
      this.#checking ??= this.#checkTerms(text).finally(() => (this.#checking = undefined));
      if (!(await this.#checking)) return;
    }
    this.#tell({ kind: "present", session: this.session, lastAttempt: this.#attempt });
  }

  async #checkTerms(text: string): Promise<boolean> {
    const bytes = new TextEncoder().encode(text);
    const found = readTerms(bytes, this.#frozen.termsHash);
    if (found.kind === "refused") return this.#refuse(found.predicate, found.detail);
    const { scenario } = found.terms;
    const unsound = ([fault]: readonly Fault[]): string | undefined => fault && `${fault.field} ${fault.reason}`;
    const alone = unsound(ownFaults(scenario));
    if (alone !== undefined) return this.#refuse("unsoundTerms", alone);
    const ids = scenario.prosumers.map(({ id }) => id);
    const { party, operator } = this.#around;
    if (party !== operator && !ids.includes(party))
      return this.#refuse("notInvited", `the terms name ${ids.length} prosumers, not ${party}`);
    const chain = await this.#around.chainFor(found.terms);
    const beside = unsound(madeUpSizes(scenario, chain.ledger.limits));
    if (beside !== undefined) return this.#refuse("unsoundTerms", beside);
    const fault = frozenFault(found.terms, this.#frozen.gridModel, chain.ledger.terms.imbalancePrice);
    if (fault !== undefined) return this.#refuse(fault.code, fault.detail);
    this.#chain = chain;
    this.#attestations = new Attestations(chain.committee);
    this.#parties = ids;
    this.#self = party === operator ? OPERATOR_AGENT : ids.indexOf(party);
    this.#terms = found.terms;
    this.#termsBytes = bytes;
    this.stage = "present";
    return true;
  }

  async #open({ attempt, members, beyond = [], tightening }: LifeOf<"attempt">): Promise<void> {
    if (this.#terms === undefined || this.#termsBytes === undefined || attempt <= this.#attempt) return;
    const { agent, journal, party, operator, mask } = this.#around;
    const invited = this.#terms.scenario.prosumers.map(({ id }) => id);
    const fault = openingFault({ members, beyond }, invited, this.#judged);
    if (fault !== undefined) return void this.#refuse(fault.code, fault.detail);
    this.#parties = members;
    this.#self = party === operator ? OPERATOR_AGENT : members.indexOf(party);
    this.#attempt = attempt;
    this.#tag = -1;
    // Whoever has lost the memory of what it signed in an attempt before is told.
    for (const digest of this.#attestations?.digests ?? []) this.#spread(digest);
    if (party !== operator && this.#self < 0) {
      this.stage = "left out";
      // What it has verified may still settle, and its meter is measured by that plan then.
      if (this.#batch === undefined) this.#around.ended(undefined, this.#terms);
      const own = beyond.find((one) => one.party === party);
      if (own === undefined) return this.#around.note("warn", "left out: it was not there in time, or failed");
      const { predicate, detail } = own;
      return this.#around.note("warn", "left out: beyond its mandate", { predicate, detail });
    }
    const part = this.#self === OPERATOR_AGENT ? undefined : this.#around.partFor(this.#terms);
    if (typeof part === "string") return void this.#refuse("noPart", part);
    const { termsHash } = this.#frozen;
    this.#tag = attemptTag(termsHash, attempt);
    this.#started = false;
    this.#early = [];
    this.#waiting = [];
    this.#said = new Map();
    this.#longest = MAX_MESSAGE_BYTES;
    this.progress = { iteration: 0 };
    this.stage = "opening";
    const opening = {
      termsBytes: this.#termsBytes,
      termsHash,
      self: this.#self,
      members,
      attempt,
      ...(tightening && { tightening }),
      ...(part && { part, ...(mask && { mask: mask(this.session, attempt) }) }),
    };
    const text = JSON.stringify({ ...opening, termsBytes: Buffer.from(this.#termsBytes).toString("base64") });
    journal.hear(this.session, attempt, { kind: "open", body: new TextEncoder().encode(text) });
    const opened = await agent.ask({ kind: "open", opening });
    if (opened.kind === "refused") return void this.#refuse(opened.predicate, opened.detail);
    if (attempt !== this.#attempt || opened.kind !== "opened") return;
    this.#longest = opened.longest;
    this.#tell({ kind: "ready", session: this.session, attempt });
  }

  async #go(): Promise<void> {
    if (this.#started) return;
    this.#started = true;
    this.#sent = { messages: 0, bytes: 0, since: performance.now() };
    this.stage = "clearing";
    const early = this.#early;
    this.#early = [];
    await this.#step({ kind: "start" }, ...early);
  }

  /** Events go into the journal, then to the agent, all that wait at once; what the agent says goes out. */
  async #step(...events: readonly AgentEvent[]): Promise<void> {
    this.#waiting.push(...events);
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (this.#waiting.length > 0) {
        const attempt = this.#attempt;
        const now = this.#waiting;
        this.#waiting = [];
        for (const event of now) this.#around.journal.hear(this.session, attempt, heardOf(event));
        const reply = await this.#around.agent.ask({ kind: "events", events: now });
        if (attempt === this.#attempt && reply.kind === "stepped") await this.#act(reply);
      }
    } finally {
      this.#busy = false;
    }
  }

  async #act({ sends, timerMs, failure, end, progress }: Extract<Reply, { kind: "stepped" }>): Promise<void> {
    const { journal, send, setTimer, note, ended } = this.#around;
    const attempted = { session: this.session, attempt: this.#attempt };
    this.progress = progress;
    if (timerMs !== undefined) setTimer(timerMs);
    for (const { to, bytes } of sends) {
      this.#sent.messages++;
      this.#sent.bytes += bytes.length;
      send(this.#partyOf(to), bytes);
    }
    if (failure !== undefined) {
      setTimer(undefined);
      const { reason, waitedFor = [] } = failure;
      note("warn", "the clearing failed", { reason });
      const parties = waitedFor.map((agent) => this.#partyOf(agent));
      this.#tell({ kind: "failure", ...attempted, reason, ...(parties.length > 0 && { waitedFor: parties }) });
    }
    if (end === undefined) return;
    setTimer(undefined);
    this.stage = "proposed";
    journal.hear(this.session, this.#attempt, { kind: "end", body: end.proposal });
    const own = JSON.parse(new TextDecoder().decode(end.own)) as object;
    const wallMs = Math.round(performance.now() - this.#sent.since);
    const { messages, bytes } = this.#sent;
    ended({ ...own, messages, bytes, wallMs }, this.#terms as Terms);
    if (this.#chain === undefined) return;
    const proposal = JSON.parse(new TextDecoder().decode(end.proposal)) as LifeOf<"proposal">["proposal"];
    const about = { chainId: this.#chain.chainId, market: this.#chain.market, session: this.#frozen };
    const committed = await this.#around.agent.ask({ kind: "commit", market: about });
    if (attempted.attempt !== this.#attempt || committed.kind !== "committed") return;
    this.#tell({ kind: "proposal", ...attempted, proposal, ...(committed.plan && { plan: committed.plan }) });
  }

  async #claim(text: string): Promise<void> {
    const attempt = this.#attempt;
    if (this.#chain === undefined) return;
    this.#around.proposed(text);
    const { committee, ...chain } = this.#chain;
    const reply = await this.#around.agent.ask({
      kind: "claim",
      proposals: new TextEncoder().encode(text),
      verifying: { ...chain, session: this.#frozen, committee: committee.length },
    });
    if (attempt !== this.#attempt) return;
    if (reply.kind === "refused") return void this.#refuse(reply.predicate, reply.detail);
    if (reply.kind !== "claimed") return;
    this.stage = "claimed";
    const { payload, outside, whole, doubts, allowed, tighten } = reply;
    // Of proposals that cannot be no integers were made: nothing is known of the others.
    if (whole) for (const party of this.#parties) this.#judged.set(party, false);
    for (const { id } of outside) this.#judged.set(id, true);
    const beyond = outside.map(({ id, ...found }) => ({ party: id, ...found }));
    this.#tell({
      kind: "claim",
      session: this.session,
      attempt,
      payload,
      ...reply.claim,
      ...(doubts.length > 0 && {
        doubts: doubts.map(({ agent, ...found }) => ({ party: this.#partyOf(agent), ...found })),
      }),
      // Everybody finds the same; the operator is the one who opens the next attempt.
      ...(this.#self === OPERATOR_AGENT && {
        ...(beyond.length > 0 && { beyond }),
        ...(allowed && { allowed }),
        ...(tighten && { tighten }),
      }),
    });
  }

  #partyOf(agent: number): number {
    return agent === OPERATOR_AGENT ? this.#around.operator : this.#parties[agent];
  }

  async #verify(text: string): Promise<void> {
    const attempt = this.#attempt;
    const { agent, journal, note } = this.#around;
    const reply = await agent.ask({ kind: "verify", witness: new TextEncoder().encode(text) });
    if (attempt !== this.#attempt) return;
    if (reply.kind === "refused") return void this.#refuse(reply.predicate, reply.detail);
    if (reply.kind !== "verified") return;
    const { digest, payload, bundleHash } = reply;
    this.#witness = text;
    this.#batch = { payload, bundleHash, digest, witness: text };
    this.stage = "verified";
    this.#count(this.#attestations?.begin(digest), digest);
    const bit = this.bit;
    if (bit < 0) return this.#check();
    const may = maySign(journal, this.session, digest, payload);
    if (may.kind === "no") {
      note("warn", "sits the session out", { reason: may.reason });
      return this.#check();
    }
    const signed = await agent.ask({ kind: "sign" });
    if (signed.kind !== "signed") return;
    if (journal.last("released", this.session)?.digest !== digest)
      journal.commit({ kind: "released", session: this.session, digest });
    this.stage = "signed";
    this.#attestations?.keep(digest, bit, signed.signature);
    this.#spread(digest);
    this.#check();
  }

  /** The place of the own node key in the committee; -1: no member. */
  get bit(): number {
    return this.#chain?.committee.indexOf(this.#chain.nodeKeys.get(this.#around.party) ?? "") ?? -1;
  }

  #spread(digest: string): void {
    const signatures = [...(this.#attestations?.of(digest) ?? [])];
    if (signatures.length === 0) return;
    const message: Life = { kind: "attestations", session: this.session, digest, signatures };
    for (const to of [this.#around.operator, ...this.#parties])
      if (to !== this.#around.party) this.#around.send(to, message);
  }

  #hearAttestations(from: number, { digest, signatures }: LifeOf<"attestations">): void {
    if (this.#attestations === undefined) return;
    this.#remember(from, digest, signatures);
    this.#count(this.#attestations.hear(from, digest, signatures), digest);
    this.#check();
  }

  /** What was counted of signatures; the operator reaches everybody: it hands on what makes a quorum. */
  #count(counted: Counted | undefined, digest: string): void {
    for (const liar of counted?.liars ?? []) this.#around.drop(liar, "it brought signatures that are nobody's");
    if (counted?.enough && this.#around.party === this.#around.operator) this.#spread(digest);
  }

  /** What an own signature says that others have kept; whoever brings one that is none is a liar. */
  #remember(from: number, digest: string, signatures: Signatures): void {
    const { journal, note, drop } = this.#around;
    const own = signatures.find(([bit]) => bit === this.bit)?.[1];
    if (own === undefined) return;
    const found = remember(journal, this.session, { digest, signature: own, key: this.#chain!.committee[this.bit] });
    if (found === "nobody's") drop(from, "it brought signatures that are nobody's");
    if (found === "forgotten")
      note("warn", "this journal does not know what its node has signed: was it restored?", { digest });
  }

  #check(): void {
    const batch = this.#batch;
    const attestations = batch && this.#attestations?.quorum(batch.digest);
    if (batch === undefined || attestations === undefined) return;
    this.stage = "settleable";
    this.#around.settleable({ session: this.session, ...batch, witness: this.#witness, attestations });
  }

  /** In the journal before anybody hears of it; the same refusal of another attempt once. */
  #refuse(predicate: string, detail: string): false {
    const { journal, party, note } = this.#around;
    const before = journal.last("refused", this.session);
    if (before?.party !== party || before.predicate !== predicate)
      journal.commit({ kind: "refused", session: this.session, party, predicate, detail: detail.slice(0, 256) });
    this.refusal = `${predicate}: ${detail}`;
    this.stage = "refused";
    note("warn", "refuses", { predicate, detail });
    this.#tell({ kind: "refusal", session: this.session, predicate, detail: detail.slice(0, MOST_DETAIL) });
    return false;
  }

  #tell(message: Life): void {
    this.#around.send(this.#around.operator, message);
  }

  #indexOf(party: number): number | undefined {
    if (party === this.#around.operator) return OPERATOR_AGENT;
    const index = this.#parties.indexOf(party);
    return index < 0 ? undefined : index;
  }
}
