/** What is published beside the chain: the witness and the regrets of its owners. */
import type { Witness } from "../../../offchain-solver/codec/witness.ts";
import { type Corruption, forging } from "./corruption.ts";

const witness = (name: string, predicate: string, edit: (witness: Witness) => Witness): Corruption => ({
  name,
  predicate,
  shown: forging({ witness: edit }),
});
const published = (name: string, edit: (witness: Witness) => unknown): Corruption => ({
  name,
  predicate: "malformedWitness",
  shown: forging({ signed: edit }),
});
const NOWHERE = `0x${"11".repeat(32)}`;

export const WITNESS: readonly Corruption[] = [
  published("an objective that nobody can check is claimed", (w) => ({ ...w, objectiveNano: "1" })),
  published("a witness without regrets", ({ regrets: _, ...rest }) => rest),
  published("a regret that is no number", (w) => ({
    ...w,
    regrets: w.regrets.map((r, k) => (k === 0 ? { ...r, regretNano: "0.5" } : r)),
  })),
  witness("the witness of another session", "witnessOfAnotherBatch", (w) => ({ ...w, session: NOWHERE })),
  witness("the witness of another payload", "witnessOfAnotherBatch", (w) => ({ ...w, payload: NOWHERE })),
  witness("a binding limit is left out", "nodalPriceUnsupported", (w) => ({ ...w, limits: w.limits.slice(1) })),
  witness("limits cost twice as much", "nodalPriceUnsupported", (w) => ({
    ...w,
    limits: w.limits.map((l) => ({ ...l, multiplier: l.multiplier.map((m) => 2 * m) })),
  })),
  witness("a limit that the feeder does not have", "nodalPriceUnsupported", (w) => ({
    ...w,
    limits: w.limits.map((l, k) => (k === 0 ? { ...l, limit: 9999 } : l)),
  })),
  witness("a limit of an hour that the session does not have", "nodalPriceUnsupported", (w) => ({
    ...w,
    limits: w.limits.map((l, k) => (k === 0 ? { ...l, hour: 99 } : l)),
  })),
  witness("limits tightened without need", "tighteningUnneeded", (w) => ({
    ...w,
    tightening: { voltagePu: 0.03, ratingShare: 0 },
  })),
  witness("two owners could gain what they traded", "regretsTooLarge", (w) => ({
    ...w,
    regrets: w.regrets.map((r, k) => (k < 2 ? { ...r, regretNano: `${10n ** 12n}` } : r)),
  })),
  witness("an owner could gain a cent", "regretsTooLarge", (w) => ({
    ...w,
    regrets: w.regrets.map((r, k) => (k === 1 ? { ...r, regretNano: `${10n ** 7n}` } : r)),
  })),
  witness("two owners' plans are not their trades", "leftOpenTooLarge", (w) => ({
    ...w,
    regrets: w.regrets.map((r, k) => (k < 2 ? { ...r, openNano: `${10n ** 12n}` } : r)),
  })),
  witness("an owner's plan is ten cents from its trades", "leftOpenTooLarge", (w) => ({
    ...w,
    regrets: w.regrets.map((r, k) => (k === 1 ? { ...r, openNano: `${10n ** 8n}` } : r)),
  })),
];

/** What leaves the session valid, and the first prosumer without a certificate. */
const claims = (name: string, edit: (regret: Witness["regrets"][number]) => Witness["regrets"]): Corruption =>
  witness(`unwilling: ${name}`, "uncertified", (w) => ({
    ...w,
    regrets: w.regrets.flatMap((r, k) => (k === 0 ? edit(r) : [r])),
  }));
export const UNWILLING: readonly Corruption[] = [
  claims("no regret", () => []),
  claims("an absurd regret", (r) => [{ ...r, regretNano: `${10n ** 15n}` }]),
  claims("a negative regret", (r) => [{ ...r, regretNano: `${-(10n ** 12n)}` }]),
  claims("less than nothing left open", (r) => [{ ...r, openNano: "-1" }]),
  claims("all the world left open", (r) => [{ ...r, openNano: `${10n ** 15n}` }]),
  claims("a regret that no message holds", (r) => [{ ...r, regretNano: `${2n ** 80n}`, signature: "0x00" }]),
  claims("a signature of something else", (r) => [
    { ...r, regretNano: "1", signature: `${r.signature.slice(0, -2)}00` },
  ]),
  claims("bytes for a signature", (r) => [{ ...r, signature: "0xzz" }]),
];
