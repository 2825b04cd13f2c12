import { Command } from "commander";
import { runParty } from "../node/runParty.ts";

export function nodeCommand(): Command {
  return new Command("node")
    .description("a prosumer's node: clears, verifies and signs the sessions of its market until it is stopped")
    .argument("<dir>", "the party's folder, as init made it")
    .action((home: string) => runParty(home, "node"));
}
