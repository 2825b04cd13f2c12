/** A member that says of itself what is not so, with a claim or to its partners: it stops nobody. */
import { expect } from "chai";
import { clarabelSolver } from "../numerics/clarabelNode.ts";
import { createNetwork } from "../market/formulation/network.ts";
import { proposalFaults } from "../market/result/proposalFault.ts";
import { createMarket, defaultSettings } from "../market/scenario/market.ts";
import { perUnit } from "../market/scenario/perUnit.ts";
import { memoryTransport } from "../net/memoryTransport.ts";
import { loadScenario, takeHours } from "../scenarios/loadScenario.ts";
import { assemble } from "./assemble.ts";
import { certificateOf, CLAIM_SIZE, MISMATCH, nearer, provesInfeasible, REACH, REGRET, TURNOVER } from "./claim.ts";
import { runConsensus, type Carrier } from "./consensus.ts";
import type { Message } from "./message.ts";
import { DEFAULT_SETTINGS } from "./settings.ts";

const scenario = takeHours(loadScenario("ieee15"), 1);
const market = createMarket(scenario, defaultSettings(scenario));
const network = createNetwork(market);
const LIAR = 13;
type Lie = (message: Message, to: number) => void;

function clearing(lie: Lie) {
  const transport = memoryTransport<Message>();
  const carrier: Carrier = {
    join: (self, party) => {
      const link = transport.join(self, party);
      const send = (to: number, message: Message): void => {
        if (self === LIAR) lie(message, to);
        link.send(to, message);
      };
      return { send, setTimer: (afterMs) => link.setTimer(afterMs) };
    },
    run: (over) => transport.run(over),
  };
  const result = runConsensus(market, network, DEFAULT_SETTINGS, { solver: clarabelSolver, carrier });
  return { ...result, ...assemble(market, result) };
}

const responds = (value: number, times = Infinity): Lie => {
  let left = times;
  return (message) => {
    if (message.kind !== "trade" || message.response === undefined || left-- <= 0) return;
    message.response.fill(value);
  };
};
const claims =
  (field: number, value: number): Lie =>
  (message) => {
    if (message.kind === "offer" && message.claim) message.claim[field] = value;
  };

describe("a member that lies", function () {
  this.timeout(120_000);
  const honest = clearing(() => undefined);

  const LIES: readonly (readonly [name: string, lie: Lie])[] = [
    ["once of its response, by as much as nobody could trade", responds(1e12, 1)],
    ["of every response, by as much as nobody could trade", responds(1e12)],
    ["of every response, the other way", responds(-1e308)],
    ["once of its response, by as much as its partners might believe", responds(1e4, 1)],
    ["of every response, by a little", responds(0.1)],
    ["to one partner alone", (message, to) => (to === 0 ? responds(1e12)(message, to) : undefined)],
    ["that it loses a fortune", claims(REGRET, 1e300)],
    ["that it leaves a fortune open", claims(MISMATCH, 1e300)],
  ];
  for (const [name, lie] of LIES)
    it(`${name}: the others end where they would have`, () => {
      const { status, evaluations, objective, proposals } = clearing(lie);
      expect(status).to.equal("solved");
      expect(evaluations).to.be.at.most(4 * honest.evaluations);
      expect(Math.abs(objective - honest.objective)).to.be.below(1e-5 * Math.abs(honest.objective));
      expect(proposalFaults(market, proposals)).to.deep.equal([]);
    });

  it("moves no price by more than the level of prices", () => {
    const bounds = { kappa: 1, most: 50 };
    expect(nearer(0, bounds, 1, 3)).to.equal(2);
    expect(nearer(49, bounds, Number.MAX_VALUE, Number.MAX_VALUE)).to.equal(50);
    expect(nearer(-49, bounds, -Number.MAX_VALUE, 0)).to.equal(-50);
  });

  it("excuses with its turnover no more than is absurd, and proves nothing by its reach", () => {
    const unit = perUnit(market);
    const of = (turnover: number) =>
      Array.from({ length: 14 }, (_, i) => {
        const claim = new Float64Array(CLAIM_SIZE);
        claim[TURNOVER] = i === LIAR ? turnover : 10;
        claim[REACH] = i === LIAR ? turnover : -1;
        return claim;
      });
    const [much, more] = [1e12, 1e300].map((turnover) => certificateOf(unit, of(turnover)).allowedRegret);
    expect(more).to.equal(much);
    expect(provesInfeasible(of(20), 10)).to.equal(true);
    expect(provesInfeasible(of(1e300), 10)).to.equal(false);
  });
});
