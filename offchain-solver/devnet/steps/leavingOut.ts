import { beyondMandates, type Beyond } from "../../ledger/mandateFit.ts";
import { mostSpent } from "../../ledger/settlementModel.ts";
import type { Batch } from "../../ledger/verified.ts";
import { SessionRefused } from "../refused.ts";
import type { Frozen } from "./freeze.ts";

/** Members for whom a batch asks more than they have signed, with what they would have to sign. */
function beyond({ ledger }: Frozen, { result }: Batch): Beyond[] {
  const { participants } = result;
  return beyondMandates(result, (party) => {
    const [limits, account] = [ledger.limits.get(participants[party]), ledger.accounts.get(participants[party])];
    return limits && account && { limits, spendNano: mostSpent(ledger.terms, account, limits) };
  });
}

/** A session without those who are beyond their mandates, and why. */
export type Smaller = { readonly session: Frozen; readonly why: string };

/**
 * A batch that asks more of somebody than it has signed would be refused whole, so the session goes on without it;
 * undefined where it asks that of nobody. Throws SessionRefused where nobody would be left, or nobody more is `allowed`
 * to be left out.
 */
export function leavingOut(session: Frozen, batch: Batch, allowed: boolean): Smaller | undefined {
  const found = beyond(session, batch);
  if (found.length === 0) return undefined;
  const out = [...new Set(found.map(({ party }) => session.taking[party]))];
  const [{ predicate, needed, allowed: most }] = found;
  const why = `${out.join(", ")} beyond the mandate (${predicate}: ${needed} needed, ${most} allowed)`;
  if (!allowed || out.length === session.taking.length) throw new SessionRefused("void", why);
  return { session: { ...session, taking: session.taking.filter((id) => !out.includes(id)) }, why };
}
