import { Command } from "commander";
import { runParty } from "../node/runParty.ts";

export function operatorCommand(): Command {
  return new Command("operator")
    .description("the network operator's node: freezes sessions, conducts their clearing, takes part as the grid")
    .argument("<dir>", "the operator's folder, as init made it")
    .action((home: string) => runParty(home, "operator"));
}
