import { expect } from "chai";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { codeOf, partsOf, rowsKept, writePart } from "./zooRecord.ts";
import type { ZooRow } from "./zooRow.ts";

const of = { seed: 7, count: 3, method: "anderson", maxIterations: 100, run: false } as const;
const row = (seed: number): ZooRow => ({
  seed,
  traits: {} as ZooRow["traits"],
  central: "solved",
  status: "solved",
  evaluations: seed,
  ms: { central: 1, cleared: 1 },
  failures: [],
});

describe("a zoo's record", () => {
  let folder = "";
  let file = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "gridpact-zoo-"));
    file = join(folder, "zoo.json");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("gives back what the same code cleared of the same markets, and nothing else", () => {
    expect(partsOf(file)).to.deep.equal([]);
    writePart(file, partsOf(file), of, { code: "a", rows: [row(7), row(8)] });
    const parts = partsOf(file);
    expect(rowsKept(parts, of, "a").map(({ seed }) => seed)).to.deep.equal([7, 8]);
    expect(rowsKept(parts, { ...of, count: 1 }, "a")).to.have.length(1);
    for (const other of [{ seed: 8 }, { method: "gsa" as const }, { maxIterations: 99 }, { run: true }])
      expect(rowsKept(parts, { ...of, ...other }, "a"), JSON.stringify(other)).to.deep.equal([]);
    expect(rowsKept(parts, of, "b")).to.deep.equal([]);
  });

  it("keeps other parts, replaces its own and writes a row a line", () => {
    writePart(file, [], { ...of, seed: 20, run: true }, { code: "a", rows: [row(20)] });
    writePart(file, partsOf(file), of, { code: "a", rows: [row(7)] });
    writePart(file, partsOf(file), of, { code: "b", rows: [row(7), row(8)] });
    const parts = partsOf(file);
    expect(parts.map(({ seed, count, code }) => [seed, count, code])).to.deep.equal([
      [7, 2, "b"],
      [20, 1, "a"],
    ]);
    expect(parts[0].summary).to.include({ markets: 2, solved: 2 });
    expect(readFileSync(file, "utf8").split("\n").filter((line) => line.includes('"traits"'))).to.have.length(3);
  });

  it("refuses a file that is none", () => {
    writeFileSync(file, '{"parts":[{"code":1}]}');
    expect(() => partsOf(file)).to.throw(/parts\[0\]\.code/);
  });

  it("names the code by what it says", () => {
    expect(codeOf()).to.match(/^[0-9a-f]{16}$/);
    expect(codeOf()).to.equal(codeOf());
  });
});
