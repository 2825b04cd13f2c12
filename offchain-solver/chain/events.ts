/** What the chain says happened. */
import { getBytes, type Provider } from "ethers";
import { decodeDeltas } from "../ledger/deltas.ts";
import type { Delta } from "../ledger/settlementModel.ts";
import { contracts, type Deployment } from "./deployment.ts";

export type SettledSession = {
  readonly sequence: bigint;
  readonly ordinal: bigint;
  readonly batch: string;
  readonly block: number;
  readonly transaction: string;
  readonly payload: Uint8Array;
  readonly bundleHash: string;
  readonly signers: number;
  readonly signatures: string;
  readonly deltas: readonly Delta[];
};

/** Every batch settled since `fromBlock`, payload included, for batches posted directly to the market. */
export async function readSessions(
  deployment: Deployment,
  provider: Provider,
  fromBlock: number,
): Promise<SettledSession[]> {
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
      bundleHash: call.args.bundleHash,
      signers: Number(call.args.signers),
      signatures: call.args.signatures,
      deltas: decodeDeltas(payload, getBytes(event.args.deltas)),
    });
  }
  return sessions;
}
