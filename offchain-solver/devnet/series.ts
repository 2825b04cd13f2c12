/**
 * Sessions one after another in one market: the next day settles before the day is over that the last one was about, as
 * it is with a market that goes on. Each is delivered, and its credits issued, when its time has come.
 */
import type { Standing } from "../auditor/audit.ts";
import { contracts, deliveryContracts, send, type Deployment } from "../chain/deployment.ts";
import type { Terms } from "../codec/terms.ts";
import type { Witness } from "../codec/witness.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import type { Chain } from "./embedded.ts";
import { SessionRefused } from "./refused.ts";
import { outcomeOf, type DoneSession, type Progress, type SessionOutcome } from "./outcome.ts";
import { settleLoaded } from "./session.ts";
import type { SessionOptions } from "./steps/clear.ts";
import { credit, deliver } from "./steps/deliver.ts";
import { freeze } from "./steps/freeze.ts";
import { load, type Loaded } from "./steps/load.ts";
import { hasCome } from "./steps/meters.ts";
import { audit } from "./steps/settle.ts";

const DAY_S = 86_400;

/** Something that is to be done once the chain's clock is that late. */
type Due = { readonly at: number; readonly act: () => Promise<void> };

export class SessionSeries {
  readonly #chain: Chain;
  readonly #progress: Progress;
  #deployment: Deployment | undefined;
  #due: Due[] = [];
  readonly #witnesses: Witness[] = [];
  /** By start: terms that were frozen, of sessions that came to nothing. */
  readonly voided = new Map<string, Terms>();
  #standing: Standing | undefined;

  /** Where nobody sets the chain's clock, what is due is done when all have settled, as far as it can be by then. */
  constructor(chain: Chain, progress: Progress) {
    this.#chain = chain;
    this.#progress = progress;
    this.#deployment = chain.deployment;
  }

  /** The market of all its sessions, once one has begun. */
  get deployment(): Deployment | undefined {
    return this.#deployment;
  }

  /**
   * Settles a session, a day before it starts if the clock is not beyond that; `done` is told of it once it is
   * delivered and audited. Throws SessionRefused as `runSession` does.
   */
  async settle(
    scenario: Scenario,
    options: SessionOptions,
    done: (outcome: SessionOutcome) => Promise<void>,
  ): Promise<DoneSession> {
    const start = Date.parse(scenario.startUtc) / 1000;
    await this.#until(start - DAY_S);
    const deployment = this.#deployment;
    const chain = { ...this.#chain, ...(deployment && { deployment }) };
    this.#progress("load: public terms, private parts, a market with its members");
    const loaded = await load(scenario, options, chain);
    this.#deployment = loaded.deployment;
    const before = await this.#ordinal(loaded);
    const session = await settleLoaded(loaded, options, this.#progress).catch(async (error: unknown) => {
      await this.#voided(loaded, before);
      throw error;
    });
    this.#witnesses.push(session.witness);
    const { grace, dispute } = await deliveryContracts(loaded.deployment, this.#chain.provider)
      .delivery.getFunction("windows")
      .staticCall();
    const end = start + scenario.hours * Math.round(scenario.periodHours * 3600);
    const act = (): Promise<void> => this.#deliver(scenario, session, Number(dispute), done);
    this.#due.push({ at: hasCome(scenario) ? end + Number(grace) : end, act });
    return session;
  }

  /**
   * Freezes a session that nobody clears, so that a stretch of time in which nothing settles has terms that the chain
   * knows; returns them.
   */
  async freezeVoid(scenario: Scenario, options: SessionOptions): Promise<Terms> {
    const deployment = this.#deployment;
    const loaded = await load(scenario, options, { ...this.#chain, ...(deployment && { deployment }) });
    const before = await this.#ordinal(loaded);
    await freeze(loaded).catch((error: unknown) => {
      // Whoever it leaves out is billed by its meter as all others are.
      if (!(error instanceof SessionRefused)) throw error;
    });
    await this.#voided(loaded, before);
    return loaded.terms;
  }

  /** How many sessions have been frozen. */
  async #ordinal({ deployment }: Loaded): Promise<bigint> {
    const { ordinal } = await contracts(deployment, this.#chain.provider).market.getFunction("session").staticCall();
    return ordinal as bigint;
  }

  /**
   * A session that was frozen and comes to nothing is cancelled: the next day's is frozen before its deadline. On a
   * chain of somebody's one that was open before is another's, and stays.
   */
  async #voided({ deployment, terms }: Loaded, before: bigint): Promise<void> {
    const { market } = contracts(deployment, this.#chain.admin);
    const { open, ordinal } = await market.getFunction("session").staticCall();
    if (open && ordinal > before) await send(market, "cancelSession");
    this.voided.set(terms.scenario.startUtc, terms);
  }

  /** All that is still to come. */
  finish(): Promise<void> {
    return this.#until(Infinity);
  }

  async #deliver(
    scenario: Scenario,
    session: DoneSession,
    dispute: number,
    done: (outcome: SessionOutcome) => Promise<void>,
  ): Promise<void> {
    const { frozen, clearing } = session;
    if (hasCome(scenario))
      this.#progress(`deliver the session of ${scenario.startUtc}: meters, imbalance, reserve, allowances`);
    const entered = await deliver(frozen, scenario, clearing, session);
    const conclude = async (): Promise<void> => {
      const delivered = await credit(frozen, scenario, entered);
      const keep = (standing: Standing): void => void (this.#standing = standing);
      this.#progress(`audit the session of ${scenario.startUtc} from chain data and the published witness`);
      const found = await audit(frozen, this.#witnesses, { resume: this.#standing, keep });
      await done(outcomeOf(scenario, session, delivered, found));
    };
    const { timestamp } = (await this.#chain.provider.getBlock("latest"))!;
    this.#due.push({ at: entered === undefined ? 0 : timestamp + dispute, act: conclude });
  }

  /** Does what is due up to then, in the order of its time, and sets the clock there. */
  async #until(time: number): Promise<void> {
    for (;;) {
      const next = this.#due.toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > time) break;
      if (this.#chain.passTime === undefined && Number.isFinite(time)) break;
      this.#due = this.#due.filter((one) => one !== next);
      await this.#chain.passTime?.(next.at);
      await next.act();
    }
    if (Number.isFinite(time)) await this.#chain.passTime?.(time);
  }
}
