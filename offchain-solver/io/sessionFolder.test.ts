import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { folderNameFault, writeFolder } from "./sessionFolder.ts";

describe("a session's folder", () => {
  const fresh = (): string => join(mkdtempSync(join(tmpdir(), "gridpact-session-")), "out");
  const put = (out: string, text: string): string =>
    writeFolder(out, "day", (draft) => writeFileSync(join(draft, "file"), text));

  it("is a new one for every run, and nothing that exists is touched", () => {
    const out = fresh();
    expect(put(out, "1")).to.equal(join(out, "day"));
    expect(put(out, "2")).to.equal(join(out, "day-2"));
    writeFileSync(join(out, "day-3"), "somebody's file");
    mkdirSync(join(out, "day-4"));
    expect(put(out, "5")).to.equal(join(out, "day-5"));
    const read = (name: string): string => readFileSync(join(out, name), "utf8");
    expect([read("day/file"), read("day-2/file"), read("day-3"), read("day-5/file")]).to.deep.equal([
      "1",
      "2",
      "somebody's file",
      "5",
    ]);
    expect(readdirSync(join(out, "day-4"))).to.deep.equal([]);
    expect(statSync(join(out, "day")).mode & 0o777).to.equal(0o777 & ~process.umask());
  });

  it("is not shared by runs at the same time", () => {
    const out = fresh();
    let inner = "";
    const outer = writeFolder(out, "day", (draft) => {
      writeFileSync(join(draft, "file"), "outer");
      inner = put(out, "inner");
      expect(readdirSync(draft)).to.deep.equal(["file"]);
    });
    expect(readFileSync(join(outer, "file"), "utf8")).to.equal("outer");
    expect(readFileSync(join(inner, "file"), "utf8")).to.equal("inner");
    expect(readdirSync(out).sort()).to.deep.equal(["day", "day-2"]);
  });

  it("is not shared by processes at the same time", async () => {
    const out = fresh();
    const code = `
      import { writeFileSync } from "node:fs";
      import { writeFolder } from ${JSON.stringify(new URL("sessionFolder.ts", import.meta.url).href)};
      for (let run = 0; run < 20; run++)
        writeFolder(${JSON.stringify(out)}, "day", (draft) => {
          for (const file of ["a", "b"]) writeFileSync(draft + "/" + file, process.pid + " " + run);
        });`;
    const ended = [1, 2].map(
      () =>
        new Promise<number | null>((resolve) => {
          spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: "inherit" }).on("close", resolve);
        }),
    );
    expect(await Promise.all(ended)).to.deep.equal([0, 0]);
    const written = readdirSync(out).map((folder) => {
      const [a, b] = ["a", "b"].map((file) => readFileSync(join(out, folder, file), "utf8"));
      expect(a, folder).to.equal(b);
      return a;
    });
    expect(new Set(written).size).to.equal(40).and.equal(written.length);
  }).timeout(60_000);

  it("is whole or not at all", () => {
    const out = fresh();
    const failing = (): string =>
      writeFolder(out, "day", (draft) => {
        writeFileSync(join(draft, "file"), "half");
        throw new Error("torn");
      });
    expect(failing).to.throw("torn");
    expect(readdirSync(out)).to.deep.equal([]);
  });

  it("has a name that cannot lead out of the folder it is made in", () => {
    for (const name of [
      "../x",
      "a/b",
      "a\\b",
      "..",
      ".",
      ".hidden",
      "a\u0000b",
      "a\u001b[2J",
      "a\u009bb",
      "n".repeat(300),
      "é".repeat(130),
    ])
      expect(folderNameFault(name), name).to.be.a("string");
    for (const name of ["ieee15-2021-07-15-24h", "Straße 7", "街", "a..b"])
      expect(folderNameFault(name), name).to.equal(undefined);
  });
});
