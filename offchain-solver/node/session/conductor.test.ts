import { expect } from "chai";
import { OPERATOR_ID } from "../../chain/onboarding.ts";
import {
  all,
  beyondOf,
  claim,
  claimed,
  claimedWith,
  fresh,
  invited,
  of,
  openingOf,
  PAYLOAD,
  present,
  proposalOf,
  reasonOf,
  sent,
  SESSION,
} from "../../../test/support/conducting.ts";
import type { ConductorEffect } from "./conducting.ts";
import type { Conductor } from "./conductor.ts";
import type { Life, LifeOf } from "./messages.ts";
import { Patience } from "./patience.ts";

describe("the conductor of a session", () => {
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

  it("lets those who have the witness sign it while one comes back, and begins anew where that is not enough", () => {
    const signing = (): Conductor => {
      const conductor = fresh();
      all(conductor, present);
      expect(sent(claimed(conductor, invited))).to.deep.equal(["witness"]);
      return conductor;
    };
    const conductor = signing();
    expect(sent(conductor.hear(invited[2], { kind: "hello" }))).to.deep.equal(["terms"]);
    expect(sent(conductor.hear(invited[2], present()))).to.deep.equal([]);
    expect([conductor.stage, conductor.attempt]).to.deep.equal(["attesting", 1]);
    expect(sent(conductor.again(false))).to.deep.equal([]);
    // Nothing has settled: it is cleared again, with the same members.
    expect(openingOf(conductor.again(true))?.members).to.deep.equal(invited.slice(1));
    expect(conductor.attempt).to.equal(2);
    // Without so many there is no quorum.
    const many = signing();
    for (const party of invited.slice(1, 5)) many.hear(party, { kind: "hello" });
    expect(many.stage).to.equal("attesting");
    many.hear(invited[5], { kind: "hello" });
    expect(many.stage).to.equal("gathering");
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

  it("clears again inside tighter limits as often as the operator's node asks, and gives up after eight times", () => {
    const conductor = fresh();
    conductor.begin();
    all(conductor, present);
    const byOperator = (asked: object) => (party: number) => (party === OPERATOR_ID ? asked : {});
    const asking = (voltagePu: number) =>
      claimedWith(conductor, invited, byOperator({ tighten: { voltagePu, ratingShare: 0 } }));
    for (let k = 1; k <= 8; k++) expect(openingOf(asking(k / 1000))?.tightening?.voltagePu).to.equal(k / 1000);
    expect(reasonOf(asking(0.009))).to.match(/after 8 clearings inside tighter limits the AC sweep is still outside/);
    const other = fresh();
    all(other, present);
    const opening = openingOf(
      claimedWith(other, invited, byOperator({ tighten: { voltagePu: 0.001, ratingShare: 0.02 } })),
    );
    expect(opening).to.deep.include({ attempt: 2, members: invited.slice(1) });
    const [{ text }] = claimed(other, invited).flatMap((effect) =>
      effect.kind === "send" && effect.message.kind === "witness" ? [effect.message] : [],
    );
    expect(JSON.parse(text).tightening).to.deep.equal({ voltagePu: 0.001, ratingShare: 0.02 });
    // With others what the linear model gets wrong is something else.
    const fewer = fresh();
    all(fewer, present);
    claimedWith(fewer, invited, byOperator({ tighten: { voltagePu: 0.001, ratingShare: 0 } }));
    const without = openingOf(claimedWith(fewer, invited, byOperator({ beyond: beyondOf(invited[3]) })));
    expect([without?.members.length, without?.tightening]).to.deep.equal([invited.length - 2, undefined]);
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
