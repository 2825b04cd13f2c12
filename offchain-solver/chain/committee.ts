/** Whose signatures count. */
import { getAddress, getBytes, hexlify, type Provider } from "ethers";
import { contracts, type Deployment } from "./deployment.ts";

/** Node keys in the order of the bits. */
export type Seated = { readonly epoch: bigint; readonly members: readonly string[] };

/** Node keys in the order of a batch's bits, as the registry had them at a block. */
export async function readCommittee(deployment: Deployment, provider: Provider, at: number): Promise<string[]> {
  const { registry } = contracts(deployment, provider);
  return rollOf(provider, await registry.getFunction("committee").staticCall({ blockTag: at }));
}

/** The committee of an epoch, as it was made, also one that is replaced; without an epoch the one in office now. */
export async function seatedCommittee(deployment: Deployment, provider: Provider, epoch?: bigint): Promise<Seated> {
  const { registry } = contracts(deployment, provider);
  const found = await (epoch === undefined
    ? registry.getFunction("committee").staticCall()
    : registry.getFunction("committeeOf").staticCall(epoch));
  return { epoch: found.epoch, members: await rollOf(provider, found) };
}

type Stored = { readonly pointer: string; readonly members: bigint };

async function rollOf(provider: Provider, { pointer, members }: Stored): Promise<string[]> {
  // The first byte of stored code is no part of it.
  const roll = getBytes(await provider.getCode(pointer)).subarray(1);
  return Array.from({ length: Number(members) }, (_, bit) =>
    getAddress(hexlify(roll.subarray(20 * bit, 20 * (bit + 1)))),
  );
}
