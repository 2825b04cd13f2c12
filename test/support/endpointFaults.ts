/**
 * What endpoints do to an auditor, and what may come of it: never `valid` wrongly, never an accusation, never a crash.
 */
import { AbiCoder, getAddress } from "ethers";
import { MARKET, REGISTRY } from "../../offchain-solver/codec/abi.ts";
import { EndpointFault } from "../../offchain-solver/chain/endpoint.ts";
import type { Call, Fault, Reply } from "./faultyEndpoint.ts";
import { flipped } from "./forge.ts";
import type { ChainRecord, RawLog } from "./recordedChain.ts";

export type EndpointCase = {
  readonly name: string;
  /** `same`: the verdicts of an honest endpoint; `undecided`: at least one thing is, and nothing is invalid. */
  readonly expected: "same" | "undecided";
  readonly fault: (record: ChainRecord) => Fault;
};

const HTML = "<!doctype html><title>502 Bad Gateway</title>";
const every =
  (n: number, reply: Reply | "hang up") =>
  (_: readonly Call[], count: number): Reply | "hang up" | undefined =>
    count % n === 1 ? reply : undefined;
const refusal = (message: string, code = -32_000): Reply => ({
  body: JSON.stringify({ jsonrpc: "2.0", id: null, error: { code, message } }),
});
const named = (log: RawLog, { market, registry }: ChainRecord): string | undefined => {
  const address = getAddress(log.address);
  return address === market
    ? MARKET.parseLog(log)?.name
    : address === registry
      ? REGISTRY.parseLog(log)?.name
      : undefined;
};

/** An endpoint that changes what its filter finds; `everywhere`: its receipts too. */
function logs(
  name: string,
  expected: EndpointCase["expected"],
  edit: (logs: readonly RawLog[], record: ChainRecord) => readonly RawLog[],
  everywhere = false,
): EndpointCase {
  const fault = (record: ChainRecord): Fault => ({
    async rpc({ method }, ask) {
      const answer = await ask();
      if (method === "eth_getLogs") return edit(answer as RawLog[], record);
      if (!everywhere || method !== "eth_getTransactionReceipt") return answer;
      return { logs: edit((answer as { logs: RawLog[] }).logs, record) };
    },
  });
  return { name, expected, fault };
}
/** Hides the last event of a name, or the one that is `back` before it. */
const hides = (event: string, back = 0): EndpointCase =>
  logs(
    `hides ${back === 0 ? "the last" : "an earlier"} ${event}`,
    "undecided",
    (found, record) => {
      const all = record.logs.filter((log) => named(log, record) === event);
      const hidden = all[all.length - 1 - back];
      return found.filter((log) => log.logIndex !== hidden.logIndex || log.blockNumber !== hidden.blockNumber);
    },
    true,
  );
const http = (name: string, expected: EndpointCase["expected"], fault: Fault): EndpointCase => ({
  name,
  expected,
  fault: () => fault,
});
/** Says that a party was registered with another address than it was. */
const registers = (field: "wallet" | "meterKey"): EndpointCase =>
  logs(
    `says that a party was registered with another ${field}`,
    "undecided",
    (found, record) => {
      const event = REGISTRY.getEvent("Registered")!;
      const at = record.logs.filter((log) => named(log, record) === "Registered")[1];
      const args = { ...REGISTRY.parseLog(at)!.args.toObject(), [field]: `0x${"12".repeat(20)}` };
      const said = REGISTRY.encodeEventLog(
        event,
        event.inputs.map(({ name }) => Reflect.get(args, name)),
      );
      return found.map((log) =>
        log.logIndex === at.logIndex && log.blockNumber === at.blockNumber ? { ...log, ...said } : log,
      );
    },
    true,
  );
/** An endpoint that answers one method in its own way. */
const answers = (
  name: string,
  method: string,
  change: (answer: never, call: Call, record: ChainRecord) => unknown,
  expected: EndpointCase["expected"] = "undecided",
): EndpointCase => ({
  name,
  expected,
  fault: (record) => ({
    rpc: async (call, ask) => (call.method === method ? change((await ask()) as never, call, record) : ask()),
  }),
});
/** The call with another last byte of its signatures. */
const withSignature = (input: string): string => {
  const call = MARKET.parseTransaction({ data: input });
  if (call?.name !== "settle") return input;
  const signatures = call.args.signatures as string;
  const args = call.args.toArray().with(-1, flipped(signatures, (signatures.length - 2) / 2 - 1));
  return MARKET.encodeFunctionData("settle", args);
};
const rangeOf = ({ params: [filter] }: Call): number => {
  const { fromBlock, toBlock } = filter as { fromBlock: string; toBlock: string };
  return Number(toBlock) - Number(fromBlock) + 1;
};
const fails = (message: string, code = -32_000): never => {
  throw new EndpointFault("a node", message, code);
};
const selector = (name: string): string => MARKET.getFunction(name)?.selector as string;
const calls = ({ params: [call] }: Call, name: string): boolean =>
  (call as { data: string }).data.startsWith(selector(name));

