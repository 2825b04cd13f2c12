import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { InputError } from "./inputError.ts";
import { checkDistinct, checkFolder, checkTarget, writeText } from "./target.ts";

describe("where output goes", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "gridpact-target-"))));
  const at = (name: string): string => join(folder, name);
  /** The check and the write together, as a command does them. */
  const put = (target: string, text = "new\n"): void => {
    checkTarget(target);
    writeText(target, text);
  };

  it("is written whole, leaves no draft, and keeps the mode of what was there", () => {
    put(at("fresh"));
    writeFileSync(at("old"), "old");
    chmodSync(at("old"), 0o640);
    put(at("old"));
    expect(readFileSync(at("old"), "utf8")).to.equal("new\n");
    expect(statSync(at("old")).mode & 0o777).to.equal(0o640);
    expect(readdirSync(folder).sort()).to.deep.equal(["fresh", "old"]);
  });

  it("is a device's or a pipe's reader, which stay what they are", async () => {
    put("/dev/null");
    expect(lstatSync("/dev/null").isCharacterDevice()).to.equal(true);
    expect(() => put("/dev/full")).to.throw(InputError, /\/dev\/full: cannot be written \(ENOSPC\)/);
    expect(lstatSync("/dev/full").isCharacterDevice()).to.equal(true);
    execFileSync("mkfifo", [at("pipe")]);
    const reader = spawn("cat", [at("pipe")], { stdio: ["ignore", "pipe", "inherit"] });
    const read = new Promise<string>((done) => {
      let text = "";
      reader.stdout.on("data", (part: Buffer) => (text += part.toString()));
      reader.stdout.on("end", () => done(text));
    });
    put(at("pipe"));
    expect(await read).to.equal("new\n");
    expect(lstatSync(at("pipe")).isFIFO()).to.equal(true);
  });

  it("is what a link names: the link stays", () => {
    writeFileSync(at("real"), "old");
    symlinkSync("real", at("link"));
    put(at("link"));
    expect(readlinkSync(at("link"))).to.equal("real");
    expect(readFileSync(at("real"), "utf8")).to.equal("new\n");
    symlinkSync("nothing", at("dangling"));
    expect(() => checkTarget(at("dangling"))).to.throw(InputError, /dangling: is a link to nowhere/);
    expect(existsSync(at("nothing"))).to.equal(false);
  });

  it("is refused before the work where it cannot be, in one line", () => {
    mkdirSync(at("sub"));
    writeFileSync(at("file"), "");
    const wrong: [string, RegExp][] = [
      ["", /^--json "": names no file$/],
      [at("sub"), /is a folder$/],
      [`${at("sub")}/`, /is a folder$/],
      [at("none/x"), /the folder .*none does not exist$/],
      [at("file/x"), /file\/x: /],
      [at("x".repeat(256)), /the name is too long$/],
      [at("a\0b"), /zero byte$/],
    ];
    for (const [target, reason] of wrong) expect(() => checkTarget(target), target).to.throw(InputError, reason);
    expect(readdirSync(folder).sort()).to.deep.equal(["file", "sub"]);
  });

  it("is never what the command reads, by whatever name", () => {
    writeFileSync(at("input"), "{}");
    symlinkSync("input", at("soft"));
    linkSync(at("input"), at("hard"));
    for (const name of ["input", "soft", "hard"])
      expect(() => checkTarget(at(name), "--json", [at("input")])).to.throw(InputError, /is what the command reads/);
    checkTarget(at("other"), "--json", [at("input"), "ieee15"]);
  });

  it("is one for each output", () => {
    expect(() => checkDistinct({ "--json": at("a"), "--figure": at("a") })).to.throw(
      InputError,
      /--json writes there too/,
    );
    writeFileSync(at("real"), "");
    symlinkSync("real", at("link"));
    expect(() => checkDistinct({ "--json": at("real"), "--figure": at("link") })).to.throw(InputError, /there too/);
    checkDistinct({ "--json": "-", "--figure": "-", "--save-state": undefined });
    // Files that there are not yet, in one folder by two names.
    mkdirSync(at("folder"));
    symlinkSync("folder", at("beside"));
    const two = { "--json": at("folder/new"), "--figure": at("beside/new") };
    expect(() => checkDistinct(two)).to.throw(InputError, /there too/);
    checkDistinct({ "--json": at("folder/new"), "--figure": at("beside/newer") });
  });

  it("is a folder that can be made", () => {
    writeFileSync(at("file"), "");
    symlinkSync("nothing", at("dangling"));
    checkFolder(at("new/deep"));
    expect(() => checkFolder("")).to.throw(InputError, /--out "": names no folder/);
    expect(() => checkFolder(at("file/x"))).to.throw(InputError, /--out .*file is not a folder/);
    expect(() => checkFolder(at("y".repeat(300)))).to.throw(InputError, /too long/);
    expect(() => checkFolder(at("dangling/x"))).to.throw(InputError, /link to nowhere/);
    expect(readdirSync(folder).sort()).to.deep.equal(["dangling", "file"]);
  });
});
