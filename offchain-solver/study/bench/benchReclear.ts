import type { ConsensusResult } from "../../clearing/consensus.ts";
import { startedFrom, type Settings } from "../../clearing/settings.ts";
import { createMarket, type Market } from "../../market/scenario/market.ts";
import { createNetwork } from "../../market/formulation/network.ts";
import type { Status } from "../../market/result/solution.ts";
import { changeForecasts } from "../../scenarios/loadScenario.ts";
import { seeded } from "../../scenarios/prng.ts";
import { runAgents } from "../../simulation/workers/runAgents.ts";

/** Evaluations from nothing and from where a session with other forecasts ended, both to the certified end. */
export type Reclearing = {
  readonly instance: string;
  readonly method: string;
  readonly change: string;
  /** Solved where all three sessions were: as forecast, and with the change both ways. */
  readonly status: Status;
  readonly cold: number;
  readonly warm: number;
  readonly ratio: number;
};

/** How far forecasts move. */
const SHARE = 0.05;

/** Every forecast of wind and sun 5 % down or up, and each plant's and hour's on its own by up to as much. */
const CHANGES: readonly { readonly name: string; readonly factor: () => () => number }[] = [
  { name: "all - 5 %", factor: () => () => 1 - SHARE },
  { name: "all + 5 %", factor: () => () => 1 + SHARE },
  ...[1, 2, 3, 4].map((seed) => ({
    name: `each within 5 %, seed ${seed}`,
    factor: () => {
      const random = seeded(seed);
      return () => 1 + SHARE * (2 * random() - 1);
    },
  })),
];

/** A session with changed forecasts: from nothing, and from where the one as forecast ended. */
export type ColdAndWarm = {
  readonly change: string;
  readonly status: Status;
  readonly cold: ConsensusResult;
  readonly warm: ConsensusResult;
};

/** Clears a market and then each changed one, cold and warm. No forecast rises above its plant's rating. */
export function* coldAndWarm(
  market: Market,
  settings: Settings,
  show: (text: string) => void,
): Generator<ColdAndWarm, void> {
  const run = (changed: Market, what: string, before?: ConsensusResult): ConsensusResult => {
    return runAgents(
      changed,
      createNetwork(changed),
      before ? startedFrom(settings, before.operator.acceleration.firstNorm) : settings,
      {
        observe: (k) => show(`${what}: iteration ${k}`),
        ...(before && { warm: before.prosumers.map(({ images }) => ({ image: images[0] })) }),
      },
    );
  };
  const base = run(market, "as forecast");
  for (const { name, factor } of CHANGES) {
    const of = factor();
    const scenario = changeForecasts(market.scenario, (mw, ratingMw) => Math.min(ratingMw, mw * of()));
    const changed = createMarket(scenario, market.settings);
    const cold = run(changed, `${name}, cold`);
    const warm = run(changed, `${name}, warm`, base);
    const status = [base, cold, warm].find((result) => result.status !== "solved")?.status ?? "solved";
    yield { change: name, status, cold, warm };
  }
}

/** What a benchmark says of them: the counts. */
export function reclear(
  instance: string,
  method: string,
  market: Market,
  settings: Settings,
  show: (text: string) => void,
): Reclearing[] {
  const all = coldAndWarm(market, settings, (text) => show(`${instance}, ${method}, ${text}`));
  return Array.from(all, ({ change, status, cold, warm }) => {
    const ratio = Number((warm.evaluations / cold.evaluations).toFixed(3));
    return { instance, method, change, status, cold: cold.evaluations, warm: warm.evaluations, ratio };
  });
}

export const reclearLine = ({ instance, method, change, status, cold, warm, ratio }: Reclearing): string =>
  `${instance}, ${method}, forecasts ${change}: ${cold} evaluations cold, ${warm} warm (${ratio.toFixed(2)})${status === "solved" ? "" : `, ${status}`}`;
