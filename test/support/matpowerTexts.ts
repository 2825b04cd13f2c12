import type { Line, Network } from "./ybusFlow.ts";

/** A text that people write, and the network it means, said by hand in other units or another way. */
export type Meant = readonly [what: string, text: string, network: Network];
/** A text that must be refused: the line and the reason. */
export type Refused = readonly [what: string, text: string, line: number, reason: RegExp];

/** Four buses, 10 MVA, 10 kV: what most of the texts mean. */
const LINES: readonly Line[] = [
  { from: 1, to: 2, r: 0.05, x: 0.04 },
  { from: 2, to: 3, r: 0.01, x: 0.03 },
  { from: 2, to: 4, r: 0.02, x: 0.02 },
];
const FOUR: Network = {
  baseMva: 10,
  slack: 1,
  slackPu: 1.02,
  loads: { 2: [0.4, 0.2], 3: [1.1, 0.5], 4: [2, 1] },
  branches: LINES,
};
const withLoads = (loads: Network["loads"]): Network => ({ ...FOUR, loads: { ...FOUR.loads, ...loads } });
const withLine = (k: number, change: Partial<Line>): Network => ({
  ...FOUR,
  branches: LINES.map((line, i) => (i === k ? { ...line, ...change } : line)),
});

const BUS = `mpc.bus = [
  1 3 0 0 0 0 1 1 0 10 1 1.1 0.9;
  2 1 0.4 0.2 0 0 1 1 0 10 1 1.1 0.9;
  3 1 1.1 0.5 0 0 1 1 0 10 1 1.1 0.9;
  4 1 2 1 0 0 1 1 0 10 1 1.1 0.9;
];`;
const GEN = "mpc.gen = [1 0 0 10 -10 1.02 100 1 10 0];";
const BRANCH = `mpc.branch = [
  1 2 0.05 0.04 0 0 0 0 0 0 1 -360 360;
  2 3 0.01 0.03 0 0 0 0 0 0 1 -360 360;
  2 4 0.02 0.02 0 7.5 0 0 0 0 1 -360 360;
];`;
type Parts = Partial<Record<"head" | "version" | "base" | "bus" | "gen" | "branch" | "tail", string>>;

/** Lines: 1 head, 2 version, 3 base, 4-9 bus (rows 5-8), 10 gen, 11-15 branch (rows 12-14), 16 tail. */
const text = (parts: Parts = {}): string => {
  const { head = "function mpc = four", version = "mpc.version = '2';", base = "mpc.baseMVA = 10;", tail = "" } = parts;
  return `${[head, version, base, parts.bus ?? BUS, parts.gen ?? GEN, parts.branch ?? BRANCH, tail].join("\n")}\n`;
};
const put = (table: string, find: string, other: string): string => {
  if (!table.includes(find)) throw new Error(`${find} is not in the table`);
  return table.replace(find, other);
};
const bus = (find: string, other: string): string => text({ bus: put(BUS, find, other) });
const branch = (find: string, other: string): string => text({ branch: put(BRANCH, find, other) });

const OHMS = put(put(put(BRANCH, "0.05 0.04", "0.5 0.4"), "0.01 0.03", "0.1 0.3"), "0.02 0.02", "0.2 0.2");
const KW = put(put(put(BUS, "0.4 0.2", "400 200"), "1.1 0.5", "1100 500"), "1 2 1 0", "1 2000 1000 0");
const NAMES = "[PQ, PV, REF, NONE, BUS_I, BUS_TYPE, PD, QD, GS, BS, BUS_AREA, VM, ...\n  VA, BASE_KV] = idx_bus;";
const CONVERSIONS = `${NAMES}
[F_BUS, T_BUS, BR_R, BR_X] = idx_brch;
Vbase = mpc.bus(1, BASE_KV) * 1e3;
Sbase = mpc.baseMVA * 1e6;
mpc.branch(:, [BR_R BR_X]) = mpc.branch(:, [BR_R BR_X]) / (Vbase^2 / Sbase);
mpc.bus(:, [PD, QD]) = mpc.bus(:, [PD, QD]) / 1e3;`;
const POWER_FACTOR = `pf = 0.8;
mpc.bus(2, 4) = mpc.bus(2, 3) * sin(acos(pf)) / 1e3;
mpc.bus(2, 3) = mpc.bus(2, 3) * pf / 1e3;`;
const ON_ONE_MVA = `mpc.branch = [
1 2 .005 .004 0 0 0 0 0 0 1 0 0
2 3 1e-3 3e-3 0 0 0 0 0 0 1 0 0
2 4 2e-3 2e-3 0 0 0 0 0 0 1 0 0];`;
const STREET = Array.from({ length: 12 }, (_, k) => k + 1);
const houseRow = (k: number): string =>
  `${k} ${k === 1 ? 3 : 1} ${k === 1 ? 0 : k / 20} ${k / 50} 0 0 1 1 0 10 1 1.1 0.5`;

