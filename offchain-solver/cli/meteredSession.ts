/** What commands that enter readings of a session's folder share: what the chain has of it, and what meters say now. */
import { join } from "node:path";
import { keccak256 } from "ethers";
import type { Audited, AuditedSession } from "../auditor/audit.ts";
import { deliveryDomain } from "../codec/deliveryData.ts";
import type { MeterReading } from "../codec/meterReading.ts";
import { termsHash } from "../codec/terms.ts";
import { bundleHash, WitnessSchema, type Witness } from "../codec/witness.ts";
import { devnetKey } from "../devnet/devnetKeys.ts";
import type { EntryPlace } from "../devnet/entry.ts";
import type { LiveChain } from "../devnet/liveChain.ts";
import { InputError } from "../io/inputError.ts";
import { isFile, readJson } from "../io/readJson.ts";
import { filesIn } from "../metering/record.ts";
import { signReadings } from "../metering/signed.ts";
import type { Documents, Promised, Signed } from "../node/delivery/reckoning.ts";
import { DeliveryJsonSchema, MetersJsonSchema, type MetersJson } from "../records/deliveryJson.ts";
import { ReadingsJsonSchema } from "../records/meterJson.ts";
import { ofEntry, placeOf, type SessionFile } from "../records/sessionPlaces.ts";
import { dayIn } from "../report/billLines.ts";
import { sessionIn, type SessionFolder } from "./audit.ts";
import { audited } from "./auditing.ts";
import { communityAt, inMarket, writeSessionBills } from "./bills.ts";
import { billsBeside, vatOf } from "./billsBeside.ts";
import { dayOf, partsIn, rewriteDay } from "./dayFolder.ts";
import { Exit } from "./exit.ts";
import { reached } from "./reachChain.ts";

/** A session's folder beside its chain. */
export type MeteredSession = {
  readonly session: SessionFolder;
  readonly rpc: string;
  readonly chain: LiveChain;
  readonly found: Audited;
  readonly promised: Promised;
  readonly witness: Witness;
  readonly settled: AuditedSession;
  readonly place: EntryPlace;
};

/** Its chain is to be closed by whoever asked. Throws where the folder's session is none that settled there. */
export async function meteredSession(session: SessionFolder, asked: string | undefined): Promise<MeteredSession> {
  const rpc = asked ?? session.settlement.rpc;
  if (rpc === undefined) throw new InputError("--rpc: a node of the chain must be named");
  const folder = session.where.bundle!;
  // Of a day in several sessions the others' proofs are beside it.
  const found = await audited({ ...session.where, bundle: dayOf(folder) ?? folder, rpc: [rpc] });
  const known = promisedIn(session, found);
  const chain = await reached(rpc, session.settlement.market);
  const nodeKey = (id: number) => devnetKey("node", id);
  const place = { deployment: chain.deployment!, provider: chain.provider, submitter: chain.admin, nodeKey };
  return { session, rpc, chain, ...known, found, place };
}

/** Every entry's documents in the folder; of one that was only reckoned too. */
export function documentsIn({ at }: SessionFolder): Documents[] {
  const all: Documents[] = [];
  for (let k = 1; isFile(ofEntry(at("delivery.json"), k)); k++)
    all.push({
      delivery: readJson(ofEntry(at("delivery.json"), k), DeliveryJsonSchema),
      meters: readJson(ofEntry(at("meters.json"), k), MetersJsonSchema),
    });
  return all;
}

