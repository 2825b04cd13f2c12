import { Contract, type Provider } from "ethers";
import { audit, type Audited } from "../../offchain-solver/auditor/audit.ts";
import { type Release, releasedCode } from "../../offchain-solver/auditor/release.ts";
import { endpointOf } from "../../offchain-solver/chain/endpoint.ts";
import { look } from "../../offchain-solver/chain/look.ts";
import { releasedBuild } from "../../offchain-solver/devnet/release.ts";
import { AS_RELEASED } from "./world.ts";

type Audience = {
  /** The plain twins are what is released. */
  readonly reference?: boolean;
  /** Keys of the tests stand for the contracts that post: whose code it is nobody asks. */
  readonly posters?: boolean;
};

/** What an auditor says of a market of the tests from the chain alone. */
export async function audited(
  provider: Provider,
  market: string,
  fromBlock: number,
  { reference = false, posters = false }: Audience = {},
): Promise<Audited> {
  const build = reference ? releasedBuild("reference/ReferenceMarket", "reference/ReferenceDelivery") : releasedBuild();
  const { delivery: _delivery, carbonCredit: _carbonCredit, ...without } = build;
  const asked = posters ? without : build;
  const release = AS_RELEASED ? asked : { ...asked, ...(await ownBuild(provider, market, asked)) };
  return audit({ look: look(endpointOf(provider)), market, fromBlock, release });
}

/** What a market runs on that is no release: it stands for one, so that all else is still asked. */
async function ownBuild(provider: Provider, market: string, asked: Release): Promise<Partial<Release>> {
  const names = (["registry", "tableWriter", "extension"] as const).filter((name) => asked[name] !== undefined);
  const contract = new Contract(
    market,
    names.map((name) => `function ${name}() view returns (address)`),
    provider,
  );
  const own: Partial<Record<keyof Release, Release["market"]>> = {};
  const put = async (name: keyof Release, address: string): Promise<void> => {
    own[name] = releasedCode(await provider.getCode(address), []);
  };
  await put("market", market);
  for (const name of names) await put(name, (await contract.getFunction(name)()) as string);
  return own;
}
