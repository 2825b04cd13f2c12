import type { Feeder } from "./feeder.ts";
import type { Topology } from "./topology.ts";

/**
 * The exact state of the feeder for given injections. Arrays by bus or branch index; MW, Mvar, p.u.
 * `flowMw` enters a branch at its `from` end, `arrivingMw` leaves it at its `to` end; the difference is lost.
 * `loading` is the apparent power at the more loaded end over the rating (0 where the rating is unlimited).
 * `mismatchMva` is the largest difference between an injection asked for and the one the voltages and currents carry.
 */
export interface AcFlow {
  readonly converged: boolean;
  readonly iterations: number;
  readonly mismatchMva: number;
  readonly voltagePu: Float64Array;
  readonly flowMw: Float64Array;
  readonly flowMvar: Float64Array;
  readonly arrivingMw: Float64Array;
  readonly arrivingMvar: Float64Array;
  readonly loading: Float64Array;
  readonly lossesMw: number;
  readonly lossesMvar: number;
  /** Drawn from the grid above the root, losses included; negative when the feeder exports. */
  readonly importMw: number;
  readonly importMvar: number;
}

export interface SweepSettings {
  /** Largest mismatch over the largest injection asked for. */
  readonly tolerance: number;
  readonly maxIterations: number;
}

const DEFAULTS: SweepSettings = { tolerance: 1e-9, maxIterations: 200 };

/**
 * Backward/forward sweep (Shirmohammadi et al. 1988) on a radial feeder with root voltage 1 and constant-power
 * injections: currents are summed from the leaves up, voltages follow from the root down, until every bus receives the
 * power it asked for to within the tolerance. Beyond the feeder's loadability it does not converge, and says so.
 */
export function acSweep(
  feeder: Feeder,
  topology: Topology,
  pMw: ArrayLike<number>,
  qMvar: ArrayLike<number>,
  settings: Partial<SweepSettings> = {},
): AcFlow {
  const { tolerance, maxIterations } = { ...DEFAULTS, ...settings };
  const { order, parent, branchTo } = topology;
  const n = feeder.buses.length;
  let largest = 0;
  for (let i = 1; i < n; i++) largest = Math.max(largest, Math.abs(pMw[i]), Math.abs(qMvar[i]));
  const toleranceMva = tolerance * largest;
  const base = feeder.baseMva;
  const [vRe, vIm] = [new Float64Array(n).fill(1), new Float64Array(n)];
  // Branch currents, p.u., away from the root.
  const [iRe, iIm] = [new Float64Array(n - 1), new Float64Array(n - 1)];
  let iterations = 0;
  let mismatchMva = Infinity;
  while (iterations < maxIterations && mismatchMva > toleranceMva) {
    iterations++;
    iRe.fill(0);
    iIm.fill(0);
    for (let i = n - 1; i > 0; i--) {
      const bus = order[i];
      const branch = branchTo[bus];
      const square = vRe[bus] * vRe[bus] + vIm[bus] * vIm[bus];
      // Current drawn: -conj(S / V).
      iRe[branch] -= (pMw[bus] * vRe[bus] + qMvar[bus] * vIm[bus]) / (square * base);
      iIm[branch] -= (pMw[bus] * vIm[bus] - qMvar[bus] * vRe[bus]) / (square * base);
      const above = branchTo[parent[bus]];
      if (above < 0) continue;
      iRe[above] += iRe[branch];
      iIm[above] += iIm[branch];
    }
    mismatchMva = 0;
    for (let i = 1; i < n; i++) {
      const bus = order[i];
      const branch = branchTo[bus];
      const { rPu, xPu } = feeder.branches[branch];
      const re = vRe[parent[bus]] - (rPu * iRe[branch] - xPu * iIm[branch]);
      const im = vIm[parent[bus]] - (rPu * iIm[branch] + xPu * iRe[branch]);
      // The current was set for the old voltage: the power it carries now is off by abs(dV) abs(I) = abs(dV) abs(S) /
      // abs(V).
      const [dRe, dIm] = [re - vRe[bus], im - vIm[bus]];
      const square = vRe[bus] * vRe[bus] + vIm[bus] * vIm[bus];
      const power = pMw[bus] * pMw[bus] + qMvar[bus] * qMvar[bus];
      mismatchMva = Math.max(mismatchMva, Math.sqrt(((dRe * dRe + dIm * dIm) * power) / square));
      vRe[bus] = re;
      vIm[bus] = im;
    }
    if (!(mismatchMva < Infinity)) break;
  }
  const flows = flowsOf(feeder, topology, { vRe, vIm, iRe, iIm }, [pMw[0], qMvar[0]]);
  return { converged: mismatchMva <= toleranceMva, iterations, mismatchMva, ...flows };
}

/** What phasors carry; `root`: injected at the substation's own bus, MW and Mvar. */
function flowsOf(
  feeder: Feeder,
  { parent, busOf, branchTo }: Topology,
  { vRe, vIm, iRe, iIm }: Record<"vRe" | "vIm" | "iRe" | "iIm", Float64Array>,
  [rootMw, rootMvar]: readonly [number, number],
): Omit<AcFlow, "converged" | "iterations" | "mismatchMva"> {
  const base = feeder.baseMva;
  const branches = feeder.branches.length;
  const make = (): Float64Array => new Float64Array(branches);
  const [flowMw, flowMvar, arrivingMw, arrivingMvar, loading] = [make(), make(), make(), make(), make()];
  let [lossesMw, lossesMvar, importMw, importMvar] = [0, 0, -rootMw, -rootMvar];
  for (let k = 0; k < branches; k++) {
    const to = busOf[k];
    const from = parent[to];
    // S = V conj(I) at either end.
    flowMw[k] = base * (vRe[from] * iRe[k] + vIm[from] * iIm[k]);
    flowMvar[k] = base * (vIm[from] * iRe[k] - vRe[from] * iIm[k]);
    arrivingMw[k] = base * (vRe[to] * iRe[k] + vIm[to] * iIm[k]);
    arrivingMvar[k] = base * (vIm[to] * iRe[k] - vRe[to] * iIm[k]);
    lossesMw += flowMw[k] - arrivingMw[k];
    lossesMvar += flowMvar[k] - arrivingMvar[k];
    if (branchTo[from] < 0) {
      importMw += flowMw[k];
      importMvar += flowMvar[k];
    }
    const { ratingMva } = feeder.branches[k];
    const sent = flowMw[k] * flowMw[k] + flowMvar[k] * flowMvar[k];
    const got = arrivingMw[k] * arrivingMw[k] + arrivingMvar[k] * arrivingMvar[k];
    if (ratingMva !== null) loading[k] = Math.sqrt(Math.max(sent, got)) / ratingMva;
  }
  const voltagePu = Float64Array.from(vRe, (re, bus) => Math.sqrt(re * re + vIm[bus] * vIm[bus]));
  return {
    voltagePu,
    flowMw,
    flowMvar,
    arrivingMw,
    arrivingMvar,
    loading,
    lossesMw,
    lossesMvar,
    importMw,
    importMvar,
  };
}
