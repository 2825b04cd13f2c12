/** Folders of a devnet's sessions, as `run` writes them, and its bills: what whoever owns all of it wants to read. */
import { join } from "node:path";
import { verdictText, type Verdict } from "../auditor/verdict.ts";
import type { Devnet } from "../devnet/devnet.ts";
import type { Had } from "../devnet/goingOn.ts";
import { processSession } from "../devnet/processSession.ts";
import { audit } from "../devnet/steps/settle.ts";
import { readJson } from "../io/readJson.ts";
import { writeJson } from "../io/target.ts";
import { toClearingJson } from "../records/clearingRecord.ts";
import type { CommunityJson } from "../records/communityJson.ts";
import { ofEntry, placeOf } from "../records/sessionPlaces.ts";
import { readSessions } from "../chain/events.ts";
import { OPERATOR_ID } from "../chain/onboarding.ts";
import { WitnessSchema } from "../codec/witness.ts";
import { bundleFolder } from "../devnet/parties.ts";
import type { BilledSession, FallbackDay } from "../report/billLines.ts";
import { auditFolder } from "./audit.ts";
import { makeBills, writeBills } from "./bills.ts";
import { writeFallback } from "./fallbackFolder.ts";
import { fallbackOf } from "./settledDays.ts";
import { writeSession } from "./sessionFiles.ts";

export type DeliveredSession = {
  readonly ordinal: number;
  readonly folder: string;
  /** Kinds of the entries of readings, in their order. */
  readonly entries: readonly string[];
  readonly creditsWh: number;
  readonly verdict: string;
};

export type Delivered = {
  readonly sessions: readonly DeliveredSession[];
  readonly bills: number;
  /** Of all folders and bills beside the chain. */
  readonly verdict: Verdict;
};

type Days = { readonly had: readonly Had[]; readonly community: CommunityJson | undefined };

/** Into `out`, while the chain still answers. */
export async function writeDevnet(market: Devnet, out: string, { had, community }: Days): Promise<Delivered> {
  const { deployment, chain, data } = market;
  const witnesses = (await readSessions(deployment, chain.provider, deployment.block)).map(({ bundleHash }) =>
    readJson(join(bundleFolder(data), `${bundleHash}.json`), WitnessSchema),
  );
  const found = await audit({ deployment, chain }, witnesses);
  const sessions: DeliveredSession[] = [];
  const billed: BilledSession[] = [];
  const fallback: FallbackDay[] = [];
  for (const { day, terms, end } of had) {
    const { ordinal } = end;
    if (end.outcome === "void") {
      const [metered] = fallbackOf(day);
      if (metered === undefined) continue;
      fallback.push(metered);
      const meterKey = (id: number) => market.homes.find((home) => home.id === id)!.keys.meter;
      await writeFallback(out, deployment, { scenario: day, terms, metered, meterKey }, community);
    }
    if (end.outcome !== "settled") continue;
    const { outcome, documents } = await processSession(market, { day, terms, ordinal }, found);
    const clearing = toClearingJson(outcome.cleared, { method: "anderson", trade: true });
    const folder = writeSession({ out, rpc: chain.url }, outcome, clearing, community);
    documents.forEach(({ delivery, meters }, entry) => {
      const at = (file: "delivery.json" | "meters.json"): string =>
        ofEntry(join(folder, placeOf(file, community !== undefined)), entry + 1);
      if (entry > 0) writeJson(at("delivery.json"), delivery);
      if (entry > 0) writeJson(at("meters.json"), meters);
    });
    const { result } = outcome.batch;
    const { batch, transaction } = outcome.settled;
    const entries = documents.map(({ delivery }) => delivery);
    billed.push({ result, batch, transaction, entries });
    sessions.push({
      ...{ ordinal, folder, entries: entries.map(({ kind }) => kind) },
      creditsWh: entries.flatMap(({ credits = [] }) => credits).reduce((sum, { wh }) => sum + wh, 0),
      verdict: verdictText(outcome.delivery?.verdict ?? outcome.audited[0].verdict),
    });
  }
  const prosumers = market.homes.map(({ id }) => id).filter((id) => id !== OPERATOR_ID);
  const bills = makeBills({ sessions: billed, fallback, prosumers, community, vatPercent: 0 });
  if (sessions.length > 0) writeBills(out, bills);
  const verdict: Verdict = sessions.length === 0 ? { kind: "valid" } : auditFolder(out, found);
  return { sessions, bills: bills.length, verdict };
}
