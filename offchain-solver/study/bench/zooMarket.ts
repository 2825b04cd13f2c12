import { topologyOf } from "../../grid/topology.ts";
import { reactiveMvar } from "../../market/scenario/capability.ts";
import { defaultSettings, type MarketSettings } from "../../market/scenario/market.ts";
import type { RiskMethod, Scenario } from "../../market/scenario/scenario.ts";
import type { Definition } from "../../scenarios/definition.ts";
import { sourcesOf } from "../../scenarios/forecastErrors.ts";
import { nearestPairs } from "../../scenarios/nearestPairs.ts";
import { PERIOD_MINUTES, splitHours, takePeriods } from "../../scenarios/periods.ts";
import { seeded } from "../../scenarios/prng.ts";
import { resolveScenario } from "../../scenarios/resolveScenario.ts";
import { HOUR_MS, type SeriesSet } from "../../scenarios/series.ts";
import { drawer, type Draw } from "./zooDraw.ts";
import { drawFeeder, type Limits, type Reach } from "./zooFeeder.ts";
import { drawDesk, drawPrices, PRICES, type Prices } from "./zooPrices.ts";

type Item = Definition["prosumers"][number];

type Member = Scenario["prosumers"][number];

/** What was drawn, in words. */
export type Traits = {
  readonly prosumers: number;
  readonly periods: number;
  readonly minutes: number;
  /** Of a typical prosumer, kW. */
  readonly sizeKw: number;
  readonly kv: number;
  /** Letters of the devices that somebody has: g(enerator), b(attery), p(v), w(ind). */
  readonly devices: string;
  readonly limits: Limits;
  readonly prices: Prices;
  readonly pairs: number;
  readonly risk: RiskMethod;
  readonly carbon: boolean;
};

export type ZooMarket = {
  readonly seed: number;
  readonly traits: Traits;
  readonly scenario: Scenario;
  readonly settings: MarketSettings;
};

/** Most prosumers times periods, and pairs times periods, of one market: about what ten seconds clear. */
const MOST_PLACES = 600;
const MOST_PAIR_PERIODS = 3_000;
/** Prosumer-periods are what a market's time goes with: sizes are drawn again until they are few enough. */
const MOST_PROSUMERS = 60;
const MOST_PERIODS = 96;
const [LEAST_KW, MOST_KW] = [0.5, 20_000] as const;
/** The forecasts' errors of this many days before the first, and the longest session, must lie in the series' year. */
const [FIRST_HOUR, LAST_HOUR] = [68 * 24, 8760 - 98] as const;

/**
 * One market, the same for the same seed: a feeder, whom it serves, their devices and what everything costs are made
 * up; the courses of load, wind, sun and their errors are real. Sizes are log-uniform, of the market from .5 kW to 20
 * MW a prosumer and of its members up to ten times more or less; prosumers (1 to 60) and periods (1 to 96) are
 * log-uniform within `MOST_PLACES`.
 */
export function zooMarket(seed: number, series: SeriesSet): ZooMarket {
  const draw = drawer(seeded(seed));
  const shape = drawShape(draw);
  const { prosumers, periods, minutes, sizeKw, kv, limits, prices } = shape;
  const name = `zoo-${seed}`;
  const members = drawMembers(draw, shape, series);
  const { feeder, places } = drawFeeder(draw, name, kv, limits, members);
  const { position, indexOfBus } = topologyOf(feeder);
  const order = members
    .map((_, i) => i)
    .sort((a, b) => {
      const [first, second] = [a, b].map((i) => position[indexOfBus.get(places[i].bus) as number]);
      return first - second || a - b;
    });
  const items = order.map((i): Item => ({ ...members[i].item, ...places[i] }));
  const { level, tariff } = drawPrices(draw, prices, periods);
  const risk = { method: drawRisk(draw), epsilon: draw.oneOf([0.01, 0.02, 0.05, 0.1, 0.2].map((e) => [e, 1] as const)) };
  const hourly = resolveScenario(
    {
      ...drawTerms(draw, level, sizeKw),
      name,
      source: `a market of ${prosumers} made up with seed ${seed}; real series as in cases/README.md`,
      feeder: name,
      hours: Math.ceil((periods * minutes) / 60),
      startUtc: new Date(series.load.startMs + HOUR_MS * Math.floor(draw.between(FIRST_HOUR, LAST_HOUR)))
        .toISOString()
        .replace(".000Z", "Z"),
      carbon: { column: "direct", ...drawDesk(draw) },
      risk,
      pairs: drawPairs(draw, feeder, items, periods),
      prosumers: items,
    },
    feeder,
    series,
  );
  const cut = takePeriods(splitHours(hourly, minutes), periods);
  const scenario = { ...cut, tariff, prosumers: cut.prosumers.map(withinConnection) };
  const settings = { ...defaultSettings(scenario), carbon: draw.chance(0.75) };
  return { seed, scenario, settings, traits: traitsOf(shape, scenario, settings) };
}

