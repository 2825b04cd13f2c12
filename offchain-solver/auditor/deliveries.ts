/**
 * What became of a settled session, made again from the batch on chain, the terms that were frozen and what meters and
 * nodes signed. Shares with those who wrote it what both are written down in (codec, ledger), and no derivation.
 */
import { keccak256 } from "ethers";
import {
  deliveryDomain,
  meterDigest,
  meterReadings,
  metersHash,
  statementDigest,
  type DeviceStatement,
} from "../codec/deliveryData.ts";
import { QUALITIES, type MeterReading } from "../codec/meterReading.ts";
import * as Payload from "../codec/payload.ts";
import { encodeReadings, type SessionReadings } from "../codec/readings.ts";
import { signerOfText } from "../codec/recover.ts";
import { attempt } from "../codec/refusal.ts";
import type { Terms } from "../codec/terms.ts";
import { bill, closedBy, type Bill, type Line } from "../ledger/delivery.ts";
import { DESK, OPERATOR, type Trade, UTILITY } from "../market/result/clearingResult.ts";
import { marketOf } from "../market/scenario/market.ts";
import { sessionOf } from "../market/scenario/leaveOut.ts";
import type { DeliveryJson, MetersJson } from "../records/deliveryJson.ts";
import { imbalancePrice } from "../ledger/settleable.ts";
import type { Audited, AuditedSession } from "./audit.ts";
import { invalid, undecided, VALID, type Verdict } from "./verdict.ts";

/** What a delivery is judged by. */
export type Judged = {
  readonly session: AuditedSession;
  /** Those that hash to what was frozen. */
  readonly terms: Terms;
  readonly found: Pick<Audited, "chainId" | "meterKeys">;
};

type Facts = {
  readonly trades: readonly Trade[];
  readonly participants: readonly number[];
  readonly invited: readonly number[];
  readonly periods: number;
  readonly seconds: number;
  readonly start: number;
  readonly terms: Terms;
  readonly needW: (j: number, t: number) => bigint;
  readonly readings: ReadonlyMap<number, readonly MeterReading[]>;
  readonly statements: ReadonlyMap<number, DeviceStatement>;
  readonly closed: boolean;
  readonly imbalancePrice: bigint;
};

const MISSING = QUALITIES.indexOf("missing");

export function checkDelivery(delivery: DeliveryJson, meters: MetersJson, judged: Judged): Verdict {
  const { session, terms, found } = judged;
  const { payload } = session;
  if (payload === undefined || session.terms === undefined) return undecided(`the payload of batch ${session.batch}`);
  if (delivery.batch !== session.batch || meters.batch !== session.batch)
    return invalid("otherBatch", `it is of batch ${delivery.batch}, its meters' files of ${meters.batch}`);
  if (BigInt(meters.chainId) !== found.chainId) return invalid("otherChain", `meters signed for ${meters.chainId}`);
  const { periods, periodSeconds: seconds, start } = session.terms;
  const { trades, participants } = Payload.decode(payload, periods);
  const signed = signedBy(meters, judged);
  if ("kind" in signed) return signed;
  const market = marketOf(sessionOf(terms.scenario, participants), terms.settings);
  const facts: Facts = {
    trades,
    participants,
    invited: terms.scenario.prosumers.map(({ id }) => id),
    periods,
    seconds,
    start: Number(start),
    terms,
    needW: (j, t) => BigInt(Math.round(market.halfWidth[t] * market.sigma[t][j] * 1e6)),
    ...signed,
    closed: closedBy(delivery.kind),
    imbalancePrice: BigInt(imbalancePrice(terms.scenario.tariff)),
  };
  const readings = readingsOf(facts, market.allowanceT);
  const hash = keccak256(encodeReadings(readings));
  if (hash !== delivery.readings) return invalid("readingsNotTheMeters", differing(readings, delivery, facts) ?? hash);
  const meterHash = metersHash(facts.invited.map((id) => signed.files.get(id)));
  if (meterHash !== delivery.meters) return invalid("metersNotTheFiles", `${delivery.meters} is not ${meterHash}`);
  const told = differing(readings, delivery, facts);
  if (told !== undefined) return invalid("deliveryNotTheReadings", told);
  return checkBill(readings, delivery, meters);
}

