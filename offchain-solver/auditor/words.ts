/** What the contracts say of themselves at one block, beside what the events made of it. */
import { getBytes, ZeroAddress, type Interface } from "ethers";
import { CARBON_CREDIT, DELIVERY, MARKET, REGISTRY, TOKEN } from "../codec/abi.ts";
import { isIllFormed } from "../codec/foreign.ts";
import { unpackLimits } from "../codec/typedData.ts";
import type { Look } from "../chain/look.ts";
import { EndpointFault } from "../chain/endpoint.ts";
import type { LedgerAccount } from "../ledger/settlementModel.ts";
import type { DeliveryContract } from "./entries.ts";
import { accountOf, type History } from "./history.ts";
import { isReleased, type Release, type ReleasedCode } from "./release.ts";
import { invalid, undecided, VALID, type Verdict } from "./verdict.ts";

/** What of an account's word settlement, deposits and withdrawals change. */
type Word = LedgerAccount;

const ask = (look: Look, market: string, block: number, method: string, ...args: unknown[]) =>
  said(look, { codec: MARKET, address: market, block }, method, args);

type Contract = { readonly codec: Interface; readonly address: string; readonly block: number };

async function said(look: Look, { codec, address, block }: Contract, method: string, args: readonly unknown[]) {
  const answer = await look.call(address, codec.encodeFunctionData(method, args), block);
  try {
    const values = codec.decodeFunctionResult(method, answer);
    // A word that is too wide for its type shows where it is read.
    values.toArray(true);
    return values;
  } catch (error) {
    if (!isIllFormed(error)) throw error;
    throw new EndpointFault(look.name, `${method}() is ${answer.slice(0, 40)}`);
  }
}

export async function wordAt(look: Look, market: string, id: number, block: number): Promise<Word> {
  const [{ deposit, carbon, heldBefore, held, spentMicro, day }] = await ask(look, market, block, "account", id);
  return { deposit, carbon, heldBefore, held, spentMicro, day };
}

const sameWord = (a: Word, b: Word): boolean => (Object.keys(a) as (keyof Word)[]).every((key) => a[key] === b[key]);

/** Of the accounts named, the first whose word at a block is not what the history makes of it. */
export async function differingAccount(
  look: Look,
  history: History,
  ids: Iterable<number>,
  block: number,
): Promise<number | undefined> {
  const known = [...ids].filter((id) => !history.unknown.has(id));
  const words = await Promise.all(known.map((id) => wordAt(look, history.market, id, block)));
  const at = words.findIndex((word, k) => !sameWord(word, accountOf(history, known[k])));
  return at < 0 ? undefined : known[at];
}

/** Takes what is not known any more from the contract, as it was after a block; the head will show whether it lied. */
export async function relearn(look: Look, history: History, block: number): Promise<void> {
  const ids = [...history.unknown];
  try {
    const [{ epochDay, beforeDay }] = await ask(look, history.market, block, "feeder");
    history.epochs = [epochDay, beforeDay];
    const words = await Promise.all(ids.map((id) => wordAt(look, history.market, id, block)));
    ids.forEach((id, k) => {
      history.accounts.set(id, words[k]);
      history.unknown.delete(id);
    });
  } catch (error) {
    // A node that has pruned its states: the accounts stay unknown.
    if (!(error instanceof EndpointFault)) throw error;
  }
}

export async function addressIn(
  look: Look,
  market: string,
  method: "registry" | "token" | "tableWriter" | "extension" | "delivery" | "carbonCredit",
  block: number,
) {
  const [address] = await ask(look, market, block, method);
  return address as string;
}

/** What may post to a market besides settlements; where no contracts are named nobody's entries can be read. */
export type Posting = {
  readonly delivery: DeliveryContract;
  readonly carbonCredit: string;
  /** The id of what the market's grams are as tokens. */
  readonly ledgerAsset: bigint;
};

export async function postingOf(look: Look, market: string, block: number): Promise<Posting | undefined> {
  const [address, carbonCredit] = [
    await addressIn(look, market, "delivery", block),
    await addressIn(look, market, "carbonCredit", block),
  ];
  const codes = await Promise.all([address, carbonCredit].map((one) => look.code(one)));
  if (codes.includes("0x")) return undefined;
  const [windows] = await said(look, { codec: DELIVERY, address, block }, "windows", []);
  const { grace, metering, dispute, correction, multiple } = windows;
  const [ledgerAsset] = await said(look, { codec: CARBON_CREDIT, address: carbonCredit, block }, "ledgerAsset", []);
  return { delivery: { address, grace, metering, dispute, correction, multiple }, carbonCredit, ledgerAsset };
}