/** Reactive power that a member is connected for at most, Mvar: below the 24 bits of var that a batch carries. */
const CONNECTION_MVAR = 8.388;

/** The same member with devices that give no more reactive power than its connection leaves them beside the load. */
function withinConnection(member: Member): Member {
  const { generator, renewable, load } = member;
  const drawn = Math.max(...load.fixedMw) * (1 + load.flexibleShare) * Math.abs(load.mvarPerMw);
  const given = reactiveMvar(member);
  const share = Math.max(0, CONNECTION_MVAR - drawn) / given;
  if (!(share < 1)) return member;
  const less = <D extends { readonly reactiveMvar: number }>(device: D): D => ({
    ...device,
    reactiveMvar: device.reactiveMvar * share,
  });
  return {
    ...member,
    ...(generator && { generator: less(generator) }),
    ...(renewable && { renewable: less(renewable) }),
  };
}

type Shape = Pick<Traits, "prosumers" | "periods" | "minutes" | "sizeKw" | "kv" | "limits" | "prices">;

function drawShape(draw: Draw): Shape {
  let [prosumers, periods] = [0, 0];
  do {
    prosumers = draw.wholeOverDecades(1, MOST_PROSUMERS);
    periods = draw.wholeOverDecades(1, MOST_PERIODS);
  } while (prosumers * periods > MOST_PLACES);
  const sizeKw = draw.overDecades(LEAST_KW, MOST_KW);
  return {
    prosumers,
    periods,
    minutes: draw.oneOf(PERIOD_MINUTES.map((m) => [m, m === 15 || m === 60 ? 4 : 1] as const)),
    sizeKw,
    // A street has no megawatts, and no house is on 20 kV.
    kv: draw.oneOf([
      [0.4, sizeKw < 200 ? 2 : 0],
      [10, sizeKw > 5 ? 1 : 0.1],
      [20, sizeKw > 20 ? 1 : 0.1],
    ]),
    limits: draw.oneOf([
      ["tight", 4],
      ["loose", 5],
      ["none", 1],
    ]),
    prices: draw.oneOf(PRICES.map((kind) => [kind, 1] as const)),
  };
}

type Drawn = Reach & { readonly item: Item };

/** Who takes part: loads of unlike size, some with devices, a few with devices only. */
function drawMembers(draw: Draw, { prosumers, sizeKw }: Shape, series: SeriesSet): Drawn[] {
  const spread = draw.oneOf([[1, 1] as const, [3, 2] as const, [10, 1] as const]);
  const share = (some: number): number => (draw.chance(some) ? draw.between(0.1, 1) : 0);
  const [generators, batteries, renewables] = [share(0.7), share(0.7), share(0.75)];
  const plants = sourcesOf(series);
  const wind = draw.oneOf([[0, 2] as const, [0.5, 2] as const, [1, 1] as const]);
  return Array.from({ length: prosumers }, (): Drawn => {
    const kw = Math.min(MOST_KW, Math.max(LEAST_KW, sizeKw * draw.overDecades(1 / spread, spread)));
    const size = Number((kw / 1000).toPrecision(4));
    const plant = draw.oneOf(plants.map((one) => [one, one.kind === "wind" ? wind : (1 - wind) / 3] as const));
    const sized = (least: number, most: number): number => Number((size * draw.between(least, most)).toPrecision(4));
    const costB = draw.between(5, 80);
    const maxMw = sized(0.3, 2);
    const item: Item = {
      bus: 1,
      loadShare: 1,
      ...(draw.chance(generators) && {
        generator: {
          maxMw,
          // The last megawatt costs from as much as the first to four times that.
          costA: Number(((draw.between(0, 1.5) * costB) / maxMw).toPrecision(4)),
          costB,
          emissionTPerMwh: draw.between(0, 0.9),
        },
      }),
      ...(draw.chance(renewables) && {
        renewable: { kind: plant.kind, ratingMw: sized(0.2, 1.2), plant: plant.name },
      }),
      ...(draw.chance(batteries) && { battery: { powerMw: sized(0.1, 0.8) } }),
    };
    const devices = (item.generator?.maxMw ?? 0) + (item.renewable?.ratingMw ?? 0) + (item.battery?.powerMw ?? 0);
    const loadMw = devices > 0 && draw.chance(0.1) ? 0 : size;
    return { item, loadMw, reachMw: Math.max(loadMw, devices) };
  });
}

