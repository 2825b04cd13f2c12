/**
 * The terms of a session: everything that must be the same for all parties before anybody clears, and the hash that is
 * frozen.
 */
import { keccak256 } from "ethers";
import * as z from "zod";
import { MarketSettingsSchema } from "../market/scenario/market.ts";
import { PublicScenarioSchema } from "../market/scenario/publicScenario.ts";
import { canonicalBytes } from "./canonicalJson.ts";
import { foreignJson } from "./foreign.ts";

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

/** keccak256 of the bytes: the term that the freeze puts on chain. */
export const termsHash = (terms: Terms): string => keccak256(termsBytes(terms));

/** Terms that a party was handed, against the hash it was invited with: a node clears on no others. */
export type TermsFinding =
  | { readonly kind: "agreed"; readonly terms: Terms }
  | { readonly kind: "refused"; readonly predicate: "malformedTerms" | "otherTerms"; readonly detail: string };

export function readTerms(bytes: Uint8Array, frozenHash: string): TermsFinding {
  const hash = keccak256(bytes);
  if (hash !== frozenHash)
    return { kind: "refused", predicate: "otherTerms", detail: `${hash}, frozen were ${frozenHash}` };
  const json = foreignJson(bytes);
  if (json === undefined) return { kind: "refused", predicate: "malformedTerms", detail: "no JSON" };
  const parsed = TermsSchema.safeParse(json.value);
  if (!parsed.success)
    return { kind: "refused", predicate: "malformedTerms", detail: z.prettifyError(parsed.error).split("\n")[0] };
  return { kind: "agreed", terms: parsed.data };
}
