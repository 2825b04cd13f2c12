/** A devnet that was stopped goes on: which sessions it has had, as its chain tells, and which come next. */
import type { JsonRpcProvider } from "ethers";
import { readSettled } from "../chain/settledBatches.ts";
import { MarketWatch } from "../chain/watch.ts";
import { termsHash, type Terms } from "../codec/terms.ts";
import { InputError } from "../io/inputError.ts";
import { withCapabilities, type Capability } from "../market/scenario/capability.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { daysOf } from "./days.ts";
import { devnetTerms, type SessionEnd } from "./devnet.ts";
import type { Standing } from "./devnetFolder.ts";
import { cancelPlanned, readSchedule } from "./parties.ts";

const DAY_MS = 86_400_000;
/** A day comes after all that it needs is on chain, and a day before it starts it is frozen. */
const MARGIN_S = 86_400 + 3_600;

/** A session that has come to an end, or was let pass. */
export type Had = {
  readonly day: Scenario;
  readonly terms: Terms;
  readonly end: Pick<SessionEnd, "outcome" | "ordinal">;
};

export type GoingOn = {
  readonly earlier: readonly Had[];
  /** Sessions to come; the first is open already where `open`. */
  readonly days: readonly Scenario[];
  readonly open: boolean;
};

type Asked = {
  readonly data: string;
  readonly standing: Standing;
  readonly provider: JsonRpcProvider;
  /** How many are to come. */
  readonly sessions: number;
  readonly shorten: (day: Scenario, periods?: number) => Scenario;
};

/**
 * Takes what was planned and has not begun off the schedule: the days to come are counted from the chain's clock on.
 * Throws InputError where the sessions before are not this scenario's.
 */
export async function goOn(scenario: Scenario, asked: Asked): Promise<GoingOn> {
  const { data, standing, provider, sessions, shorten } = asked;
  const { deployment } = standing;
  if (scenario.name !== standing.scenario)
    throw new InputError(`--data ${data}: holds a devnet of ${standing.scenario}, not of ${scenario.name}`);
  const { head, session } = await new MarketWatch(deployment, provider).look();
  const settled = new Map(
    (await readSettled(deployment, provider, deployment.block)).map((one) => [
      Number(one.settled.terms.start),
      one.ordinal,
    ]),
  );
  const newest = Number(session?.terms.start ?? 0);
  const earlier: Had[] = [];
  const planned: string[] = [];
  let open: Scenario | undefined;
  for (const { file, terms } of readSchedule(data)) {
    const start = Date.parse(terms.scenario.startUtc) / 1000;
    const ordinal = settled.get(start);
    const begun = start === newest && session?.outcome.kind === "open";
    if (ordinal === undefined && !begun && start > Math.max(newest, head.timestamp)) {
      planned.push(file);
      continue;
    }
    const day = sameDay(scenario, terms, asked);
    if (begun) open = day;
    else
      earlier.push({ day, terms, end: { outcome: ordinal === undefined ? "void" : "settled", ordinal: ordinal ?? 0 } });
  }
  cancelPlanned(planned);
  const had = [...earlier.map(({ day }) => day), ...(open === undefined ? [] : [open])];
  const after = Math.max(newest, head.timestamp + MARGIN_S) * 1000;
  const first = Date.parse(scenario.startUtc);
  const from = first + DAY_MS * Math.max(0, Math.floor((after - first) / DAY_MS) + 1);
  const count = sessions - Number(open !== undefined);
  const fresh = count === 0 ? [] : daysOf(scenario, count, (day) => shorten(day), iso(from));
  const days = [...(open === undefined ? [] : [open]), ...asRegistered(had, fresh)];
  return { earlier, days, open: open !== undefined };
}

const iso = (ms: number): string => new Date(ms).toISOString().replace(".000Z", "Z");

/** What members are registered for holds on, and grows where a day to come needs more. */
function asRegistered(had: readonly Scenario[], fresh: readonly Scenario[]): Scenario[] {
  const last = had.at(-1);
  return withCapabilities([...(last === undefined ? [] : [last]), ...fresh]).slice(last === undefined ? 0 : 1);
}

/** The day that a session was about, as it was frozen. */
function sameDay(scenario: Scenario, terms: Terms, { data, shorten }: Asked): Scenario {
  const { startUtc, hours, periodHours } = terms.scenario;
  if (periodHours === scenario.periodHours && hours > scenario.hours)
    throw new InputError(
      `--data ${data}: its session of ${startUtc} had ${hours} periods, ${scenario.hours} are asked for: --hours ${hours * periodHours} goes on`,
    );
  const registered = new Map<number, Capability>(
    terms.scenario.prosumers.map(({ id, absorbVar, feedVar }) => [id, { absorbVar, feedVar }]),
  );
  const [made] = daysOf(scenario, 1, (day) => shorten(day, hours), startUtc);
  const day = { ...made, prosumers: made.prosumers.map((one) => ({ ...one, ...registered.get(one.id) })) };
  if (termsHash(devnetTerms(day)) === termsHash(terms)) return day;
  throw new InputError(
    `--data ${data}: its session of ${startUtc} had other terms than ${scenario.name} has now: it goes on only with the ` +
      "scenario and the program that it began with; --reset begins anew",
  );
}
