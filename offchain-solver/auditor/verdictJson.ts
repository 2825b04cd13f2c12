import type { AuditJson } from "../records/sessionJson.ts";
import type { AuditedSession } from "./audit.ts";

/** A session's row of audit.json. */
export function verdictJson({
  batch,
  verdict,
  certificate,
}: Pick<AuditedSession, "batch" | "verdict" | "certificate">): AuditJson["verdicts"][number] {
  return {
    session: batch,
    verdict: verdict.kind,
    ...(verdict.kind === "invalid" && { predicate: verdict.predicate, detail: verdict.detail }),
    ...(verdict.kind === "undecided" && { predicate: verdict.missing }),
    ...(verdict.kind === "valid" && verdict.uncertifiedBy && { uncertifiedBy: [...verdict.uncertifiedBy] }),
    ...certificate,
  };
}
