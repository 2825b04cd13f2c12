/** One thing that the owner does: under way, done, or why not, in words. */
import { useCallback, useState } from "react";
import { revertText, SentUnseen, WalletChanged } from "../../../offchain-solver/browser.ts";
import { shortHash } from "../shown/format.ts";

export type Act = {
  readonly kind: "idle" | "busy" | "done" | "failed";
  readonly says: string;
};

/** What went wrong, for people. */
export function failure(error: unknown): string {
  if (error instanceof WalletChanged) return error.message;
  if (error instanceof SentUnseen)
    return `It was sent (${shortHash(error.hash)}), but the chain does not say whether it went through. Look again before you send it once more.`;
  const { code, event, info, message, shortMessage } = error as {
    code?: unknown;
    event?: unknown;
    info?: { error?: { code?: unknown } };
    message?: string;
    shortMessage?: string;
  };
  if (code === "ACTION_REJECTED" || code === 4001 || info?.error?.code === 4001)
    return "You declined it in your wallet. Nothing more was sent.";
  if (code === -32002 || info?.error?.code === -32002)
    return "Your wallet has a question open already: answer it there first.";
  const refused = revertText(error);
  if (refused !== undefined) return `The market refuses: ${refused}.`;
  if (code === "INSUFFICIENT_FUNDS") return "The wallet cannot pay for the gas.";
  if (code === "NETWORK_ERROR" && event === "changed") return new WalletChanged().message;
  if (code === "NETWORK_ERROR" || code === "TIMEOUT" || code === "SERVER_ERROR")
    return "The chain does not answer. Try again later.";
  return `It did not work: ${(shortMessage ?? message ?? "no reason was given").split("\n")[0].slice(0, 200)}`;
}

/** A wallet whose window was closed may never answer. */
const SLOW_MS = 60_000;
const SLOW =
  " It has not answered for a minute: look for its window. If there is none, load the page again and look at what has been done before you repeat it.";

export function useAct(after: () => void): {
  act: Act;
  run: (busy: string, done: string, what: () => Promise<unknown>) => Promise<boolean>;
  clear: () => void;
} {
  const [act, setAct] = useState<Act>({ kind: "idle", says: "" });
  const run = useCallback(
    async (busy: string, done: string, what: () => Promise<unknown>): Promise<boolean> => {
      setAct({ kind: "busy", says: busy });
      const slow = setTimeout(() => setAct({ kind: "busy", says: busy + SLOW }), SLOW_MS);
      try {
        await what();
        setAct({ kind: "done", says: done });
        return true;
      } catch (error) {
        setAct({ kind: "failed", says: failure(error) });
        return false;
      } finally {
        clearTimeout(slow);
        after();
      }
    },
    [after],
  );
  const clear = useCallback(() => setAct({ kind: "idle", says: "" }), []);
  return { act, run, clear };
}
