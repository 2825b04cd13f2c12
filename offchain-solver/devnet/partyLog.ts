/** What a party's process has said, as whoever started it reads it. */
import { existsSync, readFileSync, statSync } from "node:fs";

const WARN = 40;
const ERROR = 50;

type Line = { readonly level?: unknown; readonly msg?: unknown; readonly reason?: unknown };

export const lengthOf = (file: string): number => (existsSync(file) ? statSync(file).size : 0);

/** The last error after the first `from` bytes, or the last warning where there is none; undefined: neither. */
export function lastFault(file: string, from: number): string | undefined {
  if (!existsSync(file)) return undefined;
  const lines = readFileSync(file).subarray(from).toString("utf8").split("\n").map(parsed);
  const faulty = (least: number) =>
    lines.findLast((line) => Number(line?.level) >= least && line?.reason !== undefined);
  const found = faulty(ERROR) ?? faulty(WARN);
  return found && `${String(found.msg)}: ${String(found.reason).split("\n")[0]}`;
}

/** The last line may be cut, and what ends a process is no JSON. */
function parsed(text: string): Line | undefined {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return undefined;
  }
}