const LIMITS: readonly EndpointCase[] = [
  http("refuses batches with an error", "same", {
    http: (all) => (all.length > 1 ? refusal("batch requests are not supported") : undefined),
  }),
  http("refuses batches with HTTP 400 and a page", "same", {
    http: (all) => (all.length > 1 ? { status: 400, body: HTML } : undefined),
  }),
  http("takes batches of five at most", "same", {
    http: (all) => (all.length > 5 ? refusal("batch too large") : undefined),
  }),
  http("answers a batch in another order", "same", { batch: (all) => all.toReversed() }),
  http("leaves calls of a batch out", "same", { batch: (all) => all.slice(0, Math.max(1, all.length - 2)) }),
  http("limits the rate with HTTP 429", "same", { http: every(2, { status: 429, body: "slow down" }) }),
  http("limits the rate and says for how long", "same", {
    http: every(3, { status: 429, headers: { "retry-after": "1" }, body: "" }),
  }),
  http("limits the rate with an error of JSON-RPC", "same", {
    http: every(2, refusal("project ID request rate exceeded", -32_005)),
  }),
  http("answers HTML now and then", "same", { http: every(3, { status: 502, body: HTML }) }),
  http("answers HTML with HTTP 200 now and then", "same", { http: every(3, { body: HTML }) }),
  http("hangs up now and then", "same", { http: every(3, "hang up") }),
  http("stops in the middle of an answer", "same", { http: every(3, { body: '{"jsonrpc":"2.0","id":1,"resu' }) }),
  http("never answers anything but HTML", "undecided", { http: () => ({ body: HTML }) }),
  http("limits the rate for ever", "undecided", { http: () => ({ status: 429, body: "" }) }),
  answers("caps its results at 100 without a word", "eth_getLogs", (all: RawLog[]) => all.slice(0, 100), "same"),
  answers(
    "refuses more than 100 results",
    "eth_getLogs",
    (all: RawLog[]) => (all.length > 100 ? fails("query returned more than 100 results", -32_005) : all),
    "same",
  ),
  answers(
    "refuses more than 20 results",
    "eth_getLogs",
    (all: RawLog[]) => (all.length > 20 ? fails("Log response size exceeded", -32_602) : all),
    "same",
  ),
  answers(
    "refuses ranges of more than 10 blocks",
    "eth_getLogs",
    (all: RawLog[], call) => (rangeOf(call) > 10 ? fails("eth_getLogs is limited to a 10 block range", -32_600) : all),
    "same",
  ),
  answers(
    "has pruned the states of old blocks",
    "eth_call",
    (all: string, { params }, { head }) => (Number(params[1]) < head ? fails("missing trie node") : all),
    "same",
  ),
];

