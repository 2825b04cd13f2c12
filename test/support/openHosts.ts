import { Wallet } from "ethers";
import { registryDomain } from "../../offchain-solver/codec/typedData.ts";
import type { HostOptions, HostTransport, PeerHost } from "../../offchain-solver/net/host/hostOptions.ts";
import type { NetworkEvent } from "../../offchain-solver/net/host/networkEvent.ts";
import type { TransportUnderTest } from "./transportSuite.ts";

/** The registry that node keys of tests are registered with. */
export const DOMAIN = registryDomain(31337n, `0x${"12".repeat(20)}`);
export const nodeKey = (party: number): Wallet => new Wallet(`0x${(party + 1000).toString(16).padStart(64, "0")}`);

export type Opened<Address> = {
  readonly host: HostTransport<Address>;
  readonly parties: readonly number[];
  readonly events: NetworkEvent[];
};
export type Open<Address> = (options: HostOptions<Address>) => Promise<HostTransport<Address>>;

/** One host with these residents, that knows nobody yet. */
export async function openOne<Address>(
  open: Open<Address>,
  parties: readonly number[],
  options: Partial<HostOptions<Address>> = {},
): Promise<Opened<Address>> {
  const events: NetworkEvent[] = [];
  const residents = parties.map((party) => ({
    party,
    sign: (digest: string) => nodeKey(party).signingKey.sign(digest).serialized,
  }));
  const observe = (event: NetworkEvent): unknown => events.push(event);
  const host = await open({ residents, peers: [], domain: DOMAIN, observe, ...options });
  return { host, parties, events };
}

export const peerOf = <Address>({ host, parties }: Opened<Address>, address = host.address): PeerHost<Address> => ({
  parties: parties.map((party) => ({ party, nodeKey: nodeKey(party).address })),
  address,
});

/** Hosts with these residents each, all of them peers. */
export async function openHosts<Address>(
  open: Open<Address>,
  hosts: readonly (readonly number[])[],
  options: Partial<HostOptions<Address>> = {},
): Promise<Opened<Address>[]> {
  const opened = await Promise.all(hosts.map((parties) => openOne(open, parties, options)));
  meet(opened);
  return opened;
}

export function meet<Address>(opened: readonly Opened<Address>[]): void {
  for (const one of opened) one.host.setPeers(opened.filter((other) => other !== one).map((other) => peerOf(other)));
}

export async function until(holds: () => boolean, what: string, withinMs = 20_000): Promise<void> {
  for (const end = performance.now() + withinMs; !holds();) {
    if (performance.now() > end) throw new Error(`in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Several hosts as one transport: each party joins the one that it lives on. */
export function asOne<Address>(opened: readonly Opened<Address>[]): TransportUnderTest {
  return {
    transport: {
      join(self, party) {
        const home = opened.find(({ parties }) => parties.includes(self));
        if (home === undefined) throw new RangeError(`party ${self} lives nowhere`);
        return home.host.join(self, party);
      },
    },
    quiet: () => until(() => opened.every(({ host }) => host.underWay() === 0), "that all have heard all", 60_000),
    stop: async () => void (await Promise.all(opened.map(({ host }) => host.close()))),
  };
}
