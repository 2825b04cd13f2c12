import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import excel from "exceljs";
import {
  collected,
  folder,
  hour,
  options,
  POINT,
  portal,
  position,
  quarter,
  RECORD,
  vienna,
} from "../../test/support/meterFiles.ts";
import { InputError } from "../io/inputError.ts";
import { noFindings } from "../scenarios/community/findings.ts";
import { readEda } from "./eda.ts";
import { readMessage } from "./mqtt.ts";
import { readPortal } from "./portal.ts";

const HEAD = "Zeitstempel;Bezug [kWh];Einspeisung [kWh];Erzeugung [kWh];Status";
const DAY = [
  HEAD,
  "15.07.2026 08:00;0,1234;0,0000;0,0500;L1",
  "15.07.2026 08:15;0,1234;0,0000;0,0500;L1",
  "15.07.2026 08:30;0,1234;1,0000;2,0500;L2",
  "15.07.2026 08:45;0,1234;0,0004;0,0000;L1",
].join("\n");
/** The same file with one line changed. */
const changed = (from: string, to: string): string => DAY.replace(from, to);

async function workbook(name: string, rows: readonly (readonly (string | number)[])[]): Promise<string> {
  const book = new excel.Workbook();
  const sheet = book.addWorksheet("Werte");
  for (const row of rows) sheet.addRow([...row]);
  const file = join(folder, name);
  writeFileSync(file, Buffer.from(await book.xlsx.writeBuffer()));
  return file;
}

