import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import packageJson from "../package.json" with { type: "json" };

const root = fileURLToPath(new URL("..", import.meta.url));
const node = (args: readonly string[], cwd: string): string =>
  execFileSync(process.execPath, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

describe("the package, as another project has it", function () {
  this.timeout(300_000);
  const project = mkdtempSync(join(tmpdir(), "gridpact-user-"));
  after(() => rmSync(project, { recursive: true, force: true }));

  before(() => {
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
  });

  it("has an auditor", () => {
    writeFileSync(
      join(project, "use.js"),
      `import { audit, judgeSession } from "gridpact/auditor";\nconsole.log(typeof audit, typeof judgeSession);\n`,
    );
    expect(node(["use.js"], project)).to.equal("function function\n");
  });

  it("has a codec", () => {
    writeFileSync(
      join(project, "use.js"),
      `import { canonicalBytes, quorumOf } from "gridpact/codec";
       console.log(new TextDecoder().decode(canonicalBytes({ b: 1, a: 2 })), quorumOf(15));`,
    );
    expect(node(["use.js"], project)).to.equal('{"a":2,"b":1} 10\n');
  });

  it("holds no test, and lets in nobody by another door", () => {
    const files = readdirSync(join(project, "node_modules/gridpact/dist"), { recursive: true, encoding: "utf8" });
    expect(files.filter((file) => file.includes(".test."))).to.deep.equal([]);
    writeFileSync(join(project, "use.js"), `import "gridpact/dist/ledger/deltas.js";`);
    expect(() => node(["use.js"], project)).to.throw(/ERR_PACKAGE_PATH_NOT_EXPORTED/);
  });
});
