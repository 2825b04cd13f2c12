import type { Feeder } from "../grid/feeder.ts";
import { topologyOf } from "../grid/topology.ts";
import { InputError } from "../io/inputError.ts";
import type { Definition, Population } from "./definition.ts";
import type { Source } from "./forecastErrors.ts";
import { nearestPairs } from "./nearestPairs.ts";
import type { Random } from "./prng.ts";

type Item = Definition["prosumers"][number];

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const mixed = [...items];
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [mixed[i], mixed[j]] = [mixed[j], mixed[i]];
  }
  return mixed;
}

/** Places of `count` prosumers: every load bus in turn; those of a bus share its load equally. Depth-first order. */
function place(feeder: Feeder, count: number, random: Random): { bus: number; loadShare: number; loadMw: number }[] {
  const { order } = topologyOf(feeder);
  refuseInjections(feeder);
  const loads = Array.from(order, (i) => feeder.buses[i]).filter(({ loadMw }, i) => i > 0 && loadMw > 0);
  if (loads.length === 0) throw new InputError(`feeder ${feeder.name}: no bus has a load, so there is nobody to draw`);
  const tenants = new Map(loads.map(({ bus }) => [bus, Math.floor(count / loads.length)]));
  for (const { bus } of shuffled(loads, random).slice(0, count % loads.length)) tenants.set(bus, tenants.get(bus)! + 1);
  return loads.flatMap(({ bus, loadMw }) => {
    const number = tenants.get(bus)!;
    return Array.from({ length: number }, () => ({ bus, loadShare: 1 / number, loadMw: loadMw / number }));
  });
}

/**
 * A drawn prosumer's load is a profile of active power and its power factor: a capacitor (Mvar without MW) or a
 * generator written as a negative load would be lost, so it is refused.
 */
function refuseInjections({ name, buses }: Feeder): void {
  const at = buses.findIndex(({ loadMw, loadMvar }, i) => i > 0 && (loadMw < 0 || (loadMw === 0 && loadMvar !== 0)));
  if (at < 0) return;
  const { bus, loadMw, loadMvar } = buses[at];
  const [field, value, what] =
    loadMw < 0 ? ["loadMw", loadMw, "injects active power"] : ["loadMvar", loadMvar, "has reactive power without load"];
  throw new InputError(
    `feeder ${name}: buses[${at}].${field} = ${value}: bus ${bus} ${what}, ` +
      "which no drawn prosumer can have: take it out, or write a scenario in which a prosumer owns it",
  );
}

/** Draws prosumers and the pairs that may trade; the same feeder, rules and seed give the same ones. */
export function drawPopulation(
  feeder: Feeder,
  rules: Population,
  sources: readonly Source[],
  random: Random,
): { prosumers: Item[]; pairs: [number, number][] } {
  const places = place(feeder, rules.count, random);
  const n = places.length;
  const everyone = places.map((_, i) => i);
  const meanLoad = places.reduce((sum, { loadMw }) => sum + Math.max(loadMw, rules.smallestLoadMw), 0) / n;
  const draw = ([low, high]: readonly [number, number], digits: number): number =>
    Math.round((low + random() * (high - low)) * digits) / digits;
  const sized = (span: readonly [number, number], loadMw: number): number =>
    Math.max(1e-4, draw([span[0] * loadMw, span[1] * loadMw], 1e4));

  const roofs = shuffled(everyone, random);
  const pvCount = Math.round(n * rules.pvShare);
  const windCount = Math.min(n - pvCount, Math.round(n * rules.windShare));
  const generators = new Set(shuffled(everyone, random).slice(0, Math.round(n * rules.generatorShare)));
  const batteries = new Set(shuffled(everyone, random).slice(0, Math.round(n * rules.batteryShare)));
  const kindOf = new Map<number, "pv" | "wind">(
    roofs.slice(0, pvCount + windCount).map((i, k) => [i, k < pvCount ? "pv" : "wind"]),
  );
  // Neighbours in depth-first order take turns at the plants, so that no lateral hangs on one cloud.
  const turn = { pv: 0, wind: 0 };
  const plantOf = (kind: "pv" | "wind"): string => {
    const plants = sources.filter((source) => source.kind === kind);
    return plants[turn[kind]++ % plants.length].name;
  };

  const prosumers = places.map(({ bus, loadShare, loadMw }, i): Item => {
    const size = Math.max(loadMw, rules.smallestLoadMw);
    const kind = kindOf.get(i);
    return {
      bus,
      loadShare,
      ...(generators.has(i) && {
        generator: {
          maxMw: sized(rules.generatorPerMeanLoad, meanLoad),
          costA: draw(rules.generatorCostA, 10),
          costB: draw(rules.generatorCostB, 10),
          emissionTPerMwh: draw(rules.generatorTPerMwh, 1000),
        },
      }),
      ...(kind && {
        renewable: {
          kind,
          ratingMw: sized(kind === "pv" ? rules.pvPerLoad : rules.windPerLoad, size),
          plant: plantOf(kind),
        },
      }),
      ...(batteries.has(i) && { battery: { powerMw: sized(rules.batteryPerLoad, size) } }),
    };
  });
  const [fewest, most] = rules.partners;
  const wanted = everyone.map(() => fewest + Math.floor(random() * (most - fewest + 1)));
  const sells = prosumers.map(({ generator, battery }) => generator !== undefined || battery !== undefined);
  return {
    prosumers,
    pairs: nearestPairs(feeder, places, { wanted, sells, sellers: rules.sellers, most: rules.mostPartners }),
  };
}
