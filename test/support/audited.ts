import type { Provider } from "ethers";
import { audit, type Audited } from "../../offchain-solver/auditor/audit.ts";
import { endpointOf } from "../../offchain-solver/chain/endpoint.ts";
import { look } from "../../offchain-solver/chain/look.ts";
import { releasedBuild } from "../../offchain-solver/devnet/release.ts";

type Audience = {
  /** The plain twins are what is released. */
  readonly reference?: boolean;
  /** Keys of the tests stand for the contracts that post: whose code it is nobody asks. */
  readonly posters?: boolean;
};

/** What an auditor says of a market of the tests from the chain alone. */
export function audited(
  provider: Provider,
  market: string,
  fromBlock: number,
  { reference = false, posters = false }: Audience = {},
): Promise<Audited> {
  const build = reference ? releasedBuild("reference/ReferenceMarket", "reference/ReferenceDelivery") : releasedBuild();
  const { delivery: _delivery, carbonCredit: _carbonCredit, ...without } = build;
  return audit({ look: look(endpointOf(provider)), market, fromBlock, release: posters ? without : build });
}
