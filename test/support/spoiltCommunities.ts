/**
 * Folders of communities in which one thing is wrong, and what the one message about it must say: file, line or field,
 * value, reason.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { exampleFiles } from "../../offchain-solver/scenarios/community/example.ts";

export type Spoilt = {
  readonly name: string;
  readonly folder: string;
  readonly date?: string;
  readonly says: readonly string[];
};

type Files = Map<string, string>;
type Row = readonly [name: string, spoil: (files: Files) => void, ...says: string[]];

const SOUND = exampleFiles({ timeZone: "Europe/Vienna", from: "2026-06-01", days: 10, minutes: 60, homes: 4 });
/** The day that is asked for, unless a row asks for another. */
export const DATE = "2026-06-11";

const edit =
  (file: string, from: string | RegExp, to: string) =>
  (files: Files): void => {
    const before = files.get(file)!;
    const after = before.replace(from, to);
    if (after === before) throw new Error(`${file}: nothing to spoil at ${String(from)}`);
    files.set(file, after);
  };
const yaml = (from: string | RegExp, to: string) => edit("community.yaml", from, to);
const members = (from: string | RegExp, to: string) => edit("members.csv", from, to);
/** More columns of members.csv, with H03's cells in them. */
const more =
  (cells: Readonly<Record<string, string>>) =>
  (files: Files): void => {
    const [columns, values] = [Object.keys(cells), Object.values(cells)];
    const lines = files.get("members.csv")!.split("\n");
    const wide = lines.map((line) => {
      if (line.startsWith("id,")) return [line, ...columns].join(",");
      return /^H\d/.test(line)
        ? [line, ...values.map((value) => (line.startsWith("H03,") ? value : ""))].join(",")
        : line;
    });
    files.set("members.csv", wide.join("\n"));
  };
const CAR = { evKw: "3.7", evKwh: "12", evFrom: "18:00", evTo: "07:00" };
const load = (from: string | RegExp, to: string) => edit("series/load.csv", from, to);
const pv = (from: string | RegExp, to: string) => edit("series/pv.csv", from, to);
const feeder = (from: string | RegExp, to: string) => edit("feeder.json", from, to);
const put =
  (file: string, text: string) =>
  (files: Files): void =>
    void files.set(file, text);
const drop =
  (file: string) =>
  (files: Files): void =>
    void files.delete(file);

/** The first value of line 3 of series/load.csv, with its stamp. */
const LINE3 = /01\.06\.2026 01:00;[\d,]+/;

