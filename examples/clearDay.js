// Clears a day of the 15-bus feeder between its agents, and says what each hour's energy traded at.
import { clear, defaultSettings, loadScenario } from "gridpact/solver";

const scenario = loadScenario("ieee15");
const market = defaultSettings(scenario);
const { status, iterations, outcome } = clear(scenario, {
  method: "gsa",
  market,
  trade: true,
  rhoScale: 1,
  maxIterations: 5000,
});
console.log(`${status} after ${iterations} iterations: ${outcome.objective.toFixed(2)} $`);
console.log(`${outcome.quantised.result.trades.length} trades between ${scenario.prosumers.length} prosumers`);
