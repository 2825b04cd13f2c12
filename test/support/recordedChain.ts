/**
 * What an endpoint says of one market, written down: so that an auditor can be shown the same chain again with one
 * thing changed, in Node or in a browser.
 */
import { getAddress, toBeHex, Transaction, Wallet } from "ethers";
import { CARBON_CREDIT, DELIVERY, MARKET, REGISTRY, TOKEN } from "../../offchain-solver/codec/abi.ts";
import { EndpointFault, type Endpoint } from "../../offchain-solver/chain/endpoint.ts";

export type RawLog = {
  readonly address: string;
  readonly topics: readonly string[];
  readonly data: string;
  readonly blockNumber: string;
  readonly transactionHash: string;
  readonly logIndex: string;
};

/** JSON as it stands: raw answers, by what was asked. */
export type ChainRecord = {
  readonly chainId: string;
  readonly head: number;
  readonly market: string;
  readonly registry: string;
  readonly token: string;
  readonly delivery: string;
  readonly carbonCredit: string;
  readonly blocks: Readonly<Record<number, { readonly hash: string; readonly timestamp: string }>>;
  readonly logs: readonly RawLog[];
  /** With their signatures, where they are what was sent. */
  readonly transactions: Readonly<Record<string, { readonly to: string | null; readonly input: string }>>;
  /** By address, lower case. */
  readonly codes: Readonly<Record<string, string>>;
  /** By `callKey`. */
  readonly calls: Readonly<Record<string, string>>;
};

export const callKey = (to: string, data: string, block: number): string =>
  `${to.toLowerCase()} ${data.toLowerCase()} ${block}`;

/** The answers that this record has; asked for anything else, an endpoint that has pruned it. */
export function replayed(record: ChainRecord, name = "a record"): Endpoint {
  const missing = (what: string): never => {
    throw new EndpointFault(name, `missing trie node of ${what}`, -32_000);
  };
  const blockOf = (number: unknown) => {
    const block = record.blocks[Number(number)];
    const own = record.logs.filter(({ blockNumber }) => Number(blockNumber) === Number(number));
    const transactions = [...new Set(own.map(({ transactionHash }) => transactionHash))];
    return block === undefined ? null : { ...block, number, transactions };
  };
  const answer = (method: string, params: readonly unknown[]): unknown => {
    const [first, second] = params as [never, never];
    switch (method) {
      case "eth_chainId":
        return record.chainId;
      case "eth_blockNumber":
        return toBeHex(record.head);
      case "eth_getBlockByNumber":
        return blockOf(first);
      case "eth_getLogs": {
        const { address, fromBlock, toBlock } = first as { address: string[]; fromBlock: string; toBlock: string };
        return record.logs.filter(
          (log) =>
            address.includes(getAddress(log.address)) &&
            Number(log.blockNumber) >= Number(fromBlock) &&
            Number(log.blockNumber) <= Number(toBlock),
        );
      }
      case "eth_getTransactionByHash":
        return record.transactions[first] ?? null;
      case "eth_getTransactionReceipt":
        return { logs: record.logs.filter(({ transactionHash }) => transactionHash === first) };
      case "eth_getCode":
        return record.codes[(first as string).toLowerCase()] ?? "0x";
      case "eth_call": {
        const { to, data } = first as { to: string; data: string };
        return record.calls[callKey(to, data, Number(second))] ?? missing(`${data} at ${Number(second)}`);
      }
      default:
        throw new EndpointFault(name, `${method}: the method does not exist`, -32_601);
    }
  };
  return { name, request: async (method, params) => structuredClone(answer(method, params)) };
}

const SENDER = new Wallet(`0x${"5e".repeat(32)}`);

/**
 * The record with another transaction in place of one of this hash, as somebody has sent it: signed, and known by the
 * hash of all of it wherever it is named.
 */
export function submitted(record: ChainRecord, old: string, { to, input }: { to: string; input: string }): ChainRecord {
  const fees = { maxFeePerGas: "0x3b9aca00", maxPriorityFeePerGas: "0x0" };
  const made = Transaction.from({
    ...{ type: 2, chainId: BigInt(record.chainId), nonce: 0, gasLimit: 30_000_000n, value: 0n, to, data: input },
    ...{ ...fees, accessList: [] },
  });
  made.signature = SENDER.signingKey.sign(made.unsignedHash);
  const { r, s, yParity } = made.signature;
  const about = { type: "0x2", chainId: record.chainId, nonce: "0x0", gas: "0x1c9c380", value: "0x0", accessList: [] };
  const shown = { ...about, ...fees, to, input, r, s, yParity: `0x${yParity}`, v: `0x${yParity}` };
  const hash = made.hash as string;
  const { [old]: _, ...others } = record.transactions;
  const logs = record.logs.map((log) => (log.transactionHash === old ? { ...log, transactionHash: hash } : log));
  return { ...record, logs, transactions: { ...others, [hash]: shown } };
}

