/** Compiled contracts, as Hardhat writes them. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Compiled } from "../chain/deployment.ts";

/** What a deployment is made of. */
const FILES = {
  Authority: "market/Authority",
  Registry: "market/Registry",
  Market: "market/Market",
  AuditLens: "market/AuditLens",
  TableWriter: "market/TableWriter",
  Delivery: "delivery/Delivery",
  CarbonCredit: "carbon/CarbonCredit",
  TestToken: "test/TestToken",
} as const;

export type ContractName = keyof typeof FILES;

export const artifact = (name: ContractName): Compiled => readArtifact(FILES[name]);

/** `path` below contracts/, without .sol; `name` where a file has more contracts than one. */
export function readArtifact(path: string, name = path.slice(path.lastIndexOf("/") + 1)): Compiled {
  const file = fileURLToPath(new URL(`../../artifacts/contracts/${path}.sol/${name}.json`, import.meta.url));
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Compiled;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new Error(`contract ${name} is not built: run "npx hardhat build" first`, { cause: error });
  }
}
