/** From a key to a participant: registration, committee, grid model, money, allowances, mandate. */
import { type BaseWallet, hexlify, type Signer } from "ethers";
import {
  type Mandate,
  MANDATE_TYPES,
  marketDomain,
  METER_KEY_TYPES,
  NODE_KEY_TYPES,
  registryDomain,
} from "../codec/typedData.ts";
import { contracts, type Deployment, send } from "./deployment.ts";

export type Party = {
  /** Registry id; the system accounts are UTILITY_ID, OPERATOR_ID and DESK_ID. */
  readonly id: number;
  /** Address that owns the account. */
  readonly wallet: string;
  /** Signs attestations; proves possession at registration. */
  readonly nodeKey: BaseWallet;
  /** Signs meter readings; proves possession at registration. */
  readonly meterKey: BaseWallet;
};

export const DESK_ID = 0xfffffffd;
export const OPERATOR_ID = 0xfffffffe;
export const UTILITY_ID = 0xffffffff;

/** Dollars to token units (6 decimals). */
export const tokens = (dollars: number): bigint => BigInt(Math.round(dollars * 1e6));

export async function register(deployment: Deployment, operator: Signer, parties: readonly Party[]): Promise<void> {
  const { registry } = contracts(deployment, operator);
  const domain = registryDomain(deployment.chainId, deployment.registry);
  for (const { id, wallet, nodeKey, meterKey } of parties) {
    const message = { prosumer: id, wallet, rotation: 0n };
    const nodeProof = await nodeKey.signTypedData(domain, NODE_KEY_TYPES, message);
    const meterProof = await meterKey.signTypedData(domain, METER_KEY_TYPES, message);
    await send(registry, "register", id, wallet, nodeKey.address, meterKey.address, nodeProof, meterProof);
  }
}

/** Bytes of codec/gridModel.ts; becomes the current model. */
export async function addGridModel(deployment: Deployment, operator: Signer, model: Uint8Array): Promise<void> {
  await send(contracts(deployment, operator).registry, "addGridModel", hexlify(model));
}

/**
 * The largest committee of these prosumers, or one of `most` members: with fewer than three, utility and desk are
 * members too.
 */
export function committeeOf(prosumers: readonly number[], most = 31): number[] {
  if (prosumers.length < 3) return [OPERATOR_ID, UTILITY_ID, DESK_ID, ...prosumers];
  return [OPERATOR_ID, ...prosumers.slice(0, most - 1)];
}

/**
 * 4 to 31 members of as many wallets, the operator's first; the position of an id is its bit in a batch's signers. Once
 * the market is sealed only who has been registered for EXIT_TIME may be named, and it counts EXIT_TIME later.
 */
export async function appointCommittee(
  deployment: Deployment,
  operator: Signer,
  ids: readonly number[],
): Promise<void> {
  await send(contracts(deployment, operator).registry, "appointCommittee", ids);
}

/** Mints test tokens to `payer` and deposits them to the account. Devnets only: the real token has no open mint. */
export async function fund(deployment: Deployment, payer: Signer, id: number, amount: bigint): Promise<void> {
  const { token, market } = contracts(deployment, payer);
  await send(token, "mint", await payer.getAddress(), amount);
  await send(token, "approve", deployment.market, amount);
  await send(market, "deposit", id, amount);
}

export async function issueAllowances(
  deployment: Deployment,
  regulator: Signer,
  grams: ReadonlyMap<number, bigint>,
): Promise<void> {
  await send(contracts(deployment, regulator).market, "issueAllowances", [...grams.keys()], [...grams.values()]);
}

/** Any ethers signer of the wallet: a key or a browser wallet. */
export async function signMandate(deployment: Deployment, wallet: Signer, mandate: Mandate): Promise<string> {
  return wallet.signTypedData(marketDomain(deployment.chainId, deployment.market), MANDATE_TYPES, mandate);
}

/** Anybody may send it; with an empty signature the wallet itself must. */
export async function registerMandate(
  deployment: Deployment,
  sender: Signer,
  mandate: Mandate,
  signature = "0x",
): Promise<void> {
  await send(contracts(deployment, sender).market, "registerMandate", mandate, signature);
}
