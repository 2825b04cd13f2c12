/** Posting a batch in two steps, so that what is about to be sent can be written down before it is. */
import { hexlify, keccak256, type Provider, type Wallet } from "ethers";
import { packSignatures } from "../codec/typedData.ts";
import { reasonOf } from "./revert.ts";
import { contracts, type Deployment } from "./deployment.ts";

export type Prepared =
  | { readonly kind: "ready"; readonly raw: string; readonly hash: string }
  /** The chain would refuse it now: somebody else was first, or it is none. */
  | { readonly kind: "refused"; readonly reason: string };

export type Posting = {
  readonly payload: Uint8Array;
  readonly bundleHash: string;
  /** Signature by the member's bit. */
  readonly attestations: ReadonlyMap<number, string>;
};

/** A signed transaction that settles; nothing is sent. */
export async function prepareSettle(deployment: Deployment, payer: Wallet, posting: Posting): Promise<Prepared> {
  const { market } = contracts(deployment, payer);
  const { signers, signatures } = packSignatures(posting.attestations);
  const settle = market.getFunction("settle");
  const args = [hexlify(posting.payload), posting.bundleHash, signers, signatures] as const;
  try {
    const call = await settle.populateTransaction(...args);
    const raw = await payer.signTransaction(await payer.populateTransaction(call));
    return { kind: "ready", raw, hash: keccak256(raw) };
  } catch (error) {
    return { kind: "refused", reason: revertOf(error, market.interface) ?? reasonOf(error) };
  }
}

function revertOf(error: unknown, abi: { parseError: (data: string) => { name: string } | null }): string | undefined {
  const data = (error as { data?: unknown }).data;
  return typeof data === "string" && data.length >= 10 ? abi.parseError(data)?.name : undefined;
}

/** Sends it; again and again does no harm. Resolves with the block's hash once it is in one; rejects where it fails. */
export async function broadcast(provider: Provider, { raw, hash }: { raw: string; hash: string }): Promise<void> {
  try {
    await provider.broadcastTransaction(raw);
  } catch (error) {
    // Already there, in the pool or in a block: that is what was wanted.
    if ((await provider.getTransaction(hash)) === null) throw error;
  }
}
