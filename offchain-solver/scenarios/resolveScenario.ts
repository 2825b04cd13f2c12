import type { Feeder } from "../grid/feeder.ts";
import { topologyOf } from "../grid/topology.ts";
import { errorParts } from "../market/scenario/errorParts.ts";
import type { Prosumer, Scenario } from "../market/scenario/scenario.ts";
import { withSizes } from "../market/scenario/size.ts";
import { InputError } from "../io/inputError.ts";
import type { Definition } from "./definition.ts";
import { loadSourcesOf, sourceForecasts, sourcesOf, type Source, type SourceForecasts } from "./forecastErrors.ts";
import { bootstrapRadii, hourMoments } from "./moments.ts";
import { seeded } from "./prng.ts";
import { at, HOUR_MS, type SeriesSet } from "./series.ts";

type Item = Definition["prosumers"][number];

/** What is read of the real series: whose errors count, and when. */
type Real = { readonly series: SeriesSet; readonly sources: readonly Source[]; readonly hourMs: readonly number[] };

/** Twelve significant digits: what is stored does not hang on the last bits of an engine. */
const round = (value: number): number => Number(value.toPrecision(12));

function buyPrice({ tariff, utcOffsetHours }: Definition, ms: number): number {
  const local = (((new Date(ms).getUTCHours() + utcOffsetHours) % 24) + 24) % 24;
  const inside = ({ from, to }: { from: number; to: number }): boolean =>
    from <= to ? from <= local && local < to : local >= from || local < to;
  return tariff.bands.find(inside)?.buyPerMwh ?? tariff.buyPerMwh;
}

function loadOf(
  definition: Definition,
  item: Item,
  bus: Feeder["buses"][number],
  { series, sources, hourMs }: Real,
): Prosumer["load"] {
  const baseMw = bus.loadMw * item.loadShare * definition.loadScale;
  const { flexibleShare, discomfortFactor, discomfortFloorMw } = definition.load;
  const regions = [...series.load.values.keys()];
  const region = regions[item.bus % regions.length];
  const errorSource = sources.findIndex(({ name, kind }) => kind === "load" && name === region);
  return {
    fixedMw: hourMs.map((ms) => round(baseMw * at(series.load, region, ms))),
    mvarPerMw: bus.loadMw === 0 ? 0 : round(bus.loadMvar / bus.loadMw),
    flexibleShare,
    discomfort: round(discomfortFactor / Math.max(baseMw, discomfortFloorMw)),
    ...(errorSource >= 0 && baseMw > 0 && { errorMw: round(baseMw), errorSource }),
  };
}

function renewableOf(
  definition: Definition,
  { kind, ratingMw, plant }: NonNullable<Item["renewable"]>,
  sources: readonly Source[],
  forecasts: SourceForecasts,
): NonNullable<Prosumer["renewable"]> {
  const source = sources.findIndex(({ name }) => name === plant);
  if (source < 0 || sources[source].kind !== kind)
    throw new InputError(`definition ${definition.name}: plant = ${plant} is no ${kind} source`);
  return {
    kind,
    ratingMw,
    source,
    forecastMw: forecasts.forecast.map((row) => round(row[source] * ratingMw)),
    actualMw: forecasts.actual.map((row) => round(row[source] * ratingMw)),
    reactiveMvar: round(definition.renewable.reactiveShare * ratingMw),
  };
}

function devicesOf(definition: Definition, item: Item): Pick<Prosumer, "generator" | "battery"> {
  const { generator, battery } = item;
  const capacityMwh = (battery?.powerMw ?? 0) * definition.battery.durationHours;
  return {
    ...(generator && {
      generator: {
        minMw: 0,
        maxMw: generator.maxMw,
        rampMwPerHour: round(generator.maxMw * definition.generator.rampShare),
        costA: generator.costA,
        costB: generator.costB,
        emissionTPerMwh: generator.emissionTPerMwh,
        reactiveMvar: round(generator.maxMw * definition.generator.reactiveShare),
      },
    }),
    ...(battery && {
      battery: {
        powerMw: battery.powerMw,
        minMwh: round(capacityMwh * definition.battery.minShare),
        maxMwh: round(capacityMwh),
        initialMwh: round(capacityMwh * definition.battery.initialShare),
        efficiency: definition.battery.efficiency,
        wearPerMwh: definition.battery.wearPerMwh,
      },
    }),
  };
}

