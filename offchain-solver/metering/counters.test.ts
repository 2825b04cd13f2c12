import { expect } from "chai";
import { portal, quarter, RECORD, short } from "../../test/support/meterFiles.ts";
import { noFindings } from "../scenarios/community/findings.ts";
import { readEda } from "./eda.ts";
import { readMessage } from "./mqtt.ts";
import { Collected } from "./readings.ts";

describe("a counter's reading", () => {
  const hours = (column: string, values: readonly (number | string)[]): string =>
    [`time;${column}`, ...values.map((value, k) => `2026-07-15 ${String(k).padStart(2, "0")}:00;${value}`)].join("\n");
  const day = (of: (k: number) => number): string[] => Array.from({ length: 24 }, (_, k) => of(k).toFixed(3));
  const profile = "in each interval was expected: export the load profile (Lastgang, OBIS 1.29.0 or 2.29.0)";

  const told: readonly [column: string, values: readonly (number | string)[], says: string][] = [
    ["Zählerstand Bezug [kWh]", [412.1, 412.5, 413.1], "its values only ever rise"],
    ["Zählerstand Bezug [kWh]", [12.1, 12.5, 13.1], "its name says so"],
    ["Zählerstand Bezug [kWh]", [1204, 0.3], "its name says so"],
    ["Stand Einspeisung [Wh]", [3, 4, 2], "its name says so"],
    ["Cumulative import [kWh]", [0, 0, 0], "its name says so"],
    ["Meter reading import [kWh]", [3, 4, 2], "its name says so"],
    ["Import register [kWh]", [3, 4, 2], "its name says so"],
    ["Tagesertrag PV [kWh]", [3, 4, 0], "its name says so"],
    ["1-1:1.8.0 [kWh]", [3, 4, 2], "its name says so"],
    ["Bezug [kWh]", [412.1, 412.5, 413.1], "its values only ever rise"],
    ["Bezug [kWh]", [999.5, 0.3, 0.9], "its values rise but for one reset"],
    ["Bezug [kWh]", day((k) => 3 + 0.4 * k), "its values only ever rise"],
    ["Bezug [kWh]", day((k) => (k < 9 ? 60 : 0) + 0.4 * k), "its values rise but for one reset"],
    ["Bezug [kWh]", day((k) => 98765 + 0.4 * k), "its values only ever rise"],
  ];
  for (const [column, values, says] of told)
    it(`in a table's ${column}, ${values.slice(0, 3).join("; ")}, is refused by its column`, async () => {
      const { intervals, wrong } = await portal("home.csv", hours(column, values));
      const name = column.replace(/ \[.*/, "");
      const expected = `home.csv: line 1: column ${name}: ${says}: it is a counter's reading, but what was counted ${profile}`;
      expect({ intervals, wrong }).to.deep.equal({ intervals: [], wrong: [expected] });
    });

  const plain: readonly [column: string, values: readonly (number | string)[]][] = [
    ["Bezug [kWh]", [1, 1.5, 2]],
    ["Bezug [kWh]", [412.1, 412.5, 411.9]],
    ["Erzeugung [kWh]", [0, 0.5, 1, 1.8, 2.6, 3.3, 3.9, 4.3, 4.4, 4.5, 4.5]],
    ["Bezug [kWh]", new Array(24).fill(0.2)],
    ["Register 1 Bezug [kWh]", [3, 4, 2, 5, 1]],
    ["Bauernstand 1_8_0 Bezug [kWh]", [3, 4, 2]],
    ["Standby-Verbrauch [kWh]", [3, 4, 2]],
    ["1-1:1.29.0 [kWh]", [3, 4, 2]],
  ];
  for (const [column, values] of plain)
    it(`is not what ${column}, ${values.slice(0, 3).join("; ")}, is`, async () => {
      const { intervals, wrong } = await portal("home.csv", hours(column, values));
      expect(wrong).to.deep.equal([]);
      expect(intervals).to.have.length(values.length);
    });

  it("beside what was counted is not used", async () => {
    const text = hours("Zählerstand Bezug [kWh];Bezug [kWh]", ["412.1;0.4", "412.5;0.6"]);
    const { intervals, wrong, assumed } = await portal("home.csv", text);
    expect(wrong).to.deep.equal([]);
    expect(intervals.map(({ microWh }) => microWh)).to.deep.equal([400_000_000n, 600_000_000n]);
    expect(assumed).to.deep.equal([
      "home.csv: line 1: column Zählerstand Bezug: its name says so: it is a counter's reading and is not used",
    ]);
    const other = await portal("home.csv", text.replace(";Bezug", ";Einspeisung"));
    expect(other.wrong[0]).to.contain("column Zählerstand Bezug: its name says so").and.contain(profile);
  });

  it("in a record is refused by its code, and passed over beside what was measured", () => {
    const read = (xml: string) => {
      const found = noFindings();
      return { intervals: readEda({ file: "p.xml", xml }, found), ...found };
    };
    const other = read(RECORD.replace("1-1:1.9.0 G.01", "1-1:1.8.0"));
    expect(other.intervals).to.have.length(4);
    expect(other.assumed).to.deep.equal([
      'p.xml: line 10: column 7: MeterCode = "1-1:1.8.0": it is a counter\'s reading and is not used',
    ]);
    const both = RECORD.replace("1-1:1.9.0 G.01", "1-1:1.8.0").replace("1-1:2.9.0 P.01", "1-1:2.8.0");
    expect(read(both).wrong[0]).to.contain('line 10: column 7: MeterCode = "1-1:1.8.0"').and.contain(profile);
    const values = ["0.25", "0.25", "0.125", "0.1"].reduce(
      (xml, kwh, k) => xml.replace(`<BQ>${kwh}</BQ>`, `<BQ>${(412 + k / 10).toFixed(1)}</BQ>`),
      RECORD,
    );
    const { intervals, wrong } = read(values);
    expect(intervals).to.deep.equal([]);
    expect(wrong).to.have.length(1);
    expect(wrong[0]).to.contain('line 10: column 7: MeterCode = "1-1:1.9.0 G.01": its values only ever rise');
  });

  it("in messages is missing and told", () => {
    const all = new Collected(new Map([["home", 7]]), quarter);
    for (const k of [0, 1, 2, 3])
      for (const [field, wh] of [
        ["importWh", 100],
        ["exportWh", 112_000 + 40 * k],
      ] as const) {
        const start = new Date(1000 * (quarter.start + 900 * k)).toISOString();
        const read = readMessage("m/home", JSON.stringify({ point: "home", start, seconds: 900, [field]: wh }));
        for (const interval of read as Exclude<typeof read, string>) all.add(interval);
      }
    all.refuseCounters();
    expect(short(all.readings())).to.deep.equal(new Array(4).fill("0 0 missing"));
    expect(all.notes[0]).to.contain("m/home: ").and.contain(`export of home: its values only ever rise`);
    expect(all.notes[0]).to.contain(profile);
  });
});
