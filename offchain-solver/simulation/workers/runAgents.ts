import { runConsensus, type ConsensusResult } from "../../clearing/consensus.ts";
import type { Message } from "../../clearing/message.ts";
import type { Settings } from "../../clearing/settings.ts";
import type { Market } from "../../market/scenario/market.ts";
import type { Network } from "../../market/formulation/network.ts";
import { memoryTransport } from "../../net/memoryTransport.ts";
import { clarabelSolver } from "../../numerics/clarabelNode.ts";
import { runOnWorkers, type WorkerOptions } from "./runOnWorkers.ts";

/**
 * Runs a session's agents on this machine: one after another in this thread, or from two workers up on worker threads.
 * Same bits.
 */
export function runAgents(
  market: Market,
  network: Network | undefined,
  settings: Settings,
  { workers = 1, ...options }: Partial<WorkerOptions>,
): ConsensusResult {
  return workers > 1
    ? runOnWorkers(market, network, settings, { workers, ...options })
    : runConsensus(market, network, settings, {
        solver: clarabelSolver,
        carrier: memoryTransport<Message>(),
        ...options,
      });
}
