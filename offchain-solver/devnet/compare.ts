/** A devnet's session beside the same day cleared by all agents in one process. */
import { hexlify } from "ethers";
import { readSessions } from "../chain/events.ts";
import { batchOf } from "../ledger/verified.ts";
import { defaultSettings } from "../market/scenario/market.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { clear } from "../simulation/clear.ts";
import type { Devnet, SessionEnd } from "./devnet.ts";

export type Compared = {
  /** Whether the same integers were settled, to the last bit. */
  readonly same: boolean;
  /** For clearing and quantising them in this process alone. */
  readonly seconds: number;
};

/** With the settings of a devnet's terms. Reads what the chain settled under the session's ordinal. */
export async function compareWithMemory(
  { deployment, chain }: Pick<Devnet, "deployment" | "chain">,
  day: Scenario,
  { ordinal }: Pick<SessionEnd, "ordinal">,
): Promise<Compared> {
  const start = performance.now();
  const options = { method: "anderson", trade: true, rhoScale: 1, maxIterations: 20_000 } as const;
  const { outcome } = clear(day, { ...options, market: defaultSettings(day) });
  const payload = outcome && hexlify(batchOf(outcome.quantised.result).payload);
  const seconds = Math.round((performance.now() - start) / 10) / 100;
  const settled = await readSessions(deployment, chain.provider, deployment.block);
  const posted = settled.find((one) => Number(one.ordinal) === ordinal);
  return { same: posted !== undefined && hexlify(posted.payload) === payload, seconds };
}
