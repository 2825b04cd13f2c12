/** Everything a change must pass: format, lint, types, tests, gas budget, generated files fresh. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const node = process.execPath;
const bin = (path: string): string => `node_modules/${path}`;

type Step = { readonly name: string; readonly command: readonly string[]; readonly live?: true };

const STEPS: readonly Step[] = [
  { name: "format", command: [node, bin("prettier/bin/prettier.cjs"), "--check", "--log-level", "warn", "."] },
  { name: "lint TypeScript", command: [node, bin("eslint/bin/eslint.js"), "--max-warnings", "0", "."] },
  {
    name: "lint Solidity",
    command: [node, bin("solhint/solhint.js"), "--disc", "--max-warnings", "0", "contracts/**/*.sol"],
  },
  { name: "types", command: [node, bin("typescript/bin/tsc"), "--noEmit"] },
  { name: "types of the page", command: [node, bin("typescript/bin/tsc"), "-p", "app"] },
  { name: "generated files", command: [node, "scripts/generate/generated.ts", "--check"] },
  { name: "gas budget", command: [node, "scripts/gas/gas.ts"] },
  { name: "tests", command: [node, "scripts/check/testAll.ts"], live: true },
];

function run({ command, live }: Step): Promise<{ ok: boolean; output: string }> {
  return new Promise((resolve) => {
    const chunks: string[] = [];
    const child = spawn(command[0], command.slice(1), { cwd: root, stdio: live ? "inherit" : "pipe" });
    child.stdout?.setEncoding("utf8").on("data", (text: string) => chunks.push(text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => chunks.push(text));
    child.on("error", (error) => resolve({ ok: false, output: error.message }));
    child.on("close", (code) => resolve({ ok: code === 0, output: chunks.join("") }));
  });
}

const failed: string[] = [];
for (const step of STEPS) {
  const start = performance.now();
  const { ok, output } = await run(step);
  if (!ok) failed.push(step.name);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  process.stdout.write(`${ok ? "ok  " : "FAIL"} ${step.name} (${seconds} s)\n${ok ? "" : output}`);
}
process.stdout.write(failed.length === 0 ? "all checks passed\n" : `failed: ${failed.join(", ")}\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
