/**
 * What the operator's process does beside taking part: freezes the sessions of its schedule, and conducts the one that
 * is open. Of everything that it hands out nothing is believed by anybody.
 */
import type { Signer } from "ethers";
import type { Deployment } from "../chain/deployment.ts";
import { DESK_ID, OPERATOR_ID, UTILITY_ID } from "../chain/onboarding.ts";
import { reasonOf } from "../chain/revert.ts";
import { freezeSession } from "../chain/session.ts";
import type { Seen } from "../chain/watch.ts";
import { termsBytes, termsHash, type Terms } from "../codec/terms.ts";
import { quorumOf } from "../codec/typedData.ts";
import { notLocked } from "../ledger/mandateFit.ts";
import { imbalancePrice } from "../ledger/settleable.ts";
import { ownFaults } from "../ledger/termsFaults.ts";
import type { Config } from "./config.ts";
import type { Journal } from "./journal/journal.ts";
import type { Log } from "./party.ts";
import type { ConductorEffect } from "./session/conducting.ts";
import { Conductor } from "./session/conductor.ts";
import type { FrozenOnChain } from "./session/surroundings.ts";
import type { Life } from "./session/messages.ts";
import { Patience } from "./session/patience.ts";

export type OperatorRoleOptions = {
  readonly config: Pick<Config, "patienceMs" | "leadS">;
  /** Terms of the sessions to come, in their order; throws where they cannot be read. */
  readonly schedule: () => readonly Terms[];
  readonly deployment: Deployment;
  readonly wallet: Signer;
  readonly journal: Journal;
  readonly send: (to: number, message: Life) => void;
  readonly log: Log;
};

export const SYSTEM_IDS = [DESK_ID, OPERATOR_ID, UTILITY_ID];

/** How often whoever is not there yet is told the terms again. */
const TELL_MS = 2_000;
/** A session is settled an hour after its start at the latest (`GRACE` of the market). */
const GRACE_S = 3_600;
/**
 * Agents say themselves for whom they wait in vain, each after the terms' patience: whoever conducts a clearing breaks
 * it off later than that, or nobody would ever know.
 */
const LONGER = 1.25;

