/**
 * The operator's part around a clearing: who is there, which attempt runs, and what came of it. A state machine without
 * a clock or a socket: events in, messages out. It can keep a session from settling, not bend one: whatever it hands
 * out is checked by everybody before a signature.
 */
import { canonicalBytes, type Json } from "../../codec/canonicalJson.ts";
import type { Terms } from "../../codec/terms.ts";
import { WitnessSchema } from "../../codec/witness.ts";
import { Exclusions, isHopeless, wordsOf, type Beyond } from "./exclusions.ts";
import type { Life, LifeOf } from "./messages.ts";

export type Conducting = {
  readonly session: string;
  readonly terms: Terms;
  /** Canonical, as they were frozen. */
  readonly termsText: string;
  /** Parties: the operator first, then the prosumers in the order of the terms. */
  readonly invited: readonly number[];
  /** Members' refusals that keep a quorum from being reached. */
  readonly quorumLacksAt: number;
};

export type ConductorEffect =
  | { readonly kind: "send"; readonly to: number; readonly message: Life }
  /** The stage it has come to, for people. */
  | { readonly kind: "stage"; readonly stage: Stage; readonly attempt: number }
  /** The others go on without it. */
  | { readonly kind: "leftOut"; readonly party: number; readonly reason: string }
  /** It will not come to an end any more; the session is void at its deadline. */
  | { readonly kind: "giveUp"; readonly reason: string };

export type Stage = "gathering" | "opening" | "clearing" | "claiming" | "attesting" | "given up";

type Claim = Pick<LifeOf<"claim">, "payload" | "regretNano" | "openNano" | "signature" | "beyond">;
type Proposal = LifeOf<"proposal">["proposal"];

/** Attempts that end without a reason that anybody could do something about. */
const MOST_ATTEMPTS = 20;
/** A node that has lost its agent so often in one session is left out of it: each time costs everybody an attempt. */
const MOST_HELLOS = 4;
/** Attempts are numbered from the last that anybody says it saw; nobody may run out of numbers. */
const HIGHEST_SEEN = Number.MAX_SAFE_INTEGER - 1_000;

export class Conductor {
  readonly #about: Conducting;
  readonly #present = new Set<number>();
  readonly #refusals = new Map<number, string>();
  readonly #hellos = new Map<number, number>();
  readonly #exclusions = new Exclusions();
  #moves = 0;
  #opened = 0;
  #stage: Stage = "gathering";
  #attempt = 0;
  /** Who takes part in this attempt: all who were there, the operator first. */
  #members: readonly number[] = [];
  /** Once a witness was handed out somebody may have signed it: others than its members take part no more. */
  #fixed = false;
  #lastSeen = 0;
  #ready = new Set<number>();
  #proposals = new Map<number, Proposal>();
  #claims = new Map<number, Claim>();
  #effects: ConductorEffect[] = [];
  #failures: string[] = [];

