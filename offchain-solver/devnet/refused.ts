import type { Status } from "../market/result/solution.ts";

/** A session that ended before money moved; the message says which check of which party refused it. */
export class SessionRefused extends Error {
  readonly status: Status | "refused" | "void";
  constructor(status: SessionRefused["status"], reason: string) {
    super(reason);
    this.name = "SessionRefused";
    this.status = status;
  }
}

export const refusedBy = (party: string, { predicate, detail }: { predicate: string; detail: string }) =>
  new SessionRefused("refused", `${party} refuses: ${predicate}: ${detail}`);
