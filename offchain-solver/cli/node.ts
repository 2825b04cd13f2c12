import { Command } from "commander";
import { openLog } from "../node/log.ts";
import { readConfig } from "../node/config.ts";
import { configFile } from "../node/home.ts";
import { openParty, type Opened } from "../node/open.ts";

export function nodeCommand(): Command {
  return new Command("node")
    .description("a prosumer's node: clears, verifies and signs the sessions of its market until it is stopped")
    .argument("<dir>", "the party's folder, as init made it")
    .action((home: string) => runParty(home, "node"));
}

export function operatorCommand(): Command {
  return new Command("operator")
    .description("the network operator's node: freezes sessions, conducts their clearing, takes part as the grid")
    .argument("<dir>", "the operator's folder, as init made it")
    .action((home: string) => runParty(home, "operator"));
}

/** Until SIGINT, SIGTERM, or whoever started it has gone. */
async function runParty(home: string, role: "node" | "operator"): Promise<void> {
  const { logLevel, party } = readConfig(configFile(home));
  const log = openLog(party, logLevel);
  const opened: Opened = await openParty(home, role, log);
  log("info", "runs", { role, peers: opened.party.head?.number });
  process.send?.({ kind: "runs" });
  await new Promise<void>((stop) => {
    for (const signal of ["SIGINT", "SIGTERM", "disconnect"] as const) process.once(signal, () => stop());
  });
  log("info", "stops");
  await opened.close();
}
