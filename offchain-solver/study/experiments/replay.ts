import * as z from "zod";
import type { Market } from "../../market/scenario/market.ts";
import type { Scenario } from "../../market/scenario/scenario.ts";
import { barFigure, type Bar } from "../../report/figures.ts";
import { withSustain } from "../../scenarios/withSustain.ts";
import { blockBootstrap } from "../../simulation/outOfSample/blockBootstrap.ts";
import { attackLasting, lastingLimits } from "../../simulation/outOfSample/lastingAdversary.ts";
import { byAgents, centrally, type Plan } from "../../simulation/outOfSample/plan.ts";
import { answeringOf, REPLAYED, replay, type Replayed, type Tally } from "../../simulation/outOfSample/replay.ts";
import {
  countingIterations,
  DRAWS,
  lastingFor,
  scenarioOf,
  SEED,
  type Cell,
  type Experiment,
  type Horizon,
  type PlanMethod,
} from "./common.ts";
import { keepLine, keptLines } from "./kept.ts";

/** How long answers have to go on, h; 0: booked by the hour. */
const SUSTAINED = [0, 1, 3, 6, 24] as const;

const share = ({ looked, broken }: Tally): number => (looked === 0 ? 0 : (100 * broken) / looked);

const count = z.int().nonnegative();
const TallySchema = z.strictObject({
  looked: count,
  broken: count,
  worst: z.tuple([count, count, count, z.number()]).readonly().optional(),
});
/** One clearing, replayed as if cleared again after so many hours. */
const PieceSchema = z.strictObject({
  scenario: z.string(),
  hours: count,
  method: z.string(),
  sustain: z.number(),
  reclear: z.number(),
  /** Absent: no solution. */
  found: z
    .strictObject({
      objective: z.number(),
      heldOut: z.record(z.enum(REPLAYED), TallySchema),
      /** Of days of four blocks of six hours, each from a held-out day of its own. */
      anew: z.record(z.enum(REPLAYED), TallySchema),
      attacked: z.array(z.string()),
    })
    .optional(),
});
type Piece = z.infer<typeof PieceSchema>;

export type ReplayOptions = Horizon & {
  readonly scenario?: string;
  readonly sustain?: number;
  /** Cleared by the agents in place of the central method: the only way where answers last long on a large feeder. */
  readonly agents?: boolean;
  /** What was already cleared, to go on from and to add to. */
  readonly keep?: string;
};

/** Held-out days played through with reserve that has to last so long, cleared again so often. */
export function replayExperiment({
  hours,
  scenario: name = "ieee15",
  sustain: only,
  agents = false,
  keep,
}: ReplayOptions = {}): Experiment {
  const scenario = scenarioOf(name, hours);
  const method = agents ? "anderson" : "central";
  const own = keptLines(keep, PieceSchema).filter(
    (one) => one.scenario === scenario.name && one.hours === scenario.hours && one.method === method,
  );
  const pieces = [...new Map(own.map((one) => [`${one.sustain} ${one.reclear}`, one])).values()];
  for (const sustain of only === undefined ? SUSTAINED : new Set([0, only])) {
    const known = pieces.filter((one) => one.sustain === sustain).map(({ reclear }) => reclear);
    const reclears = reclearsOf(sustain).filter((reclear) => !known.includes(reclear));
    if (reclears.length === 0) continue;
    for (const fresh of piecesOf(scenario, sustain, { method, reclears })) {
      pieces.push(fresh);
      keepLine(keep, fresh);
    }
  }
  pieces.sort((a, b) => a.sustain - b.sustain || a.reclear - b.reclear);
  const base = pieces.find(({ sustain }) => sustain === 0)?.found?.objective ?? NaN;
  const days = scenario.uncertainty.testErrors[0].length;
  return {
    title: "Can what was promised be delivered",
    header:
      "method,sustainHours,reclearHours,status,costUsd,costPercent,limit,looked,broken,brokenPercent,worst,anewLooked,anewBroken,anewPercent".split(
        ",",
      ),
    rows: pieces.flatMap((one) => rowsOf(one, base)),
    figures: {
      "": barFigure(
        {
          title: `Battery-hours beyond the limits of stored energy, ${days} held-out days`,
          x: "answers last / cleared again after",
          y: "% of battery-hours",
        },
        pieces.flatMap(({ sustain, reclear, found }): Bar[] =>
          found === undefined
            ? []
            : [
                {
                  group: `${sustain === 0 ? "hour" : `${sustain} h`} / ${reclear} h`,
                  part: "stored energy",
                  value: share(found.heldOut["stored energy"]),
                },
              ],
        ),
      ),
    },
    text: [
      `${name}, ${agents ? `agents (${method})` : "central method"}, ts-drcc, eps .05 for every limit and hour. The ${days} held-out days are played through at the cleared point with the errors that they had and every battery's true losses; a device-hour counts where an answer moved the device. **Cleared again after H hours** takes the next clearing to bring batteries back to plan by its own trades: what they are off by counts from there. That is kinder than clearing for real, which may find the plan out of reach; nothing here was cleared again. Held-out errors are 1.4 to 1.6 times as large as fitted ones (see [risk](risk.md)), so shares above eps are to be expected where a limit binds; ${days} days are few, so behind each share stands that of ${ANEW} days put together anew, every six hours of a day from a held-out day drawn for them. Booked by the hour, owners of a generator and a battery are left out: nobody says which of the two answers.`,
      "A device-hour counts however little was answered, and the central method leaves answers of some 1e-9 MW where agents leave none, so there shares look smaller than they are. On the 15-bus day, of answers above 1e-7 MW by the hour, generator power is beyond in 3 of 784, .38 % (.22 % as counted), ramps in 17 of 868, 1.96 % (1.32 %), and with answers for 3 h generator power in .55 % (.41 %).",
      ...pieces.map((one) => said(one, base)),
      ...pieces.flatMap(({ found }) => found?.attacked ?? []),
    ],
  };
}

