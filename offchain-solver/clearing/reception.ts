import type { Message } from "./message.ts";

/**
 * What an agent does with a message: takes it, passes over one that honest parties send too (late, early, a second
 * time), or turns down one that only a broken or foreign party sends. Only what is accepted changes the agent's state.
 */
export type Reception =
  | { readonly kind: "accept" }
  | { readonly kind: "ignore"; readonly reason: string }
  | { readonly kind: "reject"; readonly reason: string };

export const ACCEPT: Reception = { kind: "accept" };
export const ignore = (reason: string): Reception => ({ kind: "ignore", reason });
export const reject = (reason: string): Reception => ({ kind: "reject", reason });

/** Turns down whatever is not `length` finite numbers; undefined: it is. */
export function misfit(name: string, numbers: unknown, length: number): Reception | undefined {
  if (!(numbers instanceof Float64Array)) return reject(`${name}: no numbers`);
  if (numbers.length !== length) return reject(`${name}: ${numbers.length} numbers instead of ${length}`);
  for (let k = 0; k < length; k++) if (!Number.isFinite(numbers[k])) return reject(`${name}[${k}]: ${numbers[k]}`);
  return undefined;
}

/** The kind of something that may be no message at all. */
export const kindOf = (message: unknown): unknown =>
  typeof message === "object" && message !== null ? (message as Partial<Message>).kind : undefined;
