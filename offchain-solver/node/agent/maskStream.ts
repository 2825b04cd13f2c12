/** The secret numbers of a member's mask (`clearing/mask.ts`): the keystream of AES-256 in counter mode. */
import { createCipheriv, createHmac } from "node:crypto";
import * as z from "zod";
import type { Mask } from "../../clearing/mask.ts";

/** `key`: 32 bytes, hexadecimal, of one attempt alone. */
export const MaskKeySchema = z.strictObject({
  share: z.number().gt(0).max(0.9),
  key: z.string().regex(/^[0-9a-f]{64}$/),
});
export type MaskKey = z.infer<typeof MaskKeySchema>;

/** Nobody without the node's key can guess it; the same node draws the same again. */
export const maskKey = (share: number, nodeKey: string, session: string, attempt: number): MaskKey => ({
  share,
  key: createHmac("sha256", nodeKey).update(`gridpact mask ${session} ${attempt}`).digest("hex"),
});

const CHUNK = Buffer.alloc(4096);

export function openMask({ share, key }: MaskKey): Mask {
  const stream = createCipheriv("aes-256-ctr", Buffer.from(key, "hex"), Buffer.alloc(16));
  let bytes = stream.update(CHUNK);
  let at = 0;
  const draw = (): number => {
    if (at === bytes.length) {
      bytes = stream.update(CHUNK);
      at = 0;
    }
    const word = bytes.readUInt32LE(at);
    at += 4;
    return word / 0x8000_0000 - 1;
  };
  return { share, draw };
}
