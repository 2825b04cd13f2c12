import { embeddedDevnet, type OwnChain } from "../devnet/embedded.ts";
import { SessionRefused } from "../devnet/refused.ts";
import { SessionSeries } from "../devnet/series.ts";
import { hasCome } from "../devnet/steps/meters.ts";
import { note } from "../io/output.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { standingDay } from "../metering/devices.ts";
import type { ClearingJson } from "../records/clearingJson.ts";
import type { BilledSession, FallbackDay } from "../report/billLines.ts";
import { billedBy, makeBills } from "./bills.ts";
import { clearOptions, type ReadScenario } from "./clearOptions.ts";
import { checkSettleable, refusedAs, report, toJson, type RunArguments } from "./sessionSummary.ts";
import type { EndedDays } from "./runDays.ts";
import { writeSession } from "./sessionFiles.ts";

/** A chain whose clock begins the day before a session's start. */
export type OpenChain = (startUtc: string) => Promise<OwnChain & { readonly close: () => Promise<void> }>;

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

  constructor(name: string, args: RunArguments, open: OpenChain = embeddedDevnet) {
    this.#name = name;
    this.#args = args;
    this.#open = open;
  }

  async settle(read: ReadScenario): Promise<ClearingJson> {
    const { scenario, community } = read;
    checkSettleable(this.#name, scenario, community);
    this.#last = read;
    this.#devnet ??= await this.#open(scenario.startUtc);
    this.#series ??= new SessionSeries(this.#devnet, (step) => note(`• ${step}`));
    const { options, done } = clearOptions(scenario, this.#args);
    const session = { ...options, tighten: this.#args.tighten === "auto" };
    try {
      const { clearing } = await this.#series.settle(scenario, session, async (outcome) => {
        const folder = writeSession(this.#args, outcome, toJson(outcome, options), community);
        this.#wrong.set(scenario.startUtc, report(outcome, toJson(outcome, options), folder, community));
        this.#sessions.push(billedBy(outcome));
      });
      done();
      return toJson(clearing, options);
    } catch (error) {
      if (error instanceof SessionRefused) this.#fallback.push(...fallbackOf(scenario));
      throw refusedAs(error, scenario);
    }
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
