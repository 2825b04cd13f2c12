/** Sessions that have settled, as whoever enters their readings has to name them. */
import { keccak256, type Provider } from "ethers";
import type { SessionTerms } from "../codec/typedData.ts";
import type { SettledBatch } from "./delivery.ts";
import { contracts, type Deployment } from "./deployment.ts";
import { readSessions } from "./events.ts";
import { eventsOf } from "./logs.ts";

export type SettledOnChain = {
  readonly ordinal: number;
  readonly settled: SettledBatch;
  readonly payload: Uint8Array;
  readonly block: number;
};

/** Those that were settled from a block on, in their order, for batches that were posted to the market itself. */
export async function readSettled(
  deployment: Deployment,
  provider: Provider,
  fromBlock: number,
): Promise<SettledOnChain[]> {
  const { market } = contracts(deployment, provider);
  const found: SettledOnChain[] = [];
  for (const one of await readSessions(deployment, provider, fromBlock)) {
    const { ordinal, batch, sequence, payload, bundleHash, block } = one;
    const [frozen] = await eventsOf(market, market.filters.SessionFrozen(ordinal), deployment.block);
    if (frozen === undefined) continue;
    const settled = {
      ...{ terms: termsIn(frozen.event.args.toObject()), batch, sequence: Number(sequence) },
      ...{ payload: keccak256(payload), bundle: bundleHash },
    };
    found.push({ ordinal: Number(ordinal), settled, payload, block });
  }
  return found;
}

function termsIn(args: Record<string, unknown>): SessionTerms {
  const { epoch, sequence, ordinal, previousBatch, gridModel, termsHash, imbalancePrice, start, deadline } =
    args as SessionTerms;
  const [periodSeconds, periods] = [Number(args.periodSeconds), Number(args.periods)];
  const about = { epoch, sequence, ordinal, previousBatch, gridModel, termsHash, imbalancePrice };
  return { ...about, start, deadline, periodSeconds, periods };
}
