import { id, Wallet } from "ethers";

/** A key of its own for every purpose and number, the same in every run. */
export function wallet(purpose: string, number: number): Wallet {
  return new Wallet(id(`gridpact test ${purpose} ${number}`));
}
