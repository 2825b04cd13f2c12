/** One encrypted key in one file (Web3 secret storage, version 3), and in one sentence what is wrong with it. */
import { createHash } from "node:crypto";
import { decryptKeystoreJson, encryptKeystoreJson, Wallet } from "ethers";
import * as z from "zod";
import { InputError } from "../io/inputError.ts";
import { complaint, readJson } from "../io/readJson.ts";
import { canonicalBytes } from "../codec/canonicalJson.ts";

export const KEY_ROLES = ["wallet", "node", "meter"] as const;
export type KeyRole = (typeof KEY_ROLES)[number];

/**
 * What one guess of a password costs: N of scrypt. The default takes half a second and 128 MB; a devnet's keys protect
 * nothing and are opened by dozens of processes at once.
 */
export const SCRYPT_N = { default: 1 << 17, devnet: 1 << 10 } as const;
/** A file that asks for more would keep a node busy, or out of memory, before it has said anything. */
const LARGEST_N = 1 << 20;

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-fA-F]{${2 * bytes}}$`), `must be ${bytes} bytes`);

const KeystoreSchema = z.strictObject({
  version: z.literal(3),
  id: z.string(),
  address: hex(20),
  Crypto: z.strictObject({
    cipher: z.literal("aes-128-ctr"),
    cipherparams: z.strictObject({ iv: hex(16) }),
    ciphertext: hex(32),
    kdf: z.literal("scrypt"),
    kdfparams: z.strictObject({
      salt: hex(32),
      n: z.int().min(2).max(LARGEST_N),
      dklen: z.literal(32),
      p: z.int().min(1).max(16),
      r: z.int().min(1).max(32),
    }),
    mac: hex(32),
  }),
  gridpact: z
    .strictObject({
      role: z.enum(KEY_ROLES),
      /** SHA-256 of everything else: tells a file that was damaged from a password that is wrong. */
      checksum: hex(32),
    })
    .optional(),
});

type Keystore = z.infer<typeof KeystoreSchema>;

function checksum({ gridpact, ...rest }: Keystore): string {
  const sealed = { ...rest, role: gridpact?.role ?? "" };
  return createHash("sha256").update(canonicalBytes(sealed)).digest("hex");
}

/** The text of a keystore file. */
export async function encryptKey(
  key: { readonly address: string; readonly privateKey: string },
  role: KeyRole,
  password: string,
  scryptN: number = SCRYPT_N.default,
): Promise<string> {
  const account = { address: key.address, privateKey: key.privateKey };
  const text = await encryptKeystoreJson(account, password, { scrypt: { N: scryptN, r: 8, p: 1 } });
  const bare = { ...(JSON.parse(text) as Keystore), gridpact: { role, checksum: "" } };
  return `${JSON.stringify({ ...bare, gridpact: { role, checksum: checksum(bare) } }, undefined, 2)}\n`;
}

/** What can be known of a keystore without its password: that it is whole, whose it is, what for. Throws InputError. */
export function inspectKey(file: string, role?: KeyRole): { readonly address: string; readonly role?: KeyRole } {
  const keystore = readJson(file, KeystoreSchema);
  const { n } = keystore.Crypto.kdfparams;
  if ((n & (n - 1)) !== 0) throw complaint(file, "Crypto.kdfparams.n", n, "must be a power of two");
  const { gridpact } = keystore;
  if (gridpact !== undefined && gridpact.checksum !== checksum(keystore))
    throw complaint(
      file,
      "gridpact.checksum",
      gridpact.checksum,
      "the file was changed after it was written; restore it from a backup",
    );
  if (role !== undefined && gridpact !== undefined && gridpact.role !== role)
    throw complaint(file, "gridpact.role", gridpact.role, `a ${role} key is needed here`);
  return { address: `0x${keystore.address}`, ...(gridpact && { role: gridpact.role }) };
}

/** The key in a keystore file. Throws InputError that names file and field. */
export async function openKey(file: string, password: string, role?: KeyRole): Promise<Wallet> {
  const whole = inspectKey(file, role);
  const keystore = readJson(file, KeystoreSchema);
  try {
    const { privateKey } = await decryptKeystoreJson(JSON.stringify(keystore), password);
    return new Wallet(privateKey);
  } catch (error) {
    const { message } = error as Error;
    if (message.startsWith("incorrect password")) {
      const or = whole.role === undefined ? ", or its ciphertext or salt was changed" : "";
      throw new InputError(`${file}: Crypto.mac: the password is not the one it was encrypted with${or}`);
    }
    if (message.startsWith("keystore address"))
      throw complaint(file, "address", keystore.address, "is not the address of the key inside");
    throw error;
  }
}
