/**
 * Days on which no session settled: that the chain has it so, that their meters signed what is billed, and the lines of
 * the bills made again from that and the tariff of the terms that were frozen.
 */
import { deliveryDomain, meterDigest, meterReadings } from "../codec/deliveryData.ts";
import { signerOfText } from "../codec/recover.ts";
import { termsHash } from "../codec/terms.ts";
import type { SessionTerms } from "../codec/typedData.ts";
import type { BillJson } from "../records/billJson.ts";
import type { FallbackJson } from "../records/fallbackJson.ts";
import type { Audited, VoidSession } from "./audit.ts";
import { dayAt } from "./billHeads.ts";
import { signable } from "./deliverySignatures.ts";
import { invalid, undecided, worst, type Verdict } from "./verdict.ts";

type Found = Pick<Audited, "chainId" | "sessions" | "entries" | "voided" | "meterKeys" | "delivery">;
type Line = BillJson["lines"][number];

/**
 * `bills`: all there are; of them the lines that come of no batch are of these days. `months`: those that are billed
 * whole, so that a day that nobody tells of is one that somebody may have left away.
 */
export function checkFallbacks(
  days: readonly FallbackJson[],
  bills: readonly BillJson[],
  found: Found,
  months: ReadonlySet<string>,
): Verdict {
  const billed = new Map<number, Map<number, Line[]>>();
  for (const { prosumer, lines } of bills)
    for (const line of lines) {
      if (line.batch !== undefined) continue;
      const ofDay = billed.get(line.start) ?? new Map<number, Line[]>();
      ofDay.set(prosumer, [...(ofDay.get(prosumer) ?? []), line]);
      billed.set(line.start, ofDay);
    }
  const told = new Set<number>();
  const verdicts: Verdict[] = [];
  for (const day of days) {
    const start = startOf(day);
    if (told.has(start)) return invalid("fallbackTwice", `two documents are of the day from ${utc(start)} on`);
    told.add(start);
    verdicts.push(checkDay(day, billed.get(start) ?? new Map<number, Line[]>(), found));
  }
  const untold = [...billed.keys()].find((start) => !told.has(start));
  if (untold !== undefined)
    verdicts.push(undecided(`what meters read from ${utc(untold)} on, when no session settled`));
  return worst([...verdicts, ...(found.entries.length === 0 ? [] : untoldDays(days, bills, found, months))]);
}

/** Sessions that came to nothing, of time that neither another session nor a document is of. */
function untoldDays(
  days: readonly FallbackJson[],
  [any]: readonly BillJson[],
  { voided, sessions }: Found,
  months: ReadonlySet<string>,
): Verdict[] {
  return voided.flatMap(({ terms }): Verdict[] => {
    const from = Number(terms.start);
    const until = from + terms.periods * terms.periodSeconds;
    const billed = months.has(dayAt(from, any?.timeZone ?? "UTC")?.slice(0, 7) ?? "");
    const settled = sessions.some((one) => one.terms !== undefined && overlaps(one.terms, from, until));
    const told = days.some((day) => startOf(day) < until && endOf(day) > from);
    return !billed || settled || told
      ? []
      : [undecided(`what meters read from ${utc(from)} on, when no session settled`)];
  });
}

const startOf = ({ terms }: FallbackJson): number => Date.parse(terms.scenario.startUtc) / 1000;
const endOf = (day: FallbackJson): number => {
  const { hours, periodHours } = day.terms.scenario;
  return startOf(day) + hours * Math.round(periodHours * 3600);
};
const utc = (seconds: number): string => new Date(1000 * seconds).toISOString().replace(".000Z", "Z");

