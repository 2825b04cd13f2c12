import { type Contract, type Signer, type Wallet } from "ethers";
import * as Onboarding from "../../offchain-solver/chain/onboarding.ts";
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

/** A mandate with some fields changed, and its owner's signature. */
export async function mandate(world: World, id: number, fields: object): Promise<[object, string]> {
  const full = { prosumer: id, ...OPEN_MANDATE, ...fields };
  return [full, await Onboarding.signMandate(world.deployment, world.wallets.get(id) as Wallet, full)];
}
