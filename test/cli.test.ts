import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { ClearingJsonSchema } from "../offchain-solver/records/clearingJson.ts";
import { loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";

const main = fileURLToPath(new URL("../offchain-solver/cli/main.ts", import.meta.url));
const gridpact = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });

describe("gridpact on the command line", function () {
  this.timeout(300_000);
  const folder = mkdtempSync(join(tmpdir(), "gridpact-"));
  type Loose = ReturnType<typeof takeHours>;
  const broken = (name: string, edit: (scenario: Loose) => unknown): string => {
    const file = join(folder, `${name}.json`);
    writeFileSync(file, JSON.stringify(edit(structuredClone(takeHours(loadScenario("ieee15"), 2)))));
    return file;
  };

  it("clears to JSON on stdout that its schema accepts", () => {
    const out = execFileSync(
      process.execPath,
      [main, "clear", "ieee15", "--hours", "1", "--method", "central", "--json", "-"],
      { encoding: "utf8" },
    );
    expect(ClearingJsonSchema.parse(JSON.parse(out)).status).to.equal("solved");
  });

  it("makes a scenario up that clears, and clears by the one-ratio method", () => {
    const file = join(folder, "generated.json");
    const made = gridpact("scenario", "generate", "--prosumers", "6", "--seed", "2", "--hours", "2", "--out", file);
    expect(made.status, made.stderr).to.equal(0);
    expect(JSON.parse(readFileSync(file, "utf8")).hours).to.equal(2);
    for (const [scenario, method] of [
      [file, "central"],
      ["ieee15", "gsa1"],
    ]) {
      const args = ["clear", scenario, "--hours", "2", "--method", method, "--json", "-"];
      const { status, stderr, stdout } = gridpact(...args);
      expect(status, stderr).to.equal(0);
      expect(ClearingJsonSchema.parse(JSON.parse(stdout)).settings.method).to.equal(method);
    }
  });

  it("gives a zoo's market that is cleared again as it is", () => {
    const [first, second] = [1, 2].map(() => {
      const out = gridpact("bench", "zoo", "--seed", "14", "--count", "1", "--out", folder, "--json", "-");
      expect(out.status, out.stderr).to.equal(0);
      return JSON.parse(out.stdout).rows[0] as { evaluations: number; ms: unknown };
    });
    expect({ ...second, ms: first.ms }).to.deep.equal(first);
    const again = gridpact("clear", join(folder, "zoo-14.json"), "--carbon", "off", "--json", "-");
    expect(again.status, again.stderr).to.equal(0);
    expect(JSON.parse(again.stdout).evaluations).to.equal(first.evaluations);
  });

  it("takes an option that no command has, and one without its value, for wrong usage", () => {
    for (const args of [
      ["clear", "ieee15", "--nonsense"],
      ["clear", "ieee15", "--json"],
      ["clear"],
      ["bench", "--reclear=3"],
      ["scenario", "generate", "--prosumers", "6", "--nonsense"],
      ["nonsense"],
    ]) {
      const { status, stdout, stderr } = gridpact(...args);
      expect(status, args.join(" ")).to.equal(2);
      expect(stderr, args.join(" ")).to.match(/^error: /);
      expect(stdout, args.join(" ")).to.equal("");
    }
  });

  it("says in one line what is wrong with the input, exits 2 and writes nothing", () => {
    const target = join(folder, "never.json");
    const wrong: [string, string[], RegExp][] = [
      ["unknown name", ["clear", "ieee14"], /ieee14.*ieee15/],
      ["missing file", ["clear", join(folder, "none.json")], /none\.json.*no such file/],
      ["method", ["clear", "ieee15", "--method", "magic"], /--method magic/],
      ["epsilon", ["clear", "ieee15", "--epsilon", "0.9"], /--epsilon 0\.9/],
      ["hours", ["clear", "ieee15", "--hours", "25"], /hours = 25/],
      ["hours not a number", ["clear", "ieee15", "--hours", "x"], /--hours x/],
      ["no workers", ["clear", "ieee15", "--workers", "0"], /--workers 0: .*from 1/],
      ["workers not a number", ["run", "ieee15", "--workers", "x"], /--workers x/],
      ["bench workers", ["bench", "ieee15", "--workers", "1.5"], /--workers 1\.5/],
      ["central workers", ["clear", "ieee15", "--method", "central", "--workers", "2"], /--workers 2/],
      ["target folder", ["clear", "ieee15", "--json", join(folder, "no", "x.json")], /--json/],
      ["central session", ["run", "ieee15", "--method", "central"], /--method central/],
      ["session folder", ["run", "ieee15", "--out", join(main, "x")], /--out .*main\.ts is not a folder/],
      ["experiment folder", ["experiment", "carbon", "--out", main], /--out .*main\.ts is not a folder/],
      ["kept file", ["experiment", "replay", "--keep", join(main, "kept")], /--keep .*kept: .*main\.ts/],
      ["kept page", ["experiment", "replay", "--out", folder, "--keep", join(folder, "replay.md")], /writes there too/],
      ["promise", ["run", "ieee15", "--promise", "day:.1", "--tighten", "auto"], /^--promise .*tighten auto: .*\n$/],
      ["no command", ["klear"], /klear/],
      ["generated prosumers", ["scenario", "generate", "--prosumers", "0"], /--prosumers 0/],
      ["generated target", ["scenario", "generate", "--prosumers", "9", "--out", join(folder, "no", "x")], /--out/],
      ["market", ["audit", "--rpc", "http://127.0.0.1:1", "--market", "0x12"], /--market 0x12/],
    ];
    const file = join(folder, "text.json");
    writeFileSync(file, "{ not json");
    wrong.push(["broken JSON", ["clear", file], /text\.json/]);
    wrong.push(["unknown field", ["clear", broken("field", (s) => ({ ...s, colour: "red" }))], /colour/]);
    wrong.push(["NaN", ["clear", broken("nan", (s) => ({ ...s, periodHours: NaN }))], /periodHours/]);
    wrong.push(["length", ["clear", broken("length", (s) => ({ ...s, hours: 3 }))], /hours|length|tariff/]);
    wrong.push([
      "battery",
      [
        "clear",
        broken("battery", (s) => ({
          ...s,
          prosumers: s.prosumers.map((p) => (p.battery ? { ...p, battery: { ...p.battery, initialMwh: 99 } } : p)),
        })),
      ],
      /initialMwh.*99/,
    ]);
    wrong.push([
      "cycle",
      [
        "clear",
        broken("cycle", (s) => ({
          ...s,
          feeder: { ...s.feeder, branches: [...s.feeder.branches, { ...s.feeder.branches[0], from: 15, to: 2 }] },
        })),
      ],
      /cycle|radial/,
    ]);
    wrong.push([
      "disconnected",
      ["clear", broken("cut", (s) => ({ ...s, feeder: { ...s.feeder, branches: s.feeder.branches.slice(1) } }))],
      /no path/,
    ]);
    for (const [name, args, message] of wrong) {
      const withTarget = args[0] === "clear" && !args.includes("--json") ? [...args, "--json", target] : args;
      const { status, stderr, stdout } = gridpact(...withTarget);
      expect(status, `${name}: ${stderr}`).to.equal(2);
      expect(stderr, name).to.match(message);
      expect(stdout, name).to.equal("");
    }
    expect(existsSync(target)).to.equal(false);
  });

  it("exits 3 for a scenario that has no solution, and for one that runs out of iterations", () => {
    const file = broken("heavy", (s) => ({
      ...s,
      prosumers: s.prosumers.map((p) => ({ ...p, load: { ...p.load, fixedMw: p.load.fixedMw.map((d) => 40 * d) } })),
    }));
    for (const method of ["central", "anderson"]) {
      const heavy = gridpact("clear", file, "--method", method, "--max-iterations", "20");
      expect(heavy.status, heavy.stderr).to.equal(3);
    }
    expect(gridpact("clear", file, "--method", "central").stderr).to.match(/infeasible/);
    const short = gridpact("clear", "ieee15", "--hours", "1", "--max-iterations", "2");
    expect(short.status).to.equal(3);
    expect(short.stderr).to.match(/max iterations/);
  });

  it("runs a session whole and leaves its folder complete", () => {
    const out = join(folder, "out");
    const { status, stderr } = gridpact("run", "ieee15", "--hours", "1", "--out", out);
    expect(status, stderr).to.equal(0);
    const [session] = readdirSync(out);
    expect(readdirSync(join(out, session)).sort()).to.deep.equal([
      "audit.json",
      "bundle",
      "clearing.json",
      "delivery.json",
      "meters.json",
      "report.html",
      "scenario.json",
      "settlement.json",
      "witness.json",
    ]);
    const settlement = JSON.parse(readFileSync(join(out, session, "settlement.json"), "utf8"));
    const total = settlement.accounts.reduce((sum: number, a: { moneyNano: number }) => sum + a.moneyNano, 0);
    expect(total).to.equal(0);
    expect(JSON.parse(readFileSync(join(out, session, "audit.json"), "utf8")).verdicts[0].verdict).to.equal("valid");
  });
});