describe("meters' files", () => {
  it("of a portal become readings, fractions of a Wh carried on", async () => {
    const { intervals, wrong } = await portal("home.csv", DAY);
    expect(wrong).to.deep.equal([]);
    // Sums: -123.4, -246.8, +629.8 and +506.8 Wh, each rounded down, and their differences.
    const rows = ["-124 50 measured", "-123 50 measured", "876 2050 estimated", "-123 0 measured"];
    expect(collected(quarter, intervals)).to.deep.equal({ readings: rows, notes: [] });
    expect(collected(hour, intervals).readings).to.deep.equal(["506 2150 estimated"]);
  });

  it("may count in Wh with three decimals only where the column shows that its points are decimal signs", async () => {
    const reads = { ...options, unit: undefined };
    const table = (unit: string, ...values: readonly string[]): string =>
      [`Zeit;Bezug [${unit}]`, ...values.map((value, k) => `15.07.2026 08:${15 * k || "00"};${value}`)].join("\n");
    for (const unit of ["Wh", "W"])
      for (const values of [["1.234"], ["250", "1.234"], ["2.000", "1.234"]]) {
        const { intervals, wrong } = await portal("home.csv", table(unit, ...values, "7", "8"), reads);
        expect(intervals).to.deep.equal([]);
        expect(wrong[0]).to.match(/^home\.csv: line \d: Bezug = "\d\.\d{3}": is its point a decimal sign or a mark/);
      }
    for (const told of ["0.250", "1.5", "1234", "1234.567", "7."]) {
      const { intervals, wrong } = await portal("home.csv", table("Wh", "1.234", told, "7", "8"), reads);
      expect(wrong, told).to.deep.equal([]);
      expect(intervals[0].microWh).to.equal(1_234_000n);
    }
    const { intervals } = await portal("home.csv", table("kWh", "1.234", "2.345"), reads);
    expect(intervals[0].microWh).to.equal(1_234_000_000n);
  });

  it("of a workbook are the same", async () => {
    const at = (q: number): string => `2026-07-15 08:${String(15 * q).padStart(2, "0")}`;
    const file = await workbook("home.xlsx", [
      ["Time", "Import [kWh]", "Export [kWh]"],
      ...[0, 1, 2, 3].map((q) => [at(q), 0.1 + 0.2, q / 8]),
    ]);
    const intervals = await readPortal(file, options, vienna, noFindings());
    expect(collected(quarter, intervals).readings).to.deep.equal([
      "-300 0 measured",
      "-175 0 measured",
      "-50 0 measured",
      "75 0 measured",
    ]);
  });

  it("of a workbook are numbers beyond doubt, and a folder of its name is refused", async () => {
    const file = await workbook("wh.xlsx", [
      ["Time", "Import [Wh]"],
      ["2026-07-15 08:00", 1.234],
      ["2026-07-15 08:15", 5],
    ]);
    const intervals = await readPortal(file, options, vienna, noFindings());
    expect(intervals[0].microWh).to.equal(1_234_000n);
    const other = join(folder, "folder.xlsx");
    mkdirSync(other);
    const refused = await readPortal(other, options, vienna, noFindings()).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(InputError).with.property("message", `${other}: cannot be read (EISDIR)`);
  });

  it("keep both of the hours that autumn doubles, and refuse the one that spring leaves out", async () => {
    const rows = (date: string, hours: readonly string[]): string =>
      ["Time,Import [kWh]", ...hours.map((at, k) => `${date} ${at},0.00${k + 1}`)].join("\n");
    const autumn = await portal("home.csv", rows("2026-10-25", ["01:00", "02:00", "02:00", "03:00"]));
    const night = { start: Date.parse("2026-10-24T23:00Z") / 1000, seconds: 3600, periods: 4 };
    expect(collected(night, autumn.intervals).readings).to.deep.equal([1, 2, 3, 4].map((k) => `-${k} 0 measured`));
    const spring = await portal("home.csv", rows("2026-03-29", ["01:00", "02:00", "03:00"]));
    expect(spring.wrong[0]).to.contain('home.csv: line 3: Time = "2026-03-29 02:00": there is no such time');
  });

  const spoilt: readonly [what: string, text: string, says: string][] = [
    ["a time twice", changed("08:30", "08:15"), "line 4: Zeitstempel"],
    ["a time before the last", changed("08:45", "07:00"), "comes before line 4"],
    ["a value below zero", changed("0,1234;1,0000", "-0,1234;1,0000"), 'line 4: Bezug = "-0,1234": is below zero'],
    ["a value no home draws", changed("0,1234;1,0", "123400,0;1,0"), 'line 4: Bezug = "123400,0": is more than'],
    ["a word among numbers", changed("1,0000", "viel"), 'line 4: Einspeisung = "viel": is not a number'],
    ["a time that cannot be read", changed("15.07.2026 08:30", "gestern"), 'line 4: Zeitstempel = "gestern": is not'],
    ["the newest first", [HEAD, ...DAY.split("\n").slice(1).toReversed()].join("\n"), "begin with the newest"],
    ["one row", DAY.split("\n").slice(0, 2).join("\n"), "too few to tell"],
    [
      "two columns of one register",
      changed("Bezug", "Netzbezug").replace("Erzeugung", "Gesamtverbrauch"),
      "line 1: columns Netzbezug and Gesamtverbrauch: each may be import of home",
    ],
    ["a flag nobody knows", changed("L2", "XX"), 'line 4: Status = "XX": is no flag known'],
    ["a register nobody knows", changed("Erzeugung [kWh]", "Kanal 3 [kWh]"), "line 1: column Kanal 3: import, export"],
  ];
  for (const [what, text, says] of spoilt)
    it(`with ${what} are refused by line and column`, async () => {
      const { intervals, wrong } = await portal("home.csv", text);
      expect(intervals).to.deep.equal([]);
      expect(wrong).to.have.length(1);
      expect(wrong[0])
        .to.match(/^home\.csv: /)
        .and.contain(says);
    });

  it("with a gap, a blank and a flag for nothing are missing there, and say so", async () => {
    const row = "15.07.2026 08:15;0,1234;0,0000;0,0500;L1\n";
    const gap = await portal("home.csv", changed(row, ""));
    const missing = collected(quarter, gap.intervals);
    expect(missing.readings[1]).to.equal("0 0 missing");
    expect(missing.notes).to.deep.equal(["prosumer 7: 1 of 4 periods are missing, from 2026-07-15T06:15:00Z"]);
    expect(collected(hour, gap.intervals).readings).to.deep.equal(["0 0 missing"]);
    const blank = await portal("home.csv", changed("0,1234;1,0000", ";1,0000"));
    expect(collected(quarter, blank.intervals).readings[2]).to.equal("0 0 missing");
    const flagged = await portal("home.csv", changed("L2", "F"));
    expect(collected(quarter, flagged.intervals).readings[2]).to.equal("0 0 missing");
  });

  it("have a flag for each of their columns, or one for all", async () => {
    const two = "time;Bezug [kWh];Status Bezug;Einspeisung [kWh];Status Einspeisung";
    const { intervals } = await portal("home.csv", `${two}\n2026-07-15 08:00;1;V;5;E\n2026-07-15 09:00;2;F;1;V`);
    const told = intervals.map(({ register, quality }) => `${register} ${quality}`);
    expect(told).to.deep.equal(["import measured", "import missing", "export estimated", "export measured"]);
  });

  it("have the parts of a tariff added; what no meter counts is not used", async () => {
    const text =
      "time;Bezug HT [kWh];Bezug NT [kWh];Eigenverbrauch [kWh]\n2026-07-15 08:00;1;2;9\n2026-07-15 09:00;3;;9";
    const { intervals, wrong, assumed } = await portal("home.csv", text);
    expect(wrong).to.deep.equal([]);
    expect(assumed).to.deep.equal(["home.csv: line 1: column Eigenverbrauch: no meter counts it and is not used"]);
    const told = intervals.map(({ microWh, quality }) => `${microWh / 1_000_000n} ${quality}`);
    expect(told).to.deep.equal(["3000 measured", "0 missing"]);
  });

  it("too coarse for the session, or of a point that is nobody's, are told", async () => {
    const { intervals } = await portal("home.csv", "Time,Import [kWh]\n2026-07-15 08:00,1\n2026-07-15 09:00,1");
    expect(collected(quarter, intervals).notes[0]).to.contain("home.csv: line 2: Import: an interval of 60 minutes");
    expect(collected(hour, intervals, { home: 7, other: 8 } as never).notes).to.deep.equal([
      "prosumer 8: metering point other has no value: every period is missing",
    ]);
    const other = await portal("nobody.csv", "Time,Import [kWh]\n2026-07-15 08:00,1\n2026-07-15 09:00,1");
    expect(collected(hour, other.intervals).notes[0]).to.equal(
      "nobody.csv: line 2: Import: metering point nobody is nobody's",
    );
  });

  it("that contradict each other are told; better values take the place of worse ones", async () => {
    const first = await portal("home.csv", DAY);
    const better = await portal("home.csv", changed("0,1234;1,0000;2,0500;L2", "0,1234;0,9000;1,9500;L1"));
    const { readings } = collected(quarter, [...first.intervals, ...better.intervals]);
    expect(readings[2]).to.equal("776 1950 measured");
    const contrary = await portal("home.csv", changed("08:45;0,1234", "08:45;0,2234"));
    const told = collected(quarter, [...first.intervals, ...contrary.intervals]);
    expect(told.readings).to.deep.equal(collected(quarter, first.intervals).readings);
    expect(told.notes).to.have.length(1);
    expect(told.notes[0]).to.contain("is 0.2234 kWh, but 0.1234 at home.csv: line 5: Bezug, which stands");
  });
});

