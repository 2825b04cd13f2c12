import type { Provider } from "ethers";
import { audit, type Audited } from "../../offchain-solver/auditor/audit.ts";
import { endpointOf } from "../../offchain-solver/chain/endpoint.ts";
import { look } from "../../offchain-solver/chain/look.ts";
import { releasedBuild } from "../../offchain-solver/devnet/release.ts";

/**
 * What an auditor says of a market of the tests from the chain alone; `reference`: the plain twin is what is released.
 */
export const audited = (provider: Provider, market: string, fromBlock: number, reference = false): Promise<Audited> =>
  audit({
    look: look(endpointOf(provider)),
    market,
    fromBlock,
    release: releasedBuild(reference ? "reference/ReferenceMarket" : "market/Market"),
  });
