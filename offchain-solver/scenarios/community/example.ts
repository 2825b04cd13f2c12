import type { Feeder } from "../../grid/feeder.ts";
import { caseText } from "../caseText.ts";
import { exampleSeries, type ExampleHome } from "./exampleSeries.ts";
import { wallOf, zoneClock } from "./zoneClock.ts";

/** Which example: the one that `community init --example` writes, or another span and place for tests. */
export type ExampleOptions = {
  readonly timeZone: string;
  readonly from: string;
  readonly days: number;
  readonly minutes: 15 | 30 | 60;
  readonly homes: number;
};
export const EXAMPLE: ExampleOptions = {
  timeZone: "Europe/Vienna",
  from: "2026-06-01",
  days: 28,
  minutes: 15,
  homes: 12,
};

type Home = ExampleHome & {
  readonly batteryKw?: number;
  readonly batteryKwh?: number;
  readonly flexiblePercent?: number;
  /** More columns of members.csv: a charger, a heat pump. */
  readonly more?: Readonly<Record<string, string | number>>;
};

const car = (evKw: number, evKwh: number, evFrom: string, evTo: string) => ({ evKw, evKwh, evFrom, evTo });

const HOMES: readonly Home[] = [
  { id: "H01", name: "Bakery Moser", yearKwh: 9800, pvKw: 9.6, flexiblePercent: 10 },
  { id: "H02", name: "Family Huber", yearKwh: 4200, pvKw: 5.2, batteryKw: 3, batteryKwh: 7.7 },
  { id: "H03", name: "No. 3, ground floor", yearKwh: 1900 },
  { id: "H04", name: "No. 3, first floor", yearKwh: 2400 },
  { id: "H05", name: "Family Novak", yearKwh: 4600, pvKw: 6.4, turnedHours: 1, more: { heatPumpKw: 1.5 } },
  { id: "H06", name: "Joinery Lang", yearKwh: 7300, pvKw: 12, batteryKw: 5, batteryKwh: 10, flexiblePercent: 15 },
  { id: "H07", name: "Family Aydın", yearKwh: 3900, more: car(3.7, 12, "18:00", "07:00") },
  { id: "H08", name: "Ms Berger", yearKwh: 2100, pvKw: 3.6, turnedHours: -1 },
  {
    id: "H09",
    name: "Family Weiß",
    yearKwh: 5100,
    pvKw: 7.2,
    batteryKw: 4,
    batteryKwh: 9.6,
    more: car(11, 9, "13:30", "20:00"),
  },
  { id: "H10", name: "Kindergarten", yearKwh: 6400, pvKw: 8, more: { heatPumpKw: 2, heatKwhPerDay: 12 } },
  { id: "H11", name: "Family Petrović", yearKwh: 3300 },
  { id: "H12", name: "Family Schmid", yearKwh: 4400, pvKw: 5.6, batteryKw: 3, batteryKwh: 6.4, flexiblePercent: 10 },
];

/** The example's homes, again and again with other numbers where more are asked for. */
function homesOf(count: number): Home[] {
  return Array.from({ length: count }, (_, k) => {
    const home = HOMES[k % HOMES.length];
    return k < HOMES.length
      ? home
      : { ...home, id: `H${String(k + 1).padStart(2, "0")}`, name: `${home.name} ${k + 1}` };
  });
}

/** Files of a small community that works, by name. All of it is invented. */
export function exampleFiles(options: ExampleOptions = EXAMPLE): ReadonlyMap<string, string> {
  const homes = homesOf(options.homes);
  const clock = zoneClock(options.timeZone)!;
  const { startsMs, load, pv } = exampleSeries(homes, { clock, ...options });
  const perInterval = options.minutes / 60;
  const local = (ms: number): string => new Date(wallOf(clock, ms)).toISOString();
  const german = (ms: number): string => {
    const text = local(ms);
    return `${text.slice(8, 10)}.${text.slice(5, 7)}.${text.slice(0, 4)} ${text.slice(11, 16)}`;
  };
  const roofs = homes.flatMap((home, i) => (home.pvKw === undefined ? [] : [i]));
  const loadRows = startsMs.map((ms, t) =>
    [german(ms), ...load.map((kw) => (kw[t] * perInterval).toFixed(3).replace(".", ","))].join(";"),
  );
  const pvRows = startsMs.map((ms, t) => [local(ms).slice(0, 16), ...roofs.map((i) => pv[i][t].toFixed(2))].join(","));
  return new Map([
    ["community.yaml", yamlOf(options)],
    ["members.csv", membersOf(homes)],
    ["feeder.json", caseText(streetOf(homes.length))],
    // As a utility's portal gives it: semicolons, decimal commas, kWh an interval, the local clock.
    [
      "series/load.csv",
      `\uFEFF${[["Zeitstempel", ...homes.map(({ id }) => `${id} [kWh]`)].join(";"), ...loadRows].join("\r\n")}\r\n`,
    ],
    // As inverters give it: commas, decimal points, kW.
    ["series/pv.csv", `${[["time", ...roofs.map((i) => `${homes[i].id} (kW)`)].join(","), ...pvRows].join("\n")}\n`],
  ]);
}

