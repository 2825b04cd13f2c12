/**
 * What became of a devnet's sessions, told from the journals of all its parties: the chain alone shows no double
 * signature.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { journalFile } from "../node/home.ts";
import { readCommitments, type Commitment } from "../node/journal/journal.ts";
import type { Compared } from "./compare.ts";
import type { SessionEnd } from "./devnet.ts";
import { growthOf, type Growth, type Usage } from "./usage.ts";

export type DevnetReport = {
  readonly settled: number;
  readonly voided: number;
  /** Sessions of which one node signed two results, or of which two results were settled. */
  readonly split: number;
  /** Sessions that came to no end. */
  readonly lost: number;
  readonly processes: number;
  readonly startSeconds: number;
  readonly sessions: readonly ReportedSession[];
  /** Those of the runs before, where it went on. */
  readonly earlier?: readonly { readonly startUtc: string; readonly outcome: string; readonly ordinal: number }[];
  /** What became of the sessions that settled, and of all their files beside the chain; absent where nobody waited. */
  readonly delivery?: {
    readonly sessions: readonly {
      readonly ordinal: number;
      readonly entries: readonly string[];
      readonly creditsWh: number;
      readonly verdict: string;
    }[];
    readonly bills: number;
    readonly late: readonly number[];
    readonly verdict: string;
  };
  /** Of the party that has grown most; absent where there were too few sessions to tell. */
  readonly growth?: Growth;
};

/** `usage`: what each process held once it had ended. */
export type ReportedSession = SessionEnd & {
  readonly usage: readonly Usage[];
  /** With --compare. */
  readonly memory?: Compared;
};

type Times = Pick<DevnetReport, "startSeconds" | "processes">;

export function devnetReport(
  data: string,
  ends: readonly ReportedSession[],
  { startSeconds, processes }: Times,
): DevnetReport {
  const count = (outcome: SessionEnd["outcome"]): number => ends.filter((end) => end.outcome === outcome).length;
  const growth = growthOf(ends.map(({ usage }) => usage));
  return {
    settled: count("settled"),
    voided: count("void"),
    split: splitSessions(journalsOf(data)).length,
    lost: count("lost"),
    processes,
    startSeconds: Math.round(startSeconds * 10) / 10,
    sessions: ends,
    ...(growth && { growth }),
  };
}

/** Commitments of every party, by its folder. */
export function journalsOf(data: string): Map<string, readonly Commitment[]> {
  const homes = [join(data, "operator"), ...nodesOf(data)];
  return new Map(
    homes.filter((home) => existsSync(journalFile(home))).map((home) => [home, readCommitments(journalFile(home))]),
  );
}

const nodesOf = (data: string): string[] =>
  existsSync(join(data, "nodes")) ? readdirSync(join(data, "nodes")).map((name) => join(data, "nodes", name)) : [];

/**
 * Sessions in which a journal holds two signed results, or journals two settled batches that no reorganisation parts.
 */
export function splitSessions(journals: ReadonlyMap<string, readonly Commitment[]>): string[] {
  const split = new Set<string>();
  const batches = new Map<string, string>();
  for (const commitments of journals.values()) {
    const signed = new Map<string, string>();
    for (const one of commitments) {
      if (one.kind === "signed" || one.kind === "released") {
        const before = signed.get(one.session);
        if (before !== undefined && before !== one.digest) split.add(one.session);
        signed.set(one.session, one.digest);
      }
      if (one.kind !== "settled") continue;
      const before = batches.get(one.session);
      if (before !== undefined && before !== one.batch) split.add(one.session);
      batches.set(one.session, one.batch);
    }
  }
  return [...split];
}
