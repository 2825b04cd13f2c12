/** What the regrets of a session certify, and by whom it is left uncertified. */
import type { TypedDataDomain } from "ethers";
import { signerOfText } from "../codec/recover.ts";
import { regretDigest, type Witness } from "../codec/witness.ts";
import {
  allowedMismatch,
  allowedOfLeast,
  allowedRegret,
  tradedBy,
  turnoverOf,
  type LeastAllowed,
} from "../market/result/certificate.ts";
import type { ClearingResult } from "../market/result/clearingResult.ts";
import type { Market } from "../market/scenario/market.ts";
import { invalid, uncertified, type Verdict } from "./verdict.ts";

/** What the batch is that a witness is about. */
export type WitnessContext = {
  readonly domain: TypedDataDomain;
  /** `sessionHash` of the frozen session, keccak256 of the payload. */
  readonly session: string;
  readonly payload: string;
  /** Node keys by prosumer id at the freeze. */
  readonly nodeKeys: ReadonlyMap<number, string>;
};

/**
 * Sum of all regrets that count, the most it may be, the gross turnover it is measured against, and what plans and
 * trades differ by in all, $.
 */
export type Certificate = {
  readonly regrets: number;
  readonly allowed: number;
  readonly turnover: number;
  readonly open: number;
  /** Whose claims do not count, and why, as far as a witness shows it; left out where all do. */
  readonly uncounted?: { readonly prosumer: number; readonly why: string }[];
};

export type Certified = { readonly verdict: Verdict; readonly certificate: Certificate };

/**
 * No regret of somebody who can be believed, and nothing that it left open, is more than this part of all that it
 * traded; where one prosumer alone claims more, its claim is absurd. Where several do, something is wrong with the
 * result.
 */
const ABSURD_SHARE = 0.1;

/** Bounds of the signed message's int64. */
const WIDEST = 2n ** 63n;

/**
 * One prosumer can take its own certificate from a session and nothing else: a regret that is missing, late (of another
 * session or batch), not signed, negative or absurd leaves the session uncertified by its owner. What is left, with the
 * operator's own, adds up to too much or does not; so does what plans and trades still differ by, and what those who
 * trade least claim of either.
 */
export function certify(
  context: WitnessContext,
  market: Market,
  result: ClearingResult,
  witness: Pick<Witness, "terms" | "regrets">,
  operatorRegret: number,
): Certified {
  const allowed = allowedRegret(market, result, witness.terms.toleranceNano / 1e9);
  const traded = tradedBy(market, result);
  const least = allowedOfLeast(market, result, witness.terms.toleranceNano / 1e9);
  const found = result.participants.map((id) => claimOf(context, witness.regrets, id));
  const claims = found.map((claim) => (typeof claim === "string" ? undefined : claim));
  const allowedOpen = allowedMismatch(market, result);
  const absurd = claims.flatMap((claim, i) => {
    const share = ABSURD_SHARE * traded[i];
    return claim && (claim.regret > Math.max(share, allowed) || claim.open > Math.max(share, allowedOpen)) ? [i] : [];
  });
  const honest = claims.map((claim) => (claim && claim.regret >= -allowed && claim.open >= 0 ? claim : undefined));
  const believed = honest.map((claim, i) => (absurd.length === 1 && i === absurd[0] ? undefined : claim));
  // A negative regret would hide another's: nobody can do better than its best response.
  const regrets = believed.reduce((sum, claim) => sum + Math.max(0, claim?.regret ?? 0), operatorRegret);
  const open = believed.reduce((sum, claim) => sum + (claim?.open ?? 0), 0);
  const uncounted = result.participants.flatMap((prosumer, i) => {
    const why = typeof found[i] === "string" ? found[i] : honest[i] === undefined ? NEGATIVE : ABSURD;
    return believed[i] === undefined ? [{ prosumer, why }] : [];
  });
  const figures = { regrets, allowed, turnover: turnoverOf(market, result).gross, open };
  const certificate: Certificate = { ...figures, ...(uncounted.length > 0 && { uncounted }) };
  const over = (sum: number, most: number): string => `${sum.toExponential(3)} $ over ${most.toExponential(3)} $`;
  if (!(regrets <= allowed)) return { verdict: invalid("regretsTooLarge", over(regrets, allowed)), certificate };
  if (!(open <= allowedOpen)) return { verdict: invalid("leftOpenTooLarge", over(open, allowedOpen)), certificate };
  const beyond = beyondLeast(least, believed);
  const alone = beyond && aloneBeyond(least, believed, beyond);
  if (beyond !== undefined && alone === undefined) {
    const predicate = beyond.field === "regret" ? "regretsTooLarge" : "leftOpenTooLarge";
    const those = `of the ${beyond.members.length} who traded least`;
    return { verdict: invalid(predicate, `${those}, ${over(beyond.sum, beyond.most)}`), certificate };
  }
  const without = (i: number): boolean => believed[i] === undefined || i === alone;
  const verdict = uncertified(result.participants.filter((_, i) => without(i)));
  if (alone === undefined) return { verdict, certificate };
  const beside = [...uncounted, { prosumer: result.participants[alone], why: ALONE }];
  return { verdict, certificate: { ...figures, uncounted: beside } };
}

