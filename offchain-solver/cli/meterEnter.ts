/**
 * What became of a session that settled on a chain whose clock nobody sets: entered once its day is over, asked again
 * until all of it is done. Readings first, credits when nobody can contest them any more.
 */
import { Command } from "commander";
import { checkAllTold, checkDelivery } from "../auditor/deliveries.ts";
import { verdictText, type Verdict } from "../auditor/verdict.ts";
import * as Delivery from "../chain/delivery.ts";
import { lastEntry } from "../chain/deliveryEntries.ts";
import { generating } from "../devnet/connections.ts";
import { enterMeters } from "../devnet/entry.ts";
import { withClock } from "../devnet/liveChain.ts";
import { creditsJson } from "../devnet/steps/deliver.ts";
import { InputError } from "../io/inputError.ts";
import { say } from "../io/output.ts";
import { readJson } from "../io/readJson.ts";
import { writeJson } from "../io/target.ts";
import { filesIn } from "../metering/record.ts";
import { ScenarioSchema } from "../market/scenario/scenario.ts";
import type { Documents, Signed } from "../node/delivery/reckoning.ts";
import { clockOf, windowsOf } from "../node/delivery/windows.ts";
import { ofEntry } from "../records/sessionPlaces.ts";
import { sessionIn, type SessionFolder } from "./audit.ts";
import { audited } from "./auditing.ts";
import { VAT_OPTION } from "./billsBeside.ts";
import { partsIn } from "./dayFolder.ts";
import { Exit } from "./exit.ts";
import {
  documentsIn,
  meteredSession,
  newerReadings,
  rebill,
  signedAgain,
  vatFor,
  type MeteredSession,
} from "./meteredSession.ts";
import { rewriteSession } from "./sessionFiles.ts";

type Arguments = { readonly readings?: string; readonly rpc?: string; readonly passTime?: true; readonly vat?: number };

export const enterCommand = (): Command =>
  new Command("enter")
    .description("enters on chain what became of a session of this program's keys, once its day is over, and bills it")
    .argument("<session>", "the session's folder, as run --rpc wrote it, or that of a day in several")
    .option("--readings <file>", "what meters say, as `meter read` writes it, in place of what meters.json has of them")
    .option("--rpc <url>", "a node of the chain (default: the one that settlement.json names)")
    .option("--pass-time", "sets that chain's clock past what is waited for, where its node can")
    .option(...VAT_OPTION)
    .action(enter);

async function enter(folder: string, args: Arguments): Promise<void> {
  const parts = partsIn(folder);
  if (parts.length > 0 && args.readings !== undefined)
    throw new InputError(`--readings ${args.readings}: are of one session: name it, such as ${parts[0]}`);
  for (const session of parts.length === 0 ? [folder] : parts) await enterOne(session, args);
}

async function enterOne(folder: string, args: Arguments): Promise<void> {
  const newer = args.readings === undefined ? undefined : newerReadings(args.readings);
  const session = sessionIn(folder);
  const told = documentsIn(session);
  const meters = told.at(-1)?.meters ?? { meters: [], activations: [], statements: [] };
  if (newer === undefined && told.length === 0)
    throw new InputError(`${session.at("meters.json")}: there is no such file: --readings must name one`);
  const known = await withTime(await meteredSession(session, args.rpc), args.passTime === true);
  try {
    const vat = vatFor(known, args.vat);
    const signed = newer ? await signedAgain(known, meters, newer) : { files: filesIn(meters), ...meters };
    const documents = [...told];
    const said = await enterDue(known, signed, documents);
    const credits = await issueDue(known, documents);
    const { verdict, bills } = await conclude(known, documents, vat);
    say([...said, ...credits, bills, `delivery beside the chain: ${verdictText(verdict)}`].join("\n"));
    if (verdict.kind !== "valid") throw new Exit(verdict.kind === "invalid" ? 4 : 5, verdictText(verdict));
  } finally {
    await known.chain.close();
  }
}