function checkDay(day: FallbackJson, billed: ReadonlyMap<number, readonly Line[]>, found: Found): Verdict {
  const { scenario } = day.terms;
  const hash = termsHash(day.terms);
  const from = startOf(day);
  const until = endOf(day);
  const settled = found.sessions.find(({ terms }) => terms !== undefined && overlaps(terms, from, until));
  if (settled !== undefined)
    return invalid("sessionSettled", `of the day from ${scenario.startUtc} on batch ${settled.batch} settled`);
  const session = found.voided.find(({ terms }) => terms.termsHash === hash && Number(terms.start) === from);
  // What nobody froze nobody has agreed to: its tariff may be any.
  if (session === undefined)
    return undecided(`a session with the terms of ${scenario.startUtc} that was frozen and came to nothing`);
  if (BigInt(day.chainId) !== found.chainId || day.delivery !== found.delivery?.address)
    return invalid("otherChain", `its meters signed for ${day.delivery} on ${day.chainId}`);
  const unsigned = day.meters.find((file) => !isSigned(file, day, session, found));
  if (unsigned !== undefined)
    return invalid("meterNotSigned", `the file of prosumer ${unsigned.prosumer} of ${scenario.startUtc}`);
  const missing: string[] = [];
  for (const { id } of scenario.prosumers) {
    const files = day.meters.filter(({ prosumer }) => prosumer === id);
    if (files.length > 1) return invalid("meterTwice", `prosumer ${id} has two files of ${scenario.startUtc}`);
    const [file] = files;
    // What nobody knows nobody can bill: whoever leaves a meter's file away erases what was drawn.
    if (file === undefined || file.quality.includes("missing")) {
      missing.push(`what the meter of prosumer ${id} read of the day from ${scenario.startUtc} on`);
      if (file === undefined) continue;
    }
    const fault = lineFault(file.meteredWh, billed.get(id) ?? [], scenario.tariff);
    if (fault !== undefined)
      return invalid("fallbackNotTheMeters", `prosumer ${id}, the day from ${scenario.startUtc} on: ${fault}`);
  }
  const metered = [...billed.keys(), ...day.meters.map(({ prosumer }) => prosumer)];
  const stranger = metered.find((id) => !scenario.prosumers.some((one) => one.id === id));
  if (stranger !== undefined)
    return invalid("fallbackNotTheMeters", `prosumer ${stranger} is none of ${scenario.startUtc}`);
  return worst(missing.map(undecided));
}

const overlaps = (terms: SessionTerms, from: number, until: number): boolean =>
  Number(terms.start) < until && Number(terms.start) + terms.periods * terms.periodSeconds > from;

/** By a key that the meter has had since the freeze. */
function isSigned(
  file: FallbackJson["meters"][number],
  day: FallbackJson,
  session: VoidSession,
  found: Found,
): boolean {
  const { prosumer, start, periodSeconds, number, signature, meteredWh, renewableWh, quality } = file;
  const { periods, periodSeconds: seconds, start: from } = session.terms;
  const whole = [meteredWh, renewableWh, quality].every(({ length }) => length === periods);
  if (!whole || start !== Number(from) || periodSeconds !== seconds) return false;
  const own = meteredWh.map((wh, t) => ({
    ...{ prosumer, start: start + t * seconds, seconds, meteredWh: wh },
    ...{ renewableWh: renewableWh[t], quality: quality[t] },
  }));
  const domain = deliveryDomain(found.chainId, day.delivery);
  const digest = signable(() => meterDigest(domain, meterReadings(own, number)));
  const signer = digest === undefined ? undefined : signerOfText(digest, signature);
  const all = found.meterKeys.get(prosumer) ?? [];
  const since = all.slice(Math.max(0, all.lastIndexOf(session.meterKeys.get(prosumer) ?? "")));
  return signer !== undefined && since.includes(signer);
}

/** What was drawn at the utility's price to sell, what was fed in at its price to buy, in 1e-6 $ per kWh. */
function lineFault(
  meteredWh: readonly number[],
  lines: readonly Line[],
  { buyPerMwh, sellPerMwh }: FallbackJson["terms"]["scenario"]["tariff"],
): string | undefined {
  const micro = (perMwh: number): bigint => BigInt(Math.round(perMwh * 1000));
  let [drawn, drawnNano, fed, fedNano] = [0, 0n, 0, 0n];
  meteredWh.forEach((wh, t) => {
    if (wh < 0) [drawn, drawnNano] = [drawn - wh, drawnNano - BigInt(wh) * micro(buyPerMwh[t])];
    else [fed, fedNano] = [fed + wh, fedNano - BigInt(wh) * micro(sellPerMwh[t])];
  });
  for (const [item, wh, nano] of [
    ["drawn", drawn, drawnNano],
    ["fedIn", fed, fedNano],
  ] as const) {
    const [line, ...more] = lines.filter((one) => one.item === item);
    const [said, saidWh] = [BigInt(line?.nano ?? 0), line?.quantity ?? 0];
    if (said !== nano || saidWh !== wh) return `${item} is ${wh} Wh for ${nano}, not ${saidWh} Wh for ${said}`;
    if (more.length > 0) return `${more.length + 1} lines of ${item}`;
    if (line !== undefined && wh === 0 && nano === 0n) return `a line of ${item}, of which there was none`;
  }
  const other = lines.find(({ item }) => item !== "drawn" && item !== "fedIn");
  if (other !== undefined) return `a line of ${other.item}`;
  const moved = lines.find(({ transaction, entry }) => transaction !== undefined || entry !== 0);
  return moved && `${moved.item} is said to have moved in entry ${moved.entry}`;
}
