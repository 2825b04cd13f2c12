import { expect } from "chai";
import fc from "fast-check";
import { createNetwork } from "../market/formulation/network.ts";
import { createMarket, defaultSettings } from "../market/scenario/market.ts";
import { networkIn, perUnit } from "../market/scenario/perUnit.ts";
import { viewOf } from "../market/scenario/view.ts";
import { decode, encode } from "../net/wire.ts";
import { clarabelSolver } from "../numerics/clarabelNode.ts";
import { loadScenario, takeHours } from "../scenarios/loadScenario.ts";
import { SUM_COUNT } from "./layout.ts";
import { OPERATOR_AGENT, type Effect, type Event, type Message } from "./message.ts";
import { hearOperator, initOperator, stepOperator } from "./operatorAgent.ts";
import { createHours } from "./operatorProblem.ts";
import { hearProsumer, initProsumer, stepProsumer } from "./prosumerAgent.ts";
import { DEFAULT_SETTINGS, forTradeGraph } from "./settings.ts";

const SESSION = 7;
const scenario = takeHours(loadScenario("ieee15"), 2);
const market = perUnit(createMarket(scenario, defaultSettings(scenario)));
const settings = forTradeGraph(DEFAULT_SETTINGS, market);

/** Everything in an agent's state that a message could change, as text; functions and the market are left out. */
const snapshot = (state: object): string =>
  JSON.stringify(state, (key, value: unknown) =>
    key === "market" || key === "hours" || key === "layout" || key === "layouts" || key === "variables"
      ? undefined
      : ArrayBuffer.isView(value)
        ? Buffer.from(value.buffer).toString("base64")
        : value,
  );

type Agent = {
  readonly state: object;
  readonly step: (event: Event) => Effect[];
  readonly hear: (from: number, message: Message) => string;
  /** Whom it takes messages from, and one that it takes now. */
  readonly honest: readonly { readonly from: number; readonly message: Message }[];
};

/** Prosumer 3 in its second iteration, with one partner's trade there already. */
function prosumer(): Agent {
  const state = initProsumer(settings, viewOf(market, 3), 3, clarabelSolver);
  const { layout, gram } = state;
  const step = (event: Event): Effect[] => stepProsumer(state, event)[1];
  const trade = (iteration: number): Message => ({
    kind: "trade",
    iteration,
    block: new Float64Array(layout.hours + 1),
  });
  const grid = (iteration: number): Message => ({
    kind: "grid",
    iteration,
    weights: Float64Array.from(gram, (_, k) => (k === 0 ? 1 : 0)),
    block: new Float64Array(layout.size - layout.gridStart),
    extra: 0,
    end: "no",
  });
  step({ kind: "start" });
  for (const from of layout.partners) step({ kind: "message", from, message: trade(0) });
  step({ kind: "message", from: OPERATOR_AGENT, message: grid(0) });
  step({ kind: "message", from: layout.partners[0], message: trade(1) });
  const honest = [
    { from: layout.partners[1], message: trade(1) },
    { from: layout.partners[0], message: trade(2) },
    { from: OPERATOR_AGENT, message: grid(1) },
  ];
  return { state, step, hear: (from, message) => hearProsumer(state, from, message).kind, honest };
}

/** The operator in its second iteration, with one offer there already. */
function operator(): Agent {
  const view = viewOf(market, undefined);
  const state = initOperator(
    settings,
    view,
    createHours(view, networkIn(market.units, createNetwork(market)), clarabelSolver),
  );
  const step = (event: Event): Effect[] => stepOperator(state, event)[1];
  const offer = (from: number, iteration: number): Message => ({
    kind: "offer",
    iteration,
    block: new Float64Array(state.layouts[from].size - state.layouts[from].gridStart),
    sums: new Float64Array(SUM_COUNT).fill(1),
    gram: new Float64Array(state.gram[from].length),
  });
  step({ kind: "start" });
  for (const from of state.layouts.keys()) step({ kind: "message", from, message: offer(from, 0) });
  step({ kind: "message", from: 5, message: offer(5, 1) });
  const honest = [{ from: 0, message: offer(0, 1) }];
  return { state, step, hear: (from, message) => hearOperator(state, from, message).kind, honest };
}

