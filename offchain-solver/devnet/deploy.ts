/** Puts a market on a chain: what an operator does once, and every test. */
import type { Contract, Signer } from "ethers";
import {
  DELIVERY_WINDOWS,
  PRICE_CAP,
  deployCompiled,
  ledgerAsset,
  send,
  type Compiled,
  type Deployment,
} from "../chain/deployment.ts";
import { RULES, type Role, ROLES, selectors } from "../chain/roles.ts";
import { artifact, type ContractName } from "./artifacts.ts";
import { buildRelease } from "./release.ts";

export type DeployOptions = {
  /** Largest magnitude of any price, 1e-6 $ per kWh, kW or kg. */
  readonly priceCap?: number;
  /** Another contract with the market's interface. */
  readonly market?: Compiled;
  /** Another contract with the delivery's interface. */
  readonly delivery?: Compiled;
  /** Whom the market lets post instead of the delivery and the carbon contract. */
  readonly posters?: readonly [string, string];
  /** An ERC-20 with 6 decimals; without it a test token that anybody may mint is deployed. */
  readonly token?: string;
  /** Holders of the roles; `admin` holds those that are not named. */
  readonly roles?: Partial<Record<Role, string>>;
};

/** The contracts with their roles: not yet open. Parties and their first committee come next, then the seal. */
export async function deployAll(admin: Signer, options: DeployOptions = {}): Promise<Deployment> {
  const provider = admin.provider;
  if (provider === null) throw new Error("deployAll: the signer has no provider");
  // Whatever the chain: on a fresh clone nothing is compiled yet.
  await buildRelease();
  const adminAddress = await admin.getAddress();
  const block = (await provider.getBlockNumber()) + 1;
  const authority = await deploy(admin, "Authority", adminAddress);
  const token = options.token ?? (await (await deploy(admin, "TestToken")).getAddress());
  const authorityAddress = await authority.getAddress();
  const registry = await (await deploy(admin, "Registry", authorityAddress)).getAddress();
  const compiled = options.market ?? artifact("Market");
  const handle = await deployCompiled(
    admin,
    compiled,
    authorityAddress,
    token,
    registry,
    options.priceCap ?? PRICE_CAP,
  );
  const market = await handle.getAddress();
  const posting = await deployPosting(admin, { authority: authorityAddress, registry, market }, options.delivery);
  await send(handle, "connect", ...(options.posters ?? [posting.delivery, posting.carbonCredit]));
  for (const rule of RULES) {
    const target = { registry, market, ...posting }[rule.target];
    await send(authority, "setTargetFunctionRole", target, selectors(rule), ROLES[rule.role]);
  }
  for (const [role, id] of Object.entries(ROLES)) {
    await send(authority, "grantRole", id, options.roles?.[role as Role] ?? adminAddress, 0);
  }
  const { chainId } = await provider.getNetwork();
  return { chainId, block, authority: authorityAddress, token, registry, market, ...posting };
}

/** What may post to the market. The ledger's grams are of the year in which it is deployed. */
async function deployPosting(
  admin: Signer,
  { authority, registry, market }: Pick<Deployment, "authority" | "registry" | "market">,
  compiled = artifact("Delivery"),
): Promise<{ readonly delivery: string; readonly carbonCredit: string }> {
  const seconds = (await admin.provider?.getBlock("latest"))?.timestamp ?? 0;
  const year = new Date(1000 * seconds).getUTCFullYear();
  const delivery = await (
    await deployCompiled(admin, compiled, authority, market, registry, DELIVERY_WINDOWS)
  ).getAddress();
  const carbon = await deploy(admin, "CarbonCredit", authority, market, delivery, registry, ledgerAsset(year));
  return { delivery, carbonCredit: await carbon.getAddress() };
}

export const deploy = (signer: Signer, name: ContractName, ...args: unknown[]): Promise<Contract> =>
  deployCompiled(signer, artifact(name), ...args);