/** The session as the chain has it, with the terms that were frozen. */
function promisedIn({ at, settlement }: SessionFolder, { sessions }: Audited) {
  const settled = sessions.find(({ transaction }) => transaction === settlement.txHash);
  const witness = readJson(at("witness.json"), WitnessSchema);
  if (settled?.terms === undefined || settled.payload === undefined || settled.verdict.kind !== "valid")
    throw new Exit(4, `${at("settlement.json")}: no valid session settled in ${settlement.txHash}`);
  if (termsHash(witness.terms) !== settled.terms.termsHash)
    throw new InputError(`${at("witness.json")}: terms: are not those that were frozen`);
  if (bundleHash(witness) !== settled.bundleHash)
    throw new InputError(`${at("witness.json")}: is not what was signed with the batch, ${settled.bundleHash}`);
  const { terms, payload, batch, sequence } = settled;
  const about = { terms, batch, sequence: Number(sequence), payload: keccak256(payload), bundle: bundleHash(witness) };
  const { terms: frozen, plans } = witness;
  return { promised: { settled: about, payload, terms: frozen, plans }, witness, settled };
}

export type Newer = { readonly file: string; readonly readings: readonly MeterReading[] };

/** What meters say now, as `meter read` writes it. */
export function newerReadings(file: string): Newer {
  const { readings } = readJson(file, ReadingsJsonSchema);
  if (readings.length === 0) throw new InputError(`${file}: readings = []: there is none`);
  return { file, readings };
}

/** Everybody's file as it was, and the newer readings as files that this program's keys of those meters sign. */
export async function signedAgain(
  { place: { deployment }, promised }: MeteredSession,
  meters: Pick<MetersJson, "meters" | "activations" | "statements">,
  { file, readings: newer }: Newer,
): Promise<Signed> {
  const domain = deliveryDomain(deployment.chainId, deployment.delivery!);
  const before = filesIn(meters);
  const numberOf = (id: number): number => before.find(({ readings: [one] }) => one.prosumer === id)?.number ?? 0;
  const { start, periods, periodSeconds } = promised.settled.terms;
  const ids = [...new Set(newer.map(({ prosumer }) => prosumer))];
  const files = await Promise.all(
    ids.map((id) => {
      const own = newer.filter(({ prosumer }) => prosumer === id);
      const fits = own.every((one, t) => one.start === Number(start) + t * periodSeconds);
      if (!fits || own.length !== periods || own[0].seconds !== periodSeconds)
        throw new InputError(`${file}: readings of prosumer ${id}: are not of the session's ${periods} periods`);
      return signReadings(domain, devnetKey("meter", id), own, numberOf(id) + 1);
    }),
  );
  return { files: [...before, ...files], activations: meters.activations, statements: meters.statements };
}

/** The rate that bills of a session state; throws InputError where those that there are state another than asked. */
export function vatFor(known: MeteredSession, asked: number | undefined): (month: string) => number {
  const { session, found, settled } = known;
  const there = billsBeside(
    session.where.bundle!,
    found.sessions.map(({ batch }) => batch),
  );
  const rate = (month: string): number => vatOf(there, asked, month);
  const start = Number(settled.terms!.start);
  rate(dayIn(start, communityAt(session.at)?.timeZone ?? "UTC").slice(0, 7));
  return rate;
}

/**
 * What is renewed of a session's folder, or of its day's where that has several, after an entry: the day's pages. What
 * is in no bill yet is billed; those that there are stay as they are. Says what that makes.
 */
export function rebill(
  { session, promised, settled, found }: MeteredSession,
  vatPercent: (month: string) => number,
): string {
  const folder = session.where.bundle!;
  const day = dayOf(folder);
  const parts = day === undefined ? [session] : partsIn(day).map(sessionIn);
  const delivered = parts.map((part) => ({
    ...(day === undefined ? { promised, settled } : promisedIn(part, found)),
    deliveries: documentsIn(part).map(({ delivery }) => delivery),
  }));
  const there = billsBeside(
    folder,
    delivered.map((one) => one.settled.batch),
  );
  const known = { vatPercent, there, market: inMarket(found.sessions) };
  if (day === undefined) return writeSessionBills(session.at, delivered, known);
  rewriteDay(day);
  const at = (file: SessionFile): string => join(day, placeOf(file, isFile(join(day, placeOf("clearing.json", true)))));
  return writeSessionBills(at, delivered, known);
}