const drawRisk = (draw: Draw): RiskMethod =>
  draw.oneOf([
    ["ts-drcc", 6],
    ["deterministic", 2],
    ["gaussian", 1],
    ["bonferroni", 1],
    ["robust", 1],
  ]);

/** What all members have in common; money follows the price level, discomfort per MW the market's size. */
function drawTerms(draw: Draw, level: number, sizeKw: number) {
  const priced = (least: number, most: number): number => Number((level * draw.between(least, most)).toPrecision(4));
  return {
    utcOffsetHours: 0,
    loadScale: 1,
    // Not used: the tariff is drawn by the period.
    tariff: { buyPerMwh: 1, bands: [], sellPerMwh: 0, reserveUpPerMw: 0, reserveDownPerMw: 0 },
    regularisation: { trade: 0.01, reactive: 0.2 },
    load: {
      flexibleShare: draw.oneOf([[0, 1] as const, [0.15, 2] as const, [0.5, 1] as const]),
      discomfortFactor: priced(0.3, 3),
      discomfortFloorMw: sizeKw * 1e-5,
    },
    generator: { rampShare: draw.oneOf([[0.2, 1] as const, [0.5, 2] as const, [4, 1] as const]), reactiveShare: 0.5 },
    renewable: { reactiveShare: 0.3 },
    battery: {
      durationHours: draw.between(0.5, 6),
      initialShare: draw.between(0.1, 0.9),
      minShare: draw.between(0, 0.1),
      efficiency: draw.between(0.85, 1),
      wearPerMwh: priced(0, 0.2),
    },
    reserve: { upPerMw: priced(0, 0.15), downPerMw: priced(0, 0.1) },
    bootstrap: { resamples: 0, seed: 0 },
  };
}

/** Everybody with everybody, the nearest few, or a handful of pairs in all. */
function drawPairs(
  draw: Draw,
  feeder: Parameters<typeof nearestPairs>[0],
  items: readonly Item[],
  periods: number,
): [number, number][] {
  const n = items.length;
  const sells = items.map(({ generator, battery }) => generator !== undefined || battery !== undefined);
  const all = items.map(() => n - 1);
  const dense = (n * (n - 1) * periods) / 2 <= MOST_PAIR_PERIODS;
  const wanted = draw.oneOf<readonly number[]>([
    [all, dense ? 2 : 0],
    [items.map(() => Math.floor(draw.between(2, 6))), 2],
    [items.map(() => (draw.chance(0.5) ? 1 : 0)), 1],
  ]);
  return nearestPairs(feeder, items, { wanted, sells, sellers: wanted === all ? n : 1 });
}

function traitsOf(shape: Shape, { prosumers, pairs, risk }: Scenario, { carbon }: MarketSettings): Traits {
  const somebody = (has: (one: Scenario["prosumers"][number]) => unknown, letter: string): string =>
    prosumers.some(has) ? letter : "";
  return {
    ...shape,
    pairs: pairs.length,
    devices: [
      somebody(({ generator }) => generator, "g"),
      somebody(({ battery }) => battery, "b"),
      somebody(({ renewable }) => renewable?.kind === "pv", "p"),
      somebody(({ renewable }) => renewable?.kind === "wind", "w"),
    ].join(""),
    risk: risk.method,
    carbon,
  };
}
