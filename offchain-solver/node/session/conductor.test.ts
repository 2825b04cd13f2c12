import { expect } from "chai";
import { termsBytes, type Terms } from "../../codec/terms.ts";
import { OPERATOR_ID } from "../../chain/onboarding.ts";
import { clear, settingsFor } from "../../simulation/clear.ts";
import { settingsTerms } from "../../clearing/settingsTerms.ts";
import { defaultSettings } from "../../market/scenario/market.ts";
import { publicScenario } from "../../market/scenario/publicScenario.ts";
import type { Proposals } from "../../market/result/proposal.ts";
import { loadScenario, takeHours } from "../../scenarios/loadScenario.ts";
import { Conductor, type ConductorEffect } from "./conductor.ts";
import { Patience } from "./patience.ts";
import { decodeLife, encodeLife, isLife, type Life, type LifeOf } from "./messages.ts";

const SESSION = `0x${"5e".repeat(32)}`;
const PAYLOAD = `0x${"9a".repeat(32)}`;

describe("the conductor of a session", () => {
  const scenario = takeHours(loadScenario("ieee15"), 1);
  const settings = settingsFor("anderson", { rhoScale: 1, maxIterations: 5000 });
  const terms: Terms = {
    scenario: publicScenario(scenario),
    settings: defaultSettings(scenario),
    clearing: { ...settingsTerms(settings) } as Terms["clearing"],
    toleranceNano: 10_000,
  };
  const invited = [OPERATOR_ID, ...scenario.prosumers.map(({ id }) => id)];
  let proposals: Proposals;
  before(() => {
    const options = {
      method: "anderson",
      market: terms.settings,
      trade: true,
      rhoScale: 1,
      maxIterations: 5000,
    } as const;
    proposals = clear(scenario, options).outcome!.proposals;
  });

  const fresh = (): Conductor => {
    const termsText = new TextDecoder().decode(termsBytes(terms));
    return new Conductor({ session: SESSION, terms, termsText, invited, quorumLacksAt: 5 });
  };
  const sent = (effects: readonly ConductorEffect[]): Life["kind"][] => [
    ...new Set(effects.flatMap((effect) => (effect.kind === "send" ? [effect.message.kind] : []))),
  ];
  const all = (conductor: Conductor, say: (party: number) => Life, parties = invited): ConductorEffect[] =>
    parties.flatMap((party) => conductor.hear(party, say(party)));
  const present = (): Life => ({ kind: "present", session: SESSION, lastAttempt: 0 });
  const of = <K extends "ready" | "failure" | "proposal" | "claim">(
    conductor: Conductor,
    kind: K,
    rest: object,
  ): Life => ({ kind, session: SESSION, attempt: conductor.attempt, ...rest }) as LifeOf<K>;
  const proposalOf = (party: number) =>
    party === OPERATOR_ID ? proposals.operator : proposals.prosumers[invited.indexOf(party) - 1];
  const claim = (conductor: Conductor, payload = PAYLOAD) =>
    of(conductor, "claim", { payload, regretNano: "1", openNano: "0", signature: "0x12" });

  it("waits for everybody, stage by stage, and hands out what all need", () => {
    const conductor = fresh();
    expect(sent(conductor.begin())).to.deep.equal(["terms"]);
    expect(sent(all(conductor, present, invited.slice(1)))).to.deep.equal([]);
    expect(conductor.missing).to.deep.equal([OPERATOR_ID]);
    expect(sent(conductor.hear(OPERATOR_ID, present()))).to.deep.equal(["attempt"]);
    expect(sent(all(conductor, () => of(conductor, "ready", {})))).to.deep.equal(["go"]);
    const told = all(conductor, (party) => of(conductor, "proposal", { proposal: proposalOf(party) }));
    expect(sent(told)).to.deep.equal(["proposals"]);
    const witness = all(conductor, () => claim(conductor));
    expect(sent(witness)).to.deep.equal(["witness"]);
    const [first] = witness.flatMap((effect) => (effect.kind === "send" ? [effect.message as LifeOf<"witness">] : []));
    expect(JSON.parse(first.text).payload).to.equal(PAYLOAD);
  });

  it("begins anew, with a number of its own, when a node comes back without its agent or nothing moves", () => {
    const conductor = fresh();
    conductor.begin();
    all(conductor, () => ({ kind: "present", session: SESSION, lastAttempt: 6 }));
    expect(conductor.attempt).to.equal(7);
    expect(sent(conductor.hear(invited[2], { kind: "hello" }))).to.deep.equal(["terms"]);
    expect(conductor.stage).to.equal("gathering");
    expect(sent(conductor.hear(invited[2], present()))).to.deep.equal(["attempt"]);
    expect(conductor.attempt).to.equal(8);
    // What belongs to the attempt before counts no more.
    expect(sent(all(conductor, () => ({ kind: "ready", session: SESSION, attempt: 7 })))).to.deep.equal([]);
    expect(sent(conductor.again(true))).to.deep.equal(["terms"]);
    expect(sent(all(conductor, present))).to.deep.equal(["attempt"]);
    expect(conductor.attempt).to.equal(9);
  });

  it("leaves out who does not come in time, or is gone in the midst of it, as long as a quorum is there", () => {
    const membersOf = (effects: readonly ConductorEffect[]): readonly number[] | undefined =>
      effects.flatMap((effect) =>
        effect.kind === "send" && effect.message.kind === "attempt" ? [effect.message.members] : [],
      )[0];
    const conductor = fresh();
    conductor.begin();
    all(conductor, present, invited.slice(0, -1));
    expect(sent(conductor.again(false))).to.deep.equal(["terms"]);
    expect(membersOf(conductor.again(true))).to.deep.equal(invited.slice(1, -1));
    // The one that was left out neither counts nor is waited for.
    expect(sent(all(conductor, () => of(conductor, "ready", {}), invited.slice(0, -1)))).to.deep.equal(["go"]);
    // Nothing moves: whoever answers now goes on, the other is left out.
    expect(sent(conductor.again(true))).to.deep.equal(["terms"]);
    all(conductor, present, invited.slice(0, -2));
    expect(membersOf(conductor.again(true))).to.deep.equal(invited.slice(1, -2));
    const few = fresh();
    few.begin();
    // Five are missing: those who are there make no quorum.
    all(few, present, invited.slice(0, -5));
    expect(membersOf(few.again(true))).to.equal(undefined);
  });

  it("gives up, and says why, where a quorum refuses, integers differ, or a clearing has no end", () => {
    const reason = (effects: readonly ConductorEffect[]): string | undefined =>
      effects.flatMap((effect) => (effect.kind === "giveUp" ? [effect.reason] : []))[0];
    const refusing = fresh();
    refusing.begin();
    const refusal = { kind: "refusal", session: SESSION, predicate: "otherTerms", detail: "0x12" } as const;
    expect(reason(all(refusing, () => refusal, invited.slice(1, 5)))).to.equal(undefined);
    expect(reason(refusing.hear(invited[5], refusal))).to.match(/party 1: otherTerms: 0x12; party 2/);
    const failing = fresh();
    all(failing, present);
    all(failing, () => of(failing, "ready", {}));
    const failure = of(failing, "failure", { reason: "the clearing ended: infeasible" });
    expect(reason(failing.hear(invited[3], failure))).to.equal("party 3: the clearing ended: infeasible");
    const differing = fresh();
    all(differing, present);
    all(differing, () => of(differing, "ready", {}));
    all(differing, (party) => of(differing, "proposal", { proposal: proposalOf(party) }));
    const other = `0x${"0b".repeat(32)}`;
    expect(reason(all(differing, (party) => claim(differing, party === 9 ? other : PAYLOAD)))).to.match(
      /party 9 makes other/,
    );
  });

  it("is kept waiting by nobody who only talks: the patience of its owner runs on", () => {
    const conductor = fresh();
    conductor.begin();
    all(conductor, present, invited.slice(0, -1));
    const babbler = invited.at(-1)!;
    const patience = new Patience(5_000);
    let [now, opened] = [0, 0];
    // A word every 100 ms: hello, that it is there, that it refuses, that it has failed in an attempt of long ago.
    const words: Life[] = [
      { kind: "hello" },
      { kind: "failure", session: SESSION, attempt: 1, reason: "none" },
      { kind: "refusal", session: SESSION, predicate: "none", detail: "" },
    ];
    for (let k = 0; k < 80 && opened === 0; k++) {
      now += 100;
      conductor.hear(babbler, words[k % words.length]);
      const effects = conductor.again(patience.exhausted(`${conductor.moves}`, now));
      if (sent(effects).includes("attempt")) opened = now;
    }
    expect(opened).to.be.within(5_000, 5_300);
    expect(conductor.stage).to.equal("opening");
  });

  it("leaves out of a session who begins anew in it again and again, and ends it with the others", () => {
    const conductor = fresh();
    conductor.begin();
    const [babbler, ...others] = [...invited].reverse();
    all(conductor, present, others);
    for (let k = 0; k < 4; k++) {
      conductor.hear(babbler, present());
      expect(conductor.stage).to.equal("opening");
      conductor.hear(babbler, { kind: "hello" });
      expect(conductor.stage).to.equal("gathering");
    }
    conductor.hear(babbler, present());
    conductor.hear(babbler, { kind: "hello" });
    // From now on it says in vain that it is there.
    const moves = conductor.moves;
    for (let k = 0; k < 30; k++) {
      conductor.hear(babbler, present());
      conductor.hear(babbler, { kind: "hello" });
    }
    expect([conductor.moves, conductor.stage, conductor.missing]).to.deep.equal([moves, "gathering", [babbler]]);
    const effects = conductor.again(true);
    const [{ members }] = effects.flatMap((effect) =>
      effect.kind === "send" && effect.message.kind === "attempt" ? [effect.message] : [],
    );
    expect(members).to.deep.equal(invited.slice(1, -1));
    for (let k = 0; k < 30; k++) conductor.hear(babbler, { kind: "hello" });
    expect(sent(all(conductor, () => of(conductor, "ready", {}), others))).to.deep.equal(["go"]);
  });

  it("never runs out of attempts or numbers because of what a node says it has seen", () => {
    const conductor = fresh();
    conductor.begin();
    const liar = invited[1];
    conductor.hear(liar, { kind: "present", session: SESSION, lastAttempt: Number.MAX_SAFE_INTEGER });
    all(conductor, present);
    expect(conductor.stage).to.equal("opening");
    for (let k = 0; k < 5; k++) {
      conductor.again(true);
      all(conductor, () => ({ kind: "present", session: SESSION, lastAttempt: conductor.attempt }));
      expect(conductor.stage).to.equal("opening");
      expect(Number.isSafeInteger(conductor.attempt)).to.equal(true);
    }
  });

  it("hears nobody who is not invited, and nothing of another session", () => {
    const conductor = fresh();
    expect(conductor.hear(999, present())).to.deep.equal([]);
    all(conductor, () => ({ kind: "present", session: PAYLOAD, lastAttempt: 0 }));
    expect(conductor.missing).to.have.length(invited.length);
  });
});

describe("a message around a clearing", () => {
  it("reads back as it was written; anything else is none", () => {
    const message: Life = { kind: "present", session: SESSION, lastAttempt: 3 };
    const bytes = encodeLife(message);
    expect(decodeLife(bytes)).to.deep.equal(message);
    expect(isLife(Uint8Array.of(0x67))).to.equal(false);
    const text = new TextDecoder().decode(bytes);
    for (const other of [text.replace("3", "-3"), text.replace("present", "absent"), text.slice(0, -1), `${text}x`])
      expect(decodeLife(new TextEncoder().encode(other)), other).to.equal(undefined);
    expect(decodeLife(Uint8Array.of(0x6c, 0xff, 0xfe))).to.equal(undefined);
  });
});
