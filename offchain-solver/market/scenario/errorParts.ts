import type { Prosumer, Scenario } from "./scenario.ts";

/** A part of a prosumer's forecast error: so many MW times the error of one source, p.u. of rating. */
export type ErrorPart = { readonly ratingMw: number; readonly source: number };

/**
 * What a prosumer's forecast error is the sum of: its renewable's and its load's, either if it has one. More than
 * forecast is positive as it is injected, so a source of loads errs upwards where less is drawn.
 */
export function errorParts({ renewable, load }: Pick<Prosumer, "renewable" | "load">): ErrorPart[] {
  const { errorMw, errorSource } = load;
  return [
    ...(renewable ? [{ ratingMw: renewable.ratingMw, source: renewable.source }] : []),
    ...(errorMw !== undefined && errorSource !== undefined ? [{ ratingMw: errorMw, source: errorSource }] : []),
  ];
}

/** [column of `uncertain`] parts of the error of who stands there. */
export function uncertainParts({ prosumers, uncertainty }: Pick<Scenario, "prosumers" | "uncertainty">): ErrorPart[][] {
  const byId = new Map(prosumers.map((prosumer) => [prosumer.id, prosumer]));
  return uncertainty.uncertain.map((id) => {
    const parts = errorParts(byId.get(id)!);
    if (parts.length === 0) throw new Error(`prosumer ${id} is uncertain, and nothing of it errs`);
    return parts;
  });
}

/** MW that a prosumer injects more than forecast where the sources err by `sample`, p.u. of rating. */
export const errorMwOf = (parts: readonly ErrorPart[], sample: readonly number[]): number =>
  parts.reduce((sum, { ratingMw, source }) => sum + ratingMw * sample[source], 0);
