import type { Feeder } from "../grid/feeder.ts";
import { baseInjections, defaultRatings, linDistFlow } from "../grid/linDistFlow.ts";
import { topologyOf } from "../grid/topology.ts";
import { InputError } from "../io/inputError.ts";
import { seeded } from "./prng.ts";

const LOWEST_BASE_VOLTAGE = 0.95;
const BUSES_PER_MAIN = 40;
/** Over the mean load of a bus what 0.3 MVA is on the 141-bus feeder, so that generators fill a line now and then. */
const LEAST_RATING_MVA = 0.1;

/**
 * A made-up radial feeder for runs at scale: mains from the substation (one for every forty buses), laterals hanging on
 * them, 5 to 80 kW at power factor .85 on four buses of five. Impedances are scaled so that the lowest base-load
 * voltage is 0.95 whatever the size; ratings follow our rule, the least one scaled to these loads. Nothing about it is
 * measured.
 */
export function generateFeeder(buses: number, seed: number): Feeder {
  if (!Number.isInteger(buses) || buses < 2)
    throw new InputError(`generated feeder: buses = ${buses}: must be a whole number above one`);
  const random = seeded(seed);
  const mains = Math.max(1, Math.round(buses / BUSES_PER_MAIN));
  const branches: Feeder["branches"] = [];
  for (let bus = 2; bus <= buses; bus++) {
    const main = (bus - 2) % mains;
    const row = Math.floor((bus - 2) / mains);
    // The bus above on the same main: mostly a recent one, so that mains are long and laterals short.
    const back = 1 + Math.floor(random() * random() * Math.min(row, 8));
    const from = row === 0 ? 1 : 2 + main + Math.max(0, row - back) * mains;
    const length = 0.2 + 0.8 * random();
    branches.push({ from, to: bus, rPu: length, xPu: length * (0.6 + 0.6 * random()), ratingMva: null });
  }
  const tangent = Math.sqrt(1 - 0.85 * 0.85) / 0.85;
  const rows = Array.from({ length: buses }, (_, i) => {
    const loaded = i > 0 && (random() < 0.8 || i === buses - 1);
    const loadMw = loaded ? Math.round(5 + 75 * random()) / 1000 : 0;
    return { bus: i + 1, loadMw, loadMvar: Math.round(loadMw * tangent * 1e5) / 1e5, vMinPu: 0.9, vMaxPu: 1.1 };
  });
  const raw: Feeder = {
    name: `radial${buses}-s${seed}`,
    source: `Made up by gridpact for scale runs: ${buses} buses, seed ${seed}; no real feeder`,
    baseMva: 1,
    baseKv: 12.66,
    buses: rows,
    branches,
  };
  const topology = topologyOf(raw);
  const { pMw, qMvar } = baseInjections(raw);
  const drop = 1 - linDistFlow(raw, topology, pMw, qMvar).v.reduce((low, v) => Math.min(low, v), 1);
  const scale = (1 - LOWEST_BASE_VOLTAGE * LOWEST_BASE_VOLTAGE) / drop;
  const ratings = defaultRatings(raw, topology, LEAST_RATING_MVA);
  return {
    ...raw,
    branches: branches.map((branch, k) => ({
      ...branch,
      rPu: Number((branch.rPu * scale).toPrecision(6)),
      xPu: Number((branch.xPu * scale).toPrecision(6)),
      ratingMva: ratings[k],
    })),
  };
}