type Signed = Pick<Facts, "readings" | "statements"> & {
  readonly files: ReadonlyMap<number, { readonly digest: string; readonly signature: string }>;
};

/** Files and statements by keys that the registry has; the first that is not is told. */
function signedBy(meters: MetersJson, { session, found }: Judged): Signed | Verdict {
  const domain = deliveryDomain(found.chainId, meters.delivery);
  /** Keys that a meter has had since the freeze: one that is replaced in mid-session has a key of its own. */
  const keysOf = (id: number): readonly string[] => {
    const all = found.meterKeys.get(id) ?? [];
    return all.slice(Math.max(0, all.lastIndexOf(session.meterKeys.get(id) ?? "")));
  };
  const { periods, periodSeconds, start } = session.terms!;
  const readings = new Map<number, MeterReading[]>();
  const files = new Map<number, { digest: string; signature: string }>();
  for (const { prosumer, number, signature, ...file } of meters.meters) {
    const same = file.start === Number(start) && file.periodSeconds === periodSeconds;
    const lengths = [file.meteredWh, file.renewableWh, file.quality].every(({ length }) => length === periods);
    if (!same || !lengths) return invalid("meterOfOtherPeriods", `the file of prosumer ${prosumer}`);
    if (files.has(prosumer)) return invalid("meterTwice", `prosumer ${prosumer} has two files`);
    const own = file.meteredWh.map((meteredWh, t) => ({
      prosumer,
      start: file.start + t * periodSeconds,
      seconds: periodSeconds,
      meteredWh,
      renewableWh: file.renewableWh[t],
      quality: file.quality[t],
    }));
    const digest = meterDigest(domain, meterReadings(own, number));
    const signer = signerOfText(digest, signature);
    if (signer === undefined || !keysOf(prosumer).includes(signer))
      return invalid("meterNotSigned", `the file of prosumer ${prosumer} is not signed by its meter`);
    readings.set(prosumer, own);
    files.set(prosumer, { digest, signature });
  }
  const statements = new Map<number, DeviceStatement>();
  for (const { signature, ...statement } of meters.statements) {
    const { prosumer, plannedWh } = statement;
    const signer = signerOfText(statementDigest(domain, session.batch, statement), signature);
    if (plannedWh.length !== periods || signer === undefined || signer !== session.nodeKeys.get(prosumer))
      return invalid("statementNotSigned", `the statement of prosumer ${prosumer} is not signed by its node`);
    statements.set(prosumer, statement);
  }
  return { readings, statements, files };
}

/** One row's account of a period, Wh. */
type Cell = {
  sold: bigint;
  utility: bigint;
  given: bigint;
  received: bigint;
  ofUtility: bigint;
  paid: bigint;
  w: bigint;
};