/** What a prosumer signed of itself, $. */
type Claim = { readonly regret: number; readonly open: number };

type Beyond = {
  readonly field: keyof Claim;
  readonly members: readonly number[];
  readonly sum: number;
  readonly most: number;
};

/** The first of those who traded least that claim more together than they may. */
function beyondLeast(least: readonly LeastAllowed[], claims: readonly (Claim | undefined)[]): Beyond | undefined {
  const sums = { regret: 0, open: 0 };
  for (const [k, one] of least.entries())
    for (const field of ["regret", "open"] as const) {
      sums[field] += Math.max(0, claims[one.member]?.[field] ?? 0);
      if (sums[field] <= one[field]) continue;
      const members = least.slice(0, k + 1).map(({ member }) => member);
      return { field, members, sum: sums[field], most: one[field] };
    }
  return undefined;
}

/** Who alone is why those who traded least claim too much, where all together do not. */
function aloneBeyond(
  least: readonly LeastAllowed[],
  claims: readonly (Claim | undefined)[],
  { field, members }: Beyond,
): number | undefined {
  const worst = members.reduce((a, b) => ((claims[b]?.[field] ?? 0) > (claims[a]?.[field] ?? 0) ? b : a));
  const others = claims.map((claim, i) => (i === worst ? undefined : claim));
  return beyondLeast(least, others) === undefined ? worst : undefined;
}

/**
 * Entries of one prosumer that are looked at: a node signs once, or again after a restart. Each costs a signature's
 * recovery, and whoever puts thousands into a witness must not keep an auditor busy with them.
 */
const MOST_ENTRIES = 8;

const NEGATIVE = "its claim is negative";
const ABSURD = "its claim is absurd";
const ALONE = "it alone claims more than those who traded least may";

/**
 * What a prosumer signed that it could still gain, and has left open; the most of it where it signed twice. Words where
 * it signed nothing, or is given more entries than anybody looks at.
 */
function claimOf(context: WitnessContext, regrets: Witness["regrets"], id: number): Claim | string {
  const { domain, session, payload } = context;
  const key = context.nodeKeys.get(id);
  if (key === undefined) return "it had no node key at the freeze";
  const entries = regrets.filter((regret) => regret.id === id);
  if (entries.length === 0) return "no claim of it is in the witness";
  if (entries.length > MOST_ENTRIES) return `${entries.length} claims of it are in the witness`;
  const signed = entries.flatMap((regret) => {
    const [regretNano, openNano] = [BigInt(regret.regretNano), BigInt(regret.openNano)];
    if ([regretNano, openNano].some((nano) => nano >= WIDEST || nano < -WIDEST)) return [];
    const digest = regretDigest(domain, { session, payload, prosumer: id, regretNano, openNano });
    const claim = { regret: Number(regretNano) / 1e9, open: Number(openNano) / 1e9 };
    return signerOfText(digest, regret.signature) === key ? [claim] : [];
  });
  if (signed.length === 0) return "its claim in the witness is not signed by its node for this batch";
  return { regret: Math.max(...signed.map((c) => c.regret)), open: Math.max(...signed.map((c) => c.open)) };
}
