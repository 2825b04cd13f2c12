/**
 * Where a settlement's gas goes: every executed instruction by the function of the source it was compiled from, call
 * data by its bytes. What the compiler ascribes to no function (constants, moves on the stack) counts where it is
 * executed.
 */
import { readFileSync } from "node:fs";
import { dataLength, getBytes } from "ethers";
import { artifact } from "../../offchain-solver/devnet/artifacts.ts";
import type { World } from "../../test/support/world.ts";
import type { Size } from "./gasSizes.ts";

export type Account = { readonly size: Size; readonly gas: ReadonlyMap<string, number> };

/** In the order of the table: name, and what it takes in. `Library.function` is a function of a library. */
const PIECES: readonly [name: string, of: readonly string[]][] = [
  ["transaction", []],
  ["call data, zero bytes", []],
  ["call data, other bytes", []],
  ["account words: SLOAD, SSTORE", []],
  ["other words: session, pointers, ring", []],
  ["signatures: ecrecover", []],
  ["code reads: committee, mandates, grid", []],
  ["event", []],
  ["signatures: all else", ["Quorum"]],
  ["participants and mandates", ["Ledger.open", "Ledger._openParticipants", "Ledger._end"]],
  ["energy trades", ["Netting._energy"]],
  ["reserve trades", ["Netting._reserve"]],
  ["carbon trades", ["Netting._carbon"]],
  ["trade groups", ["Netting"]],
  ["limits and injections", ["Ledger._checkPeriods"]],
  ["account totals and deltas", ["Ledger"]],
  ["grid check", ["GridCheck"]],
  ["payload, digest, session, memory", []],
];
const REST = PIECES[PIECES.length - 1][0];
/** The first pieces: what the chain charges whoever computes. */
const CHARGED = 8;

/** Gas a trade that would be good, by number of trades. */
const AIM = new Map([
  [10, 15_500],
  [100, 4_600],
  [1000, 1_900],
]);

type Step = {
  readonly pc: number;
  readonly op: string;
  readonly gas: string | number;
  readonly gasCost: string | number;
};

export async function accountOf(world: World, size: Size, hash: string): Promise<Account> {
  const transaction = await world.provider.getTransaction(hash);
  const receipt = await world.provider.getTransactionReceipt(hash);
  if (transaction === null || receipt === null) throw new Error(`accountOf: no transaction ${hash}`);
  const gas = new Map(PIECES.map(([name]) => [name, 0]));
  const add = (name: string, amount: number): void => void gas.set(name, (gas.get(name) as number) + amount);
  const zeros = getBytes(transaction.data).filter((byte) => byte === 0).length;
  add("transaction", 21_000);
  add("call data, zero bytes", 4 * zeros);
  add("call data, other bytes", 16 * (dataLength(transaction.data) - zeros));

  const options = { disableMemory: true, disableStack: true, disableStorage: true };
  const params = [hash, options] as const;
  const trace = await world.connection.provider.request({ method: "debug_traceTransaction", params });
  const steps = (trace as { structLogs: Step[] }).structLogs;
  const functionAt = functionsByProgramCounter();
  let piece = REST;
  steps.forEach(({ pc, op, gas: before, gasCost }, i) => {
    // A precompile's gas is not in the price of its call.
    const cost = i + 1 < steps.length ? Number(before) - Number(steps[i + 1].gas) : Number(gasCost);
    const from = functionAt.get(pc);
    const idle = from === undefined || /^(PUSH|DUP|SWAP|POP|JUMPDEST)/.test(op);
    if (!idle) piece = pieceOf(from);
    add(special(op, piece) ?? piece, cost);
  });
  const sum = [...gas.values()].reduce((a, b) => a + b, 0);
  if (BigInt(sum) !== receipt.gasUsed) throw new Error(`accountOf: ${sum} gas found of ${receipt.gasUsed}`);
  return { size, gas };
}

