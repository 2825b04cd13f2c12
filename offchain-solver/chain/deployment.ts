/** Puts the contracts on a chain and gives handles to them. */
import { Contract, ContractFactory, type ContractRunner, type Signer } from "ethers";
import { abi, artifact, type ContractName } from "./artifacts.ts";
import { RULES, type Role, ROLES, selectors } from "./roles.ts";

export type Deployment = {
  readonly chainId: bigint;
  /** Where an auditor starts. */
  readonly block: number;
  readonly authority: string;
  readonly token: string;
  readonly registry: string;
  readonly market: string;
};

export type Contracts = {
  readonly authority: Contract;
  readonly token: Contract;
  readonly registry: Contract;
  readonly market: Contract;
};

export type DeployOptions = {
  /** Largest magnitude of any price, 1e-6 $ per kWh, kW or kg. */
  readonly priceCap?: number;
  /** The plain twin instead of the optimised market. */
  readonly reference?: boolean;
  /** An ERC-20 with 6 decimals; without it a test token that anybody may mint is deployed. */
  readonly token?: string;
  /** Holders of the roles; `admin` holds those that are not named. */
  readonly roles?: Partial<Record<Role, string>>;
};

/** Three dollars a kWh. */
export const PRICE_CAP = 3_000_000;

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
  const name = options.reference ? "ReferenceMarket" : "Market";
  const market = await (
    await deploy(admin, name, authorityAddress, token, registry, options.priceCap ?? PRICE_CAP)
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

/**
 * Opens the market for deposits, mandates and sessions; from here on whoever governs waits EXIT_TIME. By the manager's
 * admin.
 */
export async function seal(deployment: Deployment, admin: Signer): Promise<void> {
  const { authority } = contracts(deployment, admin);
  await send(authority, "seal", deployment.registry, [deployment.market]);
}

export function contracts(deployment: Deployment, runner: ContractRunner): Contracts {
  return {
    authority: new Contract(deployment.authority, abi("Authority"), runner),
    token: new Contract(deployment.token, abi("TestToken"), runner),
    registry: new Contract(deployment.registry, abi("Registry"), runner),
    market: new Contract(deployment.market, abi("ReferenceMarket"), runner),
  };
}

export async function deploy(signer: Signer, name: ContractName, ...args: unknown[]): Promise<Contract> {
  const { abi: fragments, bytecode } = artifact(name);
  const contract = await new ContractFactory(fragments, bytecode, signer).deploy(...args);
  await contract.waitForDeployment();
  return contract as Contract;
}

/** Sends and waits; a revert throws with the custom error decoded by ethers. */
export async function send(contract: Contract, method: string, ...args: unknown[]) {
  const response = await contract.getFunction(method).send(...args);
  const receipt = await response.wait();
  if (receipt === null) throw new Error(`${method}: no receipt`);
  return receipt;
}
