/**
 * What an auditor reads of a chain, from one endpoint or compared between two. Nothing is believed to be well-formed.
 */
import { answersOf, type ChainCall } from "./answers.ts";
import { EndpointFault, type Endpoint } from "./endpoint.ts";
import { inOrder, logReader, quantity, type LogReader } from "./logReader.ts";
import { isProven } from "./provenTransaction.ts";

export type { ChainCall, ChainLog } from "./answers.ts";

/** Every method throws EndpointFault where there is no answer; undefined: the endpoint knows of no such thing. */
export type Look = LogReader & {
  readonly name: string;
  readonly chainId: () => Promise<bigint>;
  readonly head: () => Promise<number>;
  readonly block: (number: number) => Promise<{ readonly hash: string; readonly timestamp: bigint } | undefined>;
  readonly transaction: (hash: string) => Promise<ChainCall | undefined>;
  /** Every call that a transaction made of others, where the endpoint traces; undefined where it does not. */
  readonly trace: (hash: string) => Promise<ChainCall[] | undefined>;
  /** Runtime code after a block; of the latest one unless named. */
  readonly code: (address: string, block?: number) => Promise<string>;
  readonly call: (to: string, data: string, block: number) => Promise<string>;
};

/** One endpoint. */
export function look(endpoint: Endpoint): Look {
  const ask = (method: string, ...params: unknown[]): Promise<unknown> => endpoint.request(method, params);
  const read = answersOf(endpoint.name);
  return {
    name: endpoint.name,
    ...logReader(endpoint, read),
    chainId: async () => BigInt(read.number("the chain's id", await ask("eth_chainId"))),
    head: async () => read.number("the head", await ask("eth_blockNumber")),
    async block(at) {
      const found = await ask("eth_getBlockByNumber", quantity(at), false);
      if (found === null) return undefined;
      const { hash, timestamp } = read.record("a block", found);
      return {
        hash: read.hex("a block's hash", hash, 32),
        timestamp: BigInt(read.number("a block's time", timestamp)),
      };
    },
    async transaction(hash) {
      const found = await ask("eth_getTransactionByHash", hash);
      if (found === null) return undefined;
      const shown = read.record("a transaction", found);
      return { ...read.call(shown), ...(isProven(shown, hash) && { proven: true }) };
    },
    async trace(hash) {
      let found: unknown;
      try {
        found = await ask("debug_traceTransaction", hash, { tracer: "callTracer" });
      } catch (error) {
        if (error instanceof EndpointFault) return undefined;
        throw error;
      }
      return typeof found === "object" && found !== null ? read.calls(found) : [];
    },
    code: async (at, block) =>
      read.hex("the code", await ask("eth_getCode", at, block === undefined ? "latest" : quantity(block))),
    call: async (to, data, block) => read.hex("a call's result", await ask("eth_call", { to, data }, quantity(block))),
  };
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
