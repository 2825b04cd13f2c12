import { isError, type ErrorCode } from "ethers";
import { revertText } from "../chain/revert.ts";

/** What ethers calls the chain's or its node's doing; whatever else it throws is our own. */
const OF_THE_CHAIN: readonly ErrorCode[] = [
  "BAD_DATA",
  "CALL_EXCEPTION",
  "CANCELLED",
  "NETWORK_ERROR",
  "NONCE_EXPIRED",
  "REPLACEMENT_UNDERPRICED",
  "SERVER_ERROR",
  "TIMEOUT",
  "TRANSACTION_REPLACED",
  "UNKNOWN_ERROR",
];

/** Why a chain did not take what was sent, or did not answer, in one sentence; undefined where it was not the chain. */
export function chainRefusal(error: unknown): string | undefined {
  const text = revertText(error);
  if (text !== undefined) return `the chain refuses: ${text}`;
  if (isError(error, "INSUFFICIENT_FUNDS")) return "the chain refuses: the account that sends cannot pay for the gas";
  if (isError(error, "BAD_DATA")) return `the chain answers what no contract of ours does: ${error.shortMessage}`;
  const code = OF_THE_CHAIN.find((one) => isError(error, one));
  if (code === undefined) return undefined;
  const { shortMessage, error: inner } = error as { shortMessage?: string; error?: { message?: unknown } };
  const said =
    inner?.message === undefined ? shortMessage : `${shortMessage} (${String(inner.message).split("\n")[0]})`;
  return `the chain refuses: ${said ?? code}`;
}
