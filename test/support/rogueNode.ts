import type { JsonRpcProvider } from "ethers";
import { genesisOf } from "../../offchain-solver/chain/watch.ts";
import type { Devnet } from "../../offchain-solver/devnet/devnet.ts";
import { openCarrier } from "../../offchain-solver/node/carrier.ts";
import { readConfig } from "../../offchain-solver/node/config.ts";
import { configFile, journalFile, privateFile } from "../../offchain-solver/node/home.ts";
import { Journal } from "../../offchain-solver/node/journal/journal.ts";
import { Party } from "../../offchain-solver/node/party.ts";
import { partFor } from "../../offchain-solver/node/privateFile.ts";
import { Records } from "../../offchain-solver/node/records.ts";
import { decodeLife, encodeLife, isLife, type Life } from "../../offchain-solver/node/session/messages.ts";

/** What becomes of a message on its way out; undefined: it is kept back. Agents' messages are passed as bytes. */
export type Falsify = (message: Life | Uint8Array, to: number) => Life | Uint8Array | undefined;

/**
 * A party of a devnet with its own home and keys, in this process, that lies to the others: its own was stopped.
 * `joined` is told how it says anything that it likes.
 */
export async function rogueNode(
  devnet: Devnet,
  party: number,
  falsify: Falsify,
  joined: (say: (to: number, bytes: Uint8Array) => void) => void = () => undefined,
): Promise<Party> {
  const { home, keys } = devnet.homes.find(({ id }) => id === party)!;
  const { deployment } = devnet;
  const provider = devnet.chain.provider as JsonRpcProvider;
  const config = readConfig(configFile(home));
  const genesis = await genesisOf(provider);
  const owner = { party, chainId: String(config.chainId), genesis, market: config.market };
  const observe = (): void => undefined;
  const opened = await openCarrier({ config, party, nodeKey: keys.node, deployment, observe });
  const rogue = new Party({
    party,
    config,
    provider,
    deployment,
    keys: { wallet: keys.wallet, node: keys.node },
    journal: new Journal(journalFile(home), owner),
    carrier: {
      ...opened,
      join(self, receiver) {
        const link = opened.join(self, receiver);
        joined((to, bytes) => link.send(to, bytes));
        const send = (to: number, bytes: Uint8Array): void => {
          const said = falsify((isLife(bytes) && decodeLife(bytes)) || bytes, to);
          if (said !== undefined) link.send(to, said instanceof Uint8Array ? said : encodeLife(said));
        };
        return { ...link, send };
      },
    },
    records: new Records(home, config.bundles),
    partFor: (terms) => partFor(privateFile(home), terms),
    log: () => undefined,
    failed: () => undefined,
  });
  await rogue.start(devnet.homes.map(({ id }) => id));
  return rogue;
}
