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

  const about = { session: SESSION, terms, invited, committee: new Set(invited) };
  const fresh = (): Conductor => {
    const termsText = new TextDecoder().decode(termsBytes(terms));
    return new Conductor({ ...about, termsText, quorumLacksAt: 5 });
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
    // How a clearing ended is the operator's agent's to say: no member voids a session with these words.
    expect(reason(failing.hear(invited[3], failure))).to.equal(undefined);
    all(failing, present);
    all(failing, () => of(failing, "ready", {}));
    expect(reason(failing.hear(OPERATOR_ID, { ...failure, attempt: failing.attempt } as Life))).to.equal(
      `party ${OPERATOR_ID}: the clearing ended: infeasible`,
    );
    const differing = fresh();
    all(differing, present);
    all(differing, () => of(differing, "ready", {}));
    all(differing, (party) => of(differing, "proposal", { proposal: proposalOf(party) }));
    const other = `0x${"0b".repeat(32)}`;
    // Of fifteen eleven must sign: five that reckon otherwise leave ten.
    const odd = invited.slice(5, 10);
    expect(reason(all(differing, (party) => claim(differing, odd.includes(party) ? other : PAYLOAD)))).to.match(
      /party 5 makes other/,
    );
  });

  const openingOf = (effects: readonly ConductorEffect[]): LifeOf<"attempt"> | undefined =>
    effects.flatMap((effect) =>
      effect.kind === "send" && effect.message.kind === "attempt" ? [effect.message] : [],
    )[0];
  const leftOut = (effects: readonly ConductorEffect[]): unknown[] =>
    effects.flatMap((effect) => (effect.kind === "leftOut" ? [[effect.party, effect.reason]] : []));
  const without = (...out: number[]): number[] => invited.filter((party) => !out.includes(party));
  const reasonOf = (effects: readonly ConductorEffect[]): string | undefined =>
    effects.flatMap((effect) => (effect.kind === "giveUp" ? [effect.reason] : []))[0];
  const beyondOf = (...parties: number[]) =>
    parties.map((party) => ({ party, predicate: "spendBeyondLock", detail: "7 needed, 0 allowed" }));
  /** An attempt up to the claims, in which the operator's node finds these beyond their mandates. */
  function claimed(conductor: Conductor, members: number[], ...beyond: number[]): ConductorEffect[] {
    all(conductor, () => of(conductor, "ready", {}), members);
    all(conductor, (party) => of(conductor, "proposal", { proposal: proposalOf(party) }), members);
    const found = beyond.length > 0 && { beyond: beyondOf(...beyond) };
    return all(conductor, (party) => ({ ...claim(conductor), ...(party === OPERATOR_ID && found) }) as Life, members);
  }

  it("clears again once without whom an honest result takes beyond its mandate, and says who and why", () => {
    const conductor = fresh();
    all(conductor, present);
    const [poor, other] = [invited[4], invited[9]];
    const effects = claimed(conductor, invited, poor, other);
    expect(leftOut(effects)).to.deep.equal([poor, other].map((id) => [id, "spendBeyondLock: 7 needed, 0 allowed"]));
    const left = without(poor, other);
    expect(openingOf(effects)).to.deep.include({ attempt: 2, members: left.slice(1), beyond: beyondOf(poor, other) });
    // That it is there, or begins anew, brings it back into no attempt; who takes part is told the reason again.
    conductor.hear(poor, { kind: "hello" });
    conductor.hear(poor, present());
    conductor.hear(left[3], { kind: "hello" });
    const again = conductor.hear(left[3], present());
    expect(openingOf(again)).to.deep.include({ attempt: 3, members: left.slice(1), beyond: beyondOf(poor, other) });
    expect(sent(claimed(conductor, left))).to.deep.equal(["witness"]);
  });

  it("clears as often as somebody more is beyond its mandate, and gives up where too few would be left", () => {
    const conductor = fresh();
    all(conductor, present);
    // Two members could void every session if the second clearing were the last: one beyond, then the other.
    claimed(conductor, invited, invited[4]);
    const effects = claimed(conductor, without(invited[4]), invited[6]);
    expect(leftOut(effects)).to.deep.equal([[invited[6], "spendBeyondLock: 7 needed, 0 allowed"]]);
    const left = without(invited[4], invited[6]);
    const beyond = beyondOf(invited[4], invited[6]);
    expect(openingOf(effects)).to.deep.include({ attempt: 3, members: left.slice(1), beyond });
    expect(sent(claimed(conductor, left))).to.deep.equal(["witness"]);
    const few = fresh();
    all(few, present);
    expect(reasonOf(claimed(few, invited, ...invited.slice(1, 6)))).to.match(
      /^too few are left without party 1: spend/,
    );
  });

  it("takes what is beyond a mandate from the operator's own node alone", () => {
    const conductor = fresh();
    all(conductor, present);
    all(conductor, () => of(conductor, "ready", {}));
    all(conductor, (party) => of(conductor, "proposal", { proposal: proposalOf(party) }));
    const liar = invited[3];
    const told = all(
      conductor,
      (party) => ({ ...claim(conductor), ...(party === liar && { beyond: beyondOf(invited[5]) }) }) as Life,
    );
    expect(sent(told)).to.deep.equal(["witness"]);
  });

  /** All up to the claims; `say`: what somebody claims besides. */
  function claimedWith(conductor: Conductor, members: number[], say: (party: number) => object): ConductorEffect[] {
    all(conductor, () => of(conductor, "ready", {}), members);
    all(conductor, (party) => of(conductor, "proposal", { proposal: proposalOf(party) }), members);
    return all(conductor, (party) => ({ ...claim(conductor), ...say(party) }) as Life, members);
  }
  const differing = (effects: readonly ConductorEffect[]): unknown[] =>
    effects.flatMap((effect) => (effect.kind === "differs" ? [effect.party] : []));
  const regretsIn = (effects: readonly ConductorEffect[]): number[] =>
    effects.flatMap((effect) =>
      effect.kind === "send" && effect.message.kind === "witness" && effect.to === invited[0]
        ? (JSON.parse(effect.message.text) as { regrets: { id: number }[] }).regrets.map(({ id }) => id)
        : [],
    );

  it("settles what a quorum makes of the proposals; who makes other integers is named and certifies nothing", () => {
    const conductor = fresh();
    all(conductor, present);
    const liar = invited[9];
    const effects = claimedWith(conductor, invited, (party) =>
      party === liar ? { payload: `0x${"0b".repeat(32)}`, doubts: beyondOf(invited[2]) } : {},
    );
    expect(sent(effects)).to.deep.equal(["witness"]);
    expect([differing(effects), reasonOf(effects)]).to.deep.equal([[liar], undefined]);
    expect(regretsIn(effects)).to.deep.equal(without(liar));
    // The operator's own node too: what it finds beyond a mandate is about integers that nobody else has.
    const wrong = fresh();
    all(wrong, present);
    const others = claimedWith(wrong, invited, (party) =>
      party === OPERATOR_ID ? { payload: `0x${"0b".repeat(32)}`, beyond: beyondOf(invited[2]) } : {},
    );
    expect([sent(others), differing(others)]).to.deep.equal([["witness"], [OPERATOR_ID]]);
  });

  it("takes from the certificate, not from the session, whose claims are more than all together may be", () => {
    const conductor = fresh();
    all(conductor, present);
    const [liar, other] = [invited[3], invited[8]];
    const effects = claimedWith(conductor, invited, (party) => ({
      ...(party === OPERATOR_ID && {
        allowed: invited.map((one) => ({ party: one, regretNano: "100", openNano: "50" })),
      }),
      regretNano: party === liar ? "101" : "2",
      ...(party === other && { openNano: "51" }),
    }));
    expect(regretsIn(effects)).to.deep.equal(without(liar, other));
    expect(differing(effects)).to.deep.equal([liar, other]);
  });

  it("takes from the certificate whose claims are more than those who traded least may be", () => {
    const conductor = fresh();
    all(conductor, present);
    const liar = invited[1];
    const most = (k: number): string => (k < 3 ? "10" : "1000");
    const effects = claimedWith(conductor, invited, (party) => ({
      ...(party === OPERATOR_ID && {
        allowed: without(OPERATOR_ID).map((one, k) => ({ party: one, regretNano: most(k), openNano: "50" })),
      }),
      regretNano: party === liar ? "9" : "2",
    }));
    expect([regretsIn(effects), differing(effects)]).to.deep.equal([without(liar), [liar]]);
  });

  it("goes on without who refuses what all others have claimed, and waits for nobody", () => {
    const conductor = fresh();
    all(conductor, present);
    const refuser = invited[6];
    all(conductor, () => of(conductor, "ready", {}));
    all(conductor, (party) => of(conductor, "proposal", { proposal: proposalOf(party) }));
    const refusal = { kind: "refusal", session: SESSION, predicate: "notMyInjection", detail: "period 1" } as const;
    conductor.hear(refuser, refusal);
    const effects = all(conductor, () => claim(conductor), without(refuser));
    expect(leftOut(effects)).to.deep.equal([[refuser, `party ${refuser}: notMyInjection: period 1`]]);
    expect(openingOf(effects)?.members).to.deep.equal(without(refuser).slice(1));
    expect(sent(claimed(conductor, without(refuser)))).to.deep.equal(["witness"]);
  });

  it("goes on without who contradicts more than one, and without both where two contradict each other", () => {
    const conductor = fresh();
    all(conductor, present);
    const [liar, one, victim] = [invited[3], invited[5], invited[8]];
    const doubt = (...parties: number[]) => ({ doubts: beyondOf(...parties) });
    const effects = claimedWith(conductor, invited, (party) =>
      party === liar ? doubt(invited[1], invited[2]) : party === one ? doubt(victim) : {},
    );
    expect(leftOut(effects).map((row) => (row as unknown[])[0])).to.deep.equal([liar, one, victim]);
    expect(sent(claimed(conductor, without(liar, one, victim)))).to.deep.equal(["witness"]);
  });

  it("leaves out at the second attempt whom the others wait for, not those who wait", () => {
    const conductor = fresh();
    all(conductor, present);
    const [silent, partner, neighbour] = [invited[3], invited[5], invited[6]];
    for (let k = 0; k < 2; k++) {
      all(conductor, () => of(conductor, "ready", {}));
      const waits = (party: number, ...waitedFor: number[]) =>
        conductor.hear(party, of(conductor, "failure", { reason: "waited in vain", waitedFor }));
      waits(partner, silent, OPERATOR_ID);
      waits(neighbour, partner);
      waits(invited[9], silent);
      waits(OPERATOR_ID, partner, neighbour);
      const effects = all(conductor, present);
      expect(leftOut(effects).map((row) => (row as unknown[])[0])).to.deep.equal(k === 0 ? [] : [silent]);
    }
    expect(conductor.stage).to.equal("opening");
  });

  it("leaves out at the second time who is there and says nothing, unless so many do that it is none of them", () => {
    const conductor = fresh();
    all(conductor, present);
    const silent = invited[7];
    for (const expected of [[], [[silent, "silent while opening"]]]) {
      all(conductor, () => of(conductor, "ready", {}), without(silent));
      conductor.again(true);
      expect(leftOut(all(conductor, present))).to.deep.equal(expected);
    }
    const claiming = fresh();
    all(claiming, present);
    for (const expected of [[], [[silent, "silent while claiming"]]]) {
      all(claiming, () => of(claiming, "ready", {}));
      all(claiming, (party) => of(claiming, "proposal", { proposal: proposalOf(party) }));
      all(claiming, () => claim(claiming), without(silent));
      claiming.again(true);
      expect(leftOut(all(claiming, present))).to.deep.equal(expected);
    }
  });

  it("begins without whom the freeze found no mandate of, and counts only those who sign", () => {
    const none = invited[4];
    const termsText = new TextDecoder().decode(termsBytes(terms));
    const without_ = [{ party: none, predicate: "notLocked", detail: "no mandate" }];
    const committee = new Set(invited.slice(0, 5));
    const conductor = new Conductor({ ...about, termsText, committee, quorumLacksAt: 2, without: without_ });
    expect(leftOut(conductor.begin())).to.deep.equal([[none, "notLocked: no mandate"]]);
    const effects = all(conductor, present, without(none));
    expect(openingOf(effects)).to.deep.include({ members: without(none).slice(1), beyond: without_ });
    // Ten of those whose signatures nobody needs refuse.
    const refusal = { kind: "refusal", session: SESSION, predicate: "noPart", detail: "" } as const;
    expect(reasonOf(all(conductor, () => refusal, invited.slice(5)))).to.equal(undefined);

    expect(reasonOf(all(conductor, () => refusal, invited.slice(1, 3)))).to.match(/noPart/);
  });

  it("leaves out whose agent fails twice while everybody is there, and at once whose problem has no solution", () => {
    const conductor = fresh();
    const run = (): void => void all(conductor, () => of(conductor, "ready", {}));
    all(conductor, present);
    const [liar, hopeless, gone] = [invited[2], invited[5], invited[7]];
    const fails = (party: number, reason = "waited in vain"): ConductorEffect[] =>
      conductor.hear(party, of(conductor, "failure", { reason }));
    run();
    fails(liar);
    expect(leftOut(all(conductor, present))).to.deep.equal([]);
    // What another's absence explains is held against nobody.
    run();
    fails(liar);
    conductor.hear(gone, { kind: "hello" });
    expect(leftOut(all(conductor, present))).to.deep.equal([]);
    run();
    fails(liar);
    expect(leftOut(all(conductor, present))).to.deep.equal([[liar, "waited in vain"]]);
    expect([conductor.attempt, conductor.stage]).to.deep.equal([4, "opening"]);
    all(conductor, () => of(conductor, "ready", {}), without(liar));
    const why = "prosumer 5: its own devices cannot meet its limits";
    expect(leftOut(fails(hopeless, why))).to.deep.equal([[hopeless, why]]);
    const left = without(liar, hopeless);
    expect(openingOf(all(conductor, present, left))?.members).to.deep.equal(left.slice(1));
    expect(sent(claimed(conductor, left))).to.deep.equal(["witness"]);
  });

  it("goes on without who refuses an opening, once the others have been waited for", () => {
    const conductor = fresh();
    all(conductor, present);
    const refuser = invited[3];
    all(conductor, () => of(conductor, "ready", {}), without(refuser));
    conductor.hear(refuser, { kind: "refusal", session: SESSION, predicate: "noPart", detail: "no file" });
    conductor.again(true);
    all(conductor, present);
    expect(openingOf(conductor.again(true))?.members).to.deep.equal(without(refuser).slice(1));
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
