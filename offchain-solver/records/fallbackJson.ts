/**
 * fallback.json: a day on which no session settled, as it is billed: what was frozen and came to nothing, and what each
 * meter read. About homes: private.
 */
import * as z from "zod";
import { TermsSchema } from "../codec/terms.ts";
import { MetersJsonSchema } from "./deliveryJson.ts";

export const FallbackJsonSchema = z.strictObject({
  /** The contract in whose domain meters sign, on which chain. */
  chainId: MetersJsonSchema.shape.chainId,
  delivery: MetersJsonSchema.shape.delivery,
  /** They hash to what was frozen; their tariff is what the day is billed at. */
  terms: TermsSchema,
  meters: MetersJsonSchema.shape.meters,
});
export type FallbackJson = z.infer<typeof FallbackJsonSchema>;
