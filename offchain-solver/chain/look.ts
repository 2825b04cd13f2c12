/**
 * What an auditor reads of a chain, from one endpoint or compared between two. Nothing is believed to be well-formed.
 */
import { getAddress, isHexString, Signature, toBeHex, Transaction } from "ethers";
import { isIllFormed } from "../codec/foreign.ts";
import { EndpointFault, type Endpoint } from "./endpoint.ts";

export type ChainLog = {
  readonly address: string;
  readonly topics: readonly string[];
  readonly data: string;
  readonly block: number;
  readonly transaction: string;
  readonly index: number;
};

export type ChainCall = {
  readonly to: string | undefined;
  readonly input: string;
  /** Of a transaction that was shown with its signature: its fields hash to something else than its name. */
  readonly altered?: boolean;
};

/** Every method throws EndpointFault where there is no answer; undefined: the endpoint knows of no such thing. */
export type Look = {
  readonly name: string;
  readonly chainId: () => Promise<bigint>;
  readonly head: () => Promise<number>;
  readonly block: (number: number) => Promise<{ readonly hash: string; readonly timestamp: bigint } | undefined>;
  /** In the chain's order, each once. */
  readonly logs: (addresses: readonly string[], from: number, to: number) => Promise<ChainLog[]>;
  readonly transaction: (hash: string) => Promise<ChainCall | undefined>;
  /** Every log of a transaction. */
  readonly receipt: (hash: string) => Promise<ChainLog[] | undefined>;
  /** Every call that a transaction made of others, where the endpoint traces; undefined where it does not. */
  readonly trace: (hash: string) => Promise<ChainCall[] | undefined>;
  /** Runtime code after a block; of the latest one unless named. */
  readonly code: (address: string, block?: number) => Promise<string>;
  readonly call: (to: string, data: string, block: number) => Promise<string>;
};

/** Hosts that cap silently do it at round numbers; what is no multiple of this is taken for all there is. */
const ROUND = 50;

const quantity = (value: number): string => `0x${value.toString(16)}`;

