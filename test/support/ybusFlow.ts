/**
 * AC power flow of any small network by Newton's method on the nodal equations S = V conj(Y V), rectangular, with a
 * dense Jacobian: another way than the sweep, which needs a tree. Units: p.u. on `baseMva`, MW, Mvar, degrees.
 */
export type Network = {
  readonly baseMva: number;
  readonly slack: number;
  readonly slackPu: number;
  /** bus -> load, MW and Mvar; every bus but the slack needs an entry. */
  readonly loads: Readonly<Record<number, readonly [mw: number, mvar: number]>>;
  readonly branches: readonly Line[];
};
/** An ideal transformer of `tap` and `shift` at `from`, the impedance behind it. */
export type Line = {
  readonly from: number;
  readonly to: number;
  readonly r: number;
  readonly x: number;
  readonly tap?: number;
  readonly shift?: number;
};

type Complex = readonly [re: number, im: number];
const add = (a: Complex, b: Complex): Complex => [a[0] + b[0], a[1] + b[1]];
const mul = (a: Complex, b: Complex): Complex => [a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]];
const conj = (a: Complex): Complex => [a[0], -a[1]];
const scale = (a: Complex, k: number): Complex => [a[0] * k, a[1] * k];
const J: Complex = [0, 1];

function admittances({ branches }: Network, index: ReadonlyMap<number, number>): Complex[][] {
  const y = Array.from(index, () => Array.from(index, (): Complex => [0, 0]));
  for (const { from, to, r, x, tap = 1, shift = 0 } of branches) {
    const [f, t] = [index.get(from)!, index.get(to)!];
    const series = scale([r, -x], 1 / (r * r + x * x));
    const angle = (shift * Math.PI) / 180;
    const turn: Complex = [Math.cos(angle), Math.sin(angle)];
    y[f][f] = add(y[f][f], scale(series, 1 / (tap * tap)));
    y[t][t] = add(y[t][t], series);
    y[f][t] = add(y[f][t], scale(mul(series, turn), -1 / tap));
    y[t][f] = add(y[t][f], scale(mul(series, conj(turn)), -1 / tap));
  }
  return y;
}

/** Gaussian elimination with partial pivoting. */
function solve(matrix: number[][], right: number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]]);
  const n = rows.length;
  for (let c = 0; c < n; c++) {
    const pivot = rows.reduce((best, row, i) => (i >= c && Math.abs(row[c]) > Math.abs(rows[best][c]) ? i : best), c);
    [rows[c], rows[pivot]] = [rows[pivot], rows[c]];
    for (let i = 0; i < n; i++) {
      if (i === c) continue;
      const factor = rows[i][c] / rows[c][c];
      for (let k = c; k <= n; k++) rows[i][k] -= factor * rows[c][k];
    }
  }
  return rows.map((row, i) => row[n] / row[i]);
}

/** Voltage magnitudes by bus, p.u., and losses, MW. Throws when Newton's method does not arrive. */
export function ybusFlow(network: Network): { voltagePu: Map<number, number>; lossesMw: number } {
  const { baseMva, slack, slackPu, loads } = network;
  const others = Object.keys(loads)
    .map(Number)
    .filter((bus) => bus !== slack);
  const index = new Map([slack, ...others].map((bus, i) => [bus, i]));
  const y = admittances(network, index);
  const n = index.size;
  const v = Array.from(index, (): Complex => [slackPu, 0]);
  const currents = (): Complex[] => y.map((row) => row.reduce<Complex>((sum, a, k) => add(sum, mul(a, v[k])), [0, 0]));
  for (let step = 0; ; step++) {
    const current = currents();
    const mismatch = others.map((bus, i): Complex => {
      const [mw, mvar] = loads[bus];
      return add([-mw / baseMva, -mvar / baseMva], scale(mul(v[i + 1], conj(current[i + 1])), -1));
    });
    if (Math.max(0, ...mismatch.flat().map(Math.abs)) < 1e-12) break;
    if (step > 30) throw new Error("Newton's method did not arrive");
    const jacobian: number[][] = [];
    for (let i = 1; i < n; i++) {
      const columns = Array.from({ length: n - 1 }, (_, m) => m + 1).flatMap((k): Complex[] =>
        [[1, 0] as const, J].map((direction) => {
          const own: Complex = i === k ? mul(direction, conj(current[i])) : [0, 0];
          return add(own, mul(v[i], conj(mul(y[i][k], direction))));
        }),
      );
      jacobian.push(
        columns.map(([re]) => re),
        columns.map(([, im]) => im),
      );
    }
    const move = solve(jacobian, mismatch.flat());
    for (let k = 1; k < n; k++) v[k] = add(v[k], [move[2 * k - 2], move[2 * k - 1]]);
  }
  const current = currents();
  const injected = v.reduce((sum, volt, i) => sum + mul(volt, conj(current[i]))[0], 0);
  return {
    voltagePu: new Map([...index].map(([bus, i]) => [bus, Math.sqrt(v[i][0] * v[i][0] + v[i][1] * v[i][1])])),
    lossesMw: injected * baseMva,
  };
}
