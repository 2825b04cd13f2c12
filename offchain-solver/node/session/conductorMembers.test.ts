import { expect } from "chai";
import { termsBytes } from "../../codec/terms.ts";
import { OPERATOR_ID } from "../../chain/onboarding.ts";
import {
  about,
  all,
  beyondOf,
  claim,
  claimed,
  claimedWith,
  differing,
  fresh,
  invited,
  leftOut,
  of,
  openingOf,
  present,
  proposalOf,
  reasonOf,
  regretsIn,
  sent,
  terms,
  SESSION,
  without,
} from "../../../test/support/conducting.ts";
import type { ConductorEffect } from "./conducting.ts";
import { Conductor } from "./conductor.ts";
import { decodeLife, encodeLife, type Life } from "./messages.ts";

describe("the members that a conductor goes on with", () => {
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

  it("leaves out whose proposal makes all of them longer than anybody reads", () => {
    const conductor = fresh();
    const giant = invited[3];
    all(conductor, present);
    all(conductor, () => of(conductor, "ready", {}));
    const series = new Array<number>(100).fill(-1.2345678901234567e-100);
    const own = { pair: 0, energyMw: series, energyPrice: series, carbonT: 0, carbonPrice: 0 };
    // As long as may be: by itself it is read.
    const most = Math.floor((16 * 2 ** 20 - 5_000) / (JSON.stringify(own).length + 1));
    const long = { ...proposalOf(giant), trades: new Array<typeof own>(most).fill(own) };
    expect(decodeLife(encodeLife(of(conductor, "proposal", { proposal: long })))).not.to.equal(undefined);
    const effects = all(conductor, (party) =>
      of(conductor, "proposal", { proposal: party === giant ? long : proposalOf(party) }),
    );
    expect(leftOut(effects)).to.have.length(1);
    expect((leftOut(effects)[0] as [number, string])[0]).to.equal(giant);
    expect(openingOf(effects)?.members).to.deep.equal(without(giant, invited[0]));
    expect(sent(claimed(conductor, without(giant)))).to.deep.equal(["witness"]);
  });

  it("goes on without who proposes as the operator does, and numbers attempts so that they can be signed", () => {
    const conductor = fresh();
    const liar = invited[2];
    all(conductor, () => ({ kind: "present", session: SESSION, lastAttempt: 0xffffffff }));
    expect(conductor.attempt).to.be.within(1, 0xffffffff - 100);
    all(conductor, () => of(conductor, "ready", {}));
    const effects = all(conductor, (party) =>
      of(conductor, "proposal", { proposal: proposalOf(party === liar ? OPERATOR_ID : party) }),
    );
    expect(leftOut(effects)).to.deep.equal([[liar, "it proposes as the operator does"]]);
    expect(sent(claimed(conductor, without(liar)))).to.deep.equal(["witness"]);
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
});
