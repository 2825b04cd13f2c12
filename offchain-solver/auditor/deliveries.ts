/**
 * What became of a settled session, made again from the batch on chain, the terms that were frozen and what meters and
 * nodes signed, beside what was entered. Shares with those who wrote it what both are written down in (codec), and no
 * derivation.
 */
import { keccak256 } from "ethers";
import { metersHash, reasonHash } from "../codec/deliveryData.ts";
import { QUALITIES } from "../codec/meterReading.ts";
import * as Payload from "../codec/payload.ts";
import { bundleHash } from "../codec/witness.ts";
import { decodeReadings, encodeReadings, type SessionReadings } from "../codec/readings.ts";
import { imbalancePrice } from "../ledger/settleable.ts";
import { sessionOf } from "../market/scenario/leaveOut.ts";
import { marketOf } from "../market/scenario/market.ts";
import type { DeliveryJson, MetersJson } from "../records/deliveryJson.ts";
import type { Audited, AuditedSession } from "./audit.ts";
import type { AuditedEntry } from "./entries.ts";
import { checkBill } from "./deliveryBill.ts";
import { readingsOf, type Facts } from "./deliveryReadings.ts";
import { signedBy, type Judged } from "./deliverySignatures.ts";
import { invalid, undecided, worst, type Verdict } from "./verdict.ts";

export function checkDelivery(delivery: DeliveryJson, meters: MetersJson, judged: Judged): Verdict {
  const { session, witness, found } = judged;
  const { payload } = session;
  if (payload === undefined || session.terms === undefined) return undecided(`the payload of batch ${session.batch}`);
  if (delivery.batch !== session.batch || meters.batch !== session.batch)
    return invalid("otherBatch", `it is of batch ${delivery.batch}, its meters' files of ${meters.batch}`);
  if (BigInt(meters.chainId) !== found.chainId) return invalid("otherChain", `meters signed for ${meters.chainId}`);
  if (bundleHash(witness) !== session.bundleHash)
    return undecided(`the witness of batch ${session.batch} (${session.bundleHash})`);
  const { terms } = witness;
  const { periods, periodSeconds: seconds, start } = session.terms;
  const { trades, participants } = Payload.decode(payload, periods);
  const signed = signedBy(meters, judged);
  if ("kind" in signed) return signed;
  const entry = entryOf(delivery, judged);
  const onChain = entry !== undefined && "verdict" in entry ? entry : undefined;
  const limits = onChain?.limits ?? new Map(meters.connections.map((one) => [one.prosumer, one]));
  const market = marketOf(sessionOf(terms.scenario, participants), terms.settings);
  const ids = terms.scenario.prosumers.map(({ id }) => id);
  const facts: Facts = {
    trades,
    participants,
    // Of who was left out and has no connection nothing can be entered; who took part must have one.
    invited: rowsOf(judged, onChain) ?? ids.filter((id) => limits.has(id) || participants.includes(id)),
    periods,
    seconds,
    start: Number(start),
    terms,
    needW: (j, t) => BigInt(Math.round(market.halfWidth[t] * market.sigma[t][j] * 1e6)),
    ...signed,
    closed: delivery.kind !== "provisional",
    imbalancePrice: BigInt(imbalancePrice(terms.scenario.tariff)),
    limits,
  };
  const readings = readingsOf(facts, market.allowanceT);
  const hash = keccak256(encodeReadings(readings));
  if (hash !== delivery.readings) return invalid("readingsNotTheMeters", differing(readings, delivery, facts) ?? hash);
  const meterHash = metersHash(facts.invited.map((id) => signed.files.get(id)));
  if (meterHash !== delivery.meters) return invalid("metersNotTheFiles", `${delivery.meters} is not ${meterHash}`);
  const told = differing(readings, delivery, facts);
  if (told !== undefined) return invalid("deliveryNotTheReadings", told);
  if (entry !== undefined && "verdict" in entry) return checkEntered(readings, delivery, meters, { judged, entry });
  if (entry !== undefined) return entry;
  return checkBill(readings, delivery, { limits, imbalancePrice: Number(facts.imbalancePrice) });
}

/** Who has a row of a later entry: as the one before has it. Of a first one it is who has a connection. */
function rowsOf({ found, session }: Judged, entry: AuditedEntry | undefined): number[] | undefined {
  const before =
    entry && found.entries.find(({ batch, number }) => batch === entry.batch && number === entry.number - 1);
  if (before?.readings === undefined) return undefined;
  return decodeReadings(before.readings, session.terms!.periods).rows.map(({ id }) => id);
}

/** The entry on chain that it tells of; a verdict where there is none such, undefined where it tells of none. */
function entryOf(delivery: DeliveryJson, { found }: Judged): AuditedEntry | Verdict | undefined {
  const { entered, batch } = delivery;
  const own = found.entries.filter((one) => one.batch === batch);
  if (entered === undefined) return own.length === 0 ? undefined : writtenBefore(delivery, own);
  const entry = own.find(({ number }) => number === entered.entry);
  return entry ?? invalid("entryNotOnChain", `entry ${entered.entry} of batch ${batch}`);
}

