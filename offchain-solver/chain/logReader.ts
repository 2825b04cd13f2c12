/** Events of some addresses from an endpoint that may refuse long ranges, cap what it finds, or repeat itself. */
import type { Answers, ChainLog } from "./answers.ts";
import { EndpointFault, type Endpoint } from "./endpoint.ts";

/** Hosts that cap silently do it at round numbers; what is no multiple of this is taken for all there is. */
const ROUND = 50;

export const quantity = (value: number): string => `0x${value.toString(16)}`;

export type LogReader = {
  /** In the chain's order, each once. */
  readonly logs: (addresses: readonly string[], from: number, to: number) => Promise<ChainLog[]>;
  /** Every log of a transaction; undefined: the endpoint has no such receipt. */
  readonly receipt: (hash: string) => Promise<ChainLog[] | undefined>;
};

export function logReader({ name, request }: Endpoint, read: Answers): LogReader {
  const receipt = async (hash: string): Promise<ChainLog[] | undefined> => {
    const found = await request("eth_getTransactionReceipt", [hash]);
    return found === null
      ? undefined
      : read.list("a receipt's logs", read.record("a receipt", found).logs).map(read.log);
  };

  /** All of one block by its receipts, where the filter may have been capped. */
  async function ofBlock(addresses: readonly string[], at: number): Promise<ChainLog[]> {
    const found = read.record("a block", await request("eth_getBlockByNumber", [quantity(at), false]));
    const hashes = read.list("a block's transactions", found.transactions).map((hash) => read.hex("a hash", hash, 32));
    const receipts = await Promise.all(hashes.map(receipt));
    if (receipts.includes(undefined)) throw new EndpointFault(name, `no receipts of block ${at}`);
    return receipts.flatMap((logs) => (logs ?? []).filter((log) => addresses.includes(log.address)));
  }

  /** Halves what is refused, and what may have been capped. */
  async function ofRange(addresses: readonly string[], from: number, to: number): Promise<ChainLog[]> {
    let found: ChainLog[];
    try {
      const filter = { address: addresses, fromBlock: quantity(from), toBlock: quantity(to) };
      found = read.list("the logs", await request("eth_getLogs", [filter])).map(read.log);
    } catch (error) {
      // Only what an endpoint says itself: where none answers, smaller questions are not answered either.
      if (!(error instanceof EndpointFault) || error.code === undefined || from === to) throw error;
      return halves(addresses, from, to);
    }
    if (found.length === 0 || found.length % ROUND !== 0) return found;
    return from === to ? ofBlock(addresses, from) : halves(addresses, from, to);
  }

  async function halves(addresses: readonly string[], from: number, to: number): Promise<ChainLog[]> {
    const middle = Math.floor((from + to) / 2);
    return [...(await ofRange(addresses, from, middle)), ...(await ofRange(addresses, middle + 1, to))];
  }

  const within =
    (from: number, to: number) =>
    ({ block }: ChainLog) =>
      block >= from && block <= to;
  return {
    receipt,
    logs: async (addresses, from, to) =>
      inOrder((await ofRange(addresses, from, to)).filter(within(from, to)), addresses),
  };
}

const keyOf = ({ block, index }: ChainLog): string => `${block} ${index}`;

/** Sorted, each once, of these addresses alone. Throws where two say different things of one place. */
export function inOrder(logs: readonly ChainLog[], addresses: readonly string[]): ChainLog[] {
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
