import { createHash, type Hash } from "node:crypto";
import { messageBytes, type Message } from "../../offchain-solver/clearing/message.ts";

/** Takes every number of a message into a hash; returns the message's size on the wire. */
export function hashMessage(hash: Hash, to: number, message: Message): number {
  hash.update(`${to} ${message.kind} ${message.iteration} `);
  for (const part of Object.values(message)) {
    if (part instanceof Float64Array) hash.update(part);
    else if (typeof part === "number") hash.update(Float64Array.of(part));
  }
  return messageBytes(message);
}

/** One hash of what all agents sent, each in its own order: how their messages crossed does not matter. */
export function hashOfAll(sent: readonly (readonly [agent: number, hash: string])[]): string {
  const hash = createHash("sha256");
  for (const [agent, own] of [...sent].sort(([a], [b]) => a - b)) hash.update(`${agent} ${own}\n`);
  return hash.digest("hex");
}
