/** Handles to the contracts of one market. */
import { Contract, ContractFactory, type ContractRunner, type InterfaceAbi, type Signer } from "ethers";
import { AUTHORITY, MARKET, REGISTRY, TOKEN } from "../codec/abi.ts";

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

/** A contract as a compiler leaves it. */
export type Compiled = { readonly abi: InterfaceAbi; readonly bytecode: string };

/** Largest magnitude of any price unless a deployment says otherwise: three dollars a kWh. */
export const PRICE_CAP = 3_000_000;

export function contracts(deployment: Deployment, runner: ContractRunner): Contracts {
  return {
    authority: new Contract(deployment.authority, AUTHORITY, runner),
    token: new Contract(deployment.token, TOKEN, runner),
    registry: new Contract(deployment.registry, REGISTRY, runner),
    market: new Contract(deployment.market, MARKET, runner),
  };
}

/**
 * Opens the market for deposits, mandates and sessions; from here on whoever governs waits EXIT_TIME. By the manager's
 * admin.
 */
export async function seal(deployment: Deployment, admin: Signer): Promise<void> {
  const { authority } = contracts(deployment, admin);
  await send(authority, "seal", deployment.registry, [deployment.market]);
}

export async function deployCompiled(signer: Signer, compiled: Compiled, ...args: unknown[]): Promise<Contract> {
  const contract = await new ContractFactory(compiled.abi, compiled.bytecode, signer).deploy(...args);
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
