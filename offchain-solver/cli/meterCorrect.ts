/** A late or corrected file of meters' readings: a new entry on chain, and a new bill beside the old. */
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { Command } from "commander";
import type { Audited, AuditedSession } from "../auditor/audit.ts";
import { deliveryDomain } from "../codec/deliveryData.ts";
import { termsHash } from "../codec/terms.ts";
import { bundleHash, WitnessSchema } from "../codec/witness.ts";
import { devnetKey } from "../devnet/devnetKeys.ts";
import { enterMeters } from "../devnet/entry.ts";
import type { LiveChain } from "../devnet/liveChain.ts";
import { resultOf, type EntryRequest, type Promised, type Signed } from "../node/delivery/reckoning.ts";
import { InputError } from "../io/inputError.ts";
import { say } from "../io/output.ts";
import { isFile, readJson } from "../io/readJson.ts";
import { writeJson, writeText } from "../io/target.ts";
import { signReadings, type MeterFile } from "../metering/signed.ts";
import { DeliveryJsonSchema, MetersJsonSchema, type DeliveryJson, type MetersJson } from "../records/deliveryJson.ts";
import { CommunityJsonSchema } from "../records/communityJson.ts";
import { ReadingsJsonSchema } from "../records/meterJson.ts";
import { ofEntry } from "../records/sessionPlaces.ts";
import { renderBill } from "../report/billPage.ts";
import { keccak256 } from "ethers";
import { sessionIn, type SessionFolder } from "./audit.ts";
import { audited } from "./auditing.ts";
import { makeBills } from "./bills.ts";
import { Exit } from "./exit.ts";
import { reached } from "./reachChain.ts";

type Arguments = { readonly readings: string; readonly reason: string; readonly rpc?: string; readonly vat: number };

export const correctCommand = (): Command =>
  new Command("correct")
    .description("enters a late or corrected file for a session of this program's keys, and bills the difference")
    .argument("<session>", "the session's folder, as run wrote it")
    .requiredOption(
      "--readings <file>",
      "what meters say now, as `meter read` writes it: whole sessions of some members",
    )
    .requiredOption("--reason <text>", "why; it is signed with the entry and stands on the bill")
    .option("--rpc <url>", "a node of the chain (default: the one that settlement.json names)")
    .option("--vat <percent>", "value-added tax that bills state", Number, 0)
    .action(correct);

async function correct(folder: string, args: Arguments): Promise<void> {
  const session = sessionIn(folder);
  const rpc = args.rpc ?? session.settlement.rpc;
  if (rpc === undefined) throw new InputError("--rpc: a node of the chain must be named");
  if (args.reason.trim() === "") throw new InputError('--reason "": must say why');
  const newer = readJson(args.readings, ReadingsJsonSchema).readings;
  if (newer.length === 0) throw new InputError(`${args.readings}: readings = []: there is none`);
  const told = documentsOf(session);
  const { market } = session.settlement;
  const found = await audited({ ...session.where, rpc: [rpc] });
  const chain = await reached(rpc, market);
  try {
    const { promised, settled } = promisedIn(session, found);
    const signed = await signedAgain(chain, told.at(-1)!.meters, newer, args.readings);
    const entries = found.entries.filter(({ batch }) => batch === settled.batch);
    const closed = entries.some(({ kind }) => kind === "final");
    const request: EntryRequest = closed ? { kind: "correction", reason: args.reason } : { kind: "final" };
    const place = { deployment: chain.deployment!, provider: chain.provider, submitter: chain.admin };
    const nodeKey = (id: number) => devnetKey("node", id);
    const made = await enterMeters({ ...place, nodeKey }, promised, signed, request);
    const [wrong] = made.refused;
    if (wrong !== undefined) throw new Exit(3, wrong);
    if (made.entry === undefined) throw new Exit(3, "it is too early on the chain's clock: meters may still read");
    const number = told.length + (told[0].delivery.entered === undefined ? 0 : 1);
    writeJson(ofEntry(session.at("delivery.json"), number), made.delivery);
    writeJson(ofEntry(session.at("meters.json"), number), made.meters);
    const deliveries = [...told.map(({ delivery }) => delivery).slice(0, number - 1), made.delivery];
    const bills = writeCorrections(session, { promised, settled, deliveries, vatPercent: args.vat });
    say(`entry ${made.entry.number} (${made.entry.kind}) in block ${made.entry.block}, ${bills} bills in ${folder}`);
  } finally {
    await chain.close();
  }
}