/** One contract, asked after one block. */
export type At = { readonly look: Look; readonly address: string; readonly block: number };

/** What the delivery contract keeps of a session's last entry. */
export async function deliveredAt({ look, ...at }: At, sequence: bigint) {
  const [held] = await said(look, { codec: DELIVERY, ...at }, "delivered", [sequence]);
  // `entries` is a method of what ethers gives.
  const [count, kind] = [Number(held.getValue("entries")), Number(held.kind)];
  return {
    entries: count,
    kind,
    lastAt: held.lastAt as bigint,
    start: held.start as bigint,
    seconds: held.periodSeconds as bigint,
  };
}

export async function arrearsAt({ look, ...at }: At, id: number): Promise<bigint> {
  return (await said(look, { codec: DELIVERY, ...at }, "arrearsOf", [id]))[0] as bigint;
}

/** The k-th connection that ended; zeros where there is none. */
export async function endingAt({ look, ...at }: At, k: number) {
  const { id, from, until } = await said(look, { codec: DELIVERY, ...at }, "endings", [k]);
  return { id: Number(id), from: from as bigint, until: until as bigint };
}

/** Wh of a session that were issued to an account, and Wh that it owes. */
export async function creditedAt({ look, ...at }: At, sequence: bigint, id: number) {
  const contract = { codec: CARBON_CREDIT, ...at };
  const [counted] = await said(look, contract, "issuedWh", [sequence, id]);
  const [owed] = await said(look, contract, "owedWh", [id]);
  return { counted: counted as bigint, owed: owed as bigint };
}

export async function tokensAt({ look, ...at }: At, wallet: string, asset: bigint): Promise<bigint> {
  return (await said(look, { codec: CARBON_CREDIT, ...at }, "balanceOf", [wallet, asset]))[0] as bigint;
}

export async function walletAt({ look, ...at }: At, id: number): Promise<string> {
  return (await said(look, { codec: REGISTRY, ...at }, "walletOf", [id]))[0] as string;
}

/** A party's node key, and how often it was rotated. */
export async function nodeKeyAt({ look, ...at }: At, id: number) {
  const [{ nodeKey, rotations }] = await said(look, { codec: REGISTRY, ...at }, "party", [id]);
  return { nodeKey: nodeKey as string, rotations: rotations as bigint };
}

/** The epoch of the committee in office. */
export async function seatAt({ look, ...at }: At): Promise<bigint> {
  return BigInt((await said(look, { codec: REGISTRY, ...at }, "committee", []))[0].epoch);
}

/** Node keys of a committee, 20 bytes each. */
export async function rollAt({ look, ...at }: At, epoch: bigint): Promise<Uint8Array> {
  const [{ pointer }] = await said(look, { codec: REGISTRY, ...at }, "committeeOf", [epoch]);
  return getBytes(await look.code(pointer)).subarray(1);
}

/** Entries, arrears and tokens at the head beside what events make of them. */
export async function checkPosting(
  look: Look,
  { entries, credits }: History,
  { delivery, carbonCredit }: Posting,
  block: number,
): Promise<Verdict> {
  const at = { codec: DELIVERY, address: delivery.address, block };
  const counted = [...entries.entered].map(async ([sequence, entered]) => {
    const [delivered] = await said(look, at, "delivered", [sequence]);
    // `entries` is a method of what ethers gives.
    return { sequence, told: entered.length, count: Number(delivered.getValue("entries")) };
  });
  for (const { sequence, told, count } of await Promise.all(counted))
    if (count !== told) return undecided(`entry ${count} of batch number ${sequence}`);
  const owing = [...entries.arrears].map(async ([id, nano]) => ({
    id,
    nano,
    owed: (await said(look, at, "arrearsOf", [id]))[0],
  }));
  for (const { id, nano, owed } of await Promise.all(owing))
    if (owed !== nano) return undecided(`what account ${id} owes: ${owed} nano-dollars, ${nano} by the events`);
  const token = { codec: CARBON_CREDIT, address: carbonCredit, block };
  const held = [...credits.supply].map(async ([asset, tokens]) => ({
    asset,
    tokens,
    supply: (await said(look, token, "totalSupply(uint256)", [asset]))[0],
    retired: (await said(look, token, "retiredOf", [asset]))[0],
  }));
  for (const { asset, tokens, supply, retired } of await Promise.all(held))
    if (supply !== tokens || retired !== (credits.retired.get(asset) ?? 0n))
      return undecided(`events of asset ${asset}: ${supply} are held and ${retired} retired, ${tokens} by the events`);
  return VALID;
}