/** What no later block makes otherwise: the times of the terms themselves are wrong. */
const FOR_GOOD = /^(?:PeriodsOutOfRange|PeriodSecondsOutOfRange|SessionOverlaps)\(/;
/** Before a freeze that was refused is tried again, ms; then each time twice as long. */
const PAUSE_MS = { least: 1_000, most: 30_000 } as const;

/** Of one session's freeze. */
type Refusal = {
  readonly reason: string;
  readonly forGood: boolean;
  readonly pauseMs: number;
  readonly againMs: number;
};

export class OperatorRole {
  readonly #o: OperatorRoleOptions;
  #conductor: Conductor | undefined;
  #patience: Patience;
  #toldMs = -Infinity;
  /** A session whose terms are not in the schedule. */
  #unscheduled = "";
  /** Of terms that the chain, or this program, would not have frozen. */
  readonly #refusals = new WeakMap<Terms, Refusal>();

  constructor(options: OperatorRoleOptions) {
    this.#o = options;
    this.#patience = new Patience(options.config.patienceMs);
  }

  /** Opens the session that is frozen, once the chain has said who can take part. */
  async follow({ session, terms: frozen }: Seen, chainFor: (terms: Terms) => Promise<FrozenOnChain>): Promise<void> {
    if (this.#conductor?.session === session || this.#unscheduled === session) return;
    const { config, log } = this.#o;
    const terms = this.#scheduled().find((one) => termsHash(one) === frozen.termsHash);
    if (terms === undefined) {
      this.#unscheduled = session;
      return log("error", "the frozen terms are not in the schedule", { hash: frozen.termsHash });
    }
    const { nodeKeys, committee, ledger } = await chainFor(terms);
    const ids = terms.scenario.prosumers.map(({ id }) => id);
    const invited = [OPERATOR_ID, ...ids];
    const end = frozen.start + BigInt(frozen.periods * frozen.periodSeconds);
    this.#patience = new Patience(config.patienceMs, { clearing: LONGER * Number(terms.clearing.patienceMs ?? 0) });
    this.#conductor = new Conductor({
      session,
      terms,
      termsText: new TextDecoder().decode(termsBytes(terms)),
      invited,
      committee: new Set(invited.filter((id) => committee.includes(nodeKeys.get(id) as string))),
      quorumLacksAt: committee.length - quorumOf(committee.length) + 1,
      without: notLocked(ids, ledger.limits, end).map(({ id, ...found }) => ({ party: id, ...found })),
    });
    this.#perform(this.#conductor.begin());
  }

  /** Asked at every look at the chain; `iteration`: how far the own agent is. */
  conduct(iteration: number): void {
    if (this.#conductor === undefined) return;
    const { moves, stage } = this.#conductor;
    const stalled = this.#patience.exhausted(`${moves} ${iteration}`, performance.now(), stage);
    if (!stalled && performance.now() - this.#toldMs < TELL_MS) return;
    this.#toldMs = performance.now();
    this.#perform(this.#conductor.again(stalled));
  }

  hear(from: number, message: Life): void {
    if (this.#conductor !== undefined) this.#perform(this.#conductor.hear(from, message));
  }

  end(): void {
    this.#conductor = undefined;
  }

  /** Freezes the next session of the schedule once the chain's clock, `now` in unix seconds, has come near it. */
  async freezeNext(newest: Seen | undefined, now: number): Promise<void> {
    const { config, deployment, wallet } = this.#o;
    const last = Number(newest?.terms.start ?? 0);
    // One whose start has passed is none any more: those after it still come.
    const next = this.#scheduled().find((terms) => {
      const start = Date.parse(terms.scenario.startUtc) / 1000;
      return start > last && start >= now && this.#refusals.get(terms)?.forGood !== true;
    });
    if (next === undefined || performance.now() < (this.#refusals.get(next)?.againMs ?? 0)) return;
    const { startUtc, periodHours, hours, prosumers, tariff } = next.scenario;
    const start = Date.parse(startUtc) / 1000;
    if (now < start - config.leadS) return;
    const [fault] = ownFaults(next.scenario);
    if (fault !== undefined) return this.#refused(next, `unsound terms: ${fault.field} ${fault.reason}`, true);
    try {
      await freezeSession(deployment, wallet, {
        start,
        periodSeconds: Math.round(periodHours * 3600),
        periods: hours,
        deadline: start + GRACE_S,
        termsHash: termsHash(next),
        imbalancePrice: imbalancePrice(tariff),
        ids: [...prosumers.map(({ id }) => id), ...SYSTEM_IDS],
      });
    } catch (error) {
      const reason = reasonOf(error);
      this.#refused(next, reason, FOR_GOOD.test(reason));
    }
  }

  /** Said once, however often it is tried: what may pass is tried again after a while, what cannot is not. */
  #refused(terms: Terms, reason: string, forGood: boolean): void {
    const before = this.#refusals.get(terms);
    const pauseMs = before === undefined ? PAUSE_MS.least : Math.min(2 * before.pauseMs, PAUSE_MS.most);
    this.#refusals.set(terms, { reason, forGood, pauseMs, againMs: performance.now() + pauseMs });
    if (before?.reason === reason) return;
    const { startUtc } = terms.scenario;
    this.#o.log("error", forGood ? "never frozen" : "the freeze was refused", { startUtc, reason });
  }

  #perform(effects: readonly ConductorEffect[]): void {
    const { send, log } = this.#o;
    for (const effect of effects) {
      if (effect.kind === "send") send(effect.to, effect.message);
      else if (effect.kind === "stage")
        log("info", effect.stage, { attempt: effect.attempt, missing: this.#conductor?.missing });
      else if (effect.kind === "tightened") log("info", "clears again inside tighter limits", effect.tightening);
      else if (effect.kind === "leftOut" || effect.kind === "differs") this.#name(effect);
      else log("error", "the session will be void", { reason: effect.reason });
    }
  }

  /** Whom the others go on without, and who reckons otherwise: in the journal, and said. */
  #name({ kind, party, reason }: Extract<ConductorEffect, { kind: "leftOut" | "differs" }>): void {
    const { journal, log } = this.#o;
    const session = this.#conductor?.session ?? "";
    journal.commit({ kind: "refused", session, party, predicate: kind, detail: reason.slice(0, 256) });
    log("warn", kind === "leftOut" ? "left out" : "differs", { out: party, reason });
  }

  /** Terms that the operator has written since it looked last may be wrong: that is no fault of the chain. */
  #scheduled(): readonly Terms[] {
    try {
      return this.#o.schedule();
    } catch (error) {
      this.#o.log("error", "the schedule cannot be read", { reason: (error as Error).message });
      return [];
    }
  }
}