describe("a grid operator's consumption record", () => {
  const read = (xml: string) => {
    const found = noFindings();
    return { intervals: readEda({ file: "p.xml", xml }, found), ...found };
  };

  it("becomes readings; a community's computed shares are none", () => {
    const { intervals, wrong } = read(RECORD);
    expect(wrong).to.deep.equal([]);
    const points = { [POINT]: 7 };
    expect(collected(quarter, intervals, points)).to.deep.equal({
      readings: ["250 0 measured", "1250 0 measured", "2375 0 estimated", "3400 0 measured"],
      notes: [],
    });
    expect(collected(quarter, intervals, points, [POINT]).readings[3]).to.equal("3400 3500 measured");
  });

  const spoilt: readonly [what: string, from: string, to: string, says: string][] = [
    ["a time twice", "08:15:00+02:00</DTF>", "08:00:00+02:00</DTF>", "DT"],
    ["no unit of energy", 'G.01" UOM="KWH"', 'G.01" UOM="MB"', 'line 10: column 7: UOM = "MB": KWH or MWH'],
    ["a method nobody knows", "<MM>L2</MM>", "<MM>L9</MM>", 'line 13: column 7: MM = "L9": L1, L2 or L3'],
    ["a value below zero", "<BQ>0.125", "<BQ>-0.125", 'line 13: column 7: BQ = "-0.125": is below zero'],
    ["a value no home draws", "<BQ>0.125", "<BQ>125000", 'line 13: column 7: BQ = "125000": is more than'],
    ["a word for a value", "<BQ>0.125", "<BQ>viel", 'line 13: column 7: BQ = "viel": is not a number'],
    ["a time without its zone", "08:30:00+02:00</DTF>", "08:30:00</DTF>", "says no zone"],
    ["another interval", "<MeteringIntervall>QH", "<MeteringIntervall>D", 'MeteringIntervall = "D": QH or H'],
    [
      "a word that objects know for its interval",
      "<MeteringIntervall>QH",
      "<MeteringIntervall>constructor",
      'MeteringIntervall = "constructor": QH or H',
    ],
  ];
  for (const [what, from, to, says] of spoilt)
    it(`with ${what} is refused by line and column`, () => {
      const { intervals, wrong } = read(RECORD.replace(from, to));
      expect(intervals).to.deep.equal([]);
      expect(wrong[0])
        .to.match(/^p\.xml: line \d+: column \d+: /)
        .and.contain(says);
    });

  it("of a year is read in a few seconds", () => {
    const first = Date.parse("2026-01-01T00:00Z");
    const at = (k: number): string => new Date(first + 900_000 * k).toISOString();
    const positions = Array.from(
      { length: 35_040 },
      (_, k) => `<EP><DTF>${at(k)}</DTF><DTT>${at(k + 1)}</DTT><MM>L1</MM><BQ>0.${k % 7}</BQ></EP>`,
    );
    const { intervals, wrong } = read(
      RECORD.replace(position(0, "99"), "").replace(/ +<EP>[^]*<.EP>/, positions.join("\n")),
    );
    expect(wrong).to.deep.equal([]);
    expect(intervals).to.have.length(35_040);
    expect(intervals.at(-1)!.place).to.equal("p.xml: line 35050: column 1");
  }).timeout(30_000);

  it("with an interval twice is refused", () => {
    const twice = RECORD.replace(position(0, "0.25"), `${position(0, "0.25")}\n${position(0, "0.25")}`);
    expect(read(twice).wrong[0]).to.contain("p.xml: line 12: column 7: DTF").and.contain("has this time already");
  });

  it("that is broken, another document, or of no point is refused at once", () => {
    expect(() => read(RECORD.replace("</cr:ProcessDirectory>", ""))).to.throw(/^p\.xml: line \d+: column \d+: /);
    expect(() => read("<Invoice/>")).to.throw("p.xml: is no ConsumptionRecord");
    expect(() => read(RECORD.replace(/<ct:MeteringPoint>.*/, ""))).to.throw("names no MeteringPoint");
  });

  it("with entities from elsewhere, or elements in elements without end, is refused at once", () => {
    const foreign = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]>\n<cr:Consumption';
    for (const xml of [RECORD.replace("<cr:Consumption", foreign), "<a>".repeat(20_000) + "</a>".repeat(20_000)])
      expect(() => read(xml))
        .to.throw(InputError)
        .with.property("message")
        .match(/^p\.xml: is no XML that is read here: [^\n]+$/);
  });
});