/** Events that name code. */
const POINTING: readonly string[] = [
  ...["GridModelAdded", "TableWritten", "ConnectionsWritten", "CommitteeAppointed", "MemberChanged"],
];

const hex = (number: number): string => `0x${number.toString(16)}`;

/**
 * Writes down a market of a chain from a block on: its events, their transactions and blocks, its state around them.
 */
export async function recorded(endpoint: Endpoint, marketAddress: string, from: number): Promise<ChainRecord> {
  const ask = (method: string, ...params: unknown[]): Promise<unknown> => endpoint.request(method, params);
  const head = Number(await ask("eth_blockNumber"));
  const calls: Record<string, string> = {};
  const call = async (to: string, data: string, block: number): Promise<string> =>
    (calls[callKey(to, data, block)] = (await ask("eth_call", { to, data }, hex(block))) as string);
  const market = getAddress(marketAddress);
  const addressOf = async (
    method: "registry" | "token" | "tableWriter" | "extension" | "delivery" | "carbonCredit",
  ): Promise<string> => {
    const answer = await call(market, MARKET.encodeFunctionData(method), head);
    return getAddress(`0x${answer.slice(-40)}`);
  };
  const [registry, token] = [await addressOf("registry"), await addressOf("token")];
  const [delivery, carbonCredit] = [await addressOf("delivery"), await addressOf("carbonCredit")];
  const filter = { address: [market, registry, delivery, carbonCredit], fromBlock: hex(from), toBlock: hex(head) };
  const logs = (await ask("eth_getLogs", filter)) as RawLog[];
  const transactions: Record<string, { to: string | null; input: string }> = {};
  const codes: Record<string, string> = {};
  const keepCode = async (address: string): Promise<void> => {
    codes[address.toLowerCase()] = (await ask("eth_getCode", address, "latest")) as string;
  };
  const companions = [await addressOf("tableWriter"), await addressOf("extension")];
  await Promise.all([market, registry, delivery, carbonCredit, ...companions].map(keepCode));
  await call(delivery, DELIVERY.encodeFunctionData("windows"), head);
  await keepCode(getAddress(`0x${(await call(delivery, DELIVERY.encodeFunctionData("dueChecker"), head)).slice(-40)}`));
  await call(carbonCredit, CARBON_CREDIT.encodeFunctionData("ledgerAsset"), head);
  const codecs = new Map([
    [market, MARKET],
    [registry, REGISTRY],
    [delivery, DELIVERY],
    [carbonCredit, CARBON_CREDIT],
  ]);
  const ids = new Set<bigint>();
  const states = new Set([head]);
  const numbers = new Set([head]);
  for (const log of logs) {
    numbers.add(Number(log.blockNumber));
    const parsed = codecs.get(getAddress(log.address))!.parseLog(log);
    if (parsed?.name === "Registered") ids.add(parsed.args.id);
    if (POINTING.includes(parsed?.name ?? "")) await keepCode(parsed!.args.pointer);
    if (parsed?.name === "DeliveryEntered")
      await call(delivery, DELIVERY.encodeFunctionData("delivered", [parsed.args.sequence]), head);
    if (parsed?.name === "Arrears")
      await call(delivery, DELIVERY.encodeFunctionData("arrearsOf", [parsed.args.id]), head);
    if (parsed?.name === "TransferSingle")
      for (const method of ["totalSupply(uint256)", "retiredOf"])
        await call(carbonCredit, CARBON_CREDIT.encodeFunctionData(method, [parsed.args.id]), head);
    if (["Settled", "SessionFrozen", "DeliveryEntered"].includes(parsed?.name ?? "")) {
      if (parsed!.name !== "DeliveryEntered")
        for (const block of [Number(log.blockNumber) - 1, Number(log.blockNumber)]) states.add(block);
      transactions[log.transactionHash] = (await ask("eth_getTransactionByHash", log.transactionHash)) as never;
    }
  }
  const blocks: Record<number, { hash: string; timestamp: string }> = {};
  for (const number of numbers) {
    const { hash, timestamp } = (await ask("eth_getBlockByNumber", hex(number), false)) as never;
    blocks[number] = { hash, timestamp };
  }
  const ended = logs.filter((log) => codecs.get(getAddress(log.address))!.parseLog(log)?.name === "ConnectionEnds");
  for (let k = 0; k <= ended.length; k++) await call(delivery, DELIVERY.encodeFunctionData("endings", [k]), head);
  await reviewed(call, { market, registry, delivery, carbonCredit, ids: [...ids] }, logs);
  for (const block of states) await stateAt(call, { market, registry, ids: [...ids] }, block);
  await call(token, TOKEN.encodeFunctionData("balanceOf", [market]), head);
  const chainId = (await ask("eth_chainId")) as string;
  return { chainId, head, market, registry, token, delivery, carbonCredit, blocks, logs, transactions, codes, calls };
}

