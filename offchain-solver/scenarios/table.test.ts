import { expect } from "chai";
import fc from "fast-check";
import { InputError } from "../io/inputError.ts";
import { parseSeries } from "./series.ts";
import { stampMs } from "./stamps.ts";
import { readTable } from "./table.ts";
import type { TableSpec } from "./table.ts";

const SPEC: TableSpec = { columns: { utc: "stamp", load: "number" }, others: "number" };
const read = (text: string, spec = SPEC) => readTable(text, "load.csv", spec);
const columnsOf = (text: string, spec = SPEC) => {
  const { numbers, texts } = read(text, spec);
  return Object.fromEntries(
    [...numbers].map(([name, values]) => [name, [...values]] as const).concat([...texts] as never),
  );
};
const [T7, T8] = [Date.UTC(2021, 6, 15, 7), Date.UTC(2021, 6, 15, 8)];
const RIGHT = { utc: [T7, T8], load: [0.5, -2], pv: [0, 1250] };

describe("readTable", () => {
  const same: readonly (readonly [what: string, text: string])[] = [
    ["commas", "utc,load,pv\n2021-07-15T07:00Z,0.5,0\n2021-07-15T08:00Z,-2,1250\n"],
    ["no line's end at the end", "utc,load,pv\n2021-07-15T07:00Z,0.5,0\n2021-07-15T08:00Z,-2,1250"],
    ["a byte order mark and Windows lines", "\uFEFFutc,load,pv\r\n2021-07-15T07Z,0.5,0\r\n2021-07-15T08Z,-2,1250\r\n"],
    ["semicolons", "utc;load;pv\n2021-07-15T07:00Z;0.5;0\n2021-07-15T08:00Z;-2;1250\n"],
    ["semicolons and decimal commas", "utc;load;pv\n2021-07-15T07:00Z;0,5;0,0\n2021-07-15T08:00Z;-2,00;1250\n"],
    [
      "a comma in doubt beside one that is not",
      "utc;load;pv\n2021-07-15T07:00Z;0,5;0\n2021-07-15T08:00Z;-2;1250,000\n",
    ],
    ["tabs", "utc\tload\tpv\n2021-07-15T07:00Z\t.5\t0\n2021-07-15T08:00Z\t-2\t1.25e3\n"],
    ["quotes", '"utc","load","pv"\n"2021-07-15T07:00Z","0,5","0"\n2021-07-15T08:00Z,-2,"1250"\n'],
    [
      "blanks, comments and empty lines",
      "# made up\n\nutc, load , pv\n2021-07-15T07:00Z, 0.5, 0\n\n# noon\n2021-07-15T08:00Z,-2,1250\n",
    ],
    ["stamps in another zone", "utc,load,pv\n2021-07-15T09:00+02:00,0.5,0\n2021-07-15 01:00:00-07:00,-2,1250\n"],
  ];
  for (const [what, text] of same)
    it(`reads ${what}`, () => {
      expect(columnsOf(text)).to.deep.equal(RIGHT);
    });

  it("says where each row stands, and keeps texts", () => {
    const table = read('id,name\n\n# two\n1,"Anna, at 3"\n2,Ben\n', { columns: { id: "number", name: "text" } });
    expect(table.lines).to.deep.equal([4, 5]);
    expect(table.texts.get("name")).to.deep.equal(["Anna, at 3", "Ben"]);
  });

  const row = "2021-07-15T07:00Z";
  const refused: readonly (readonly [what: string, text: string, complaint: string])[] = [
    ["an empty file", "", "load.csv: the file is empty"],
    ["a file of blank lines", "\uFEFF\n \r\n# nothing\n", "load.csv: the file is empty"],
    ["a head alone", "utc,load,pv\n", "load.csv: line 1: no rows follow"],
    ["a missing head", `${row},1,2\n`, 'load.csv: line 1: column 2 = "1": the first line must name the columns'],
    ["a blank cell", `utc,load,pv\n${row},,1\n`, 'load.csv: line 2: load = "": is blank'],
    ["a cell of blanks", `utc,load,pv\n${row},  ,1\n`, 'load.csv: line 2: load = "": is blank'],
    ["a blank cell between tabs", `utc\tload\tpv\n${row}\t\t1\n`, 'load.csv: line 2: load = "": is blank'],
    ["a blank cell at the end", `utc;load;pv\n${row};1;\n`, 'load.csv: line 2: pv = "": is blank'],
    ["a blank stamp", "utc,load,pv\n,1,1\n", 'load.csv: line 2: utc = "": is blank'],
    ["a row of nothing", `utc,load,pv\n${row},1,1\n,,\n`, 'load.csv: line 3: utc = "": is blank'],
    ...["n/a", "NaN", "-", "Infinity", "0x10", "1_000", "1e999", "1 000", "1.000.000", "12 kW", "\u22125"].map(
      (word) =>
        [
          `the word ${word}`,
          `utc,load,pv\n${row},1,1\n${row},1,${word}\n`,
          `load.csv: line 3: pv = "${word}": is not a number`,
        ] as const,
    ),
    [
      "a decimal comma among commas",
      `utc,load,pv\n${row},0,5,1\n`,
      "load.csv: line 2: 4 cells, but 3 columns (utc, load, pv): a decimal comma",
    ],
    ["decimal commas that fill a row up", `utc,load,pv\n${row},0,5\n${row},0,5,1,5\n`, "load.csv: line 3: 5 cells"],
    [
      "a thousand or one and a bit",
      `utc;load;pv\n${row};1,234;5\n`,
      'load.csv: line 2: load = "1,234": is this a decimal comma?',
    ],
    [
      "points and commas",
      `utc;load;pv\n${row};0.5;0\n${row};1;0,5\n`,
      'load.csv: line 3: pv = "0,5": is this a decimal comma? Write a decimal point; line 2 has load = "0.5"',
    ],
    ["a short row", `utc,load,pv\n${row},1\n`, "load.csv: line 2: 2 cells, but 3 columns"],
    ["a repeated column", `utc,load,load\n${row},1,1\n`, 'load.csv: line 1: column 3 = "load": column 2 has this name'],
    ["a column without a name", `utc,load,\n${row},1,1\n`, "load.csv: line 1: column 3 has no name"],
    ["a missing column", `utc,pv\n${row},1\n`, "load.csv: line 1: there is no column load; there are: utc, pv"],
    ["two delimiters", `utc;load,pv\n${row};1,1\n`, 'load.csv: line 1: names parted by "," and ";"'],
    ["a quote that is never closed", `utc,load,pv\n"${row},1,1\n`, "load.csv: line 2: quote not closed"],
    ["a quote inside a cell", `utc,load,pv\n"${row}"x,1,1\n`, "load.csv: line 2: invalid closing quote"],
    [
      "a stamp without a zone",
      "utc,load,pv\n2021-07-15T07:00,1,1\n",
      'load.csv: line 2: utc = "2021-07-15T07:00": says no zone',
    ],
    [
      "a day that there is not",
      "utc,load,pv\n2021-02-29T07:00Z,1,1\n",
      'load.csv: line 2: utc = "2021-02-29T07:00Z": is not a time that there is',
    ],
    ["a stamp of a spreadsheet", "utc,load,pv\n15.07.2021 07:00,1,1\n", "is not a time such as 2021-07-15T07:00Z"],
    ["another encoding", "u\0t\0c\0", "load.csv: is no UTF-8 text"],
  ];
  for (const [what, text, complaint] of refused)
    it(`refuses ${what}, with line and column`, () => {
      expect(() => read(text))
        .to.throw(InputError)
        .with.property("message")
        .that.includes(complaint);
    });

  it("refuses columns that nobody knows where the table is to hold no others", () => {
    const spec: TableSpec = { columns: { id: "number" } };
    expect(() => read("id,constructor\n1,2\n", spec)).to.throw(
      InputError,
      'column 2 = "constructor": unknown; known: id',
    );
    expect(() => read("utc\n2021-07-15T07Z\n", { columns: { utc: "stamp" }, others: "number" })).to.throw(
      InputError,
      "there is no column beside utc",
    );
  });

  it("reads the same numbers however the file is written", () => {
    const cell = fc.integer({ min: -1_000_000, max: 1_000_000 }).map((n) => (n / 100).toFixed(2));
    const style = fc.record({
      delimiter: fc.constantFrom(",", ";", "\t"),
      comma: fc.boolean(),
      end: fc.constantFrom("\n", "\r\n"),
      mark: fc.constantFrom("", "\uFEFF"),
      quoted: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(cell, cell), { minLength: 1 }),
        style,
        (rows, { delimiter, comma, end, mark, quoted }) => {
          const write = (value: string): string => {
            const shown = comma ? value.replace(".", ",") : value;
            return quoted || (comma && delimiter === ",") ? `"${shown}"` : shown;
          };
          const lines = [["a", "b"], ...rows.map((values) => values.map(write))].map((values) =>
            values.join(delimiter),
          );
          const table = readTable(mark + lines.join(end), "t", { columns: { a: "number", b: "number" } });
          expect([...table.numbers.get("a")!]).to.deep.equal(rows.map(([a]) => Number(a)));
          expect([...table.numbers.get("b")!]).to.deep.equal(rows.map(([, b]) => Number(b)));
        },
      ),
    );
  });

  it("reads or refuses any text", () => {
    const words = fc.constantFrom(
      "utc",
      "load",
      ",",
      ";",
      "\t",
      "\n",
      "\r\n",
      '"',
      "#",
      " ",
      "1",
      "0,5",
      ".",
      "2021-07-15T07Z",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.array(words).map((all) => all.join("")),
        ),
        (text) => {
          try {
            for (const column of read(text).numbers.values()) expect([...column].every(Number.isFinite)).to.equal(true);
          } catch (error) {
            expect(error, String((error as Error).stack)).to.be.instanceOf(InputError);
            expect((error as Error).message).to.match(/^load\.csv: /);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("stamps", () => {
  it("count from 1970 in UTC", () => {
    expect(stampMs("1970-01-02T00:00:01Z")).to.equal(86_401_000);
    expect(stampMs("2021-07-15 07:00 UTC")).to.equal(T7);
    expect(stampMs("2021-07-15T12:30:00.000+0530")).to.equal(T7);
    expect(stampMs("2021-07-15T09:00", 120)).to.equal(T7);
    expect(stampMs("2021-07-15T09:00+02:00", -600)).to.equal(T7);
  });

  for (const text of [
    "2021-7-15T07:00Z",
    "2021-07-15",
    "2021-07-15T07:00:00.5Z",
    "07/15/2021 07:00Z",
    "2021-07-15T24:00Z",
    "2021-07-15T07:60Z",
    "2021-07-15T07:00+15:00",
  ])
    it(`refuse ${text}`, () => {
      expect(stampMs(text, 0)).to.be.a("string");
    });

  it("do not depend on the machine's zone", () => {
    const { TZ } = process.env;
    const offsets = new Set<number>();
    const text = "utc,a\n2021-03-14T09:00,1\n2021-03-14T10:00Z,2\n2021-03-14T12:00+01:00,3\n";
    const days: number[][] = [];
    try {
      for (const zone of ["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Kiritimati"]) {
        process.env.TZ = zone;
        offsets.add(new Date(2021, 0, 1).getTimezoneOffset());
        days.push([
          ...readTable(text, "t", { columns: { utc: "stamp" }, others: "number", offsetMinutes: 0 }).numbers.get(
            "utc",
          )!,
        ]);
        days.at(-1)!.push(parseSeries("t", "utc,a\n2021-01-01T07Z,1\n", 1).startMs);
      }
    } finally {
      if (TZ === undefined) delete process.env.TZ;
      else process.env.TZ = TZ;
    }
    expect(offsets.size, "the zone of this process was changed").to.equal(4);
    const nine = Date.UTC(2021, 2, 14, 9);
    for (const day of days)
      expect(day).to.deep.equal([nine, nine + 3_600_000, nine + 7_200_000, Date.UTC(2021, 0, 1, 7)]);
  });
});

describe("parseSeries", () => {
  it("multiplies by the unit and refuses gaps and repeated hours", () => {
    const text = "utc,a\n2021-07-15T07Z,5\n2021-07-15T08Z,-1\n";
    expect([...parseSeries("x.csv", text, 0.5).values.get("a")!]).to.deep.equal([2.5, -0.5]);
    const again = text.replace("T08Z", "T07Z");
    expect(() => parseSeries("x.csv", again, 1)).to.throw(
      InputError,
      'x.csv: line 3: utc = "2021-07-15T07:00:00.000Z"',
    );
    const gap = text.replace("T08Z", "T09Z");
    expect(() => parseSeries("x.csv", gap, 1)).to.throw(InputError, "2021-07-15T08:00:00.000Z was expected");
  });
});
