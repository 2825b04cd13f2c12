/** The bytes of a batch: from the transaction, from a trace of it, or from what was published. */
import { getBytes } from "ethers";
import type { ChainCall, Look } from "../chain/look.ts";
import { EndpointFault } from "../chain/endpoint.ts";
import { MARKET } from "../codec/abi.ts";
import { isIllFormed } from "../codec/foreign.ts";
import { batchIn, type Bundles } from "./bundles.ts";

export type Posted = {
  readonly payload: Uint8Array;
  readonly bundleHash: string;
  /** None where a publisher left them out: the contract has checked them. */
  readonly signers: number;
  readonly signatures: string;
  readonly source: "transaction" | "trace" | "bundle";
  /** Whether signers and signatures are what was submitted: neither digest nor hash of a batch has them. */
  readonly genuine: boolean;
};

/** The first of the places that has bytes of this batch: `isIt` compares their digest with the chain's. */
export async function postedBatch(
  look: Look,
  market: string,
  { transaction, batch }: { readonly transaction: string; readonly batch: string },
  bundles: Bundles,
  isIt: (payload: Uint8Array, bundleHash: string) => boolean,
): Promise<Posted | string> {
  let what = "";
  const candidates: (() => Promise<Posted[]>)[] = [
    async () => {
      const call = await look.transaction(transaction);
      if (call === undefined) what = ", whose transaction the endpoint does not have";
      else if (call.to !== market) what = ", which was submitted through another contract: no trace, and not published";
      return call === undefined ? [] : settleCalls([call], market, "transaction");
    },
    async () => settleCalls((await look.trace(transaction)) ?? [], market, "trace"),
    async () => {
      const record = await batchIn(bundles, batch);
      if (record === undefined) return [];
      return [{ ...record, payload: getBytes(record.payload), source: "bundle" as const, genuine: false }];
    },
  ];
  for (const candidate of candidates) {
    let found: Posted[] = [];
    try {
      found = await candidate();
    } catch (error) {
      if (!(error instanceof EndpointFault)) throw error;
    }
    const posted = found.find(({ payload, bundleHash }) => isIt(payload, bundleHash));
    if (posted !== undefined) return posted;
  }
  return `the payload of batch ${batch}${what}`;
}

function settleCalls(calls: readonly ChainCall[], market: string, source: Posted["source"]): Posted[] {
  return calls.flatMap(({ to, input, proven }) => {
    if (to !== market) return [];
    let call;
    try {
      call = MARKET.parseTransaction({ data: input });
    } catch (error) {
      if (!isIllFormed(error)) throw error;
      return [];
    }
    if (call?.name !== "settle") return [];
    const { payload, bundleHash, signers, signatures } = call.args;
    const genuine = source === "transaction" && proven === true;
    return [{ payload: getBytes(payload), bundleHash, signers: Number(signers), signatures, source, genuine }];
  });
}
