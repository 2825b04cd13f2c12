/** Where an audit stopped, as text: the auditor's own, so that a year of sessions is read once. */
import { hexlify, getBytes } from "ethers";
import type { Standing } from "./audit.ts";

/** Raised where what is kept changes its meaning. */
const VERSION = 1;

type Kept = { readonly version: number; readonly about: string; readonly standing: Standing };

/** `about`: chain, market and build that it holds for. */
export function written(standing: Standing, about: string): string {
  const kept: Kept = { version: VERSION, about, standing };
  return JSON.stringify(kept, (_, value: unknown) => {
    if (typeof value === "bigint") return { $bigint: `${value}` };
    if (value instanceof Map) return { $map: [...value] };
    if (value instanceof Set) return { $set: [...value] };
    if (value instanceof Uint8Array) return { $bytes: hexlify(value) };
    return value;
  });
}

/** undefined where the text is of something else, or not whole: then everything is read again. */
export function restored(text: string, about: string): Standing | undefined {
  try {
    const kept = JSON.parse(text, (_, value: unknown) => {
      if (typeof value !== "object" || value === null) return value;
      const { $bigint, $map, $set, $bytes } = value as Record<string, never>;
      if ($bigint !== undefined) return BigInt($bigint);
      if ($map !== undefined) return new Map($map);
      if ($set !== undefined) return new Set($set);
      if ($bytes !== undefined) return getBytes($bytes);
      return value;
    }) as Kept;
    return kept.version === VERSION && kept.about === about ? kept.standing : undefined;
  } catch {
    return undefined;
  }
}
