/**
 * Posting what a quorum has signed. Any node may, and the first valid one wins: each waits its turn, looks whether it
 * is done already, and writes the transaction down before it sends it. After a kill, or when the chain has lost blocks,
 * the same bytes are sent again.
 */
import type { Provider, Wallet } from "ethers";
import type { Deployment } from "../../chain/deployment.ts";
import { postStandingLoads } from "../../chain/session.ts";
import { broadcast, prepareSettle, type Prepared } from "../../chain/submit.ts";
import { toldTerms } from "../../codec/terms.ts";
import { WitnessSchema } from "../../codec/witness.ts";
import { JournalError, type Journal } from "../journal/journal.ts";
import type { Log } from "../party.ts";
import type { Settleable } from "./surroundings.ts";

/** One after the other in the order of the bits, another first at every session. */
const TURN_MS = 2_000;
/** How long a transaction may be on its way before it is sent again. */
const AGAIN_MS = 3_000;

export type SubmissionOptions = {
  readonly session: string;
  readonly ordinal: number;
  /** Of the committee that the session was frozen with. */
  readonly epoch: bigint;
  /** Whether this node posts, and pays. */
  readonly pays: boolean;
  readonly deployment: Deployment;
  readonly provider: Provider;
  readonly wallet: Wallet;
  readonly journal: Journal;
  readonly log: Log;
  readonly failed: (error: JournalError) => void;
};

export class Submission {
  readonly #o: SubmissionOptions;
  #posting: Settleable | undefined;
  #dueMs = Infinity;
  #sentMs = -Infinity;
  #closed = false;
  #busy = false;
  #said = "";

  constructor(options: SubmissionOptions) {
    this.#o = options;
  }

  /** All it takes to settle is here. `bit`: the own place in the committee. */
  offer(posting: Settleable, bit: number): void {
    if (this.#posting !== undefined || !this.#o.pays || bit < 0) return;
    this.#posting = posting;
    const members = posting.attestations.size;
    const turn = (bit + this.#o.ordinal) % Math.max(1, members);
    this.#dueMs = performance.now() + turn * TURN_MS;
    setTimeout(() => void this.again(), Math.max(0, this.#dueMs - performance.now())).unref();
  }

  /** Asked at every look at the chain while the session is open. */
  async again(): Promise<void> {
    if (this.#closed || this.#busy || !this.#o.pays || performance.now() - this.#sentMs < AGAIN_MS) return;
    this.#busy = true;
    try {
      await this.#send();
    } catch (error) {
      if (error instanceof JournalError) return this.#o.failed(error);
      this.#say((error as { shortMessage?: string }).shortMessage ?? (error as Error).message);
    } finally {
      this.#busy = false;
    }
  }

  async #send(): Promise<void> {
    const { session, journal, provider, log, ordinal } = this.#o;
    const before = journal.last("transaction", session);
    if (before !== undefined) {
      this.#sentMs = performance.now();
      return broadcast(provider, before).catch(() => this.#anew());
    }
    if (this.#posting === undefined || performance.now() < this.#dueMs) return;
    const prepared = await this.#prepare(this.#posting);
    if (this.#closed) return;
    if (prepared.kind === "refused") return this.#say(prepared.reason);
    const { raw, hash } = prepared;
    journal.commit({ kind: "transaction", session, raw, hash });
    this.#sentMs = performance.now();
    log("info", "posts", { ordinal, transaction: hash });
    await broadcast(provider, prepared);
    log("info", "posted", { ordinal, transaction: hash });
  }

  /** Where somebody takes no part, the chain asks to be told first what it loads. */
  async #prepare(posting: Settleable): Promise<Prepared> {
    const { deployment, provider, wallet, epoch, log, ordinal } = this.#o;
    const payer = wallet.connect(provider);
    const prepared = await prepareSettle(deployment, payer, posting);
    if (prepared.kind === "ready" || prepared.reason !== "StandingLoadsMissing" || this.#closed) return prepared;
    const { terms } = WitnessSchema.parse(JSON.parse(posting.witness));
    log("info", "tells what those load who take no part", { ordinal });
    await postStandingLoads(deployment, payer, { epoch }, toldTerms(terms));
    return prepareSettle(deployment, payer, posting);
  }

  /** Bytes that the chain does not take any more (their nonce is used, or the fee is too low): others are made. */
  async #anew(): Promise<void> {
    const { session, journal, provider } = this.#o;
    if (this.#posting === undefined || performance.now() < this.#dueMs) return;
    const prepared = await this.#prepare(this.#posting);
    if (prepared.kind === "refused" || this.#closed) return;
    journal.commit({ kind: "transaction", session, raw: prepared.raw, hash: prepared.hash });
    await broadcast(provider, prepared);
  }

  #say(reason: string): void {
    if (reason !== this.#said && !this.#closed)
      this.#o.log("info", "not posted", { ordinal: this.#o.ordinal, reason: reason.split("\n")[0] });
    this.#said = reason;
  }

  close(): void {
    this.#closed = true;
  }
}
