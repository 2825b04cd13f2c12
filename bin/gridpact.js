#!/usr/bin/env node
// From the sources in a clone; an installed package has only what was made of them, since Node runs no types there.
import { existsSync } from "node:fs";

const source = new URL("../offchain-solver/cli/main.ts", import.meta.url);
const made = new URL("../dist/cli/main.js", import.meta.url);
await import(existsSync(source) ? source : made);
