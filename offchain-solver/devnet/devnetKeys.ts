import { id as textHash, Wallet } from "ethers";

/**
 * DEVNET KEYS. Derived from public text so that every run of the embedded devnet is the same; anybody can compute them.
 * Never fund them anywhere else.
 */
export function devnetKey(role: "wallet" | "node" | "meter", account: number): Wallet {
  return new Wallet(textHash(`gridpact devnet ${role} ${account}: public, worthless`));
}
