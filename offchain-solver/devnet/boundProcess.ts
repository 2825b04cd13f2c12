/**
 * A server that a devnet starts: it hears no Ctrl-C, which is for the devnet to pass on in its order, and it does not
 * outlive the devnet, whatever that ends by.
 */
import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";

type BoundOptions = { readonly stdio: StdioOptions; readonly env?: NodeJS.ProcessEnv };

/** Killed once nothing holds the other end of its input: a process that was killed says nothing any more. */
const GUARD = 'cat >/dev/null; kill -9 "$0" 2>/dev/null';

/** As `spawn`; fails as that does, by the event `error`. */
export function spawnBound(command: string, args: readonly string[], options: BoundOptions): ChildProcess {
  const child = spawn(command, args, { ...options, detached: true });
  if (child.pid === undefined || process.platform === "win32") return child;
  const guard = spawn("/bin/sh", ["-c", GUARD, String(child.pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  // It has nobody to guard any more; and it keeps nobody from ending.
  child.once("exit", () => guard.kill("SIGKILL"));
  guard.unref();
  (guard.stdin as unknown as { unref?: () => void } | null)?.unref?.();
  return child;
}
