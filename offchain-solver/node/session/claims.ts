/**
 * What becomes of an attempt in which everybody has claimed: a witness, another attempt without some, or no end. The
 * integers that a quorum makes are the session's; whoever makes others of the same proposals is named, signs nothing of
 * it, and keeps nobody from settling.
 */
import type { Terms } from "../../codec/terms.ts";
import { WitnessSchema, type CommittedPlan, type Witness } from "../../codec/witness.ts";
import { whoGoes, type Disputed } from "./disputes.ts";
import type { Beyond } from "./exclusions.ts";
import type { LifeOf } from "./messages.ts";

export type Claim = Omit<LifeOf<"claim">, "kind" | "session" | "attempt">;
export type Claimed = Claim & { readonly party: number };

export type Claiming = {
  readonly session: string;
  readonly terms: Terms;
  readonly operator: number;
  /** Parties whose signatures count, and how many it takes. */
  readonly committee: ReadonlySet<number>;
  readonly quorum: number;
  /** Binding limits, of the operator's proposal, and how far inside the feeder's they are. */
  readonly limits: Witness["limits"];
  readonly tightening: Witness["tightening"];
  /** Committed to beside the proposals, as everybody was handed them. */
  readonly plans: readonly CommittedPlan[];
};

export type Judged =
  | { readonly kind: "witness"; readonly witness: Witness; readonly named: readonly Disputed[] }
  /** The same for everybody. */
  | { readonly kind: "beyond"; readonly beyond: readonly Beyond[]; readonly named: readonly Disputed[] }
  /** The AC sweep of the integers is outside: cleared again inside tighter limits, it may not be. */
  | {
      readonly kind: "tighten";
      readonly tightening: NonNullable<Witness["tightening"]>;
      readonly named: readonly Disputed[];
    }
  /** Between two each. */
  | { readonly kind: "disputed"; readonly out: readonly Disputed[]; readonly named: readonly Disputed[] }
  | { readonly kind: "none"; readonly reason: string };

/** `claims`: one of everybody who took part. */
export function judgeClaims(claims: readonly Claimed[], about: Claiming): Judged {
  const { operator, committee, quorum } = about;
  const seats = (payload: string): number =>
    claims.filter((claim) => claim.payload === payload && committee.has(claim.party)).length;
  const theirs = claims.find(({ party }) => party === operator)?.payload ?? claims[0].payload;
  const agreed = claims.map(({ payload }) => payload).reduce((a, b) => (seats(b) > seats(a) ? b : a), theirs);
  const others = claims.filter(({ payload }) => payload !== agreed);
  const named = others.map(({ party, payload }) => ({ party, reason: `makes other integers of it: ${payload}` }));
  if (seats(agreed) < quorum) {
    const who = named.slice(0, 3).map(({ party, reason }) => `party ${party} ${reason}`);
    return { kind: "none", reason: `no quorum makes the same of the proposals: ${who.join("; ")}` };
  }
  const same = claims.filter(({ payload }) => payload === agreed);
  // Their own disputes do not count where they reckon otherwise: nobody could say what they are about.
  const disputes = same.flatMap(({ party, doubts = [] }) =>
    doubts.map((doubt) => ({
      accuser: party,
      accused: doubt.party,
      reason: `parties ${party} and ${doubt.party}: ${doubt.predicate}: ${doubt.detail}`,
    })),
  );
  const out = whoGoes(disputes, operator);
  if (out.length > 0) return { kind: "disputed", out, named };
  const { beyond, allowed, tighten } = same.find(({ party }) => party === operator) ?? {};
  if (beyond !== undefined) return { kind: "beyond", beyond, named };
  if (tighten !== undefined) return { kind: "tighten", tightening: tighten, named };
  const unbelieved = tooMuch(same, allowed, claims.length - quorum);
  return witnessOf(
    same.filter(({ party }) => !unbelieved.some((one) => one.party === party)),
    agreed,
    about,
    [...named, ...unbelieved],
  );
}

/**
 * Largest claims that are more than all together, or those who traded least, may be: a node that claims too much leaves
 * the session uncertified by itself, not unsettled. At most so `many`: where it takes more, something is wrong with the
 * result.
 */
function tooMuch(claims: readonly Claimed[], allowed: Claim["allowed"] = [], many: number): Disputed[] {
  const left = new Map(claims.map((claim) => [claim.party, claim]));
  const out: Disputed[] = [];
  for (const field of ["regretNano", "openNano"] as const) {
    const of = (claim: Claimed): bigint => (BigInt(claim[field] ?? 0) > 0n ? BigInt(claim[field] as string) : 0n);
    for (const [k, last] of allowed.entries()) {
      const most = BigInt(last[field]);
      const those = (): Claimed[] => allowed.slice(0, k + 1).flatMap(({ party }) => left.get(party) ?? []);
      while (out.length < many && those().reduce((sum, claim) => sum + of(claim), 0n) > most) {
        const { party, ...worst } = those().reduce((a, b) => (of(b) > of(a) ? b : a));
        left.delete(party);
        const who = k === allowed.length - 1 ? "all" : `the ${k + 1} who traded least`;
        out.push({ party, reason: `claims ${field} ${of({ party, ...worst })} where ${who} may claim ${most}` });
      }
    }
  }
  return out;
}

function witnessOf(claims: readonly Claimed[], payload: string, about: Claiming, named: readonly Disputed[]): Judged {
  const { session, terms, limits, plans, tightening } = about;
  const witness = WitnessSchema.safeParse({
    session,
    payload,
    terms,
    ...(tightening && { tightening }),
    plans,
    regrets: claims.flatMap(({ party: id, regretNano, openNano, signature }) =>
      regretNano === undefined || openNano === undefined || signature === undefined
        ? []
        : [{ id, regretNano, openNano, signature }],
    ),
    limits,
  });
  if (!witness.success) return { kind: "none", reason: "the claims make no witness" };
  return { kind: "witness", witness: witness.data, named };
}
