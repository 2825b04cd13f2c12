/** Runs every suite of the project and ends with one line: `N passed, N failed`. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ON_DEVNET } from "./onDevnet.ts";
import { failuresOf, sum, totalLine, totalsOf } from "./testTotals.ts";
import type { SuiteRun, Totals } from "./testTotals.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const bin = (path: string): string => fileURLToPath(new URL(`../../node_modules/${path}`, import.meta.url));

/** `shown`: as it comes, or when the suite has ended. `needs`: what is there before it begins. */
type Suite = {
  readonly name: string;
  readonly style: SuiteRun["style"];
  readonly command: readonly string[];
  readonly shown?: "at its end";
  readonly needs?: "the build";
};

/** The Python that Debian's python3-cvxopt belongs to; another python3 may come first in PATH. */
const python = existsSync("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
// A connection that a failing test leaves open does not keep the suite from ending.
// What is in test/long is run by `npm run test:long`.
const mochaFlags = ["--reporter", "spec", "--exit", "--ignore", "test/contracts/**", "--ignore", "test/long/**"];
const withoutDevnet = ON_DEVNET.flatMap((file) => ["--ignore", file]);

/** Parts of about one length, so that two lanes end at about one time. */
const PARTS = 3;
const SESSIONS = Array.from({ length: PARTS }, (_, part): Suite => {
  const files = ON_DEVNET.filter((_, k) => k % PARTS === part);
  return {
    name: `Sessions on the embedded devnet, ${part + 1} of ${PARTS}`,
    style: "mocha",
    shown: "at its end",
    needs: "the build",
    command: [process.execPath, bin("mocha/bin/mocha.js"), ...mochaFlags, ...files],
  };
});

/** One for all: two builds at once would be in each other's way. */
const BUILD: Suite = {
  name: "Build of the contracts",
  style: "build",
  command: [process.execPath, bin("hardhat/dist/src/cli.js"), "build"],
};

/** The longest first: each of two cores takes the next when it has ended one. */
const SUITES: readonly Suite[] = [
  BUILD,
  {
    name: "TypeScript",
    style: "mocha",
    command: [
      process.execPath,
      bin("mocha/bin/mocha.js"),
      ...mochaFlags,
      "--require",
      fileURLToPath(new URL("noDevnet.ts", import.meta.url)),
      ...withoutDevnet,
      "offchain-solver/**/*.test.ts",
      "scripts/**/*.test.ts",
      "test/**/*.test.ts",
    ],
  },
  ...SESSIONS,
  {
    name: "Contracts",
    style: "mocha",
    shown: "at its end",
    needs: "the build",
    command: [process.execPath, bin("hardhat/dist/src/cli.js"), "test", "mocha"],
  },
  {
    name: "Solidity fuzz and invariants",
    style: "mocha",
    shown: "at its end",
    needs: "the build",
    command: [process.execPath, bin("hardhat/dist/src/cli.js"), "test", "solidity"],
  },
  {
    name: "Independent oracle",
    style: "unittest",
    shown: "at its end",
    command: [python, "-m", "unittest", "discover", "-v", "-s", "test/oracle"],
  },
];

/** Hundreds of processes read the same code. */
const env = { NODE_COMPILE_CACHE: join(tmpdir(), "gridpact-compile-cache"), ...process.env };

/** Output is passed on; the copy kept is read for the summary at its end. */
function run({ name, style, command, shown }: Suite): Promise<SuiteRun> {
  return new Promise((resolve) => {
    const chunks: string[] = [];
    const done = (exitCode: number | null): void => {
      const output = chunks.join("");
      if (shown) process.stdout.write(`\n=== ${name}\n${output}`);
      resolve({ name, style, output, exitCode });
    };
    const child = spawn(command[0], command.slice(1), { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
    for (const [from, to] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ] as const) {
      from.setEncoding("utf8");
      from.on("data", (text: string) => {
        chunks.push(text);
        if (!shown) to.write(text);
      });
    }
    child.on("error", (error) => {
      process.stderr.write(`${name}: ${error.message}\n`);
      done(null);
    });
    child.on("close", done);
  });
}

type Result = { readonly name: string; readonly totals: Totals; readonly failures: string[]; readonly seconds: number };
const results: Result[] = [];
const waiting = [...SUITES];
const build = Promise.withResolvers<void>();
async function runWaiting(): Promise<void> {
  for (let suite = waiting.shift(); suite; suite = waiting.shift()) {
    if (suite.needs === "the build") await build.promise;
    process.stdout.write(`\n=== ${suite.name} begins\n`);
    const start = performance.now();
    const ended = await run(suite);
    const seconds = (performance.now() - start) / 1000;
    if (suite === BUILD) build.resolve();
    results.push({ name: suite.name, totals: totalsOf(ended), failures: failuresOf(ended), seconds });
  }
}

await Promise.all([runWaiting(), runWaiting()]);

process.stdout.write("\n");
for (const { name, totals, failures, seconds } of results) {
  for (const failure of failures) process.stdout.write(`     failed: ${failure}\n`);
  process.stdout.write(
    `${totals.failed > 0 ? "FAIL" : "ok  "} ${name}: ${totalLine(totals)} (${seconds.toFixed(1)} s)\n`,
  );
}
const total = sum(results.map((result) => result.totals));
process.stdout.write(`${totalLine(total)}\n`);
process.exitCode = total.failed > 0 ? 1 : 0;
