/**
 * One party's agent in a process of its own: it is given the frozen terms and its own part, and hears of the others by
 * messages alone.
 */
import { endOf, operatorEnd } from "../../offchain-solver/clearing/proposal.ts";
import { OPERATOR_AGENT, type Effect, type Event } from "../../offchain-solver/clearing/message.ts";
import { initOperator, stepOperator } from "../../offchain-solver/clearing/operatorAgent.ts";
import { createHours } from "../../offchain-solver/clearing/operatorProblem.ts";
import { initProsumer, stepProsumer } from "../../offchain-solver/clearing/prosumerAgent.ts";
import { forTradeGraph } from "../../offchain-solver/clearing/settings.ts";
import { settingsFrom } from "../../offchain-solver/clearing/settingsTerms.ts";
import { canonicalBytes } from "../../offchain-solver/codec/canonicalJson.ts";
import { quantise } from "../../offchain-solver/codec/quantise.ts";
import { readTerms } from "../../offchain-solver/codec/terms.ts";
import { createNetwork } from "../../offchain-solver/market/formulation/network.ts";
import { acceptProposals } from "../../offchain-solver/market/result/acceptance.ts";
import { OperatorProposalSchema, ProposalSchema } from "../../offchain-solver/market/result/proposal.ts";
import { marketOf } from "../../offchain-solver/market/scenario/market.ts";
import { networkIn, perUnit } from "../../offchain-solver/market/scenario/perUnit.ts";
import { placesOn } from "../../offchain-solver/grid/places.ts";
import type { PrivatePart } from "../../offchain-solver/market/scenario/publicScenario.ts";
import { decode, encode, sessionTag } from "../../offchain-solver/net/wire.ts";
import { clarabelSolver } from "../../offchain-solver/numerics/clarabelNode.ts";

export type Order =
  | {
      readonly kind: "open";
      readonly bytes: Uint8Array;
      readonly hash: string;
      readonly self: number;
      readonly part?: PrivatePart;
    }
  | { readonly kind: "start" }
  | { readonly kind: "message"; readonly from: number; readonly bytes: Uint8Array }
  /** Everybody's proposals: the operator's, then the prosumers'. */
  | { readonly kind: "proposals"; readonly all: readonly Uint8Array[] };

export type Report =
  | { readonly kind: "ready" }
  | { readonly kind: "send"; readonly to: number; readonly bytes: Uint8Array }
  | { readonly kind: "propose"; readonly bytes: Uint8Array }
  /** What the test compares with; a node keeps it to itself. */
  | { readonly kind: "private"; readonly numbers: readonly number[] }
  | { readonly kind: "result"; readonly finding: string; readonly result: string };

const tell = (report: Report): void => void process.send?.(report);
const utf8 = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));

function open({ bytes, hash, self, part }: Extract<Order, { kind: "open" }>) {
  const found = readTerms(bytes, hash);
  if (found.kind === "refused") throw new Error(found.predicate);
  const { scenario, settings, clearing } = found.terms;
  const market = marketOf(scenario, settings, part === undefined ? [] : [part]);
  const unit = perUnit(market);
  const agreed = forTradeGraph(settingsFrom(clearing), market);
  const network = createNetwork(market);
  const limits = networkIn(unit.units, network);
  const places = placesOn(scenario.feeder, network.topology, network.busOf);
  if (self === OPERATOR_AGENT) {
    const state = initOperator(agreed, unit, createHours(unit, limits, clarabelSolver));
    const end = () => ({ proposal: operatorEnd(market, state), secrets: [] as number[] });
    const own = () => ({ kind: "operator", proposal: operatorEnd(market, state) }) as const;
    return { market, places, step: (event: Event) => stepOperator(state, event)[1], end, own, tag: sessionTag(hash) };
  }
  const state = initProsumer(agreed, unit, self, clarabelSolver);
  const end = () => {
    const { proposal, schedule } = endOf(market, state);
    // Trades with the utility and injections are posted; what each device does is its owner's, in MW and in the agent's
    // own units.
    const { importMw: _i, exportMw: _e, utilityShareMw: _u, pMw: _p, qMvar: _q, band, ...devices } = schedule;
    const { variables, x } = state.problem;
    const { imports: _im, exports: _ex, utilityShare: _us, p: _vp, q: _vq, sold: _s, ...unitDevices } = variables;
    const columns = Object.values(unitDevices).flatMap((v) =>
      v instanceof Int32Array ? [...v].filter((k) => k >= 0) : [],
    );
    const secrets = [
      ...Object.values(devices).flatMap((v) => (typeof v === "number" ? [] : [...v])),
      ...Object.values(band ?? {}).flatMap((v: Float64Array) => [...v]),
      ...columns.map((k) => x[k]),
    ];
    return { proposal, secrets };
  };
  return {
    market,
    places,
    step: (event: Event) => stepProsumer(state, event)[1],
    end,
    own: () => endOf(market, state).view,
    tag: sessionTag(hash),
  };
}

let agent: ReturnType<typeof open> | undefined;

function act(effects: readonly Effect[]): void {
  if (agent === undefined) return;
  for (const effect of effects) {
    if (effect.kind === "fail") throw new Error(effect.failure.reason);
    if (effect.kind === "send") tell({ kind: "send", to: effect.to, bytes: encode(effect.message, agent.tag) });
    const last = effect.kind === "send" && effect.message.kind === "grid" && effect.message.end === "solved";
    if (effect.kind !== "propose" && !(last && effect.to === 0)) continue;
    const { proposal, secrets } = agent.end();
    tell({ kind: "private", numbers: secrets });
    tell({ kind: "propose", bytes: canonicalBytes(proposal) });
  }
}

process.on("message", (order: Order) => {
  switch (order.kind) {
    case "open":
      agent = open(order);
      return tell({ kind: "ready" });
    case "start":
      return act(agent?.step({ kind: "start" }) ?? []);
    case "message": {
      const { message } = decode(order.bytes, agent?.tag ?? 0);
      return act(message && agent ? agent.step({ kind: "message", from: order.from, message }) : []);
    }
    case "proposals": {
      if (agent === undefined) return;
      const [operator, ...prosumers] = order.all.map(utf8);
      const proposals = {
        operator: OperatorProposalSchema.parse(operator),
        prosumers: prosumers.map((proposal) => ProposalSchema.parse(proposal)),
      };
      const finding = acceptProposals(agent.market, agent.own(), proposals);
      const { result } = quantise(agent.market, proposals, agent.places);
      return tell({ kind: "result", finding: JSON.stringify(finding), result: JSON.stringify(result) });
    }
  }
});
