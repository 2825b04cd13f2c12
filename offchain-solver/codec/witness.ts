import { type BaseWallet, TypedDataEncoder, type TypedDataDomain, verifyTypedData } from "ethers";
import * as z from "zod";
import { MarketSettingsSchema } from "../market/scenario/market.ts";
import { PublicScenarioSchema } from "../market/scenario/publicScenario.ts";

const hash = z.string().regex(/^0x[0-9a-f]{64}$/);
const whole = z.string().regex(/^-?\d+$/);

/** What supports a posted batch beside the chain: written to a file by the nodes, read by auditors. Money is nano-dollars in decimal text. */
export const WitnessSchema = z.strictObject({
  batch: hash,
  /** What was frozen for all: feeder, errors' moments, tariffs, pairs, rights. */
  scenario: PublicScenarioSchema,
  settings: MarketSettingsSchema,
  /** How far inside the limits the feeder was cleared, so that the AC sweep passes; absent: at the limits. Regrets certify that clearing. */
  tightening: z.strictObject({ voltagePu: z.number().nonnegative(), ratingShare: z.number().min(0).lt(1) }).optional(),
  /** Objective that the signers claim; the scale of the tolerance. */
  objectiveNano: whole,
  /** Sum of regrets may be at most this part of the objective, 1e-9. */
  toleranceNano: z.int().positive(),
  regrets: z.array(
    z.strictObject({ id: z.int().positive(), regretNano: whole, signature: z.string().startsWith("0x") }),
  ),
  /** The operator's binding limits: multiplier per image component (centre, then the spread's rows), $ per unit. */
  limits: z.array(
    z.strictObject({ hour: z.int().nonnegative(), limit: z.int().nonnegative(), multiplier: z.array(z.number()) }),
  ),
});

export type Witness = z.infer<typeof WitnessSchema>;

export const REGRET_TYPES = {
  Regret: [
    { name: "batch", type: "bytes32" },
    { name: "prosumer", type: "uint32" },
    { name: "regretNano", type: "int64" },
  ],
};

export const signRegret = (
  domain: TypedDataDomain,
  key: BaseWallet,
  batch: string,
  prosumer: number,
  regretNano: bigint,
): Promise<string> => key.signTypedData(domain, REGRET_TYPES, { batch, prosumer, regretNano });

/** Address that signed a regret; throws on a malformed signature. */
export const regretSigner = (
  domain: TypedDataDomain,
  batch: string,
  prosumer: number,
  regretNano: bigint,
  signature: string,
): string => verifyTypedData(domain, REGRET_TYPES, { batch, prosumer, regretNano }, signature);

export const regretDigest = (domain: TypedDataDomain, batch: string, prosumer: number, regretNano: bigint): string =>
  TypedDataEncoder.hash(domain, REGRET_TYPES, { batch, prosumer, regretNano });
