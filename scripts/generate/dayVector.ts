/**
 * Keeps a cleared day as a test vector, the integers that were settled:
 *
 *   node scripts/generate/dayVector.ts ieee141-day out/ieee141-2021-07-15-24h/clearing.json
 *   node scripts/generate/dayVector.ts ieee15-quarters out/ieee15-2021-07-15-24h/clearing.json
 *
 * writes test/vectors/NAME.json.gz. The clearings are what `gridpact run ieee141` and `gridpact run ieee15 --minutes
 * 15` leave behind, in minutes.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const [name, source] = process.argv.slice(2);
if (source === undefined) throw new Error("dayVector: give a name and the clearing.json of a run");
const { quantised } = JSON.parse(readFileSync(source, "utf8"));
if (quantised === undefined) throw new Error(`${source}: nothing was cleared`);
const target = new URL(`../../test/vectors/${name}.json.gz`, import.meta.url);
writeFileSync(target, gzipSync(JSON.stringify(quantised), { level: 9 }));
