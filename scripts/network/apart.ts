/**
 * `npm run network:apart -- [HOURS] [HOSTS]`: clears ieee15 with its hosts in network namespaces of their own, which
 * reach each other over virtual cables alone, and compares every bit with memory. Exit 0: the same; 1: not; 2: this
 * machine makes no namespaces.
 */
import { loadScenario, takeHours } from "../../offchain-solver/scenarios/loadScenario.ts";
import { agentsOf, clearInMemory, clearOverNetwork, dealt } from "./clearOverNetwork.ts";
import { makeNamespaces, type Namespaces } from "./namespaces.ts";

const [hours, count] = [Number(process.argv[2] ?? 24), Number(process.argv[3] ?? 15)];
const scenario = takeHours(loadScenario("ieee15"), hours);
let namespaces: Namespaces | undefined;
try {
  namespaces = makeNamespaces(count);
} catch (error) {
  process.stderr.write(`no network namespaces on this machine: ${(error as Error).message}\n`);
  process.exitCode = 2;
}
if (namespaces !== undefined) {
  const { hosts, remove } = namespaces;
  try {
    const memory = clearInMemory(scenario);
    const { events, ...apart } = await clearOverNetwork(scenario, {
      hosts: dealt(agentsOf(scenario), count),
      carried: (h) => ({ kind: "tls", listen: hosts[h].address }),
      within: (h) => hosts[h].within,
    });
    const same = apart.bits === memory.bits && apart.integers !== undefined && apart.integers === memory.integers;
    const { integers: _, ...told } = apart;
    const dropped = events.filter(({ event }) => event.kind === "dropped");
    process.stdout.write(
      `${JSON.stringify({ hours, hosts: count, same, memoryMs: memory.wallMs, ...told, dropped })}\n`,
    );
    process.exitCode = same ? 0 : 1;
  } finally {
    remove();
  }
}