/** How many days are put together anew from those held out. */
const ANEW = 10_000;

/** After how many hours a day whose answers last so long is taken to be cleared again. */
const reclearsOf = (sustain: number): readonly number[] => (sustain === 0 ? [1, 24] : [sustain]);

type Asked = { readonly method: PlanMethod; readonly reclears: readonly number[] };

/** Clears a day whose answers last so long, and plays it through as if cleared again so often. */
function piecesOf(scenario: Scenario, sustain: number, { method, reclears }: Asked): Piece[] {
  const { name, hours } = scenario;
  const planner = method === "central" ? centrally : byAgents(countingIterations);
  const cleared = planner(withSustain(scenario, sustain));
  if (cleared === undefined) return reclears.map((reclear) => ({ scenario: name, hours, method, sustain, reclear }));
  const { market, result } = cleared;
  const drawn = { ...market, scenario: blockBootstrap(market.scenario, ANEW, SEED) };
  const parties = answeringOf(market, result);
  const attacks = attacked(market, result, lastingFor(sustain));
  return reclears.map((reclear, k) => {
    const periods = Math.min(market.hours, Math.round(reclear / market.dt));
    const [heldOut, anew] = [replay(market, parties, periods), replay(drawn, parties, periods)];
    const found = { objective: result.objective, heldOut, anew, attacked: k === 0 ? attacks : [] };
    return { scenario: name, hours, method, sustain, reclear, found };
  });
}

/** Limits that bind and move most, of a kind, that the worst law is let loose on. */
const ATTACKED = 3;

/** What the worst law of all with the moments used does to limits that bind; nothing by the hour. */
function attacked(market: Market, result: Plan, lasting: string): string[] {
  const limits = lastingLimits(market, result);
  const { epsilon } = market.settings;
  const percent = (share: number): string => (100 * share).toFixed(2);
  return (["stored energy", "ramp"] as const).flatMap((kind) => {
    const own = limits.filter((limit) => limit.kind === kind);
    const binding = own.filter(({ worst }) => worst > BINDS * epsilon).sort((a, b) => b.deviation - a.deviation);
    if (own.length === 0) return [];
    const counts = `${binding.length} of ${own.length} limits bind, none is broken more often than ${percent(Math.max(...own.map(({ worst }) => worst)))} % by any law`;
    const each = binding.slice(0, ATTACKED).map((limit, k) => {
      const { held, played } = attackLasting(market, result, limit, { draws: DRAWS, seed: SEED + k });
      const truly = kind === "ramp" ? "" : `, and the battery as it runs in ${percent(played.probability)} %`;
      return `prosumer ${market.prosumers[limit.prosumer].id}, period ${limit.to}: the worst law breaks it in ${percent(held.probability)} % (${percent(held.low)}-${percent(held.high)})${truly}`;
    });
    return [
      `Answers ${lasting}, ${kind}: ${counts}.${each.length > 0 ? ` ${DRAWS} draws each: ${each.join("; ")}.` : ""}`,
    ];
  });
}

/** A limit binds where its worst case is so much of what is accepted. */
const BINDS = 0.99;

function rowsOf({ method, sustain, reclear, found }: Piece, base: number): Cell[][] {
  if (found === undefined) return [[method, sustain, reclear, "no solution"]];
  const more = 100 * (found.objective / base - 1);
  return REPLAYED.map((limit) => {
    const [tally, anew] = [found.heldOut[limit], found.anew[limit]];
    const worst = tally.worst === undefined ? "" : worstText(tally.worst, limit);
    const seen = [limit, tally.looked, tally.broken, share(tally), worst, anew.looked, anew.broken, share(anew)];
    return [method, sustain, reclear, "solved", found.objective, more, ...seen];
  });
}

function worstText([prosumer, period, day, beyond]: NonNullable<Tally["worst"]>, limit: Replayed): string {
  const unit = limit === "stored energy" ? "MWh" : "MW";
  return `prosumer ${prosumer} in period ${period} of day ${day}: ${beyond.toFixed(4)} ${unit} beyond`;
}

function said({ sustain, reclear, method, found }: Piece, base: number): string {
  const head = `**Answers ${lastingFor(sustain)}, cleared again after ${reclear} h:**`;
  if (found === undefined) return `${head} no solution.`;
  const more = 100 * (found.objective / base - 1);
  const parts = REPLAYED.map((limit) => {
    const tally = found.heldOut[limit];
    const worst = tally.worst === undefined ? "" : `; worst: ${worstText(tally.worst, limit)}`;
    return `${limit} ${tally.broken} of ${tally.looked}, ${share(tally).toFixed(2)} % (anew ${share(found.anew[limit]).toFixed(2)} %${worst})`;
  });
  const by = method === "central" ? "" : ", by agents";
  return `${head} $${found.objective.toFixed(2)} (${more >= 0 ? "+" : ""}${more.toFixed(1)} %${by}); beyond a limit ${parts.join("; ")}.`;
}
