/** Clears a session with its agents spread over host processes, and in memory to compare with. */
import { createHash, type Hash } from "node:crypto";
import { fork, spawn, type ChildProcess } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { assemble } from "../../offchain-solver/clearing/assemble.ts";
import { runConsensus, type Carrier } from "../../offchain-solver/clearing/consensus.ts";
import { OPERATOR_AGENT, type Message } from "../../offchain-solver/clearing/message.ts";
import { DEFAULT_SETTINGS } from "../../offchain-solver/clearing/settings.ts";
import { settingsTerms } from "../../offchain-solver/clearing/settingsTerms.ts";
import { quantise } from "../../offchain-solver/codec/quantise.ts";
import { termsBytes, termsHash, type Terms } from "../../offchain-solver/codec/terms.ts";
import { placesOn } from "../../offchain-solver/grid/places.ts";
import { createNetwork, type Network } from "../../offchain-solver/market/formulation/network.ts";
import {
  OperatorProposalSchema,
  ProposalSchema,
  type Proposals,
} from "../../offchain-solver/market/result/proposal.ts";
import { createMarket, defaultSettings, type Market } from "../../offchain-solver/market/scenario/market.ts";
import { publicScenario } from "../../offchain-solver/market/scenario/publicScenario.ts";
import type { Scenario } from "../../offchain-solver/market/scenario/scenario.ts";
import type { Timing } from "../../offchain-solver/net/host/hostOptions.ts";
import type { NetworkEvent } from "../../offchain-solver/net/host/networkEvent.ts";
import { memoryTransport } from "../../offchain-solver/net/memoryTransport.ts";
import { clarabelSolver } from "../../offchain-solver/numerics/clarabelNode.ts";
import { hashMessage, hashOfAll } from "./messageHash.ts";
import type { Carried, Ended, Order, Report } from "./orders.ts";
import { nodeKey } from "./parties.ts";

export type Run = {
  readonly status: string;
  readonly iterations: number;
  /** Of every number in every message. */
  readonly bits: string;
  /** What would be signed, as JSON; undefined where there is none. */
  readonly integers: string | undefined;
  readonly messages: number;
  readonly bytes: number;
  /** From the start of the first agent to the end of the last. */
  readonly wallMs: number;
  /** Of all processes, in that time. */
  readonly cpuMs: number;
};

export type NetworkRun = Run & {
  readonly startMs: number;
  readonly failures: readonly string[];
  /** What the network carried between hosts. */
  readonly frames: number;
  readonly frameBytes: number;
  readonly peakMb: number;
  readonly events: readonly { readonly host: number; readonly event: NetworkEvent }[];
};

export type NetworkOptions = {
  /** [host] the agents that live on it. */
  readonly hosts: readonly (readonly number[])[];
  /** [host] what it is carried by. */
  readonly carried: (host: number) => Carried;
  readonly maxIterations?: number;
  readonly timing?: Partial<Timing>;
  /** [host] a command that its process is run by. */
  readonly within?: (host: number) => readonly string[];
  /** What another host is told in place of an address. */
  readonly reroute?: (from: number, to: number, address: unknown) => unknown;
};

export const settingsOf = (maxIterations = DEFAULT_SETTINGS.maxIterations) => ({ ...DEFAULT_SETTINGS, maxIterations });
export const agentsOf = (scenario: Scenario): number[] => [OPERATOR_AGENT, ...scenario.prosumers.keys()];
/** Deals agents out to hosts in turn. */
export const dealt = (agents: readonly number[], hosts: number): number[][] =>
  Array.from({ length: hosts }, (_, h) => agents.filter((_agent, k) => k % hosts === h));

const integersOf = (market: Market, network: Network, proposals: Proposals): string =>
  JSON.stringify(
    quantise(market, proposals, placesOn(market.scenario.feeder, network.topology, network.busOf)).result,
    (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value),
  );

/** All agents in this process. */
export function clearInMemory(scenario: Scenario, maxIterations?: number): Run {
  const market = createMarket(scenario, defaultSettings(scenario));
  const network = createNetwork(market);
  const { join, run } = memoryTransport<Message>();
  const sent = new Map<number, Hash>(agentsOf(scenario).map((agent) => [agent, createHash("sha256")]));
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  const carrier: Carrier = {
    join(self, party) {
      const link = join(self, party);
      return {
        ...link,
        send(to, message) {
          hashMessage(sent.get(self) as Hash, to, message);
          link.send(to, message);
        },
      };
    },
    run,
  };
  const result = runConsensus(market, network, settingsOf(maxIterations), { solver: clarabelSolver, carrier });
  const wallMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  const solved = result.status === "solved";
  return {
    status: result.status,
    iterations: result.iterations,
    bits: hashOfAll([...sent].map(([agent, hash]) => [agent, hash.digest("hex")])),
    integers: solved ? integersOf(market, network, assemble(market, result).proposals) : undefined,
    messages: result.messages,
    bytes: result.bytes,
    wallMs,
    cpuMs: (user + system) / 1000,
  };
}

class Hosts {
  readonly events: { host: number; event: NetworkEvent }[] = [];
  private readonly children: ChildProcess[];
  private readonly told: Report[][];
  private wake: () => void = () => undefined;
  private failed: Error | undefined;