export const IMPORTED: readonly Meant[] = [
  ["the plain case", text(), FOUR],
  ["a byte order mark and Windows lines", `\uFEFF${text().replaceAll("\n", "\r\n")}`, FOUR],
  ["old Macintosh lines", text().replaceAll("\n", "\r"), FOUR],
  ["tabs", text().replaceAll(/ (?=[\d-])/g, "\t"), FOUR],
  ["tabs and blanks mixed", bus("1 0.4 0.2 0 0", "\t1\t  0.4 \t0.2\t0   0"), FOUR],
  ["commas", text({ bus: BUS.replaceAll(/(?<=\d) (?=[\d.])/g, ",") }), FOUR],
  ["commas with blanks", text({ branch: BRANCH.replaceAll(/(?<=\d) (?=[\d.-])/g, " , ") }), FOUR],
  ["rows without semicolons", text({ bus: BUS.replaceAll(";\n", "\n"), branch: BRANCH.replaceAll(";\n", "\n") }), FOUR],
  ["a table on one line", text({ bus: BUS.replaceAll("\n", " ") }), FOUR],
  ["blank lines and comments between rows", bus("  3 1", "\n  % the shop; 3 1 9 9 ];\n\n  3 1"), FOUR],
  ["comments after rows", branch("1 -360 360;", "1 -360 360; % ] mpc.baseMVA = 1; 'open"), FOUR],
  ["continuations", bus("2 1 0.4 0.2", "2 1 ... the school\n    0.4 0.2"), FOUR],
  ["a continuation glued to its number", bus("2 1 0.4 0.2", "2 1...\n 0.4 0.2"), FOUR],
  ["a continued statement", text({ base: "mpc.baseMVA = ...\n  10;" }), FOUR],
  ["a block comment with code", text({ tail: "%{\nmpc.baseMVA = 99;\n%}" }), FOUR],
  ["nested block comments", text({ tail: "%{\n%{\nx\n%}\nmpc.baseMVA = 99;\n%}" }), FOUR],
  ["a percent sign in a text", text({ tail: "mpc.note = '50% of % peak'; mpc.day = \"100 %\";" }), FOUR],
  ["quotes in a text", text({ tail: "mpc.note = 'the baker''s [line]';" }), FOUR],
  ["cell arrays", text({ tail: "mpc.bus_name = { 'a % b'; \"c\"; {'d', 'e;'}\n 'f' };" }), FOUR],
  ["a version in double quotes", text({ version: 'mpc.version = "2";' }), FOUR],
  ["a version that is a number", text({ version: "mpc.version = 2;" }), FOUR],
  ["no semicolons at all", text().replaceAll(";", ""), FOUR],
  ["a base that is an expression", text({ base: "mpc.baseMVA = 1000 / 100;" }), FOUR],
  ["a base from a variable", text({ base: "Sbase = 1e7; mpc.baseMVA = Sbase * 1e-6;" }), FOUR],
  ["statements on one line", text({ version: "mpc.version = '2', mpc.name = 'x'; k = 1;;" }), FOUR],
  ["quotients in a table", bus("0.4 0.2", "0.8/2 1 / 5"), FOUR],
  ["products in a table", bus("1.1 0.5", "1100 * 0.001 500*1e-3"), FOUR],
  ["parentheses in a table", bus("1 2 1 0", "1 (0.5 + 1.5) (1-(-1))/2 0"), FOUR],
  ["differences and signs in a table", branch("0.05 0.04", "0.06 - 0.01 +0.05-0.01"), FOUR],
  ["powers in a table", branch("0.05 0.04", "5*10^-2 4e-2^1"), FOUR],
  ["powers of units", branch("0.01 0.03", "0.1 / (10^2 / 10) 0.3/(10^2/10)"), FOUR],
  ["roots in a table", bus("0.4 0.2", "sqrt(0.16) abs(-.2)"), FOUR],
  ["a power of a half", bus("0.4 0.2", "0.16^0.5 0.04^(1/2)"), FOUR],
  [
    "units named before the table",
    text({ base: "kW = 1e-3; mpc.baseMVA = 10;", bus: put(BUS, "0.4 0.2", "400*kW 200 * kW") }),
    FOUR,
  ],
  ["numbers as people write them", bus("0.4 0.2 0 0", "+.4 2d-1 0. -0"), FOUR],
  [
    "ohms and kW converted at the end, as MATPOWER does",
    text({
      bus: KW,
      branch: OHMS,
      tail: CONVERSIONS,
    }),
    FOUR,
  ],
  [
    "define_constants",
    text({ bus: KW, tail: "define_constants;\nmpc.bus(:, PD:QD) = mpc.bus(:, PD:QD) ./ 1000;" }),
    FOUR,
  ],
  [
    "placeholders for columns",
    text({ bus: KW, tail: "[~, ~, ~, ~, ~, ~, PD, QD] = idx_bus;\nmpc.bus(:, [PD QD]) = 1e-3 * mpc.bus(:, [PD QD]);" }),
    FOUR,
  ],
  [
    "columns by number up to the end",
    text({ bus: KW, tail: "mpc.bus(2:end, 3:4) = mpc.bus(2:end, 3:4) / 1e3;" }),
    FOUR,
  ],
  [
    "one cell mended after the table",
    text({ bus: put(BUS, "1 2 1 0", "1 9 9 0"), tail: "mpc.bus(4, 3) = 2; mpc.bus(end, 4) = 1;" }),
    FOUR,
  ],
  [
    "kVA at a power factor",
    text({
      bus: put(BUS, "0.4 0.2", "500 0"),
      tail: POWER_FACTOR,
    }),
    withLoads({ 2: [0.4, 0.3] }),
  ],
  [
    "a factor behind the bracket",
    text({ base: "z = [0.5 0.4; 1 3] * 1e-1; mpc.baseMVA = 10;", branch: put(BRANCH, "0.05 0.04", "z(1, 1) z(1,2)") }),
    FOUR,
  ],
  ["a table that is a variable first", text({ bus: `${BUS.replace("mpc.bus", "rows")} mpc.bus = rows;` }), FOUR],
  [
    "a variable changed in place",
    text({ bus: `${KW.replace("mpc.bus", "rows")} rows(:, [3 4]) = rows(:, [3 4]) / 1e3; mpc.bus = rows;` }),
    FOUR,
  ],
  [
    "rows appended",
    text({
      bus: put(BUS, "  4 1 2 1 0 0 1 1 0 10 1 1.1 0.9;\n", ""),
      tail: "mpc.bus = [mpc.bus; 4 1 2 1 0 0 1 1 0 10 1 1.1 0.9];",
    }),
    FOUR,
  ],
  ["a script without a function line", text({ head: "% my feeder" }), FOUR],
  ["comments above the function line", text({ head: "% my feeder\n\nfunction mpc = four" }), FOUR],
  ["an output in brackets and empty arguments", text({ head: "function [mpc] = four()" }), FOUR],
  ["another name for the structure", text().replaceAll("mpc", "s"), FOUR],
  ["an end and a return", text({ tail: "return;\nend" }), FOUR],
  ["prices and areas", text({ tail: "mpc.gencost = [2 0 0 3 0.01 20 0];\nmpc.areas = [1 1];" }), FOUR],
  [
    "more columns than version 2 has to have",
    text({ bus: BUS.replaceAll("0.9;", "0.9 12 0.5 0 0;"), gen: put(GEN, "10 0]", "10 0 0 0 0 0 0 0 0 0 0 0 0]") }),
    FOUR,
  ],
  [
    "Inf and 0 as ratings, and limits of angles",
    branch("0.01 0.03 0 0 0 0 0 0 1 -360 360", "0.01 0.03 0 Inf inf 0 0 0 1 -30 30"),
    FOUR,
  ],
  [
    "buses in any order, branches either way",
    text({ bus: BUS.replace(/( {2}1 3 .*\n)( {2}2 1 .*\n)/, "$2$1"), branch: put(BRANCH, "2 4 0.02", "4 2 0.02") }),
    FOUR,
  ],
  ["an open tie", branch("];", "  3 4 1 1 0 0 0 0 0 0 0 -360 360;\n];"), FOUR],
  [
    "an isolated bus with a load, a shunt and a generator",
    text({
      bus: put(BUS, "];", "  9 4 5 5 1 1 1 1 0 10 1 1.1 0.9;\n];"),
      gen: put(GEN, "];", "\n9 1 0 10 -10 1 100 1 10 0];"),
    }),
    FOUR,
  ],
  ["a generator elsewhere that is off", text({ gen: put(GEN, "];", "; 3 1 0 10 -10 1.1 100 0 10 0];") }), FOUR],
  [
    "two set-points at the slack: the last holds",
    text({ gen: put(GEN, "];", "; 1 0 0 1 -1 1.04 100 1 10 0];") }),
    { ...FOUR, slackPu: 1.04 },
  ],
  [
    "three set-points, the last one off",
    text({ gen: put(GEN, "];", "; 1 0 0 1 -1 .99 100 1 10 0; 1 0 0 1 -1 1.1 100 0 10 0];") }),
    { ...FOUR, slackPu: 0.99 },
  ],
  [
    "no generator: the reference is held at its Vm",
    text({ bus: put(BUS, "1 1 0 10", "1 1.03 0 10"), gen: "mpc.gen = [];\nmpc.note = 1;" }),
    { ...FOUR, slackPu: 1.03 },
  ],
  ["a tap on a branch", branch("0.05 0.04 0 0 0 0 0", "0.05 0.04 0 0 0 0 0.95"), withLine(0, { tap: 0.95 })],
  [
    "a tap on a branch drawn towards the root",
    branch("2 4 0.02 0.02 0 7.5 0 0 0", "4 2 0.02 0.02 0 7.5 0 0 1.06"),
    withLine(2, { from: 4, to: 2, tap: 1.06 }),
  ],
  [
    "taps in a row",
    text({
      branch: put(
        put(BRANCH, "0.05 0.04 0 0 0 0 0", "0.05 0.04 0 0 0 0 0.9"),
        "0.01 0.03 0 0 0 0 0",
        "0.01 0.03 0 0 0 0 1.08",
      ),
    }),
    { ...FOUR, branches: [{ ...LINES[0], tap: 0.9 }, { ...LINES[1], tap: 1.08 }, LINES[2]] },
  ],
  ["a tap of 1", branch("0.05 0.04 0 0 0 0 0", "0.05 0.04 0 0 0 0 1"), FOUR],
  [
    "a phase shift with a tap",
    branch("0.05 0.04 0 0 0 0 0 0", "0.05 0.04 0 0 0 0 1.05 -30"),
    withLine(0, { tap: 1.05, shift: -30 }),
  ],
  ["a capacitor written as a load", bus("1.1 0.5", "0 -0.4"), withLoads({ 3: [0, -0.4] })],
  ["a generator written as a load", bus("1.1 0.5", "-3 0.5"), withLoads({ 3: [-3, 0.5] })],
  ["a load at the reference", bus("1 3 0 0", "1 3 0.7 0.1"), FOUR],
  [
    "a dcline that is off and empty tables",
    text({ tail: "mpc.dcline = [3 4 0 1 1 0 0 1 1 0 0 0 0 0 0 0 0];\nmpc.storage = [];" }),
    FOUR,
  ],
  [
    "one row a table",
    text({
      bus: put(BUS, /\n {2}3 1[^]*(?=\n\])/.exec(BUS)![0], ""),
      branch: "mpc.branch = [1 2 0.05 0.04 0 0 0 0 0 0 1 -360 360]",
    }),
    { ...FOUR, loads: { 2: [0.4, 0.2] }, branches: [LINES[0]] },
  ],
  [
    "another base",
    text({
      base: "mpc.baseMVA = 1;",
      branch: ON_ONE_MVA,
    }),
    FOUR,
  ],
  [
    "a long and loaded feeder",
    text({
      bus: `mpc.bus = [\n${STREET.map(houseRow).join("\n")}\n];`,
      branch: `mpc.branch = [\n${STREET.slice(1)
        .map((k) => `${k - 1} ${k} ${k}/1000 0.004 0 0 0 0 0 0 1 -360 360`)
        .join("\n")}\n];`,
    }),
    {
      ...FOUR,
      loads: Object.fromEntries(STREET.slice(1).map((k) => [k, [k / 20, k / 50]])),
      branches: STREET.slice(1).map((k) => ({ from: k - 1, to: k, r: k / 1000, x: 0.004 })),
    },
  ],
];

