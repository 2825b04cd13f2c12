import { Command } from "commander";
import { note, say } from "../io/output.ts";
import { checkTarget } from "../io/target.ts";
import { backUp, unfinishedRotations } from "../node/backup.ts";

export function backupCommand(): Command {
  return new Command("backup")
    .description("a party's keystores (still encrypted), configuration, private file and peers, in one file")
    .argument("<dir>", "the party's folder")
    .requiredOption("--to <file>", "a new file; nothing is overwritten")
    .action((home: string, { to }: { to: string }) => {
      checkTarget(to, "--to");
      const names = backUp(home, to);
      say(`${to}: ${names.join(", ")}. Keep it, and the password, in two places.`);
      const open = unfinishedRotations(home);
      if (open.length > 0) note(`not in it: ${open.join(", ")}, of a rotation that has not ended`);
    });
}