describe("a meter's message", () => {
  const message = { point: "home", start: "2026-07-15T08:00:00+02:00", seconds: 900, importWh: 120 };
  const told = (change: object): string | undefined => {
    const read = readMessage("meters/home", JSON.stringify({ ...message, ...change }));
    return typeof read === "string" ? read : undefined;
  };

  it("becomes intervals", () => {
    const read = readMessage("meters/home", JSON.stringify({ ...message, exportWh: 20.5, renewableWh: 30 }));
    expect(collected({ ...quarter, periods: 1 }, read as never).readings).to.deep.equal(["-100 30 measured"]);
  });

  it("says what was generated by either name, not by both", () => {
    const by = (change: object) => readMessage("meters/home", JSON.stringify({ ...message, ...change }));
    expect(by({ generationWh: 30 })).to.deep.equal(by({ renewableWh: 30 }));
    expect(told({ generationWh: 30, renewableWh: 31 })).to.contain(
      "renewableWh = 31: generationWh is the same register",
    );
  });

  it("that is none is told by topic, field and value", () => {
    expect(readMessage("meters/home", "120 Wh")).to.contain("meters/home: is no JSON");
    expect(told({ importWh: -1 })).to.contain("meters/home: importWh = -1: ");
    expect(told({ importWh: 1e9 })).to.contain("meters/home: importWh = 1000000000: is more than 1000 kW");
    expect(told({ start: "2026-07-15T08:07:00+02:00" })).to.contain("is off intervals of 900 s");
    expect(told({ start: "2026-07-15T08:00:00" })).to.contain('meters/home: start = "2026-07-15T08:00:00": ');
    expect(told({ importWh: undefined })).to.contain("meters/home: has none of");
    expect(told({ extra: 1 })).to.contain("meters/home: extra = 1: unknown; known: point, ");
  });
});
