/** A devnet that is stopped, or killed, and started again in the same folder. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { journalsOf } from "../offchain-solver/devnet/devnetReport.ts";
import type { DevnetReport } from "../offchain-solver/devnet/devnetReport.ts";
import { loadBase } from "../offchain-solver/scenarios/loadBase.ts";
import { populate } from "../offchain-solver/scenarios/populate.ts";
import { splitHours, takeHours } from "../offchain-solver/scenarios/periods.ts";

const MAIN = fileURLToPath(new URL("../offchain-solver/cli/main.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "gridpact-going-on-"));
const data = join(folder, "data");
const street = join(folder, "street.json");
/** Of quarter-hours, cut by the clock, in a folder named from where one stands. */
const SAME = [street, "--hours", "1", "--data", "data"] as const;

type Run = { readonly code: number | null; readonly stderr: string; readonly report: DevnetReport | undefined };

let runs = 0;

/** In the folder, as people name what is beside them. `watch` is told what it says, and may end it. */
function devnet(args: readonly string[], watch?: (said: string, end: (signal: NodeJS.Signals) => void) => void) {
  return new Promise<Run>((ended) => {
    const json = join(folder, `report-${runs++}.json`);
    const child = spawn(process.execPath, [MAIN, "devnet", ...args, "--json", json], {
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      watch?.(stderr, (signal) => child.kill(signal));
    });
    child.once("close", (code) => {
      const report = existsSync(json) ? (JSON.parse(readFileSync(json, "utf8")) as DevnetReport) : undefined;
      ended({ code, stderr, report });
    });
  });
}

const settledIn = (): string[] => [
  ...new Set([...journalsOf(data).values()].flat().flatMap((one) => (one.kind === "settled" ? [one.session] : []))),
];
const marketOf = (): string =>
  (JSON.parse(readFileSync(join(data, "devnet.json"), "utf8")) as Standing).deployment.market;
type Standing = { readonly deployment: { readonly market: string } };

describe("a devnet that is started again in its folder", function () {
  this.timeout(600_000);
  const log = join(data, "log", "operator.log");
  const opened = (said: string): boolean => /processes, chain at/.test(said);
  let market: string;

  before(async function () {
    // Compiles the contracts on a fresh clone.
    this.timeout(0);
    const homes = splitHours(takeHours(populate(loadBase("ieee15"), 4, 1), 2), 15);
    writeFileSync(street, JSON.stringify({ ...homes, name: "street" }));
    let waiting = false;
    const killed = await devnet([...SAME, "--sessions", "2"], (said, end) => {
      if (waiting || !opened(said)) return;
      waiting = true;
      const wait = setInterval(() => {
        if (readFileSync(log, "utf8").split('"clearing"').length < 3) return;
        clearInterval(wait);
        end("SIGKILL");
      }, 20);
    });
    expect([killed.code, killed.report], killed.stderr).to.deep.equal([null, undefined]);
    market = marketOf();
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("goes on after a kill in a session: the same market, keys and journals, nothing signed twice, all of it valid", async () => {
    const keys = readFileSync(join(data, "operator", "keys", "node.json"), "utf8");
    const { code, report, stderr } = await devnet([...SAME]);
    expect(code, stderr).to.equal(0);
    expect(report).to.deep.include({ settled: 1, voided: 0, split: 0, lost: 0 });
    expect(report!.sessions[0].ordinal).to.equal(2);
    expect(report!.earlier!.map((one) => [one.ordinal, one.outcome])).to.deep.equal([[1, "settled"]]);
    expect(report!.delivery!.sessions.map((one) => [one.ordinal, one.verdict])).to.deep.equal([
      [1, "valid"],
      [2, "valid"],
    ]);
    expect(report!.delivery!.verdict).to.match(/^valid/);
    expect([marketOf(), readFileSync(join(data, "operator", "keys", "node.json"), "utf8")]).to.deep.equal([
      market,
      keys,
    ]);
    expect(settledIn()).to.have.length(2);
    const open = readdirSync(data, { recursive: true, withFileTypes: true }).filter(
      ({ parentPath, name }) => (statSync(join(parentPath, name)).mode & 0o077) !== 0,
    );
    expect(open.map(({ parentPath, name }) => join(parentPath, name))).to.deep.equal([]);
  });

  it("lets nobody else in while it runs, stops at SIGINT with what it has, and no process of it stays", async () => {
    let second: Promise<Run> | undefined;
    const { code, stderr } = await devnet([...SAME], (said, end) => {
      if (second !== undefined || !opened(said)) return;
      second = devnet([...SAME, "--reset"]);
      void second.then(() => end("SIGINT"));
    });
    expect(code, stderr).to.equal(0);
    expect((await second!).stderr).to.match(/a devnet runs in it already$/m);
    expect(marketOf()).to.equal(market);
    const mine = readdirSync("/proc").filter((pid) => {
      if (!/^\d+$/.test(pid)) return false;
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(data);
      } catch {
        return false;
      }
    });
    expect(mine).to.deep.equal([]);
  });

  it("says in one line why it cannot go on, and begins nothing", async () => {
    const refused = async (message: RegExp, ...args: string[]): Promise<void> => {
      const { code, stderr, report } = await devnet(args);
      expect([code, report, stderr.trimEnd().split("\n").length], stderr).to.deep.equal([2, undefined, 1]);
      expect(stderr).to.match(message);
    };
    await refused(/holds a devnet of street, not of ieee15$/m, "ieee15", "--hours", "1", "--data", data);
    const other = join(folder, "other.json");
    const written = JSON.parse(readFileSync(street, "utf8")) as { tariff: { buyPerMwh: number[] } };
    const { tariff } = written;
    const dearer = { ...written, tariff: { ...tariff, buyPerMwh: tariff.buyPerMwh.map((price) => price + 1) } };
    writeFileSync(other, JSON.stringify(dearer));
    await refused(/its session of \S+ had other terms than street has now/, other, "--hours", "1", "--data", data);
    await refused(/^--data \S+street\.json: \S+street\.json is not a folder$/m, street, "--data", street);
    const nowhere = ["--transport", "nats", "--broker", "127.0.0.1:1"];
    await refused(/^--broker 127\.0\.0\.1:1: connection refused$/m, street, "--hours", "1", ...nowhere);
    await refused(/^--data "": names no folder$/m, street, "--data", "");
    expect(marketOf()).to.equal(market);
  });
});
