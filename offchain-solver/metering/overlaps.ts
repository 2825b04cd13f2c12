/** One time counts once: which of a register's intervals stand where they overlap. */
import type { Interval } from "./intervals.ts";

/** Of intervals that overlap, those of one length; times are ms. */
type Group = { readonly own: Interval[]; knownMs: number; measuredMs: number; microWh: bigint };

/** What stands, and of which two lengths of equal worth the sums differ: the first of each pair stands. */
export type Standing = {
  readonly intervals: readonly Interval[];
  readonly contrary: readonly (readonly [stands: Interval, instead: Interval])[];
};

/**
 * Where intervals of different lengths overlap, those of the length stand that has values for more of the time; of
 * equals, the one with more of it measured; of equals, the first to come. What the others have beside them stands too.
 */
export function onceEach(all: Iterable<Interval>): Standing {
  const intervals: Interval[] = [];
  const contrary: (readonly [Interval, Interval])[] = [];
  for (const cluster of clustersOf([...all])) {
    if (cluster.length === 1) {
      intervals.push(cluster[0]);
      continue;
    }
    const groups = groupsOf(cluster);
    const [first] = groups;
    const other = groups
      .slice(1)
      .find(
        ({ knownMs, measuredMs, microWh }) =>
          knownMs > 0 && knownMs === first.knownMs && measuredMs === first.measuredMs && microWh !== first.microWh,
      );
    if (other !== undefined) contrary.push([first.own[0], other.own[0]]);
    const taken: Interval[] = [];
    for (const one of groups.flatMap(({ own }) => own))
      if (taken.every(({ startMs, endMs }) => endMs <= one.startMs || startMs >= one.endMs)) taken.push(one);
    for (const one of taken) intervals.push(one);
  }
  return { intervals, contrary };
}

/** Intervals that overlap, directly or by others, in the order in which they came. */
function clustersOf(all: readonly Interval[]): Interval[][] {
  const order = all.map((_, k) => k).sort((a, b) => all[a].startMs - all[b].startMs);
  const clusters: number[][] = [];
  let endMs = -Infinity;
  for (const k of order) {
    if (all[k].startMs >= endMs) clusters.push([]);
    clusters.at(-1)!.push(k);
    endMs = Math.max(endMs, all[k].endMs);
  }
  return clusters.map((cluster) => cluster.sort((a, b) => a - b).map((k) => all[k]));
}

function groupsOf(cluster: readonly Interval[]): Group[] {
  const groups = new Map<number, Group>();
  for (const one of cluster) {
    const lengthMs = one.endMs - one.startMs;
    const group = groups.get(lengthMs) ?? { own: [], knownMs: 0, measuredMs: 0, microWh: 0n };
    groups.set(lengthMs, group);
    group.own.push(one);
    group.microWh += one.microWh;
    if (one.quality !== "missing") group.knownMs += lengthMs;
    if (one.quality === "measured") group.measuredMs += lengthMs;
  }
  return [...groups.values()].sort((a, b) => b.knownMs - a.knownMs || b.measuredMs - a.measuredMs);
}
