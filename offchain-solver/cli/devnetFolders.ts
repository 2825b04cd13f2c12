/** Folders of a devnet's sessions, as `run` writes them, and its bills: what whoever owns all of it wants to read. */
import { join } from "node:path";
import { verdictText, type Verdict } from "../auditor/verdict.ts";
import type { Devnet } from "../devnet/devnet.ts";
import type { Had } from "../devnet/goingOn.ts";
import { processSession } from "../devnet/processSession.ts";
import { audit } from "../devnet/steps/settle.ts";
import { readJson } from "../io/readJson.ts";
import { writeJson } from "../io/target.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { toClearingJson } from "../records/clearingRecord.ts";
import type { CommunityJson } from "../records/communityJson.ts";
import { ofEntry, placeOf } from "../records/sessionPlaces.ts";
import { readSessions } from "../chain/events.ts";
import { OPERATOR_ID } from "../chain/onboarding.ts";
import { WitnessSchema } from "../codec/witness.ts";
import { bundleFolder } from "../devnet/parties.ts";
import type { BilledSession, FallbackDay } from "../report/billLines.ts";
import { tighteningRecord } from "../simulation/acMargin.ts";
import { auditFolder } from "./audit.ts";
import { makeBills, writeBills } from "./bills.ts";
import { writeFallback } from "./fallbackFolder.ts";
import { fallbackOf } from "./settledDays.ts";
import { partName, writeDay, writeSession, type DayPart } from "./sessionFiles.ts";

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

/** A session, and the day that it is or is a part of. */
export type PlannedSession = { readonly scenario: Scenario; readonly whole: Scenario };

type Days = {
  /** `whole`: the day that it is a part of, if it is not one by itself. */
  readonly had: readonly (Had & { readonly whole?: Scenario })[];
  readonly community: CommunityJson | undefined;
};

type SettledSession = Awaited<ReturnType<typeof processSession>> &
  DayPart & { readonly ordinal: number; readonly whole: Scenario };

/** Into `out`, while the chain still answers. */
export async function writeDevnet(market: Devnet, out: string, { had, community }: Days): Promise<Delivered> {
  const { deployment, chain, data } = market;
  const witnesses = (await readSessions(deployment, chain.provider, deployment.block)).map(({ bundleHash }) =>
    readJson(join(bundleFolder(data), `${bundleHash}.json`), WitnessSchema),
  );
  const found = await audit({ deployment, chain }, witnesses);
  const settled: SettledSession[] = [];
  const fallback: FallbackDay[] = [];
  for (const { day, terms, end, whole = day } of had) {
    const { ordinal } = end;
    if (end.outcome === "void") {
      const [metered] = fallbackOf(day);
      if (metered === undefined) continue;
      fallback.push(metered);
      const meterKey = (id: number) => market.homes.find((home) => home.id === id)!.keys.meter;
      await writeFallback(out, deployment, { scenario: day, terms, metered, meterKey }, community);
    }
    if (end.outcome !== "settled") continue;
    const made = await processSession(market, { day, terms, ordinal }, found);
    const { cleared, tightened } = made.outcome;
    const tightening = tightened && { tightening: tighteningRecord(tightened) };
    const clearing = toClearingJson(cleared, { method: "anderson", trade: true }, tightening);
    settled.push({ ...made, clearing, ordinal, whole });
  }
  const to = { out, rpc: chain.url, community };
  const sessions = [...Map.groupBy(settled, ({ whole }) => whole)].flatMap(([whole, own]) =>
    // A day of which a session is missing is none: each of the others stands for itself.
    own.length === had.filter((one) => (one.whole ?? one.day) === whole).length
      ? writeOfDay(to, whole, own)
      : own.flatMap((one) => writeOfDay(to, one.outcome.scenario, [one])),
  );
  const billed: BilledSession[] = settled.map(({ outcome: { batch, settled: of }, documents }) => ({
    ...{ result: batch.result, batch: of.batch, sequence: of.sequence, transaction: of.transaction },
    entries: documents.map(({ delivery }) => delivery),
  }));
  const prosumers = market.homes.map(({ id }) => id).filter((id) => id !== OPERATOR_ID);
  const bills = makeBills({ sessions: billed, fallback, prosumers, community, vatPercent: 0 });
  if (sessions.length > 0) writeBills(out, bills);
  const verdict: Verdict = sessions.length === 0 ? { kind: "valid" } : auditFolder(out, found);
  return { sessions, bills: bills.length, verdict };
}

type To = { readonly out: string; readonly rpc: string; readonly community: CommunityJson | undefined };

/** All sessions of a day; one alone is a folder by itself. */
function writeOfDay({ community, ...to }: To, whole: Scenario, own: readonly SettledSession[]): DeliveredSession[] {
  const [{ outcome, clearing }] = own;
  const alone = own.length === 1;
  const day = alone ? writeSession(to, outcome, clearing, community) : writeDay(to, whole, own, community);
  return own.map((one, k) => {
    const folder = alone ? day : join(day, partName(k));
    writeLater(folder, one, community !== undefined);
    const { documents, ordinal } = one;
    const entries = documents.map(({ delivery }) => delivery);
    return {
      ...{ ordinal, folder, entries: entries.map(({ kind }) => kind) },
      creditsWh: entries.flatMap(({ credits = [] }) => credits).reduce((sum, { wh }) => sum + wh, 0),
      verdict: verdictText(one.outcome.delivery?.verdict ?? one.outcome.audited[0].verdict),
    };
  });
}

/** Documents of entries after the first. */
function writeLater(folder: string, { documents }: SettledSession, split: boolean): void {
  documents.forEach(({ delivery, meters }, entry) => {
    const at = (file: "delivery.json" | "meters.json"): string =>
      ofEntry(join(folder, placeOf(file, split)), entry + 1);
    if (entry === 0) return;
    writeJson(at("delivery.json"), delivery);
    writeJson(at("meters.json"), meters);
  });
}