const LIES: readonly EndpointCase[] = [
  logs("doubles every log", "same", (all) => all.flatMap((log) => [log, log])),
  logs("gives logs in another order", "same", (all) => all.toReversed()),
  logs("adds logs of another contract", "same", (all) => [
    ...all,
    ...all.slice(0, 2).map((log) => ({ ...log, address: `0x${"11".repeat(20)}`, logIndex: "0x77" })),
  ]),
  hides("Settled"),
  hides("Settled", 1),
  hides("SessionFrozen"),
  hides("SessionFrozen", 1),
  hides("MandateRegistered"),
  hides("MandateRevoked"),
  hides("TableWritten"),
  hides("TableWritten", 1),
  hides("Deposited"),
  hides("AllowancesIssued"),
  hides("WithdrawalMoved"),
  hides("NodeKeyRotated"),
  hides("GridModelAdded"),
  hides("CommitteeAppointed"),
  hides("PriceCapChanged"),
  hides("Registered", 2),
  registers("wallet"),
  registers("meterKey"),
  answers("has pruned all logs", "eth_getLogs", () => []),
  logs(
    "says that more was deposited",
    "undecided",
    (all, record) =>
      all.map((log) => (named(log, record) === "Deposited" ? { ...log, data: flipped(log.data, 28) } : log)),
    true,
  ),
  logs(
    "says that accounts were changed otherwise",
    "undecided",
    (all, record) =>
      all.map((log) => (named(log, record) === "Settled" ? { ...log, data: flipped(log.data, 64 + 8) } : log)),
    true,
  ),
  answers(
    "changes a byte of a payload",
    "eth_getTransactionByHash",
    (found: { input: string } | null) => found && { ...found, input: flipped(found.input, 400) },
  ),
  answers(
    "changes a byte of a batch's signatures",
    "eth_getTransactionByHash",
    (found: { input: string } | null) => found && { ...found, input: withSignature(found.input) },
  ),
  ...(["r", "s", "v"] as const).map((field) =>
    answers(
      `changes a byte of a batch's signatures and leaves ${field} out`,
      "eth_getTransactionByHash",
      (found: Record<string, string> | null) => {
        if (found === null) return found;
        const left = field === "v" ? ["v", "yParity"] : [field];
        const kept = Object.fromEntries(Object.entries(found).filter(([name]) => !left.includes(name)));
        return { ...kept, input: withSignature(found.input) };
      },
    ),
  ),
  answers("has pruned its transactions", "eth_getTransactionByHash", () => null),
  answers("has pruned its receipts", "eth_getTransactionReceipt", () => null),
  answers("has no code of any contract", "eth_getCode", () => "0x"),
  ...["0x", "0x00", "0x00aabb"].map((code) =>
    answers(`has ${code} for the tables of mandates`, "eth_getCode", (found: string, { params }, record) => {
      const tables = record.logs.filter((log) => named(log, record) === "TableWritten");
      const pointers = tables.map((log) => (MARKET.parseLog(log)?.args.pointer as string).toLowerCase());
      return pointers.includes((params[0] as string).toLowerCase()) ? code : found;
    }),
  ),
  answers("knows no block", "eth_getBlockByNumber", () => null),
  answers(
    "has blocks without a time",
    "eth_getBlockByNumber",
    (found: object | null) => found && { ...found, timestamp: "soon" },
  ),
  answers("answers calls with nothing", "eth_call", (_: string, call) => (calls(call, "account") ? "0x" : _)),
  answers("answers calls with too little", "eth_call", (answer: string, call) =>
    calls(call, "session") ? answer.slice(0, 66) : answer,
  ),
  ...(["registry", "tableWriter", "extension", "token"] as const).map((method) =>
    answers(`answers ${method}() with more than an address`, "eth_call", (answer: string, call) =>
      calls(call, method) ? `0x${"ff".repeat(32)}` : answer,
    ),
  ),
  ...["0x", `0x${"ff".repeat(32)}`, `0x${"ff".repeat(512)}`].map((junk) =>
    answers(
      `says ${junk.slice(0, 6)} of ${junk.length / 2 - 1} bytes of a party`,
      "eth_call",
      (answer: string, call) =>
        (call.params[0] as { data: string }).data.startsWith(REGISTRY.getFunction("party")?.selector as string)
          ? junk
          : answer,
    ),
  ),
  answers("has pruned every state", "eth_call", () => fails("missing trie node")),
  answers("has the accounts of an earlier block", "eth_call", (answer: string, call, record) => {
    if (!calls(call, "account")) return answer;
    const blocks = Object.keys(record.calls).map((key) => Number(key.split(" ")[2]));
    const { to, data } = call.params[0] as { to: string; data: string };
    return record.calls[`${to.toLowerCase()} ${data.toLowerCase()} ${Math.min(...blocks)}`] ?? answer;
  }),
  answers("has a sequence that is one less", "eth_call", (answer: string, call) => {
    if (!calls(call, "session")) return answer;
    const [session] = MARKET.decodeFunctionResult("session", answer);
    const output = MARKET.getFunction("session")?.outputs[0];
    if (output === undefined) return answer;
    return AbiCoder.defaultAbiCoder().encode([output], [{ ...session.toObject(), sequence: session.sequence - 1n }]);
  }),
  answers("is of another chain than it was", "eth_chainId", () => "0x1"),
  answers("says that logs are no list", "eth_getLogs", () => ({ logs: [] })),
  answers("says null for logs", "eth_getLogs", () => null),
  answers("gives logs without topics", "eth_getLogs", (all: RawLog[]) => all.map(({ topics: _, ...rest }) => rest)),
  {
    name: "changes its head while it is read",
    expected: "undecided",
    fault: ({ head }) => {
      let asked = 0;
      return {
        async rpc({ method, params }, ask) {
          const answer = await ask();
          if (method !== "eth_getBlockByNumber" || Number(params[0]) !== head) return answer;
          return asked++ === 0 ? answer : { ...(answer as object), hash: `0x${"22".repeat(32)}` };
        },
      };
    },
  },
];

export const ENDPOINT_FAULTS: readonly EndpointCase[] = [...LIMITS, ...LIES];
