/**
 * A host in a process of its own: it is given the frozen terms and the private parts of the agents that live on it, and
 * hears of all others over the network alone. Ends by itself once it is told to close.
 */
import { createHash, type Hash } from "node:crypto";
import { OPERATOR_AGENT, type Effect, type Event } from "../../offchain-solver/clearing/message.ts";
import { initOperator, stepOperator } from "../../offchain-solver/clearing/operatorAgent.ts";
import { createHours } from "../../offchain-solver/clearing/operatorProblem.ts";
import { endOf, operatorEnd } from "../../offchain-solver/clearing/proposal.ts";
import { initProsumer, stepProsumer } from "../../offchain-solver/clearing/prosumerAgent.ts";
import { forTradeGraph } from "../../offchain-solver/clearing/settings.ts";
import { settingsFrom } from "../../offchain-solver/clearing/settingsTerms.ts";
import { readTerms } from "../../offchain-solver/codec/terms.ts";
import { createNetwork } from "../../offchain-solver/market/formulation/network.ts";
import { marketOf } from "../../offchain-solver/market/scenario/market.ts";
import { networkIn, perUnit } from "../../offchain-solver/market/scenario/perUnit.ts";
import { openScenario, viewOf } from "../../offchain-solver/market/scenario/view.ts";
import type { HostOptions, HostTransport } from "../../offchain-solver/net/host/hostOptions.ts";
import { openNats } from "../../offchain-solver/net/nats/openNats.ts";
import { openTls } from "../../offchain-solver/net/tls/openTls.ts";
import { sessionTag } from "../../offchain-solver/net/wire.ts";
import { takePart, type Agent } from "../../offchain-solver/node/takePart.ts";
import { clarabelSolver } from "../../offchain-solver/numerics/clarabelNode.ts";
import { hashMessage } from "./messageHash.ts";
import type { Order, Report } from "./orders.ts";
import { DOMAIN, nodeKey } from "./parties.ts";

const tell = (report: Report): void => void process.send?.(report);

type Living = {
  readonly agent: Agent;
  readonly sent: Hash;
  readonly counts: { messages: number; bytes: number };
  over: boolean;
  proposal: string | undefined;
};

function openAgents({ terms: bytes, hash, agents, parts }: Extract<Order, { kind: "open" }>) {
  const found = readTerms(bytes, hash);
  if (found.kind === "refused") throw new Error(`${found.predicate}: ${found.detail}`);
  const { scenario, settings, clearing } = found.terms;
  const market = marketOf(scenario, settings, parts);
  const unit = perUnit(market);
  const agreed = forTradeGraph(settingsFrom(clearing), market);
  const open = openScenario(unit);
  let operator: ReturnType<typeof initOperator> | undefined;
  const machine = (self: number): { step: Agent; end: () => unknown } => {
    const view = viewOf(unit, self === OPERATOR_AGENT ? undefined : self, open);
    if (self === OPERATOR_AGENT) {
      const limits = settings.network ? networkIn(unit.units, createNetwork(market)) : undefined;
      const state = initOperator(agreed, view, createHours(view, limits, clarabelSolver));
      operator = state;
      return { step: (event) => stepOperator(state, event)[1], end: () => operatorEnd(market, state) };
    }
    const state = initProsumer(agreed, view, self, clarabelSolver);
    return { step: (event) => stepProsumer(state, event)[1], end: () => endOf(market, state).proposal };
  };
  const living = new Map(
    agents.map((self): [number, Living] => {
      const { step, end } = machine(self);
      const one: Living = {
        sent: createHash("sha256"),
        counts: { messages: 0, bytes: 0 },
        over: false,
        proposal: undefined,
        agent(event: Event) {
          const effects = step(event);
          for (const effect of effects) if (note(one, effect)) one.proposal = JSON.stringify(end());
          return effects;
        },
      };
      return [self, one];
    }),
  );
  return { living, tag: sessionTag(hash), operator: () => operator };
}

/** true: the agent has its end now. */
function note(one: Living, effect: Effect): boolean {
  if (effect.kind === "send") {
    one.counts.messages++;
    one.counts.bytes += hashMessage(one.sent, effect.to, effect.message);
  }
  const told = effect.kind === "send" && effect.message.kind === "grid" && effect.message.end !== "no";
  if (effect.kind !== "propose" && effect.kind !== "fail" && !told) return false;
  const first = !one.over;
  one.over = true;
  return first && effect.kind !== "fail";
}

const failures: string[] = [];
let host: HostTransport<never> | undefined;
let session: ReturnType<typeof openAgents> | undefined;
let starts: (() => void)[] = [];
let before = process.cpuUsage();
let reported = false;

function reportEnd(): void {
  if (reported || session === undefined || host === undefined) return;
  const all = [...session.living];
  if (!all.every(([, { over }]) => over)) return;
  reported = true;
  const operator = session.operator();
  const { user, system } = process.cpuUsage(before);
  tell({
    kind: "ended",
    sent: all.map(([agent, { sent }]) => [agent, sent.digest("hex")]),
    proposals: all.flatMap(([agent, { proposal }]) => (proposal === undefined ? [] : [[agent, proposal] as const])),
    failures,
    ...(operator && { operator: { status: operator.status, iterations: operator.residuals.length } }),
    messages: all.reduce((sum, [, { counts }]) => sum + counts.messages, 0),
    bytes: all.reduce((sum, [, { counts }]) => sum + counts.bytes, 0),
    traffic: host.traffic(),
    cpuMs: (user + system) / 1000,
    peakMb: process.resourceUsage().maxRSS / 1024,
  });
}

async function open(order: Extract<Order, { kind: "open" }>): Promise<void> {
  const opened = openAgents(order);
  session = opened;
  const { carried, agents, timing } = order;
  const options: HostOptions<never> = {
    residents: agents.map((party) => ({ party, sign: (digest) => nodeKey(party).signingKey.sign(digest).serialized })),
    peers: [],
    domain: DOMAIN,
    timing,
    observe: (event) => tell({ kind: "event", event }),
  };
  host = (await (carried.kind === "tls"
    ? openTls({ ...options, listen: { host: carried.listen, port: 0 } })
    : openNats({
        ...options,
        space: carried.space,
        broker: { servers: carried.servers },
      }))) as unknown as HostTransport<never>;
  const transport = host;
  starts = [...opened.living].map(([self, one]) => {
    const agent: Agent = (event) => {
      const effects = one.agent(event);
      if (one.over) setImmediate(reportEnd);
      return effects;
    };
    return takePart(transport, self, agent, opened.tag, {
      fail: ({ reason }) => failures.push(reason),
      refused: (from, reception) => reception.kind === "reject" && transport.drop(from, reception.reason),
    });
  });
  tell({ kind: "opened", address: host.address });
}

async function meet({ peers }: Extract<Order, { kind: "peers" }>): Promise<void> {
  host?.setPeers(peers);
  while ((host?.connected().length ?? 0) < peers.length) await new Promise((resolve) => setTimeout(resolve, 5));
  tell({ kind: "connected" });
}

process.on("message", (order: Order) => {
  switch (order.kind) {
    case "open":
      return void open(order);
    case "peers":
      return void meet(order);
    case "start":
      before = process.cpuUsage();
      for (const start of starts) start();
      return;
    case "close":
      void host?.close().then(() => process.disconnect());
  }
});
