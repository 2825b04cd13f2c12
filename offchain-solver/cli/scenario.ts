import { Command } from "commander";
import { loadScenario, takeHours } from "../scenarios/loadScenario.ts";
import { generateScenario } from "../scenarios/generateScenario.ts";
import { checkTarget, numberOption, writeJson } from "../io/output.ts";

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
    })
    .addCommand(generateCommand());
}

function generateCommand(): Command {
  return new Command("generate")
    .description("make a scenario up: a radial feeder with prosumers drawn on it, from real series")
    .requiredOption("--prosumers <n>", "how many", numberOption("--prosumers", 2, 10_000, true))
    .option("--seed <s>", "of feeder and population", numberOption("--seed", 0, 0xffffffff, true), 1)
    .option("--hours <n>", "only the first n periods", numberOption("--hours", 1, 24, true), 24)
    .option("--out <file>", "write it there; - is stdout", "-")
    .action((args: { prosumers: number; seed: number; hours: number; out: string }) => {
      checkTarget(args.out, "--out");
      writeJson(args.out, takeHours(generateScenario(args.prosumers, args.seed), args.hours));
    });
}
