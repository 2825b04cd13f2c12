/**
 * Imports every MATPOWER case (*.m) of a folder, runs the AC sweep at base load and prints losses and lowest voltage,
 * or why the case was refused: `npm run check:matpower -- DIR`. Ends with 1 when a case that was imported does not
 * converge.
 */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import Table from "cli-table3";
import { acSweep } from "../../offchain-solver/grid/acSweep.ts";
import { baseInjections } from "../../offchain-solver/grid/linDistFlow.ts";
import { topologyOf } from "../../offchain-solver/grid/topology.ts";
import { importCase } from "../../offchain-solver/scenarios/importCase.ts";
import { InputError } from "../../offchain-solver/io/inputError.ts";

const directory = process.argv[2];
if (!directory || !statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
  console.error(directory ? `${directory}: there is no such folder` : "usage: npm run check:matpower -- DIR");
  process.exit(2);
}
const files = readdirSync(directory)
  .filter((name) => name.endsWith(".m"))
  .sort();
const table = new Table({
  head: ["case", "buses", "load MW", "losses kW", "lowest p.u.", "at bus", "notes"],
  style: { head: [], border: [] },
});
let [imported, failed] = [0, 0];

for (const name of files) {
  try {
    const { feeder, voltageBasePu, notes } = importCase(join(directory, name));
    const { pMw, qMvar } = baseInjections(feeder);
    const ac = acSweep(feeder, topologyOf(feeder), pMw, qMvar);
    const voltages = voltageBasePu.map((base, bus) => base * ac.voltagePu[bus]);
    const lowest = Math.min(...voltages);
    imported++;
    if (!ac.converged) failed++;
    table.push([
      feeder.name,
      feeder.buses.length,
      feeder.buses.reduce((sum, { loadMw }) => sum + loadMw, 0).toFixed(4),
      ac.converged ? (1000 * ac.lossesMw).toFixed(2) : "no solution",
      ac.converged ? lowest.toFixed(5) : "",
      ac.converged ? feeder.buses[voltages.indexOf(lowest)].bus : "",
      notes.join("\n"),
    ]);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const reason = error.message.replace(`${join(directory, name)}: `, "");
    table.push([name.replace(/\.m$/, ""), { colSpan: 6, content: `refused: ${reason}` }]);
  }
}
console.log(table.toString());
console.log(`${imported} of ${files.length} imported${failed > 0 ? `, ${failed} without a power flow solution` : ""}`);
process.exitCode = failed > 0 ? 1 : 0;
