/**
 * The bits of a short clearing: a hash over everything that its agents tell each other. Run as a script it prints all
 * of them as JSON.
 */
import { createHash } from "node:crypto";
import { pathToFileURL } from "node:url";
import { METHODS, type Method } from "../../offchain-solver/market/result/methods.ts";
import { runConsensus, type Carrier } from "../../offchain-solver/clearing/consensus.ts";
import type { Message } from "../../offchain-solver/clearing/message.ts";
import { DEFAULT_SETTINGS, MEMORY } from "../../offchain-solver/clearing/settings.ts";
import { createMarket, defaultSettings } from "../../offchain-solver/market/scenario/market.ts";
import { createNetwork } from "../../offchain-solver/market/formulation/network.ts";
import { loadScenario, takeHours } from "../../offchain-solver/scenarios/loadScenario.ts";
import { memoryTransport } from "../../offchain-solver/net/memoryTransport.ts";
import { clarabelSolver } from "../../offchain-solver/numerics/clarabelNode.ts";

const [SCENARIO, HOURS, ITERATIONS] = ["ieee15", 3, 60] as const;
export const WHAT = `SHA-256 of every message's numbers, ${SCENARIO}, ${HOURS} h, ${ITERATIONS} iterations`;

export function iterateBits(method: Method): string {
  const scenario = takeHours(loadScenario(SCENARIO), HOURS);
  const market = createMarket(scenario, defaultSettings(scenario));
  const hash = createHash("sha256");
  const { join, run } = memoryTransport<Message>();
  const carrier: Carrier = {
    join(self, party) {
      const { send, setTimer } = join(self, party);
      return {
        send(to, message) {
          hash.update(`${self} ${to} ${message.kind} ${message.iteration} `);
          // The agents' iterates, their projections, and the sums that the acceleration is decided from.
          for (const part of Object.values(message)) if (part instanceof Float64Array) hash.update(part);
          send(to, message);
        },
        setTimer,
      };
    },
    run,
  };
  const acceleration = { ...DEFAULT_SETTINGS.acceleration, method, memory: MEMORY[method] };
  const settings = { ...DEFAULT_SETTINGS, maxIterations: ITERATIONS, acceleration };
  runConsensus(market, createNetwork(market), settings, { solver: clarabelSolver, carrier });
  return hash.digest("hex");
}

export const allBits = (): Record<string, string> =>
  Object.fromEntries(METHODS.map((method) => [method, iterateBits(method)]));

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  process.stdout.write(JSON.stringify(allBits()));
