// Judges every session that a market has settled, from its chain alone: node examples/auditSession.js RPC MARKET
import { audit, httpEndpoint, look, RELEASE } from "gridpact/auditor";

const [rpc, market] = process.argv.slice(2);
const { sessions } = await audit({ look: look(httpEndpoint(rpc)), market, fromBlock: 0, release: RELEASE });
for (const { batch, block, verdict } of sessions) console.log(`block ${block}, batch ${batch}: ${verdict.kind}`);
