/** Whether a transaction is what its sender signed, as far as what is shown of it tells. */
import { Signature, toBeHex, Transaction } from "ethers";
import { isIllFormed } from "../codec/foreign.ts";

/** Kinds of transactions whose hash is told by the fields that every endpoint shows. */
const HASHED = new Set(["0x0", "0x1", "0x2"]);

/** Whether what is shown, its signature included, hashes to its name; false too where something of it is left out. */
export function isProven(shown: Record<string, unknown>, hash: string): boolean {
  const { type, r, s, v, yParity, gas, input, from: _, ...rest } = shown;
  if (typeof type !== "string" || !HASHED.has(type) || r === undefined || s === undefined) return false;
  try {
    const { nonce, gasPrice, maxFeePerGas, maxPriorityFeePerGas, value, chainId, accessList, to } = rest as never;
    const fees = type === "0x2" ? { maxFeePerGas, maxPriorityFeePerGas } : { gasPrice };
    const lists = type === "0x0" ? {} : { accessList };
    const signature = Signature.from({
      r: toBeHex(r as string, 32),
      s: toBeHex(s as string, 32),
      v: v ?? yParity,
    } as never);
    const common = { type: Number(type), nonce: Number(nonce), gasLimit: gas, data: input, to, value };
    const made = Transaction.from({ ...common, ...fees, ...lists, chainId: chainId ?? 0, signature } as never);
    return made.hash === hash;
  } catch (error) {
    if (!isIllFormed(error)) throw error;
    return false;
  }
}
