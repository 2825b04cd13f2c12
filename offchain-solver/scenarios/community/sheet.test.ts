import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import excel from "exceljs";
import { InputError } from "../../io/inputError.ts";
import { noFindings } from "./findings.ts";
import { readMembers } from "./members.ts";
import { readMeters } from "./meterSeries.ts";
import { readSheet } from "./sheet.ts";
import { zoneClock } from "./zoneClock.ts";

const folder = mkdtempSync(join(tmpdir(), "gridpact-sheet-"));

async function workbook(name: string, rows: readonly (readonly unknown[])[]): Promise<string> {
  const book = new excel.Workbook();
  const sheet = book.addWorksheet("Daten");
  for (const row of rows) sheet.addRow([...row]);
  const file = join(folder, name);
  await book.xlsx.writeFile(file);
  return file;
}

describe("an Excel workbook", () => {
  it("is read as the same table in CSV: dates, numbers, formulas, blanks", async () => {
    const times = Array.from({ length: 4 }, (_, k) => new Date(Date.UTC(2026, 5, 1, 0, 15 * k)));
    const file = await workbook("H01.xlsx", [
      ["Zeitstempel", "Verbrauch [kWh]", "Status"],
      [times[0], 0.25, "V"],
      [times[1], { formula: "B2*2", result: 0.5 }, "V"],
      [times[2], null, "F"],
      [times[3], 1, "V"],
    ]);
    const found = noFindings();
    const options = { stamps: "start", headLine: 1 } as const;
    const [series] = await readMeters(file, options, zoneClock("Europe/Vienna")!, found);
    expect(found.wrong).to.deep.equal([]);
    expect([...series.kw]).to.deep.equal([1, 2, 3, 4]);
    expect(series.startMs).to.equal(Date.UTC(2026, 4, 31, 22));
    expect(found.assumed.join()).to.match(/H01\.xlsx: line 4: Verbrauch: no value from 2026-06-01 00:30/);
  });

  it("is a folder by mistake, or counts in Wh with points that may be marks between thousands", async () => {
    const other = join(folder, "folder.xlsx");
    mkdirSync(other);
    const refused = await readSheet(other).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(InputError).with.property("message", `${other}: cannot be read (EISDIR)`);
    const hours = [8, 9, 10].map((hour) => `2026-06-01 ${String(hour).padStart(2, "0")}:00`);
    const read = async (value: string | number) => {
      const rows = hours.map((at) => [at, value]);
      const found = noFindings();
      const file = await workbook("wh.xlsx", [["Zeit", "Verbrauch [Wh]"], ...rows]);
      const [series] = await readMeters(file, { stamps: "start", headLine: 1 }, zoneClock("Europe/Vienna")!, found);
      return { kw: series?.kw[0], wrong: found.wrong.join() };
    };
    expect(await read(1.234)).to.deep.equal({ kw: 0.001234, wrong: "" });
    const text = await read("1.234");
    expect(text.kw).to.equal(undefined);
    expect(text.wrong).to.include('wh.xlsx: line 2: Verbrauch = "1.234": is its point a decimal sign or a mark');
  });

  it("may hold the members, numbers as numbers", async () => {
    const file = await workbook("members.xlsx", [
      ["id", "name", "bus", "pvKw"],
      ["H01", "Café Süd", 3, 9.6],
      ["H02", "Huber", 4, null],
    ]);
    const [first, second] = await readMembers(file, noFindings());
    expect([first.name, first.bus, first.numbers.pvKw]).to.deep.equal(["Café Süd", "3", 9.6]);
    expect(second.numbers).to.deep.equal({});
  });

  it("may have the date and the time of day in columns of their own, as Excel keeps them", async () => {
    const book = new excel.Workbook();
    const sheet = book.addWorksheet("Daten");
    sheet.addRow(["Datum", "Uhrzeit", "Verbrauch [kWh]"]);
    for (let hour = 0; hour < 3; hour++)
      sheet.addRow([new Date(Date.UTC(2026, 5, 1)), new Date(Date.UTC(1899, 11, 30, hour)), hour]);
    sheet.getColumn(1).numFmt = "dd.mm.yyyy";
    sheet.getColumn(2).numFmt = "[$-407]hh:mm";
    const file = join(folder, "apart.xlsx");
    await book.xlsx.writeFile(file);
    const found = noFindings();
    const [series] = await readMeters(file, { stamps: "start", headLine: 1 }, zoneClock("Europe/Vienna")!, found);
    expect(found.wrong).to.deep.equal([]);
    expect([...series.kw]).to.deep.equal([0, 1, 2]);
    expect(series.startMs).to.equal(Date.UTC(2026, 4, 31, 22));
  });

  it("may hold a time of day as Excel keeps it", async () => {
    const book = new excel.Workbook();
    const sheet = book.addWorksheet("Daten");
    sheet.addRow(["id", "bus", "evKw", "evKwh", "evFrom", "evTo"]);
    const time = (hour: number): Date => new Date(Date.UTC(1899, 11, 30, hour, 30));
    sheet.addRow(["H01", 3, 3.7, 12, time(18), time(7)]);
    for (const column of [5, 6]) sheet.getColumn(column).numFmt = "h:mm";
    const file = join(folder, "times.xlsx");
    await book.xlsx.writeFile(file);
    const found = noFindings();
    const [{ vehicle }] = await readMembers(file, found);
    expect(found.wrong).to.deep.equal([]);
    expect(vehicle).to.deep.include({ evFrom: "18:30", evTo: "07:30" });
  });

  it("holds a merged value once, where it begins", async () => {
    const book = new excel.Workbook();
    const sheet = book.addWorksheet("Daten");
    for (const row of [
      ["id", "bus", "pvKw"],
      ["H01", 3, 9.6],
      ["H02", 4, 5.2],
    ])
      sheet.addRow(row);
    sheet.mergeCells("C2:C3");
    const file = join(folder, "merged.xlsx");
    await book.xlsx.writeFile(file);
    expect((await readMembers(file, noFindings())).map(({ numbers }) => numbers.pvKw)).to.deep.equal([9.6, undefined]);
  });

  it("is refused where a formula failed, where it is damaged, and where it is empty", async () => {
    const failed = await workbook("failed.xlsx", [
      ["time", "H01 [kW]"],
      ["2026-06-01", { error: "#DIV/0!" }],
    ]);
    const unknown = await workbook("unknown.xlsx", [
      ["time", "H01 [kW]"],
      ["2026-06-01", { formula: "B9*2" }],
    ]);
    expect(await readSheet(unknown).catch((error: unknown) => (error as Error).message)).to.match(
      /unknown\.xlsx: line 2: a formula has no result/,
    );
    const empty = await workbook("empty.xlsx", []);
    const damaged = join(folder, "damaged.xlsx");
    writeFileSync(damaged, "PK no zip");
    for (const [file, says] of [
      [failed, /failed\.xlsx: line 2: .*#DIV\/0!/],
      [empty, /empty\.xlsx: the file is empty/],
      [damaged, /damaged\.xlsx: is no Excel workbook/],
    ] as const) {
      const error: unknown = await readSheet(file).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).to.be.instanceOf(InputError);
      expect((error as InputError).message).to.match(says);
    }
  });
});
