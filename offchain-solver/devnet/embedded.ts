import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Provider, Signer } from "ethers";
import { passTime } from "./chain/served.ts";
import { SIMULATED, simulatedNetwork } from "./simulated.ts";
import type { Deployment } from "../chain/deployment.ts";

/** A chain to run a session on. */
export type Chain = {
  readonly admin: Signer;
  readonly provider: Provider;
  /** A market that stands there already, with the scenario's members; else each session gets one of its own. */
  readonly deployment?: Deployment;
  /** Sets the clock forward, Unix seconds; absent where the chain is somebody's. */
  readonly passTime?: (to: number) => Promise<void>;
};

/** A chain whose clock this process sets. */
export type OwnChain = Chain & { readonly passTime: (to: number) => Promise<void> };

const DAY_MS = 86_400_000;

/**
 * Hardhat with the project's own configuration and contracts compiled, wherever the command was called from and
 * whatever the environment says of other networks: a devnet never signs on a chain of somebody's.
 */
export async function hardhatOfProject() {
  const config = fileURLToPath(new URL("../../hardhat.config.ts", import.meta.url));
  delete process.env.HARDHAT_NETWORK;
  if (!existsSync(config)) return hardhatOfPackage();
  process.env.HARDHAT_CONFIG = config;
  const { network, tasks } = await import("hardhat");
  // Quick when nothing changed; on a fresh clone this is what makes the contracts.
  await tasks.getTask("build").run({ quiet: true, noTests: true });
  return { network };
}

/** As installed: the contracts come compiled with the package, and there are no sources to build. */
async function hardhatOfPackage() {
  const { createHardhatRuntimeEnvironment } = await import("hardhat/hre");
  const { default: toolbox } = await import("@nomicfoundation/hardhat-toolbox-mocha-ethers");
  const root = fileURLToPath(new URL("../..", import.meta.url));
  return createHardhatRuntimeEnvironment(
    { plugins: [toolbox], networks: { [SIMULATED]: simulatedNetwork } },
    { config: "" },
    root,
  );
}

/**
 * Hardhat's simulated network in this process. Its clock starts the day before `startUtc`, so that the session of an
 * old series obeys the market's rules of time as one of tomorrow.
 */
export async function embeddedDevnet(startUtc: string): Promise<OwnChain & { readonly close: () => Promise<void> }> {
  const { network } = await hardhatOfProject();
  const connection = await network.create({
    network: SIMULATED,
    override: { initialDate: new Date(Date.parse(startUtc) - DAY_MS) },
  });
  const [admin] = await connection.ethers.getSigners();
  const { provider } = connection.ethers;
  return { admin, provider, passTime: (to) => passTime(provider, to), close: () => connection.close() };
}