/** One endpoint. */
export function look(endpoint: Endpoint): Look {
  const ask = (method: string, ...params: unknown[]): Promise<unknown> => endpoint.request(method, params);
  const odd = (what: string, value: unknown): EndpointFault =>
    new EndpointFault(endpoint.name, `${what} is ${String(JSON.stringify(value)).slice(0, 60)}`);
  const number = (what: string, value: unknown): number => {
    if (typeof value !== "string" || !isHexString(value) || BigInt(value) > 2n ** 52n) throw odd(what, value);
    return Number(value);
  };
  const hex = (what: string, value: unknown, bytes?: number): string => {
    if (typeof value !== "string" || !isHexString(value, bytes) || value.length % 2 === 1) throw odd(what, value);
    return value.toLowerCase();
  };
  const record = (what: string, value: unknown): Record<string, unknown> => {
    if (typeof value !== "object" || value === null) throw odd(what, value);
    return value as Record<string, unknown>;
  };
  const list = (what: string, value: unknown): unknown[] => {
    if (!Array.isArray(value)) throw odd(what, value);
    return value;
  };
  const address = (what: string, value: unknown): string => getAddress(hex(what, value, 20));
  const logOf = (value: unknown): ChainLog => {
    const log = record("a log", value);
    return {
      address: address("a log's address", log.address),
      topics: list("a log's topics", log.topics).map((topic) => hex("a topic", topic, 32)),
      data: hex("a log's data", log.data),
      block: number("a log's block", log.blockNumber),
      transaction: hex("a log's transaction", log.transactionHash, 32),
      index: number("a log's index", log.logIndex),
    };
  };
  const callOf = (value: Record<string, unknown>): ChainCall => ({
    to: value.to === null || value.to === undefined ? undefined : address("a call's address", value.to),
    input: hex("a call's input", value.input ?? value.data),
  });

  const receipt = async (hash: string): Promise<ChainLog[] | undefined> => {
    const found = await ask("eth_getTransactionReceipt", hash);
    return found === null ? undefined : list("a receipt's logs", record("a receipt", found).logs).map(logOf);
  };

  /** All of one block by its receipts, where the filter may have been capped. */
  async function logsOfBlock(addresses: readonly string[], at: number): Promise<ChainLog[]> {
    const found = record("a block", await ask("eth_getBlockByNumber", quantity(at), false));
    const hashes = list("a block's transactions", found.transactions).map((hash) => hex("a hash", hash, 32));
    const receipts = await Promise.all(hashes.map(receipt));
    if (receipts.includes(undefined)) throw new EndpointFault(endpoint.name, `no receipts of block ${at}`);
    return receipts.flatMap((logs) => (logs ?? []).filter((log) => addresses.includes(log.address)));
  }

  /** Halves what is refused, and what may have been capped. */
  async function logsOf(addresses: readonly string[], from: number, to: number): Promise<ChainLog[]> {
    let found: ChainLog[];
    try {
      const filter = { address: addresses, fromBlock: quantity(from), toBlock: quantity(to) };
      found = list("the logs", await ask("eth_getLogs", filter)).map(logOf);
    } catch (error) {
      // Only what an endpoint says itself: where none answers, smaller questions are not answered either.
      if (!(error instanceof EndpointFault) || error.code === undefined || from === to) throw error;
      return halves(addresses, from, to);
    }
    if (found.length === 0 || found.length % ROUND !== 0) return found;
    return from === to ? logsOfBlock(addresses, from) : halves(addresses, from, to);
  }

  async function halves(addresses: readonly string[], from: number, to: number): Promise<ChainLog[]> {
    const middle = Math.floor((from + to) / 2);
    return [...(await logsOf(addresses, from, middle)), ...(await logsOf(addresses, middle + 1, to))];
  }

  return {
    name: endpoint.name,
    chainId: async () => BigInt(number("the chain's id", await ask("eth_chainId"))),
    head: async () => number("the head", await ask("eth_blockNumber")),
    async block(at) {
      const found = await ask("eth_getBlockByNumber", quantity(at), false);
      if (found === null) return undefined;
      const { hash, timestamp } = record("a block", found);
      return { hash: hex("a block's hash", hash, 32), timestamp: BigInt(number("a block's time", timestamp)) };
    },
    logs: async (addresses, from, to) =>
      inOrder(
        (await logsOf(addresses, from, to)).filter(({ block }) => block >= from && block <= to),
        addresses,
      ),
    async transaction(hash) {
      const found = await ask("eth_getTransactionByHash", hash);
      if (found === null) return undefined;
      const shown = record("a transaction", found);
      return { ...callOf(shown), ...(isAltered(shown, hash) && { altered: true }) };
    },
    receipt,
    async trace(hash) {
      let found: unknown;
      try {
        found = await ask("debug_traceTransaction", hash, { tracer: "callTracer" });
      } catch (error) {
        if (error instanceof EndpointFault) return undefined;
        throw error;
      }
      const calls: ChainCall[] = [];
      const collect = (value: unknown): void => {
        const call = record("a traced call", value);
        if (call.error === undefined && call.type === "CALL") calls.push(callOf(call));
        for (const inner of call.calls === undefined ? [] : list("traced calls", call.calls)) collect(inner);
      };
      if (typeof found === "object" && found !== null) collect(found);
      return calls;
    },
    code: async (at, block) =>
      hex("the code", await ask("eth_getCode", at, block === undefined ? "latest" : quantity(block))),
    call: async (to, data, block) => hex("a call's result", await ask("eth_call", { to, data }, quantity(block))),
  };
}

/** Kinds of transactions whose hash is told by the fields that every endpoint shows. */
const HASHED = new Set(["0x0", "0x1", "0x2"]);