export const REFUSED: readonly Refused[] = [
  ["an if", text({ tail: "if true\n  mpc.baseMVA = 1;\nend" }), 16, /"if" is not understood/],
  ["a for", text({ tail: "for k = 1:4\n  mpc.bus(k, 3) = 0;\nend" }), 16, /"for" is not understood/],
  ["a while", text({ tail: "while 1\nend" }), 16, /"while" is not understood/],
  ["a switch", text({ tail: "switch 2\nend" }), 16, /"switch" is not understood/],
  ["a call", text({ tail: "mpc = scale_load(2, mpc);" }), 16, /"mpc =" is not understood/],
  ["a case built on another", text({ bus: "mpc = loadcase('case33bw');" }), 4, /"mpc =" is not understood/],
  ["struct()", text({ version: "mpc = struct('version', '2');" }), 2, /"mpc =" is not understood/],
  ["eval", text({ tail: "eval('mpc.baseMVA = 1;');" }), 16, /"eval\(" is not understood/],
  ["a command", text({ head: "clear all" }), 1, /"clear" is not understood/],
  ["a function of one's own in a table", bus("0.4 0.2", "kw(400) 0.2"), 6, /"kw" is not understood/],
  ["an argument", text({ head: "function mpc = four(scale)" }), 1, /a case that takes arguments/],
  ["version 1", text({ version: "mpc.version = '1';" }), 2, /only case format version 2 can be read, not "1"/],
  ["no version", text({ version: "" }), 1, /does not say mpc\.version/],
  ["version 1's header", text({ head: "function [baseMVA, bus] = four" }), 1, /version 1/],
  ["two bases", text({ base: "mpc.baseMVA = [10 20];" }), 3, /baseMVA = NaN/],
  ["no base", text({ base: "" }), 1, /baseMVA = NaN/],
  ["a mesh", branch("];", "  3 4 1 1 0 0 0 0 0 0 1 -360 360;\n];"), 15, /branch 3-4 closes a cycle/],
  ["lines in parallel", branch("];", "  1 2 1 1 0 0 0 0 0 0 1 -360 360;\n];"), 15, /branch 1-2 closes a cycle/],
  [
    "an island",
    branch("360;\n];", "360;\n];").replace("2 4 0.02 0.02 0 7.5 0 0 0 0 1", "2 4 0.02 0.02 0 7.5 0 0 0 0 0"),
    8,
    /bus 4 cannot be reached/,
  ],
  [
    "a branch to an isolated bus",
    bus("  3 1 1.1", "  3 4 1.1"),
    13,
    /branch 2-3: there is no bus 3 that is not isolated/,
  ],
  ["no reference", bus("1 3 0", "1 2 0"), 5, /no bus is the reference/],
  ["two references", bus("4 1 2 1", "4 3 2 1"), 8, /2 reference buses \(1, 4\)/],
  ["a bus twice", bus("  3 1 1.1", "  2 1 1.1"), 7, /bus 2 was given in line 6 already/],
  [
    "a generator elsewhere",
    text({ gen: put(GEN, "];", "; 3 1 0 10 -10 1 100 1 10 0];") }),
    10,
    /a generator at bus 3, away from the reference bus 1/,
  ],
  ["a shunt", bus("0.4 0.2 0 0", "0.4 0.2 0 0.3"), 6, /the shunt Bs of bus 2 = 0.3/],
  ["line charging", branch("0.01 0.03 0", "0.01 0.03 0.002"), 13, /the charging b of branch 2-3 = 0.002/],
  ["a dcline", text({ tail: "mpc.dcline = [3 4 1 1 1];" }), 16, /the dcline 3-4 is in service/],
  [
    "storage",
    text({ tail: "mpc.storage = [\n4 0 0 .2 1 .5 .5 .9 .9 1 -1 1 0 0 0 0 1];" }),
    17,
    /the storage at bus 4 is in service/,
  ],
  ["a switch table", text({ tail: "mpc.switch = [2 4 0 0 1 99 1];" }), 16, /the closed switch 2-4 is in service/],
  [
    "a table nobody knows",
    text({ tail: "mpc.capacitors = [4 0.3; 3 0.1];" }),
    16,
    /mpc\.capacitors is no table of the format/,
  ],
  ["a decimal comma", bus("0.4 0.2", "0,4 0.2"), 6, /0,4 looks like a decimal comma/],
  ["a unit in a table", bus("0.4 0.2", "0.4MW 0.2"), 6, /"0.4MW" is not a number/],
  ["a unit after a blank", bus("0.4 0.2 0", "400 kW 0.2"), 6, /"kW" is not understood/],
  ["a thousands point", bus("0.4 0.2", "1.000.000 0.2"), 6, /"1.000.000" is not a number/],
  ["an imaginary number", branch("0.05 0.04", "0.05 0.04i"), 12, /"0.04i" is not a number/],
  ["a text in a table", bus("0.4 0.2", "'0.4' 0.2"), 6, /is not a number/],
  ["a number that is none", bus("0.4 0.2", "NaN 0.2"), 6, /Pd = NaN is not a number/],
  ["a quotient by zero", bus("0.4 0.2", "0.4/0 0.2"), 6, /Pd = Infinity is not a number/],
  ["a missing column", bus("0.4 0.2 0 0", "0.4 0.2 0"), 6, /this row has 12 columns, the rows before have 13/],
  ["a table that is never closed", branch("\n];", ""), 11, /this \[ is never closed/],
  ["a table closed by the next one", text({ bus: put(BUS, "\n];", "") }), 4, /this \[ is never closed/],
  ["a text that is never closed", text({ version: "mpc.version = '2;" }), 2, /a text is not closed/],
  [
    "a block comment that is never closed",
    text({ tail: "%{\nmpc.baseMVA = 1;" }),
    16,
    /this block comment %\{ is never closed/,
  ],
  ["a comment of Octave", text({ tail: "# the end" }), 16, /the character "#" is not understood/],
  ["a transposed table", text({ tail: "mpc.bus(2, 3:4) = [0.4; 0.2]';" }), 16, /a transposed matrix/],
  ["an odd power", bus("0.4 0.2", "2^0.3 0.2"), 6, /"\^" between these operands/],
  ["a deleted row", text({ tail: "mpc.bus(4, :) = [];" }), 16, /0 x 0 numbers do not fit into 1 x 13 cells/],
  ["a band of one point", bus("1.1 0.9;\n  3", "1 1;\n  3"), 6, /bus 2: Vmin = Vmax = 1: no power can flow/],
  ["a band upside down", bus("1.1 0.9;\n  3", "0.9 1.1;\n  3"), 6, /bus 2: Vmin = 1.1 is above Vmax = 0.9/],
  ["a negative resistance", branch("0.05 0.04", "-0.05 0.04"), 12, /r = -0.05 is below 0/],
  ["a negative reactance", branch("0.05 0.04", "0.05 -0.04"), 12, /x = -0.04 is below 0/],
  ["an index beyond the table", text({ tail: "mpc.bus(5, 3) = 1;" }), 16, /the index 5 is outside 1 to 4/],
  ["a range without end", text({ tail: "mpc.bus(1:1e12, 3) = 1;" }), 16, /the index 1000000000000 is outside 1 to 4/],
  ["an addition in place", text({ tail: "mpc.baseMVA += 1;" }), 16, /"mpc.baseMVA" is not understood/],
];
