import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import type { Command } from "commander";
import { connect } from "../offchain-solver/chain/connect.ts";
import { deployAll } from "../offchain-solver/devnet/deploy.ts";
import { program } from "../offchain-solver/cli/program.ts";
import { changeForecasts, loadScenario } from "../offchain-solver/scenarios/loadScenario.ts";
import { takeHours } from "../offchain-solver/scenarios/periods.ts";
import { captured } from "./support/commandLine.ts";
import { printedLines } from "./support/printedLines.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What `npm start` runs. */
const START = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).scripts.start.replace(
  "node offchain-solver/cli/main.ts",
  "gridpact",
) as string;

/** What makes the command short, by how it begins; the last of two options of a name counts. */
const SHORTER: readonly [begins: RegExp, added: string][] = [
  [/^clear ieee141/, "--hours 1 --population 6"],
  [/^clear/, "--hours 1"],
  [/^run ieee141/, "--hours 1 --population 5 --out out"],
  [/^run/, "--hours 1 --out out"],
  [/^scenario generate/, "--prosumers 12 --hours 1"],
  [/^scenario/, "--hours 1"],
  [/^bench zoo/, "--count 1 --seed 16"],
  [/^bench( --reclear)?$/, "ieee15 --hours 1 --only anderson"],
  [/^bench/, "--hours 1 --only anderson"],
  [/^experiment convergence/, "--hours 1 --max-iterations 12 --out out"],
  [/^experiment scale/, "--hours 1 --iterations 3 --solve 2 --most 300 --out out"],
  [/^experiment reclearing/, "--hours 1 --most 20 --out out"],
  [/^experiment replay .*--keep/, "--hours 1 --keep kept.jsonl --out out"],
  [/^experiment promise .*--keep/, "--hours 1 --tries 1 --keep tried.jsonl --out out"],
  [/^experiment zoo/, "--out out"],
  [/^experiment/, "--hours 1 --out out"],
];

/** Prose names a command without what it works on. */
const BARE: Readonly<Record<string, string>> = {
  audit: "audit --rpc URL --market ADDRESS",
  clear: "clear ieee15",
  scenario: "scenario ieee15",
};

/** They run until they are stopped, or need a party's keys: keys, devnet and wallet.test.ts follow them. */
const OF_PARTIES = /^(init|admit|node|operator|devnet|replay|backup|restore|rotate|wallet)\b/;

/** They need a chain that outlives its process: liveAudit.test.ts follows the auditor's guide on one. */
const ON_A_LIVE_CHAIN = /--rpc http|out\/SESSION|--bundle PLACE/;

/** Arguments after `gridpact`, shortened; undefined for other programs' lines. */
function argumentsOf(line: string, places: Readonly<Record<string, string>>): string[] | undefined {
  const found = /^(?:npx |npm run )?gridpact(?: --)?(?: (.*))?$/.exec(line.replace(/^npm start$/, START));
  if (found === null || OF_PARTIES.test(found[1] ?? "") || ON_A_LIVE_CHAIN.test(line)) return undefined;
  const named = (BARE[found[1]] ?? found[1]).replace(/\b[A-Z]{3,}\b/g, (word) => places[word] ?? word);
  const added = SHORTER.find(([begins]) => begins.test(named))?.[1];
  return `${named} ${added ?? ""}`.trim().split(/\s+/);
}

describe("command lines that are printed for readers", function () {
  this.timeout(600_000);
  const lines = printedLines(root);
  const from = process.cwd();
  const folder = mkdtempSync(join(tmpdir(), "gridpact-lines-"));

  before(() => {
    process.chdir(folder);
    mkdirSync("bench");
    mkdirSync("sessions");
    copyFileSync(join(root, "bench/zoo.json"), "bench/zoo.json");
    copyFileSync(join(root, "test/feeders/perUnit.m"), "case.m");
    const hour = takeHours(loadScenario("ieee15"), 1);
    writeFileSync("newer.json", JSON.stringify(changeForecasts(hour, (mw) => 0.98 * mw)));
  });
  after(() => process.chdir(from));

  it("are found: this test knows how to read the pages", () => {
    const all = lines.map(({ line }) => line);
    for (const line of ["npm start", "npx gridpact clear ieee15 --monte-carlo 10000", "gridpact experiment joint"])
      expect(all).to.include(line);
  });

  it("name scripts, files and modules that there are, where another program runs them", () => {
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    for (const { file, line } of lines) {
      const script = /^npm run ([\w:]+)/.exec(line)?.[1] ?? /^npm (start|test)/.exec(line)?.[1];
      if (script !== undefined) expect(scripts, `${file}: ${line}`).to.have.property(script);
      const path = /^node (\S+\.ts)/.exec(line)?.[1] ?? /^npx hardhat .* (\S+\.ts)/.exec(line)?.[1];
      if (path !== undefined) expect(existsSync(join(root, path)), `${file}: ${line}`).to.equal(true);
      const known = script ?? path ?? /^(npm ci$|npx gridpact|gridpact)/.exec(line);
      expect(known, `${file}: ${line}: nothing here runs or checks it`).not.to.equal(undefined).and.not.to.equal(null);
    }
  });

  it("do what they say, shortened, by the default method", async () => {
    process.env.HARDHAT_CONFIG ??= join(root, "hardhat.config.ts");
    const { network } = await import("hardhat");
    const server = await network.createServer(undefined, "127.0.0.1");
    const { address, port } = await server.listen();
    const url = `http://${address}:${port}`;
    const provider = connect(url);
    try {
      const deployment = await deployAll(await provider.getSigner());
      const places = { URL: url, ADDRESS: deployment.market, BLOCK: "0", DIR: "sessions", NAME: "carbon" };
      const done = new Set<string>();
      for (const { file, line } of lines) {
        const args = argumentsOf(line, places);
        if (args === undefined || done.has(args.join(" "))) continue;
        done.add(args.join(" "));
        const started = Date.now();
        const { code, stderr } = await captured(...args);
        if (process.env.GRIDPACT_TIMES) console.log(`${Date.now() - started} ms  ${args.join(" ")}`);
        expect(code, `${file}: ${line}\n${stderr}`).to.equal(0);
      }
      expect(done.size).to.be.above(25);
    } finally {
      provider.destroy();
      await server.close();
    }
  });

  it("are told by --help for every command", async () => {
    const helps: string[][] = [];
    const collect = (command: Command, path: string[]): void => {
      helps.push([...path, "--help"]);
      for (const child of command.commands) collect(child, [...path, child.name()]);
    };
    collect(await program(), []);
    for (const args of helps) {
      const { code, stdout } = await captured(...args);
      expect(code, args.join(" ")).to.equal(0);
      expect(stdout, args.join(" ")).to.match(/^Usage: gridpact/);
    }
    expect((await captured("run", "--help")).stdout).to.match(/--out <dir> .*NAME-DATE-HOURSh/s);
  });
});
