/** Runs command lines (JSON on stdin) in this process, under whichever user it was started as; prints what each did. */
import { readFileSync } from "node:fs";
import { captured } from "./commandLine.ts";

const lines = JSON.parse(readFileSync(0, "utf8")) as string[][];
const ends = [];
for (const args of lines) ends.push(await captured(...args));
process.stdout.write(JSON.stringify(ends));
