import { type BaseWallet, keccak256, TypedDataEncoder, type TypedDataDomain } from "ethers";
import * as z from "zod";
import { canonicalBytes } from "./canonicalJson.ts";
import { TermsSchema } from "./terms.ts";

const hash = z.string().regex(/^0x[0-9a-f]{64}$/);
const whole = z.string().regex(/^-?\d+$/);

/** How far inside its limits a feeder was cleared: p.u., and share of every rating. */
export const WitnessTighteningSchema = z.strictObject({
  voltagePu: z.number().nonnegative(),
  ratingShare: z.number().min(0).lt(1),
});

/** Of whom, beside which proposal (keccak256 of its canonical JSON), which plan (`planHash`), signed by its node. */
export const CommittedPlanSchema = z.strictObject({
  id: z.int().positive(),
  proposal: hash,
  plan: hash,
  signature: z.string().startsWith("0x").max(132),
});
export type CommittedPlan = z.infer<typeof CommittedPlanSchema>;

/**
 * What supports a posted batch beside the chain: written to a file by the nodes, read by auditors. Money is
 * nano-dollars in decimal text.
 */
export const WitnessSchema = z.strictObject({
  /** `sessionHash` of the frozen session, and keccak256 of the payload. */
  session: hash,
  payload: hash,
  /** What was frozen for all; they hash to the session's term. */
  terms: TermsSchema,
  /**
   * How far inside the limits the feeder was cleared, so that the AC sweep passes; absent: at the limits. Regrets
   * certify that clearing.
   */
  tightening: WitnessTighteningSchema.optional(),
  regrets: z.array(
    z.strictObject({
      id: z.int().positive(),
      regretNano: whole,
      openNano: whole,
      signature: z.string().startsWith("0x"),
    }),
  ),
  /**
   * Hash of what each one's renewables are planned to give, signed by its node: `planHash`. Absent: nobody commits to
   * one, and nothing is called for of anybody.
   */
  plans: z.array(CommittedPlanSchema).optional(),
  /** The operator's binding limits: multiplier per image component (centre, then the spread's rows), $ per unit. */
  limits: z.array(
    z.strictObject({ hour: z.int().nonnegative(), limit: z.int().nonnegative(), multiplier: z.array(z.number()) }),
  ),
});

export type Witness = z.infer<typeof WitnessSchema>;

/** The one byte form of a witness has one hash, which the nodes sign with the batch. */
export const bundleHash = (witness: Witness): string => keccak256(canonicalBytes(witness));

/** What a prosumer claims it could still gain, and what it left open, of which session and payload. */
export type Regret = {
  readonly session: string;
  readonly payload: string;
  readonly prosumer: number;
  readonly regretNano: bigint;
  readonly openNano: bigint;
};

export const REGRET_TYPES = {
  Regret: [
    { name: "session", type: "bytes32" },
    { name: "payload", type: "bytes32" },
    { name: "prosumer", type: "uint32" },
    { name: "regretNano", type: "int64" },
    { name: "openNano", type: "int64" },
  ],
};

export const signRegret = (domain: TypedDataDomain, key: BaseWallet, regret: Regret): Promise<string> =>
  key.signTypedData(domain, REGRET_TYPES, regret);

export const regretDigest = (domain: TypedDataDomain, regret: Regret): string =>
  TypedDataEncoder.hash(domain, REGRET_TYPES, regret);
