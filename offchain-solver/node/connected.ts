/** Whose mandates count in a session: theirs whose connection bounds what a meter may say of them. */
import type { Provider } from "ethers";
import { connectionsFor } from "../chain/delivery.ts";
import { connectedAt } from "../chain/deliveryEntries.ts";
import type { Deployment } from "../chain/deployment.ts";
import { INSURANCE_ID } from "../ledger/posting.ts";
import type { Ledger } from "../ledger/settlementModel.ts";

/** Without homes that have no connection, or one that has ended: what they sell could not be charged to them. */
export async function connectedLimits(
  unconnected: Deployment,
  provider: Provider,
  { limits, terms }: Ledger,
): Promise<Ledger["limits"]> {
  const deployment = await connectedAt(unconnected, provider);
  if (deployment.delivery === undefined) return limits;
  const connections = await connectionsFor(deployment, provider, Number(terms.start));
  return new Map([...limits].filter(([id]) => id >= INSURANCE_ID || connections.has(id)));
}
