/** Single corruptions of a session that settled, each with the predicate that must name it. */
import { CONTRACT } from "./contract.ts";
import type { Corruption } from "./corruption.ts";
import { ON_CHAIN } from "./onChain.ts";
import { RESULT } from "./result.ts";
import { SIGNATURES } from "./signatures.ts";
import { FROZEN, TERMS } from "./terms.ts";
import { UNWILLING, WITNESS } from "./witness.ts";

export const CORRUPTIONS: readonly Corruption[] = [
  ...ON_CHAIN,
  ...SIGNATURES,
  ...CONTRACT,
  ...TERMS,
  ...FROZEN,
  ...WITNESS,
  ...RESULT,
  ...UNWILLING,
];
