import { expect } from "chai";
import { loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import {
  agentsOf,
  clearInMemory,
  clearOverNetwork,
  dealt,
  type NetworkRun,
  type Run,
} from "../scripts/network/clearOverNetwork.ts";
import type { Carried } from "../scripts/network/orders.ts";
import { startProxy, type FaultyProxy } from "./support/faultyProxy.ts";
import { startNats, type NatsServer } from "./support/natsServer.ts";

const TLS: Carried = { kind: "tls", listen: "127.0.0.1" };

/** Everything but times and what the network adds. */
const outcome = ({ status, iterations, bits, integers, messages, bytes }: Run) => ({
  ...{ status, iterations, bits, integers, messages, bytes },
});

describe("a session whose agents are in processes of their own", function () {
  this.timeout(300_000);
  const scenario = takeHours(loadScenario("ieee15"), 1);
  const agents = agentsOf(scenario);
  let memory: Run;
  let server: NatsServer;
  const proxies: FaultyProxy[] = [];
  before(async () => {
    memory = clearInMemory(scenario);
    server = await startNats();
  });
  after(async () => {
    await Promise.all(proxies.map((proxy) => proxy.close()));
    await server.stop();
  });
  const dropsOf = ({ events }: NetworkRun) => events.filter(({ event }) => event.kind === "dropped");

  it("clears in memory, to compare with", () => {
    expect(memory.status).to.equal("solved");
    expect(memory.integers).to.have.length.greaterThan(100);
  });

  it("sends the same bits over TLS as in memory, and makes the same integers", async () => {
    const run = await clearOverNetwork(scenario, { hosts: dealt(agents, 5), carried: () => TLS });
    expect(outcome(run)).to.deep.equal(outcome(memory));
    expect(dropsOf(run)).to.deep.equal([]);
  });

  it("and over NATS, where the hosts exchange a few frames in place of all messages", async () => {
    const carried: Carried = { kind: "nats", servers: server.url, space: "session" };
    const run = await clearOverNetwork(scenario, { hosts: dealt(agents, 3), carried: () => carried });
    expect(outcome(run)).to.deep.equal(outcome(memory));
    expect(dropsOf(run)).to.deep.equal([]);
    // Two frames each way between three hosts in every iteration, and what a session begins and ends with.
    expect(run.frames).to.be.below(16 * run.iterations);
    expect(run.messages).to.equal(210 * (run.iterations + 1));
  });

  it("and over lines that take 40 ms, stall, and break", async () => {
    const iterations = 12;
    const short = clearInMemory(scenario, iterations);
    // Every host is reached through a proxy of its own; which it is for, is known once it listens.
    const targets: { host: string; port: number }[] = [];
    const hosts = dealt(agents, 4);
    for (const h of hosts.keys()) {
      const target = { host: "127.0.0.1", port: 0 };
      targets.push(target);
      const faults = { seed: h + 1, delayMs: 40, stall: 0.02, stallMs: 300, reset: 0.02 };
      proxies.push(await startProxy(target, faults));
    }
    const run = await clearOverNetwork(scenario, {
      hosts,
      carried: () => TLS,
      maxIterations: iterations,
      timing: { longestPauseMs: 100 },
      reroute(_from, to, address) {
        Object.assign(targets[to], address);
        return proxies[to].address;
      },
    });
    expect(outcome(run)).to.deep.equal(outcome(short));
    expect(dropsOf(run)).to.deep.equal([]);
    expect(proxies.reduce((sum, { counts }) => sum + counts.resets, 0)).to.be.greaterThan(3);
    expect(proxies.reduce((sum, { counts }) => sum + counts.stalls, 0)).to.be.greaterThan(3);
  });
});
