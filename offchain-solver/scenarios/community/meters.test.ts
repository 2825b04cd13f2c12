import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { exampleFiles } from "./example.ts";
import { checkCommunity } from "./loadCommunity.ts";
import { kindNamed } from "./meters.ts";

/** What is found in a community of three homes whose first has these files, and its load, kW. */
async function found(own: Readonly<Record<string, string>>, unit = "") {
  const folder = mkdtempSync(join(tmpdir(), "gridpact-meters-"));
  const files = new Map(
    exampleFiles({ timeZone: "Europe/Vienna", from: "2026-06-01", days: 12, minutes: 60, homes: 3 }),
  );
  const load = files.get("series/load.csv")!;
  files.set("series/load.csv", load.replace("H01 [kWh]", "street [kWh]"));
  files.set("community.yaml", `${files.get("community.yaml")}${unit}`);
  for (const [name, text] of Object.entries(own)) files.set(`series/${name}`, text);
  try {
    for (const [name, text] of files) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    const { found: all, loaded } = await checkCommunity(folder, "2026-06-12");
    const told = (texts: readonly string[]): string => texts.join("\n").replaceAll(`${folder}/`, "");
    return {
      wrong: told(all.wrong),
      assumed: told(all.assumed),
      loadKw: loaded?.scenario.prosumers[0].load.actualMw?.map((mw) => 1e3 * mw),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Twelve days of hours. */
const table = (head: string, row: (hour: number, stamp: string) => string): string => {
  const rows = Array.from({ length: 288 }, (_, k) => {
    const stamp = new Date(Date.UTC(2026, 5, 1, k)).toISOString().slice(0, 16).replace("T", " ");
    return row(k, stamp);
  });
  return [head, ...rows].join("\n");
};
const all = (value: number): number[] => new Array<number>(24).fill(value);

describe("which column is whose", () => {
  const names: readonly (readonly [name: string, kind: "load" | "pv" | undefined])[] = [
    ["Bezug", "load"],
    ["Lastgang Bezug", "load"],
    ["Lastgang Einspeisung", "pv"],
    ["Load profile, export", "pv"],
    ["Last", "load"],
    ["Feeder 3 consumption", "load"],
    ["Gesamtverbrauch lt. Messung (bei Teilnahme gem. Erzeugung)", "load"],
    ["Energy (generation)", "pv"],
    ["Anteil gemeinschaftliche Erzeugung", undefined],
    ["Eigendeckung gemeinschaftliche Erzeugung", undefined],
    ["Eigenverbrauch", undefined],
    ["Temperatur", undefined],
  ];
  for (const [name, kind] of names)
    it(`takes ${name} for ${kind ?? "neither load nor generation"}`, () => expect(kindNamed(name)).to.equal(kind));

  it("takes the load for the load, in whatever order curves stand", async () => {
    const text = table("Zeit;Lastgang Einspeisung [kWh];Lastgang Bezug [kWh]", (_, t) => `${t};0,25;1,5`);
    const { wrong, loadKw } = await found({ "H01.csv": text });
    expect(wrong).to.equal("");
    expect(loadKw).to.deep.equal(all(1.5));
  });

  it("asks which of two registers it is, but not where one of them never counts", async () => {
    const two = (second: string): string =>
      table("Zeit;Bezug HT [kWh];Bezug NT [kWh];Einspeisung [kWh]", (_, t) => `${t};${second};1,5;0,0`);
    const { wrong } = await found({ "H01.csv": two("0,5") });
    expect(wrong).to.match(/members\.csv: line 3: id = "H01".*H01:Bezug HT, H01:Bezug NT.*column load/);
    const { loadKw } = await found({ "H01.csv": two("0,0") });
    expect(loadKw).to.deep.equal(all(1.5));
  });

  it("asks which of two files holds, and of two columns that differ in their unit", async () => {
    const text = table("Zeit;Bezug [kWh]", (_, t) => `${t};0,5`);
    const { wrong } = await found({ "H01-load.csv": text, "H01-load.txt": text });
    expect(wrong).to.include("H01-load.txt: there is series/H01-load.csv too");
    const units = table("Zeit;Bezug [kWh];Bezug [kW]", (_, t) => `${t};0,5;1,5`);
    expect((await found({ "H01.csv": units })).wrong).to.include("H01.csv: line 1: there are two columns Bezug");
  });
});

describe("what is no interval's energy", () => {
  const counter = (k: number): string => (12 + 0.3 * k).toFixed(1);

  it("is not used where it stands beside it, and refused where it is alone", async () => {
    const both = table("Zeit,Bezug [kWh],Stand [kWh]", (k, t) => `${t},0.5,${counter(k)}`);
    const { wrong, assumed, loadKw } = await found({ "H01.csv": both });
    expect(wrong).to.equal("");
    expect(loadKw).to.deep.equal(all(0.5));
    expect(assumed).to.include("H01.csv: Stand: its values only ever rise");
    const alone = await found({ "H01.csv": table("Zeit,Zählerstand [kWh]", (k, t) => `${t},${counter(k)}`) });
    expect(alone.wrong).to.match(/H01\.csv: Zählerstand: its values only ever rise.*in each interval was expected/);
  });

  it("is told by its name where a reset hides it, and by its values but for one reset", async () => {
    const small = (column: string) => found({ "H01.csv": table(`Zeit,${column} [kWh]`, (k, t) => `${t},0.${k % 7}`) });
    expect((await small("Zählerstand Bezug")).wrong).to.match(
      /H01\.csv: Zählerstand Bezug: its name says so.*OBIS 1\.29/,
    );
    expect((await small("1-0:1.8.0")).wrong).to.match(/H01\.csv: 1-0:1\.8\.0: its name says so/);
    expect((await small("Register 1 Bezug")).wrong).to.equal("");
    const reset = table("Zeit,Bezug [kWh]", (k, t) => `${t},${counter(k < 99 ? k + 5000 : k - 99)}`);
    expect((await found({ "H01.csv": reset })).wrong).to.include("H01.csv: Bezug: its values rise but for one reset");
  });

  it("is flagged so by the column of flags that is named after it", async () => {
    const head = "Zeit;Bezug [kWh];Status Bezug;Einspeisung [kWh];Status Einspeisung";
    const text = table(head, (k, t) => `${t};0,5;${k === 30 ? "F" : "V"};0,2;V`);
    const { wrong, assumed } = await found({ "H01.csv": text });
    expect(wrong).to.not.include("Status");
    expect(assumed).to.include("H01.csv: line 32: Bezug: no value").and.not.include("Einspeisung: no value");
  });

  it("is told where it goes on in another unit, with line and time", async () => {
    const text = (factor: number): string =>
      table("Zeit,Bezug [kWh]", (k, t) => `${t},${(0.4 + (k % 24) / 100) * (k < 120 ? 1 : factor)}`);
    const { assumed, wrong } = await found({ "H01-load.csv": text(1000) });
    expect(wrong).to.equal("");
    expect(assumed).to.match(/H01-load\.csv: line 122: Bezug: from 2026-06-06 00:00 .* 1000 times more/);
    expect((await found({ "H01-load.csv": text(0.1) })).assumed).not.to.include("times less");
  });
});

describe("what portals write beside their values", () => {
  it("may be a type, a note, a price with its sign, and halves of a day", async () => {
    const text = table("TYPE,DATE,START TIME,END TIME,USAGE (kWh),COST,NOTES", (k, t) => {
      const hour = `${k % 12 === 0 ? 12 : k % 12}:00 ${k % 24 < 12 ? "AM" : "PM"}`;
      return `Electric usage,${t.slice(5, 7)}/${t.slice(8, 10)}/2026,${hour},${hour},0.5,$0.12,`;
    });
    const { wrong, loadKw } = await found({ "H01.csv": text }, "\nseries: { dates: MM/DD/YYYY }\n");
    expect(wrong).to.equal("");
    expect(loadKw).to.deep.equal(all(0.5));
  });

  it("may be a meter's number, a unit of its own and the quality in Danish", async () => {
    const head = "MålepunktsID;Fra_dato;Til_dato;Mængde;Måleenhed;Kvalitet;Type";
    const text = table(head, (_, t) => {
      const stamp = `${t.slice(8, 10)}-${t.slice(5, 7)}-2026 ${t.slice(11)}:00`;
      return `5713;${stamp};${stamp};0,5;KWH;Målt;Tidsserie`;
    });
    const { wrong, loadKw } = await found({ "H01.csv": text }, "\nseries: { unit: kWh, dates: DD-MM-YYYY }\n");
    expect(wrong).to.equal("");
    expect(loadKw).to.deep.equal(all(0.5));
  });

  it("are refused where the newest comes first, in words that say so", async () => {
    const [head, ...rows] = table("Zeit;Bezug [kWh]", (_, t) => `${t};0,5`).split("\n");
    const { wrong } = await found({ "H01.csv": [head, ...rows.toReversed()].join("\n") });
    expect(wrong).to.match(/H01\.csv: its rows begin with the newest: sort them/);
  });
});
