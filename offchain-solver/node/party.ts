/**
 * A party's process: watches its market on the chain, takes part in the session that is open, keeps its journal, posts
 * what can be settled. The operator's process freezes and conducts as well. Driven by the chain: killed at any point
 * and started again, it goes on from what the chain and the journal say.
 */
import type { Provider, Wallet } from "ethers";
import type { Deployment } from "../chain/deployment.ts";
import { DESK_ID, OPERATOR_ID, UTILITY_ID } from "../chain/onboarding.ts";
import { registered } from "../chain/keys.ts";
import { freezeSession, readLedger } from "../chain/session.ts";
import { MarketWatch, readCommittee, type Seen, type Watched } from "../chain/watch.ts";
import { bundleFiles } from "../auditor/bundles.ts";
import { packSignatures, quorumOf } from "../codec/typedData.ts";
import { termsHash, termsBytes, type Terms } from "../codec/terms.ts";
import { WitnessSchema } from "../codec/witness.ts";
import { imbalancePrice } from "../ledger/settleable.ts";
import type { Link } from "../net/transport.ts";
import { AgentThread } from "./agent/agentThread.ts";
import type { Carrier } from "./carrier.ts";
import type { Config } from "./config.ts";
import { JournalError, type Journal } from "./journal/journal.ts";
import { Conductor, type ConductorEffect } from "./session/conductor.ts";
import { Member, type FrozenOnChain, type Settleable } from "./session/member.ts";
import { decodeLife, encodeLife, isForConductor, isLife, type Life, type LifeOf } from "./session/messages.ts";
import { Patience } from "./session/patience.ts";
import { Submission } from "./session/submission.ts";
import type { Records } from "./records.ts";
import type { PrivatePart } from "../market/scenario/publicScenario.ts";

export type Log = (level: "debug" | "info" | "warn" | "error", what: string, details?: object) => void;

export type PartyOptions = {
  readonly party: number;
  readonly config: Pick<Config, "submit" | "patienceMs" | "pollMs" | "leadS">;
  readonly provider: Provider;
  readonly deployment: Deployment;
  readonly keys: { readonly wallet: Wallet; readonly node: Wallet };
  readonly journal: Journal;
  readonly carrier: Carrier;
  readonly records: Records;
  /** The own part of a session; a text says why there is none. Absent for the operator. */
  readonly partFor?: (terms: Terms) => PrivatePart | string;
  /** The operator's: terms of the sessions to come, in their order. */
  readonly schedule?: () => readonly Terms[];
  readonly log: Log;
  /** It cannot go on: its process has to end. */
  readonly failed: (error: JournalError) => void;
  /** Told of everything that a reader of the API may want to see. */
  readonly changed?: () => void;
};

const SYSTEM_IDS = [DESK_ID, OPERATOR_ID, UTILITY_ID];

export class Party {
  readonly #o: PartyOptions;
  readonly #agent: AgentThread;
  readonly #watch: MarketWatch;
  readonly #link: Link<Uint8Array>;
  #member: Member | undefined;
  #conductor: Conductor | undefined;
  #submission: Submission | undefined;
  #seen: Seen | undefined;
  #head: Watched["head"] | undefined;
  #timer: NodeJS.Timeout | undefined;
  #poll: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #closed = false;
  #away = false;
  /** The operator's terms that came before the freeze was seen. */
  #pending: LifeOf<"terms"> | undefined;
  #patience: Patience;
  #toldMs = -Infinity;
  #nodeKeys: ReadonlyMap<number, string> = new Map();

