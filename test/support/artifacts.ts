/** Contracts that tests put on a chain beside those of a deployment. */
import { type Contract, Interface, type Signer } from "ethers";
import { deployCompiled, type Compiled } from "../../offchain-solver/chain/deployment.ts";
import * as Product from "../../offchain-solver/devnet/artifacts.ts";

const FILES = {
  ReferenceMarket: ["reference/ReferenceMarket"],
  ReferenceDelivery: ["reference/ReferenceDelivery"],
  TextbookSettlement: ["test/TextbookSettlement"],
  HashHarness: ["test/HashHarness"],
  GridHarness: ["test/GridHarness"],
  QuorumHarness: ["test/QuorumHarness"],
  OptimisedParts: ["test/DeliveryHarness", "OptimisedParts"],
  PlainParts: ["test/DeliveryHarness", "PlainParts"],
  FeeToken: ["test/Hostile", "FeeToken"],
  RebasingToken: ["test/Hostile", "RebasingToken"],
  HookToken: ["test/Hostile", "HookToken"],
  HostileWallet: ["test/Hostile", "HostileWallet"],
} as const;

export type ContractName = Product.ContractName | keyof typeof FILES;

const ofTests = (name: ContractName): name is keyof typeof FILES => name in FILES;

export function artifact(name: ContractName): Compiled {
  if (!ofTests(name)) return Product.artifact(name);
  const [path, contract] = FILES[name];
  return Product.readArtifact(path, contract);
}

export const abi = (name: ContractName): Interface => Interface.from(artifact(name).abi);

export const deploy = (signer: Signer, name: ContractName, ...args: unknown[]): Promise<Contract> =>
  deployCompiled(signer, artifact(name), ...args);
