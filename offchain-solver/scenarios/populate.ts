import { fileURLToPath } from "node:url";
import type { Feeder } from "../grid/feeder.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { InputError } from "../io/inputError.ts";
import { readJson } from "../io/readJson.ts";
import { PopulatedSchema } from "./definition.ts";
import type { Definition, Populated, Population } from "./definition.ts";
import { sourcesOf } from "./forecastErrors.ts";
import { checkScenario } from "./loadScenario.ts";
import { PERIOD_MINUTES, splitHours, takePeriods } from "./periods.ts";
import { drawPopulation } from "./population.ts";
import { seeded } from "./prng.ts";
import { resolveScenario } from "./resolveScenario.ts";
import { readSeries } from "./series.ts";
import type { SeriesSet } from "./series.ts";

/** Draws the prosumers that a definition leaves to its rules and seed. */
export function drawDefinition({ population, ...terms }: Populated, feeder: Feeder, series: SeriesSet): Definition {
  return { ...terms, ...drawPopulation(feeder, population, sourcesOf(series), seeded(population.seed)) };
}

/**
 * A scenario with `count` prosumers drawn by the rules of ieee141 on another feeder, or on the feeder of another
 * scenario, whose day, prices and risk it then keeps. The same feeder, count and seed give the same bytes. Where there
 * are fewer prosumers than load buses the other buses carry no load; where there are more they share a bus's load.
 * `more` overrides rules.
 */
export function populate(
  base: Scenario | Feeder,
  count: number,
  seed: number,
  series = readSeries(),
  more: Partial<Population> = {},
): Scenario {
  const [feeder, scenario] = "feeder" in base ? [base.feeder, base] : [base, undefined];
  if (!Number.isInteger(count) || count < 1)
    throw new InputError(`${base.name}: population = ${count}: must be a whole number above zero`);
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff)
    throw new InputError(`${base.name}: seed = ${seed}: must be a whole number from 0 to 4294967295`);
  const minutes = Math.round((scenario?.periodHours ?? 1) * 60);
  if (scenario && !PERIOD_MINUTES.some((known) => known === minutes && known / 60 === scenario.periodHours))
    throw new InputError(
      `${base.name}: periodHours = ${scenario.periodHours}: the hourly series to draw from cannot be split so`,
    );
  const rules = readJson(
    fileURLToPath(new URL("../../cases/definitions/ieee141.json", import.meta.url)),
    PopulatedSchema,
  );
  const drawn = resolveScenario(
    drawDefinition(
      {
        ...rules,
        ...(scenario && {
          startUtc: scenario.startUtc,
          hours: Math.ceil((scenario.hours * minutes) / 60),
          regularisation: scenario.regularisation,
        }),
        name: `${base.name}-n${count}-s${seed}`,
        source: `${count} prosumers drawn with seed ${seed} on ${feeder.name} (${feeder.source}); real series as in cases/README.md`,
        population: { ...rules.population, ...more, count, seed },
        bootstrap: { resamples: 0, seed: 0 },
      },
      feeder,
      series,
    ),
    feeder,
    series,
  );
  if (!scenario) return checkScenario(drawn);
  const { method, epsilon } = scenario.risk;
  const timed = takePeriods(splitHours(drawn, minutes), scenario.hours);
  return checkScenario({
    ...timed,
    tariff: scenario.tariff,
    carbon: scenario.carbon,
    risk: { ...timed.risk, method, epsilon },
  });
}
