import { execFileSync } from "node:child_process";
import {
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import ts from "typescript";
import { releasedBuild } from "../offchain-solver/devnet/release.ts";
import packageJson from "../package.json" with { type: "json" };

const root = fileURLToPath(new URL("..", import.meta.url));
const node = (args: readonly string[], cwd: string): string =>
  execFileSync(process.execPath, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

describe("the package, as another project has it", function () {
  this.timeout(300_000);
  const project = mkdtempSync(join(tmpdir(), "gridpact-user-"));
  after(() => rmSync(project, { recursive: true, force: true }));

  before(() => {
    // As `prepack` does; quick where nothing changed.
    node([join(root, "node_modules/hardhat/dist/src/cli.js"), "build", "--no-tests", "--quiet"], root);
    rmSync(join(root, "dist"), { recursive: true, force: true });
    node([join(root, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json"], root);
    const packed = execFileSync("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", project], {
      cwd: root,
      encoding: "utf8",
    });
    const home = join(project, "node_modules/gridpact");
    mkdirSync(home, { recursive: true });
    execFileSync("tar", ["xzf", join(project, packed.trim()), "-C", home, "--strip-components=1"]);
    // What it declares and nothing else: a package that is used and not declared would not be found.
    for (const name of Object.keys(packageJson.dependencies)) {
      const at = join(project, "node_modules", name);
      mkdirSync(dirname(at), { recursive: true });
      symlinkSync(join(root, "node_modules", name), at);
    }
    writeFileSync(join(project, "package.json"), JSON.stringify({ type: "module" }));
    mkdirSync(join(project, "node_modules/.bin"));
    symlinkSync(`../gridpact/${packageJson.bin.gridpact}`, join(project, "node_modules/.bin/gridpact"));
  });

  // A user's shell is not inside another `npx -c`, whose settings npm hands down to every program under it.
  const ofNpm = /^npm_/i;
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ofNpm.test(name)));
  const gridpact = (...args: string[]): string =>
    execFileSync("npx", ["--no-install", "gridpact", ...args], {
      cwd: project,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      // Whatever the environment says of other networks and configurations.
      env: { ...environment, HARDHAT_CONFIG: "/nowhere/hardhat.config.ts", HARDHAT_NETWORK: "nowhere" },
    });

  it("has the commands: clears a scenario of the user's own", () => {
    gridpact("scenario", "ieee15", "--json", "street.json");
    const cleared = JSON.parse(gridpact("clear", "street.json", "--hours", "1", "--method", "central", "--json", "-"));
    expect(cleared.status).to.equal("solved");
    expect(cleared.prosumers).to.have.length(14);
  });

  it("runs a session on the chain that ships with it, and audits it", () => {
    gridpact("run", "ieee15", "--hours", "1", "--out", "sessions");
    const [folder] = readdirSync(join(project, "sessions"));
    const audit = JSON.parse(readFileSync(join(project, "sessions", folder, "audit.json"), "utf8"));
    expect(JSON.stringify(audit)).to.match(/"valid"/);
    expect(readdirSync(join(project, "sessions", folder))).to.include("report.html");
  });

  it("holds no source in another language than Node runs under node_modules", () => {
    const files = readdirSync(join(project, "node_modules/gridpact"), { recursive: true, encoding: "utf8" });
    expect(files.filter((file) => /(?<!\.d)\.ts$/.test(file))).to.deep.equal([]);
  });

  it("has an auditor that knows the released contracts, whatever is built beside it", () => {
    writeFileSync(
      join(project, "use.js"),
      `import { audit, judgeSession, RELEASE } from "gridpact/auditor";
       console.log(typeof audit, typeof judgeSession, JSON.stringify(RELEASE));`,
    );
    // Kept in git, and what the contracts compile to: npm run generate.
    expect(node(["use.js"], project)).to.equal(`function function ${JSON.stringify(releasedBuild())}\n`);
  });

  it("has a codec", () => {
    writeFileSync(
      join(project, "use.js"),
      `import { canonicalBytes, quorumOf } from "gridpact/codec";
       console.log(new TextDecoder().decode(canonicalBytes({ b: 1, a: 2 })), quorumOf(15));`,
    );
    expect(node(["use.js"], project)).to.equal('{"a":2,"b":1} 10\n');
  });

  it("has a solver, which clears a case that ships with it, on threads too", () => {
    writeFileSync(
      join(project, "use.js"),
      `import { clear, clarabelSolver, createMarket, defaultSettings, loadScenario, solveCentral, takeHours } from "gridpact/solver";
       const scenario = takeHours(loadScenario("ieee15"), 1);
       const market = defaultSettings(scenario);
       const { outcome } = clear(scenario, { method: "gsa", market, trade: true, rhoScale: 1, maxIterations: 3000, workers: 2 });
       const central = solveCentral(createMarket(scenario, { ...market, risk: "deterministic" }), undefined, clarabelSolver);
       console.log(outcome.quantised.result.participants.length === scenario.prosumers.length, central.status);`,
    );
    expect(node(["use.js"], project)).to.equal("true solved\n");
  });

  it("has what a node runs, and all of it by one name", () => {
    writeFileSync(
      join(project, "use.js"),
      `import { decodeMessage, encodeMessage, sessionTag } from "gridpact/node";
       import { auditor, codec, node, solver } from "gridpact";
       const tag = sessionTag("0x" + "ab".repeat(32));
       const bytes = encodeMessage({ kind: "trade", iteration: 7, block: Float64Array.of(1.5) }, tag);
       console.log(decodeMessage(bytes, tag).message.iteration, node.encodeMessage === encodeMessage);
       console.log(typeof auditor.audit, typeof codec.termsHash, typeof solver.clear);`,
    );
    expect(node(["use.js"], project)).to.equal("7 true\nfunction function function\n");
  });

  it("holds no test, and lets in nobody by another door", () => {
    const files = readdirSync(join(project, "node_modules/gridpact/dist"), { recursive: true, encoding: "utf8" });
    expect(files.filter((file) => file.includes(".test."))).to.deep.equal([]);
    writeFileSync(join(project, "use.js"), `import "gridpact/dist/ledger/deltas.js";`);
    expect(() => node(["use.js"], project)).to.throw(/ERR_PACKAGE_PATH_NOT_EXPORTED/);
  });
});

describe("the packages that a session runs with", () => {
  const read = (file: string): string => readFileSync(join(root, file), "utf8");
  const sources = [...globSync("offchain-solver/**/*.ts", { cwd: root }), "hardhat.config.ts"].filter(
    (file) => !file.endsWith(".test.ts"),
  );
  const nameOf = (specifier: string): string => /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier;

  it("are declared, all that are imported", () => {
    // Comes inside cvxjs, in no registry: looked up from there (numerics/clarabelNode.ts).
    const known = new Set([...Object.keys(packageJson.dependencies), "clarabel-wasm-nodejs"]);
    const strangers = sources.flatMap((file) =>
      ts
        .preProcessFile(read(file))
        .importedFiles.map(({ fileName }) => fileName)
        .filter((name) => !/^(\.|node:)/.test(name) && !known.has(nameOf(name)))
        .map((name) => `${file}: ${name}`),
    );
    expect(strangers).to.deep.equal([]);
  });

  it("are used, all that are declared", () => {
    const texts = [...sources, ...globSync("contracts/**/*.sol", { cwd: root })].map(read);
    const idle = Object.keys(packageJson.dependencies).filter(
      (name) => !texts.some((text) => text.includes(`"${name}"`) || text.includes(`"${name}/`)),
    );
    expect(idle).to.deep.equal([]);
  });
});