function readingsOf(facts: Facts, allowanceT: ArrayLike<number>): SessionReadings {
  const { participants, periods, invited, terms } = facts;
  const cells = participants.map(() =>
    Array.from({ length: periods }, (): Cell => ({
      sold: 0n,
      utility: 0n,
      given: 0n,
      received: 0n,
      ofUtility: 0n,
      paid: 0n,
      w: 0n,
    })),
  );
  const traded = Array.from({ length: periods }, () => ({ wh: 0n, paid: 0n }));
  for (const trade of facts.trades) enterTrade(facts, cells, traded, trade);
  const none: Cell = { sold: 0n, utility: 0n, given: 0n, received: 0n, ofUtility: 0n, paid: 0n, w: 0n };
  const responses: SessionReadings["responses"][number][] = [];
  const rows = invited.map((id, row) => {
    const i = participants.indexOf(id);
    const values = Array.from({ length: periods }, (_, t) => {
      const cell = i < 0 ? none : cells[i][t];
      const read = facts.readings.get(id)?.[t];
      const quality = read === undefined ? MISSING : QUALITIES.indexOf(read.quality);
      const [meteredWh, renewableWh] = quality === MISSING ? [0, 0] : [read!.meteredWh, read!.renewableWh];
      const dueWh = Number(cell.sold + cell.given - cell.received);
      const undeliveredW = undelivered(facts, cell, { dueWh, meteredWh, quality });
      const calledWh = Number(cell.given - cell.received);
      const mean = cell.w === 0n ? 0 : Math.max(0, Math.round(Number(cell.paid) / Number(cell.w)));
      if (calledWh !== 0 || undeliveredW !== 0) responses.push({ row, period: t, calledWh, undeliveredW, price: mean });
      return { dueWh, meteredWh, quality, renewableWh };
    });
    const own = i < 0 ? undefined : cells[i];
    const grams = own === undefined ? 0 : allowancesOf(facts.trades, i, allowanceT[i]);
    return {
      id,
      released: own === undefined ? 0 : held(facts, i, own),
      emissionsG: emitted(facts, id, { own, values, grams }),
      values,
    };
  });
  const prices = traded.map(({ wh, paid }, t) => {
    const shortPrice = Math.round(1000 * terms.scenario.tariff.buyPerMwh[t]);
    const longPrice = Math.round(1000 * terms.scenario.tariff.sellPerMwh[t]);
    const middle = Math.floor((shortPrice + longPrice) / 2);
    return { shortPrice, longPrice, responsePrice: wh === 0n ? middle : Number(down(paid, wh)) };
  });
  return { allowancePrice: Math.round(1000 * terms.scenario.carbon.deskBuyPerT), prices, rows, responses };
}

const down = (a: bigint, b: bigint): bigint => (a >= 0n ? a / b : -((b - 1n - a) / b));
const abs = (a: bigint): bigint => (a < 0n ? -a : a);

function enterTrade(
  facts: Facts,
  cells: readonly Cell[][],
  traded: { wh: bigint; paid: bigint }[],
  trade: Trade,
): void {
  const { seller, buyer, product, period: t, price } = trade;
  const quantity = BigInt(trade.quantity);
  if (product === "energy") {
    if (seller < DESK) cells[seller][t].sold += quantity;
    if (buyer < DESK) cells[buyer][t].sold -= quantity;
    if (seller === UTILITY) cells[buyer][t].utility += quantity;
    else if (buyer === UTILITY) cells[seller][t].utility -= quantity;
    else {
      traded[t].wh += quantity;
      traded[t].paid += quantity * BigInt(price);
    }
  }
  if (product !== "reserve" || seller === OPERATOR) return;
  const id = facts.participants[buyer];
  const [read, stated] = [facts.readings.get(id)?.[t], facts.statements.get(id)];
  const known = read !== undefined && read.quality !== "missing" && stated !== undefined;
  const error = known ? BigInt(read.renewableWh - stated.plannedWh[t]) : 0n;
  const need = facts.needW(buyer, t);
  if (need > 0n && error !== 0n) {
    const asked = (2n * quantity * abs(error) + need) / (2n * need);
    const most = (quantity * BigInt(facts.seconds)) / 3600n;
    const given = (error > 0n ? -1n : 1n) * (asked < most ? asked : most);
    cells[buyer][t].received += given;
    if (seller === UTILITY) cells[buyer][t].ofUtility += given;
    else cells[seller][t].given += given;
  }
  if (seller === UTILITY) return;
  cells[seller][t].w += quantity;
  cells[seller][t].paid += quantity * BigInt(price);
}

type Value = { readonly dueWh: number; readonly meteredWh: number; readonly quality: number };

/** What is left at the meter; of a value that is missing for good, what it had sold. */
function leftOver({ dueWh, meteredWh, quality }: Value, closed: boolean): number {
  if (quality !== MISSING) return meteredWh - dueWh;
  return closed ? Math.min(0, -dueWh) : 0;
}

