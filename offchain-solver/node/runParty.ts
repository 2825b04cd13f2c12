import { configFile } from "./home.ts";
import { readConfig } from "./config.ts";
import { openLog } from "./log.ts";
import { openParty } from "./open.ts";

/** What a process that was started by another tells it. */
export type Told = { readonly kind: "runs" };

/** A party's process, until SIGINT, SIGTERM, or until whoever started it with a channel has gone. */
export async function runParty(home: string, role: "node" | "operator"): Promise<void> {
  const { logLevel, party } = readConfig(configFile(home));
  const log = openLog(party, logLevel);
  let stop = (): void => undefined;
  const stopped = new Promise<void>((resolve) => (stop = resolve));
  const signals = ["SIGINT", "SIGTERM", "disconnect"] as const;
  for (const signal of signals) process.once(signal, stop);
  try {
    const opened = await openParty(home, role, log);
    try {
      log("info", "runs", { role, block: opened.party.head?.number });
      process.send?.({ kind: "runs" } satisfies Told);
      await Promise.race([stopped, opened.failed]);
    } finally {
      log("info", "stops");
      await opened.close();
      if (process.connected) process.disconnect();
    }
  } finally {
    for (const signal of signals) process.off(signal, stop);
  }
}