/** Of a document from before its entry came on chain: it lacks that, unless it tells of other readings. */
function writtenBefore({ follows, readings, meters, batch }: DeliveryJson, own: readonly AuditedEntry[]): Verdict {
  const number = (follows?.entry ?? 0) + 1;
  const entry = own.find((one) => one.number === number);
  if (entry !== undefined && (entry.readingsHash !== readings || entry.meters !== meters))
    return invalid("entryNotTheChain", `entry ${number} of batch ${batch} is of other readings, ${entry.readingsHash}`);
  return entry === undefined
    ? undecided(`entry ${number} of batch ${batch}, whose document tells of nothing on chain`)
    : undecided(`where entry ${number} of batch ${batch} is on chain: its document is from before`);
}

const SYSTEMS = { insurance: 0xfffffffc, desk: 0xfffffffd, utility: 0xffffffff };

/** The same figures as in the entry, and its bill by the connections that the chain has. */
function checkEntered(
  readings: SessionReadings,
  delivery: DeliveryJson,
  meters: MetersJson,
  { judged, entry }: { readonly judged: Judged; readonly entry: AuditedEntry },
): Verdict {
  const { found } = judged;
  if (entry.verdict.kind !== "valid") return entry.verdict;
  const before = found.entries.find(({ batch, number }) => batch === entry.batch && number === entry.number - 1);
  const bad = enteredFigures(delivery, entry, { before, found }).find(([, is, told]) => is !== told);
  if (bad !== undefined) return invalid("entryNotTheChain", `${bad[0]} is ${String(bad[1])}, not ${String(bad[2])}`);
  const limits = entry.limits!;
  const other = meters.connections.find((one) => {
    const is = limits.get(one.prosumer);
    return (["feedW", "takeW", "renewableW", "maxPrice"] as const).some((field) => is?.[field] !== one[field]);
  });
  const untold = readings.rows.find(({ id }) => !meters.connections.some(({ prosumer }) => prosumer === id));
  if (other !== undefined || untold !== undefined)
    return invalid("connectionsNotTheChain", `the connection of prosumer ${other?.prosumer ?? untold?.id}`);
  const periods = delivery.periods;
  const earlier = before && {
    readings: decodeReadings(before.readings!, periods),
    final: before.kind !== "provisional",
  };
  const imbalancePrice = Number(judged.session.terms!.imbalancePrice);
  return checkBill(readings, delivery, { limits, earlier, imbalancePrice, ...(entry.left && { left: entry.left }) });
}

type Beside = { readonly before: AuditedEntry | undefined; readonly found: Judged["found"] };

function enteredFigures(delivery: DeliveryJson, entry: AuditedEntry, { before, found }: Beside): Figure[] {
  const { entered, follows, reason, credits = [] } = delivery;
  const moved = new Map(entry.moved.map((one) => [one.id, one]));
  const issued = found.credits.filter(({ sequence }) => sequence === entry.sequence);
  return [
    ["the delivery contract", found.delivery?.address, entered?.delivery],
    ["the multiple", found.delivery && Number(found.delivery.multiple), delivery.multiple],
    ["the transaction", entry.transaction, entered?.txHash],
    ["the block", entry.block, entered?.block],
    ["the kind", entry.kind, delivery.kind],
    ["the hash of the readings", entry.readingsHash, delivery.readings],
    ["the hash of the meters' files", entry.meters, delivery.meters],
    ["the hash of the reason", entry.reason, reason === undefined ? `0x${"0".repeat(64)}` : reasonHash(reason)],
    ["the entry that it follows", before?.number, follows?.entry],
    ["what the entry before read", before?.readingsHash, follows?.readings],
    ...delivery.members.flatMap(({ id, movedNano, surrenderedG, releasedMilli }): Figure[] => [
      [`what prosumer ${id} received`, moved.get(id)?.nano, BigInt(movedNano)],
      [`grams that prosumer ${id} surrendered`, moved.get(id)?.grams, BigInt(-surrenderedG)],
      [`what was released to prosumer ${id}`, moved.get(id)?.released, BigInt(releasedMilli)],
    ]),
    ...delivery.systems.map(({ account, movedNano }): Figure => {
      return [`what ${account} received`, moved.get(SYSTEMS[account])?.nano, BigInt(movedNano)];
    }),
    ...credits.flatMap(({ prosumer, asset, wh, txHash }): Figure[] => {
      const one = issued.find(({ transaction }) => transaction === txHash);
      return [
        [`who was issued in ${txHash}`, one?.prosumer, prosumer],
        [`the asset of prosumer ${prosumer}'s credits`, one && `${one.asset}`, asset],
        [`credits of prosumer ${prosumer}`, one?.wh, BigInt(wh)],
      ];
    }),
  ];
}

