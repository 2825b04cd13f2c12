/** The table of mandates that a session was frozen with, read from the code that holds it. */
import { getBytes } from "ethers";
import type { Look } from "../chain/look.ts";
import { isIllFormed } from "../codec/foreign.ts";
import { baseOf, decodeTable, type FrozenEntry } from "../codec/frozenTable.ts";
import type { GridModel } from "../codec/gridModel.ts";
import type { FrozenLimits } from "../codec/typedData.ts";
import { EMPTY, SYSTEM_ID } from "../ledger/settlementModel.ts";
import { NANO_PER_TOKEN, type FrozenSession, type History } from "./history.ts";

/** More allowances than any session moves: of an account of which they are not known. */
const ENOUGH_CARBON = 1n << 50n;

/** The mandates of the open session, from the code that holds them; a string names what is missing. */
export async function tableOf(look: Look, pointer: string | undefined): Promise<Map<number, FrozenEntry> | string> {
  if (pointer === undefined) return "the event of the table of mandates";
  const code = async (address: string): Promise<Uint8Array> => getBytes(await look.code(address)).subarray(1);
  const bytes = await code(pointer);
  if (bytes.length === 0) return `the code of the table of mandates, ${pointer}`;
  try {
    const base = baseOf(bytes);
    return base === undefined ? decodeTable(bytes) : decodeTable(await code(base), bytes);
  } catch (error) {
    if (!(isIllFormed(error) || error instanceof SyntaxError)) throw error;
    return `the whole code of the table of mandates, ${pointer}`;
  }
}

/** What of a mandate the table of a session holds. */
const FIELDS = [
  "maxBuy",
  "minSell",
  "maxBuyW",
  "maxSellW",
  "minReservePrice",
  "maxReservePrice",
  "maxReserveW",
  "maxCarbonPrice",
  "minCarbonPrice",
  "maxCarbonG",
  "maxSpendPerDay",
  "validUntil",
] as const;

/**
 * The table that the open session was frozen with holds who takes part and within which limits. It must be what the
 * events before the freeze make of it: otherwise a mandate or its end was not seen.
 */
export function takeTable(history: History, table: ReadonlyMap<number, FrozenEntry>): void {
  const { session } = history;
  if (session === undefined) return;
  const { terms, mandates } = session;
  const end = terms.start + BigInt(terms.periods * terms.periodSeconds);
  history.limits.clear();
  for (const [id, entry] of table) {
    const mandate = mandates.get(id);
    const covers = (limits: FrozenLimits | undefined): limits is FrozenLimits =>
      limits !== undefined && limits.validUntil >= end;
    const same =
      covers(mandate) === covers(entry) && (!covers(entry) || FIELDS.every((k) => entry[k] === mandate?.[k]));
    if (!same) session.doubt ??= `a mandate of account ${id}`;
    if (!covers(entry)) continue;
    history.limits.set(id, entry);
    // Of whom something was not seen no balance is known: enough of everything for what the mandate allows.
    if (history.unknown.has(id)) {
      const known = { ...EMPTY, deposit: entry.maxSpendPerDay * NANO_PER_TOKEN, carbon: ENOUGH_CARBON };
      history.accounts.set(id, known);
    }
  }
}

/** Who has a mandate for the whole session and a place, and is not in the table: it was not read whole. */
export function absentFrom(
  { terms, mandates }: FrozenSession,
  table: ReadonlyMap<number, FrozenEntry>,
  grid: GridModel,
): number | undefined {
  const placed = new Set(grid.prosumers.map(({ id }) => id));
  const end = terms.start + BigInt(terms.periods * terms.periodSeconds);
  return [...mandates]
    .filter(([id, { validUntil }]) => validUntil >= end && (id >= SYSTEM_ID || placed.has(id)))
    .map(([id]) => id)
    .find((id) => !table.has(id));
}
