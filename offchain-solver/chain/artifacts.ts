/** Compiled contracts, as Hardhat writes them. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Interface, type InterfaceAbi } from "ethers";

export type Artifact = { readonly abi: InterfaceAbi; readonly bytecode: string };

const FILES = {
  Authority: "market/Authority.sol/Authority.json",
  Registry: "market/Registry.sol/Registry.json",
  Market: "market/Market.sol/Market.json",
  ReferenceMarket: "reference/ReferenceMarket.sol/ReferenceMarket.json",
  AuditLens: "market/AuditLens.sol/AuditLens.json",
  TextbookSettlement: "test/TextbookSettlement.sol/TextbookSettlement.json",
  HashHarness: "test/HashHarness.sol/HashHarness.json",
  GridHarness: "test/GridHarness.sol/GridHarness.json",
  FeeToken: "test/Hostile.sol/FeeToken.json",
  RebasingToken: "test/Hostile.sol/RebasingToken.json",
  QuorumHarness: "test/QuorumHarness.sol/QuorumHarness.json",
  HookToken: "test/Hostile.sol/HookToken.json",
  HostileWallet: "test/Hostile.sol/HostileWallet.json",
  TestToken: "test/TestToken.sol/TestToken.json",
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
