import { dirname, join } from "node:path";
import { devnetKey } from "../devnet/devnetKeys.ts";
import { embeddedDevnet, type Chain } from "../devnet/embedded.ts";
import { SessionRefused } from "../devnet/refused.ts";
import type { SessionOutcome } from "../devnet/outcome.ts";
import { SessionSeries } from "../devnet/series.ts";
import { DayBroken, settleDay, type SettledPart } from "../devnet/settleDay.ts";
import type { SessionOptions } from "../devnet/steps/clear.ts";
import { hasCome } from "../devnet/steps/meters.ts";
import { note } from "../io/output.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { standingDay } from "../metering/devices.ts";
import type { ClearingJson } from "../records/clearingJson.ts";
import type { CommunityJson } from "../records/communityJson.ts";
import { joinClearings } from "../records/joinClearings.ts";
import { placeOf } from "../records/sessionPlaces.ts";
import type { BilledSession, FallbackDay } from "../report/billLines.ts";
import { takePeriods } from "../scenarios/periods.ts";
import { billedBy, inMarket, makeBills, writeBills } from "./bills.ts";
import { writeFallback } from "./fallbackFolder.ts";
import { clearOptions, type ReadScenario } from "./clearOptions.ts";
import { Exit } from "./exit.ts";
import {
  checkSettleable,
  ofSession,
  refusedAs,
  report,
  reportDay,
  toJson,
  type RunArguments,
} from "./sessionSummary.ts";
import type { EndedDays } from "./runDays.ts";
import { writeDay, writeSession } from "./sessionFiles.ts";

/** A chain whose clock begins the day before a session's start, or is on its way there by itself. */
export type OpenChain = (startUtc: string) => Promise<Chain & { readonly close: () => Promise<void> }>;

/** A day whose sessions are delivered one by one. */
type Day = {
  readonly read: ReadScenario;
  readonly jsonOf: (cleared: Parameters<typeof toJson>[0]) => ClearingJson;
  /** How many there are, once all have settled. */
  sessions: number | undefined;
  readonly outcomes: SessionOutcome[];
};

/** What became of a day; `refused`: why only a part of it settled, the one that `read` and `clearing` are of. */
export type SettledDay = {
  readonly read: ReadScenario;
  readonly clearing: ClearingJson;
  readonly refused: Exit | undefined;
};

/** Days that settle in one market, each written to its folder once it is delivered and audited. */
export class SettledDays {
  readonly #name: string;
  readonly #args: RunArguments;
  readonly #open: OpenChain;
  #devnet: Awaited<ReturnType<OpenChain>> | undefined;
  #series: SessionSeries | undefined;
  readonly #wrong = new Map<string, string | undefined>();
  readonly #sessions: BilledSession[] = [];
  readonly #fallback: FallbackDay[] = [];
  #last: ReadScenario | undefined;
  readonly #progress = (step: string): void => note(`• ${step}`);

  constructor(name: string, args: RunArguments, open: OpenChain = embeddedDevnet) {
    this.#name = name;
    this.#args = args;
    this.#open = open;
  }

