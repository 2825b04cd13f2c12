import { fileURLToPath } from "node:url";
import type { Provider, Signer } from "ethers";

/** A chain to run a session on. */
export type Chain = { readonly admin: Signer; readonly provider: Provider };

/** The network of the project's configuration that lives in this process. */
const SIMULATED = "default";

/**
 * Hardhat's simulated network in this process, contracts compiled; the project's own configuration, wherever the command was called from and
 * whatever the environment says of other networks: an embedded devnet never signs on a chain of somebody's.
 */
export async function embeddedDevnet(): Promise<Chain & { readonly close: () => Promise<void> }> {
  process.env.HARDHAT_CONFIG = fileURLToPath(new URL("../../hardhat.config.ts", import.meta.url));
  delete process.env.HARDHAT_NETWORK;
  const { network, tasks } = await import("hardhat");
  // Quick when nothing changed; on a fresh clone this is what makes the contracts.
  await tasks.getTask("build").run({ quiet: true, noTests: true });
  const connection = await network.create(SIMULATED);
  const [admin] = await connection.ethers.getSigners();
  return { admin, provider: connection.ethers.provider, close: () => connection.close() };
}
