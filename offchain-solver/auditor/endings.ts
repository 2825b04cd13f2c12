/** Connections that end: as events tell of them, and as the contract keeps them. */
import type { Look } from "../chain/look.ts";
import * as Words from "./words.ts";

/** The account has no row of sessions that begin from `from` on and before the time of the block `followedIn`. */
export type Ending = {
  readonly id: number;
  readonly from: bigint;
  /** Where another connection of it was registered. */
  readonly followedIn?: number;
};

const openOf = (endings: readonly Ending[], id: number): number =>
  endings.findIndex((one) => one.id === id && one.followedIn === undefined);

/** A wallet ends its connection; a second time that changes nothing. */
export function end(endings: Ending[], id: number, from: bigint): void {
  if (openOf(endings, id) < 0) endings.push({ id, from });
}

/** Another one is registered. */
export function goOn(endings: Ending[], id: number, block: number): void {
  const k = openOf(endings, id);
  if (k >= 0) endings[k] = { ...endings[k], followedIn: block };
}

/** Who has no row of a session that begins at `start`; undefined where a block's time is not to be had. */
export async function endedFor(
  look: Look,
  endings: readonly Ending[],
  start: bigint,
): Promise<ReadonlySet<number> | undefined> {
  const ended = new Set<number>();
  for (const { id, from, followedIn } of endings) {
    if (from > start) continue;
    const until = followedIn === undefined ? undefined : await look.block(followedIn);
    if (followedIn !== undefined && until === undefined) return undefined;
    if (until === undefined || start < until.timestamp) ended.add(id);
  }
  return ended;
}

/** The first that the contract has otherwise than the events. */
export async function hiddenEnding(at: Words.At, endings: readonly Ending[]): Promise<string | undefined> {
  for (let k = 0; k <= endings.length; k++) {
    const known = endings[k];
    const held = await Words.endingAt(at, k);
    const said = known ?? { id: 0, from: 0n };
    const until = known?.followedIn === undefined ? 0n : (await at.look.block(known.followedIn))?.timestamp;
    if (held.id !== said.id || held.from !== said.from || held.until !== until)
      return `what ended connections, of account ${held.id || said.id}`;
  }
  return undefined;
}
