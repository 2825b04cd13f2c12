import { cellComplaint, decimalSign, numberIn } from "../table.ts";
import { complainAbout, type Findings } from "./findings.ts";
import { readSheet } from "./sheet.ts";
import { clockTime } from "./terms.ts";

/** Sizes and costs that a column of members.csv may say; blank: the member has no such device, or the default. */
const NUMBERS = {
  pvKw: "panels",
  batteryKw: "battery power",
  batteryKwh: "battery energy",
  batteryPercent: "stored when the session starts",
  batteryWearPerKwh: "wear of the battery",
  generatorKw: "generator",
  generatorPerKwh: "its fuel",
  generatorGramPerKwh: "its emissions",
  flexiblePercent: "part of the load that can be shifted",
  evKw: "charger",
  evKwh: "energy that the car needs",
  heatPumpKw: "heat pump",
  heatPumpCop: "heat for each kWh",
  heatKwhPerDay: "hot water",
  heatStoreKwhPerC: "size of the tank or house",
  heatLossWattPerC: "its losses",
  heatLowC: "low end of comfort",
  heatHighC: "high end of comfort",
} as const;
export type MemberNumber = keyof typeof NUMBERS;

/** Words and times of day that a column may hold. */
const CHOICES = { evDays: ["all", "workdays", "weekend"], heats: ["water", "rooms"] } as const;
const TIMES = ["evFrom", "evTo"] as const;
const TEXTS = ["id", "name", "bus", "load", "pv", ...TIMES, "evDays", "heats"] as const;
const MOST: Partial<Record<MemberNumber, number>> = {
  batteryPercent: 100,
  flexiblePercent: 100,
  generatorPerKwh: 1e4,
  heatPumpCop: 10,
  heatLowC: 90,
  heatHighC: 95,
};
/** A column that says nothing without another. */
const TOGETHER: readonly (readonly [one: Column, other: Column])[] = [
  ["batteryKw", "batteryKwh"],
  ["batteryKwh", "batteryKw"],
  ["generatorKw", "generatorPerKwh"],
  ["generatorPerKwh", "generatorKw"],
  ["evKw", "evKwh"],
  ["evKw", "evFrom"],
  ["evKw", "evTo"],
  ["evKwh", "evKw"],
  ["heats", "heatPumpKw"],
  ["heatPumpCop", "heatPumpKw"],
  ["heatKwhPerDay", "heatPumpKw"],
];
/** A size that says nothing where the other is zero. */
const NOTHING_WITHOUT: readonly (readonly [one: MemberNumber, other: MemberNumber])[] = [
  ["batteryKw", "batteryKwh"],
  ["batteryKwh", "batteryKw"],
  ["evKw", "evKwh"],
  ["evKwh", "evKw"],
  ["heatKwhPerDay", "heatPumpKw"],
];
const MOST_KW = 1e5;

type Column = MemberNumber | (typeof TEXTS)[number];
type Numbers = Readonly<Partial<Record<MemberNumber, number>>>;

/** A row of members.csv. */
export type Member = {
  readonly id: string;
  readonly name: string;
  /** Number or name, as the feeder's file has it. */
  readonly bus: string;
  /** Series named for it: `file`, or `file:column`; absent: found by the member's id. */
  readonly load: string | undefined;
  readonly pv: string | undefined;
  readonly numbers: Numbers;
  readonly vehicle?: Pick<Numbers, "evKw" | "evKwh"> & {
    readonly evFrom?: string;
    readonly evTo?: string;
    readonly evDays?: (typeof CHOICES)["evDays"][number];
  };
  readonly heatPump?: Pick<Numbers, Extract<MemberNumber, `heat${string}`>> & {
    readonly heats?: (typeof CHOICES)["heats"][number];
  };
  readonly file: string;
  readonly line: number;
};

