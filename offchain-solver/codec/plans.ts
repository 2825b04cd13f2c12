/**
 * What a party commits to before the day: the hash of what its renewables are planned to give, signed beside its
 * proposal and published in the witness. Only a plan that was committed to says afterwards what was called of anybody:
 * docs/delivery.md.
 */
import {
  type BaseWallet,
  computeHmac,
  concat,
  keccak256,
  toUtf8Bytes,
  TypedDataEncoder,
  ZeroHash,
  type TypedDataDomain,
} from "ethers";
import { plannedBytes, type Activation } from "./deliveryData.ts";
import { isIllFormed } from "./foreign.ts";
import { signerOfText } from "./recover.ts";
import type { Witness } from "./witness.ts";

/**
 * Of which session (`sessionHash`), and beside which proposal (keccak256 of its canonical JSON): the same end of
 * another attempt commits to the same.
 */
export type Planned = { readonly session: string; readonly proposal: string };

export type PlanCommitment = Planned & {
  readonly prosumer: number;
  /** `planHash` of what it is to give. */
  readonly plan: string;
};

export const PLAN_TYPES = {
  Plan: [
    { name: "session", type: "bytes32" },
    { name: "proposal", type: "bytes32" },
    { name: "prosumer", type: "uint32" },
    { name: "plan", type: "bytes32" },
  ],
};

export const signPlan = (domain: TypedDataDomain, key: BaseWallet, commitment: PlanCommitment): Promise<string> =>
  key.signTypedData(domain, PLAN_TYPES, commitment);

/** keccak256 of the salt and u32 Wh a period: without the salt nobody finds a plan by trying forecasts. */
export const planHash = (salt: string, plannedWh: readonly number[]): string =>
  keccak256(concat([salt, plannedBytes(plannedWh)]));

/**
 * Of a node's key and the proposal alone, so that whoever can sign the statement can open the commitment too:
 * HMAC-SHA-256, which tells nobody of the key.
 */
export const planSalt = (key: BaseWallet, { session, proposal }: Planned): string =>
  computeHmac("sha256", key.privateKey, concat([toUtf8Bytes("gridpact plan"), session, proposal]));

/** Opens what `id` has committed to in a witness; zeros where it has committed to nothing. */
export function openingSalt({ session, plans = [] }: Pick<Witness, "session" | "plans">, id: number, key: BaseWallet) {
  const own = plans.find((one) => one.id === id);
  return own === undefined ? ZeroHash : planSalt(key, { session, proposal: own.proposal });
}

export type SignedBy = {
  readonly session: string;
  /** The market's. */
  readonly domain: TypedDataDomain;
  /** As they were at the freeze. */
  readonly nodeKeys: ReadonlyMap<number, string>;
};

/**
 * [prosumer] hash of the plan that its node signed for this session. The first one of each counts, or none: two of them
 * would let it choose after the day.
 */
export function committedPlans({ plans = [] }: Pick<Witness, "plans">, by: SignedBy): Map<number, string> {
  const { session, domain, nodeKeys } = by;
  const found = new Map<number, string>();
  const seen = new Set<number>();
  for (const { id, proposal, plan, signature } of plans) {
    const key = nodeKeys.get(id);
    if (key === undefined || seen.has(id)) continue;
    seen.add(id);
    const digest = TypedDataEncoder.hash(domain, PLAN_TYPES, { session, proposal, prosumer: id, plan });
    if (signerOfText(digest, signature) === key) found.set(id, plan);
  }
  return found;
}

/** Whether the statement opens what its party committed to; one that no signed message holds does not. */
export function opensPlan(
  committed: ReadonlyMap<number, string>,
  { prosumer, salt, plannedWh }: Pick<Activation, "prosumer" | "salt" | "plannedWh">,
): boolean {
  const plan = committed.get(prosumer);
  if (plan === undefined) return false;
  try {
    return planHash(salt, plannedWh) === plan;
  } catch (error) {
    if (!isIllFormed(error)) throw error;
    return false;
  }
}
