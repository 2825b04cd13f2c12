/** What the chain says happened. */
import { getBytes, type Provider } from "ethers";
import type { Delta } from "../codec/settlementModel.ts";
import { SYSTEM_ID } from "../codec/settlementModel.ts";
import { contracts, type Deployment } from "./deployment.ts";

const DELTA_BYTES = 16;

/** Account ids in the order of the event's deltas, from the head of the payload. */
export function accountOrder(payload: Uint8Array): number[] {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const ids = Array.from({ length: view.getUint16(0) }, (_, k) => view.getUint32(3 + 4 * k));
  for (let k = 0; k < 3; k++) if ((view.getUint8(2) >> k) & 1) ids.push(SYSTEM_ID + k);
  return ids;
}

/** Nano-dollars i72 and grams i56 an account. */
export function decodeDeltas(payload: Uint8Array, packed: Uint8Array): Delta[] {
  const ids = accountOrder(payload);
  if (packed.length !== DELTA_BYTES * ids.length) throw new RangeError(`deltas: ${packed.length} bytes for ${ids.length} accounts`);
  return ids.map((id, k) => {
    let word = 0n;
    for (const byte of packed.subarray(DELTA_BYTES * k, DELTA_BYTES * (k + 1))) word = (word << 8n) | BigInt(byte);
    return { id, money: BigInt.asIntN(72, word >> 56n), carbon: BigInt.asIntN(56, word) };
  });
}

export type SettledSession = {
  readonly sequence: bigint;
  readonly ordinal: bigint;
  readonly batch: string;
  readonly block: number;
  readonly transaction: string;
  readonly payload: Uint8Array;
  readonly signers: number;
  readonly signatures: string;
  readonly deltas: readonly Delta[];
};

/** Every batch settled since `fromBlock`, payload included, for batches posted directly to the market. */
export async function readSessions(deployment: Deployment, provider: Provider, fromBlock: number): Promise<SettledSession[]> {
  const { market } = contracts(deployment, provider);
  const logs = await market.queryFilter("Settled", fromBlock);
  const sessions: SettledSession[] = [];
  for (const log of logs) {
    const transaction = await provider.getTransaction(log.transactionHash);
    const call = transaction?.to === deployment.market ? market.interface.parseTransaction(transaction) : null;
    if (call?.name !== "settle") continue;
    const event = market.interface.parseLog(log);
    if (event === null) throw new Error("Settled: the event does not parse");
    const payload = getBytes(call.args[0]);
    sessions.push({
      sequence: event.args.sequence,
      ordinal: event.args.ordinal,
      batch: event.args.batch,
      block: log.blockNumber,
      transaction: log.transactionHash,
      payload,
      signers: Number(call.args[1]),
      signatures: call.args[2],
      deltas: decodeDeltas(payload, getBytes(event.args.deltas)),
    });
  }
  return sessions;
}
