/**
 * `npm run build:auditor`: the auditor as one file for a browser, `dist/auditor.js`, global name `gridpactAuditor`,
 * with the code that it holds contracts against inside.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** Bytes that it may come to, gzipped. */
export const MOST_BYTES = 150_000;

/** The text of the bundle. */
export async function auditorBundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(root, "offchain-solver/auditor/index.ts")],
    bundle: true,
    format: "iife",
    globalName: "gridpactAuditor",
    platform: "browser",
    target: "es2023",
    minify: true,
    legalComments: "none",
    write: false,
  });
  return outputFiles[0].text;
}

if (import.meta.main) {
  const text = await auditorBundle();
  const folder = join(root, "dist");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "auditor.js"), text);
  const bytes = gzipSync(text, { level: 9 }).length;
  process.stdout.write(`dist/auditor.js: ${text.length} bytes, ${bytes} gzipped\n`);
  if (bytes >= MOST_BYTES) process.exitCode = 1;
}