type Document = { readonly delivery: DeliveryJson; readonly meters: MetersJson };

function documentsOf({ at }: SessionFolder): Document[] {
  const all: Document[] = [];
  for (let k = 1; isFile(ofEntry(at("delivery.json"), k)); k++)
    all.push({
      delivery: readJson(ofEntry(at("delivery.json"), k), DeliveryJsonSchema),
      meters: readJson(ofEntry(at("meters.json"), k), MetersJsonSchema),
    });
  if (all.length === 0) throw new InputError(`${at("delivery.json")}: there is no such file`);
  return all;
}

type Known = { readonly promised: Promised; readonly settled: AuditedSession };

/** The session as the chain has it, with the terms that were frozen. */
function promisedIn({ at, settlement }: SessionFolder, { sessions }: Audited): Known {
  const settled = sessions.find(({ transaction }) => transaction === settlement.txHash);
  const witness = readJson(at("witness.json"), WitnessSchema);
  if (settled?.terms === undefined || settled.payload === undefined || settled.verdict.kind !== "valid")
    throw new Exit(4, `${at("settlement.json")}: no valid session settled in ${settlement.txHash}`);
  if (termsHash(witness.terms) !== settled.terms.termsHash)
    throw new InputError(`${at("witness.json")}: terms: are not those that were frozen`);
  const { terms, payload, batch, sequence } = settled;
  const about = { terms, batch, sequence: Number(sequence), payload: keccak256(payload), bundle: bundleHash(witness) };
  return { promised: { settled: about, payload, terms: witness.terms }, settled };
}

/** Everybody's file as it was, and newer ones of these members, each signed by its meter's key of this program. */
async function signedAgain(
  { deployment }: LiveChain,
  meters: MetersJson,
  newer: readonly MeterFile["readings"][number][],
  file: string,
): Promise<Signed> {
  const domain = deliveryDomain(deployment!.chainId, deployment!.delivery!);
  const before = new Map(meters.meters.map((one) => [one.prosumer, fileOf(one)]));
  const ids = [...new Set(newer.map(({ prosumer }) => prosumer))];
  const first = meters.meters[0];
  const files = await Promise.all(
    ids.map((id) => {
      const own = newer.filter(({ prosumer }) => prosumer === id);
      const fits = own.every(({ start, seconds }, t) => start === first.start + t * seconds);
      if (!fits || own.length !== first.meteredWh.length || own[0].seconds !== first.periodSeconds)
        throw new InputError(
          `${file}: readings of prosumer ${id}: are not of the session's ${first.meteredWh.length} periods`,
        );
      return signReadings(domain, devnetKey("meter", id), own, (before.get(id)?.number ?? 0) + 1);
    }),
  );
  return { files: [...before.values(), ...files], statements: meters.statements };
}

function fileOf({
  prosumer,
  start,
  periodSeconds,
  number,
  signature,
  ...read
}: MetersJson["meters"][number]): MeterFile {
  const readings = read.meteredWh.map((meteredWh, t) => ({
    ...{ prosumer, start: start + t * periodSeconds, seconds: periodSeconds },
    ...{ meteredWh, renewableWh: read.renewableWh[t], quality: read.quality[t] },
  }));
  return { number, readings, signature };
}

/** New documents of whoever's amounts changed; the old ones stay as they are. Returns how many. */
function writeCorrections(
  { at }: SessionFolder,
  {
    promised,
    settled,
    deliveries,
    vatPercent,
  }: Known & { readonly deliveries: readonly DeliveryJson[]; readonly vatPercent: number },
): number {
  const community = isFile(at("community.json")) ? readJson(at("community.json"), CommunityJsonSchema) : undefined;
  const { batch, transaction } = settled;
  const sessions = [{ result: resultOf(promised), batch, transaction, entries: deliveries }];
  const prosumers = promised.terms.scenario.prosumers.map(({ id }) => id);
  const last = deliveries.at(-1)!.entered!.txHash;
  const bills = makeBills({ sessions, fallback: [], prosumers, community, vatPercent }).filter(
    ({ corrects, lines }) => corrects !== undefined && lines.some((line) => line.transaction === last),
  );
  const folder = join(dirname(at("delivery.json")), "bills");
  mkdirSync(folder, { recursive: true });
  for (const bill of bills) {
    writeJson(join(folder, `${bill.number}.json`), bill);
    writeText(join(folder, `${bill.number}.html`), renderBill(bill));
  }
  return bills.length;
}
