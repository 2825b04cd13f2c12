/**
 * The operator's part in an entry of readings: asks everybody what was generated, hands that out, gathers what meters
 * read, hands out all of it to be attested. Who says nothing in time has a missing value: nobody is waited for longer.
 * A pure state machine: what it returns is sent.
 */
import type { MeterMessage, MeterMessageOf } from "./meterMessages.ts";

/** So long everybody is waited for, at each of the two questions; and how often who has not answered is asked again. */
const PATIENCE_MS = 10_000;
const AGAIN_MS = 2_000;

export type RoundAbout = {
  readonly session: string;
  readonly entry: number;
  /** No more values come: the entry is final with what is there. */
  readonly over: boolean;
  /** Prosumers, by party. */
  readonly invited: readonly number[];
  readonly operator: number;
  /** What is sent to each of these, the operator too. */
  readonly periods: number;
  /** What others have heard of a meter that did not tell the operator, or not the same. */
  readonly relayed?: ReadonlyMap<number, MeterMessageOf<"metered">>;
};

/** What a home has said of its own. */
type Generated = Omit<MeterMessageOf<"generated">, "kind" | "session" | "entry">;

export type Sent = { readonly to: number; readonly message: MeterMessage };

export class MeterRound {
  readonly #about: RoundAbout;
  readonly #generated = new Map<number, Generated>();
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
    const { invited, periods, entry } = this.#about;
    if (!invited.includes(from) || message.entry !== entry) return [];
    if (message.kind === "generated") {
      const { plannedWh, renewableWh, salt } = message;
      if (this.#stage !== "asking" || plannedWh.length !== periods || renewableWh.length !== periods) return [];
      this.#generated.set(from, { plannedWh, renewableWh, salt });
      return this.#generated.size < invited.length ? [] : this.#call(nowMs);
    }
    if (this.#stage !== "gathering" || message.file.prosumer !== from) return [];
    this.#metered.set(from, message);
    return this.#metered.size < this.#generated.size ? [] : this.#tell(nowMs);
  }

  #now = (): { session: string; entry: number } => ({ session: this.#about.session, entry: this.#about.entry });

  #silentOf(answers: ReadonlyMap<number, unknown>): number[] {
    const asked = this.#stage === "asking" ? this.#about.invited : [...this.#generated.keys()];
    return asked.filter((id) => !answers.has(id));
  }

  #called(): MeterMessage {
    const generated = [...this.#generated].map(([party, said]) => ({ party, ...said }));
    return { kind: "called", ...this.#now(), generated };
  }

  #call(nowMs: number): Sent[] {
    this.#enter("gathering", nowMs);
    return [...this.#generated.keys()].map((to) => ({ to, message: this.#called() }));
  }

  #tell(nowMs: number): Sent[] {
    this.#enter("told", nowMs);
    const { invited, over } = this.#about;
    const all = invited.flatMap((id) => joined(this.#metered.get(id), this.#about.relayed?.get(id)) ?? []);
    this.#told = {
      kind: "readings",
      ...this.#now(),
      closed: over || all.length === invited.length,
      files: all.map(({ file }) => file),
      statements: all.flatMap(({ statement }) => statement ?? []),
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

/** The newer file of two, and a statement if either has one. */
export function joined(one: Metered | undefined, other: Metered | undefined): Metered | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  const newer = other.file.number > one.file.number ? other : one;
  const statement = newer.statement ?? one.statement ?? other.statement;
  return { ...newer, ...(statement && { statement }) };
}
