import { SMALLEST, UNLIMITED_MVA } from "../feeder.ts";
import { BRANCH, BUS, checkNumber, count, refuse } from "./caseTables.ts";
import type { Row } from "./caseTables.ts";
import { MatpowerError } from "./tokens.ts";

/** A branch turned away from the root: bus numbers, p.u. on the voltage base of the feeder, MVA. */
export type Oriented = {
  readonly from: number;
  readonly to: number;
  readonly rPu: number;
  readonly xPu: number;
  readonly ratingMva: number | null;
};

/** The tree of branches in service, and by bus number the voltage (in the case's per unit) that the feeder calls 1. */
export type Tree = { readonly branches: readonly Oriented[]; readonly voltageBase: ReadonlyMap<number, number> };

const ends = ({ cells }: Row): [number, number] => [cells[BRANCH.from], cells[BRANCH.to]];
const nameOf = (row: Row): string => `branch ${ends(row).join("-")}`;

/**
 * Branches in service, in the order of the file, each turned to point away from the root. Refuses cycles and islands.
 *
 * An ideal transformer of ratio t stands at the `from` end, the impedance behind it (MATPOWER manual, section 3.2). In
 * a tree it is exactly a change of the voltage base of everything below: base(to) = base(from)/t, and impedances in per
 * unit fall with the square of the base on their side. A phase shift turns all angles below it and changes nothing
 * else.
 */
export function orient(rows: readonly Row[], buses: readonly Row[], rootVoltagePu: number, notes: string[]): Tree {
  const inService = rows.filter(({ cells }) => cells[BRANCH.status] !== 0);
  const touching = new Map<number, Row[]>(buses.map(({ cells }) => [cells[BUS.number], []]));
  for (const row of inService) {
    for (const bus of ends(row)) {
      if (!touching.has(bus))
        throw new MatpowerError(row.line, `${nameOf(row)}: there is no bus ${bus} that is not isolated`);
      touching.get(bus)!.push(row);
    }
    refuse(row, BRANCH.b, `the charging b of ${nameOf(row)}`);
    if (row.cells[BRANCH.ratio] !== 0)
      checkNumber(row, BRANCH.ratio, `the tap ratio of ${nameOf(row)}`, row.cells[BRANCH.ratio] < 0 ? 0 : SMALLEST);
    checkNumber(row, BRANCH.shift, `the phase shift of ${nameOf(row)}`);
  }
  const root = buses[0].cells[BUS.number];
  const voltageBase = new Map([[root, rootVoltagePu]]);
  const away = new Map<Row, Oriented>();
  for (const from of voltageBase.keys()) {
    for (const row of touching.get(from)!) {
      if (away.has(row)) continue;
      const [a, b] = ends(row);
      const to = a === from ? b : a;
      if (voltageBase.has(to))
        throw new MatpowerError(row.line, `branch ${a}-${b} closes a cycle: the case is meshed, a feeder is radial`);
      const tap = row.cells[BRANCH.ratio] || 1;
      const above = voltageBase.get(from)!;
      const below = a === from ? above / tap : above * tap;
      voltageBase.set(to, below);
      const base = a === from ? below : above;
      away.set(row, {
        from,
        to,
        rPu: checkNumber(row, BRANCH.r, "r", 0) / (base * base),
        xPu: checkNumber(row, BRANCH.x, "x", 0) / (base * base),
        ratingMva: ratingOf(row),
      });
    }
  }
  const island = buses.find(({ cells }) => !voltageBase.has(cells[BUS.number]));
  if (island)
    throw new MatpowerError(
      island.line,
      `bus ${island.cells[BUS.number]} cannot be reached from the reference bus ${root} by branches in service`,
    );
  const branches = inService.map((row) => away.get(row)!);
  noteBranches(rows, inService, branches, root, notes);
  return { branches, voltageBase };
}

/** MATPOWER takes a rating of 0, and one of 1e10 MVA, as no limit. */
function ratingOf(row: Row): number | null {
  const rating = row.cells[BRANCH.rateA];
  if (!(rating >= 0))
    throw new MatpowerError(row.line, `rateA = ${rating} is ${rating < 0 ? "below 0" : "not a number"}`);
  if (rating > 0 && rating < SMALLEST)
    throw new MatpowerError(row.line, `rateA = ${rating} is below ${SMALLEST}; 0 says unlimited`);
  return rating === 0 || rating >= UNLIMITED_MVA ? null : rating;
}

function noteBranches(
  rows: readonly Row[],
  inService: readonly Row[],
  branches: readonly Oriented[],
  root: number,
  notes: string[],
): void {
  const note = (number: number, what: string): unknown =>
    number > 0 && notes.push(`${count(number, "branch", "branches")} ${what}`);
  note(rows.length - inService.length, "out of service left out");
  note(
    branches.filter(({ from }, k) => inService[k].cells[BRANCH.from] !== from).length,
    `turned to point away from bus ${root}`,
  );
  note(branches.filter(({ ratingMva }) => ratingMva === null).length, "without a rating: unlimited");
  note(
    branches.filter(({ rPu, xPu }) => rPu === 0 && xPu === 0).length,
    "without impedance: the same voltage at both ends",
  );
  for (const row of inService) {
    const { [BRANCH.ratio]: tap, [BRANCH.shift]: shift } = row.cells;
    if (tap !== 0 && tap !== 1)
      notes.push(`${nameOf(row)}: tap ratio ${tap} carried by the voltage base of everything below it`);
    if (shift !== 0)
      notes.push(
        `${nameOf(row)}: phase shift ${shift} degrees: in a radial feeder it changes no power and no magnitude`,
      );
  }
}
