import { expect } from "chai";
import { clear } from "../../simulation/clear.ts";
import { loadScenario, takeHours } from "../../scenarios/loadScenario.ts";
import { defaultSettings, type Market } from "../scenario/market.ts";
import type { Proposal, Proposals } from "./proposal.ts";
import { proposalFaults } from "./proposalFault.ts";

describe("proposals of which one cannot be", function () {
  this.timeout(300_000);
  let market: Market;
  let proposals: Proposals;
  before(() => {
    const scenario = takeHours(loadScenario("ieee15"), 2);
    const options = { method: "anderson", trade: true, rhoScale: 1, maxIterations: 5_000 } as const;
    const cleared = clear(scenario, { ...options, market: defaultSettings(scenario) });
    ({ market } = cleared);
    ({ proposals } = cleared.outcome!);
  });

  const found = (party: number, change: (proposal: Proposal) => Partial<Proposal>) => {
    const prosumers = proposals.prosumers.with(party, {
      ...proposals.prosumers[party],
      ...change(proposals.prosumers[party]),
    });
    return proposalFaults(market, { ...proposals, prosumers }).map((fault) => [fault.party, fault.predicate]);
  };

  it("are none where all are honest", () => {
    expect(proposalFaults(market, proposals)).to.deep.equal([]);
  });

  it("name it, and nobody who trades with it", () => {
    const first = market.prosumers.findIndex((_, i) => proposals.prosumers[i].trades.length > 0);
    const needs = market.sigma[0].findIndex((sigma) => sigma > 0);
    const trading = ({ trades }: Proposal, change: (trade: Proposal["trades"][number]) => object) => ({
      trades: trades.map((trade, k) => (k === 0 ? { ...trade, ...change(trade) } : trade)),
    });
    const cases: [number, (proposal: Proposal) => Partial<Proposal>, string][] = [
      [4, ({ utilityMw }) => ({ utilityMw: utilityMw.map((mw) => mw + 0.002) }), "energyNotBalanced"],
      [4, ({ utilityMw }) => ({ utilityMw: utilityMw.slice(1) }), "misshapenProposal"],
      [first, ({ trades }) => ({ trades: trades.slice(1) }), "misshapenProposal"],
      [
        first,
        (p) => trading(p, ({ energyMw }) => ({ energyMw: energyMw.map((mw) => mw - 0.002) })),
        "energyNotBalanced",
      ],
      [first, (p) => trading(p, () => ({ energyPrice: [1e300, 0] })), "unpostable"],
      [first, (p) => trading(p, () => ({ carbonT: -1e9 })), "unpostable"],
      [4, () => ({ deskT: 1e18 }), "unpostable"],
      [needs, (p) => ({ utilityShareMw: p.utilityShareMw.map((mw) => mw + 0.002) }), "errorNotAnswered"],
    ];
    for (const [party, change, predicate] of cases)
      expect(found(party, change), predicate).to.deep.equal([[party, predicate]]);
  });
});