/** Whether market, registry and the market's own companions run the released build, as far as one block shows. */
export async function checkCode(
  look: Look,
  { market, registry, block }: { market: string; registry: string; block: number },
  release: Release,
): Promise<Verdict> {
  const writer = await addressIn(look, market, "tableWriter", block);
  const parts: Part[] = [
    ["market", market, release.market],
    ["registry", registry, release.registry],
    ["table writer", writer, release.tableWriter],
  ];
  if (release.extension !== undefined)
    parts.push(["extension", await addressIn(look, market, "extension", block), release.extension]);
  const delivery = await addressIn(look, market, "delivery", block);
  if (release.delivery !== undefined) parts.push(["delivery", delivery, release.delivery]);
  if (release.carbonCredit !== undefined)
    parts.push(["carbon contract", await addressIn(look, market, "carbonCredit", block), release.carbonCredit]);
  for (const part of parts) {
    const verdict = await codeVerdict(look, part);
    if (verdict.kind !== "valid") return verdict;
  }
  if (release.delivery === undefined || release.dueChecker === undefined) return VALID;
  // Code that is not the released one would not have to answer.
  const [checker] = await said(look, { codec: DELIVERY, address: delivery, block }, "dueChecker", []);
  return codeVerdict(look, ["due checker", checker as string, release.dueChecker]);
}

type Part = readonly [name: string, address: string, released: ReleasedCode];

async function codeVerdict(look: Look, [name, address, released]: Part): Promise<Verdict> {
  const code = await look.code(address);
  if (code === "0x") return undecided(`the code of the ${name}, ${address}`);
  if (isReleased(code, released)) return VALID;
  return invalid("notTheReleasedCode", `the ${name} ${address} runs other code than the released build`);
}

/** How many sessions were frozen and batches settled up to a block, and the last batch. */
export async function counters(look: Look, market: string, block: number) {
  const [{ sequence, ordinal, priceCap }] = await ask(look, market, block, "session");
  const [lastBatch] = await ask(look, market, block, "lastBatch");
  return {
    sequence: BigInt(sequence),
    ordinal: BigInt(ordinal),
    priceCap: BigInt(priceCap),
    lastBatch: lastBatch as string,
  };
}

export async function batchAt(look: Look, market: string, sequence: bigint, block: number): Promise<string> {
  const [batch] = await ask(look, market, block, "batchAt", sequence);
  return batch as string;
}

/** Account words, mandates and keys at the head against the events, and the market's tokens against all it owes. */
export async function checkLedger(look: Look, history: History, registry: string, block: number): Promise<Verdict> {
  const { market, nodeKeys, meterKeys, wallets, accounts, unknown, mandates } = history;
  const ids = new Set([...accounts.keys(), ...nodeKeys.keys(), ...mandates.keys()]);
  const account = await differingAccount(look, history, ids, block);
  if (account !== undefined) return undecided(`events of account ${account}: it holds something else than they say`);
  const registered = [...ids].map(async (id) => ({
    id,
    mandate: await ask(look, market, block, "registeredMandate", id),
    party: (await said(look, { codec: REGISTRY, address: registry, block }, "party", [id]))[0],
  }));
  for (const { id, mandate, party } of await Promise.all(registered)) {
    const { validUntil } = unpackLimits(mandate.limits, mandate.capacity);
    const signed = mandates.get(id);
    if ((signed?.validUntil ?? 0n) !== validUntil || (signed !== undefined && signed.nonce !== mandate.nonce))
      return undecided(`a mandate or revocation of account ${id}`);
    // The insurance fund is an account that nobody registers.
    const told = [
      ["node key", party.nodeKey, nodeKeys.get(id)],
      ["meter key", party.meterKey, meterKeys.get(id)?.at(-1)],
      ["wallet", party.wallet, wallets.get(id)],
    ] as const;
    const other = told.find(([, is, by]) => is !== (by ?? ZeroAddress));
    if (other !== undefined) return undecided(`where account ${id} got its ${other[0]}`);
  }
  if (unknown.size > 0) return VALID;
  const token = await addressIn(look, market, "token", block);
  const answer = await look.call(token, TOKEN.encodeFunctionData("balanceOf", [market]), block);
  if (answer === "0x") return undecided("the market's balance of its token");
  const held = BigInt(answer) * 1000n;
  let owed = 0n;
  for (const { deposit } of accounts.values()) owed += deposit;
  for (const tokens of history.pending.values()) owed += tokens * 1000n;
  return held < owed ? invalid("balanceShort", `${held} nano-dollars held, ${owed} owed`) : VALID;
}