const ROWS: readonly Row[] = [
  [
    "a preamble above the names of columns",
    load(/^\uFEFF/, "\uFEFFMeter;street\r\nPeriod;June 2026\r\n"),
    "load.csv",
    "line 3",
    "do the names of the columns stand in line 3",
    "headLine: 3 under series",
  ],
  [
    "a preamble with as many separators as the table",
    load(/^\uFEFF/, "\uFEFFMeter;street;;;\r\nPeriod;June 2026;;;\r\n"),
    "load.csv",
    "line 3",
    "headLine: 3 under series",
  ],
  [
    "generation under a name that nobody knows",
    (files) => {
      const text = files.get("series/pv.csv")!;
      files.delete("series/pv.csv");
      files.set("series/H01.csv", text.replace(/,H0(\d)/g, ",register $1"));
    },
    "members.csv",
    "pvKw",
    "no series of its generation",
    "if it is one of H01:register",
    "write that into a column pv",
  ],
  [
    "a name that no folder can have",
    yaml("name: Lindenstrasse", "name: Linden/strasse"),
    "community.yaml",
    "name",
    "Linden/strasse",
    "no folder's name",
  ],
  ["two tables of members", put("members.xlsx", "id"), "members.xlsx", "members.csv too"],
  ["a battery that can do nothing", members(",3,7.7,", ",0,7.7,"), "members.csv", "line 4", "batteryKw", "is nothing"],
  ["panels of no size", members(",5.2,", ",0,"), "members.csv", "line 4", "pvKw = 0", "is nothing", "pv.csv"],
  ["a charger of no power", more({ ...CAR, evKw: "0" }), "members.csv", "line 5", "evKw", "evKwh is 12"],
  [
    "a heat pump of no power",
    more({ heatPumpKw: "0", heatKwhPerDay: "6" }),
    "members.csv",
    "line 5",
    "heatPumpKw",
    "heatKwhPerDay is 6",
  ],
  ["a size that is NaN", members(",5.2,", ",NaN,"), "members.csv", "line 4", "pvKw", "NaN", "not a number"],
  ["an endless size", members(",5.2,", ",1e400,"), "members.csv", "line 4", "pvKw", "1e400", "not a number"],
  ["a car that leaves at no time", more({ ...CAR, evTo: "24:30" }), "line 5", "evTo", "24:30", "time of day"],
  ["a car that asks for less than nothing", more({ ...CAR, evKwh: "-12" }), "line 5", "evKwh", "-12", "from 0 to"],
  ["marks between thousands", load(LINE3, "01.06.2026 01:00;1.234,5"), "load.csv", "line 3", "1.234,5", "thousands"],
  ["blanks between thousands", load(LINE3, "01.06.2026 01:00;1 234,5"), "load.csv", "line 3", "1 234,5", "thousands"],
  ["a formula as text", load(LINE3, "01.06.2026 01:00;=SUM(A1)"), "load.csv", "line 3", "=SUM(A1)", "not a number"],
  ["a quote that does not end", load(LINE3, '01.06.2026 01:00;"0,1'), "load.csv", "quote not closed"],
  [
    "a spring day of 24 rows",
    put("series/load.csv", springDay()),
    "load.csv",
    "line 4",
    "29.03.2026 02:00",
    "no such time",
  ],
  ["a branch from a bus to itself", feeder('"from": 2, "to": 3', '"from": 3, "to": 3'), "feeder.json", "cycle"],
  ["a feeder without a branch", feeder(/"branches": \[[^\]]*\]/, '"branches": []'), "feeder.json", "no path"],
  ["voltages upside down", feeder('"vMinPu": 0.9,', '"vMinPu": 1.2,'), "feeder.json", "vMinPu = 1.2", "above vMaxPu"],
  ["a bus twice", feeder('"bus": 3,', '"bus": 2,'), "feeder.json", "buses[2].bus = 2", "twice"],
  ["an endless price", yaml("buyPerKwh: 0.22", "buyPerKwh: .inf"), "tariff.buyPerKwh", "Infinity"],
  ["no community.yaml", drop("community.yaml"), "community.yaml", "no such file", "community init"],
  ["yaml that is none", put("community.yaml", "name: [open\n"), "community.yaml", "line"],
  ["an empty yaml", put("community.yaml", "# nothing\n"), "community.yaml", "the whole file"],
  ["a key twice", yaml("currency: EUR", "currency: EUR\ncurrency: CHF"), "community.yaml", "line", "unique"],
  ["an unknown key", yaml("currency: EUR", "currency: EUR\ncolour: red"), "community.yaml", "colour", "unknown field"],
  ["no name", yaml("name: Lindenstrasse", ""), "community.yaml", "name", "missing"],
  ["an unknown time zone", yaml("Europe/Vienna", "Europe/Wien"), "timeZone", "Europe/Wien", "no such time zone"],
  ["a currency in words", yaml("currency: EUR", "currency: Euro"), "currency", "Euro"],
  ["a period of 7 minutes", yaml("periodMinutes: 60", "periodMinutes: 7"), "periodMinutes", "7", "15, 30 or 60"],
  ["a price in words", yaml("buyPerKwh: 0.22", "buyPerKwh: much"), "tariff.buyPerKwh", "much"],
  ["a price with a comma", yaml("buyPerKwh: 0.22", "buyPerKwh: 0,22"), "tariff.buyPerKwh", "0,22"],
  ["a sale dearer than a purchase", yaml("sellPerKwh: 0.07", "sellPerKwh: 0.5"), "tariff.sellPerKwh", "0.5", "below"],
  ["a band dearer sold than bought", yaml("buyPerKwh: 0.34", "buyPerKwh: 0.05"), "tariff.bands[0].sellPerKwh", "below"],
  ["a time of day that is none", yaml('"17:00"', '"25:00"'), "tariff.bands[0].from", "25:00", "time of day"],
  ["a time of day as YAML's base 60", yaml('"17:00"', "1020"), "tariff.bands[0].from", "1020"],
  ["a band inside a period", yaml('"17:00"', '"17:20"'), "tariff.bands[0].from", "17:20", "inside a period"],
  ["a band of no length", yaml('"21:00"', '"17:00"'), "tariff.bands[0].to", "empty"],
  ["a month 13", yaml('from: "06:00", to: "22:00"', 'from: "06:00", to: "22:00", months: [13]'), "months[0]", "13"],
  ["unknown days", yaml("days: workdays", "days: sundays"), "tariff.bands[0].days", "sundays"],
  ["an allowance sold dearer", yaml("sellPerTonne: 60", "sellPerTonne: 90"), "carbon.sellPerTonne", "90", "below"],
  [
    "a carbon file that is not there",
    yaml("gridGramPerKwh: 160", "gridGramPerKwh: grid.csv"),
    "grid.csv",
    "no such file",
  ],
  ["an epsilon of 2", yaml("epsilon: 0.05", "epsilon: 2"), "epsilon", "2"],
  ["no partners", yaml("partners: 6", "partners: 0"), "partners", "0"],
  ["an offset in words", yaml("# series: {", "series: { zone: winter }\n# {"), "series.zone", "winter"],
  ["no feeder", drop("feeder.json"), "feeder.json", "no such file"],
  ["a feeder that is no JSON", put("feeder.json", "{"), "feeder.json", "is not JSON"],
  ["a feeder with a ring", feeder('"from": 2, "to": 3', '"from": 4, "to": 3'), "feeder.json", "cycle"],
  [
    "a feeder with a rating below zero",
    feeder('"ratingMva": 0.16 ', '"ratingMva": -1 '),
    "feeder.json",
    "ratingMva",
    "-1",
  ],
  ["no members", drop("members.csv"), "members.csv", "no such file"],
  ["members without lines", put("members.csv", "id,bus\n"), "members.csv", "no rows"],
  ["no column bus", members(",bus,", ",place,"), "members.csv", "place", "unknown"],
  ["an id twice", members("\nH02,", "\nH01,"), "members.csv", "line 4", "H01", "line 3 has it"],
  ["an id with a slash", members("\nH02,", "\nH/2,"), "members.csv", "line 4", "H/2"],
  ["a bus that is not there", members(",5,", ",99,"), "members.csv", "line 5", "99", "no bus"],
  ["a home at the substation", members(",5,", ",1,"), "members.csv", "line 5", "substation"],
  ["a blank bus", members(",5,", ",,"), "members.csv", "line 5", "bus", "blank"],
  ["a size in words", members(",5.2,", ",big,"), "members.csv", "line 4", "pvKw", "big", "not a number"],
  ["a size below zero", members(",5.2,", ",-5.2,"), "members.csv", "line 4", "pvKw", "-5.2"],
  ["a battery without energy", members(",3,7.7,", ",3,,"), "members.csv", "line 4", "batteryKwh", "blank"],
  ["a share above all", members(",10\n", ",110\n"), "members.csv", "line 3", "flexiblePercent", "110"],
  ["a charger without a time", more({ ...CAR, evTo: "" }), "members.csv", "line 5", "evTo", "blank, but evKw is 3.7"],
  ["a charger for no car", more({ ...CAR, evKwh: "" }), "members.csv", "line 5", "evKwh", "blank"],
  ["a time in words", more({ ...CAR, evFrom: "evening" }), "members.csv", "line 5", "evFrom", "evening", "18:00"],
  ["a stay of no time", more({ ...CAR, evTo: "18:00" }), "members.csv", "line 5", "evTo", "how long"],
  ["a day that is none", more({ ...CAR, evDays: "Sundays" }), "members.csv", "line 5", "evDays", "Sundays", "workdays"],
  [
    "a car that cannot be full in time",
    more({ ...CAR, evKwh: "90" }),
    "members.csv",
    "line 5",
    "evKwh = 90",
    "at most 43",
  ],
  [
    "a tank upside down",
    more({ heatPumpKw: "2", heatLowC: "60", heatHighC: "50" }),
    "line 5",
    "heatLowC",
    "60",
    "below",
  ],
  [
    "a pump too weak",
    more({ heatPumpKw: "0.01" }),
    "members.csv",
    "line 5",
    "heatPump of H03",
    "cannot keep lowC = 45",
  ],
  ["hot water without a pump", more({ heatKwhPerDay: "9" }), "members.csv", "line 5", "heatKwhPerDay", "heatPumpKw"],
  [
    "heat for what",
    more({ heatPumpKw: "2", heats: "pool" }),
    "members.csv",
    "line 5",
    "heats",
    "pool",
    "water or rooms",
  ],
  ["rooms in no climate", more({ heatPumpKw: "2", heats: "rooms" }), "members.csv", "line 5", "outsideC"],
  [
    "three months",
    yaml("partners: 6", "outsideC: [1, 2, 3]\npartners: 6"),
    "community.yaml",
    "outsideC",
    "exactly 12 items",
  ],
  ["a line too short", members(/\nH03,.*\n/, "\nH03,x\n"), "members.csv", "line 5", "2 cells, but 7 columns"],
  [
    "panels without a series",
    members(/("No. 3, ground floor",5),,/, "$1,4,"),
    "members.csv",
    "line 5",
    "pvKw",
    "no series",
  ],
  ["a series without panels", members(",5.2,3,", ",,3,"), "members.csv", "line 4", "pvKw", "pv.csv"],
  [
    "no series at all",
    (files) => {
      files.delete("series/load.csv");
      files.delete("series/pv.csv");
    },
    "series",
    "no file",
  ],
  ["no series of a member's load", load("H03 [kWh]", "H93 [kWh]"), "members.csv", "line 5", "H03", "no series"],
  [
    "a named series that is not there",
    (files) => {
      members("id,name,bus,", "id,name,bus,load,")(files);
      members(",4,5.2", ",4,meter7,5.2")(files);
      members(",3,9.6", ",3,,9.6")(files);
      members(/(floor",5),/, "$1,,")(files);
      members(/(first floor",6),/, "$1,,")(files);
    },
    "members.csv",
    "line 4",
    "meter7",
    "no such series",
  ],
  ["text in a number", load(LINE3, "01.06.2026 01:00;none"), "load.csv", "line 3", "H01", "none", "not a number"],
  ["NaN in a number", load(LINE3, "01.06.2026 01:00;NaN"), "load.csv", "line 3", "H01", "NaN", "not a number"],
  ["a load below zero", load(LINE3, "01.06.2026 01:00;-0,1"), "load.csv", "line 3", "H01", "-0,1", "below zero"],
  ["a load of a town", load(LINE3, "01.06.2026 01:00;5000,0"), "load.csv", "line 3", "H01", "5000", "unit"],
  ["points and commas mixed", load(LINE3, "01.06.2026 01:00;0.1"), "load.csv", "decimal"],
  ["a stamp that is none", load("01.06.2026 01:00", "yesterday"), "load.csv", "line 3", "yesterday"],
  [
    "30 February",
    load("01.06.2026 01:00", "30.02.2026 01:00"),
    "load.csv",
    "line 3",
    "30.02.2026",
    "not a time that there is",
  ],
  [
    "29 February of a year without",
    load("01.06.2026 01:00", "29.02.2026 01:00"),
    "load.csv",
    "line 3",
    "not a time that there is",
  ],
  ["25 o'clock", load("01.06.2026 01:00", "01.06.2026 25:00"), "load.csv", "line 3", "25:00"],
  ["a blank stamp", load("01.06.2026 01:00", ""), "load.csv", "line 3", "blank"],
  ["an hour twice", load("01.06.2026 02:00", "01.06.2026 01:00"), "load.csv", "line 4", "line 3 has this time"],
  ["hours out of order", load("01.06.2026 05:00", "01.06.2026 01:30"), "load.csv", "line 7", "order of time"],
  [
    "a stamp off the grid",
    load("01.06.2026 05:00", "01.06.2026 05:10"),
    "load.csv",
    "line 7",
    "off the file's intervals",
  ],
  ["American or European", load(/0(\d)\.06\.2026 /g, "06/0$1/2026 "), "load.csv", "line 2", "day or month first"],
  ["no unit", load("H01 [kWh]", "H01"), "load.csv", "H01", "kWh", "unit"],
  ["no time", load("Zeitstempel", "Nummer"), "load.csv", "no column is a time", "Nummer"],
  ["a column twice", load("H02 [kWh]", "H01 [kWh]"), "load.csv", "line 1", "two columns"],
  ["a column without name", load("H02 [kWh]", ""), "load.csv", "line 1", "column 3", "no name"],
  ["a value too many", load(LINE3, "01.06.2026 01:00;0,1;0,1"), "load.csv", "line 3", "6 cells, but 5 columns"],
  ["only a head", load(/\n[^]*/, "\n"), "load.csv", "no rows"],
  ["an empty file", put("series/load.csv", ""), "load.csv", "empty"],
  ["two hours only", load(/(02\.06\.2026 00:00)[^]*/, "$1;0,1;0,1;0,1;0,1\r\n"), "load.csv", "nothing to forecast"],
  [
    "a flag nobody knows",
    (files) => {
      load("H04 [kWh]", "H04 [kWh];Status")(files);
      load(/(\d)\r\n/g, "$1;V\r\n")(files);
      load(/(01:00;[^\r]*);V/, "$1;?")(files);
    },
    "load.csv",
    "line 3",
    "Status",
    "?",
    "no flag known",
  ],
  ["more than the panels can", pv("T12:00,", "T12:00,99"), "pv.csv", "H01", "pvKw = 9.6"],
  ["an Excel workbook that is none", put("series/H09.xlsx", "no workbook"), "H09.xlsx", "no Excel workbook"],
  ["a pandapower network in rings", put("feeder.json", pandapowerRing()), "feeder.json", "closes a ring"],
  [
    "a pandapower network cut short",
    put("feeder.json", '{"_class": "pandapowerNet", "_object": 7}'),
    "feeder.json",
    "pandapower",
  ],
  [
    "a MATPOWER case that is none",
    (files) => {
      yaml("feeder.json", "street.m")(files);
      files.set("street.m", "mpc.version = '1';");
    },
    "street.m",
    "version",
  ],
];

/** Of a day that has 23 hours. */
function springDay(): string {
  const rows = Array.from({ length: 24 }, (_, h) => `29.03.2026 ${String(h).padStart(2, "0")}:00;0,1;0,1;0,1;0,1`);
  return ["Zeitstempel;H01 [kWh];H02 [kWh];H03 [kWh];H04 [kWh]", ...rows].join("\n");
}

function pandapowerRing(): string {
  const frame = (columns: string[], data: unknown[][]) => ({
    _module: "pandas.core.frame",
    _class: "DataFrame",
    _object: JSON.stringify({ columns, index: data.map((_, k) => k), data }),
    orient: "split",
  });
  const line = (from: number, to: number) => [from, to, 0.1, 0.2, 0.1, 0.2, true];
  return JSON.stringify({
    _module: "pandapower.auxiliary",
    _class: "pandapowerNet",
    _object: {
      bus: frame(
        ["vn_kv", "in_service"],
        [
          [0.4, true],
          [0.4, true],
          [0.4, true],
        ],
      ),
      line: frame(
        ["from_bus", "to_bus", "length_km", "r_ohm_per_km", "x_ohm_per_km", "max_i_ka", "in_service"],
        [line(0, 1), line(1, 2), line(2, 0)],
      ),
      ext_grid: frame(["bus", "vm_pu", "in_service"], [[0, 1, true]]),
    },
  });
}

/** Writes all of them below a folder. */
export function spoiltCommunities(base: string): Spoilt[] {
  return ROWS.map(([name, spoil, ...says], k) => {
    const files = new Map(SOUND);
    spoil(files);
    const folder = join(base, `c${k}`);
    write(folder, files);
    return { name, folder, says };
  });
}

/** Writes a folder's files. */
export function write(folder: string, files: ReadonlyMap<string, string>): string {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}