  constructor(about: Conducting) {
    this.#about = about;
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
    for (const party of this.#about.invited) this.#sendTerms(party);
    return this.#taken();
  }

  /** Asked now and then: whoever is not there yet is told again, and a stage without an end is tried anew. */
  again(stalled: boolean): ConductorEffect[] {
    if (this.#stage === "gathering") {
      for (const party of this.missing) this.#sendTerms(party);
      // Who was not there in time falls back to the tariff.
      if (stalled && this.#enough()) this.#open();
    } else if (stalled && this.#clearing()) this.#askAnew();
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
    if (was && this.#stage !== "gathering" && this.#members.includes(from)) this.#gather();
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
        if (this.#refusals.size >= this.#about.quorumLacksAt)
          this.#giveUp([...this.#refusals.values()].slice(0, 3).join("; "));
        else if (!this.#fixed && party !== this.#operator) this.#exclusions.refuses(party);
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
        if (this.#ready.has(party)) return;
        this.#ready.add(party);
        this.#moves++;
        if (this.#ready.size < all) return;
        this.#enter("clearing");
        return this.#tell({ kind: "go", ...this.#now() });
      case "proposal":
        if (this.#stage !== "clearing" || this.#proposals.has(party)) return;
        this.#proposals.set(party, message.proposal);
        this.#moves++;
        if (this.#proposals.size < all) return;
        this.#enter("claiming");
        return this.#tell({ kind: "proposals", ...this.#now(), text: this.#proposalsText() });
      case "claim":
        if (this.#stage !== "claiming" || this.#claims.has(party)) return;
        this.#claims.set(party, message);
        this.#moves++;
        if (this.#claims.size < all) return;
        return this.#attest();
      case "failure":
        return this.#hearFailure(party, message.reason);
    }
  }

  #hearFailure(party: number, reason: string): void {
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
    } else if (this.#stage === "clearing") this.#exclusions.fails(party, reason);
    if (this.#stage === "clearing") this.#askAnew();
  }

  get #operator(): number {
    return this.#about.invited[0];
  }

  #now = (): { session: string; attempt: number } => ({ session: this.#about.session, attempt: this.#attempt });

  #proposalsText(): string {
    const [operator, ...prosumers] = this.#members.map((party) => this.#proposals.get(party));
    return textOf({ operator, prosumers });
  }

  #attest(): void {
    const { session, terms } = this.#about;
    const claims = this.#members.map((party) => ({ party, ...(this.#claims.get(party) as Claim) }));
    const [{ payload }] = claims;
    const other = claims.find((claim) => claim.payload !== payload);
    if (other !== undefined)
      return this.#giveUp(`party ${other.party} makes other integers of the same proposals: ${other.payload}`);
    const { beyond } = claims[0];
    if (beyond !== undefined) return this.#clearWithout(beyond);
    const operator = this.#proposals.get(this.#members[0]);
    this.#enter("attesting");
    const witness = WitnessSchema.safeParse({
      session,
      payload,
      terms,
      regrets: claims.flatMap(({ party: id, regretNano, openNano, signature }) =>
        regretNano === undefined || openNano === undefined || signature === undefined
          ? []
          : [{ id, regretNano, openNano, signature }],
      ),
      limits: operator !== undefined && "limits" in operator ? operator.limits : [],
    });
    if (!witness.success) return this.#giveUp("the claims make no witness");
    this.#fixed = true;
    this.#tell({ kind: "witness", ...this.#now(), text: textOf(witness.data) });
  }

  /** What asks more of somebody than it has signed would be refused whole: it is cleared again once, without it. */
  #clearWithout(beyond: readonly Beyond[]): void {
    if (!this.#exclusions.leaveOutBeyond(beyond))
      return this.#giveUp(`beyond the mandate in the second clearing: ${wordsOf(beyond)}`);
    const out = beyond.map((one) => ({ party: one.party, reason: `${one.predicate}: ${one.detail}` }));
    if (!this.#goOnWithout(out)) return;
    if (this.#enough()) this.#open();
    else this.#gather();
  }

  /** Says who is left out; false: the others make no quorum, and the session has no end. */
  #goOnWithout(out: readonly { readonly party: number; readonly reason: string }[]): boolean {
    for (const { party, reason } of out) {
      this.#present.delete(party);
      this.#effects.push({ kind: "leftOut", party, reason });
    }
    const { invited, quorumLacksAt } = this.#about;
    const lacking = this.#exclusions.out.size;
    if (lacking < quorumLacksAt && lacking < invited.length - 1) return true;
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
    return operator && prosumers > 0 && this.missing.length < quorumLacksAt && (!this.#fixed || this.#complete());
  }

  #gather(): void {
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
    if (blamed !== undefined && blamed.party !== this.#operator && !this.#fixed) {
      this.#exclusions.leaveOut(blamed.party);
      if (!this.#goOnWithout([blamed])) return;
      if (!this.#enough()) return this.#gather();
    }
    this.#attempt = Math.max(this.#attempt, this.#lastSeen) + 1;
    if (!this.#fixed) this.#members = this.#about.invited.filter((party) => this.#present.has(party));
    this.#ready = new Set();
    this.#proposals = new Map();
    this.#claims = new Map();
    this.#enter("opening");
    const { beyond } = this.#exclusions;
    const about = { ...this.#now(), members: this.#members.slice(1) };
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

const textOf = (value: unknown): string =>
  new TextDecoder().decode(canonicalBytes(JSON.parse(JSON.stringify(value)) as Json));
