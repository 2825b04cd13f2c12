import { Command } from "commander";
import { bench } from "./bench.ts";
import { checkTarget, numberOption } from "./output.ts";

export function benchCommand(): Command {
  return new Command("bench")
    .description(
      "measure every method on the same instances: iterations, messages, times as ratios to the central twin",
    )
    .argument("[scenarios...]", "cases by name or file", ["ieee15", "ieee141"])
    .option("--hours <n>", "only the first n periods", numberOption("--hours", 1, 63, true))
    .option("--max-iterations <n>", "give up after this many", numberOption("--max-iterations", 1, 1e6, true))
    .option("--json <file>", "write the record there", "bench/clearing.json")
    .action((scenarios: string[], args: { hours?: number; maxIterations?: number; json: string }) => {
      checkTarget(args.json);
      bench({
        scenarios,
        json: args.json,
        ...(args.hours === undefined ? {} : { hours: args.hours }),
        ...(args.maxIterations === undefined ? {} : { maxIterations: args.maxIterations }),
      });
    });
}
