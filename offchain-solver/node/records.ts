/** What a node writes for its owner, and what it publishes: bundles, found by their hash. */
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Bill } from "../auditor/documents.ts";
import type { Outcome } from "../chain/watch.ts";
import type { Terms } from "../codec/terms.ts";
import { writeJson, writeText } from "../io/target.ts";
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

export class Records {
  readonly #own: string;
  readonly #bundles: string;
  readonly sessions: SessionRecord[] = [];

  constructor(home: string, bundles: string) {
    this.#own = join(home, "sessions");
    this.#bundles = bundles;
    for (const folder of [this.#own, bundles]) mkdirSync(folder, { recursive: true });
  }

  /** Schedule and cost: the owner's alone. null: there is none, and what an earlier attempt left counts no more. */
  own(ordinal: number, own: unknown, { scenario }: Terms): void {
    const file = join(this.#own, `${ordinal}.json`);
    if (own === null) rmSync(file, { force: true });
    else writeJson(file, { ordinal, startUtc: scenario.startUtc, ...(own as object) });
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