function membersOf(homes: readonly Home[]): string {
  const more = [...new Set(homes.flatMap((home) => Object.keys(home.more ?? {})))];
  const head = ["id", "name", "bus", "pvKw", "batteryKw", "batteryKwh", "flexiblePercent", ...more];
  const rows = homes.map(({ id, name, pvKw, batteryKw, batteryKwh, flexiblePercent, more: its }, i) => [
    id,
    /[",]/.test(name) ? `"${name}"` : name,
    i + 3,
    pvKw ?? "",
    batteryKw ?? "",
    batteryKwh ?? "",
    flexiblePercent ?? "",
    ...more.map((column) => its?.[column] ?? ""),
  ]);
  const why = "# One line a member. bus: where the home is on the feeder. Sizes in kW and kWh; blank: there is none.";
  return `${[why, head.join(","), ...rows.map((row) => row.join(","))].join("\n")}\n`;
}

/** A 160 kVA transformer and two cables of 4 x 150 mm2 aluminium, a home every 40 m. */
function streetOf(homes: number): Feeder {
  const baseMva = 0.1;
  const baseKv = 0.4;
  const ohm = (r: number): number => Number(((r * baseMva) / (baseKv * baseKv)).toPrecision(6));
  const half = Math.ceil(homes / 2);
  const cable = { rPu: ohm(0.208 * 0.04), xPu: ohm(0.08 * 0.04), ratingMva: 0.187 };
  return {
    name: "street",
    source: "Invented: a 160 kVA transformer, two cables NAYY 4x150 (0.208 + j0.080 ohm/km, 270 A), a home every 40 m",
    baseMva,
    baseKv,
    buses: Array.from({ length: homes + 2 }, (_, i) => ({
      bus: i + 1,
      loadMw: 0,
      loadMvar: 0,
      vMinPu: 0.9,
      vMaxPu: 1.1,
    })),
    branches: [
      { from: 1, to: 2, rPu: ohm(0.0125), xPu: ohm(0.038), ratingMva: 0.16 },
      ...Array.from({ length: homes }, (_, i) => ({ from: i === 0 || i === half ? 2 : i + 2, to: i + 3, ...cable })),
    ],
  };
}

const yamlOf = ({
  timeZone,
  minutes,
}: ExampleOptions): string => `# An energy community on one street. Every figure is invented.
# gridpact community check DIR      says what is wrong, and what is assumed
# gridpact run DIR                  settles the first day after the series
# gridpact run DIR --date 2026-06-28

name: Lindenstrasse
timeZone: ${timeZone} # the clock of tariffs, reports and stamps that say no zone
currency: EUR
periodMinutes: ${minutes} # 15, 30 or 60
feeder: feeder.json # or a MATPOWER case (*.m), or a pandapower network (*.json)

# What the utility takes and pays. The first band that fits holds; outside all of them the two prices here do.
tariff:
  buyPerKwh: 0.22
  sellPerKwh: 0.07
  bands:
    - { from: "17:00", to: "21:00", days: workdays, buyPerKwh: 0.34 }
    - { from: "06:00", to: "22:00", buyPerKwh: 0.28 }
    # - { from: "22:00", to: "06:00", months: [11, 12, 1, 2], buyPerKwh: 0.19 }

# What the utility takes for answering forecast errors, per kW and hour.
reserve: { upPerKw: 0.008, downPerKw: 0.005 }

# Emissions of the grid's energy (or the name of a file of hours), the free allowance for each kWh of load, and the
# price of an allowance more or less, per tonne of CO2.
carbon: { gridGramPerKwh: 160, quotaGramPerKwh: 90, buyPerTonne: 80, sellPerTonne: 60 }

epsilon: 0.05 # how often a forecast error may break one limit in one period
partners: 6 # with how many neighbours a member may trade, or all

# outsideC: [-1, 1, 6, 11, 16, 19, 21, 20, 16, 10, 5, 1] # for heat pumps that heat rooms, January first

# How the files in series/ are read, where they do not say it themselves.
# series: { unit: kWh, stamps: start, dates: DD.MM.YYYY, zone: local, headLine: 1 }

# What members.csv does not say of a member.
# defaults: { powerFactor: 0.97, flexiblePercent: 0, batteryEfficiency: 0.95, batteryWearPerKwh: 0.02 }
`;
