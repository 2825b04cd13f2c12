/** Handles to the contracts of one market. */
import { Contract, ContractFactory, isError, type ContractRunner, type InterfaceAbi, type Signer } from "ethers";
import { AUTHORITY, CARBON_CREDIT, DELIVERY, MARKET, REGISTRY, TOKEN } from "../codec/abi.ts";

export type Deployment = {
  readonly chainId: bigint;
  /** Where an auditor starts. */
  readonly block: number;
  readonly authority: string;
  readonly token: string;
  readonly registry: string;
  readonly market: string;
  /** What may post to the market besides settlements; absent where only the market is looked at. */
  readonly delivery?: string;
  readonly carbonCredit?: string;
};

export type Contracts = {
  readonly authority: Contract;
  readonly token: Contract;
  readonly registry: Contract;
  readonly market: Contract;
};

/** A contract as a compiler leaves it. */
export type Compiled = { readonly abi: InterfaceAbi; readonly bytecode: string };

/** Seconds, and what reserve costs that was called and not delivered: docs/delivery.md. */
export const DELIVERY_WINDOWS = {
  grace: 3_600,
  // Six hours less than a sale is held (contracts/types/Delays.sol): who sold with a dead meter is charged before it
  // can leave with the money.
  metering: 42 * 3_600,
  dispute: 86_400,
  correction: 400 * 86_400,
  multiple: 3,
} as const;

/** What the grams of the market's ledger are as a token, of one vintage. */
export const ledgerAsset = (vintage: number) => ({
  registry: "gridpact",
  vintage,
  method: "allowance",
  unit: "g",
  factorMicroG: 1_000_000,
  allowance: true,
});

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

/** Of a deployment that names them. */
export function deliveryContracts(deployment: Deployment, runner: ContractRunner) {
  const { delivery, carbonCredit } = deployment;
  if (delivery === undefined || carbonCredit === undefined) throw new Error("the deployment names no delivery");
  return {
    delivery: new Contract(delivery, DELIVERY, runner),
    carbonCredit: new Contract(carbonCredit, CARBON_CREDIT, runner),
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

/** A transaction is on its way, and nobody says whether it is in a block: who sends it again may pay twice. */
export class SentUnseen extends Error {
  readonly hash: string;
  constructor(hash: string, cause: unknown) {
    super(`transaction ${hash} was sent, and the chain does not say what became of it`, { cause });
    this.name = "SentUnseen";
    this.hash = hash;
  }
}

/** What the chain itself says of a transaction, as ethers puts it. */
const isAnswer = (error: unknown): boolean =>
  isError(error, "CALL_EXCEPTION") || isError(error, "TRANSACTION_REPLACED");

/**
 * Sends and waits; a revert throws with the custom error decoded by ethers. Throws SentUnseen where the chain stops
 * answering in between.
 */
export async function send(contract: Contract, method: string, ...args: unknown[]) {
  const response = await contract.getFunction(method).send(...args);
  const receipt = await response.wait().catch((error: unknown) => {
    throw isAnswer(error) ? error : new SentUnseen(response.hash, error);
  });
  if (receipt === null) throw new Error(`${method}: no receipt`);
  return receipt;
}
