/**
 * Proposals that cannot be, whoever looks: of another shape than the frozen market gives them, or without the balance
 * that every party's own devices keep. Found before integers are made of them, and of the same proposals by everybody.
 */
import type { Market } from "../scenario/market.ts";
import { PRICE_UNITS, UNITS } from "./clearingResult.ts";
import { agreedTrades, misshapenProposal, type Proposal, type Proposals } from "./proposal.ts";
import { verifyTolerance } from "./verify.ts";

export type ProposalFault = {
  /** Into the market's prosumers. */
  readonly party: number;
  readonly predicate: "misshapenProposal" | "unpostable" | "energyNotBalanced" | "errorNotAnswered";
  readonly detail: string;
};

/** A clearing leaves a party's plan and its trades apart by its tolerance; verifying takes as much of the whole. */
const SLACK = 10;

/** Each party once; the operator's proposal has its shape. */
export function proposalFaults(market: Market, proposals: Proposals): ProposalFault[] {
  const { prosumers } = proposals;
  const misshapen = prosumers.flatMap((proposal, party): ProposalFault[] => {
    const detail = misshapenProposal(market, party, proposal);
    if (detail !== undefined) return [{ party, predicate: "misshapenProposal", detail }];
    const beyond = beyondUnits(market, proposal);
    return beyond === undefined ? [] : [{ party, predicate: "unpostable", detail: beyond }];
  });
  if (misshapen.length > 0) return misshapen;
  const most = (SLACK * verifyTolerance(market).watts) / UNITS;
  const energy = unbalanced(market, proposals, most);
  const faults = [...energy, ...unanswered(market, proposals, most)];
  // Whoever comes first in a pair has stated its trade: the second is out of balance with it.
  const stated = new Set(energy.map(({ party }) => party));
  const second = ({ party }: ProposalFault): boolean =>
    market.pairsOf[party].some((pair) => market.pairs[pair][1] === party && stated.has(market.pairs[pair][0]));
  return faults.filter((fault, k) => !second(fault) && faults.findIndex(({ party }) => party === fault.party) === k);
}

/** Quantities and prices as wide as a posted line's fields, and not one unit more. */
const MOST_UNITS = 0xffff_ffff;
const MOST_PRICE = 0x7f_ffff;

function beyondUnits({ dt }: Market, { trades, utilityMw, utilityShareMw, deskT }: Proposal): string | undefined {
  const quantities = [...trades.flatMap(({ energyMw }) => energyMw), ...utilityMw].map((mw) => mw * dt);
  quantities.push(...utilityShareMw, ...trades.map(({ carbonT }) => carbonT), deskT);
  const prices = trades.flatMap(({ energyPrice, carbonPrice }) => [...energyPrice, carbonPrice]);
  const large = quantities.find((quantity) => !(Math.abs(quantity) * UNITS <= MOST_UNITS));
  if (large !== undefined) return `${large} MWh, MW or t: more than a line can hold`;
  const dear = prices.find((price) => !(Math.abs(price) * PRICE_UNITS <= MOST_PRICE));
  return dear === undefined ? undefined : `${dear} $/MWh or $/t: more than a line can hold`;
}

/** What it sells to partners and the utility, against what the operator takes from it. */
function unbalanced(market: Market, { operator, prosumers }: Proposals, most: number): ProposalFault[] {
  const { energyMw } = agreedTrades(market, prosumers);
  return prosumers.flatMap(({ utilityMw }, party): ProposalFault[] => {
    for (let t = 0; t < market.hours; t++) {
      let sold = utilityMw[t];
      for (const pair of market.pairsOf[party]) sold += (market.pairs[pair][0] === party ? 1 : -1) * energyMw[pair][t];
      const injected = operator.injectionMw[t][party];
      if (!(Math.abs(sold - injected) <= most))
        return [
          { party, predicate: "energyNotBalanced", detail: `period ${t}: ${sold} MW sold, ${injected} injected` },
        ];
    }
    return [];
  });
}

/** What answers its forecast error, against what has to. */
function unanswered(market: Market, { operator, prosumers }: Proposals, most: number): ProposalFault[] {
  return prosumers.flatMap(({ utilityShareMw }, party): ProposalFault[] => {
    for (let t = 0; t < market.hours; t++) {
      const need = market.halfWidth[t] * market.sigma[t][party];
      let answered = utilityShareMw[t];
      market.shares[t].forEach(({ buyer }, slot) => {
        if (buyer === party) answered += operator.shareMw[t][slot];
      });
      if (!(Math.abs(answered - need) <= most))
        return [{ party, predicate: "errorNotAnswered", detail: `period ${t}: ${answered} MW of ${need}` }];
    }
    return [];
  });
}
