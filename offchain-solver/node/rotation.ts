/**
 * Replacing a key. The new one is on the disk before the chain hears of it, and takes the old one's place once the
 * registry names it: killed at any point, running it again goes on from there. Old keystores are kept under their
 * address.
 */
import { existsSync } from "node:fs";
import { Wallet, type BaseWallet } from "ethers";
import { keyFile, nextKeyFile, oldKeyFile, replaceOwn, writeOwn } from "./home.ts";
import { encryptKey, openKey, type KeyRole } from "./keystore.ts";

/** The key that comes in: begun before, or fresh. */
export async function nextKey(home: string, role: KeyRole, password: string, scryptN: number): Promise<Wallet> {
  const file = nextKeyFile(home, role);
  if (existsSync(file)) return openKey(file, password, role);
  const fresh = new Wallet(Wallet.createRandom().privateKey);
  writeOwn(file, await encryptKey(fresh, role, password, scryptN));
  return fresh;
}

/** Puts the new key into the old one's place, which the registry must name already. */
export function completeRotation(home: string, role: KeyRole, old: BaseWallet): void {
  const file = keyFile(home, role);
  const kept = oldKeyFile(home, role, old.address);
  if (existsSync(file) && !existsSync(kept)) replaceOwn(file, kept);
  replaceOwn(nextKeyFile(home, role), file);
}

/** A party's key of this role: the one on the disk, or a fresh one where there is none yet. */
export async function ownKey(home: string, role: KeyRole, password: string, scryptN: number): Promise<Wallet> {
  const file = keyFile(home, role);
  if (existsSync(file)) return openKey(file, password, role);
  const fresh = new Wallet(Wallet.createRandom().privateKey);
  writeOwn(file, await encryptKey(fresh, role, password, scryptN));
  return fresh;
}