  constructor(options: PartyOptions) {
    const { party, keys, provider, deployment, carrier } = options;
    this.#o = options;
    this.#patience = new Patience(options.config.patienceMs);
    this.#agent = new AgentThread({ party, privateKey: keys.node.privateKey });
    this.#watch = new MarketWatch(deployment, provider);
    this.#link = carrier.join(party, {
      message: (from, bytes) => this.#hear(from, bytes),
      timeout: () => undefined,
    });
  }

  get member(): Member | undefined {
    return this.#member;
  }
  get conductor(): Conductor | undefined {
    return this.#conductor;
  }
  get seen(): Seen | undefined {
    return this.#seen;
  }
  get head(): Watched["head"] | undefined {
    return this.#head;
  }
  get chainAway(): boolean {
    return this.#away;
  }

  /** Meets the others and begins to look at the chain. `parties`: everybody whom it may meet. */
  async start(parties: readonly number[]): Promise<void> {
    await this.#meet(parties);
    this.#send(OPERATOR_ID, { kind: "hello" });
    await this.#look();
    const poll = async (): Promise<void> => {
      await this.#look();
      if (!this.#closed) this.#poll = setTimeout(() => void poll(), this.#o.config.pollMs);
    };
    this.#poll = setTimeout(() => void poll(), this.#o.config.pollMs);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#poll);
    clearTimeout(this.#timer);
    this.#submission?.close();
    await this.#looking;
    this.#link.close();
    await this.#agent.close();
    await this.#o.carrier.close();
    this.#o.journal.close();
  }

  async #meet(parties: readonly number[]): Promise<void> {
    const { provider, deployment, carrier } = this.#o;
    const keys = await Promise.all(
      parties.map(async (id) => [id, (await registered(deployment, provider, id)).nodeKey] as const),
    );
    this.#nodeKeys = new Map(keys);
    carrier.meet(this.#nodeKeys);
  }

  /** One look at the chain, and what follows from it; never two at once. */
  #look(): Promise<void> {
    this.#looking ??= this.#lookOnce().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #lookOnce(): Promise<void> {
    try {
      const watched = await this.#watch.look();
      if (this.#away) this.#o.log("info", "the chain answers again");
      this.#away = false;
      this.#head = watched.head;
      this.#join(watched.session);
      if (watched.reorg) this.#reorg(watched);
      await this.#follow(watched);
      this.#o.changed?.();
    } catch (error) {
      if (this.#closed) return;
      if (error instanceof JournalError) return this.#o.failed(error);
      if (!this.#away) this.#o.log("warn", "the chain does not answer", { reason: (error as Error).message });
      this.#away = true;
    }
  }

  /** A journal that begins while a session is open does not know what this node did in it. */
  #join(session: Seen | undefined): void {
    const { journal } = this.#o;
    if (journal.commitments.length > 0) return;
    journal.commit({ kind: "joined", session: session?.outcome.kind === "open" ? session.session : "" });
  }

  #reorg({ head, session }: Watched): void {
    const { journal, log } = this.#o;
    log("warn", "the chain went backwards", { block: head.number });
    const before = this.#seen;
    if (before === undefined || (session?.session === before.session && session.block === before.block)) return;
    journal.commit({ kind: "reorg", session: before.session, lost: before.block });
    if (session?.session !== before.session) this.#end();
  }

  async #follow({ session, head }: Watched): Promise<void> {
    const fresh = session !== undefined && session.session !== this.#seen?.session;
    const before = this.#seen?.outcome.kind;
    this.#seen = session;
    if (session !== undefined && session.outcome.kind === "open") {
      if (fresh || this.#member === undefined) this.#begin(session);
      await this.#submission?.again();
      this.#conduct();
    } else if (session !== undefined && (fresh || before !== session.outcome.kind)) this.#over(session);
    if (session?.outcome.kind !== "open") await this.#freezeNext(head.timestamp);
  }

  /** A session is open: whatever this party was in before is over. */
  #begin({ session, terms, block }: Seen): void {
    this.#end();
    const { journal, log, provider, deployment, keys, config, records, party, carrier } = this.#o;
    // Whoever broke the protocol was shut out of that session, not of all.
    for (const id of this.#nodeKeys.keys()) carrier.readmit(id);
    if (journal.last("frozen", session) === undefined)
      journal.commit({ kind: "frozen", session, ordinal: Number(terms.ordinal), block });
    log("info", "session is frozen", { ordinal: Number(terms.ordinal), session });
    this.#submission = new Submission({
      session,
      ordinal: Number(terms.ordinal),
      pays: config.submit,
      deployment,
      provider,
      wallet: keys.wallet,
      journal,
      log,
      failed: this.#o.failed,
    });
    this.#member = new Member(terms, {
      party,
      operator: OPERATOR_ID,
      agent: this.#agent,
      journal,
      send: (to, message) => this.#send(to, message),
      setTimer: (afterMs) => this.#setTimer(afterMs),
      partFor: this.#o.partFor ?? (() => "the operator has no part"),
      chainFor: (agreed) => this.#chainFor(agreed),
      note: (level, what, details) => log(level, what, { ordinal: Number(terms.ordinal), ...details }),
      ended: (own, agreed) => records.own(Number(terms.ordinal), own, agreed),
      settleable: (posting) => {
        this.#publish(posting);
        this.#submission?.offer(posting, this.#member?.bit ?? -1);
      },
    });
    this.#openConductor(terms.termsHash, session);
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending?.session === session) this.#run(this.#member.hear(OPERATOR_ID, pending));
    else if (party !== OPERATOR_ID) this.#send(OPERATOR_ID, { kind: "hello" });
  }

  /** Witness and batch under their hashes, for auditors. */
  #publish({ witness, payload, digest, attestations }: Settleable): void {
    const posted = { payload, ...packSignatures(attestations) };
    const files = bundleFiles(WitnessSchema.parse(JSON.parse(witness)), digest, posted);
    for (const [name, bytes] of files) this.#o.records.bundle(name, new TextDecoder().decode(bytes));
  }

  #over({ session, outcome, terms }: Seen): void {
    const { journal, log, records } = this.#o;
    const ordinal = Number(terms.ordinal);
    if (outcome.kind === "settled" && journal.last("settled", session)?.batch !== outcome.batch)
      journal.commit({ kind: "settled", session, batch: outcome.batch, block: outcome.block });
    if (outcome.kind !== "settled" && outcome.kind !== "open" && journal.last("void", session) === undefined)
      journal.commit({ kind: "void", session, reason: this.#member?.refusal ?? outcome.kind });
    log("info", `session is ${outcome.kind}`, { ordinal });
    records.outcome(ordinal, outcome, this.#member);
    this.#end();
    journal.prune();
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#submission?.close();
    this.#submission = undefined;
    this.#member = undefined;
    this.#conductor = undefined;
  }

  async #chainFor({ scenario }: Terms): Promise<FrozenOnChain> {
    const { provider, deployment } = this.#o;
    const prosumers = scenario.prosumers.map(({ id }) => id);
    const ids = [...prosumers, OPERATOR_ID];
    await this.#meet([...new Set([...this.#nodeKeys.keys(), ...ids])]);
    const at = this.#seen?.blockNumber ?? (await provider.getBlockNumber());
    const ledger = await readLedger(
      deployment,
      provider,
      [...prosumers, ...SYSTEM_IDS].sort((a, b) => a - b),
    );
    const committee = await readCommittee(deployment, provider, at);
    const nodeKeys = new Map(ids.map((id) => [id, this.#nodeKeys.get(id) as string]));
    return { chainId: deployment.chainId, market: deployment.market, ledger, nodeKeys, committee };
  }

  // The operator.

  #openConductor(hash: string, session: string): void {
    const { schedule, log } = this.#o;
    if (schedule === undefined) return;
    const terms = this.#scheduled().find((one) => termsHash(one) === hash);
    if (terms === undefined) return log("error", "the frozen terms are not in the schedule", { hash });
    const invited = [OPERATOR_ID, ...terms.scenario.prosumers.map(({ id }) => id)];
    const members = Math.min(31, invited.length);
    this.#patience = new Patience(this.#o.config.patienceMs);
    this.#conductor = new Conductor({
      session,
      terms,
      termsText: new TextDecoder().decode(termsBytes(terms)),
      invited,
      quorumLacksAt: members - quorumOf(members) + 1,
    });
    this.#perform(this.#conductor.begin());
  }

  #conduct(): void {
    if (this.#conductor === undefined) return;
    const reached = `${this.#conductor.moves} ${this.#member?.progress.iteration ?? 0}`;
    const stalled = this.#patience.exhausted(reached, performance.now());
    if (!stalled && performance.now() - this.#toldMs < TELL_MS) return;
    this.#toldMs = performance.now();
    this.#perform(this.#conductor.again(stalled));
  }

  #perform(effects: readonly ConductorEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === "send") this.#send(effect.to, effect.message);
      else if (effect.kind === "stage")
        this.#o.log("info", effect.stage, { attempt: effect.attempt, missing: this.#conductor?.missing });
      else if (effect.kind === "leftOut") this.#o.log("warn", "left out", { out: effect.party, reason: effect.reason });
      else this.#o.log("error", "the session will be void", { reason: effect.reason });
    }
  }

  /** Terms that the operator has written since it looked last may be wrong: that is no fault of the chain. */
  #scheduled(): readonly Terms[] {
    try {
      return this.#o.schedule?.() ?? [];
    } catch (error) {
      this.#o.log("error", "the schedule cannot be read", { reason: (error as Error).message });
      return [];
    }
  }

  /** Freezes the next session of the schedule once the chain's clock has come near it. */
  async #freezeNext(now: number): Promise<void> {
    const { schedule, config, deployment, keys, provider, log } = this.#o;
    if (schedule === undefined) return;
    const last = Number(this.#seen?.terms.start ?? 0);
    const next = this.#scheduled().find(({ scenario }) => Date.parse(scenario.startUtc) / 1000 > last);
    if (next === undefined) return;
    const { startUtc, periodHours, hours, prosumers, tariff } = next.scenario;
    const start = Date.parse(startUtc) / 1000;
    if (now < start - config.leadS || now > start) return;
    try {
      await freezeSession(deployment, keys.wallet.connect(provider), {
        start,
        periodSeconds: Math.round(periodHours * 3600),
        periods: hours,
        deadline: start + GRACE_S,
        termsHash: termsHash(next),
        imbalancePrice: imbalancePrice(tariff),
        ids: [...prosumers.map(({ id }) => id), ...SYSTEM_IDS],
      });
    } catch (error) {
      log("error", "the freeze was refused", { startUtc, reason: (error as Error).message.split("\n")[0] });
    }
  }

  // Messages and timers.

  #hear(from: number, bytes: Uint8Array): void {
    if (!isLife(bytes)) {
      if (this.#member !== undefined) this.#run(this.#member.hearAgent(from, bytes));
      return;
    }
    const message = decodeLife(bytes);
    if (message === undefined) return this.#o.carrier.drop(from, "it sent what is no message");
    if (isForConductor(message)) {
      if (this.#conductor !== undefined) this.#perform(this.#conductor.hear(from, message));
      return;
    }
    if (message.kind === "terms" && from === OPERATOR_ID && message.session !== this.#member?.session) {
      this.#pending = message;
      void this.#look();
      return;
    }
    if (this.#member !== undefined) this.#run(this.#member.hear(from, message));
  }

  #send(to: number, message: Life | Uint8Array): void {
    this.#link.send(to, message instanceof Uint8Array ? message : encodeLife(message));
  }

  #setTimer(afterMs: number | undefined): void {
    clearTimeout(this.#timer);
    if (afterMs === undefined) return;
    const member = this.#member;
    this.#timer = setTimeout(() => member === this.#member && member && this.#run(member.timeout()), afterMs);
  }

  /** A fault of ours is said loudly; without its journal the process ends, and goes on from it when it is started. */
  #run(work: Promise<void>): void {
    work.then(
      () => this.#o.changed?.(),
      (error: unknown) => {
        if (this.#closed) return;
        this.#o.log("error", "failed", { reason: (error as Error).stack });
        if (error instanceof JournalError) this.#o.failed(error);
      },
    );
  }
}

/** How often whoever is not there yet is told the terms again. */
const TELL_MS = 2_000;
/** A session is settled an hour after its start at the latest (`GRACE` of the market). */
const GRACE_S = 3_600;
