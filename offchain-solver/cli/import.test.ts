import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { captured } from "../../test/support/commandLine.ts";
import { loadFeeder } from "../scenarios/loadScenario.ts";

const main = fileURLToPath(new URL("main.ts", import.meta.url));
const CASE = `function mpc = own
mpc.version = '2';
mpc.baseMVA = 1;
mpc.bus = [
  11 3 0 0 0 0 1 1 0 20 1 1.05 0.95;
  205 1 0.3 0.1 0 0 1 1 0 20 1 1.05 0.95;
  4 1 0.2 0.05 0 0 1 1 0 20 1 1.05 0.95;
];
mpc.gen = [11 1 0 5 -5 1.0 1 1 9 0; 11 1 0 5 -5 1.04 1 1 9 0];
mpc.branch = [
  11 205 0.015/3 0.001 * 6 0 2 0 0 0 0 1 -360 360;
  205 4 0.006 0.007 0 Inf 0 0 0 0 1 -360 360;
];
`;

describe("gridpact import", function () {
  this.timeout(300_000);
  const folder = mkdtempSync(join(tmpdir(), "gridpact-import-"));
  after(() => rmSync(folder, { recursive: true }));
  const run = (text: string) => {
    writeFileSync(join(folder, "own.m"), text);
    return spawnSync(process.execPath, [main, "import", "own.m", "--json", "feeder.json"], {
      cwd: folder,
      encoding: "utf8",
      timeout: 300_000,
    });
  };

  const refused: readonly (readonly [what: string, find: string, put: string, message: RegExp])[] = [
    [
      "a dcline",
      "];\nmpc.gen",
      "];\nmpc.dcline = [4 205 1 0.5 0.49];\nmpc.gen",
      /line 9: the dcline 4-205 is in service/,
    ],
    ["storage", "];\nmpc.gen", "];\nmpc.storage = [4 0 0 0.2];\nmpc.gen", /line 9: the storage at bus 4 is in service/],
    ["a band of one point", "1.05 0.95;\n  4", "1 1;\n  4", /line 6: bus 205: Vmin = Vmax = 1: no power can flow/],
    ["a script of OpenDSS", "function mpc = own", "New Circuit.own basekv=20", /this is an OpenDSS script/],
  ];
  for (const [what, find, put, message] of refused)
    it(`refuses ${what} with one line and writes nothing`, () => {
      expect(CASE).to.contain(find);
      const { status, stdout, stderr } = run(CASE.replace(find, put));
      expect(status, stderr).to.equal(2);
      expect(stdout).to.equal("");
      expect(stderr)
        .to.match(/^own\.m: [^\n]+\n$/)
        .and.to.match(message);
      expect(readdirSync(folder)).to.deep.equal(["own.m"]);
    });

  it("writes a feeder that the loader takes, and says what it did", () => {
    const { status, stdout, stderr } = run(CASE);
    expect(status, stderr).to.equal(0);
    expect(stdout).to.equal("");
    expect(stderr.trimEnd().split("\n")).to.deep.equal([
      "generators at bus 11 set 1, 1.04 p.u.: the last one holds, 1.04, as in MATPOWER's runpf",
      "1 branch without a rating: unlimited",
      "bus 11 is held at 1.04 p.u.: voltages are per unit of that, 20.8 kV",
    ]);
    const feeder = loadFeeder(join(folder, "feeder.json"));
    expect(feeder).to.deep.equal(JSON.parse(readFileSync(join(folder, "feeder.json"), "utf8")));
    expect(feeder.branches.map(({ ratingMva }) => ratingMva)).to.deep.equal([2, null]);
    expect(feeder.branches[0].rPu).to.be.closeTo(0.005 / (1.04 * 1.04), 1e-15);
    expect(feeder.branches[0].xPu).to.be.closeTo(0.006 / (1.04 * 1.04), 1e-15);
  });

  it("spells out what a name would do to a terminal, in notes, results and complaints alike", async () => {
    const hostile = "own\u001b[2J\nours: solved";
    const [file, feeder, scenario] = [".m", ".feeder.json", ".json"].map((end) => join(folder, `${hostile}${end}`));
    writeFileSync(file, CASE);
    const drawn = await captured("scenario", file, "--population", "2", "--hours", "1", "--json", scenario);
    const read = JSON.parse(readFileSync(scenario, "utf8")) as Record<string, unknown>;
    writeFileSync(scenario, JSON.stringify({ ...read, name: hostile }));
    const all = [
      drawn,
      await captured("import", file, "--json", feeder),
      await captured("clear", scenario, "--network", "off"),
      await captured("clear", scenario, "--minutes", "7"),
    ];
    expect(all.map(({ code }) => code)).to.deep.equal([0, 0, 0, 2]);
    for (const { stdout, stderr } of all)
      expect(stdout + stderr)
        .not.to.include("\u001b")
        .and.not.match(/^ours/m);
    for (const shown of [all[0].stderr, all[2].stdout, all[3].stderr])
      expect(shown).to.include("own\\u001b[2J\\u000aours: solved");
  });
});
