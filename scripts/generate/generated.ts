/**
 * What is generated and kept in git. Each generator takes the directory to write to; `--check` runs it into a temporary
 * one and compares, so a stale file fails `npm run check` instead of misleading a reader.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export type Generator = {
  readonly script: string;
  readonly writes: string;
  /** Whether every file below `writes` comes from the generator, so that an extra one is a leftover. */
  readonly owns: boolean;
};

export const GENERATORS: readonly Generator[] = [
  { script: "scripts/generate/schemas.ts", writes: "docs/schemas", owns: true },
  { script: "scripts/generate/buildCases.ts", writes: "cases/scenarios", owns: true },
  { script: "scripts/generate/abi.ts", writes: "offchain-solver/codec", owns: false },
  { script: "scripts/generate/release.ts", writes: "offchain-solver/auditor", owns: false },
];

const filesBelow = (directory: string): string[] =>
  existsSync(directory)
    ? readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((name) =>
        statSync(join(directory, name)).isFile(),
      )
    : [];

/** Names the files that differ between what is kept and what the generator writes now. */
export function stale(kept: string, fresh: string, owns: boolean): string[] {
  const now = filesBelow(fresh);
  const found = now.filter((name) => {
    const path = join(kept, name);
    return !existsSync(path) || !readFileSync(path).equals(readFileSync(join(fresh, name)));
  });
  if (owns) found.push(...filesBelow(kept).filter((name) => !now.includes(name)));
  return found.sort();
}

function main(check: boolean): number {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  let bad = 0;
  for (const { script, writes, owns } of GENERATORS) {
    const kept = join(root, writes);
    const target = check ? mkdtempSync(join(tmpdir(), "gridpact-generated-")) : kept;
    const { status, stderr } = spawnSync(process.execPath, [join(root, script), target], {
      cwd: root,
      encoding: "utf8",
    });
    if (status !== 0) {
      process.stderr.write(`${script} failed\n${stderr}`);
      bad++;
    } else if (check) {
      for (const name of stale(kept, target, owns)) {
        process.stderr.write(`${relative(root, join(kept, name))} is not what ${script} writes; npm run generate\n`);
        bad++;
      }
    }
    if (check) rmSync(target, { recursive: true });
  }
  return bad;
}

if (import.meta.main) process.exitCode = main(process.argv.includes("--check")) > 0 ? 1 : 0;