/** Markdown: gas by piece, a column a size, and what is missing to the aim. */
export function accountTable(accounts: readonly Account[]): string {
  const head = accounts.map(({ size }) => `N=${size.trades}, P=${size.prosumers}, committee ${size.committee}`);
  const lines = PIECES.map(([name]) => [name, ...accounts.map(({ gas }) => String(gas.get(name)))]);
  const sums = accounts.map(({ gas }) => total(gas, PIECES.length));
  const charged = accounts.map(({ gas }) => total(gas, CHARGED));
  const ours = accounts.map(({ size }, k) => Math.ceil(sums[k] / size.trades));
  const aims = accounts.map(({ size }) => AIM.get(size.trades) ?? NaN);
  return [
    ["gas", ...head],
    ["---", ...head.map(() => "---:")],
    ...lines,
    ["**transaction in all**", ...sums],
    ["of it charged by the chain, to the event", ...charged],
    ["of it computed", ...sums.map((sum, k) => sum - charged[k])],
    ["**a trade**", ...ours],
    ["aim", ...aims],
    ["aim minus ours", ...aims.map((aim, k) => aim - ours[k])],
    ["the aim leaves for computing", ...accounts.map(({ size }, k) => aims[k] * size.trades - charged[k])],
  ]
    .map((cells) => `| ${cells.join(" | ")} |\n`)
    .join("");
}

/** Of the first `count` pieces. */
function total(gas: ReadonlyMap<string, number>, count: number): number {
  return PIECES.slice(0, count).reduce((sum, [name]) => sum + (gas.get(name) as number), 0);
}

function pieceOf(from: string): string {
  const found = PIECES.find(([, of]) => of.includes(from)) ?? PIECES.find(([, of]) => of.includes(from.split(".")[0]));
  return found === undefined ? REST : found[0];
}

/** Instructions whose price is the chain's, whoever executes them. */
function special(op: string, piece: string): string | undefined {
  if (op === "SLOAD" || op === "SSTORE") {
    return piece === "account totals and deltas"
      ? "account words: SLOAD, SSTORE"
      : "other words: session, pointers, ring";
  }
  if (op === "STATICCALL") return "signatures: ecrecover";
  if (op === "EXTCODECOPY" || op === "EXTCODESIZE") return "code reads: committee, mandates, grid";
  if (op.startsWith("LOG")) return "event";
  return undefined;
}

/** `Library.function` (or `Contract.function`) by program counter, of the optimised market as it was built. */
function functionsByProgramCounter(): ReadonlyMap<number, string> {
  const { buildInfoId } = artifact("Market") as unknown as { buildInfoId: string };
  const read = (end: string) =>
    JSON.parse(readFileSync(new URL(`../../artifacts/build-info/${buildInfoId}${end}`, import.meta.url), "utf8"));
  const { sources, contracts } = read(".output.json").output;
  const { input } = read(".json");
  const { object, sourceMap } = contracts["project/contracts/market/Market.sol"].Market.evm.deployedBytecode;
  const names = new Map(Object.entries<{ id: number }>(sources).map(([name, { id }]) => [id, name]));
  const functions = new Map<string, [at: number, name: string][]>();
  const nameOf = (file: string, offset: number): string | undefined => {
    let starts = functions.get(file);
    if (starts === undefined) {
      starts = [...(input.sources[file].content as string).matchAll(/^ +function (\w+)/gm)].map((m) => [m.index, m[1]]);
      functions.set(file, starts);
    }
    const name = starts.findLast(([at]) => at <= offset)?.[1];
    return name && `${file.replace(/^.*\/|\.sol$/g, "")}.${name}`;
  };
  const code = getBytes(`0x${object}`);
  const found = new Map<number, string>();
  let [start, file] = [0, 0];
  let pc = 0;
  for (const entry of (sourceMap as string).split(";")) {
    const [s, , f] = entry.split(":");
    if (s) start = Number(s);
    if (f) file = Number(f);
    const source = names.get(file);
    const name = source && nameOf(source, start);
    if (name) found.set(pc, name);
    const op = code[pc];
    pc += op >= 0x60 && op <= 0x7f ? op - 0x5e : 1;
  }
  return found;
}
