/** Compiled contracts, as Hardhat writes them. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Interface, type InterfaceAbi } from "ethers";

export type Artifact = { readonly abi: InterfaceAbi; readonly bytecode: string };

const FILES = {
  Authority: "Authority.sol/Authority.json",
  Registry: "Registry.sol/Registry.json",
  Market: "Market.sol/Market.json",
  ReferenceMarket: "reference/ReferenceMarket.sol/ReferenceMarket.json",
  AuditLens: "AuditLens.sol/AuditLens.json",
  TextbookSettlement: "mocks/TextbookSettlement.sol/TextbookSettlement.json",
  HashHarness: "mocks/HashHarness.sol/HashHarness.json",
  GridHarness: "mocks/GridHarness.sol/GridHarness.json",
  FeeToken: "mocks/Hostile.sol/FeeToken.json",
  RebasingToken: "mocks/Hostile.sol/RebasingToken.json",
  QuorumHarness: "mocks/QuorumHarness.sol/QuorumHarness.json",
  HookToken: "mocks/Hostile.sol/HookToken.json",
  HostileWallet: "mocks/Hostile.sol/HostileWallet.json",
  TestToken: "mocks/TestToken.sol/TestToken.json",
} as const;

export type ContractName = keyof typeof FILES;

export function artifact(name: ContractName): Artifact {
  const file = fileURLToPath(new URL(`../../artifacts/contracts/${FILES[name]}`, import.meta.url));
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new Error(`contract ${name} is not built: run "npx hardhat build" first`, { cause: error });
  }
}

export function abi(name: ContractName): Interface {
  return Interface.from(artifact(name).abi);
}
