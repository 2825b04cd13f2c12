import { statSync } from "node:fs";
import { Command } from "commander";
import { InputError } from "../io/inputError.ts";
import { say } from "../io/output.ts";
import { checkTarget, writeJson } from "../io/target.ts";
import { terminalTable } from "../io/terminalTable.ts";
import { readCommitments, readHeard, type Heard } from "../node/journal/journal.ts";
import { replay, type Replayed } from "../node/journal/replay.ts";
import { Exit } from "./exit.ts";

/** Hashes say that what an agent heard is what was written, not that it was an opening: that shows only here. */
function again(file: string, session: string, attempt: number, heard: readonly Heard[]): Replayed {
  try {
    return replay(heard);
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
    throw new InputError(`${file}: heard, session ${session}, attempt ${attempt}: is damaged: ${error.message}`);
  }
}

export function replayCommand(): Command {
  return new Command("replay")
    .description("runs a node's agent again from its journal: the same bits, or the journal is another program's")
    .argument("<journal>", "journal.sqlite of a node that is stopped")
    .option("--json <file>", "write the outcome there; - is stdout")
    .action((file: string, { json }: { json?: string }) => {
      checkTarget(json, "--json", [file]);
      const commitments = readCommitments(file);
      const attempts = [...readHeard(file)].flatMap(([session, byAttempt]) =>
        [...byAttempt].map(([attempt, heard]) => ({ session, attempt, ...again(file, session, attempt, heard) })),
      );
      const outcome = { bytes: statSync(file).size, commitments: commitments.length, attempts };
      if (json !== undefined) writeJson(json, outcome);
      if (json !== "-") {
        const rows = attempts.map((one) => [
          one.session,
          `${one.attempt}`,
          `${one.events}`,
          `${one.iterations}`,
          one.end,
        ]);
        say(terminalTable(["session", "attempt", "events", "iterations", "end"], rows, { text: [0, 4] }));
        say(`${commitments.length} commitments, ${outcome.bytes} bytes`);
      }
      const different = attempts.filter(({ end }) => end === "different");
      if (different.length > 0) throw new Exit(1, `${different.length} attempts end with other bits than were sent`);
    });
}
