/**
 * A party's process: watches its market on the chain, takes part in the session that is open, keeps its journal, posts
 * what can be settled. The operator's process freezes and conducts as well. Driven by the chain: killed at any point
 * and started again, it goes on from what the chain and the journal say.
 */
import type { Provider, Wallet } from "ethers";
import type { Deployment } from "../chain/deployment.ts";
import { OPERATOR_ID } from "../chain/onboarding.ts";
import { registered } from "../chain/keys.ts";
import { readSessions } from "../chain/events.ts";
import { readLedger } from "../chain/session.ts";
import { seatedCommittee } from "../chain/committee.ts";
import { reasonOf } from "../chain/revert.ts";
import { MarketWatch, type Seen, type Watched } from "../chain/watch.ts";
import { bundleFiles } from "../auditor/bundles.ts";
import { billOf } from "../auditor/documents.ts";
import { packSignatures } from "../codec/typedData.ts";
import { standingLoads } from "../codec/standingLoads.ts";
import type { Terms } from "../codec/terms.ts";
import { WitnessSchema } from "../codec/witness.ts";
import type { Link } from "../net/transport.ts";
import { AgentThread } from "./agent/agentThread.ts";
import { maskKey } from "./agent/maskStream.ts";
import type { Carrier } from "./carrier.ts";
import type { Config } from "./config.ts";
import { connectedLimits } from "./connected.ts";
import { JournalError, type Journal } from "./journal/journal.ts";
import { Deliveries, type DeliveryKeys } from "./delivery/deliveries.ts";
import { decodeMeterMessage, encodeMeterMessage, isMeterMessage } from "./delivery/meterMessages.ts";
import { OperatorRole, SYSTEM_IDS } from "./operatorRole.ts";
import { Allowance } from "./session/allowance.ts";
import { Member } from "./session/member.ts";
import { decodeLife, encodeLife, isForConductor, isLife, type Life, type LifeOf } from "./session/messages.ts";
import { Submission } from "./session/submission.ts";
import type { FrozenOnChain, Settleable } from "./session/surroundings.ts";
import type { Records } from "./records.ts";
import type { PrivatePart } from "../market/scenario/publicScenario.ts";

export type Log = (level: "debug" | "info" | "warn" | "error", what: string, details?: object) => void;