function undelivered({ closed, seconds }: Facts, { given }: Cell, value: Value): number {
  const left = leftOver(value, closed);
  const against = given > 0n ? Math.max(0, -left) : Math.max(0, left);
  const wh = Math.min(Number(abs(given)), against);
  return wh <= 2 ? 0 : Math.floor((wh * 3600) / seconds);
}

type Emitting = {
  readonly own: readonly Cell[] | undefined;
  readonly values: readonly (Value & { renewableWh: number })[];
  readonly grams: number;
};

function emitted({ statements, terms }: Facts, id: number, { own, values, grams }: Emitting): number {
  let micro = 0n;
  let beyond = 0;
  values.forEach((value, t) => {
    const batch = own === undefined ? 0n : own[t].utility + own[t].ofUtility;
    const drawn = batch - BigInt(leftOver(value, true));
    if (drawn > 0n) micro += drawn * BigInt(Math.round(1e6 * terms.scenario.carbon.gridTPerMwh[t]));
    beyond += Math.max(0, value.meteredWh - value.renewableWh);
  });
  const stated = statements.get(id)?.generatorG;
  return Number(-down(-micro, 1_000_000n)) + (stated ?? Math.max(2 * beyond, grams));
}

function allowancesOf(trades: readonly Trade[], i: number, allowanceT: number): number {
  let grams = Math.floor(allowanceT * 1e6);
  for (const { product, seller, buyer, quantity } of trades) {
    if (product !== "carbon") continue;
    if (buyer === i) grams += quantity;
    if (seller === i) grams -= quantity;
  }
  return grams;
}

function held({ trades, imbalancePrice }: Facts, i: number, own: readonly Cell[]): number {
  let money = 0n;
  for (const { seller, buyer, quantity, price } of trades) {
    if (seller === i) money += BigInt(quantity) * BigInt(price);
    if (buyer === i) money -= BigInt(quantity) * BigInt(price);
  }
  const owed = own.reduce((sum, { sold }) => (sold > 0n ? sum + sold : sum), 0n) * imbalancePrice;
  const due = money > owed ? money : owed;
  return Math.min(0xffffffff, Number(-down(-due, 1_000_000n)));
}

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
  ];
  prices.forEach((price, t) => {
    for (const name of ["shortPrice", "longPrice", "responsePrice"] as const)
      figures.push([`${name} of period ${t}`, price[name], told.prices[t]?.[name]]);
  });
  rows.forEach((_, k) => figures.push(...memberFigures(readings, told.members[k], k, facts)));
  figures.push(...sums(told));
  const bad = figures.find(([, is, said]) => is !== said);
  return bad && `${bad[0]} is ${String(bad[1])}, not ${String(bad[2])}`;
}

function memberFigures(
  { rows, responses }: SessionReadings,
  member: DeliveryJson["members"][number],
  k: number,
  { participants, closed }: Facts,
): Figure[] {
  const { id, emissionsG, released, values } = rows[k];
  const figures: Figure[] = [
    ["id", id, member.id],
    [`tookPart of prosumer ${id}`, participants.includes(id), member.tookPart],
    [`emissionsG of prosumer ${id}`, emissionsG, member.emissionsG],
    [`releasedMilli of prosumer ${id}`, closed ? released : 0, member.releasedMilli],
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
    for (const name of Object.keys(is) as (keyof typeof is)[])
      figures.push([`${name} of prosumer ${id} in period ${t}`, is[name], member[name][t]]);
  });
  return figures;
}

