/** What a node sees of a market: the session frozen last and what became of it, on a chain that may go backwards. */
import type { Log, Provider } from "ethers";
import { MARKET } from "../codec/abi.ts";
import { sessionHash, type SessionTerms } from "../codec/typedData.ts";
import type { Deployment } from "./deployment.ts";

export type Block = { readonly number: number; readonly hash: string; readonly timestamp: number };

export type Outcome =
  | { readonly kind: "open" }
  | { readonly kind: "settled"; readonly batch: string; readonly block: string; readonly transaction: string }
  | { readonly kind: "cancelled" }
  /** Its deadline has passed: nobody can settle it any more. */
  | { readonly kind: "void" };

export type Seen = {
  readonly terms: SessionTerms;
  readonly session: string;
  /** Hash and number of the block in which it was frozen. */
  readonly block: string;
  readonly blockNumber: number;
  readonly outcome: Outcome;
};

export type Watched = {
  readonly head: Block;
  /** The newest session; undefined: none has been frozen. */
  readonly session: Seen | undefined;
  /** The newest that has settled. */
  readonly settled: Seen | undefined;
  /** The chain no longer has a block that it had: what was read before is read anew. */
  readonly reorg: boolean;
};

/** Blocks whose logs are asked for at once, and blocks behind the newest that may still be replaced. */
const RANGE = 5_000;

/** Reads what is new at every call; after a reorganisation everything, from `fromBlock` on. */
export class MarketWatch {
  readonly #deployment: Deployment;
  readonly #provider: Provider;
  readonly #fromBlock: number;
  #head: Block | undefined;
  #session: Seen | undefined;
  #settled: Seen | undefined;

  constructor(deployment: Deployment, provider: Provider, fromBlock = 0) {
    this.#deployment = deployment;
    this.#provider = provider;
    this.#fromBlock = fromBlock;
  }

  async look(): Promise<Watched> {
    const head = await this.#block("latest");
    if (head === undefined) throw new Error("the chain has no newest block");
    const reorg = !(await this.#continues(head));
    if (reorg) this.#session = this.#settled = undefined;
    const from = reorg || this.#head === undefined ? this.#fromBlock : this.#head.number + 1;
    for (let low = from; low <= head.number; low += RANGE)
      for (const log of await this.#logs(low, Math.min(head.number, low + RANGE - 1))) this.#apply(log);
    this.#head = head;
    const { session } = this;
    return { head, session, settled: this.#settled, reorg };
  }

  /** With the deadline as the newest block's clock has it. */
  private get session(): Seen | undefined {
    const seen = this.#session;
    if (seen?.outcome.kind !== "open" || BigInt(this.#head?.timestamp ?? 0) <= seen.terms.deadline) return seen;
    return { ...seen, outcome: { kind: "void" } };
  }

  async #continues(head: Block): Promise<boolean> {
    const before = this.#head;
    if (before === undefined) return true;
    if (head.number < before.number) return false;
    if (head.number === before.number) return head.hash === before.hash;
    return (await this.#block(before.number))?.hash === before.hash;
  }

  async #block(which: number | "latest"): Promise<Block | undefined> {
    const block = await this.#provider.getBlock(which);
    if (block === null || block.hash === null) return undefined;
    return { number: block.number, hash: block.hash, timestamp: block.timestamp };
  }

  #logs(fromBlock: number, toBlock: number): Promise<Log[]> {
    return this.#provider.getLogs({ address: this.#deployment.market, fromBlock, toBlock });
  }

  #apply(log: Log): void {
    const event = MARKET.parseLog(log);
    if (event === null) return;
    const { args } = event;
    if (event.name === "SessionFrozen") {
      const { epoch, sequence, ordinal, previousBatch, gridModel, termsHash, imbalancePrice, start, deadline } = args;
      const [periodSeconds, periods] = [Number(args.periodSeconds), Number(args.periods)];
      const about = { epoch, sequence, ordinal, previousBatch, gridModel, termsHash, imbalancePrice };
      const terms: SessionTerms = { ...about, start, periodSeconds, periods, deadline };
      const { blockHash: block, blockNumber } = log;
      this.#session = { terms, session: sessionHash(terms), block, blockNumber, outcome: { kind: "open" } };
    }
    const seen = this.#session;
    if (seen === undefined || BigInt(args.ordinal ?? -1) !== seen.terms.ordinal) return;
    if (event.name === "SessionCancelled") this.#session = { ...seen, outcome: { kind: "cancelled" } };
    const { blockHash: block, transactionHash: transaction } = log;
    if (event.name === "Settled")
      this.#settled = this.#session = { ...seen, outcome: { kind: "settled", batch: args.batch, block, transaction } };
  }
}

/** The chain's first block: two chains of one id differ in it. */
export async function genesisOf(provider: Provider): Promise<string> {
  const block = await provider.getBlock(0);
  if (block?.hash === undefined || block.hash === null) throw new Error("the chain has no first block");
  return block.hash;
}