export type PartyOptions = {
  readonly party: number;
  readonly config: Pick<Config, "submit" | "patienceMs" | "pollMs" | "leadS" | "mask" | "deliver">;
  readonly provider: Provider;
  readonly deployment: Deployment;
  /** A meter's key may be in the meter alone. */
  readonly keys: DeliveryKeys & { readonly node: Wallet };
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

export class Party {
  readonly #o: PartyOptions;
  readonly #agent: AgentThread;
  readonly #watch: MarketWatch;
  readonly #link: Link<Uint8Array>;
  #member: Member | undefined;
  readonly #operator: OperatorRole | undefined;
  readonly #deliveries: Deliveries;
  /** Of messages around a clearing and of meters: dozens a session. */
  readonly #allowance = new Allowance(2_000, 10);
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
  #nodeKeys: ReadonlyMap<number, string> = new Map();
  /** What the chain says of the session that is open: it is asked once. */
  #chain: { readonly session: string; readonly frozen: Promise<FrozenOnChain> } | undefined;

  constructor(options: PartyOptions) {
    const { party, keys, provider, deployment, carrier } = options;
    this.#o = options;
    this.#agent = new AgentThread({ party, privateKey: keys.node.privateKey });
    this.#watch = new MarketWatch(deployment, provider);
    const { config, journal, schedule, log } = options;
    this.#operator =
      schedule &&
      new OperatorRole({
        config,
        schedule,
        deployment,
        wallet: keys.wallet.connect(provider),
        journal,
        send: (to, message) => this.#send(to, message),
        log,
      });
    this.#deliveries = new Deliveries({
      ...{ party, operator: OPERATOR_ID, provider, deployment, keys, records: options.records, log },
      ...(options.partFor && { partFor: options.partFor }),
      pays: config.submit,
      send: (to, message) => this.#link.send(to, encodeMeterMessage(message)),
    });
    this.#link = carrier.join(party, {
      message: (from, bytes) => this.#hear(from, bytes),
      timeout: () => undefined,
    });
  }

  get member(): Member | undefined {
    return this.#member;
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
      await this.#deliver(watched);
    } catch (error) {
      if (this.#closed) return;
      if (error instanceof JournalError) return this.#o.failed(error);
      if (!this.#away) this.#o.log("warn", "the chain does not answer", { reason: (error as Error).message });
      this.#away = true;
    }
  }

  /** What follows settled sessions keeps nobody from the one that is open. */
  async #deliver({ head, reorg }: Watched): Promise<void> {
    if (this.#o.config.deliver === false) return;
    if (reorg) this.#deliveries.settled(true);
    try {
      await this.#deliveries.look(head.timestamp);
    } catch (error) {
      if (!this.#closed) this.#o.log("warn", "delivery", { reason: reasonOf(error) });
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
      await this.#operator?.follow(session, (agreed) => this.#chainFor(session.session, agreed));
      await this.#submission?.again();
      this.#operator?.conduct(this.#member?.progress.iteration ?? 0);
    } else if (session !== undefined && (fresh || before !== session.outcome.kind)) this.#over(session);
    if (session?.outcome.kind !== "open") await this.#operator?.freezeNext(session, head.timestamp);
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
      epoch: terms.epoch,
      pays: config.submit,
      deployment,
      provider,
      wallet: keys.wallet,
      journal,
      log,
      failed: this.#o.failed,
    });
    /** The operator's, of the clearing that is under way. */
    let run: object | undefined;
    this.#member = new Member(terms, {
      party,
      operator: OPERATOR_ID,
      agent: this.#agent,
      journal,
      send: (to, message) => this.#send(to, message),
      setTimer: (afterMs) => this.#setTimer(afterMs),
      partFor: this.#o.partFor ?? (() => "the operator has no part"),
      ...(config.mask !== undefined &&
        config.mask > 0 && {
          mask: (of, attempt) => maskKey(Number(config.mask), keys.node.privateKey, of, attempt),
        }),
      chainFor: (agreed) => this.#chainFor(session, agreed),
      drop: (id, reason) => carrier.drop(id, reason),
      note: (level, what, details) => log(level, what, { ordinal: Number(terms.ordinal), ...details }),
      ended: (own, agreed) => {
        if (party === OPERATOR_ID) run = own;
        else records.own(Number(terms.ordinal), own, agreed);
      },
      proposed: (text) => {
        if (run !== undefined) records.cleared(Number(terms.ordinal), run, text);
      },
      settleable: (posting) => {
        this.#publish(posting);
        this.#submission?.offer(posting, this.#member?.bit ?? -1);
      },
    });
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

  #over(seen: Seen): void {
    const { session, outcome, terms } = seen;
    const { journal, log, records } = this.#o;
    const ordinal = Number(terms.ordinal);
    if (outcome.kind === "settled" && journal.last("settled", session)?.batch !== outcome.batch)
      journal.commit({ kind: "settled", session, batch: outcome.batch, block: outcome.block });
    if (outcome.kind !== "settled" && outcome.kind !== "open" && journal.last("void", session) === undefined)
      journal.commit({ kind: "void", session, reason: this.#member?.refusal ?? outcome.kind });
    log("info", `session is ${outcome.kind}`, { ordinal });
    records.outcome(ordinal, outcome, this.#member);
    if (outcome.kind !== "settled") records.forgotten(ordinal);
    if (outcome.kind === "settled") this.#deliveries.settled();
    if (outcome.kind === "settled") this.#run(this.#bill(seen, outcome.batch));
    this.#end();
    journal.prune();
  }

  /** What the owner pays is what the chain settled, whatever became of the agent. */
  async #bill({ terms, blockNumber }: Seen, batch: string): Promise<void> {
    const { deployment, provider, party, records, log } = this.#o;
    if (party === OPERATOR_ID) return;
    try {
      const posted = (await readSessions(deployment, provider, blockNumber)).find((one) => one.batch === batch);
      const payment = posted && billOf(posted.payload, terms.periods, party);
      const startUtc = new Date(Number(terms.start) * 1000).toISOString().replace(".000Z", "Z");
      if (payment !== undefined) records.billed(Number(terms.ordinal), startUtc, { batch, payment });
    } catch (error) {
      log("warn", "the bill could not be read from the chain", { reason: (error as Error).message });
    }
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#submission?.close();
    this.#submission = undefined;
    this.#member = undefined;
    this.#operator?.end();
  }

  #chainFor(session: string, terms: Terms): Promise<FrozenOnChain> {
    if (this.#chain?.session !== session) this.#chain = { session, frozen: this.#readChain(terms) };
    const { frozen } = this.#chain;
    frozen.catch(() => (this.#chain = undefined));
    return frozen;
  }

  async #readChain({ scenario }: Terms): Promise<FrozenOnChain> {
    const { provider, deployment } = this.#o;
    const prosumers = scenario.prosumers.map(({ id }) => id);
    const ids = [...prosumers, OPERATOR_ID];
    await this.#meet([...new Set([...this.#nodeKeys.keys(), ...ids])]);
    const ledger = await readLedger(
      deployment,
      provider,
      [...prosumers, ...SYSTEM_IDS].sort((a, b) => a - b),
    );
    // By its epoch: a chain's node may have no states so old as the freeze.
    const { members: committee } = await seatedCommittee(deployment, provider, this.#seen?.terms.epoch);
    const nodeKeys = new Map(ids.map((id) => [id, this.#nodeKeys.get(id) as string]));
    const limits = await connectedLimits(deployment, provider, ledger);
    const known = { ...ledger, limits, standing: standingLoads(scenario) };
    return { chainId: deployment.chainId, market: deployment.market, ledger: known, nodeKeys, committee };
  }

  #hear(from: number, bytes: Uint8Array): void {
    if (!isMeterMessage(bytes) && !isLife(bytes))
      return this.#member === undefined ? undefined : this.#run(this.#member.hearAgent(from, bytes));
    if (!this.#allowance.take(from)) return this.#o.carrier.drop(from, "it says more than anybody needs to");
    if (isMeterMessage(bytes)) {
      const told = decodeMeterMessage(bytes);
      if (told === undefined) return this.#o.carrier.drop(from, "it sent what is no message");
      return this.#o.config.deliver === false ? undefined : this.#run(this.#deliveries.hear(from, told));
    }
    const message = decodeLife(bytes);
    if (message === undefined) return this.#o.carrier.drop(from, "it sent what is no message");
    if (isForConductor(message)) {
      // A journal that cannot be written ends the process from here too.
      return this.#run((async () => this.#operator?.hear(from, message))());
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
