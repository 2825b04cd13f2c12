import { solveCentral } from "../../clearing/central.ts";
import { createNetwork } from "../../market/formulation/network.ts";
import { createMarket, defaultSettings, type Market } from "../../market/scenario/market.ts";
import { clarabelSolver } from "../../numerics/clarabelNode.ts";
import { barFigure, type Bar } from "../../report/figures.ts";
import { withSustain } from "../../scenarios/withSustain.ts";
import { attackLasting, lastingLimits } from "../../simulation/outOfSample/lastingAdversary.ts";
import {
  answeringOf,
  REPLAYED,
  replay,
  type Central,
  type Replayed,
  type Tally,
} from "../../simulation/outOfSample/replay.ts";
import { DRAWS, scenarioOf, SEED, type Cell, type Experiment, type Horizon } from "./common.ts";

/** How long answers have to go on, h; 0: booked by the hour. */
const SUSTAINED = [0, 1, 3, 6, 24] as const;

const share = ({ looked, broken }: Tally): number => (looked === 0 ? 0 : (100 * broken) / looked);

export type ReplayOptions = Horizon & { readonly scenario?: string; readonly sustain?: number };

/** Held-out days played through with reserve that has to last so long, cleared again so often. */
export function replayExperiment({ hours, scenario: name = "ieee15", sustain: only }: ReplayOptions = {}): Experiment {
  const rows: Cell[][] = [];
  const bars: Bar[] = [];
  const text: string[] = [];
  const scenario = scenarioOf(name, hours);
  const days = scenario.uncertainty.testErrors[0].length;
  let base = NaN;
  for (const sustain of only === undefined ? SUSTAINED : [0, only]) {
    const day = withSustain(scenario, sustain);
    const market = createMarket(day, defaultSettings(day));
    const result = solveCentral(market, createNetwork(market), clarabelSolver);
    if (result.status !== "solved") {
      rows.push([sustain, "", result.status]);
      continue;
    }
    if (sustain === 0) base = result.objective;
    const parties = answeringOf(market, result);
    const lasting = sustain === 0 ? "by the hour" : `for ${sustain} h`;
    for (const reclear of sustain === 0 ? [1, 24] : [sustain]) {
      const tallies = replay(market, parties, Math.min(market.hours, Math.round(reclear / market.dt)));
      for (const limit of REPLAYED) rows.push(rowOf(sustain, reclear, { result, base }, limit, tallies[limit]));
      bars.push({
        group: `${sustain === 0 ? "hour" : `${sustain} h`} / ${reclear} h`,
        part: "stored energy",
        value: share(tallies["stored energy"]),
      });
      text.push(said(lasting, reclear, { result, base }, tallies));
    }
    text.push(...attacked(market, result, lasting));
  }
  return {
    title: "Can what was promised be delivered",
    header: "sustainHours,reclearHours,status,costUsd,costPercent,limit,looked,broken,brokenPercent,worst".split(","),
    rows,
    figures: {
      "": barFigure(
        {
          title: `Battery-hours beyond the limits of stored energy, ${days} held-out days`,
          x: "answers last / cleared again after",
          y: "% of battery-hours",
        },
        bars,
      ),
    },
    text: [
      `${name}, central method, ts-drcc, eps .05 for every limit and hour. The ${days} held-out days are played through at the cleared point with the errors that they had and every battery's true losses; a device-hour counts where an answer moved the device. **Cleared again after H hours** takes the next clearing to bring batteries back to plan by its own trades: what they are off by counts from there. That is kinder than clearing for real, which may find the plan out of reach; nothing here was cleared again. Held-out errors are 1.4 to 1.6 times as large as fitted ones (see [risk](risk.md)), so shares above eps are to be expected where a limit binds; ${days} days are few. Booked by the hour, owners of a generator and a battery are left out: nobody says which of the two answers.`,
      ...text,
    ],
  };
}

/** Limits that bind and move most, of a kind, that the worst law is let loose on. */
const ATTACKED = 3;

/** What the worst law of all with the moments used does to limits that bind; nothing by the hour. */
function attacked(market: Market, result: Central, lasting: string): string[] {
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

type Cost = { readonly result: Central; readonly base: number };

function rowOf(sustain: number, reclear: number, { result, base }: Cost, limit: Replayed, tally: Tally): Cell[] {
  const worst = tally.worst === undefined ? "" : worstText(tally.worst, limit);
  const more = 100 * (result.objective / base - 1);
  return [sustain, reclear, "solved", result.objective, more, limit, tally.looked, tally.broken, share(tally), worst];
}

function worstText([prosumer, period, day, beyond]: NonNullable<Tally["worst"]>, limit: Replayed): string {
  const unit = limit === "stored energy" ? "MWh" : "MW";
  return `prosumer ${prosumer} in period ${period} of day ${day}: ${beyond.toFixed(4)} ${unit} beyond`;
}

function said(name: string, reclear: number, { result, base }: Cost, tallies: Record<Replayed, Tally>): string {
  const more = 100 * (result.objective / base - 1);
  const parts = REPLAYED.map((limit) => {
    const tally = tallies[limit];
    const worst = tally.worst === undefined ? "" : ` (worst: ${worstText(tally.worst, limit)})`;
    return `${limit} ${tally.broken} of ${tally.looked}, ${share(tally).toFixed(2)} %${worst}`;
  });
  return `**Answers ${name}, cleared again after ${reclear} h:** $${result.objective.toFixed(2)} (${more >= 0 ? "+" : ""}${more.toFixed(1)} %); beyond a limit ${parts.join("; ")}.`;
}
