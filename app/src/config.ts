/** What a host says of its market, beside the page: fetched, so that one build serves every market. */
import { configIn, type Config } from "./configFile.ts";

export type { Config };

/** Throws an Error that names the field where the host's file is not what the page needs. */
export async function loadConfig(): Promise<Config> {
  const response = await fetch(new URL("config.json", document.baseURI), { cache: "no-store" }).catch(() => undefined);
  if (response === undefined || !response.ok) throw new Error("config.json: this host says of no market");
  return configIn(await response.text(), document.baseURI);
}
