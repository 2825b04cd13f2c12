/** What was frozen for a session against the terms that were sent: a node takes part in no session that differs. */
import { keccak256 } from "ethers";
import * as GridModel from "../../codec/gridModel.ts";
import type { Terms } from "../../codec/terms.ts";
import { imbalancePrice } from "../../ledger/settleable.ts";

export type FrozenFault = { readonly code: "staleFeederModel" | "otherImbalancePrice"; readonly detail: string };

/** `gridModel`: hash of the registry's model; `imbalance`: 1e-6 $ per kWh that is sold and not delivered. */
export function frozenFault({ scenario }: Terms, gridModel: string, imbalance: bigint): FrozenFault | undefined {
  const model = GridModel.bytesOf(scenario.feeder, scenario.prosumers);
  if (typeof model === "string") return { code: "staleFeederModel", detail: model };
  const hash = keccak256(model);
  if (hash !== gridModel)
    return { code: "staleFeederModel", detail: `the terms' feeder hashes to ${hash}, registered is ${gridModel}` };
  const price = imbalancePrice(scenario.tariff);
  if (BigInt(price) !== imbalance)
    return { code: "otherImbalancePrice", detail: `the terms' tariff makes it ${price}, frozen is ${imbalance}` };
  return undefined;
}
