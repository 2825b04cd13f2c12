/**
 * Keys of one channel between two hosts that meet at a broker, and packets sealed with them.
 *
 * Each side has a key of its process (x, bound to its parties by their node keys) and one of the channel (e), both
 * X25519. Both derive, by HKDF-SHA256 over the whole exchange, one AES-256-GCM key for each direction from e-e, x-e and
 * e-x: only who holds an x, or an e that goes with it, can, and once the channel's keys are gone nobody can read it.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from "node:crypto";

const CONTEXT = "gridpact seal 1";
const TAG = 16;
/** DER of an X25519 public key up to its 32 bytes (RFC 8410). */
const SPKI = Buffer.from("302a300506032b656e032100", "hex");

export type SealKey = { readonly public: Buffer; readonly private: KeyObject };

export function createSealKey(): SealKey {
  const { publicKey, privateKey } = generateKeyPairSync("x25519");
  return { public: publicKey.export({ type: "spki", format: "der" }).subarray(SPKI.length), private: privateKey };
}

/** What one side has shown of itself: its process's key and the channel's. */
export type Shown = { readonly x: Uint8Array; readonly e: Uint8Array };
export type Secrets = { readonly x: SealKey; readonly e: SealKey };

export type Seal = {
  /** Seals with the number of packets sealed before; `header` is covered too. */
  readonly seal: (count: number, header: Uint8Array, plain: Uint8Array) => Buffer;
  /** undefined: the other side has not sealed this. */
  readonly open: (count: number, header: Uint8Array, sealed: Uint8Array) => Buffer | undefined;
};

/**
 * The seal of a channel as this side has it; `id` names the channel, `dialled` says whether this side did. undefined:
 * what the other side shows are no keys.
 */
export function sealOf(id: Uint8Array, own: Secrets, theirs: Shown, dialled: boolean): Seal | undefined {
  const [x, e] = [own.x.public, own.e.public];
  const shown = dialled ? [e, x, theirs.e, theirs.x] : [theirs.e, theirs.x, e, x];
  let ee: Buffer, mine: Buffer, other: Buffer;
  try {
    ee = agree(own.e, theirs.e);
    [mine, other] = [agree(own.x, theirs.e), agree(own.e, theirs.x)];
  } catch (error) {
    // A point of small order.
    if ((error as NodeJS.ErrnoException).code !== "ERR_OSSL_FAILED_DURING_DERIVATION") throw error;
    return undefined;
  }
  const transcript = createHash("sha256").update(CONTEXT).update(id);
  for (const key of shown) transcript.update(key);
  const secret = Buffer.concat(dialled ? [ee, mine, other] : [ee, other, mine]);
  const keys = Buffer.from(hkdfSync("sha256", secret, transcript.digest(), CONTEXT, 64));
  const [up, down] = [keys.subarray(0, 32), keys.subarray(32)];
  const [sending, receiving] = dialled ? [up, down] : [down, up];
  return {
    seal(count, header, plain) {
      const cipher = createCipheriv("aes-256-gcm", sending, nonce(count), { authTagLength: TAG });
      cipher.setAAD(header);
      return Buffer.concat([header, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    open(count, header, sealed) {
      if (sealed.length < TAG) return undefined;
      const decipher = createDecipheriv("aes-256-gcm", receiving, nonce(count), { authTagLength: TAG });
      decipher.setAAD(header);
      decipher.setAuthTag(sealed.subarray(sealed.length - TAG));
      const plain = decipher.update(sealed.subarray(0, sealed.length - TAG));
      try {
        decipher.final();
        return plain;
      } catch (error) {
        if (!/unable to authenticate/.test((error as Error).message)) throw error;
        return undefined;
      }
    },
  };
}

const agree = (own: SealKey, theirs: Uint8Array): Buffer =>
  diffieHellman({
    privateKey: own.private,
    publicKey: createPublicKey({ key: Buffer.concat([SPKI, theirs]), format: "der", type: "spki" }),
  });

/** A key seals each count once. */
function nonce(count: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeBigUInt64BE(BigInt(count), 4);
  return bytes;
}
