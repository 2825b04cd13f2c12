import { Command } from "commander";
import Table from "cli-table3";
import { clear, type ClearedSession } from "../node/clear.ts";
import { toClearingJson } from "../node/clearingJson.ts";
import { addClearOptions, clearOptions, readScenario, type ClearArguments } from "./clearOptions.ts";
import { Exit } from "./exit.ts";
import { checkTarget, choiceOption, writeJson } from "./output.ts";

export function clearCommand(): Command {
  return addClearOptions(
    new Command("clear")
      .description("clear a scenario's market, nothing else")
      .argument("<scenario>", "a case's name (ieee15, ieee141) or a file; with --population a feeder too"),
  )
    .option(
      "--reserve <joint|sequential>",
      "sequential: energy first with deterministic limits, its trades fixed, then reserve",
      choiceOption("--reserve", ["joint", "sequential"] as const),
      "joint",
    )
    .option("--json <file>", "write clearing.json there; - is stdout")
    .action((name: string, args: ClearArguments & { json?: string; reserve: "joint" | "sequential" }) => {
      checkTarget(args.json);
      const scenario = readScenario(name, args);
      const { options: shared, done } = clearOptions(scenario, args);
      const options = { ...shared, reserve: args.reserve };
      const session = clear(scenario, options);
      done();
      if (session.status !== "solved")
        throw new Exit(3, `${scenario.name}: ${session.status}${session.reason ? `: ${session.reason}` : ""}`);
      const json = toClearingJson(session, options);
      if (args.json) writeJson(args.json, json);
      if (args.json !== "-") console.log(summary(session, json));
    });
}

/** What people look at first: how it ended, what it costs, what each prosumer pays. */
export function summary(session: ClearedSession, json: ReturnType<typeof toClearingJson>): string {
  const outcome = session.outcome as NonNullable<ClearedSession["outcome"]>;
  const regret = outcome.regrets.reduce((a, b) => a + b, 0);
  const table = new Table({
    head: ["prosumer", "bus", "device cost $", "energy $", "reserve $", "carbon $", "network $", "total $"],
    colAligns: Array.from({ length: 8 }, () => "right" as const),
    style: { head: [], border: [] },
  });
  for (const p of json.prosumers) {
    const { energy, reserve, carbon, network } = p.payment;
    table.push([
      p.id,
      p.bus,
      ...[p.cost, energy, reserve, carbon, network, p.cost + energy + reserve + carbon + network].map((v) =>
        v.toFixed(2),
      ),
    ]);
  }
  const { report, result } = outcome.quantised;
  return [
    `${json.scenario}: ${json.status} by ${json.settings.method} in ${json.iterations} ${json.settings.method === "central" ? "solves" : "iterations"}, ${(json.wallMs / 1000).toFixed(1)} s`,
    `objective ${json.objective.toFixed(4)} $, regrets add up to ${regret.toExponential(1)} $ (${(regret / Math.abs(json.objective)).toExponential(1)} of it)`,
    `${result.trades.length} trades to post; netting left ${report.postedEnergy} of ${report.pairTrades} energy trades and moved no payment by more than ${report.paymentShift.toExponential(1)} $`,
    `AC sweep: voltage ${Math.min(...json.network.ac.minVoltage).toFixed(4)} to ${Math.max(...json.network.ac.maxVoltage).toFixed(4)} p.u., loading at most ${(100 * Math.max(...json.network.ac.maxLoading)).toFixed(1)} %`,
    table.toString(),
  ].join("\n");
}