/** What is told of all is the sum of what is told of each. */
function sums({ members, carbon, shortfall }: DeliveryJson): Figure[] {
  const sum = (of: (member: DeliveryJson["members"][number]) => number): number =>
    members.reduce((all, one) => all + of(one), 0);
  const renewable = sum(({ renewableWh }) => renewableWh.reduce((all, wh) => all + wh, 0));
  return [
    ["carbon.emissionsG", sum(({ emissionsG }) => emissionsG), carbon.emissionsG],
    ["carbon.surrenderedG", sum(({ surrenderedG }) => surrenderedG), carbon.surrenderedG],
    ["carbon.boughtG", sum(({ boughtG }) => boughtG), carbon.boughtG],
    ["carbon.renewableWh", renewable, carbon.renewableWh],
    [
      "the shortfall",
      sum(({ arrearsNano }) => arrearsNano) === 0 ? 0 : shortfall.byFundNano + shortfall.byReceiversNano,
      shortfall.byFundNano + shortfall.byReceiversNano,
    ],
  ];
}

/** Every bill to the last unit: what is due by the ledger, and that what was moved sums to zero. */
function checkBill(readings: SessionReadings, delivery: DeliveryJson, { connections }: MetersJson): Verdict {
  const basis = {
    periods: delivery.periods,
    periodSeconds: delivery.periodSeconds,
    closed: closedBy(delivery.kind),
    multiple: delivery.multiple,
    connections: new Map(connections.map((one) => [one.prosumer, one])),
  };
  const found = attempt((): Bill => bill(readings, basis));
  if ("kind" in found) return invalid(found.predicate, found.detail.join(", "));
  for (const [k, line] of found.lines.entries()) {
    const fault = billFault(line, found.allowancePrice, delivery.members[k]);
    if (fault !== undefined) return invalid("billNotTheReadings", `prosumer ${line.id}: ${fault}`);
  }
  const system = systemFault(found, delivery);
  if (system !== undefined) return invalid("billNotTheReadings", system);
  const moved = [...delivery.members, ...delivery.systems].reduce((sum, { movedNano }) => sum + BigInt(movedNano), 0n);
  return moved === 0n ? VALID : invalid("moneyNotConserved", `what was moved adds up to ${moved}`);
}

/** Where everybody could pay, the other sides are what the members' come to. */
function systemFault({ lines }: Bill, { members, systems, shortfall }: DeliveryJson): string | undefined {
  if (shortfall.byFundNano + shortfall.byReceiversNano > 0) return undefined;
  const sum = (of: (k: number) => bigint): bigint => lines.reduce((all, _, k) => all + of(k), 0n);
  const energy = sum((k) => lines[k].energy);
  const penalty = sum((k) => lines[k].penalty);
  const due = sum((k) => BigInt(members[k].dueNano));
  const sides = { insurance: penalty, desk: energy - penalty - due, utility: -energy };
  const bad = systems.find(({ account, movedNano }) => BigInt(movedNano) !== sides[account]);
  return bad && `${bad.account} receives ${sides[bad.account]}, not ${bad.movedNano}`;
}

function billFault(line: Line, allowancePrice: bigint, member: DeliveryJson["members"][number]): string | undefined {
  const { parts, surrenderedG, boughtG, dueNano, movedNano, arrearsNano, cutNano } = member;
  if (BigInt(surrenderedG) + BigInt(boughtG) !== line.emissionsG) return `${line.emissionsG} g were emitted`;
  const room = line.most + (line.energy < line.penalty ? line.energy - line.penalty : 0n);
  const lacking = BigInt(boughtG) * allowancePrice;
  const cost = lacking < room ? lacking : room > 0n ? room : 0n;
  const due = line.energy - line.penalty - cost;
  if (due !== BigInt(dueNano)) return `${due} nano-dollars are due, not ${dueNano}`;
  const sum = Object.values(parts).reduce((all, nano) => all + BigInt(nano), 0n);
  if (sum !== due) return `its parts add up to ${sum}, not to ${due}`;
  if (BigInt(-parts.penaltyNano) !== line.penalty) return `the penalty is ${line.penalty}, not ${-parts.penaltyNano}`;
  const carried = BigInt(movedNano) - BigInt(arrearsNano) + BigInt(cutNano);
  return carried === due ? undefined : `${movedNano} were moved of ${due}, and the rest is nowhere`;
}
