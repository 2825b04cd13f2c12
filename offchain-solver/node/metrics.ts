/** A process's figures for Prometheus: what is under way, what came of it, and that nothing leaks. */
import { collectDefaultMetrics, Counter, Gauge, Registry } from "prom-client";
import type { Carrier } from "./carrier.ts";
import type { Journal } from "./journal/journal.ts";
import type { Party } from "./party.ts";
import type { Records } from "./records.ts";

export type Metrics = { readonly text: () => Promise<string>; readonly type: string };

export type MetricSources = {
  readonly party: Party;
  readonly records: Records;
  readonly journal: Journal;
  readonly carrier: Carrier;
};

export function createMetrics({ party, records, journal, carrier }: MetricSources): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, value: () => number): void =>
    void new Gauge({
      name: `gridpact_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });
  gauge("chain_block", "newest block seen", () => party.head?.number ?? 0);
  gauge("chain_away", "1: the chain does not answer", () => Number(party.chainAway));
  gauge("session_ordinal", "number of the newest session", () => Number(party.seen?.terms.ordinal ?? 0));
  gauge("session_iteration", "iteration of the clearing under way", () => party.member?.progress.iteration ?? 0);
  gauge("session_attempt", "attempt of the clearing under way", () => party.member?.attempt ?? 0);
  gauge("peers_connected", "hosts that are connected", () => carrier.connected().length);
  gauge("journal_commitments", "commitments in the journal", () => journal.commitments.length);
  gauge("wire_sent_bytes", "bytes sent to other hosts", () => carrier.traffic().sentBytes);
  gauge("wire_received_bytes", "bytes received from other hosts", () => carrier.traffic().receivedBytes);
  const ended = new Counter({
    name: "gridpact_sessions_total",
    help: "sessions whose end was seen",
    labelNames: ["outcome"],
    registers: [registry],
    collect() {
      this.reset();
      for (const { outcome } of records.sessions) this.inc({ outcome });
    },
  });
  void ended;
  return { text: () => registry.metrics(), type: registry.contentType };
}
