/** The entry of a party's process that a supervisor starts: HOME ROLE. Loads nothing that a node does not need. */
import { InputError } from "../io/inputError.ts";
import { note } from "../io/output.ts";
import { runParty } from "./runParty.ts";

/** Whoever started it has gone: it stops, and if it cannot (a chain that went with it is waited for) it ends. */
const ORPHAN_MS = 15_000;
process.once("disconnect", () => setTimeout(() => process.exit(1), ORPHAN_MS).unref());

const [home, role] = process.argv.slice(2);
try {
  await runParty(home, role === "operator" ? "operator" : "node");
} catch (error) {
  note(error instanceof InputError ? error.message : String((error as Error).stack ?? error));
  process.exitCode = error instanceof InputError ? 2 : 1;
  if (process.connected) process.disconnect();
}
