import type { AuditJson } from "../records/sessionJson.ts";
import type { Audited, AuditedSession } from "./audit.ts";
import { verdictText, type Verdict } from "./verdict.ts";

type Row = Pick<AuditedSession, "batch" | "verdict" | "certificate"> & Partial<AuditedSession>;

/** A session's row of audit.json. */
export function verdictJson(session: Row): AuditJson["verdicts"][number] {
  const { batch, verdict, certificate, block, transaction, terms, settledAt } = session;
  return {
    session: batch,
    verdict: verdict.kind,
    ...(block !== undefined && block > 0 && { block, transaction }),
    ...(terms && { start: Number(terms.start) }),
    ...(settledAt !== undefined && settledAt > 0n && { settledAt: Number(settledAt) }),
    ...(verdict.kind === "invalid" && { predicate: verdict.predicate, detail: verdict.detail }),
    ...(verdict.kind === "undecided" && { predicate: verdict.missing }),
    ...(verdict.kind === "valid" && verdict.uncertifiedBy && { uncertifiedBy: [...verdict.uncertifiedBy] }),
    ...certificate,
  };
}

/** A verdict of something that is no session. */
export const said = (verdict: Verdict) => ({
  verdict: verdict.kind,
  ...(verdict.kind !== "valid" && { says: verdictText(verdict) }),
});

/** A row of audit.json for an entry, and one for credits. */
export function entryJson({ batch, number, kind, block, transaction, moved, verdict }: Audited["entries"][number]) {
  const received = moved.reduce((sum, { nano }) => (nano > 0n ? sum + nano : sum), 0n);
  const about = { session: batch, entry: number, kind, block, transaction };
  return { ...about, receivedNano: Number(received), ...said(verdict) };
}

export function creditJson({ sequence, prosumer, asset, wh, transaction, verdict }: Audited["credits"][number]) {
  const about = { batchNumber: Number(sequence), prosumer, asset: `${asset}`, wh: Number(wh), transaction };
  return { ...about, ...said(verdict) };
}

/**
 * audit.json of a whole market. `endpoints`: what was asked; `documents`: of a session's own files, where they were.
 */
export function auditJsonOf(
  { chainId, market, registry, head, standing, sessions, entries, credits }: Audited,
  endpoints: readonly string[],
  documents?: Verdict,
): AuditJson {
  return {
    chain: { chainId: Number(chainId), market, registry, block: head, endpoints: [...endpoints] },
    verdicts: sessions.map(verdictJson),
    ...(entries.length > 0 && { entries: entries.map(entryJson) }),
    ...(credits.length > 0 && { credits: credits.map(creditJson) }),
    market: said(standing),
    ...(documents && { documents: said(documents) }),
  };
}