type Ask = (to: string, data: string, block: number) => Promise<string>;
type Parts = { readonly market: string; readonly registry: string; readonly ids: readonly bigint[] };

/** What an auditor may ask around settlements, postings and credits before it refuses one. */
async function reviewed(
  call: Ask,
  { market, registry, delivery, carbonCredit, ids }: Parts & { delivery: string; carbonCredit: string },
  logs: readonly RawLog[],
): Promise<void> {
  const ask = (codec: typeof MARKET, to: string, block: number) => (method: string, args: readonly unknown[]) =>
    call(to, codec.encodeFunctionData(method, args), block);
  const named = (codec: typeof MARKET, address: string) =>
    logs.flatMap((log) => {
      const event = getAddress(log.address) === address ? codec.parseLog(log) : null;
      return event === null ? [] : [{ ...event, args: event.args, block: Number(log.blockNumber) }];
    });
  const epochs = named(REGISTRY, registry).flatMap(({ name, args, block }) =>
    ["CommitteeAppointed", "MemberChanged"].includes(name) ? [{ epoch: args.epoch as bigint, block }] : [],
  );
  const events = [named(MARKET, market), named(DELIVERY, delivery), named(CARBON_CREDIT, carbonCredit)].flat();
  const endings = events.filter(({ name }) => name === "ConnectionEnds").length;
  for (const { name, args, block } of events) {
    if (!["Settled", "Posted", "DeliveryEntered", "CertificateIssued", "CreditsOwed"].includes(name)) continue;
    const party = ask(REGISTRY, registry, block);
    await party("committee", []);
    for (const one of epochs) if (one.block <= block) await party("committeeOf", [one.epoch]);
    if (name === "DeliveryEntered") await ask(DELIVERY, delivery, block)("delivered", [args.sequence]);
    for (let k = 0; k <= endings; k++) await ask(DELIVERY, delivery, block)("endings", [k]);
    for (const at of name === "Posted" ? [block - 1, block] : [])
      for (const id of ids) {
        await ask(MARKET, market, at)("account", [id]);
        await ask(DELIVERY, delivery, at)("arrearsOf", [id]);
      }
    if (name !== "CertificateIssued" && name !== "CreditsOwed") continue;
    await ask(DELIVERY, delivery, block)("delivered", [args.sequence]);
    await party("walletOf", [args.id]);
    for (const at of name === "CertificateIssued" ? [block - 1, block] : [])
      for (const one of named(REGISTRY, registry).filter((event) => event.name === "Registered"))
        await ask(CARBON_CREDIT, carbonCredit, at)("balanceOf", [one.args.wallet, args.asset]);
    for (const at of [block - 1, block]) {
      await ask(CARBON_CREDIT, carbonCredit, at)("issuedWh", [args.sequence, args.id]);
      await ask(CARBON_CREDIT, carbonCredit, at)("owedWh", [args.id]);
    }
  }
}

/** What an auditor may ask of the market and of every account after a block. */
async function stateAt(call: Ask, { market, registry, ids }: Parts, block: number): Promise<void> {
  const session = MARKET.decodeFunctionResult(
    "session",
    await call(market, MARKET.encodeFunctionData("session"), block),
  )[0];
  await call(market, MARKET.encodeFunctionData("lastBatch"), block);
  await call(market, MARKET.encodeFunctionData("feeder"), block);
  for (let k = 1n; k <= session.sequence; k++) await call(market, MARKET.encodeFunctionData("batchAt", [k]), block);
  for (const id of ids) {
    await call(market, MARKET.encodeFunctionData("account", [id]), block);
    await call(market, MARKET.encodeFunctionData("registeredMandate", [id]), block);
    await call(registry, REGISTRY.encodeFunctionData("party", [id]), block);
  }
}
