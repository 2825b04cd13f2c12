/**
 * Same input, same bits: runs a short clearing by every method under this Node and under Node 22 (from the npm
 * registry) and compares the hashes with bench/bits.json, which --write renews after a change to the core.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { allBits, WHAT } from "./iterateBits.ts";
import { METHODS } from "../../offchain-solver/market/result/methods.ts";

const OTHER = "22";
const record = fileURLToPath(new URL("../../bench/bits.json", import.meta.url));
const worker = fileURLToPath(new URL("./iterateBits.ts", import.meta.url));

function underOther(): { version: string; bits: Record<string, string> } {
  // Outside the project npx takes the asked-for Node instead of the one in node_modules.
  const run = (...args: string[]): string => {
    const child = spawnSync("npx", ["-y", "-p", `node@${OTHER}`, "node", ...args], {
      encoding: "utf8",
      cwd: "/",
      stdio: ["ignore", "pipe", "pipe"],
    });
    if (child.status !== 0) throw new Error(`node@${OTHER}: ${child.stderr || String(child.error)}`);
    return child.stdout.trim();
  };
  return { version: run("--version"), bits: JSON.parse(run(worker)) as Record<string, string> };
}

const here = { version: process.version, bits: allBits() };
const there = underOther();
let wrong = 0;
if (process.argv.includes("--write")) {
  const nodes = [here.version, there.version];
  writeFileSync(record, `${JSON.stringify({ about: WHAT, nodes, bits: here.bits }, null, 2)}\n`);
}
const kept = (JSON.parse(readFileSync(record, "utf8")) as { bits: Record<string, string> }).bits;
for (const method of METHODS) {
  const [a, b, c] = [here.bits[method], there.bits[method], kept[method]];
  if (a !== b || a !== c) wrong++;
  const verdict = a !== b ? "DIFFERENT" : a !== c ? "same, but not as recorded" : "same, as recorded";
  process.stdout.write(
    `${method.padEnd(9)} ${a.slice(0, 16)} ${here.version}  ${b.slice(0, 16)} ${there.version}  ${verdict}\n`,
  );
}
process.exitCode = wrong === 0 ? 0 : 1;
