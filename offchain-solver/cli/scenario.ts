import { Command } from "commander";
import { takeHours } from "../scenarios/loadScenario.ts";
import { splitHours } from "../scenarios/periods.ts";
import { generateScenario } from "../scenarios/generateScenario.ts";
import { numberOption } from "../io/output.ts";
import { checkTarget, writeJson } from "../io/target.ts";
import { addDrawOptions, inputsOf, minutesOption, readScenario, type DrawArguments } from "./clearOptions.ts";

export function scenarioCommand(): Command {
  return addDrawOptions(
    new Command("scenario")
      .description("print a scenario fully resolved, moments of the forecast errors included")
      .enablePositionalOptions()
      .argument("<scenario>", "a case's name or a file; with --population a feeder too"),
  )
    .option("--json <file>", "write it there; - is stdout", "-")
    .action(async (name: string, args: DrawArguments & { json: string }) => {
      checkTarget(args.json, "--json", inputsOf(name));
      writeJson(args.json, (await readScenario(name, args)).scenario);
    })
    .addCommand(generateCommand());
}

function generateCommand(): Command {
  return new Command("generate")
    .description("make a scenario up: a radial feeder with prosumers drawn on it, from real series")
    .requiredOption("--prosumers <n>", "how many", numberOption("--prosumers", 2, 10_000, true))
    .option("--seed <s>", "of feeder and population", numberOption("--seed", 0, 0xffffffff, true), 1)
    .option("--hours <n>", "only the first n hours", numberOption("--hours", 1, 24, true), 24)
    .option("--minutes <m>", "in periods of so many minutes", minutesOption(), 60)
    .option("--out <file>", "write it there; - is stdout", "-")
    .action((args: { prosumers: number; seed: number; hours: number; minutes: number; out: string }) => {
      checkTarget(args.out, "--out");
      writeJson(args.out, splitHours(takeHours(generateScenario(args.prosumers, args.seed), args.hours), args.minutes));
    });
}
