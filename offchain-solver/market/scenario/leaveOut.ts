/**
 * A session without some who were invited: they trade nothing, and their buses carry the default profile that the terms
 * state for them. What their forecasts' errors would move is not covered: a default profile is a figure and no
 * forecast.
 */
import type { PublicScenario } from "./publicScenario.ts";
import type { Scenario } from "./scenario.ts";

/**
 * The public scenario of those who are left, for all the same. The size of the market is that of its members, so it
 * follows. Throws where nobody is left.
 */
export function leaveOut(open: PublicScenario, ids: Iterable<number>): PublicScenario {
  const out = new Set(ids);
  const prosumers = open.prosumers.filter(({ id }) => !out.has(id));
  if (prosumers.length === open.prosumers.length) return open;
  if (prosumers.length === 0) throw new RangeError(`${open.name}: nobody is left`);
  const standing = open.prosumers
    .filter(({ id }) => out.has(id))
    .map(({ id, bus, fallback }) => ({ id, bus, mw: fallback.mw, mvar: fallback.mvar }));
  return {
    ...open,
    prosumers,
    pairs: open.pairs.filter(([a, b]) => !out.has(a) && !out.has(b)),
    uncertainty: withoutErrors(open.uncertainty, out),
    standing: [...(open.standing ?? []), ...standing].sort((a, b) => a.id - b.id),
  };
}

/** Columns of the error factor belong to members; the rows, days, stay. */
function withoutErrors<U extends Pick<Scenario["uncertainty"], "uncertain" | "factor" | "joint">>(
  uncertainty: U,
  out: ReadonlySet<number>,
): U {
  const kept = uncertainty.uncertain.map((id) => !out.has(id));
  const here = <T>(row: readonly T[]): T[] => row.filter((_, column) => kept[column]);
  const place = uncertainty.uncertain.map((_, column) => here(kept.slice(0, column)).length);
  const columns = uncertainty.joint?.column;
  const partsHere = <T>(parts: readonly T[]): T[] =>
    columns === undefined ? here(parts) : parts.filter((_, k) => kept[columns[k]]);
  return {
    ...uncertainty,
    uncertain: here(uncertainty.uncertain),
    factor: uncertainty.factor.map((rows) => rows.map(here)),
    ...(uncertainty.joint && {
      joint: {
        ...uncertainty.joint,
        ratingMw: partsHere(uncertainty.joint.ratingMw),
        source: partsHere(uncertainty.joint.source),
        ...(columns && { column: partsHere(columns).map((column) => place[column]) }),
      },
    }),
  };
}

/** The session of exactly those `participants`, whoever else was invited. */
export function sessionOf(open: PublicScenario, participants: Iterable<number>): PublicScenario {
  const taking = new Set(participants);
  return leaveOut(
    open,
    open.prosumers.map(({ id }) => id).filter((id) => !taking.has(id)),
  );
}
