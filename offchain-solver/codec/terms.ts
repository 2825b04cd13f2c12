/**
 * The terms of a session: everything that must be the same for all parties before anybody clears, and the hash that is
 * frozen.
 */
import { concat, keccak256 } from "ethers";
import * as z from "zod";
import { MarketSettingsSchema } from "../market/scenario/market.ts";
import { PublicScenarioSchema } from "../market/scenario/publicScenario.ts";
import { canonicalBytes } from "./canonicalJson.ts";
import { foreignJson } from "./foreign.ts";
import * as StandingLoads from "./standingLoads.ts";

export const TermsSchema = z.strictObject({
  scenario: PublicScenarioSchema,
  settings: MarketSettingsSchema,
  /**
   * How the agents iterate: penalties, acceleration, stopping rule. An agent with other ones would not meet the rest.
   */
  clearing: z.record(z.string(), z.json()),
  /** Sum of regrets that certifies the optimum, beyond rounding: part of the gross turnover, in 1e-9. */
  toleranceNano: z.int().positive(),
});

export type Terms = z.infer<typeof TermsSchema>;

/** The one byte form of the terms; whoever has the terms has the bytes. */
export const termsBytes = (terms: Terms): Uint8Array => canonicalBytes(terms);

/** What of the terms the chain itself may need: the default profiles in them, told where somebody takes no part. */
export type Told = { readonly stated: string; readonly loads: Uint8Array };

/** keccak256 of `bytes`, which say `terms`, and the default profiles. */
const toldOf = (terms: Terms, bytes: Uint8Array): Told => ({
  stated: keccak256(bytes),
  loads: StandingLoads.encode(StandingLoads.standingLoads(terms.scenario)),
});
/** What the freeze commits to. */
export const hashOfTold = ({ stated, loads }: Told): string => keccak256(concat([stated, keccak256(loads)]));

export const toldTerms = (terms: Terms): Told => toldOf(terms, termsBytes(terms));

/**
 * keccak256 of two hashes, that of the bytes and that of the default profiles in them: the term that the freeze puts on
 * chain.
 */
export const termsHash = (terms: Terms): string => hashOfTold(toldTerms(terms));

/** Terms that a party was handed, against the hash it was invited with: a node clears on no others. */
export type TermsFinding =
  | { readonly kind: "agreed"; readonly terms: Terms }
  | { readonly kind: "refused"; readonly predicate: "malformedTerms" | "otherTerms"; readonly detail: string };

export function readTerms(bytes: Uint8Array, frozenHash: string): TermsFinding {
  const read = parseTerms(bytes);
  if (read.kind === "refused") return { kind: "refused", predicate: "malformedTerms", detail: read.detail };
  const { terms, hash } = read;
  if (hash !== frozenHash)
    return { kind: "refused", predicate: "otherTerms", detail: `${hash}, frozen were ${frozenHash}` };
  return { kind: "agreed", terms };
}

/** Terms that nobody has frozen yet, and the hash that a freeze of them would have. */
export function parseTerms(
  bytes: Uint8Array,
):
  | { readonly kind: "read"; readonly terms: Terms; readonly hash: string }
  | { readonly kind: "refused"; readonly detail: string } {
  const json = foreignJson(bytes);
  if (json === undefined) return { kind: "refused", detail: "no JSON" };
  const parsed = TermsSchema.safeParse(json.value);
  if (!parsed.success) return { kind: "refused", detail: z.prettifyError(parsed.error).split("\n")[0] };
  return { kind: "read", terms: parsed.data, hash: hashOfTold(toldOf(parsed.data, bytes)) };
}
