/** Writes auditor/releasedContracts.ts, what an auditor holds contracts against, from the compiled contracts. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { tasks } from "hardhat";
import prettier from "prettier";
import { releasedBuild } from "../../offchain-solver/devnet/release.ts";

await tasks.getTask("build").run({ quiet: true, noTests: true });
const text = `/** The released contracts' runtime code: written by scripts/generate/release.ts from the compiled contracts. */
import type { Release } from "./release.ts";

export const RELEASE: Release = ${JSON.stringify(releasedBuild())};
`;
const options = await prettier.resolveConfig(import.meta.filename);
const formatted = await prettier.format(text, { ...options, parser: "typescript" });
writeFileSync(join(process.argv[2], "releasedContracts.ts"), formatted);
