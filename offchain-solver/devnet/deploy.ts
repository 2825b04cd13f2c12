/** Puts a market on a chain: what an operator does once, and every test. */
import type { Contract, Signer } from "ethers";
import { PRICE_CAP, deployCompiled, send, type Compiled, type Deployment } from "../chain/deployment.ts";
import { RULES, type Role, ROLES, selectors } from "../chain/roles.ts";
import { artifact, type ContractName } from "./artifacts.ts";

export type DeployOptions = {
  /** Largest magnitude of any price, 1e-6 $ per kWh, kW or kg. */
  readonly priceCap?: number;
  /** Another contract with the market's interface. */
  readonly market?: Compiled;
  /** An ERC-20 with 6 decimals; without it a test token that anybody may mint is deployed. */
  readonly token?: string;
  /** Holders of the roles; `admin` holds those that are not named. */
  readonly roles?: Partial<Record<Role, string>>;
};

/** The contracts with their roles: not yet open. Parties and their first committee come next, then the seal. */
export async function deployAll(admin: Signer, options: DeployOptions = {}): Promise<Deployment> {
  const provider = admin.provider;
  if (provider === null) throw new Error("deployAll: the signer has no provider");
  const adminAddress = await admin.getAddress();
  const block = (await provider.getBlockNumber()) + 1;
  const authority = await deploy(admin, "Authority", adminAddress);
  const token = options.token ?? (await (await deploy(admin, "TestToken")).getAddress());
  const authorityAddress = await authority.getAddress();
  const registry = await (await deploy(admin, "Registry", authorityAddress)).getAddress();
  const compiled = options.market ?? artifact("Market");
  const market = await (
    await deployCompiled(admin, compiled, authorityAddress, token, registry, options.priceCap ?? PRICE_CAP)
  ).getAddress();
  for (const rule of RULES) {
    const target = rule.target === "registry" ? registry : market;
    await send(authority, "setTargetFunctionRole", target, selectors(rule), ROLES[rule.role]);
  }
  for (const [role, id] of Object.entries(ROLES)) {
    await send(authority, "grantRole", id, options.roles?.[role as Role] ?? adminAddress, 0);
  }
  const { chainId } = await provider.getNetwork();
  return { chainId, block, authority: authorityAddress, token, registry, market };
}

export const deploy = (signer: Signer, name: ContractName, ...args: unknown[]): Promise<Contract> =>
  deployCompiled(signer, artifact(name), ...args);
