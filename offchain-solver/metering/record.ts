/** delivery.json and meters.json of an entry. */
import type { Kind } from "../codec/deliveryData.ts";
import { QUALITIES } from "../codec/meterReading.ts";
import type { SessionReadings } from "../codec/readings.ts";
import { closedBy, DESK_ID, energyCells, UTILITY_ID, type Basis, type Bill, type Entered } from "../ledger/delivery.ts";
import { INSURANCE_ID } from "../ledger/posting.ts";
import { DeliveryJsonSchema, MetersJsonSchema, type DeliveryJson, type MetersJson } from "../records/deliveryJson.ts";
import type { MeterFile, Taken } from "./signed.ts";

/** The entry before, whose amounts have been moved already. */
export type Earlier = {
  readonly number: number;
  readonly kind: Kind;
  readonly readings: SessionReadings;
  readonly bill: Bill;
  readonly hash: string;
};

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
  /** What the readings come to in all; `entered` is the difference to what was moved before. */
  readonly bill: Bill;
  readonly entered: Entered;
  readonly earlier?: Earlier | undefined;
  readonly hash: string;
  readonly metersHash: string;
  readonly chain?: DeliveryJson["entered"];
};

type Member = DeliveryJson["members"][number];

export function toDeliveryJson(delivered: Delivered): DeliveryJson {
  const { readings, basis, entered, participants, reason, chain, earlier } = delivered;
  const members = readings.rows.map((row, k): Member => ({
    ...memberOf(delivered, k),
    tookPart: participants.includes(row.id),
  }));
  const sum = (of: (one: Member) => number): number => members.reduce((all, one) => all + of(one), 0);
  const system = (account: DeliveryJson["systems"][number]["account"], id: number) => ({
    account,
    takenUpNano: leftOf(entered, id),
    movedNano: Number(entered.entries.find((one) => one.id === id)!.nano),
  });
  return DeliveryJsonSchema.parse({
    batch: delivered.batch,
    kind: delivered.kind,
    ...(reason !== undefined && { reason }),
    ...(earlier && { follows: { entry: earlier.number, readings: earlier.hash } }),
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
    systems: [system("insurance", INSURANCE_ID), system("desk", DESK_ID), system("utility", UTILITY_ID)],
    shortfall: { byFundNano: Number(entered.byFund), byReceiversNano: Number(entered.byReceivers) },
    carbon: {
      emissionsG: sum(({ emissionsG }) => emissionsG),
      surrenderedG: sum(({ surrenderedG }) => surrenderedG),
      boughtG: sum(({ boughtG }) => boughtG),
      renewableWh: sum(({ renewableWh }) => renewableWh.reduce((all, wh) => all + wh, 0)),
    },
  });
}

const leftOf = ({ takenUp }: Entered, id: number): number => Number(takenUp.left.get(id) ?? 0n);

/** Nano-dollars of a row before any bound, and the line that they come to. */
function priced(readings: SessionReadings, { lines }: Bill, k: number, closed: boolean) {
  const cells = energyCells(readings, k, closed);
  const sum = (part: "short" | "long" | "called"): bigint => cells.reduce((all, cell) => all + cell[part], 0n);
  const { energy, penalty, emissionsG } = lines[k];
  return { short: sum("short"), long: sum("long"), called: sum("called"), energy, penalty, emissionsG };
}

/** What this entry moves: the parts of all that the readings come to, less those of the entry before. */
function partsOf({ readings, basis, bill, entered, earlier }: Delivered, k: number) {
  const all = priced(readings, bill, k, basis.closed);
  const old = earlier && priced(earlier.readings, earlier.bill, k, closedBy(earlier.kind));
  const more = (of: keyof typeof all): bigint => all[of] - (old?.[of] ?? 0n);
  const [short, long, called] = [more("short"), more("long"), more("called")];
  const [energy, penalty] = [more("energy"), more("penalty")];
  const surrenderedG = Number(-entered.entries[k].grams);
  const boughtG = Number(more("emissionsG")) - surrenderedG;
  const lacking = BigInt(boughtG) * bill.allowancePrice;
  const allowances = entered.allowances[k];
  return {
    parts: {
      shortNano: Number(short),
      longNano: Number(long),
      responsesNano: Number(called),
      penaltyNano: Number(-penalty),
      allowancesNano: Number(-lacking),
      boundNano: Number(energy - short - long - called + lacking - allowances),
    },
    due: energy - penalty - allowances,
    surrenderedG,
    boughtG,
  };
}

function memberOf(delivered: Delivered, k: number): Omit<Member, "tookPart"> {
  const { readings, entered, basis } = delivered;
  const { id, values, emissionsG } = readings.rows[k];
  const entry = entered.entries[k];
  const cells = energyCells(readings, k, basis.closed);
  const { parts, due, surrenderedG, boughtG } = partsOf(delivered, k);
  const arrears = entered.arrears.get(id) ?? 0n;
  const takenUpNano = leftOf(entered, id);
  return {
    id,
    promisedWh: cells.map(({ promisedWh }) => promisedWh),
    calledWh: cells.map(({ calledWh }) => calledWh),
    undeliveredW: cells.map(({ undeliveredW }) => undeliveredW),
    meteredWh: values.map(({ meteredWh }) => meteredWh),
    renewableWh: values.map(({ renewableWh }) => renewableWh),
    quality: values.map(({ quality }) => QUALITIES[quality]),
    parts,
    dueNano: Number(due),
    takenUpNano,
    emissionsG,
    surrenderedG,
    boughtG,
    releasedMilli: Number(entry.released),
    arrearsNano: Number(arrears),
    cutNano: Number(due + arrears - entry.nano) + takenUpNano,
    movedNano: Number(entry.nano),
  };
}

type Kept = {
  readonly taken: Pick<Taken, "files" | "activations" | "statements">;
  readonly basis: Pick<Basis, "connections">;
};

export function toMetersJson(
  { batch, chainId, delivery }: Pick<MetersJson, "batch" | "chainId" | "delivery">,
  { taken, basis }: Kept,
): MetersJson {
  return MetersJsonSchema.parse({
    chainId,
    delivery,
    batch,
    meters: [...taken.files.values()].map(({ number, readings, signature }) => ({
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
    activations: [...taken.activations.values()],
    statements: [...taken.statements.values()],
  });
}

/** Signed files as meters.json keeps them; of arrays that differ in length the longest says how many readings. */
export const filesIn = ({ meters }: Pick<MetersJson, "meters">): MeterFile[] =>
  meters.map(({ prosumer, start, periodSeconds, number, signature, meteredWh, renewableWh, quality }) => {
    const length = Math.max(meteredWh.length, renewableWh.length, quality.length);
    const readings = Array.from({ length }, (_, t) => ({
      ...{ prosumer, start: start + t * periodSeconds, seconds: periodSeconds },
      ...{ meteredWh: meteredWh[t], renewableWh: renewableWh[t], quality: quality[t] },
    }));
    return { number, readings, signature };
  });
