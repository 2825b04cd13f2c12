// Judges every session that a market has settled, from its chain alone: node examples/auditSession.js RPC MARKET
import { JsonRpcProvider } from "ethers";
import { audit } from "gridpact/auditor";

const [rpc, market] = process.argv.slice(2);
const provider = new JsonRpcProvider(rpc);
for (const { batch, block, verdict } of await audit({ provider, market, fromBlock: 0 })) {
  console.log(`block ${block}, batch ${batch}: ${verdict.kind}`);
}
provider.destroy();
