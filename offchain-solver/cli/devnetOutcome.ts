/** What a devnet came to, for people and as a file. */
import type { DevnetReport } from "../devnet/devnetReport.ts";
import { inline, say } from "../io/output.ts";
import { writeJson } from "../io/target.ts";
import { terminalTable } from "../io/terminalTable.ts";
import { Exit } from "./exit.ts";

/** Shows what has come of a devnet, writes it where asked for, and ends with the code that it deserves. */
export function tellDevnet(outcome: DevnetReport, json: string | undefined): void {
  if (json !== undefined) writeJson(json, outcome);
  if (json !== "-") show(outcome);
  const { split, lost, sessions, delivery } = outcome;
  if (split + lost > 0) throw new Exit(1, `${split} sessions split, ${lost} lost`);
  if (sessions.length > 0 && outcome.settled === 0)
    throw new Exit(3, `none of ${sessions.length} sessions settled: ${inline(sessions[0].reason ?? "void")}`);
  if (delivery !== undefined && (delivery.late.length > 0 || !delivery.verdict.startsWith("valid")))
    throw new Exit(4, `delivery: ${delivery.verdict}, sessions not delivered: ${delivery.late.join(", ") || "none"}`);
  const other = sessions.filter(({ memory }) => memory?.same === false).length;
  if (other > 0) throw new Exit(1, `${other} sessions settled other integers than all agents in one process make`);
}

function show({ sessions, settled, voided, split, lost, growth }: DevnetReport): void {
  const rows = sessions.map(({ startUtc, outcome, seconds, usage, memory, batch }) => [
    startUtc,
    outcome,
    `${seconds}`,
    memory === undefined ? "" : `${memory.seconds}${memory.same ? "" : " (other integers)"}`,
    `${Math.round(usage.reduce((sum, { residentMb }) => sum + residentMb, 0))}`,
    batch ?? "",
  ]);
  say(terminalTable(["session", "ended", "s", "s in memory", "MB", "batch"], rows, { text: [0, 1, 3, 5] }));
  if (growth)
    say(`grown most: ${growth.residentMb} MB resident, ${growth.heapMb} MB heap, ${growth.handles} handles a process`);
  for (const { startUtc, outcome, reason } of sessions)
    if (reason !== undefined) say(inline(`session of ${startUtc} is ${outcome}: ${reason}`));
  say(`${settled} settled, ${voided} void, ${split} split, ${lost} lost`);
}