  constructor({ hosts, within = () => [] }: NetworkOptions) {
    const file = fileURLToPath(new URL("hostProcess.ts", import.meta.url));
    this.told = hosts.map(() => []);
    // Compiled once, not by every process.
    const env = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), "gridpact-compile-cache") };
    this.children = hosts.map((_, h) => {
      const [command, ...args] = within(h);
      const child =
        command === undefined
          ? fork(file, { serialization: "advanced", env })
          : spawn(command, [...args, process.execPath, file], {
              stdio: ["ignore", "inherit", "inherit", "ipc"],
              serialization: "advanced",
              env,
            });
      child.on("message", (report: Report) => {
        if (report.kind === "event") this.events.push({ host: h, event: report.event });
        else this.told[h].push(report);
        this.wake();
      });
      child.on("error", (error) => this.fail(error));
      child.on("exit", (code, signal) => code !== 0 && this.fail(new Error(`host ${h} ended with ${code ?? signal}`)));
      return child;
    });
  }

  private fail(error: Error): void {
    this.failed ??= error;
    this.wake();
  }

  order(host: number, order: Order): void {
    this.children[host].send(order);
  }

  orderAll(order: (host: number) => Order): void {
    this.children.forEach((child, h) => child.send(order(h)));
  }

  /** The next report of that kind from each host. */
  async all<K extends Report["kind"]>(kind: K): Promise<Extract<Report, { kind: K }>[]> {
    for (;;) {
      if (this.failed !== undefined) throw this.failed;
      const found = this.told.map((reports) => reports.findIndex((report) => report.kind === kind));
      if (!found.includes(-1))
        return found.map((at, h) => this.told[h].splice(at, 1)[0] as Extract<Report, { kind: K }>);
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  /** They end by themselves; whoever does not is a fault. */
  async close(): Promise<void> {
    const ended = this.children.map(
      (child) => child.exitCode ?? new Promise<number | null>((resolve) => child.once("exit", resolve)),
    );
    this.orderAll(() => ({ kind: "close" }));
    const codes = await Promise.all(ended);
    if (codes.some((code) => code !== 0)) throw new Error(`hosts ended with ${codes.join(", ")}`);
  }

  kill(): void {
    for (const child of this.children) if (child.exitCode === null) child.kill("SIGKILL");
  }
}

/** Hosts of which each has an agent that exchanges messages with one of the other. */
function neighboursOf(market: Market, hosts: NetworkOptions["hosts"]): Set<number>[] {
  const home = new Map(hosts.flatMap((agents, h) => agents.map((agent) => [agent, h] as const)));
  const at = (agent: number): number => home.get(agent) as number;
  const near = hosts.map(() => new Set<number>());
  const meet = (a: number, b: number): void => {
    if (a === b) return;
    near[a].add(b);
    near[b].add(a);
  };
  market.pairs.forEach(([a, b]) => meet(at(a), at(b)));
  market.prosumers.forEach((_, i) => meet(at(i), at(OPERATOR_AGENT)));
  return near;
}

/** The same session, its agents in host processes that reach each other over a network alone. */
export async function clearOverNetwork(scenario: Scenario, options: NetworkOptions): Promise<NetworkRun> {
  const market = createMarket(scenario, defaultSettings(scenario));
  const terms: Terms = {
    scenario: publicScenario(scenario),
    settings: defaultSettings(scenario),
    clearing: { ...settingsTerms(settingsOf(options.maxIterations)) } as Terms["clearing"],
    toleranceNano: 10_000,
  };
  const [bytes, hash] = [termsBytes(terms), termsHash(terms)];
  const { hosts: agents, carried, timing = {}, reroute = (_from, _to, address) => address } = options;
  const before = performance.now();
  const hosts = new Hosts(options);
  try {
    hosts.orderAll((h) => {
      const parts = agents[h].flatMap((agent) => scenario.prosumers[agent] ?? []);
      return { kind: "open", terms: bytes, hash, agents: agents[h], parts, carried: carried(h), timing };
    });
    const addresses = (await hosts.all("opened")).map(({ address }) => address);
    const near = neighboursOf(market, agents);
    hosts.orderAll((h) => ({
      kind: "peers",
      peers: [...near[h]].map((other) => ({
        parties: agents[other].map((party) => ({ party, nodeKey: nodeKey(party).address })),
        address: reroute(h, other, addresses[other]) as never,
      })),
    }));
    await hosts.all("connected");
    const start = performance.now();
    hosts.orderAll(() => ({ kind: "start" }));
    const ended = await hosts.all("ended");
    const wallMs = performance.now() - start;
    await hosts.close();
    return { ...summary(market, ended), wallMs, startMs: start - before, events: hosts.events };
  } finally {
    hosts.kill();
  }
}

function summary(market: Market, ended: readonly Ended[]): Omit<NetworkRun, "wallMs" | "startMs" | "events"> {
  const total = (of: (end: Ended) => number): number => ended.reduce((sum, end) => sum + of(end), 0);
  const operator = ended.find((end) => end.operator)?.operator;
  const proposals = new Map(ended.flatMap((end) => end.proposals));
  const whole = operator?.status === "solved" && proposals.size === market.prosumers.length + 1;
  const read = (agent: number): unknown => JSON.parse(proposals.get(agent) as string);
  return {
    status: operator?.status ?? "no operator",
    iterations: operator?.iterations ?? 0,
    bits: hashOfAll(ended.flatMap(({ sent }) => sent)),
    integers: whole
      ? integersOf(market, createNetwork(market), {
          operator: OperatorProposalSchema.parse(read(OPERATOR_AGENT)),
          prosumers: market.prosumers.map((_, i) => ProposalSchema.parse(read(i))),
        })
      : undefined,
    failures: ended.flatMap(({ failures }) => failures),
    messages: total((end) => end.messages),
    bytes: total((end) => end.bytes),
    frames: total((end) => end.traffic.sentFrames),
    frameBytes: total((end) => end.traffic.sentBytes),
    cpuMs: total((end) => end.cpuMs),
    peakMb: total((end) => end.peakMb),
  };
}
