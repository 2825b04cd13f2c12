/**
 * Keeps a cleared day as a test vector: `node scripts/generate/dayVector.ts out/ieee141-2021-07-15-24h/clearing.json`
 * writes the integers that were settled to test/vectors/ieee141-day.json.gz. The clearing is what `gridpact run
 * ieee141` leaves behind, in minutes.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const source = process.argv[2];
if (source === undefined) throw new Error("dayVector: name the clearing.json of a run");
const { quantised } = JSON.parse(readFileSync(source, "utf8"));
if (quantised === undefined) throw new Error(`${source}: nothing was cleared`);
const target = new URL("../../test/vectors/ieee141-day.json.gz", import.meta.url);
writeFileSync(target, gzipSync(JSON.stringify(quantised), { level: 9 }));
