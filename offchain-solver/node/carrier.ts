/** The network as a configuration describes it. */
import type { Wallet } from "ethers";
import type { Deployment } from "../chain/deployment.ts";
import { registryDomain } from "../codec/typedData.ts";
import { InputError } from "../io/inputError.ts";
import type { HostTransport } from "../net/host/hostOptions.ts";
import type { NetworkEvent } from "../net/host/networkEvent.ts";
import { openTls } from "../net/tls/openTls.ts";
import type { Config } from "./config.ts";
import { readPeers } from "./peers.ts";

export type Carrier = Pick<HostTransport<unknown>, "join" | "connected" | "traffic" | "close" | "drop"> & {
  /** From now on these parties, with these node keys, are let in. */
  readonly meet: (nodeKeys: ReadonlyMap<number, string>) => void;
};

export type CarrierOptions = {
  readonly config: Pick<Config, "transport">;
  readonly party: number;
  readonly nodeKey: Wallet;
  readonly deployment: Deployment;
  readonly observe: (event: NetworkEvent) => void;
};

/** Throws InputError where the port is in use or the file of peers is none. */
export async function openCarrier({ config, party, nodeKey, deployment, observe }: CarrierOptions): Promise<Carrier> {
  const { transport } = config;
  if (transport.kind !== "tls") throw new InputError(`transport.kind = ${transport.kind}: is not built in`);
  const { host, port, peers: file } = transport;
  const peers = readPeers(file);
  const domain = registryDomain(deployment.chainId, deployment.registry);
  const sign = (digest: string): string => nodeKey.signingKey.sign(digest).serialized;
  const open = openTls({ residents: [{ party, sign }], peers: [], domain, observe, listen: { host, port } });
  const opened = await open.catch((error: Error) => {
    throw new InputError(`transport.port = ${port}: ${error.message}`);
  });
  return {
    ...opened,
    meet: (nodeKeys) =>
      opened.setPeers(
        peers.flatMap(({ party: other, ...address }) => {
          const key = nodeKeys.get(other);
          return key === undefined || other === party ? [] : [{ parties: [{ party: other, nodeKey: key }], address }];
        }),
      ),
  };
}
