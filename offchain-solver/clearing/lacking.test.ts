import { expect } from "chai";
import { createNetwork } from "../market/formulation/network.ts";
import { createMarket, defaultSettings } from "../market/scenario/market.ts";
import { clarabelSolver } from "../numerics/clarabelNode.ts";
import type { ConicSolver } from "../numerics/conicSolver.ts";
import { loadScenario, takeHours } from "../scenarios/loadScenario.ts";
import { findLacking } from "./central.ts";

describe("what a session lacks", () => {
  const scenario = takeHours(loadScenario("ieee15"), 1);
  const market = createMarket(scenario, defaultSettings(scenario));
  const network = createNetwork(market);

  it("is nothing where there is a feasible point", () => {
    expect(findLacking(market, network, clarabelSolver)).to.deep.equal([]);
  });

  it("is not known where the solver gets to no answer, and only a proof blames the devices", () => {
    const ending =
      (status: "infeasible" | "failed" | "almost solved"): ConicSolver =>
      (problem, settings) => ({ ...clarabelSolver(problem, settings), status });
    expect(findLacking(market, network, ending("infeasible"))).to.equal("devices");
    expect(findLacking(market, network, ending("failed"))).to.equal(undefined);
    expect(findLacking(market, network, ending("almost solved"))).to.equal(undefined);
  });
});
