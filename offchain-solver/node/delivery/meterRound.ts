/**
 * The operator's part in an entry of readings: asks everybody what was generated, hands that out, gathers what meters
 * read, hands out all of it to be attested. Who says nothing in time, or nothing that its keys have signed, has a
 * missing value: nobody is waited for longer. A pure state machine: what it returns is sent.
 */
import { isMeasured } from "../../metering/entry.ts";
import { filesIn } from "../../metering/record.ts";
import { takeIn, type Expected } from "../../metering/signed.ts";
import type { MeterMessage, MeterMessageOf } from "./meterMessages.ts";
import type { JudgedBy } from "./reckoning.ts";

/** So long everybody is waited for, at each of the two questions; and how often who has not answered is asked again. */
const PATIENCE_MS = 10_000;
const AGAIN_MS = 2_000;

export type RoundAbout = {
  readonly session: string;
  readonly entry: number;
  /** No more values come: the entry is final with what is there. */
  readonly over: boolean;
  /** Prosumers, by party: what is sent to each of these, the operator too. */
  readonly invited: readonly number[];
  readonly operator: number;
  readonly judgedBy: JudgedBy;
  /** [prosumer] what each has said first that was right: it counts for all entries of the session. */
  readonly activations: Map<number, MeterMessageOf<"called">["activations"][number]>;
  /** What others have heard of a meter that did not tell the operator, or not the same. */
  readonly relayed?: ReadonlyMap<number, MeterMessageOf<"metered">>;
};

export type Sent = { readonly to: number; readonly message: MeterMessage };

export class MeterRound {
  readonly #about: RoundAbout;
  /** Who has answered the first question; whoever planned nothing, or says it wrongly, is called by nothing. */
  readonly #generated = new Set<number>();
  readonly #metered = new Map<number, MeterMessageOf<"metered">>();
  #stage: "asking" | "gathering" | "told" = "asking";
  #sinceMs: number;
  #askedMs = -Infinity;
  #told: MeterMessageOf<"readings"> | undefined;

  /** `nowMs`: of any clock that goes on. */
  constructor(about: RoundAbout, nowMs: number) {
    this.#about = about;
    this.#sinceMs = nowMs;
  }

  get entry(): number {
    return this.#about.entry;
  }

  /** Whose meters have said nothing, or not yet. */
  get silent(): number[] {
    return this.#about.invited.filter((id) => !this.#metered.has(id));
  }

  /** Asked now and then. */
  tick(nowMs: number): Sent[] {
    const late = nowMs - this.#sinceMs >= PATIENCE_MS;
    if (this.#stage === "asking" && late && this.#generated.size > 0) return this.#call(nowMs);
    if (this.#stage === "gathering" && late) return this.#tell(nowMs);
    if (nowMs - this.#askedMs < AGAIN_MS) return [];
    this.#askedMs = nowMs;
    if (this.#stage === "asking") {
      const message = { kind: "meter", ...this.#now() } as const;
      return this.#silentOf(this.#generated).map((to) => ({ to, message }));
    }
    if (this.#stage === "gathering")
      return this.#silentOf(this.#metered).map((to) => ({ to, message: this.#called() }));
    return this.#toAll(this.#told!);
  }

  hear(from: number, message: MeterMessageOf<"generated" | "metered">, nowMs: number): Sent[] {
    const { invited, entry } = this.#about;
    if (!invited.includes(from) || message.entry !== entry) return [];
    if (message.kind === "generated") {
      if (this.#stage !== "asking") return [];
      const { activations, judgedBy } = this.#about;
      const said = message.activation;
      const signed = { files: [], activations: said === undefined ? [] : [said], statements: [] };
      const right = takeIn(signed, judgedBy.expected).activations.has(from);
      if (said !== undefined && right && !activations.has(from)) activations.set(from, said);
      this.#generated.add(from);
      return this.#generated.size < invited.length ? [] : this.#call(nowMs);
    }
    if (this.#stage !== "gathering" || message.file.prosumer !== from) return [];
    const right = rightIn(message, this.#about.judgedBy.expected);
    if (right === undefined) return [];
    this.#metered.set(from, right);
    return this.#silentOf(this.#metered).length > 0 ? [] : this.#tell(nowMs);
  }

  #now = (): { session: string; entry: number } => ({ session: this.#about.session, entry: this.#about.entry });

  #silentOf(answers: { readonly has: (id: number) => boolean }): number[] {
    const asked = this.#stage === "asking" ? this.#about.invited : [...this.#generated];
    return asked.filter((id) => !answers.has(id));
  }

  #called(): MeterMessage {
    return { kind: "called", ...this.#now(), activations: this.#activations() };
  }

  #activations = (): MeterMessageOf<"called">["activations"] =>
    this.#about.invited.flatMap((id) => this.#about.activations.get(id) ?? []);

  /** To all who attest: what is handed out afterwards is by the same. */
  #call(nowMs: number): Sent[] {
    this.#enter("gathering", nowMs);
    return this.#toAll(this.#called());
  }

  #tell(nowMs: number): Sent[] {
    this.#enter("told", nowMs);
    const { invited, over, judgedBy, relayed } = this.#about;
    const all = invited.flatMap((id) => joined(this.#metered.get(id), relayed?.get(id)) ?? []);
    const files = all.map(({ file }) => file);
    const signed = { files: filesIn({ meters: files }), activations: [], statements: [] };
    this.#told = {
      kind: "readings",
      ...this.#now(),
      closed: over || isMeasured(judgedBy, takeIn(signed, judgedBy.expected)),
      ...{ files, activations: this.#activations(), statements: all.flatMap(({ statement }) => statement ?? []) },
    };
    return this.#toAll(this.#told);
  }

  #enter(stage: "gathering" | "told", nowMs: number): void {
    this.#stage = stage;
    this.#sinceMs = nowMs;
    this.#askedMs = nowMs;
  }

  #toAll(message: MeterMessage): Sent[] {
    const { operator, invited } = this.#about;
    return [operator, ...invited].map((to) => ({ to, message }));
  }
}

type Metered = MeterMessageOf<"metered">;

/** What is right of it, by the keys that count; undefined: its meter has not signed it. */
export function rightIn(message: Metered, expected: Expected): Metered | undefined {
  const { statement, ...rest } = message;
  const said = statement === undefined ? [] : [statement];
  const signed = { files: filesIn({ meters: [message.file] }), activations: [], statements: said };
  const { files, statements } = takeIn(signed, expected);
  const { prosumer } = message.file;
  if (!files.has(prosumer)) return undefined;
  return statements.has(prosumer) ? message : rest;
}

/** The newer file of two, and a statement if either has one. */
export function joined(one: Metered | undefined, other: Metered | undefined): Metered | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  const newer = other.file.number > one.file.number ? other : one;
  const statement = newer.statement ?? one.statement ?? other.statement;
  return { ...newer, ...(statement && { statement }) };
}
