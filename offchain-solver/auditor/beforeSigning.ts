/** What every node checks before it signs, whoever runs it: its own view, the chain's rules, and an auditor's test. */
import { committedPlans } from "../codec/plans.ts";
import type { Witness } from "../codec/witness.ts";
import { termsFaults } from "../ledger/termsFaults.ts";
import { verify, type Batch, type Known, type Verification } from "../ledger/verified.ts";
import type { OwnView } from "../market/result/acceptance.ts";
import { allowedRegret } from "../market/result/certificate.ts";
import type { Proposals } from "../market/result/proposal.ts";
import type { WitnessContext } from "./certify.ts";
import { judgeWitness } from "./witness.ts";

/** The integers, what they were made of, and what is published with them. */
export type ToSign = {
  readonly proposals: Proposals;
  readonly batch: Batch;
  readonly witness: Witness;
  readonly context: WitnessContext;
};

/** The auditor's test is the one that is made of what settled, so what is signed is not refused afterwards. */
export function mayBeSigned(known: Known, own: OwnView, { proposals, batch, witness, context }: ToSign): Verification {
  const [unsound] = termsFaults(witness.terms.scenario, known.ledger.limits);
  if (unsound !== undefined)
    return { kind: "refused", predicate: "unsoundTerms", detail: `${unsound.field} ${unsound.reason}` };
  const verified = verify(known, own, proposals, batch);
  if (verified.kind === "refused") return verified;
  const verdict = judgeWitness(context, batch.result, witness);
  if (verdict.kind === "invalid") return { ...verdict, kind: "refused" };
  if (verdict.kind === "undecided") return { kind: "refused", predicate: "undecided", detail: verdict.missing };
  // Without it nobody is called for what somebody's renewables give otherwise, and all of that is imbalance.
  const committed = committedPlans(witness, context);
  const left = batch.result.participants.find((id) => !committed.has(id));
  if (left !== undefined)
    return { kind: "refused", predicate: "planLeftOut", detail: `the witness lacks the plan of prosumer ${left}` };
  const lost = ownLoss(known, own, { proposals, batch, witness });
  return lost === undefined ? verified : { kind: "refused", predicate: "regretsTooLarge", detail: lost };
}

/**
 * Others may leave out a single claim that is absurd, since whoever made it up would hold everybody up. Whose it is
 * knows whether it is true, and signs nothing in which it alone has lost more than all together may.
 */
function ownLoss(
  { market }: Known,
  own: OwnView,
  { proposals, batch, witness }: Omit<ToSign, "context">,
): string | undefined {
  if (own.kind === "operator") return undefined;
  const { regret } = proposals.prosumers[own.index];
  const allowed = allowedRegret(market, batch.result, witness.terms.toleranceNano / 1e9);
  return regret !== undefined && regret > allowed
    ? `its own, ${regret.toExponential(3)} $ over ${allowed.toExponential(3)} $`
    : undefined;
}
