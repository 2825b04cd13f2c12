/** The network as a configuration describes it. */
import type { Wallet } from "ethers";
import type { Deployment } from "../chain/deployment.ts";
import { registryDomain } from "../codec/typedData.ts";
import { InputError } from "../io/inputError.ts";
import { complaint } from "../io/readJson.ts";
import type { HostOptions, HostTransport } from "../net/host/hostOptions.ts";
import type { NetworkEvent } from "../net/host/networkEvent.ts";
import { openNats, subjectOf } from "../net/nats/openNats.ts";
import { openTls } from "../net/tls/openTls.ts";
import type { Config } from "./config.ts";
import { readPeers, type Peers } from "./peers.ts";

export type Carrier = Pick<HostTransport<unknown>, "join" | "connected" | "traffic" | "close" | "drop" | "readmit"> & {
  /** From now on these parties, with these node keys, are let in. */
  readonly meet: (nodeKeys: ReadonlyMap<number, string>) => void;
};

export type CarrierOptions = {
  readonly config: Pick<Config, "transport" | "peers">;
  readonly party: number;
  readonly nodeKey: Wallet;
  readonly deployment: Deployment;
  readonly observe: (event: NetworkEvent) => void;
};

/** What a broker lets its hosts in with: it keeps strangers from its bandwidth, and nothing else hangs on it. */
export const NATS_TOKEN = "GRIDPACT_NATS_TOKEN";

type Refused = Error & { readonly code?: string };
/** Of an address that this machine does not have, or a name that nobody knows. */
const NO_HOST: ReadonlySet<string> = new Set(["EADDRNOTAVAIL", "ENOTFOUND", "EAI_AGAIN"]);

type Shared = Omit<HostOptions<never>, "peers">;

/** Throws InputError where a port is in use, a broker is not reached, or the file of peers is none. */
export async function openCarrier(options: CarrierOptions): Promise<Carrier> {
  const { config, party, nodeKey, deployment, observe } = options;
  const { transport } = config;
  const peers = readPeers(config.peers).filter((peer) => peer.party !== party);
  const sign = (digest: string): string => nodeKey.signingKey.sign(digest).serialized;
  const domain = registryDomain(deployment.chainId, deployment.registry);
  const shared: Shared = { residents: [{ party, sign }], domain, observe };
  if (transport.kind === "tls") {
    const nowhere = peers.find((peer) => peer.host === undefined || peer.port === undefined);
    if (nowhere !== undefined)
      throw complaint(config.peers, "parties", nowhere.party, "over TLS a party has a host and a port");
    const { host, port } = transport;
    const opened = await openTls({ ...shared, peers: [], listen: { host, port } }).catch((error: Refused) => {
      const field = NO_HOST.has(error.code ?? "") ? `host = ${host}` : `port = ${port}`;
      throw new InputError(`transport.${field}: ${error.message}`);
    });
    return meeting(opened, peers, (peer) => ({ host: String(peer.host), port: Number(peer.port) }));
  }
  const servers = [...transport.servers];
  // One broker may carry several markets.
  const space = `gridpact.${deployment.chainId}.${deployment.market.toLowerCase()}`;
  const token = process.env[NATS_TOKEN];
  const broker = { servers, ...(token !== undefined && { token }) };
  const opened = await openNats({ ...shared, peers: [], space, broker }).catch((error: Error) => {
    throw new InputError(`transport.servers = ${servers.join(", ")}: ${error.message}`);
  });
  return meeting(opened, peers, ({ party: other }) => subjectOf(space, [other]));
}

function meeting<Address>(
  opened: HostTransport<Address>,
  peers: Peers,
  addressOf: (peer: Peers[number]) => Address,
): Carrier {
  return {
    ...opened,
    meet: (nodeKeys) =>
      opened.setPeers(
        peers.flatMap((peer) => {
          const nodeKey = nodeKeys.get(peer.party);
          return nodeKey === undefined ? [] : [{ parties: [{ party: peer.party, nodeKey }], address: addressOf(peer) }];
        }),
      ),
  };
}
