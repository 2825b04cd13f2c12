import type { ConicModel, Terms } from "../numerics/conicModel.ts";
import { GROUP } from "./formulate.ts";
import type { Market } from "./market.ts";
import { limitRow, riskLevel, type Network } from "./network.ts";
import { type Affine, addTwoSided } from "./risk/tsDrcc.ts";

/** The hour's variables that a network limit acts on: P and Q by prosumer, share slots (MW). */
export type HourVariables = {
  readonly p: ArrayLike<number>;
  readonly q: ArrayLike<number>;
  readonly shares: ArrayLike<number>;
};

/**
 * One network limit of one hour as an affine image of the hour's variables, laid out P, Q, shares: row 0 is the centre, the others the
 * spread over the error factor (none without network risk), with their constants.
 */
export type LimitRows = { readonly rows: readonly Float64Array[]; readonly constant: Float64Array };

export function limitRows(market: Market, network: Network, hour: number, limit: number): LimitRows {
  const row = limitRow(network, limit);
  const n = row.p.length;
  const error = market.error[hour];
  const slots = market.shares[hour];
  const size = 2 * n + slots.length;
  const centre = new Float64Array(size);
  centre.set(row.p);
  centre.set(row.q, n);
  const rows = [centre];
  const constant = [row.offset];
  const uncertain = error.flatMap((column, j) => (column.length > 0 ? [j] : []));
  if (market.settings.networkRisk && uncertain.length > 0)
    for (let k = 0; k < error[uncertain[0]].length; k++) {
      const spread = new Float64Array(size);
      let any = false;
      slots.forEach(({ seller, buyer }, s) => {
        const perMw = 1 / (market.halfWidth[hour] * market.sigma[hour][buyer]);
        spread[2 * n + s] = -row.p[seller] * error[buyer][k] * perMw;
        any ||= spread[2 * n + s] !== 0;
      });
      const fixed = uncertain.reduce((sum, j) => sum + row.p[j] * error[j][k], 0);
      if (!any && fixed === 0) continue;
      rows.push(spread);
      constant.push(fixed);
    }
  return { rows, constant: Float64Array.from(constant) };
}

/** Adds one two-sided network limit of one hour: a chance constraint, or a hard limit on the forecast point. */
export function addNetworkLimit(
  model: ConicModel,
  market: Market,
  network: Network,
  hour: number,
  limit: number,
  variables: HourVariables,
  /** A variable that widens the limit on both sides, to find out what an infeasible session lacks. */
  slack?: number,
): void {
  const widened: Terms = slack === undefined ? [] : [[slack, 1]];
  const { rows, constant } = limitRows(market, network, hour, limit);
  const n = variables.p.length;
  const variableAt = (k: number): number =>
    k < n ? variables.p[k] : k < 2 * n ? variables.q[k - n] : variables.shares[k - 2 * n];
  const [centre, ...spread] = rows.map((row, r): Affine => {
    const terms: (readonly [number, number])[] = [];
    row.forEach((c, k) => {
      if (c !== 0) terms.push([variableAt(k), c]);
    });
    return { terms, constant: constant[r] };
  });
  const level = riskLevel(market, hour);
  model.group = GROUP.network;
  addTwoSided(
    model,
    {
      centre,
      spread,
      coefficients:
        level.meanRadius > 0 || level.stdRadius > 0 ? errorCoefficients(market, network, hour, limit, variables) : [],
      lower: { terms: widened.map(([x, c]) => [x, -c] as const), constant: network.lower[limit] },
      upper: { terms: widened, constant: network.upper[limit] },
    },
    level,
  );
}

/** What the limit moves by per MW of each prosumer's error: needed for the radii of estimated moments only. */
function errorCoefficients(
  market: Market,
  network: Network,
  hour: number,
  limit: number,
  variables: HourVariables,
): Affine[] {
  if (!market.settings.networkRisk) return [];
  const row = limitRow(network, limit);
  return market.error[hour].flatMap((column, j) =>
    column.length === 0
      ? []
      : [
          {
            terms: market.shares[hour].flatMap(({ seller, buyer }, s) =>
              buyer === j
                ? [
                    [
                      variables.shares[s],
                      -row.p[seller] / (market.halfWidth[hour] * market.sigma[hour][buyer]),
                    ] as const,
                  ]
                : [],
            ),
            constant: row.p[j],
          },
        ],
  );
}
