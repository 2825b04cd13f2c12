import { Command } from "commander";
import { loadScenario, takeHours } from "../node/loadScenario.ts";
import { checkTarget, numberOption, writeJson } from "./output.ts";

export function scenarioCommand(): Command {
  return new Command("scenario")
    .description("print a scenario fully resolved, moments of the forecast errors included")
    .argument("<scenario>", "a case's name or a file")
    .option("--hours <n>", "only the first n periods", numberOption("--hours", 1, 63, true))
    .option("--json <file>", "write it there; - is stdout", "-")
    .action((name: string, args: { hours?: number; json: string }) => {
      checkTarget(args.json);
      const scenario = loadScenario(name);
      writeJson(args.json, args.hours === undefined ? scenario : takeHours(scenario, args.hours));
    });
}
