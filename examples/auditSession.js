// Judges every session that a market has settled, from its chain alone: node examples/auditSession.js RPC MARKET RELEASE
// RELEASE: a file with the code that the market, its registry and its table writer must run, each by `releasedCode`.
import { readFileSync } from "node:fs";
import { audit, httpEndpoint, look } from "gridpact/auditor";

const [rpc, market, file] = process.argv.slice(2);
const release = JSON.parse(readFileSync(file, "utf8"));
const { sessions } = await audit({ look: look(httpEndpoint(rpc)), market, fromBlock: 0, release });
for (const { batch, block, verdict } of sessions) console.log(`block ${block}, batch ${batch}: ${verdict.kind}`);
