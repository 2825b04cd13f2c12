/**
 * All that may leave an agent when a clearing ends. What settles is a function of proposals and of what was frozen for
 * all: no cost, no device, no load, no schedule is in here. MW, MWh, t and $ of the market, not of the units it was
 * cleared in.
 */
import * as z from "zod";
import type { Market } from "../scenario/market.ts";
import { MAX_PERIODS } from "../scenario/scenario.ts";

const series = z.array(z.number()).max(MAX_PERIODS);
const matrix = z.array(z.array(z.number()).max(65_536)).max(MAX_PERIODS);

/** What a prosumer proposes. It will be posted in the open, to rounding; its regret is a claim. */
export const ProposalSchema = z.strictObject({
  /** The pairs in which it comes first, by their index: [hour] MW that it sells, $/MWh; tCO2 that it sells, $/t. */
  trades: z
    .array(
      z.strictObject({
        pair: z.int().nonnegative(),
        energyMw: series,
        energyPrice: series,
        carbonT: z.number(),
        carbonPrice: z.number(),
      }),
    )
    .max(4096),
  /** [hour] sold to the utility, net; and response to its own error that the utility gives. */
  utilityMw: series,
  utilityShareMw: series,
  /** Allowances from the desk, net. */
  deskT: z.number(),
  /**
   * Whole grams that it can part with at most, partners and desk together: no more than it does part with, to rounding.
   */
  partsWithG: z.int(),
  /** What it could still gain at these prices, $; absent where it claims nothing. */
  regret: z.number().optional(),
  /** What its plan and its trades still differ by, $; it comes with a regret. */
  open: z.number().optional(),
});
export type Proposal = z.infer<typeof ProposalSchema>;

/**
 * What the network operator proposes: the point inside its limits that it has told everybody, and what the limits cost.
 */
export const OperatorProposalSchema = z.strictObject({
  /** [hour][prosumer] MW and Mvar injected; charge for a MWh and a Mvarh injected. */
  injectionMw: matrix,
  injectionMvar: matrix,
  nodalPrice: matrix,
  nodalReactivePrice: matrix,
  /** [hour][slot] MW, price, and the operator's charge on top (half from each side). */
  shareMw: matrix,
  sharePrice: matrix,
  shareCharge: matrix,
  /** Binding limits: what they cost, $ per p.u.^2 or MVA of each image component (centre, then spread). */
  limits: z.array(
    z.strictObject({ hour: z.int().nonnegative(), limit: z.int().nonnegative(), multiplier: z.array(z.number()) }),
  ),
});
export type OperatorProposal = z.infer<typeof OperatorProposalSchema>;

/** Everybody's, by prosumer index. */
export type Proposals = { readonly operator: OperatorProposal; readonly prosumers: readonly Proposal[] };

/** What the pairs agreed on: [pair][hour] and [pair], of the first's sales. */
export type PairTrades = {
  readonly energyMw: readonly Float64Array[];
  readonly energyPrice: readonly Float64Array[];
  readonly carbonT: Float64Array;
  readonly carbonPrice: Float64Array;
};

export function agreedTrades(market: Market, prosumers: readonly Proposal[]): PairTrades {
  const { pairs, hours } = market;
  const agreed = {
    energyMw: pairs.map(() => new Float64Array(hours)),
    energyPrice: pairs.map(() => new Float64Array(hours)),
    carbonT: new Float64Array(pairs.length),
    carbonPrice: new Float64Array(pairs.length),
  };
  prosumers.forEach(({ trades }) =>
    trades.forEach(({ pair, energyMw, energyPrice, carbonT, carbonPrice }) => {
      agreed.energyMw[pair].set(energyMw);
      agreed.energyPrice[pair].set(energyPrice);
      agreed.carbonT[pair] = carbonT;
      agreed.carbonPrice[pair] = carbonPrice;
    }),
  );
  return agreed;
}

/** The same of one prosumer's. */
export function misshapenProposal(
  { hours, pairs, pairsOf }: Market,
  i: number,
  { trades, utilityMw, utilityShareMw }: Proposal,
): string | undefined {
  const first = pairsOf[i].filter((pair) => pairs[pair][0] === i);
  if (trades.length !== first.length || trades.some(({ pair }, k) => pair !== first[k])) return "not its pairs";
  const rows = [utilityMw, utilityShareMw, ...trades.flatMap((trade) => [trade.energyMw, trade.energyPrice])];
  return rows.some((row) => row.length !== hours) ? `not ${hours} periods` : undefined;
}

/** The first thing in proposals that does not have the shape which the frozen market gives them; undefined: none. */
export function misshapen(market: Market, { operator, prosumers }: Proposals): string | undefined {
  const n = market.prosumers.length;
  if (prosumers.length !== n) return `${prosumers.length} proposals of ${n}`;
  for (const [i, proposal] of prosumers.entries()) {
    const wrong = misshapenProposal(market, i, proposal);
    if (wrong !== undefined) return `prosumer ${market.prosumers[i].id}: ${wrong}`;
  }
  const wrong = misshapenOperator(market, operator);
  return wrong === undefined ? undefined : `the operator: ${wrong}`;
}

export function misshapenOperator(market: Market, operator: OperatorProposal): string | undefined {
  const { hours } = market;
  const n = market.prosumers.length;
  const { injectionMw, injectionMvar, nodalPrice, nodalReactivePrice, shareMw, sharePrice, shareCharge } = operator;
  const fits = (rows: number[][], width: (hour: number) => number): boolean =>
    rows.length === hours && rows.every((row, t) => row.length === width(t));
  if (![injectionMw, injectionMvar, nodalPrice, nodalReactivePrice].every((rows) => fits(rows, () => n)))
    return "not every injection";
  if (![shareMw, sharePrice, shareCharge].every((rows) => fits(rows, (t) => market.shares[t].length)))
    return "not every share";
  return undefined;
}
