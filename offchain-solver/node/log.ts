import { pino } from "pino";
import type { Config } from "./config.ts";
import type { Log } from "./party.ts";

/** Names of fields that are never written, at any depth that a log line has. */
const SECRETS = ["privateKey", "password", "key", "part", "own", "schedule", "mnemonic"];

/** Structured lines on stderr: stdout is for what a command answers. */
export function openLog(party: string | number, level: Config["logLevel"]): Log {
  const paths = SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
  const logger = pino(
    { level, base: { party }, redact: { paths, censor: "***" } },
    pino.destination({ fd: 2, sync: true }),
  );
  return (at, what, details = {}) => logger[at](details, what);
}
