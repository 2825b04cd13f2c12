/**
 * What an expression of a case can be: a matrix (a scalar is 1 x 1), a text, or an angle known by its cosine.
 * The last one is how `sin(acos(pf))` is computed: as sqrt(1 - pf^2), with the same bits on every engine.
 */
export type Value =
  | { readonly kind: "matrix"; readonly rows: number; readonly columns: number; readonly cells: number[] }
  | { readonly kind: "angle"; readonly cosine: number }
  | { readonly kind: "text"; readonly text: string };

export type Matrix = Extract<Value, { kind: "matrix" }>;

export const scalar = (value: number): Matrix => ({ kind: "matrix", rows: 1, columns: 1, cells: [value] });
export const isScalar = (value: Matrix): boolean => value.rows === 1 && value.columns === 1;

/** Names that stand for a number unless the case gives them another meaning. */
export const NAMED_NUMBERS: ReadonlyMap<string, number> = new Map([
  ["Inf", Infinity],
  ["inf", Infinity],
  ["NaN", NaN],
  ["nan", NaN],
  ["pi", Math.PI],
]);

/** Matrices beside each other, or one below the other; empty ones vanish. Undefined when they do not fit. */
export function join(parts: readonly Matrix[], direction: "beside" | "below"): Matrix | undefined {
  const full = parts.filter(({ cells }) => cells.length > 0);
  if (full.length === 0) return { kind: "matrix", rows: 0, columns: 0, cells: [] };
  const [{ rows, columns }] = full;
  if (direction === "below") {
    if (full.some((part) => part.columns !== columns)) return undefined;
    const cells = full.flatMap((part) => part.cells);
    return { kind: "matrix", rows: cells.length / columns, columns, cells };
  }
  if (full.some((part) => part.rows !== rows)) return undefined;
  const cells = Array.from({ length: rows }, (_, row) =>
    full.flatMap((part) => part.cells.slice(row * part.columns, (row + 1) * part.columns)),
  ).flat();
  return { kind: "matrix", rows, columns: cells.length / rows, cells };
}

const OPERATIONS: Readonly<Record<string, (a: number, b: number) => number>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "^": power,
};

/** Powers that have the same bits on every engine: square roots and whole numbers, by multiplication. */
const isExactPower = (exponent: number): boolean =>
  Math.abs(exponent) === 0.5 || (Number.isInteger(exponent) && Math.abs(exponent) <= 64);

function power(base: number, exponent: number): number {
  if (Math.abs(exponent) === 0.5) return exponent > 0 ? Math.sqrt(base) : 1 / Math.sqrt(base);
  let product = 1;
  for (let k = 0; k < Math.abs(exponent); k++) product *= base;
  return exponent < 0 ? 1 / product : product;
}

/**
 * a OP b, cell by cell, with a scalar standing for every cell; undefined for a true matrix product, quotient or power,
 * and for powers other than whole numbers and roots.
 */
export function combine(sign: string, a: Matrix, b: Matrix): Matrix | undefined {
  if (sign.endsWith("^") && !b.cells.every(isExactPower)) return undefined;
  const cellwise = sign.startsWith(".") || sign === "+" || sign === "-";
  const operation = OPERATIONS[sign.replace(".", "")];
  if (!isScalar(a) && !isScalar(b)) {
    if (!cellwise || a.rows !== b.rows || a.columns !== b.columns) return undefined;
    return { ...a, cells: a.cells.map((cell, k) => operation(cell, b.cells[k])) };
  }
  if (!isScalar(b) && !cellwise && sign !== "*") return undefined;
  if (!isScalar(a) && sign === "^") return undefined;
  if (isScalar(b)) return { ...a, cells: a.cells.map((cell) => operation(cell, b.cells[0])) };
  return { ...b, cells: b.cells.map((cell) => operation(a.cells[0], cell)) };
}

/** The functions a case may call, of one argument; undefined where the argument does not suit. */
export const FUNCTIONS: ReadonlyMap<string, (argument: Value) => Value | undefined> = new Map(
  Object.entries<(argument: Value) => Value | undefined>({
    acos: (a) =>
      a.kind === "matrix" && isScalar(a) && Math.abs(a.cells[0]) <= 1
        ? { kind: "angle", cosine: a.cells[0] }
        : undefined,
    cos: (a) => (a.kind === "angle" ? scalar(a.cosine) : undefined),
    sin: (a) => (a.kind === "angle" ? scalar(Math.sqrt(1 - a.cosine * a.cosine)) : undefined),
    tan: (a) => (a.kind === "angle" ? scalar(Math.sqrt(1 - a.cosine * a.cosine) / a.cosine) : undefined),
    sqrt: (a) => (a.kind === "matrix" ? { ...a, cells: a.cells.map(Math.sqrt) } : undefined),
    abs: (a) => (a.kind === "matrix" ? { ...a, cells: a.cells.map(Math.abs) } : undefined),
  }),
);

/** Column numbers by name, as idx_bus, idx_brch and idx_gen of MATPOWER hand them out, in that order. */
export const CONSTANTS: ReadonlyMap<string, readonly (readonly [name: string, value: number])[]> = new Map(
  Object.entries({
    idx_bus: zip(
      "PQ PV REF NONE BUS_I BUS_TYPE PD QD GS BS BUS_AREA VM VA BASE_KV ZONE VMAX VMIN LAM_P LAM_Q MU_VMAX MU_VMIN",
      [1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17],
    ),
    idx_brch: zip(
      "F_BUS T_BUS BR_R BR_X BR_B RATE_A RATE_B RATE_C TAP SHIFT BR_STATUS PF QF PT QT MU_SF MU_ST ANGMIN ANGMAX " +
        "MU_ANGMIN MU_ANGMAX",
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 15, 16, 17, 18, 19, 12, 13, 20, 21],
    ),
    idx_gen: zip(
      "GEN_BUS PG QG QMAX QMIN VG MBASE GEN_STATUS PMAX PMIN MU_PMAX MU_PMIN MU_QMAX MU_QMIN PC1 PC2 QC1MIN QC1MAX " +
        "QC2MIN QC2MAX RAMP_AGC RAMP_10 RAMP_30 RAMP_Q APF",
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 22, 23, 24, 25, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21],
    ),
  }),
);

function zip(names: string, values: readonly number[]): (readonly [string, number])[] {
  return names.split(" ").map((name, k) => [name, values[k]] as const);
}
