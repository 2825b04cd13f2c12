/** What the regrets of a session certify, and by whom it is left uncertified. */
import type { TypedDataDomain } from "ethers";
import { signerOfText } from "../codec/recover.ts";
import { regretDigest, type Witness } from "../codec/witness.ts";
import { allowedRegret, turnoverOf } from "../market/result/certificate.ts";
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

/** Sum of all regrets that count, the most it may be, and the gross turnover it is measured against, $. */
export type Certificate = { readonly regrets: number; readonly allowed: number; readonly turnover: number };

export type Certified = { readonly verdict: Verdict; readonly certificate: Certificate };

/**
 * No regret of somebody who can be believed is more than this part of all that it traded; where one prosumer alone
 * claims more, its claim is absurd. Where several do, something is wrong with the prices.
 */
const ABSURD_SHARE = 0.1;

/** Bounds of the signed message's int64. */
const WIDEST = 2n ** 63n;

/**
 * One prosumer can take its own certificate from a session and nothing else: a regret that is missing, late (of another
 * session or batch), not signed, negative or absurd leaves the session uncertified by its owner. What is left, with the
 * operator's own, adds up to too much or does not.
 */
export function certify(
  context: WitnessContext,
  market: Market,
  result: ClearingResult,
  witness: Pick<Witness, "terms" | "regrets">,
  operatorRegret: number,
): Certified {
  const allowed = allowedRegret(market, result, witness.terms.toleranceNano / 1e9);
  const traded = tradedBy(result);
  const claims = result.participants.map((id) => claimOf(context, witness.regrets, id));
  const believed = claims.map((claim) => claim !== undefined && claim >= -allowed);
  const absurd = claims.flatMap((claim, i) =>
    believed[i] && (claim as number) > Math.max(ABSURD_SHARE * traded[i], allowed) ? [i] : [],
  );
  if (absurd.length === 1) believed[absurd[0]] = false;
  // A negative regret would hide another's: nobody can do better than its best response.
  const regrets = claims.reduce<number>(
    (sum, claim, i) => sum + (believed[i] ? Math.max(0, claim as number) : 0),
    operatorRegret,
  );
  const certificate = { regrets, allowed, turnover: turnoverOf(result).gross };
  if (!(regrets <= allowed))
    return {
      verdict: invalid("regretsTooLarge", `${regrets.toExponential(3)} $ over ${allowed.toExponential(3)} $`),
      certificate,
    };
  return { verdict: uncertified(result.participants.filter((_, i) => !believed[i])), certificate };
}

/** What a prosumer signed that it could still gain, $; the most of it where it signed twice. */
function claimOf(context: WitnessContext, regrets: Witness["regrets"], id: number): number | undefined {
  const { domain, session, payload } = context;
  const key = context.nodeKeys.get(id);
  if (key === undefined) return undefined;
  const signed = regrets.flatMap((regret) => {
    const regretNano = BigInt(regret.regretNano);
    if (regret.id !== id || regretNano >= WIDEST || regretNano < -WIDEST) return [];
    const digest = regretDigest(domain, { session, payload, prosumer: id, regretNano });
    return signerOfText(digest, regret.signature) === key ? [Number(regretNano) / 1e9] : [];
  });
  return signed.length === 0 ? undefined : Math.max(...signed);
}

/** Gross turnover of every participant, $. */
function tradedBy({ participants, trades }: ClearingResult): Float64Array {
  const traded = new Float64Array(participants.length);
  for (const { seller, buyer, quantity, price } of trades)
    for (const party of [seller, buyer]) if (party < traded.length) traded[party] += Math.abs(quantity * price) / 1e9;
  return traded;
}
