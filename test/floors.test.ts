import { globSync, readFileSync } from "node:fs";
import { expect } from "chai";
import { build } from "esbuild";
import { DOORS_FOR_PAGES, forBrowsers, pageViolations, violations } from "./support/floors.ts";

const rules = (file: string, source: string): string[] => violations(file, source).map(({ rule }) => rule);

describe("floors", () => {
  it("hold in every file of the solver", () => {
    const files = globSync("offchain-solver/**/*.ts").map((file) => file.replaceAll("\\", "/"));
    expect(files).to.include("offchain-solver/grid/feeder.ts");
    const found = files.flatMap((file) => violations(file, readFileSync(file, "utf8")));
    expect(found.map(({ file, line, rule }) => `${file}:${line} ${rule}`)).to.deep.equal([]);
    // What has another ending would be looked at by none of these rules.
    const others = globSync("offchain-solver/**/*.{js,jsx,mjs,cjs,mts,cts,tsx}");
    expect(others).to.deep.equal([]);
  });

  it("bundle for a browser: not even the packages below reach Node", async () => {
    const entryPoints = globSync("offchain-solver/**/*.ts")
      .map((file) => file.replaceAll("\\", "/"))
      .filter((file) => (forBrowsers(file) || DOORS_FOR_PAGES.includes(file)) && !file.endsWith(".test.ts"));
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
    expect(read.filter((file) => !forBrowsers(file) && !DOORS_FOR_PAGES.includes(file))).to.deep.equal([]);
  });

  it("hold in the page, which comes in by its doors alone", () => {
    const files = globSync("app/src/**/*.{ts,tsx}").map((file) => file.replaceAll("\\", "/"));
    expect(files).to.include("app/src/App.tsx");
    const found = files.flatMap((file) => pageViolations(file, readFileSync(file, "utf8")));
    expect(found.map(({ file, line, rule }) => `${file}:${line} ${rule}`)).to.deep.equal([]);
    for (const [source, rule] of [
      [`import { clear } from "../../offchain-solver/simulation/clear.ts";`, "simulation/clear.ts"],
      [`const m = await import("../../offchain-solver/chain/connect.ts");`, "chain/connect.ts"],
      [`import { JsonRpcProvider } from "ethers";`, "only chain may import ethers' JsonRpcProvider"],
      [`import { readFileSync } from "node:fs";`, "node:fs"],
    ])
      expect(
        pageViolations("app/src/a.tsx", source)
          .map((one) => one.rule)
          .join(),
        source,
      ).to.include(rule);
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
      ["auditor/a.ts", "const m = await import(`../clearing/central.ts`);", "auditor may not import clearing"],
      ["devnet/a.ts", "await import(`../clearing/consensus.ts`);", "devnet may not hold an agent's state"],
      ["devnet/a.ts", `await import("../clearing/" + name);`, "devnet may not import what is computed"],
      ["codec/a.ts", `import fs = require("node:fs");`, "codec runs in a browser and may not import node:fs"],
      ["scenarios/a.ts", `import r = require("../report/page.ts");`, "scenarios may not import report"],
      ["devnet/a.ts", `import { createRequire } from "node:module";`, "devnet may not import node:module"],
      [
        "cli/a.ts",
        `import { createRequire, enableCompileCache } from "node:module";`,
        "cli may not import node:module",
      ],
      ["cli/a.ts", `import * as module from "node:module";`, "cli may not import node:module"],
      ["chain/a.ts", `const p = globalThis.process;`, "chain runs in a browser and may not use globalThis"],
      ["chain/a.ts", `const { process: p } = globalThis;`, "chain runs in a browser and may not use globalThis"],
      ["report/a.ts", `const b = global["Buffer"];`, "report runs in a browser and may not use global"],
      ["records/a.ts", `eval("process.exit()");`, "records runs in a browser and may not use eval"],
      ["net/a.ts", `new Function("return process")();`, "net runs in a browser and may not use Function"],
      ["chain/a.ts", `const at = import.meta.dirname;`, "chain runs in a browser and may not use import.meta.dirname"],
      [
        "grid/a.ts",
        `const at = import.meta.resolve("x");`,
        "grid runs in a browser and may not use import.meta.resolve",
      ],
      ["codec/a.ts", `export const f = (b: Buffer) => b;`, "codec runs in a browser and may not use Buffer"],
      ["chain/a.ts", `let timer: NodeJS.Timeout;`, "chain runs in a browser and may not use NodeJS"],
      ["codec/a.ts", `/// <reference types="node" />`, "codec may not refer to node"],
      ["codec/a.ts", `export * from "./a.test.ts";`, "codec may not import a test"],
      [
        "scenarios/a.ts",
        `import { clear } from "gridpact/solver";`,
        "scenarios is in the house and may not import gridpact/solver",
      ],
      ["node/a.ts", `import "file:///srv/report/page.ts";`, "node may not import file:///srv/report/page.ts"],
      ["node/a.ts", `await import("data:text/javascript,1");`, "node may not import data:text/javascript,1"],
      ["node/a.ts", `import "/srv/page.ts";`, "node may not import /srv/page.ts"],
      ["cli/a.ts", `import { node } from "../index.ts";`, "cli may not come in by a door of the package"],
      [
        "devnet/a.ts",
        `import { stepProsumer } from "../node/index.ts";`,
        "devnet may not come in by a door of the package",
      ],
      ["clearing/a.ts", `export { stepProsumer } from "./prosumerAgent.ts";`, "nobody hands an agent's state on"],
      ["simulation/a.ts", `export * from "../clearing/prosumerAgent.ts";`, "nobody hands an agent's state on"],
      ["simulation/a.ts", `export type { S } from "../clearing/operatorAgent.ts";`, "nobody hands an agent's state on"],
      [
        "devnet/a.ts",
        `new Worker(new URL("../clearing/consensus.ts", import.meta.url));`,
        "devnet may not hold an agent's state",
      ],
    ];
    for (const [file, source, rule] of planted) {
      it(`${file}: ${source}`, () => {
        expect(rules(`offchain-solver/${file}`, source)).to.deep.equal([rule]);
      });
    }
  });

  it("catch an agent's state that is imported under one name and handed on under another", () => {
    const source = `import { type S as T, stepProsumer as step } from "../clearing/prosumerAgent.ts";\nexport { step as go, type T };`;
    expect(rules("offchain-solver/simulation/a.ts", source)).to.deep.equal(["nobody hands an agent's state on"]);
    expect(rules("offchain-solver/node/index.ts", source)).to.deep.equal([]);
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
      ['const a = eval("Date.now()");', "a pure floor may not use eval"],
      ['const a = new Function("return Date.now()")();', "a pure floor may not use Function"],
      ["const a = global.Date;", "a pure floor may not use global"],
      ["const a = new Intl.DateTimeFormat();", "a pure floor may not use Intl"],
      ["const a = Temporal.Now.instant();", "a pure floor may not use Temporal"],
      ['const a = new WebSocket("ws://a");', "a pure floor may not use WebSocket"],
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