function allPairs(count: number): [number, number][] {
  const pairs: [number, number][] = [];
  for (let i = 1; i <= count; i++) for (let j = i + 1; j <= count; j++) pairs.push([i, j]);
  return pairs;
}

/**
 * Spells a definition out on its feeder with the real series; ids 1, 2, ... follow the feeder's depth-first bus order.
 */
export function resolveScenario(definition: Definition, feeder: Feeder, series: SeriesSet): Scenario {
  const { position, indexOfBus } = topologyOf(feeder);
  const place = ({ bus }: Item): number => {
    const index = indexOfBus.get(bus);
    if (index === undefined)
      throw new InputError(`definition ${definition.name}: bus = ${bus} is not on ${feeder.name}`);
    return position[index];
  };
  const items = [...definition.prosumers].sort((a, b) => place(a) - place(b));
  const startMs = Date.parse(definition.startUtc);
  const hourMs = Array.from({ length: definition.hours }, (_, hour) => startMs + hour * HOUR_MS);
  const sources: Source[] = [...sourcesOf(series), ...(definition.load.errors ? loadSourcesOf(series) : [])];
  const forecasts = sourceForecasts(series, sources, startMs, definition.hours);

  const prosumers: Prosumer[] = items.map((item, i) => ({
    id: i + 1,
    bus: item.bus,
    ...devicesOf(definition, item),
    ...(item.renewable && { renewable: renewableOf(definition, item.renewable, sources, forecasts) }),
    load: loadOf(definition, item, feeder.buses[indexOfBus.get(item.bus)!], { series, sources, hourMs }),
    reserveUpPerMw: definition.reserve.upPerMw,
    reserveDownPerMw: definition.reserve.downPerMw,
  }));

  const owners = prosumers.filter((prosumer) => errorParts(prosumer).length > 0);
  const uncertain = owners.map(errorParts);
  const moments = forecasts.fitErrors.map((samples) => hourMoments(samples, uncertain));
  const { resamples, seed } = definition.bootstrap;
  const random = seeded(seed);
  const radii = forecasts.fitErrors.map((samples) =>
    resamples > 0 ? bootstrapRadii(samples, uncertain, resamples, random) : undefined,
  );

  const { buyPerMwh: _, bands: __, ...tariff } = definition.tariff;
  const { column, ...carbon } = definition.carbon;
  return withSizes({
    name: definition.name,
    source: definition.source,
    feeder,
    startUtc: definition.startUtc,
    hours: definition.hours,
    periodHours: 1,
    tariff: {
      ...tariff,
      buyPerMwh: hourMs.map((ms) => buyPrice(definition, ms)),
      sellPerMwh: hourMs.map(() => definition.tariff.sellPerMwh),
    },
    carbon: { ...carbon, gridTPerMwh: hourMs.map((ms) => round(at(series.carbon, column, ms) / 1000)) },
    regularisation: definition.regularisation,
    risk: { ...definition.risk, meanRadius: hourMs.map(() => 0), stdRadius: hourMs.map(() => 0) },
    pairs: definition.pairs === "all" ? allPairs(prosumers.length) : definition.pairs,
    prosumers,
    uncertainty: {
      sources: sources.map(({ name }) => name),
      uncertain: owners.map(({ id }) => id),
      factor: moments.map(({ factor }) => factor.map((row) => row.map(round))),
      robustRadius: moments.map(({ robustRadius }) => round(robustRadius)),
      ...(resamples > 0 && {
        bootstrapMeanRadius: radii.map((radius) => round(radius!.mean)),
        bootstrapStdRadius: radii.map((radius) => round(radius!.std)),
      }),
      fitErrors: forecasts.fitErrors,
      testErrors: forecasts.testErrors,
    },
  });
}