  /** Throws Exit where nothing of the day settled. */
  async settle(read: ReadScenario): Promise<SettledDay> {
    const { scenario, community } = read;
    checkSettleable(this.#name, scenario, community);
    this.#last = read;
    if (this.#devnet === undefined && this.#open === embeddedDevnet)
      this.#progress("open a chain; the first time ever its contracts are compiled, which takes minutes");
    this.#devnet ??= await this.#open(scenario.startUtc);
    this.#series ??= new SessionSeries(this.#devnet, this.#progress);
    const series = this.#series;
    const { options, done } = clearOptions(scenario, this.#args);
    const session = { ...options, ...ofSession(this.#args) };
    const jsonOf = (cleared: Parameters<typeof toJson>[0]): ClearingJson => toJson(cleared, options);
    const joined = (parts: readonly SettledPart[]): ClearingJson =>
      joinClearings(parts.map((part) => jsonOf(part.session.clearing)));
    const day: Day = { read, jsonOf, sessions: undefined, outcomes: [] };
    try {
      const told = (outcome: SessionOutcome): Promise<void> => Promise.resolve(this.#delivered(day, outcome));
      const parts = await settleDay(scenario, (part) => series.settle(part, session, told), this.#progress);
      done();
      this.#count(day, parts.length);
      return { read, clearing: joined(parts), refused: undefined };
    } catch (error) {
      const refused = refusedAs(error, scenario);
      if (error instanceof DayBroken && refused instanceof Exit) {
        this.#count(day, error.parts.length);
        await this.#billAtTariff(series, error.rest, session, community);
        return { read: { ...read, scenario: error.done }, clearing: joined(error.parts), refused };
      }
      if (error instanceof SessionRefused) await this.#billAtTariff(series, scenario, session, community);
      throw refused;
    }
  }

  /** What nobody settled: with the terms that were frozen an auditor can make its bills again. */
  async #billAtTariff(
    series: SessionSeries,
    scenario: Scenario,
    options: SessionOptions,
    community: CommunityJson | undefined,
  ): Promise<void> {
    const [metered] = fallbackOf(scenario);
    if (metered === undefined) return;
    this.#fallback.push(metered);
    const { deployment } = series;
    if (deployment === undefined) return;
    const frozen = series.voided.get(scenario.startUtc);
    // Of a day in several sessions the one that was frozen is shorter than what is left of the day.
    const terms = frozen?.scenario.hours === scenario.hours ? frozen : await series.freezeVoid(scenario, options);
    const meterKey = (id: number) => devnetKey("meter", id);
    await writeFallback(this.#args.out, deployment, { scenario, terms, metered, meterKey }, community);
  }

  /** So many sessions are all there are of a day. */
  #count(day: Day, sessions: number): void {
    day.sessions = sessions;
    this.#writeWhole(day);
  }

  #delivered(day: Day, outcome: SessionOutcome): void {
    this.#sessions.push(billedBy(outcome));
    day.outcomes.push(outcome);
    this.#writeWhole(day);
  }

  /** Of a day in several sessions the files are written once all of them are delivered. */
  #writeWhole({ read: { scenario, community }, jsonOf, sessions, outcomes }: Day): void {
    if (outcomes.length !== sessions) return;
    const parts = outcomes.map((one) => ({ outcome: one, clearing: jsonOf(one) }));
    if (parts.length === 1) {
      const [{ outcome, clearing }] = parts;
      const folder = writeSession(this.#args, outcome, clearing, community);
      this.#writeBills(folder, outcomes, community);
      this.#wrong.set(scenario.startUtc, report(outcome, clearing, folder, community));
      return;
    }
    // Where the last sessions came to nothing, the day is what settled of it.
    const settled = parts.reduce((sum, one) => sum + one.outcome.scenario.hours, 0);
    const whole = takePeriods(scenario, settled);
    const folder = writeDay(this.#args, whole, parts, community);
    this.#writeBills(folder, outcomes, community);
    this.#wrong.set(scenario.startUtc, reportDay({ scenario: whole, parts }, folder, community));
  }

  /** Of a day that was entered on a chain that stays: as `meter enter` writes them of one that is entered later. */
  #writeBills(folder: string, outcomes: readonly SessionOutcome[], community: CommunityJson | undefined): void {
    if (this.#args.rpc === undefined || outcomes.some(({ delivery }) => delivery?.delivery.entered === undefined))
      return;
    const prosumers = [...new Set(outcomes.flatMap(({ scenario }) => scenario.prosumers.map(({ id }) => id)))];
    const market = inMarket(outcomes.at(-1)!.found.sessions);
    const of = { sessions: outcomes.map(billedBy), fallback: [], prosumers, community, market };
    const at = join(folder, placeOf("delivery.json", community !== undefined));
    writeBills(dirname(at), makeBills({ ...of, vatPercent: this.#args.vat ?? 0 }));
  }

  async finish(): Promise<EndedDays> {
    await this.#series?.finish();
    const { scenario, community } = this.#last!;
    const prosumers = scenario.prosumers.map(({ id }) => id);
    const parts = { sessions: this.#sessions, fallback: this.#fallback, prosumers, community };
    return { wrong: this.#wrong, bills: makeBills({ ...parts, vatPercent: this.#args.vat ?? 0 }) };
  }

  async close(): Promise<void> {
    await this.#devnet?.close();
  }
}

/** A day on which nothing settled, where it is known what it brought: all did as their load and sun would have it. */
export function fallbackOf(scenario: Scenario): FallbackDay[] {
  if (!hasCome(scenario)) return [];
  const { startUtc, periodHours, tariff, prosumers } = scenario;
  const micro = (prices: readonly number[]): number[] => prices.map((price) => Math.round(price * 1000));
  const meteredWh = new Map(prosumers.map((one) => [one.id, standingDay(one, scenario).meteredWh[0]] as const));
  return [
    {
      ...{ start: Date.parse(startUtc) / 1000, periodSeconds: Math.round(periodHours * 3600), meteredWh },
      ...{ buyPrice: micro(tariff.buyPerMwh), sellPrice: micro(tariff.sellPerMwh) },
    },
  ];
}
