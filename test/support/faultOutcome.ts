import {
  audit,
  EndpointFault,
  httpEndpoint,
  look,
  verdictText,
  type Release,
} from "../../offchain-solver/auditor/index.ts";
import type { EndpointCase } from "./endpointFaults.ts";
import { served } from "./faultyEndpoint.ts";
import { replayed, type ChainRecord } from "./recordedChain.ts";

/** What an audit over a faulty endpoint says: `accused` where anything is invalid, `valid` where nothing is missed. */
export type Outcome = { readonly kind: "valid" | "undecided" | "accused"; readonly says: string };

const patiently = { tries: 5, timeoutMs: 5_000, sleep: () => Promise.resolve() };

export async function outcomeOf(record: ChainRecord, { fault }: EndpointCase, release: Release): Promise<Outcome> {
  const server = await served(replayed(record), fault(record));
  try {
    const eyes = look(httpEndpoint(server.url, patiently));
    const { sessions, standing } = await audit({ look: eyes, market: record.market, fromBlock: 0, release });
    const verdicts = [...sessions.map(({ verdict }) => verdict), standing];
    const invalid = verdicts.find(({ kind }) => kind === "invalid");
    if (invalid !== undefined) return { kind: "accused", says: verdictText(invalid) };
    const open = verdicts.find(({ kind }) => kind === "undecided");
    return open === undefined
      ? { kind: "valid", says: `${sessions.length} sessions valid` }
      : { kind: "undecided", says: verdicts.map((v) => (v.kind === "undecided" ? verdictText(v) : v.kind)).join("; ") };
  } catch (error) {
    // Not even the events could be read: the command says so and ends with 5.
    if (error instanceof EndpointFault) return { kind: "undecided", says: error.message };
    throw error;
  } finally {
    await server.close();
  }
}
