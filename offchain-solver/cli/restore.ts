import { Command } from "commander";
import { say } from "../io/output.ts";
import { checkFolder } from "../io/target.ts";
import { restore } from "../node/backup.ts";

export function restoreCommand(): Command {
  return new Command("restore")
    .description("a party comes back from its backup, in a folder without keys and journal")
    .argument("<file>", "what backup wrote")
    .requiredOption("--to <dir>", "the party's new folder")
    .action((file: string, { to }: { to: string }) => {
      checkFolder(to, "--to");
      const names = restore(file, to);
      say(`${to}: ${names.join(", ")}`);
      say("Stop the old node for good before this one starts: two nodes with one key could sign two results.");
    });
}
