/** Values of JSON-RPC as an auditor takes them: well-formed, or a fault of the endpoint that says which is not. */
import { getAddress, isHexString } from "ethers";
import { EndpointFault } from "./endpoint.ts";

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
  /**
   * Of a transaction that was shown whole, with its sender's signature, and hashes to its name: then nobody on the way
   * has changed it. Without, what is in it beside what the chain names by a hash is somebody's word.
   */
  readonly proven?: boolean;
};

/** Readers of what the endpoint of this name answers; each throws EndpointFault. */
export function answersOf(endpoint: string) {
  const odd = (what: string, value: unknown): EndpointFault =>
    new EndpointFault(endpoint, `${what} is ${String(JSON.stringify(value)).slice(0, 60)}`);
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
  const log = (value: unknown): ChainLog => {
    const { address: at, topics, data, blockNumber, transactionHash, logIndex } = record("a log", value);
    return {
      address: address("a log's address", at),
      topics: list("a log's topics", topics).map((topic) => hex("a topic", topic, 32)),
      data: hex("a log's data", data),
      block: number("a log's block", blockNumber),
      transaction: hex("a log's transaction", transactionHash, 32),
      index: number("a log's index", logIndex),
    };
  };
  const call = (value: Record<string, unknown>): ChainCall => ({
    to: value.to === null || value.to === undefined ? undefined : address("a call's address", value.to),
    input: hex("a call's input", value.input ?? value.data),
  });
  /** Calls of a trace that went well, and those that they made. */
  const calls = (value: unknown): ChainCall[] => {
    const traced = record("a traced call", value);
    const own = traced.error === undefined && traced.type === "CALL" ? [call(traced)] : [];
    const inner = traced.calls === undefined ? [] : list("traced calls", traced.calls);
    return [...own, ...inner.flatMap(calls)];
  };
  return { number, hex, record, list, log, call, calls };
}
export type Answers = ReturnType<typeof answersOf>;
