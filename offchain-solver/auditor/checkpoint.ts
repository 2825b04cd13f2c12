/** Where an audit stopped, as text: the auditor's own, so that a year of sessions is read once. */
import { getBytes, hexlify, id, isHexString } from "ethers";
import type { Standing } from "./audit.ts";

/** Raised where what is kept changes its meaning, and where a verdict would be another. */
const VERSION = 8;

/** `hash`: keccak256 of what stands in `standing`, so that a file that was damaged or edited is none. */
type Kept = {
  readonly version: number;
  readonly about: string;
  readonly hash: string;
  readonly standing: unknown;
};

/** `about`: chain, market and build that it holds for. */
export function written(standing: Standing, about: string): string {
  const spelt = JSON.stringify(standing, (_, value: unknown) => {
    if (typeof value === "bigint") return { $bigint: `${value}` };
    if (value instanceof Map) return { $map: [...value] };
    if (value instanceof Set) return { $set: [...value] };
    if (value instanceof Uint8Array) return { $bytes: hexlify(value) };
    return value;
  });
  const kept: Kept = { version: VERSION, about, hash: id(spelt), standing: JSON.parse(spelt) };
  return JSON.stringify(kept);
}

/** Whether nothing was left open: what was missing then may be there when it is read again. */
export function isDecided({ sessions, history }: Standing): boolean {
  const { entries, credits, posted } = history;
  const verdicts = [
    ...[...sessions, ...[...entries.entered.values()].flat(), ...credits.issued].map(({ verdict }) => verdict),
    ...[posted, credits.wrong].filter((verdict) => verdict !== undefined),
  ];
  return verdicts.every(({ kind }) => kind !== "undecided");
}

/** undefined where the text is of something else, or not whole: then everything is read again. */
export function restored(text: string, about: string): Standing | undefined {
  try {
    const kept = JSON.parse(text) as Kept | null;
    if (kept?.version !== VERSION || kept.about !== about || kept.standing === undefined) return undefined;
    const spelt = JSON.stringify(kept.standing);
    if (id(spelt) !== kept.hash) return undefined;
    return JSON.parse(spelt, (_, value: unknown) =>
      typeof value === "object" && value !== null ? revived(value as Record<string, unknown>) : value,
    ) as Standing;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

/** What `written` spelt in an object's place. Throws SyntaxError on what it cannot have. */
function revived(value: Record<string, unknown>): unknown {
  const { $bigint, $map, $set, $bytes } = value;
  const odd = (): SyntaxError => new SyntaxError(`${JSON.stringify(value).slice(0, 40)} was not kept by an audit`);
  if ($bigint !== undefined) {
    if (typeof $bigint !== "string") throw odd();
    return BigInt($bigint);
  }
  if ($map !== undefined) {
    if (!Array.isArray($map) || !$map.every((entry) => Array.isArray(entry) && entry.length === 2)) throw odd();
    return new Map($map as [unknown, unknown][]);
  }
  if ($set !== undefined) {
    if (!Array.isArray($set)) throw odd();
    return new Set<unknown>($set);
  }
  if ($bytes !== undefined) {
    if (!isHexString($bytes) || $bytes.length % 2 === 1) throw odd();
    return getBytes($bytes);
  }
  return value;
}
