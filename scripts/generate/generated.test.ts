import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { stale } from "./generated.ts";

describe("generated files", () => {
  let dir = "";
  const write = (name: string, text: string): void => {
    mkdirSync(join(dir, name, ".."), { recursive: true });
    writeFileSync(join(dir, name), text);
  };
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "gridpact-test-"));
    write("kept/a.json", "1");
    write("kept/sub/b.json", "2");
    write("fresh/a.json", "1");
    write("fresh/sub/b.json", "2");
  });
  afterEach(() => rmSync(dir, { recursive: true }));
  const found = (owns: boolean): string[] => stale(join(dir, "kept"), join(dir, "fresh"), owns);

  it("pass when the same", () => expect(found(true)).to.deep.equal([]));

  it("are caught when edited, missing or left over", () => {
    write("kept/sub/b.json", "3");
    write("fresh/c.json", "4");
    write("kept/old.json", "5");
    expect(found(true)).to.deep.equal(["c.json", "old.json", "sub/b.json"]);
    expect(found(false)).to.deep.equal(["c.json", "sub/b.json"]);
  });
});
