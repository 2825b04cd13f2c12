import { expect } from "chai";
import fc from "fast-check";
import { terminalTable, wrapped } from "./terminalTable.ts";

const head = ["prosumer", "bus", "energy $", "reserve $", "payments $", "device cost $", "total $"];
const rows = [
  [1, 2, "144.47", "-6.65", "99.68", "102.04", "201.72"],
  [12, 13, "202.18", "14.37", "177.30", "59.82", "237.13"],
];
const spare = [3, 2];
const widest = (table: string): number => Math.max(...table.split("\n").map((line) => line.length));

describe("a table on the terminal", () => {
  it("is whole where there is room", () => {
    const table = terminalTable(head, rows, { spare, width: 120 });
    for (const name of head) expect(table).to.include(name);
    expect(table).not.to.include("no room");
  });

  it("breaks its headings before it leaves anything out", () => {
    const table = terminalTable(head, rows, { spare, width: 70 });
    expect(widest(table)).to.be.at.most(70);
    expect(table).not.to.include("no room");
    for (const cell of rows.flat()) expect(table).to.include(`${cell}`);
  });

  it("fits 60 columns, and names what it leaves out", () => {
    const table = terminalTable(head, rows, { spare, width: 60 });
    expect(widest(table)).to.be.at.most(60);
    for (const k of [4, 5, 6]) for (const row of rows) expect(table).to.include(`${row[k]}`);
    const narrow = terminalTable(head, rows, { spare, width: 52 });
    expect(widest(narrow)).to.be.at.most(52);
    expect(narrow).to.match(/no room for: (energy \$, )?reserve \$/);
  });

  it("wraps a long cell and loses no letter of it", () => {
    const hash = `0x${"c41d23a1".repeat(8)}`;
    const table = terminalTable(["settlement", ""], [["transaction", hash]], { text: [0, 1], wrap: 1, width: 60 });
    expect(widest(table)).to.be.at.most(60);
    expect(table.replace(/[^0-9a-fx]/g, "")).to.include(hash);
  });
});

describe("wrapping", () => {
  it("keeps every letter and no line too long", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("a", "b", " ", "0") }),
        fc.integer({ min: 1, max: 12 }),
        (text, width) => {
          const lines = wrapped(text, width).split("\n");
          for (const line of lines) expect(line.length).to.be.at.most(width);
          expect(lines.join("").replaceAll(" ", "")).to.equal(text.replaceAll(" ", ""));
        },
      ),
    );
  });
});
