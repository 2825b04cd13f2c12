#!/usr/bin/env node
import { enableCompileCache } from "node:module";
import { endQuietlyOnClosedPipe } from "../io/output.ts";

// Half of what a short command takes is reading its own code.
enableCompileCache();
endQuietlyOnClosedPipe();
const { gridpact } = await import("./program.ts");
process.exitCode = await gridpact(process.argv.slice(2));
