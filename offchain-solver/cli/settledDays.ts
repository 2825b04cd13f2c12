import { devnetKey } from "../devnet/devnetKeys.ts";
import { embeddedDevnet, type OwnChain } from "../devnet/embedded.ts";
import { SessionRefused } from "../devnet/refused.ts";
import type { SessionOutcome } from "../devnet/outcome.ts";
import { SessionSeries } from "../devnet/series.ts";
import { DayBroken, settleDay } from "../devnet/settleDay.ts";
import { hasCome } from "../devnet/steps/meters.ts";
import { note } from "../io/output.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { standingDay } from "../metering/devices.ts";
import type { ClearingJson } from "../records/clearingJson.ts";
import type { CommunityJson } from "../records/communityJson.ts";
import { joinClearings } from "../records/joinClearings.ts";
import type { BilledSession, FallbackDay } from "../report/billLines.ts";
import { takePeriods } from "../scenarios/periods.ts";
import { billedBy, makeBills } from "./bills.ts";
import { writeFallback } from "./fallbackFolder.ts";
import { clearOptions, type ReadScenario } from "./clearOptions.ts";
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

/** A chain whose clock begins the day before a session's start. */
export type OpenChain = (startUtc: string) => Promise<OwnChain & { readonly close: () => Promise<void> }>;

/** A day whose sessions are delivered one by one. */
type Day = {
  readonly read: ReadScenario;
  readonly jsonOf: (cleared: Parameters<typeof toJson>[0]) => ClearingJson;
  /** How many there are, once all have settled. */
  sessions: number | undefined;
  readonly outcomes: SessionOutcome[];
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

  async settle(read: ReadScenario): Promise<ClearingJson> {
    const { scenario, community } = read;
    checkSettleable(this.#name, scenario, community);
    this.#last = read;
    if (this.#devnet === undefined)
      this.#progress("open a chain; the first time ever its contracts are compiled, which takes minutes");
    this.#devnet ??= await this.#open(scenario.startUtc);
    this.#series ??= new SessionSeries(this.#devnet, this.#progress);
    const series = this.#series;
    const { options, done } = clearOptions(scenario, this.#args);
    const session = { ...options, ...ofSession(this.#args) };
    const jsonOf = (cleared: Parameters<typeof toJson>[0]): ClearingJson => toJson(cleared, options);
    const day: Day = { read, jsonOf, sessions: undefined, outcomes: [] };
    try {
      const told = (outcome: SessionOutcome): Promise<void> => Promise.resolve(this.#delivered(day, outcome));
      const parts = await settleDay(scenario, (part) => series.settle(part, session, told), this.#progress);
      done();
      day.sessions = parts.length;
      return joinClearings(parts.map((part) => jsonOf(part.session.clearing)));
    } catch (error) {
      if (error instanceof DayBroken) day.sessions = error.settled;
      if (error instanceof SessionRefused)
        await this.#billAtTariff(series, error instanceof DayBroken ? error.rest : scenario, community);
      throw refusedAs(error, scenario);
    }
  }

  /** What nobody settled: with the terms that were frozen an auditor can make its bills again. */
  async #billAtTariff(series: SessionSeries, scenario: Scenario, community?: CommunityJson): Promise<void> {
    const [metered] = fallbackOf(scenario);
    if (metered === undefined) return;
    this.#fallback.push(metered);
    const terms = series.voided.get(scenario.startUtc);
    const { deployment } = series;
    // Of a day in several sessions the one that was frozen is shorter than what is left of the day.
    if (terms === undefined || deployment === undefined || terms.scenario.hours !== scenario.hours) return;
    const meterKey = (id: number) => devnetKey("meter", id);
    await writeFallback(this.#args.out, deployment, { scenario, terms, metered, meterKey }, community);
  }

  /** Of a day in several sessions the files are written once all of them are delivered. */
  #delivered(day: Day, outcome: SessionOutcome): void {
    const { read, jsonOf, sessions, outcomes } = day;
    const { scenario, community } = read;
    this.#sessions.push(billedBy(outcome));
    outcomes.push(outcome);
    if (outcomes.length < (sessions ?? 1)) return;
    const parts = outcomes.map((one) => ({ outcome: one, clearing: jsonOf(one) }));
    if (parts.length === 1) {
      const folder = writeSession(this.#args, outcome, parts[0].clearing, community);
      this.#wrong.set(scenario.startUtc, report(outcome, parts[0].clearing, folder, community));
      return;
    }
    // Where the last sessions came to nothing, the day is what settled of it.
    const settled = parts.reduce((sum, one) => sum + one.outcome.scenario.hours, 0);
    const whole = takePeriods(scenario, settled);
    const folder = writeDay(this.#args.out, whole, parts, community);
    this.#wrong.set(scenario.startUtc, reportDay({ scenario: whole, parts }, folder, community));
  }

  async finish(): Promise<EndedDays> {
    await this.#series?.finish();
    const { scenario, community } = this.#last!;
    const prosumers = scenario.prosumers.map(({ id }) => id);
    const parts = { sessions: this.#sessions, fallback: this.#fallback, prosumers, community };
    return { wrong: this.#wrong, bills: makeBills({ ...parts, vatPercent: this.#args.vat }) };
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
