import { agreedTrades, type Proposals } from "../market/result/proposal.ts";
import type { Solution } from "../market/result/solution.ts";
import type { Market } from "../market/scenario/market.ts";
import type { ConsensusResult } from "./consensus.ts";
import { endOf, operatorEnd, type End } from "./proposal.ts";

/**
 * What a simulation has in hand, since all parties live in it: everybody's proposals, and what each party would keep.
 */
export type Cleared = {
  readonly proposals: Proposals;
  /** [prosumer] what its owner reads of its own agent. */
  readonly ends: readonly End[];
  readonly solution: Solution;
  /**
   * f(y) + rho u'(y - z), $: the Lagrangian at the final iterate, of which regrets measure the distance to the dual.
   */
  readonly objective: number;
  /**
   * [prosumer] what its own best response could still gain at these prices, $. They add up to the duality gap: the
   * operator's own is zero, u being normal to its set at z.
   */
  readonly regrets: Float64Array;
};

/**
 * Every party's end, each from its own agent, and the cleared point that proposals and private records make together.
 */
export function assemble(market: Market, result: ConsensusResult): Cleared {
  const ends = result.prosumers.map((state) => endOf(market, state));
  const proposals = { operator: operatorEnd(market, result.operator), prosumers: ends.map(({ proposal }) => proposal) };
  return {
    proposals,
    ends,
    solution: solutionOf(market, proposals, ends),
    objective: ends.reduce((sum, { objective }) => sum + objective, 0),
    regrets: Float64Array.from(ends, ({ regret }) => regret),
  };
}

/** Trades, injections and prices as proposed, with the parties' own schedules. */
export function solutionOf(
  market: Market,
  { operator, prosumers }: Proposals,
  ends: readonly Pick<End, "schedule" | "priceMu">[],
): Solution {
  const rows = (matrix: readonly (readonly number[])[]): Float64Array[] => matrix.map((row) => Float64Array.from(row));
  return {
    ...agreedTrades(market, prosumers),
    schedules: ends.map(({ schedule }) => schedule),
    injectionMw: rows(operator.injectionMw),
    injectionMvar: rows(operator.injectionMvar),
    shareMw: rows(operator.shareMw),
    sharePrice: rows(operator.sharePrice),
    shareCharge: rows(operator.shareCharge),
    nodalPrice: rows(operator.nodalPrice),
    nodalReactivePrice: rows(operator.nodalReactivePrice),
    priceMu: Float64Array.from(ends, ({ priceMu }) => priceMu),
  };
}
