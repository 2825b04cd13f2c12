import { execFile, execFileSync } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "chai";
import { connect } from "../offchain-solver/chain/connect.ts";
import { runSession } from "../offchain-solver/devnet/session.ts";
import { defaultSettings } from "../offchain-solver/market/scenario/market.ts";
import { loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const shown = new Set<string>();

/** What an example prints, run as a reader runs it: with the package that `npm run build` emitted. */
async function example(name: string, ...args: readonly string[]): Promise<string> {
  shown.add(name);
  const { stdout } = await promisify(execFile)(process.execPath, [`examples/${name}.js`, ...args], { cwd: root });
  return stdout;
}

describe("an example", function () {
  this.timeout(300_000);
  before(() => {
    execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json"], {
      cwd: root,
    });
  });

  it("clears a day", async () => {
    const said = await example("clearDay");
    expect(said).to.match(/^solved after \d+ iterations: \d+\.\d\d \$\n\d+ trades between 14 prosumers\n$/);
  });

  it("encodes and decodes a batch", async () => {
    const said = await example("batch");
    // By hand from the layout: count, systems, two ids, reactive 2 x 2 x 3 bytes, a group (product, period, count) of
    // one trade.
    const head = ["0002", "00", "00000007", "00000009"];
    const trade = ["01", "00", "0001", "0007", "0009", "000005dc", "01d4c0"];
    const bytes = [...head, ...Array(4).fill("000000"), ...trade].join("");
    expect(said).to.include(`38 bytes: ${bytes}\n`);
    expect(said).to.match(/seller: 7,\s+buyer: 9,\s+quantity: 1500,\s+price: 120000/);
  });

  it("runs two agents over a network", async () => {
    const said = await example("twoAgents");
    expect(said).to.match(/^proposes to sell, MW: \[ -?\d+\.\d+, -?\d+\.\d+ \]\nsolved after \d+ iterations\n$/);
  });

  it("audits a session", async () => {
    process.env.HARDHAT_CONFIG ??= join(root, "hardhat.config.ts");
    const { network, tasks } = await import("hardhat");
    const scenario = takeHours(loadScenario("ieee15"), 1);
    // A session is frozen the day before it at the earliest.
    const initialDate = new Date(Date.parse(scenario.startUtc) - 86_400_000);
    await tasks.getTask("build").run({ quiet: true, noTests: true });
    const server = await network.createServer({ override: { initialDate } }, "127.0.0.1");
    const { address, port } = await server.listen();
    const url = `http://${address}:${port}`;
    const provider = connect(url);
    try {
      const market = defaultSettings(scenario);
      const options = { method: "gsa", market, trade: true, rhoScale: 1, maxIterations: 3000 } as const;
      const chain = { admin: await provider.getSigner(), provider };
      const { deployment, audited } = await runSession(scenario, options, chain, () => undefined);
      const [{ batch, block }] = audited;
      const said = await example("auditSession", url, deployment.market);
      expect(said).to.equal(`block ${block}, batch ${batch}: valid\n`);
    } finally {
      provider.destroy();
      await server.close();
    }
  });

  it("is run here, each of them", () => {
    const names = globSync("examples/*.js", { cwd: root }).map((file) => /(\w+)\.js$/.exec(file)?.[1]);
    expect(names).to.have.members([...shown]);
  });
});
