/**
 * What became of a settled session, made again from the batch on chain, the terms that were frozen and what meters and
 * nodes signed. Shares with those who wrote it what both are written down in (codec, ledger), and no derivation.
 */
import { keccak256 } from "ethers";
import { metersHash } from "../codec/deliveryData.ts";
import { QUALITIES } from "../codec/meterReading.ts";
import * as Payload from "../codec/payload.ts";
import { encodeReadings, type SessionReadings } from "../codec/readings.ts";
import { closedBy } from "../ledger/delivery.ts";
import { imbalancePrice } from "../ledger/settleable.ts";
import { sessionOf } from "../market/scenario/leaveOut.ts";
import { marketOf } from "../market/scenario/market.ts";
import type { DeliveryJson, MetersJson } from "../records/deliveryJson.ts";
import { checkBill } from "./deliveryBill.ts";
import { readingsOf, type Facts } from "./deliveryReadings.ts";
import { signedBy, type Judged } from "./deliverySignatures.ts";
import { invalid, undecided, type Verdict } from "./verdict.ts";

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
