import { outsideMandates } from "../../ledger/mandateFit.ts";
import type { Batch } from "../../ledger/verified.ts";
import { SessionRefused } from "../refused.ts";
import type { Frozen } from "./freeze.ts";

/** A session without those who are beyond their mandates, and why. */
export type Smaller = { readonly session: Frozen; readonly why: string };

/**
 * A batch that asks more of somebody than it has signed would be refused whole, so the session goes on without it;
 * undefined where it asks that of nobody. Throws SessionRefused where nobody would be left, or nobody more is `allowed`
 * to be left out.
 */
export function leavingOut(session: Frozen, batch: Batch, allowed: boolean): Smaller | undefined {
  const found = outsideMandates(batch.result, session.ledger);
  if (found.length === 0) return undefined;
  const out = found.map(({ id }) => id);
  const [{ predicate, detail }] = found;
  const why = `${out.join(", ")} beyond the mandate (${predicate}: ${detail})`;
  if (!allowed || out.length === session.taking.length) throw new SessionRefused("void", why);
  return { session: { ...session, taking: session.taking.filter((id) => !out.includes(id)) }, why };
}