async function withTime(known: MeteredSession, passTime: boolean): Promise<MeteredSession> {
  if (!passTime) return known;
  const settable = await withClock(known.chain);
  if (settable?.passTime !== undefined) return { ...known, place: { ...known.place, passTime: settable.passTime } };
  await known.chain.close();
  throw new InputError(`--pass-time: the node at --rpc ${known.rpc} lets nobody set its clock`);
}

/** The entry that is due, if one is: final, or provisional while values that are missing may still come. */
async function enterDue(known: MeteredSession, signed: Signed, documents: Documents[]): Promise<string[]> {
  const { found, place, promised, settled } = known;
  const before = found.entries.filter(({ batch }) => batch === settled.batch).at(-1);
  if (before !== undefined && before.kind !== "provisional") return [];
  let made = await enterMeters(place, promised, signed, { kind: "final" });
  const { opens, closes } = await windowsOf(place, promised.settled.terms);
  const now = await clockOf(place.provider);
  // Asked again before the window ends it would say nothing new.
  if (made.entry === undefined && before === undefined && now >= opens)
    made = await enterMeters(place, promised, signed, { kind: "provisional" });
  const { entry, delivery, meters } = made;
  if (entry === undefined) throw new Exit(3, `too early: ${utc(now < opens ? opens : closes)} on the chain's clock`);
  documents.splice(entry.number - 1, documents.length, { delivery, meters });
  const later = entry.kind === "provisional" ? `: some values are missing, the rest from ${utc(closes)}` : "";
  return [...made.refused, ...made.beyond, `entry ${entry.number} (${entry.kind}) in block ${entry.block}${later}`];
}

const utc = (seconds: number): string => new Date(1000 * seconds).toISOString().replace(".000Z", "Z");

/** Credits of a final entry that nobody can contest any more, as far as they are not issued. */
async function issueDue(known: MeteredSession, documents: Documents[]): Promise<string[]> {
  const { place, promised, found, session, settled } = known;
  const { deployment, provider, submitter, passTime } = place;
  const entry = await lastEntry(deployment, provider, promised.settled);
  const last = documents.at(-1)!;
  if (entry === undefined || entry.kind === "provisional" || last.delivery.credits !== undefined) return [];
  const { disputeS } = await windowsOf(place, promised.settled.terms);
  const from = (await provider.getBlock(entry.block))!.timestamp + disputeS;
  await passTime?.(from);
  if ((await clockOf(provider)) < from) return [`credits from ${utc(from)} on: ask again`];
  const issued = found.credits.filter(({ sequence }) => sequence === settled.sequence).map(({ prosumer }) => prosumer);
  const owed = generating(readJson(session.at("scenario.json"), ScenarioSchema)).filter((id) => !issued.includes(id));
  const credits = creditsJson(await Delivery.issueCredits(deployment, submitter, promised.settled, entry, owed));
  documents.splice(-1, 1, { ...last, delivery: { ...last.delivery, credits } });
  return [`${credits.reduce((sum, { wh }) => sum + wh, 0)} Wh of credits to ${credits.length} accounts`];
}

/** Everything to its folder, and what an auditor makes of it. */
async function conclude(
  known: MeteredSession,
  documents: readonly Documents[],
  vat: (month: string) => number,
): Promise<{ readonly verdict: Verdict; readonly bills: string }> {
  const { session, witness, settled, rpc } = known;
  const place = (file: Parameters<SessionFolder["at"]>[0], k: number): string => ofEntry(session.at(file), k + 1);
  documents.forEach(({ delivery, meters }, k) => {
    writeJson(place("delivery.json", k), delivery);
    writeJson(place("meters.json", k), meters);
  });
  const found = await audited({ ...session.where, rpc: [rpc] });
  const judged = { session: settled, witness, found };
  const verdict =
    documents.map(({ delivery, meters }) => checkDelivery(delivery, meters, judged)).find(isBad) ??
    checkAllTold(
      documents.map(({ delivery }) => delivery),
      settled,
      found,
    );
  rewriteSession(session, { settled, found, delivery: { verdict } });
  return { verdict, bills: rebill(known, vat) };
}

const isBad = ({ kind }: Verdict): boolean => kind !== "valid";
