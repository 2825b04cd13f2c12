/**
 * The operator's part around a clearing: who is there, which attempt runs, and what came of it. A state machine without
 * a clock or a socket: events in, messages out. It can keep a session from settling, not bend one: whatever it hands
 * out is checked by everybody before a signature.
 */
import { MOST_TIGHTENINGS } from "../../market/formulation/tightening.ts";
import { judgeClaims } from "./claims.ts";
import type { Conducting, ConductorEffect, Stage, Tightening } from "./conducting.ts";
import type { Disputed } from "./disputes.ts";
import { Exclusions, isHopeless, type Beyond } from "./exclusions.ts";
import { isReadable, type Life, type LifeOf } from "./messages.ts";
import { Said, textOf } from "./said.ts";

/** Attempts that end without a reason that anybody could do something about. */
const MOST_ATTEMPTS = 20;
/** A node that has lost its agent so often in one session is left out of it: each time costs everybody an attempt. */
const MOST_HELLOS = 4;
/** Attempts are numbered from the last that anybody says it saw; nobody may run out of numbers. */
const HIGHEST_SEEN = 0xffffffff - 1_000;

export class Conductor {
  readonly #about: Conducting;
  readonly #present = new Set<number>();
  readonly #refusals = new Map<number, string>();
  readonly #hellos = new Map<number, number>();
  readonly #exclusions: Exclusions;
  #moves = 0;
  #opened = 0;
  #stage: Stage = "gathering";
  #attempt = 0;
  /** Who takes part in this attempt: all who were there, the operator first. */
  #members: readonly number[] = [];
  /** Once a witness was handed out somebody may have signed it: others than its members take part no more. */
  #fixed = false;
  /** Who has come back without its agent since the witness was handed out. */
  readonly #back = new Set<number>();
  #lastSeen = 0;
  /** Of the members there are: with others what the linear model gets wrong is something else. */
  #tightening: Tightening | undefined;
  #tightenings = 0;
  #said = new Said();
  #effects: ConductorEffect[] = [];
  #failures: string[] = [];

  constructor(about: Conducting) {
    this.#about = about;
    this.#exclusions = new Exclusions(about.invited[0], about.without);
  }

  get session(): string {
    return this.#about.session;
  }

  get stage(): Stage {
    return this.#stage;
  }

  get attempt(): number {
    return this.#attempt;
  }

  /** Grows with all that brings the session on, and with nothing else. */
  get moves(): number {
    return this.#moves;
  }

  /** Parties that have not said that they are there. */
  get missing(): number[] {
    return this.#about.invited.filter((party) => !this.#present.has(party));
  }

