import { globSync, readFileSync } from "node:fs";
import { expect } from "chai";
import { build } from "esbuild";
import { forBrowsers, violations } from "./support/floors.ts";

const rules = (file: string, source: string): string[] => violations(file, source).map(({ rule }) => rule);

describe("floors", () => {
  it("hold in every file of the solver", () => {
    const files = globSync("offchain-solver/**/*.ts").map((file) => file.replaceAll("\\", "/"));
    expect(files).to.include("offchain-solver/grid/feeder.ts");
    const found = files.flatMap((file) => violations(file, readFileSync(file, "utf8")));
    expect(found.map(({ file, line, rule }) => `${file}:${line} ${rule}`)).to.deep.equal([]);
  });

  it("bundle for a browser: not even the packages below reach Node", async () => {
    const entryPoints = globSync("offchain-solver/**/*.ts")
      .map((file) => file.replaceAll("\\", "/"))
      .filter((file) => forBrowsers(file) && !file.endsWith(".test.ts"));
    expect(entryPoints).to.include.members(["offchain-solver/chain/session.ts", "offchain-solver/auditor/audit.ts"]);
    const { metafile, warnings } = await build({
      entryPoints,
      outdir: "unwritten",
      write: false,
      bundle: true,
      format: "esm",
      platform: "browser",
      metafile: true,
      logLevel: "silent",
    });
    expect(warnings.map(({ text }) => text)).to.deep.equal([]);
    const read = Object.keys(metafile.inputs).filter((file) => file.startsWith("offchain-solver/"));
    expect(read.filter((file) => !forBrowsers(file))).to.deep.equal([]);
  });

  describe("catch a planted import", () => {
    const planted: readonly (readonly [file: string, source: string, rule: string])[] = [
      ["numerics/a.ts", `import { x } from "../grid/feeder.ts";`, "numerics may not import grid"],
      ["grid/a.ts", `import type { S } from "../market/scenario.ts";`, "grid may not import market"],
      ["market/risk/a.ts", `import { admm } from "../../clearing/admm.ts";`, "market may not import clearing"],
      ["clearing/a.ts", `import { digest } from "../codec/digest.ts";`, "clearing may not import codec"],
      ["codec/a.ts", `import { central } from "../clearing/central.ts";`, "codec may not import clearing"],
      ["auditor/a.ts", `import { central } from "../clearing/central.ts";`, "auditor may not import clearing"],
      ["auditor/a.ts", `export * from "../net/wire.ts";`, "auditor may not import net"],
      ["auditor/a.ts", `const m = await import("../clearing/central.ts");`, "auditor may not import clearing"],
      ["auditor/a.ts", `type M = import("../net/wire.ts").Message;`, "auditor may not import net"],
      ["chain/a.ts", `import { clear } from "../cli/clear.ts";`, "chain may not import cli"],
      ["market/a.ts", `import { readFileSync } from "node:fs";`, "market is pure and may not import node:fs"],
      ["clearing/a.ts", `import { sqrt } from "mathjs";`, "clearing is pure and may not import mathjs"],
      ["grid/a.ts", `import { keccak256 } from "ethers";`, "grid is pure and may not import ethers"],
      ["codec/a.ts", `import { JsonRpcProvider } from "ethers";`, "only chain may import ethers' JsonRpcProvider"],
      ["node/a.ts", `import { Contract } from "ethers";`, "only chain may import ethers' Contract"],
      ["auditor/a.ts", `import { JsonRpcProvider } from "ethers";`, "only chain may import ethers' JsonRpcProvider"],
      ["codec/a.ts", `import type { Provider } from "ethers";`, "only chain may import ethers' Provider"],
      ["cli/a.ts", `import * as ethers from "ethers";`, "only chain may import ethers' default"],
      ["net/a.ts", `import { x } from "ethers/providers";`, "only chain may import ethers/providers"],
      ["codec/a.ts", `import { readFileSync } from "node:fs";`, "codec runs in a browser and may not import node:fs"],
      ["auditor/a.ts", `import "node:crypto";`, "auditor runs in a browser and may not import node:crypto"],
      ["auditor/a.ts", `const hex = Buffer.from([1]);`, "auditor runs in a browser and may not use Buffer"],
      ["chain/a.ts", `const rpc = process.env.RPC;`, "chain runs in a browser and may not use process"],
      ["ledger/a.ts", `const at = __dirname;`, "ledger runs in a browser and may not use __dirname"],
      ["net/a.ts", `import { connect } from "node:tls";`, "net runs in a browser and may not import node:tls"],
      [
        "net/a.ts",
        `import { openTls } from "./tls/openTls.ts";`,
        "net runs in a browser and may not import offchain-solver/net/tls/openTls.ts",
      ],
      ["report/a.ts", `import Table from "cli-table3";`, "report runs in a browser and may not import cli-table3"],
      ["codec/a.ts", `import { readFile } from "fs";`, "codec runs in a browser and may not import fs"],
      ["chain/a.ts", `const hre = await import("hardhat");`, "chain runs in a browser and may not import hardhat"],
      [
        "numerics/a.ts",
        `import { solve } from "clarabel-wasm-nodejs";`,
        "numerics is pure and may not import clarabel-wasm-nodejs",
      ],
      [
        "numerics/clarabelNode.ts",
        `import { readFileSync } from "node:fs";`,
        "numerics is pure and may not import node:fs",
      ],
      [
        "clearing/a.ts",
        `import { clarabelSolver } from "../numerics/clarabelNode.ts";`,
        "clearing runs in a browser and may not import offchain-solver/numerics/clarabelNode.ts",
      ],
      ["chain/a.ts", `import { artifact } from "../devnet/artifacts.ts";`, "chain may not import devnet"],
      ["market/a.ts", `const b = Buffer.alloc(1);`, "a pure floor may not use Buffer"],
      ["devnet/a.ts", `import { x } from "../clearing/prosumerAgent.ts";`, "devnet may not hold an agent's state"],
      ["net/a.ts", `import type { S } from "../clearing/operatorAgent.ts";`, "net may not hold an agent's state"],
      ["cli/a.ts", `import { y } from "../clearing/consensus.ts";`, "cli may not hold an agent's state"],
      ["attic/a.ts", `export const a = 1;`, "attic is not a room of the house"],
    ];
    for (const [file, source, rule] of planted) {
      it(`${file}: ${source}`, () => {
        expect(rules(`offchain-solver/${file}`, source)).to.deep.equal([rule]);
      });
    }
  });

  describe("catch a planted impurity", () => {
    const planted: readonly (readonly [source: string, rule: string])[] = [
      ["const a = 2 ** 3;", "a pure floor may not use **"],
      ["let a = 2; a **= 3;", "a pure floor may not use **"],
      ["const a = Math.pow(2, 3);", "a pure floor may not use Math.pow"],
      ["const a = Math.exp(1);", "a pure floor may not use Math.exp"],
      ["const f = { g: Math.sin };", "a pure floor may not use Math.sin"],
      ["const a = Math.random();", "a pure floor may not use Math.random"],
      ["const { pow } = Math;", "a pure floor uses Math by member name only"],
      ['const a = Math["exp"](1);', "a pure floor uses Math by member name only"],
      ["const a = Date.now();", "a pure floor may not use Date"],
      ["const a = new Date(0);", "a pure floor may not use Date"],
      ["const a = process.env.A;", "a pure floor may not use process"],
      ['console.log("a");', "a pure floor may not use console"],
      ["const a = globalThis;", "a pure floor may not use globalThis"],
      ["setTimeout(f, 1);", "a pure floor may not use setTimeout"],
    ];
    for (const [source, rule] of planted) {
      it(source, () => {
        for (const floor of ["numerics", "grid", "market", "clearing"]) {
          expect(rules(`offchain-solver/${floor}/a.ts`, source)).to.deep.equal([rule]);
        }
        expect(rules("offchain-solver/node/a.ts", source)).to.deep.equal([]);
      });
    }
  });

  it("let through what is allowed", () => {
    const pure = `
      import * as z from "zod";
      import { norm } from "../numerics/vector.ts";
      // Math.pow, 2 ** 3 and Date in a comment
      const s = "console.log(process.env, 2 ** 3)";
      const a = { Date: Math.sqrt(2), process: 1 };
      type T = { console: number };
      export const b = a.Date + Math.abs(a.process);`;
    expect(rules("offchain-solver/clearing/a.ts", pure)).to.deep.equal([]);
    expect(rules("offchain-solver/codec/a.ts", `import { keccak256, SigningKey } from "ethers";`)).to.deep.equal([]);
    expect(rules("offchain-solver/chain/a.ts", `import { JsonRpcProvider } from "ethers";`)).to.deep.equal([]);
    expect(rules("offchain-solver/market/a.test.ts", `import { x } from "node:fs"; Math.random();`)).to.deep.equal([]);
    const handed = `import { getBytes, type Provider } from "ethers"; import type { Contract } from "ethers";`;
    expect(rules("offchain-solver/auditor/a.ts", handed)).to.deep.equal([]);
    const adapter = `import { createRequire } from "node:module"; import { solve } from "clarabel-wasm-nodejs"; import type { ConicSolver } from "./conicSolver.ts";`;
    expect(rules("offchain-solver/numerics/clarabelNode.ts", adapter)).to.deep.equal([]);
    expect(rules("scripts/a.ts", `import { JsonRpcProvider } from "ethers";`)).to.deep.equal([]);
  });
});

describe("the session as a reader walks it", () => {
  const steps = ["load", "freeze", "clear", "propose", "quantise", "verify", "sign", "settle", "audit"];
  const text = readFileSync("offchain-solver/devnet/session.ts", "utf8");

  it("is one file of fewer than 80 lines that calls every step", () => {
    expect(text.trimEnd().split("\n").length).to.be.below(80);
    for (const step of steps) expect(text, step).to.match(new RegExp(`\\b${step}\\(`));
  });

  it("has no step that calls another", () => {
    for (const file of globSync("offchain-solver/devnet/steps/*.ts")) {
      const imported = [...readFileSync(file, "utf8").matchAll(/^import \{([^}]*)\} from "\.\/.*";$/gm)].flatMap(
        ([, names]) => names.split(",").map((name) => name.trim()),
      );
      expect(
        imported.filter((name) => steps.includes(name)),
        file,
      ).to.deep.equal([]);
    }
  });
});
