/**
 * What a session's parties publish beside the chain, found by what it hashes to: whoever hands it over may be anybody.
 */
import { getBytes, hexlify, keccak256 } from "ethers";
import * as z from "zod";
import { boundedBody } from "../chain/boundedBody.ts";
import { canonicalBytes, type Json } from "../codec/canonicalJson.ts";
import { foreignJson } from "../codec/foreign.ts";
import { WitnessSchema, type Witness } from "../codec/witness.ts";

const hash = z.string().regex(/^0x[0-9a-f]{64}$/);
const bytes = z.string().regex(/^0x(?:[0-9a-f]{2})*$/);

/** A batch as it was posted: for whoever cannot see the call. Its name is the batch's digest. */
export const BatchRecordSchema = z.strictObject({
  payload: bytes,
  bundleHash: hash,
  signers: z.int().nonnegative(),
  signatures: bytes,
});
export type BatchRecord = z.infer<typeof BatchRecordSchema>;

/** The bytes that are published under a name (a hash); undefined: nothing is. Throws nothing. */
export type Bundles = (name: string) => Promise<Uint8Array | undefined>;

export const NO_BUNDLES: Bundles = () => Promise.resolve(undefined);

export type Found<T> = { readonly kind: "found"; readonly value: T } | { readonly kind: "malformed" } | undefined;

function read<T>(text: Uint8Array, schema: z.ZodType<T>): Found<T> {
  const json = foreignJson(text);
  const parsed = json && schema.safeParse(json.value);
  return parsed?.success ? { kind: "found", value: parsed.data } : { kind: "malformed" };
}

/** The witness of this hash. What hashes to it and is no witness was signed as it is: malformed. */
export async function witnessIn(bundles: Bundles, bundleHash: string): Promise<Found<Witness>> {
  const found = await bundles(bundleHash);
  if (found === undefined) return undefined;
  if (keccak256(found) === bundleHash) return read(found, WitnessSchema);
  // The same witness in another spelling (spaces, order) is as good as its canonical bytes.
  const other = read(found, z.json());
  if (other?.kind !== "found") return undefined;
  const spelled = canonicalBytes(other.value as Json);
  return keccak256(spelled) === bundleHash ? read(spelled, WitnessSchema) : undefined;
}

/** The record under a batch's name; whether it is that batch's, its digest must show. */
export async function batchIn(bundles: Bundles, batch: string): Promise<BatchRecord | undefined> {
  const found = await bundles(batch);
  const parsed = found && read(found, BatchRecordSchema);
  return parsed?.kind === "found" ? parsed.value : undefined;
}

/** A session's files by their names, as they are published. */
export function bundleFiles(
  witness: Witness,
  batch: string,
  posted: { readonly payload: Uint8Array; readonly signers: number; readonly signatures: string },
): ReadonlyMap<string, Uint8Array> {
  const witnessBytes = canonicalBytes(witness);
  const bundleHash = keccak256(witnessBytes);
  const record: BatchRecord = {
    payload: hexlify(posted.payload),
    bundleHash,
    signers: posted.signers,
    signatures: hexlify(getBytes(posted.signatures)),
  };
  return new Map([
    [bundleHash, witnessBytes],
    [batch, canonicalBytes(record)],
  ]);
}

/** Of files in memory. */
export const bundlesOf =
  (files: ReadonlyMap<string, Uint8Array>): Bundles =>
  (name) =>
    Promise.resolve(files.get(name));

/** Files `NAME.json` below a URL. */
export const bundlesAt =
  (url: string): Bundles =>
  async (name) => {
    try {
      const response = await fetch(`${url.replace(/\/$/, "")}/${name}.json`, { signal: AbortSignal.timeout(30_000) });
      return response.ok ? await boundedBody(response) : undefined;
    } catch (error) {
      // Nobody answers there, or not in time, or breaks off, or does not end.
      if (error instanceof TypeError || error instanceof DOMException || error instanceof RangeError) return undefined;
      throw error;
    }
  };
