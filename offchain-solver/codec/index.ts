/** `gridpact/codec`: what is signed or stored, byte by byte. */
export { canonicalBytes } from "./canonicalJson.ts";
export { committedPlans, opensPlan, planHash, signPlan, type PlanCommitment } from "./plans.ts";
export { decode as decodePayload, encode as encodePayload, fromResult, type Payload } from "./payload.ts";
export { signerOf, signerOfText } from "./recover.ts";
export { readTerms, termsBytes, termsHash, TermsSchema, type Terms } from "./terms.ts";
export * from "./typedData.ts";
export { bundleHash, WitnessSchema, type Witness } from "./witness.ts";
