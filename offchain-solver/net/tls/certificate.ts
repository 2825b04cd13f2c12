/**
 * A self-signed certificate around an Ed25519 key. Nobody but TLS reads it: whose key it is, a node key's signature
 * says (codec/channelKey.ts). Written out, since it is one fixed structure, and what makes any certificate takes three
 * packages and .18 s of every process.
 */
import { generateKeyPairSync, sign, X509Certificate, type KeyObject } from "node:crypto";

export type Certificate = {
  readonly cert: string;
  readonly privateKey: string;
  /** 32 bytes in hexadecimal. */
  readonly key: string;
};

const SEQUENCE = 0x30;
const SET = 0x31;
const tlv = (tag: number, ...parts: Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts);
  const length = body.length < 128 ? [body.length] : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Uint8Array.of(tag, ...length), body]);
};
const ED25519 = tlv(SEQUENCE, tlv(0x06, Uint8Array.of(0x2b, 0x65, 0x70)));
const COMMON_NAME = tlv(0x06, Uint8Array.of(0x55, 0x04, 0x03));
const time = (text: string): Buffer => tlv(0x18, Buffer.from(text));

/** RFC 5280, version 1; valid for ever, since its key counts for as long as the signature that binds it says. */
export function createCertificate(): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const name = tlv(SEQUENCE, tlv(SET, tlv(SEQUENCE, COMMON_NAME, tlv(0x0c, Buffer.from("gridpact")))));
  const body = tlv(
    SEQUENCE,
    tlv(0x02, Uint8Array.of(1)),
    ED25519,
    name,
    tlv(SEQUENCE, time("20000101000000Z"), time("99991231235959Z")),
    name,
    publicKey.export({ type: "spki", format: "der" }),
  );
  const der = tlv(SEQUENCE, body, ED25519, tlv(0x03, Uint8Array.of(0), sign(null, body, privateKey)));
  return {
    cert: new X509Certificate(der).toString(),
    privateKey: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    key: rawKey(publicKey) as string,
  };
}

/** The 32 bytes of an Ed25519 key in hexadecimal; undefined: it is of another kind. */
export function rawKey(key: KeyObject): string | undefined {
  if (key.asymmetricKeyType !== "ed25519") return undefined;
  return `0x${Buffer.from(key.export({ format: "jwk" }).x as string, "base64url").toString("hex")}`;
}
