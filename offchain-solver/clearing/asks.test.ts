import { expect } from "chai";
import { createMarket, defaultSettings } from "../market/scenario/market.ts";
import { CERTIFICATE } from "../market/result/certificate.ts";
import { createNetwork } from "../market/formulation/network.ts";
import { memoryTransport } from "../net/memoryTransport.ts";
import { clarabelSolver } from "../numerics/clarabelNode.ts";
import { loadScenario, takeHours } from "../scenarios/loadScenario.ts";
import { REGRET, TURNOVER, type Claim } from "./claim.ts";
import { runConsensus, type Carrier } from "./consensus.ts";
import type { Message } from "./message.ts";
import { DEFAULT_SETTINGS } from "./settings.ts";

const market = (() => {
  const scenario = takeHours(loadScenario("ieee15"), 1);
  return createMarket(scenario, defaultSettings(scenario));
})();

/** Clears an hour in which everybody claims what `claim` makes of it; with the iterations at which it was asked. */
function clearing(claim: (own: Claim, iteration: number) => void) {
  const transport = memoryTransport<Message>();
  const asks: number[] = [];
  const carrier: Carrier = {
    join: (self, party) => {
      const link = transport.join(self, party);
      const send = (to: number, message: Message): void => {
        if (message.kind === "offer" && message.claim) claim(message.claim, message.iteration);
        if (message.kind === "grid" && (message.ask === "regret" || message.ask === "unmoved") && to === 0)
          asks.push(message.iteration);
        link.send(to, message);
      };
      return { send, setTimer: (afterMs) => link.setTimer(afterMs) };
    },
    run: (over) => transport.run(over),
  };
  const settings = { ...DEFAULT_SETTINGS, maxIterations: 1000 };
  const result = runConsensus(market, createNetwork(market), settings, { solver: clarabelSolver, carrier });
  return { ...result, asks, gaps: asks.slice(1).map((at, k) => at - asks[k]) };
}

describe("claims", function () {
  this.timeout(60_000);
  const [SLOWLY, FROM] = [0.97, 60];
  /** Regrets of so many times what certifies, ever less. */
  const excess = (iteration: number): number => 30 * SLOWLY ** (iteration - FROM);
  const slow = clearing((claim, k) => (claim[REGRET] = excess(k) * CERTIFICATE.regret * claim[TURNOVER]));

  it("are asked for when residuals are nearly small, by the third of an iteration that they cost at most", () => {
    const { residuals, asks, gaps } = slow;
    const near = residuals.findIndex(({ primal, dual }) => Math.max(primal, dual) <= 1.5) + 1;
    expect(asks[0]).to.equal(near);
    expect(asks.length).to.be.above(10);
    for (const gap of gaps) expect(gap).to.be.at.least(3);
  });

  it("are waited for as long as they fall slowly, and come no later than a thirty-second of the way", () => {
    const { status, evaluations, asks, gaps } = slow;
    expect(status).to.equal("solved");
    for (const [k, gap] of gaps.entries()) expect(gap, `at ${asks[k]}`).to.be.at.most(Math.max(3, 1 + asks[k] / 32));
    expect(Math.max(...gaps), "they were waited for").to.be.above(3);
    let first = FROM;
    // Of the turnover alone; half of what rounding may cost comes on top.
    while (excess(first) > 1) first++;
    expect(evaluations).to.be.within(first, first + Math.max(3, 1 + first / 32) + 1);
  });

  it("end a clearing at once where they are small, and never where they are not", () => {
    const [small, large] = [clearing(() => undefined), clearing((claim) => (claim[REGRET] = 1))];
    expect(small.status).to.equal("solved");
    expect(small.evaluations).to.equal(small.asks.at(-1)! + 1);
    expect([large.status, large.evaluations]).to.deep.equal(["max iterations", 1000]);
    expect(large.asks.length).to.be.within(30, 300);
  });
});
