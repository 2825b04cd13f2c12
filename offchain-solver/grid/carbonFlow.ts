import type { Feeder } from "./feeder.ts";
import type { Topology } from "./topology.ts";

/**
 * What goes in and out of one feeder in one hour, MW, by bus or branch index. `flowMw` enters a branch at its `from`
 * end and `arrivingMw` leaves it at its `to` end (both negative when power runs towards the root; equal without
 * losses).
 */
export interface HourFlow {
  /** Every source on the bus: generators, renewables, discharging batteries. */
  readonly generationMw: ArrayLike<number>;
  /** What those sources emit, tCO2/h. */
  readonly emissionTPerH: ArrayLike<number>;
  readonly loadMw: ArrayLike<number>;
  readonly flowMw: ArrayLike<number>;
  readonly arrivingMw: ArrayLike<number>;
  /** Of what the root imports, tCO2/MWh. */
  readonly gridTPerMwh: number;
}

/** Carbon intensity [bus], tCO2/MWh (1 t/MWh = 1000 g/kWh), and where the emissions of the sources ended up, tCO2/h. */
export interface CarbonFlow {
  readonly intensity: Float64Array;
  /** [branch] carried by its losses. */
  readonly lossTPerH: Float64Array;
  readonly sourceTPerH: number;
  readonly loadTPerH: number;
  readonly exportTPerH: number;
}

/**
 * Carbon emission flow (Kang et al., IEEE Trans. Smart Grid 2015) with proportional sharing: all power that leaves a
 * bus, into a load or a branch, has the mean intensity of the power that enters it. On a tree no power runs in circles,
 * so the buses can be done one after another, each once all that flows into it is known. A bus that nothing enters has
 * intensity 0. Conservation: loads + exports + losses carry exactly what the sources emit.
 */
export function carbonFlow(feeder: Feeder, topology: Topology, hour: HourFlow): CarbonFlow {
  const n = feeder.buses.length;
  const branches = feeder.branches.length;
  const entering = new Float64Array(n);
  const carbon = new Float64Array(n);
  const waiting = new Int32Array(n);
  const intensity = new Float64Array(n);
  for (let bus = 0; bus < n; bus++) {
    entering[bus] = hour.generationMw[bus];
    carbon[bus] = hour.emissionTPerH[bus];
  }
  // A branch delivers at its far end; where both ends feed its losses (tiny flow, AC) it delivers nowhere.
  const delivered = (branch: number): number => Math.max(0, hour.arrivingMw[branch], -hour.flowMw[branch]);
  const drawn = (branch: number, bus: number): number =>
    Math.max(0, topology.busOf[branch] === bus ? -hour.arrivingMw[branch] : hour.flowMw[branch]);
  const farEnd = (branch: number): number =>
    hour.arrivingMw[branch] > 0 ? topology.busOf[branch] : topology.parent[topology.busOf[branch]];
  const touching: number[][] = Array.from({ length: n }, () => []);
  let rootImport = hour.loadMw[0] - hour.generationMw[0];
  for (let k = 0; k < branches; k++) {
    const to = topology.busOf[k];
    touching[to].push(k);
    touching[topology.parent[to]].push(k);
    if (delivered(k) > 0) waiting[farEnd(k)]++;
    if (topology.parent[to] === 0) rootImport += hour.flowMw[k];
  }
  entering[0] += Math.max(0, rootImport);
  carbon[0] += Math.max(0, rootImport) * hour.gridTPerMwh;

  const lossTPerH = new Float64Array(branches);
  const ready: number[] = [];
  for (let bus = 0; bus < n; bus++) if (waiting[bus] === 0) ready.push(bus);
  while (ready.length > 0) {
    const bus = ready.pop()!;
    intensity[bus] = entering[bus] > 0 ? carbon[bus] / entering[bus] : 0;
    for (const k of touching[bus]) {
      const out = drawn(k, bus);
      const arrives = delivered(k);
      if (out <= 0) continue;
      lossTPerH[k] += (out - arrives) * intensity[bus];
      if (arrives <= 0) continue;
      const far = farEnd(k);
      entering[far] += arrives;
      carbon[far] += arrives * intensity[bus];
      if (--waiting[far] === 0) ready.push(far);
    }
  }

  let [sourceTPerH, loadTPerH] = [Math.max(0, rootImport) * hour.gridTPerMwh, 0];
  for (let bus = 0; bus < n; bus++) {
    sourceTPerH += hour.emissionTPerH[bus];
    loadTPerH += hour.loadMw[bus] * intensity[bus];
  }
  return { intensity, lossTPerH, sourceTPerH, loadTPerH, exportTPerH: Math.max(0, -rootImport) * intensity[0] };
}

/**
 * Intensity of a trade, tCO2/MWh: that of the seller's bus, since proportional sharing gives all power leaving a bus
 * the same intensity, whoever sent it. What the buyer takes from its own bus has the intensity of that bus.
 */
export function tradeIntensity(flow: CarbonFlow, topology: Topology, sellerBus: number): number {
  return flow.intensity[topology.indexOfBus.get(sellerBus)!];
}