/** Whether what is shown hashes to another name; false too where it is shown without what its hash is made of. */
function isAltered(shown: Record<string, unknown>, hash: string): boolean {
  const { type, r, s, v, yParity, gas, input, from: _, ...rest } = shown;
  if (typeof type !== "string" || !HASHED.has(type) || r === undefined || s === undefined) return false;
  try {
    const { nonce, gasPrice, maxFeePerGas, maxPriorityFeePerGas, value, chainId, accessList, to } = rest as never;
    const fees = type === "0x2" ? { maxFeePerGas, maxPriorityFeePerGas } : { gasPrice };
    const lists = type === "0x0" ? {} : { accessList };
    const signature = Signature.from({
      r: toBeHex(r as string, 32),
      s: toBeHex(s as string, 32),
      v: v ?? yParity,
    } as never);
    const common = { type: Number(type), nonce: Number(nonce), gasLimit: gas, data: input, to, value };
    const made = Transaction.from({ ...common, ...fees, ...lists, chainId: chainId ?? 0, signature } as never);
    return made.hash !== hash;
  } catch (error) {
    if (!isIllFormed(error)) throw error;
    return true;
  }
}

const keyOf = ({ block, index }: ChainLog): string => `${block} ${index}`;

/** Sorted, each once, of these addresses alone. Throws where two say different things of one place. */
function inOrder(logs: readonly ChainLog[], addresses: readonly string[]): ChainLog[] {
  const kept = new Map<string, ChainLog>();
  for (const log of logs) {
    if (!addresses.includes(log.address)) continue;
    const before = kept.get(keyOf(log));
    if (before !== undefined && JSON.stringify(before) !== JSON.stringify(log))
      throw new EndpointFault("the logs", `two different ones at ${keyOf(log)}`);
    kept.set(keyOf(log), log);
  }
  return [...kept.values()].sort((a, b) => a.block - b.block || a.index - b.index);
}

/**
 * Two endpoints: what one does not know the other may; what both know must be the same, and a log that one hides the
 * other shows.
 */
export function compared(first: Look, second: Look): Look {
  const name = `${first.name} and ${second.name}`;
  async function both<T>(what: string, ask: (one: Look) => Promise<T>): Promise<T> {
    const [a, b] = await Promise.allSettled([ask(first), ask(second)]);
    if (a.status === "rejected" && b.status === "rejected") throw a.reason;
    if (a.status === "rejected") return (b as PromiseFulfilledResult<T>).value;
    if (b.status === "rejected" || b.value === undefined) return a.value;
    if (a.value !== undefined && spelled(a.value) !== spelled(b.value))
      throw new EndpointFault(name, `they disagree about ${what}`);
    return a.value ?? b.value;
  }
  return {
    name,
    chainId: () => both("the chain", (one) => one.chainId()),
    head: async () => Math.min(await first.head(), await second.head()),
    block: (number) => both(`block ${number}`, (one) => one.block(number)),
    async logs(addresses, from, to) {
      const told = await Promise.allSettled([first, second].map((one) => one.logs(addresses, from, to)));
      const logs = told.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
      if (told.every(({ status }) => status === "rejected")) throw (told[0] as PromiseRejectedResult).reason;
      return inOrder(logs, addresses);
    },
    transaction: (hash) => both(`transaction ${hash}`, (one) => one.transaction(hash)),
    receipt: (hash) => both(`the receipt of ${hash}`, (one) => one.receipt(hash)),
    trace: (hash) => both(`the trace of ${hash}`, (one) => one.trace(hash)),
    code: (address, block) => both(`the code of ${address}`, (one) => one.code(address, block)),
    call: (to, data, block) => both(`what ${to} says at block ${block}`, (one) => one.call(to, data, block)),
  };
}

const spelled = (value: unknown): string =>
  JSON.stringify(value, (_, item: unknown) => (typeof item === "bigint" ? `${item}` : item));
