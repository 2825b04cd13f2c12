import { type Contract, type Signer, type Wallet } from "ethers";
import * as Onboarding from "../../offchain-solver/chain/onboarding.ts";
import { EXIT_TIME } from "../../offchain-solver/chain/roles.ts";
import {
  type FrozenLimits,
  METER_KEY_TYPES,
  NODE_KEY_TYPES,
  registryDomain,
  unpackLimits,
} from "../../offchain-solver/codec/typedData.ts";
import { OPEN_MANDATE, refusalOf, type World } from "./world.ts";

/** The wallet of `id`, with money for gas. */
export async function owner(world: World, id: number): Promise<Wallet> {
  const wallet = (world.wallets.get(id) as Wallet).connect(world.provider);
  await world.admin.sendTransaction({ to: wallet.address, value: 10n ** 18n });
  return wallet;
}
export const as = (contract: Contract, signer: Signer): Contract => contract.connect(signer) as Contract;
export const call = (contract: Contract, method: string, ...args: unknown[]): Promise<unknown> =>
  contract.getFunction(method).staticCall(...args);
export async function refused(contract: Contract, method: string, ...args: unknown[]): Promise<string> {
  return (await refusalOf(contract, call(contract, method, ...args))).predicate;
}
export const held = async (world: World, id: number): Promise<bigint> =>
  (await world.contracts.market.getFunction("account").staticCall(id)).deposit;

/** The mandate that is registered for `id`, as the next freeze takes it. */
export async function registeredLimits(market: Contract, id: number): Promise<FrozenLimits> {
  const { limits, capacity } = await market.getFunction("registeredMandate").staticCall(id);
  return unpackLimits(limits, capacity);
}

/** Appoints `ids` once they are of age and waits until they count. */
export async function seat(world: World, ids: readonly number[]): Promise<void> {
  const { time } = world.connection.networkHelpers;
  await time.increase(EXIT_TIME);
  await Onboarding.appointCommittee(world.deployment, world.admin, ids);
  await time.increase(EXIT_TIME);
}

/** A key's proof that whoever presents it for `id` holds it. */
export function proof(
  world: World,
  kind: "node" | "meter",
  key: Wallet,
  message: { prosumer: number; wallet: string; rotation: bigint },
): Promise<string> {
  const types = kind === "node" ? NODE_KEY_TYPES : METER_KEY_TYPES;
  return key.signTypedData(registryDomain(world.deployment.chainId, world.deployment.registry), types, message);
}

/** A mandate with some fields changed, and its owner's signature. */
export async function mandate(world: World, id: number, fields: object): Promise<[object, string]> {
  const full = { prosumer: id, ...OPEN_MANDATE, ...fields };
  return [full, await Onboarding.signMandate(world.deployment, world.wallets.get(id) as Wallet, full)];
}
