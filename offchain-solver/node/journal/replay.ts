/** Runs what an agent heard again: the same events make the same bits, or the journal, or the program, is another. */
import { canonicalBytes, type Json } from "../../codec/canonicalJson.ts";
import { decode } from "../../net/wire.ts";
import { openAgent, type Opening } from "../agent/ownAgent.ts";
import type { Heard } from "./journal.ts";

export type Replayed = {
  readonly events: number;
  readonly iterations: number;
  /** same: the agent ends with the proposal that it sent, to the last bit; unfinished: it had not ended. */
  readonly end: "same" | "different" | "unfinished" | "refused";
};

/** One attempt at a session. */
export function replay(heard: readonly Heard[]): Replayed {
  const [first] = heard;
  if (first?.kind !== "open") return { events: heard.length, iterations: 0, end: "refused" };
  const agent = openAgent(openingOf(first.body));
  if ("kind" in agent) return { events: heard.length, iterations: 0, end: "refused" };
  let end: Replayed["end"] = "unfinished";
  for (const event of heard) {
    if (event.kind === "start" || event.kind === "timeout") agent.step({ kind: event.kind });
    if (event.kind === "message") {
      const { message } = decode(event.body, agent.tag);
      if (message !== undefined) agent.step({ kind: "message", from: event.from, message });
    }
    if (event.kind !== "end") continue;
    const proposal = canonicalBytes(JSON.parse(JSON.stringify(agent.end().proposal)) as Json);
    end = agent.ended() && Buffer.compare(proposal, event.body) === 0 ? "same" : "different";
  }
  return { events: heard.length, iterations: agent.progress().iteration, end };
}

function openingOf(body: Uint8Array): Opening {
  const opening = JSON.parse(new TextDecoder().decode(body)) as Omit<Opening, "termsBytes"> & { termsBytes: string };
  return { ...opening, termsBytes: new Uint8Array(Buffer.from(opening.termsBytes, "base64")) };
}
