/** delivery.json and meters.json of an entry. */
import type { Kind } from "../codec/deliveryData.ts";
import { QUALITIES } from "../codec/meterReading.ts";
import type { SessionReadings } from "../codec/readings.ts";
import { DESK_ID, deviationOf, UTILITY_ID, type Basis, type Bill, type Entered } from "../ledger/delivery.ts";
import { INSURANCE_ID } from "../ledger/posting.ts";
import { DeliveryJsonSchema, MetersJsonSchema, type DeliveryJson, type MetersJson } from "../records/deliveryJson.ts";
import type { MeterFile, SignedStatement } from "./signed.ts";

export type Delivered = {
  readonly batch: string;
  readonly kind: Exclude<Kind, "none">;
  readonly reason?: string;
  /** First period's start, Unix seconds. */
  readonly start: number;
  /** Ids of those who took part. */
  readonly participants: readonly number[];
  readonly readings: SessionReadings;
  readonly basis: Basis;
  readonly bill: Bill;
  readonly entered: Entered;
  readonly hash: string;
  readonly metersHash: string;
  readonly chain?: DeliveryJson["entered"];
};

type Member = DeliveryJson["members"][number];

export function toDeliveryJson(delivered: Delivered): DeliveryJson {
  const { readings, basis, entered, participants, reason, chain } = delivered;
  const members = readings.rows.map((row, k): Member => ({
    ...memberOf(delivered, k),
    tookPart: participants.includes(row.id),
  }));
  const sum = (of: (one: Member) => number): number => members.reduce((all, one) => all + of(one), 0);
  const nanoOf = (id: number): number => Number(entered.entries.find((one) => one.id === id)!.nano);
  return DeliveryJsonSchema.parse({
    batch: delivered.batch,
    kind: delivered.kind,
    ...(reason !== undefined && { reason }),
    ...(chain && { entered: chain }),
    readings: delivered.hash,
    meters: delivered.metersHash,
    start: delivered.start,
    periodSeconds: basis.periodSeconds,
    periods: basis.periods,
    multiple: basis.multiple,
    allowancePrice: readings.allowancePrice,
    prices: readings.prices,
    members,
    systems: [
      { account: "insurance", movedNano: nanoOf(INSURANCE_ID) },
      { account: "desk", movedNano: nanoOf(DESK_ID) },
      { account: "utility", movedNano: nanoOf(UTILITY_ID) },
    ],
    shortfall: { byFundNano: Number(entered.byFund), byReceiversNano: Number(entered.byReceivers) },
    carbon: {
      emissionsG: sum(({ emissionsG }) => emissionsG),
      surrenderedG: sum(({ surrenderedG }) => surrenderedG),
      boughtG: sum(({ boughtG }) => boughtG),
      renewableWh: sum(({ renewableWh }) => renewableWh.reduce((all, wh) => all + wh, 0)),
    },
  });
}

function memberOf({ readings, basis, bill, entered }: Delivered, k: number): Omit<Member, "tookPart"> {
  const { id, values, emissionsG } = readings.rows[k];
  const line = bill.lines[k];
  const entry = entered.entries[k];
  const responses = readings.responses.filter(({ row }) => row === k);
  const at = (t: number) => responses.find(({ period }) => period === t);
  let [short, long, called] = [0n, 0n, 0n];
  values.forEach((value, t) => {
    const deviation = deviationOf(value, basis.closed);
    const { shortPrice, longPrice, responsePrice } = readings.prices[t];
    if (deviation < 0n) short += deviation * BigInt(shortPrice);
    else long += deviation * BigInt(longPrice);
    called += BigInt(at(t)?.calledWh ?? 0) * BigInt(responsePrice);
  });
  const surrendered = Number(-entry.grams);
  const allowances = entered.allowances[k];
  const lacking = BigInt(emissionsG - surrendered) * bill.allowancePrice;
  const due = line.energy - line.penalty - allowances;
  const arrears = entered.arrears.get(id) ?? 0n;
  return {
    id,
    promisedWh: values.map(({ dueWh }, t) => dueWh - (at(t)?.calledWh ?? 0)),
    calledWh: values.map((_, t) => at(t)?.calledWh ?? 0),
    undeliveredW: values.map((_, t) => at(t)?.undeliveredW ?? 0),
    meteredWh: values.map(({ meteredWh }) => meteredWh),
    renewableWh: values.map(({ renewableWh }) => renewableWh),
    quality: values.map(({ quality }) => QUALITIES[quality]),
    parts: {
      shortNano: Number(short),
      longNano: Number(long),
      responsesNano: Number(called),
      penaltyNano: Number(-line.penalty),
      allowancesNano: Number(-lacking),
      boundNano: Number(line.energy - short - long - called + lacking - allowances),
    },
    dueNano: Number(due),
    emissionsG,
    surrenderedG: surrendered,
    boughtG: emissionsG - surrendered,
    releasedMilli: Number(entry.released),
    arrearsNano: Number(arrears),
    cutNano: Number(due + arrears - entry.nano),
    movedNano: Number(entry.nano),
  };
}

type Signed = {
  readonly files: readonly MeterFile[];
  readonly statements: readonly SignedStatement[];
  readonly basis: Pick<Basis, "connections">;
};

export function toMetersJson(
  { batch, chainId, delivery }: Pick<MetersJson, "batch" | "chainId" | "delivery">,
  { files, statements, basis }: Signed,
): MetersJson {
  return MetersJsonSchema.parse({
    chainId,
    delivery,
    batch,
    meters: files.map(({ number, readings, signature }) => ({
      prosumer: readings[0].prosumer,
      start: readings[0].start,
      periodSeconds: readings[0].seconds,
      number,
      meteredWh: readings.map(({ meteredWh }) => meteredWh),
      renewableWh: readings.map(({ renewableWh }) => renewableWh),
      quality: readings.map(({ quality }) => quality),
      signature,
    })),
    connections: [...basis.connections].map(([prosumer, { feedW, takeW, renewableW, maxPrice }]) => ({
      prosumer,
      feedW,
      takeW,
      renewableW,
      maxPrice,
    })),
    statements,
  });
}
