import { Command } from "commander";
import { importCase } from "../scenarios/importCase.ts";
import { inline, note } from "../io/output.ts";
import { checkTarget, writeJson } from "../io/target.ts";

export function importCommand(): Command {
  return new Command("import")
    .description("turn a radial MATPOWER v2 case into a feeder")
    .argument("<case>", "the .m file")
    .option("--json <file>", "write the feeder there; - is stdout", "-")
    .action((file: string, args: { json: string }) => {
      checkTarget(args.json, "--json", [file]);
      const { feeder, notes } = importCase(file);
      for (const text of notes) note(inline(text));
      writeJson(args.json, feeder);
    });
}
