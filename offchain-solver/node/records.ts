/** What a node writes for its owner, and what it publishes: bundles, found by their hash. */
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Bill } from "../auditor/documents.ts";
import type { Outcome } from "../chain/watch.ts";
import type { Terms } from "../codec/terms.ts";
import { InputError } from "../io/inputError.ts";
import { writeJson, writeText } from "../io/target.ts";
import { ofEntry } from "../records/sessionPlaces.ts";
import type { Documents } from "./delivery/reckoning.ts";
import type { Member } from "./session/member.ts";

/** One line for people and machines of every session that this node has seen the end of. */
export type SessionRecord = {
  readonly ordinal: number;
  readonly outcome: Outcome["kind"];
  readonly batch?: string;
  readonly attempts: number;
  readonly iterations: number;
  readonly refusal?: string;
};

type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

export const clearingFolder = (home: string): string => join(home, "clearings");
export const deliveryFolder = (home: string): string => join(home, "deliveries");

export class Records {
  readonly #own: string;
  readonly #clearings: string;
  readonly #deliveries: string;
  readonly #bundles: string;
  readonly sessions: SessionRecord[] = [];

  constructor(home: string, bundles: string) {
    this.#own = join(home, "sessions");
    this.#clearings = clearingFolder(home);
    this.#deliveries = deliveryFolder(home);
    this.#bundles = bundles;
    for (const folder of [this.#own, bundles]) makeFolder(folder);
  }

  /** Schedule and cost: the owner's alone. undefined: none, and what an earlier attempt left counts no more. */
  own(ordinal: number, own: object | undefined, { scenario }: Terms): void {
    const file = join(this.#own, `${ordinal}.json`);
    if (own === undefined) rmSync(file, { force: true });
    else writeJson(file, { ordinal, startUtc: scenario.startUtc, ...own });
  }

  /** The operator's: how a clearing went, and the proposals that it came to. */
  cleared(ordinal: number, run: object, proposals: string): void {
    mkdirSync(this.#clearings, { recursive: true });
    writeJson(join(this.#clearings, `${ordinal}.json`), { ...run, proposals: JSON.parse(proposals) });
  }

  /** A session that came to nothing: what its members proposed is nobody's to keep. */
  forgotten(ordinal: number): void {
    rmSync(join(this.#clearings, `${ordinal}.json`), { force: true });
  }

  /** What was entered of a session, and what meters and nodes signed of it, as this node has attested it. */
  delivered(ordinal: number, entry: number, { delivery, meters }: Documents): void {
    const folder = join(this.#deliveries, `${ordinal}`);
    mkdirSync(folder, { recursive: true });
    writeJson(join(folder, ofEntry("delivery.json", entry)), delivery);
    writeJson(join(folder, ofEntry("meters.json", entry)), meters);
  }

  /** What it pays, once the chain has it: also where the schedule was lost with the process that had made it. */
  billed(ordinal: number, startUtc: string, bill: { readonly batch: string; readonly payment: Bill }): void {
    writeJson(join(this.#own, `${ordinal}.json`), { ordinal, startUtc, ...this.readOwn(ordinal), ...bill });
  }

  readOwn(ordinal: number): Record<string, JsonValue> | undefined {
    const file = join(this.#own, `${ordinal}.json`);
    return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Record<string, JsonValue>) : undefined;
  }

  bundle(hash: string, text: string): void {
    const file = this.bundleFile(hash);
    if (!existsSync(file)) writeText(file, text);
  }

  readBundle(hash: string): string | undefined {
    const file = this.bundleFile(hash);
    return existsSync(file) ? readFileSync(file, "utf8") : undefined;
  }

  private bundleFile(hash: string): string {
    return join(this.#bundles, `${hash}.json`);
  }

  outcome(ordinal: number, outcome: Outcome, member: Member | undefined): void {
    this.sessions.push({
      ordinal,
      outcome: outcome.kind,
      ...(outcome.kind === "settled" && { batch: outcome.batch }),
      attempts: member?.attempt ?? 0,
      iterations: member?.progress.iteration ?? 0,
      ...(member?.refusal !== undefined && { refusal: member.refusal }),
    });
    if (this.sessions.length > 1_000) this.sessions.shift();
  }
}

/** At the start, where one sentence can say what has to be changed. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new InputError(`${folder}: cannot be made (${(error as NodeJS.ErrnoException).code})`);
  }
}