/** Reads members.csv (or .xlsx); everything that is wrong in it is noted, with line and column. Throws InputError. */
export async function readMembers(file: string, found: Findings): Promise<Member[]> {
  const { columns, rows } = await readSheet(file);
  const complaints: string[] = [];
  const known: readonly string[] = [...TEXTS, ...Object.keys(NUMBERS)];
  for (const column of columns)
    if (!known.includes(column))
      complaints.push(`${file}: line 1: column ${JSON.stringify(column)}: unknown; known: ${known.join(", ")}`);
  for (const needed of ["id", "bus"])
    if (!columns.includes(needed))
      complaints.push(`${file}: line 1: there is no column ${needed}; there are: ${columns.join(", ")}`);
  if (complaints.length > 0) {
    complainAbout(found, file, complaints);
    return [];
  }
  const decimal = decimalSign(rows, columns, (name) => (name in NUMBERS ? "number" : "text"), file);
  const lineOf = new Map<string, number>();
  const members = rows.map(({ cells, line }): Member => {
    const cell = (column: string): string => cells[columns.indexOf(column)] ?? "";
    const fail = (column: string, reason: string): void =>
      void complaints.push(cellComplaint(file, line, column, cell(column), reason).message);
    const id = cell("id");
    if (!/^[\p{L}\p{N}_-]{1,40}$/u.test(id)) fail("id", "must be 1 to 40 letters, digits, - or _");
    else if (lineOf.has(id)) fail("id", `line ${lineOf.get(id)} has it already`);
    lineOf.set(id, line);
    if (cell("bus") === "") fail("bus", "is blank: where on the feeder is the member?");
    const numbers: Partial<Record<MemberNumber, number>> = {};
    for (const column of Object.keys(NUMBERS) as MemberNumber[]) {
      if (cell(column) === "") continue;
      const value = numberIn(cell(column), decimal);
      const most = MOST[column] ?? MOST_KW;
      if (typeof value === "string") fail(column, value);
      else if (value < 0 || value > most) fail(column, `must be from 0 to ${most}`);
      else numbers[column] = value;
    }
    for (const [one, other] of TOGETHER)
      if (cell(one) !== "" && cell(other) === "")
        fail(other, `is blank, but ${one} is ${cell(one)}: one says nothing without the other`);
    for (const [one, other] of NOTHING_WITHOUT)
      if (numbers[one] && numbers[other] === 0) fail(other, `is nothing, but ${one} is ${cell(one)}: leave out both`);
    const words = wordsIn(cell, fail);
    const { evKw, evKwh } = numbers;
    if (evKw !== undefined && words.evFrom !== undefined && words.evFrom === words.evTo)
      fail("evTo", "is evFrom: how long is the car there?");
    const heat = Object.entries(numbers).filter(([column]) => column.startsWith("heat"));
    const { heatLowC, heatHighC } = numbers;
    if (heatLowC !== undefined && heatHighC !== undefined && heatLowC >= heatHighC)
      fail("heatLowC", `must be below heatHighC = ${heatHighC}`);
    const ref = (column: string): string | undefined => cell(column) || undefined;
    return {
      id,
      name: cell("name") || id,
      bus: cell("bus"),
      load: ref("load"),
      pv: ref("pv"),
      numbers,
      vehicle: { ...(evKw !== undefined && { evKw }), ...(evKwh !== undefined && { evKwh }), ...words },
      heatPump: { ...Object.fromEntries(heat), ...(words.heats && { heats: words.heats }) },
      file,
      line,
    };
  });
  complainAbout(found, file, complaints);
  return complaints.length > 0 ? [] : members;
}

type Words = Pick<NonNullable<Member["vehicle"]>, "evFrom" | "evTo" | "evDays"> &
  Pick<NonNullable<Member["heatPump"]>, "heats">;

/** The columns that are a time of day or one of a few words. */
function wordsIn(cell: (column: string) => string, fail: (column: string, reason: string) => void): Words {
  const words: Record<string, string> = {};
  for (const column of TIMES) {
    const text = cell(column).replace(/^(\d):/, "0$1:");
    if (text === "") continue;
    if (clockTime.safeParse(text).success) words[column] = text;
    else fail(column, "must be a time of day, such as 18:00");
  }
  for (const [column, choices] of Object.entries(CHOICES)) {
    const text = cell(column);
    if (text === "") continue;
    if (choices.some((choice) => choice === text)) words[column] = text;
    else fail(column, `must be ${choices.join(" or ")}`);
  }
  return words as Words;
}
