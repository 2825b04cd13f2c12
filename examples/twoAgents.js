// A prosumer's agent and the operator's clear two hours: all they know of each other are bytes on a network.
import * as node from "gridpact/node";
import { loadScenario, takeHours } from "gridpact/solver";

const day = takeHours(loadScenario("ieee15"), 2);
const scenario = {
  ...day,
  prosumers: day.prosumers.slice(0, 1),
  pairs: [],
  uncertainty: { ...day.uncertainty, uncertain: [] },
};
const market = node.createMarket(scenario, { ...node.defaultSettings(scenario), risk: "deterministic" });
const unit = node.perUnit(market);
const settings = node.forTradeGraph(node.DEFAULT_SETTINGS, market);
const open = node.viewOf(unit, undefined);
const hours = node.createHours(open, node.networkIn(unit.units, node.createNetwork(market)), node.clarabelSolver);
const operator = node.initOperator(settings, open, hours);
const prosumer = node.initProsumer(settings, node.viewOf(unit, 0), 0, node.clarabelSolver);

const network = node.memoryTransport();
const propose = () => console.log("proposes to sell, MW:", node.endOf(market, prosumer).proposal.utilityMw);
const starts = [
  node.takePart(network, node.OPERATOR_AGENT, (event) => node.stepOperator(operator, event)[1], 7),
  node.takePart(network, 0, (event) => node.stepProsumer(prosumer, event)[1], 7, { propose }),
];
for (const start of starts) start();
network.run();
console.log(`${operator.status} after ${operator.residuals.length} iterations`);
