import type { Residual, Settings } from "../settings.ts";

/** What penalties may become, over the settings'. */
const [LEAST, MOST] = [1e-3, 1e3];

/** A commodity's penalty changes by this factor at most, and where its residual is a tenth of the largest or more. */
const BALANCE = { most: 5, from: 0.1 } as const;

/** All penalties by one of these after every balancing: three times down, back, and once more. */
const FACTORS = [0.3, 0.3, 10, 10, 0.1] as const;

/** For fixed penalties the iteration converges: after so many changes they stay. */
const MOST_CHANGES = 64;

/** [commodity] penalties over the settings', and how often they have changed. */
export type RhoScale = { readonly scale: Float64Array; readonly changes: number };

/**
 * Other penalties for iterates that stand still. First those whose residuals lean to one side: where plans and trades
 * agree less than prices do, both over their tolerances, a higher penalty moves the price sooner, and the other way
 * round. Then all together, because where both stand at one height the residuals do not say which way is better; not
 * up where `mayRise` knows better. residuals: [commodity].
 */
export function nextPenalties(
  { scale, changes }: RhoScale,
  residuals: readonly Residual[],
  mayRise = true,
): RhoScale | undefined {
  if (changes >= MOST_CHANGES) return undefined;
  const largest = residuals.reduce((most, { primal, dual }) => Math.max(most, primal, dual), 0);
  const factor = ({ primal, dual }: Residual): number => {
    if (changes % 2 === 1) {
      const all = FACTORS[((changes - 1) / 2) % FACTORS.length];
      return all > 1 && !mayRise ? FACTORS[0] : all;
    }
    if (Math.max(primal, dual) < BALANCE.from * largest || !(primal > 0 && dual > 0)) return 1;
    return Math.min(BALANCE.most, Math.max(1 / BALANCE.most, Math.sqrt(primal / dual)));
  };
  return {
    scale: scale.map((value, c) => Math.min(MOST, Math.max(LEAST, value * factor(residuals[c])))),
    changes: changes + 1,
  };
}

/**
 * All penalties lower, where claims say that prices are not near enough and quantities nearer than they have to be:
 * where only kappa says how much is whose, iterates go kappa / rho of the way. `room`: what is open over what may be.
 * Like a balancing and what follows it, it counts as two changes.
 */
export function lowerPenalties({ scale, changes }: RhoScale, room: number): RhoScale | undefined {
  if (changes >= MOST_CHANGES) return undefined;
  const factor = Math.max(1 / BALANCE.most, room);
  return { scale: scale.map((value) => Math.max(LEAST, value * factor)), changes: changes + 2 };
}

export const penaltiesAt = ({ rho }: Pick<Settings, "rho">, scale: Float64Array): Float64Array =>
  rho.map((value, c) => value * scale[c]);

/** Whether penalties may become these multiples of a session's. */
export const isRhoScale = (scale: unknown, { rho }: Pick<Settings, "rho">): boolean =>
  scale instanceof Float64Array &&
  scale.length === rho.length &&
  scale.every((value) => value >= LEAST && value <= MOST);
