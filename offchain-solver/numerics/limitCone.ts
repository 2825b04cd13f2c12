/**
 * The cone of a two-sided limit that is promised for every distribution: {(T, m, a): the half width that abs(m) and
 * norm(a) ask for is at most T} (Xie and Ahmed 2018, y and pi eliminated). In the plane of abs(m) and s = norm(a) it is
 * bounded by the face m + k s = T where s <= k m, and by the round cone norm(m, s) = root T from there, root =
 * sqrt(eps), k = sqrt((1 - eps)/eps); they meet without an edge. Projections are in closed form.
 */
import type { SparseLdl } from "./sparseLdl.ts";

/** Rows of the cone: those of T and m, and what its variables are in each of them. */
export type LimitRows = {
  /** Its first row, and how many there are. */
  readonly start: number;
  readonly size: number;
  readonly epsilon: number;
  /** Variables that its rows touch, ascending. */
  readonly variables: Int32Array;
  /** [row, variable] its rows over them; `firsts`: [row] the first entry that is not zero. */
  readonly rows: Float64Array;
  readonly firsts: Int32Array;
};

/** Where a point of the dual lies, seen from the cone: which part of the boundary is nearest. */
type Part = "inside" | "face" | "round" | "edge" | "apex";

export function layOutLimit(
  start: number,
  epsilon: number,
  lists: readonly (readonly (readonly [number, number])[])[],
): LimitRows {
  const variables = Int32Array.from(new Set(lists.flatMap((list) => list.map(([c]) => c)))).sort();
  const place = new Map(Array.from(variables, (variable, k) => [variable, k]));
  const width = variables.length;
  const rows = new Float64Array(lists.length * width);
  const firsts = Int32Array.from(lists, (list, r) => {
    let first = width;
    for (const [variable, value] of list) {
      const k = place.get(variable) as number;
      rows[r * width + k] = value;
      if (k < first) first = k;
    }
    return first;
  });
  return { start, size: lists.length, epsilon, variables, rows, firsts };
}

/** [a, b <= a] products of the columns a and b of the spread's rows, row by row of the lower triangle. */
export function productsOf({ size, variables: { length: width }, rows, firsts }: LimitRows): Float64Array {
  const out = new Float64Array((width * (width + 1)) / 2);
  for (let r = 2; r < size; r++)
    for (let a = firsts[r]; a < width; a++) {
      const value = rows[r * width + a];
      if (value === 0) continue;
      const at = (a * (a + 1)) / 2;
      for (let b = firsts[r]; b <= a; b++) out[at + b] += value * rows[r * width + b];
    }
  return out;
}

/** [a, b <= a] where the products of a cone's columns stand in a matrix. */
export function limitSlots({ variables }: LimitRows, matrix: SparseLdl): Int32Array {
  const slots = new Int32Array((variables.length * (variables.length + 1)) / 2);
  let at = 0;
  for (let a = 0; a < variables.length; a++)
    for (let b = 0; b <= a; b++) slots[at++] = matrix.slot(variables[a], variables[b]);
  return slots;
}

/** The cone's rows of `out` += rows x vector; `own`: buffer of [variable]. */
export function addRows(cone: LimitRows, vector: Float64Array, out: Float64Array, own: Float64Array): void {
  const { start, size, variables, rows, firsts } = cone;
  const width = variables.length;
  for (let a = 0; a < width; a++) own[a] = vector[variables[a]];
  for (let r = 0; r < size; r++) {
    let sum = 0;
    const base = r * width;
    for (let a = firsts[r]; a < width; a++) sum += rows[base + a] * own[a];
    out[start + r] += sum;
  }
}

/** `out` += rows' x the cone's part of a dual; `own`: buffer of [variable]. */
export function addColumns(cone: LimitRows, dual: Float64Array, out: Float64Array, own: Float64Array): void {
  const { start, size, variables, rows, firsts } = cone;
  const width = variables.length;
  own.fill(0, 0, width);
  for (let r = 0; r < size; r++) {
    const z = dual[start + r];
    if (z === 0) continue;
    const base = r * width;
    for (let a = firsts[r]; a < width; a++) own[a] += z * rows[base + a];
  }
  for (let a = 0; a < width; a++) out[variables[a]] += own[a];
}

/** The point -probe in the plane of abs(m) and s. */
type Planar = { t: number; m: number; s: number; sign: number; part: Part };

function planarOf({ start, size, epsilon }: LimitRows, probe: Float64Array, out: Planar): Planar {
  let s = 0;
  for (let r = 2; r < size; r++) s += probe[start + r] * probe[start + r];
  out.t = -probe[start];
  out.m = Math.abs(probe[start + 1]);
  out.sign = probe[start + 1] > 0 ? -1 : 1;
  out.s = Math.sqrt(s);
  out.part = partOf(out.t, out.m, out.s, epsilon);
  return out;
}

function partOf(t: number, m: number, s: number, epsilon: number): Part {
  const k2 = (1 - epsilon) / epsilon;
  const k = Math.sqrt(k2);
  if (s > k * m) {
    const [root, r] = [Math.sqrt(epsilon), Math.sqrt(m * m + s * s)];
    if (r <= root * t) return "inside";
    return t + root * r > 0 ? "round" : "apex";
  }
  const beyond = m + k * s - t;
  if (beyond <= 0) return "inside";
  if (s > (k * beyond) / (2 + k2)) return "face";
  return t + m > 0 ? "edge" : "apex";
}