  /** Everybody is told the terms. */
  begin(): ConductorEffect[] {
    this.#goOnWithout(this.#exclusions.beyond.map(inWords));
    for (const party of this.#about.invited) this.#sendTerms(party);
    return this.#taken();
  }

  /** Asked now and then: whoever is not there yet is told again, and a stage without an end is tried anew. */
  again(stalled: boolean): ConductorEffect[] {
    if (this.#stage === "gathering") {
      for (const party of this.missing) this.#sendTerms(party);
      // Who was not there in time falls back to the tariff.
      if (stalled && this.#enough()) this.#open();
    } else if (stalled && this.#stage === "attesting" && this.#back.size > 0) this.#gather();
    else if (stalled && this.#clearing()) {
      this.#blameSilence();
      this.#askAnew();
    }
    return this.#taken();
  }

  hear(from: number, message: Life): ConductorEffect[] {
    if (!this.#about.invited.includes(from) || this.#stage === "given up") return [];
    if (message.kind === "hello") this.#hello(from);
    else if ("session" in message && message.session === this.#about.session) this.#hearOf(from, message);
    return this.#taken();
  }

  /** A node that starts has lost its agent: what it was part of begins anew, with the same bits at its end. */
  #hello(from: number): void {
    const was = this.#present.delete(from);
    const hellos = (this.#hellos.get(from) ?? 0) + 1;
    this.#hellos.set(from, hellos);
    if (hellos <= MOST_HELLOS) {
      this.#sendTerms(from);
      this.#exclusions.begins(from);
    }
    if (!was || this.#stage === "gathering" || !this.#members.includes(from)) return;
    // The others have the witness, and sign it without it: nobody ends that by coming and going.
    if (this.#stage === "attesting") this.#back.add(from);
    if (this.#stage !== "attesting" || this.#seats([...this.#back]) >= this.#about.quorumLacksAt) this.#gather();
  }

  #hearOf(party: number, message: Exclude<Life, { kind: "hello" }>): void {
    switch (message.kind) {
      case "present": {
        if ((this.#hellos.get(party) ?? 0) > MOST_HELLOS || this.#present.has(party)) return;
        if (!this.#fixed && this.#exclusions.has(party)) return;
        this.#lastSeen = Math.max(this.#lastSeen, Math.min(message.lastAttempt, HIGHEST_SEEN));
        this.#present.add(party);
        this.#moves++;
        if (this.#stage === "gathering" && this.#complete()) this.#open();
        return;
      }
      case "refusal":
        this.#refusals.set(party, `party ${party}: ${message.predicate}: ${message.detail}`);
        if (this.#seats([...this.#refusals.keys()]) >= this.#about.quorumLacksAt)
          this.#giveUp([...this.#refusals.values()].slice(0, 3).join("; "));
        else if (!this.#fixed && party !== this.#operator) this.#exclusions.refuses(party);
        if (this.#stage === "claiming" && this.#allClaimed()) this.#attest();
        return;
      case "ready":
      case "proposal":
      case "claim":
      case "failure":
        if (message.attempt === this.#attempt && this.#members.includes(party)) this.#hearOfAttempt(party, message);
        return;
      case "terms":
      case "attempt":
      case "go":
      case "proposals":
      case "witness":
      case "attestations":
        // Not a conductor's to hear.
        return;
    }
  }

  #hearOfAttempt(party: number, message: LifeOf<"ready" | "proposal" | "claim" | "failure">): void {
    const all = this.#members.length;
    switch (message.kind) {
      case "ready":
        if (this.#stage !== "opening") return;
        if (this.#said.ready.has(party)) return;
        this.#said.ready.add(party);
        this.#moves++;
        if (this.#said.ready.size < all) return;
        this.#enter("clearing");
        return this.#tell({ kind: "go", ...this.#now() });
      case "proposal":
        if (this.#stage !== "clearing" || this.#said.proposals.has(party)) return;
        // The operator's has another shape, and nobody could read all of them where somebody else's has it.
        if ("limits" in message.proposal !== (party === this.#operator))
          return party === this.#operator
            ? this.#giveUp("the operator proposes as a prosumer does")
            : this.#openWithout([{ party, reason: "it proposes as the operator does" }]);
        this.#said.proposals.set(party, message.proposal);
        this.#said.plans.set(party, message.plan);
        this.#moves++;
        if (this.#said.proposals.size < all) return;
        return this.#tellProposals();
      case "claim":
        if (this.#stage !== "claiming" || this.#said.claims.has(party)) return;
        this.#said.claims.set(party, message);
        this.#moves++;
        if (!this.#allClaimed()) return;
        return this.#attest();
      case "failure":
        return this.#hearFailure(party, message);
    }
  }

  #hearFailure(party: number, { reason, waitedFor }: LifeOf<"failure">): void {
    this.#failures.push(`party ${party}: ${reason}`);
    // A clearing without an end has none the next time either: the same bits. Its end is the operator's agent's to say.
    if (party === this.#operator && /ended: (infeasible|max iterations)/.test(reason))
      return this.#giveUp(this.#failures.at(-1) as string);
    const underWay = this.#stage === "clearing" || this.#stage === "gathering";
    if (this.#exclusions.out.has(party) || !underWay) return;
    if (party !== this.#operator && !this.#fixed && isHopeless(reason)) {
      this.#exclusions.leaveOut(party);
      if (!this.#goOnWithout([{ party, reason }])) return;
      if (this.#stage === "gathering" && this.#complete()) return this.#open();
    } else this.#exclusions.fails(party, reason, waitedFor);
    if (this.#stage === "clearing") this.#askAnew();
  }

  get #operator(): number {
    return this.#about.invited[0];
  }

  #now = (): { session: string; attempt: number } => ({ session: this.#about.session, attempt: this.#attempt });

  #attest(): void {
    const { session, terms, committee, quorumLacksAt } = this.#about;
    const operator = this.#said.proposals.get(this.#operator);
    const judged = judgeClaims(this.#said.claimed(this.#members), {
      session,
      terms,
      operator: this.#operator,
      committee,
      quorum: committee.size - quorumLacksAt + 1,
      limits: operator !== undefined && "limits" in operator ? operator.limits : [],
      plans: this.#said.committed(this.#members),
      tightening: this.#tightening,
    });
    if (judged.kind === "none") return this.#giveUp(judged.reason);
    for (const { party, reason } of judged.named) this.#effects.push({ kind: "differs", party, reason });
    // Who refuses what is about to be signed is bound by none of it.
    const refusing = this.#members.filter((party) => !this.#said.claims.has(party));
    if (judged.kind === "witness" && refusing.length === 0) {
      const message = { kind: "witness", ...this.#now(), text: textOf(judged.witness) } as const;
      if (!isReadable(message)) return this.#giveUp(`the witness has ${message.text.length} bytes`);
      this.#enter("attesting");
      this.#fixed = true;
      return this.#tell(message);
    }
    if (judged.kind === "tighten" && refusing.length === 0) return this.#tighten(judged.tightening);
    // What asks more of somebody than it has signed would be refused whole: it is cleared again, without it.
    if (judged.kind === "beyond") this.#exclusions.leaveOutBeyond(judged.beyond);
    const out =
      judged.kind === "beyond"
        ? judged.beyond.map(inWords)
        : judged.kind === "disputed"
          ? judged.out
          : refusing.map((party) => ({ party, reason: this.#refusals.get(party) ?? "refuses" }));
    this.#openWithout(out);
  }

  /** All that was proposed, where a message holds it: whoever proposes what nobody could be handed is left out. */
  #tellProposals(): void {
    const text = this.#said.proposalsText(this.#members);
    const message = { kind: "proposals", ...this.#now(), text } as const;
    if (isReadable(message)) {
      this.#enter("claiming");
      return this.#tell(message);
    }
    const { party, length } = this.#said.longest(this.#members);
    this.#openWithout([{ party, reason: `its proposal has ${length} bytes, and all of them ${text.length}` }]);
  }

  #openWithout(out: readonly Disputed[]): void {
    for (const { party } of out) this.#exclusions.leaveOut(party);
    if (!this.#goOnWithout(out)) return;
    if (this.#enough()) this.#open();
    else this.#gather();
  }

  #tighten(tightening: Tightening): void {
    if (++this.#tightenings > MOST_TIGHTENINGS)
      return this.#giveUp(
        `after ${MOST_TIGHTENINGS} clearings inside tighter limits the AC sweep is still outside them`,
      );
    this.#tightening = tightening;
    this.#effects.push({ kind: "tightened", tightening });
    this.#open();
  }

  /** Of everybody it is known what it makes of the proposals: its integers, or that it wants none of them. */
  #allClaimed(): boolean {
    return this.#members.every((party) => this.#said.claims.has(party) || this.#exclusions.has(party));
  }

  /** Of a stage without an end. */
  #blameSilence(): void {
    for (const party of this.#said.silent(this.#stage as "claiming", this.#members))
      if (party !== this.#operator) this.#exclusions.fails(party, `silent while ${this.#stage}`);
  }

  /** Says who is left out; false: the others make no quorum, and the session has no end. */
  #goOnWithout(out: readonly Disputed[]): boolean {
    if (out.length > 0) this.#tightening = undefined;
    for (const { party, reason } of out) {
      this.#present.delete(party);
      this.#effects.push({ kind: "leftOut", party, reason });
    }
    const { invited, quorumLacksAt } = this.#about;
    const gone = [...this.#exclusions.out];
    if (this.#seats(gone) < quorumLacksAt && gone.length < invited.length - 1) return true;
    const who = out.map(({ party, reason }) => `party ${party}: ${reason}`).join("; ");
    this.#giveUp(`too few are left without ${who}`);
    return false;
  }

  /** All are there who are waited for. */
  #complete(): boolean {
    const awaited = this.#fixed ? this.#members : this.#about.invited;
    return awaited.every((party) => this.#present.has(party) || (!this.#fixed && this.#exclusions.out.has(party)));
  }

  /** Those who are there can clear, and sign as a quorum. */
  #enough(): boolean {
    const { invited, quorumLacksAt } = this.#about;
    const prosumers = this.#present.size - 1;
    const operator = this.#present.has(invited[0]);
    const quorum = this.#seats(this.missing) < quorumLacksAt;
    return operator && prosumers > 0 && quorum && (!this.#fixed || this.#complete());
  }

  /** How many of these sign. */
  #seats(parties: readonly number[]): number {
    return parties.filter((party) => this.#about.committee.has(party)).length;
  }

  #gather(): void {
    this.#back.clear();
    this.#enter("gathering");
    if (this.#complete()) this.#open();
    else for (const party of this.missing) this.#sendTerms(party);
  }

  #clearing(): boolean {
    return this.#stage === "opening" || this.#stage === "clearing" || this.#stage === "claiming";
  }

  /** Somebody is gone, nobody can tell who: whoever is still there answers at once. */
  #askAnew(): void {
    this.#present.clear();
    this.#gather();
  }

  #open(): void {
    if (this.#opened++ >= MOST_ATTEMPTS) {
      const why = this.#failures.at(-1) ?? "nothing moved any more";
      return this.#giveUp(`${MOST_ATTEMPTS} attempts came to nothing: ${why}`);
    }
    const blamed = this.#exclusions.blame(this.#members.some((party) => !this.#present.has(party)));
    // Where too few would be left it is none of them: it is tried again with all.
    const gone = [...this.#exclusions.out, ...blamed.map(({ party }) => party)];
    if (blamed.length > 0 && !this.#fixed && this.#seats(gone) < this.#about.quorumLacksAt) {
      for (const { party } of blamed) this.#exclusions.leaveOut(party);
      if (!this.#goOnWithout(blamed)) return;
      if (!this.#enough()) return this.#gather();
    }
    this.#attempt = Math.max(this.#attempt, this.#lastSeen) + 1;
    if (!this.#fixed) this.#members = this.#about.invited.filter((party) => this.#present.has(party));
    this.#said = new Said();
    this.#enter("opening");
    const { beyond } = this.#exclusions;
    const tightening = this.#tightening;
    const about = { ...this.#now(), members: this.#members.slice(1), ...(tightening && { tightening }) };
    this.#tell({ kind: "attempt", ...about, ...(beyond.length > 0 && { beyond: [...beyond] }) });
  }

  #giveUp(reason: string): void {
    this.#enter("given up");
    this.#effects.push({ kind: "giveUp", reason });
  }

  #enter(stage: Stage): void {
    this.#stage = stage;
    this.#effects.push({ kind: "stage", stage, attempt: this.#attempt });
  }

  #sendTerms(to: number): void {
    const { session, termsText: text } = this.#about;
    this.#effects.push({ kind: "send", to, message: { kind: "terms", session, text } });
  }

  #tell(message: Life): void {
    for (const party of this.#about.invited) this.#effects.push({ kind: "send", to: party, message });
  }

  #taken(): ConductorEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }
}

const inWords = ({ party, predicate, detail }: Beyond): Disputed => ({ party, reason: `${predicate}: ${detail}` });