/**
 * That all there is on chain of a session is told in its documents: every entry, every credit, and each of them right.
 * Undecided where an entry or credits are not told: a folder may be published without some of its documents, or from
 * before a correction or somebody's claim, and what it does not have it does not contradict.
 */
export function checkAllTold(told: readonly DeliveryJson[], { sequence, batch }: AuditedSession, found: Told): Verdict {
  const listed = told.flatMap(({ credits = [] }) => credits.map(({ txHash }) => txHash));
  if (listed.length !== new Set(listed).size) return invalid("creditIssuedTwice", "a transaction is listed twice");
  const issued = found.credits.filter((one) => one.sequence === sequence);
  const unlisted = listed.length === 0 ? [] : issued.filter(({ transaction }) => !listed.includes(transaction));
  // One that tells of no entry has been found to lack its own.
  const untold = found.entries.filter(
    ({ batch: of, number }) =>
      of === batch && !told.some(({ entered, follows }) => (entered?.entry ?? (follows?.entry ?? 0) + 1) === number),
  );
  return worst([
    ...issued.map(({ verdict }) => verdict),
    ...untold.map(({ number, kind }) =>
      undecided(`the document of entry ${number} (${kind}) of batch ${batch}, which is on chain`),
    ),
    ...unlisted.map(({ wh, prosumer }) =>
      undecided(`the document of ${wh} Wh of credits that prosumer ${prosumer} was issued`),
    ),
  ]);
}

type Told = Pick<Audited, "entries" | "credits">;

type Figure = readonly [name: string, is: unknown, told: unknown];

/** The first figure of delivery.json that the readings do not have. */
function differing(readings: SessionReadings, told: DeliveryJson, facts: Facts): string | undefined {
  const { prices, rows } = readings;
  if (told.members.length !== rows.length) return `${rows.length} members, not ${told.members.length}`;
  const figures: Figure[] = [
    ["start", facts.start, told.start],
    ["periods", facts.periods, told.periods],
    ["periodSeconds", facts.seconds, told.periodSeconds],
    ["allowancePrice", readings.allowancePrice, told.allowancePrice],
    ["the periods that have prices", prices.length, told.prices.length],
  ];
  prices.forEach((price, t) => {
    for (const name of ["shortPrice", "longPrice", "responsePrice"] as const)
      figures.push([`${name} of period ${t}`, price[name], told.prices[t]?.[name]]);
  });
  rows.forEach((_, k) => figures.push(...memberFigures(readings, told.members[k], k, facts)));
  // Of an entry that follows another what is released is a difference, and held against the chain.
  if (told.follows === undefined)
    for (const [k, { id, released }] of rows.entries())
      figures.push([`releasedMilli of prosumer ${id}`, facts.closed ? released : 0, told.members[k].releasedMilli]);
  figures.push(...sums(told));
  const bad = figures.find(([, is, said]) => is !== said);
  return bad && `${bad[0]} is ${String(bad[1])}, not ${String(bad[2])}`;
}

function memberFigures(
  { rows, responses }: SessionReadings,
  member: DeliveryJson["members"][number],
  k: number,
  { participants }: Facts,
): Figure[] {
  const { id, emissionsG, values } = rows[k];
  const figures: Figure[] = [
    ["id", id, member.id],
    [`tookPart of prosumer ${id}`, participants.includes(id), member.tookPart],
    [`emissionsG of prosumer ${id}`, emissionsG, member.emissionsG],
  ];
  values.forEach((value, t) => {
    const called = responses.find(({ row, period }) => row === k && period === t);
    const is = {
      promisedWh: value.dueWh - (called?.calledWh ?? 0),
      calledWh: called?.calledWh ?? 0,
      undeliveredW: called?.undeliveredW ?? 0,
      meteredWh: value.meteredWh,
      renewableWh: value.renewableWh,
      quality: QUALITIES[value.quality],
    };
    for (const name of Object.keys(is) as (keyof typeof is)[]) {
      figures.push([`${name} of prosumer ${id} in period ${t}`, is[name], member[name][t]]);
      if (t === 0) figures.push([`periods of ${name} of prosumer ${id}`, values.length, member[name].length]);
    }
  });
  return figures;
}

/** What is told of all is the sum of what is told of each. */
function sums({ members, carbon }: DeliveryJson): Figure[] {
  const sum = (of: (member: DeliveryJson["members"][number]) => number): number =>
    members.reduce((all, one) => all + of(one), 0);
  const renewable = sum(({ renewableWh }) => renewableWh.reduce((all, wh) => all + wh, 0));
  return [
    ["carbon.emissionsG", sum(({ emissionsG }) => emissionsG), carbon.emissionsG],
    ["carbon.surrenderedG", sum(({ surrenderedG }) => surrenderedG), carbon.surrenderedG],
    ["carbon.boughtG", sum(({ boughtG }) => boughtG), carbon.boughtG],
    ["carbon.renewableWh", renewable, carbon.renewableWh],
  ];
}