const planar: Planar = { t: 0, m: 0, s: 0, sign: 1, part: "inside" };

/** Writes the projection of `probe` on the dual cone to the cone's rows of `out`; whether any of it is not zero. */
export function projectOnDual(cone: LimitRows, probe: Float64Array, out: Float64Array): boolean {
  const { start, size, epsilon } = cone;
  const { t, m, s, sign, part } = planarOf(cone, probe, planar);
  // Of what -probe is beyond its projection on the cone: T's part, m's, and a's share of a.
  let [beyondT, beyondM, share] = [0, 0, 0];
  if (part === "face") {
    const k2 = (1 - epsilon) / epsilon;
    const k = Math.sqrt(k2);
    const d = (m + k * s - t) / (2 + k2);
    [beyondT, beyondM, share] = [-d, d, (k * d) / s];
  } else if (part === "round") {
    const [root, r] = [Math.sqrt(epsilon), Math.sqrt(m * m + s * s)];
    const d = (r - root * t) / (1 + epsilon);
    share = d / r;
    [beyondT, beyondM] = [-root * d, share * m];
  } else if (part === "edge") [beyondT, beyondM, share] = [(t - m) / 2, (m - t) / 2, 1];
  else if (part === "apex") [beyondT, beyondM, share] = [t, m, 1];
  out[start] = -beyondT;
  out[start + 1] = -sign * beyondM;
  for (let r = 2; r < size; r++) out[start + r] = share * probe[start + r];
  return part !== "inside";
}

/** Whether rows b - Ax, handed over as Ax - b, are in the cone but for `tolerance`. */
export function isHeld({ start, size, epsilon }: LimitRows, rows: Float64Array, tolerance: number): boolean {
  let s = 0;
  for (let r = 2; r < size; r++) s += rows[start + r] * rows[start + r];
  return partOf(-rows[start] + tolerance, Math.abs(rows[start + 1]), Math.sqrt(s), epsilon) === "inside";
}

/** Where a cone's curvature is added: a matrix' values, at `slots`. */
export type LimitCurvature = {
  readonly values: Float64Array;
  /** [a, b <= a], see limitSlots and productsOf. */
  readonly slots: Int32Array;
  readonly products: Float64Array;
  /** Buffers of [variable]. */
  readonly along: Float64Array;
  readonly across: Float64Array;
  readonly spread: Float64Array;
};

/**
 * Adds sigma B'JB, B the cone's rows and J the Jacobian of the projection on the dual at `probe`. With d the spread's
 * rows along a, it is share (products - d d') plus the squares of two directions that its part of the boundary has.
 */
export function addLimitCurvature(cone: LimitRows, probe: Float64Array, sigma: number, to: LimitCurvature): void {
  const { start, size, epsilon, rows, firsts } = cone;
  const width = cone.variables.length;
  const { t, m, s, sign, part } = planarOf(cone, probe, planar);
  if (part === "inside") return;
  const { values, slots, products, along, across, spread } = to;
  spread.fill(0, 0, width);
  if (part === "face" || part === "round")
    for (let r = 2; r < size; r++) {
      const u = -probe[start + r] / s;
      const base = r * width;
      for (let a = firsts[r]; a < width; a++) spread[a] += u * rows[base + a];
    }
  const [root, k2] = [Math.sqrt(epsilon), (1 - epsilon) / epsilon];
  const k = Math.sqrt(k2);
  const r = Math.sqrt(m * m + s * s);
  let [share, weightAlong, weightAcross, weightSpread] = [1, 1, 1, 0];
  if (part === "face") {
    share = (k * (m + k * s - t)) / ((2 + k2) * s);
    [weightAlong, weightAcross, weightSpread] = [1 / (2 + k2), 0, -share];
  } else if (part === "round") {
    share = (r - root * t) / ((1 + epsilon) * r);
    [weightAlong, weightAcross, weightSpread] = [1 / (1 + epsilon), share, -share];
  } else if (part === "edge") [weightAlong, weightAcross] = [0.5, 0];
  for (let a = 0; a < width; a++) {
    const [ofT, ofM] = [rows[a], sign * rows[width + a]];
    if (part === "face") along[a] = ofM + k * spread[a] - ofT;
    else if (part === "round") {
      along[a] = (m * ofM + s * spread[a]) / r - root * ofT;
      across[a] = (s * ofM - m * spread[a]) / r;
    } else {
      along[a] = part === "edge" ? ofM - ofT : ofM;
      across[a] = ofT;
    }
  }
  for (let a = 0, at = 0; a < width; a++) {
    const ofAlong = sigma * weightAlong * along[a];
    const ofAcross = sigma * weightAcross * across[a];
    const ofSpread = sigma * weightSpread * spread[a];
    for (let b = 0; b <= a; b++, at++)
      values[slots[at]] +=
        sigma * share * products[at] + ofAlong * along[b] + ofAcross * across[b] + ofSpread * spread[b];
  }
}
