import type { ConicModel, Terms } from "../../numerics/conicModel.ts";
import { GROUP } from "./hour.ts";
import type { Market } from "../scenario/market.ts";
import { limitRow, riskLevel, standingImage, type Network } from "./network.ts";
import { type Affine, addTwoSided } from "../risk/tsDrcc.ts";

/** The hour's variables that a network limit acts on: P and Q by prosumer, share slots (MW). */
export type HourVariables = {
  readonly p: ArrayLike<number>;
  readonly q: ArrayLike<number>;
  readonly shares: ArrayLike<number>;
};

/**
 * One network limit of one hour as an affine image of the hour's variables, laid out P, Q, shares: row 0 is the centre,
 * the others the spread over the error factor (none without network risk), with their constants.
 */
export type LimitRows = { readonly rows: readonly Float64Array[]; readonly constant: Float64Array };

/**
 * Prosumers and the hour's share slots that rows are written over. A limit's area is enough: it has no coefficient
 * outside.
 */
export type Part = { readonly prosumers: Int32Array; readonly slots: Int32Array };

/** The rows over everybody, or over `part` alone in its own order. */
export function limitRows(market: Market, network: Network, hour: number, limit: number, part?: Part): LimitRows {
  const members = part?.prosumers ?? Int32Array.from(network.busOf, (_, i) => i);
  const slots = part ? Array.from(part.slots, (s) => market.shares[hour][s]) : market.shares[hour];
  const row = limitRow(
    network,
    limit,
    members.map((i) => network.busOf[i]),
  );
  const n = members.length;
  const placeOf = new Map(Array.from(members, (i, k) => [i, k]));
  const seller = Int32Array.from(slots, (slot) => placeOf.get(slot.seller) as number);
  const perMw = Float64Array.from(slots, ({ buyer }) => 1 / (market.halfWidth[hour] * market.sigma[hour][buyer]));
  const size = 2 * n + slots.length;
  const centre = new Float64Array(size);
  centre.set(row.p);
  centre.set(row.q, n);
  const rows = [centre];
  const constant = [row.offset + standingImage(network, hour, limit)];
  const error = Array.from(members, (i) => market.error[hour][i]);
  const answered = slots.map(({ buyer }) => market.error[hour][buyer]);
  const uncertain = [...error.keys()].filter((k) => error[k].length > 0);
  // All errors of the hour have columns of one length; a part may answer errors and have none of its own.
  const depth = (uncertain.length > 0 ? error[uncertain[0]] : answered[0])?.length ?? 0;
  if (market.settings.networkRisk)
    for (let k = 0; k < depth; k++) {
      const spread = new Float64Array(size);
      let any = false;
      for (let s = 0; s < slots.length; s++) {
        spread[2 * n + s] = -row.p[seller[s]] * answered[s][k] * perMw[s];
        any ||= spread[2 * n + s] !== 0;
      }
      const fixed = uncertain.reduce((sum, j) => sum + row.p[j] * error[j][k], 0);
      if (!any && fixed === 0) continue;
      rows.push(spread);
      constant.push(fixed);
    }
  return { rows, constant: Float64Array.from(constant) };
}

/** One of the network's limits in one hour. */
export type LimitAt = {
  readonly hour: number;
  readonly limit: number;
  /** A variable that widens the limit on both sides, to find out what an infeasible session lacks. */
  readonly slack?: number | undefined;
};

/** Adds one two-sided network limit of one hour: a chance constraint, or a hard limit on the forecast point. */
export function addNetworkLimit(
  model: ConicModel,
  market: Market,
  network: Network,
  { hour, limit, slack }: LimitAt,
  variables: HourVariables,
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
              buyer === j && row.p[seller] !== 0
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
