/** Events of a contract, asked for in stretches that public endpoints take. */
import type { Contract, DeferredTopicFilter, Log, LogDescription } from "ethers";

/** Blocks whose events are asked for at once. */
const RANGE = 5_000;

export type ContractEvent = { readonly log: Log; readonly event: LogDescription };

/** Oldest first. `most`: no further blocks are asked for once so many are found. */
export async function eventsOf(
  contract: Contract,
  filter: DeferredTopicFilter,
  fromBlock: number,
  most = Infinity,
): Promise<ContractEvent[]> {
  const provider = contract.runner?.provider;
  if (!provider) throw new Error("eventsOf: the contract has no provider");
  const head = await provider.getBlockNumber();
  const found: ContractEvent[] = [];
  for (let from = fromBlock; from <= head && found.length < most; from += RANGE)
    for (const log of await contract.queryFilter(filter, from, Math.min(head, from + RANGE - 1))) {
      const event = contract.interface.parseLog(log);
      if (event !== null) found.push({ log, event });
    }
  return found;
}
