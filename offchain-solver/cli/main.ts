#!/usr/bin/env node
import { endQuietlyOnClosedPipe } from "../io/output.ts";
import { gridpact } from "./program.ts";

endQuietlyOnClosedPipe();
process.exitCode = await gridpact(process.argv.slice(2));
