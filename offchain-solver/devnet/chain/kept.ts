import type { AnvilChain } from "./anvilChain.ts";

/** Least pause between two copies, ms; and so many times what one took: a large one costs the chain little. */
const PAUSE_MS = 10_000;
const PAUSES = 20;

export type Copying = {
  readonly copy: () => Promise<void>;
  /** After one more. */
  readonly stopCopying: () => Promise<void>;
};

/**
 * Writes a copy of the chain now and then, so that a kill loses little of it. One that cannot be written is `said`, and
 * tried again.
 */
export function keep(chain: Pick<AnvilChain, "save">, said: (fault: string) => void): Copying {
  let timer: NodeJS.Timeout;
  let saving: Promise<void> = Promise.resolve();
  const copy = async (): Promise<void> => {
    try {
      await chain.save();
    } catch (error) {
      said(`no copy of the chain: ${(error as Error).message}`);
    }
  };
  const wait = (ms: number): void => {
    timer = setTimeout(() => {
      const began = performance.now();
      saving = copy().then(() => wait(Math.max(PAUSE_MS, PAUSES * (performance.now() - began))));
    }, ms);
  };
  wait(PAUSE_MS);
  const stopCopying = async (): Promise<void> => {
    clearTimeout(timer);
    await saving;
    clearTimeout(timer);
    await copy();
  };
  return { copy, stopCopying };
}
