import { gridpact } from "../../offchain-solver/cli/program.ts";

export type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

/**
 * Runs `gridpact` in this process and keeps what it writes; no process starts, so hundreds of command lines are
 * affordable.
 */
export async function captured(...args: string[]): Promise<Ended> {
  const kept = { stdout: "", stderr: "" };
  const streams = ["stdout", "stderr"] as const;
  const real = streams.map((name) => process[name].write);
  for (const name of streams)
    process[name].write = ((chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
      kept[name] += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString();
      for (const done of rest) if (typeof done === "function") done();
      return true;
    }) as typeof process.stdout.write;
  try {
    const code = await gridpact(args);
    return { code, ...kept };
  } finally {
    streams.forEach((name, k) => (process[name].write = real[k]));
  }
}