const anyNumber = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(NaN, Infinity, -0, 2 ** 32, -1));
const anyFrom = fc.oneof(fc.integer({ min: -3, max: 20 }), anyNumber);
const anyBlock = fc.oneof(
  fc.array(fc.double(), { maxLength: 60 }).map((values) => Float64Array.from(values)),
  fc.anything(),
);
/** Shaped like a message, or like nothing. */
const anyMessage = fc.oneof(
  fc.anything(),
  fc.record(
    {
      kind: fc.oneof(fc.constantFrom("trade", "offer", "grid"), fc.string()),
      iteration: fc.oneof(fc.integer({ min: -1, max: 3 }), anyNumber, fc.anything()),
      block: anyBlock,
      sums: anyBlock,
      gram: anyBlock,
      weights: anyBlock,
      extra: anyNumber,
      centre: fc.option(anyNumber, { nil: undefined }),
      rhoScale: fc.option(anyBlock, { nil: undefined }),
      end: fc.oneof(fc.constantFrom("no", "solved", "infeasible", "deadline"), fc.string()),
    },
    { requiredKeys: [] },
  ),
);

for (const [name, make] of [
  ["a prosumer's agent", prosumer],
  ["the operator's agent", operator],
] as const)
  describe(`${name}, spoken to by anybody`, function () {
    this.timeout(300_000);

    it("takes what it waits for, which shows that the rest is turned down for what it is", () => {
      const { hear, honest } = make();
      for (const { from, message } of honest) expect(hear(from, message)).to.equal("accept");
    });

    it("neither throws nor changes on 10,000 malformed or foreign messages", () => {
      const { state, step, hear, honest } = make();
      const before = snapshot(state);
      fc.assert(
        fc.property(anyFrom, anyMessage, (from, made) => {
          const message = made as Message;
          // What an honest party could have sent as well is none of this test's.
          fc.pre(hear(from, message) !== "accept");
          expect(step({ kind: "message", from, message })).to.deep.equal([]);
        }),
        { numRuns: 5000 },
      );
      const { message: whole, from: sender } = honest[0];
      const good = encode(whole, SESSION);
      fc.assert(
        fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), anyFrom, (at, byte, length, from) => {
          const bytes = good.slice(0, byte % 3 === 0 ? length : good.length);
          if (at < bytes.length) bytes[at] = byte;
          const { reception, message } = decode(bytes, SESSION);
          if (reception.kind !== "accept" || message === undefined) return;
          fc.pre(hear(from, message) !== "accept");
          expect(step({ kind: "message", from, message })).to.deep.equal([]);
        }),
        { numRuns: 5000 },
      );
      expect(snapshot(state)).to.equal(before);
      expect(hear(sender, whole)).to.equal("accept");
    });

    it("passes over what comes late or twice, and turns down what can't be under way", () => {
      const { hear, honest, step } = make();
      const { from, message } = honest[0];
      expect(hear(from, { ...message, iteration: 0 })).to.equal("ignore");
      expect(hear(from, { ...message, iteration: 9 })).to.equal("reject");
      step({ kind: "message", from, message });
      expect(hear(from, message)).to.equal("ignore");
    });

    it("waits for nobody without end, and says whom it waited for", () => {
      const { step, hear, honest } = make();
      const effects = step({ kind: "timeout" });
      const failed = effects.find((effect) => effect.kind === "fail");
      expect(failed?.failure.outcome).to.equal("deadline");
      expect(failed?.failure.reason).to.match(/iteration 1 waited in vain for .*prosumer \d/);
      expect(hear(honest[0].from, honest[0].message)).to.equal("ignore");
      expect(step({ kind: "timeout" })).to.deep.equal([]);
    });
  });
