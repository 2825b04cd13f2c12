/** Meters' files and parties' statements, as they are signed and as whoever attests an entry takes them in. */
import type { BaseWallet, TypedDataDomain } from "ethers";
import {
  METER_READINGS_TYPES,
  meterDigest,
  meterReadings,
  STATEMENT_TYPES,
  statementDigest,
  statementMessage,
  type DeviceStatement,
} from "../codec/deliveryData.ts";
import type { MeterReading } from "../codec/meterReading.ts";
import { isIllFormed } from "../codec/foreign.ts";
import { opensPlan } from "../codec/plans.ts";
import { signerOfText } from "../codec/recover.ts";
import type { Metered } from "./entry.ts";

export type MeterFile = {
  readonly number: number;
  /** Of one prosumer, every period of the session in order. */
  readonly readings: readonly MeterReading[];
  readonly signature: string;
};
export type SignedStatement = DeviceStatement & { readonly signature: string };

/** `number`: larger than that of each file before of the same session. */
export async function signReadings(
  domain: TypedDataDomain,
  meterKey: BaseWallet,
  readings: readonly MeterReading[],
  number: number,
): Promise<MeterFile> {
  const signature = await meterKey.signTypedData(domain, METER_READINGS_TYPES, meterReadings(readings, number));
  return { number, readings, signature };
}

export async function signStatement(
  domain: TypedDataDomain,
  nodeKey: BaseWallet,
  batch: string,
  statement: DeviceStatement,
): Promise<SignedStatement> {
  const signature = await nodeKey.signTypedData(domain, STATEMENT_TYPES, statementMessage(batch, statement));
  return { ...statement, signature };
}

/** Which session's, and whose keys count: docs/delivery.md. */
export type Expected = {
  readonly domain: TypedDataDomain;
  readonly batch: string;
  readonly start: number;
  readonly periodSeconds: number;
  readonly periods: number;
  /** Those that a meter has had since the freeze: who replaces it later does not unsay what it read. */
  readonly meterKeys: ReadonlyMap<number, readonly string[]>;
  /** As they were at the freeze. */
  readonly nodeKeys: ReadonlyMap<number, string>;
  /** What each one who took part committed to before the day: `committedPlans`. */
  readonly committed: ReadonlyMap<number, string>;
};

/** What counts, and of the rest why it does not: a file that is refused leaves its meter missing. */
export type Taken = Metered & {
  /** [prosumer] the file that counts: of several that are right, the one with the largest number. */
  readonly files: ReadonlyMap<number, MeterFile>;
  /** Those that count, as they were signed. */
  readonly signed: readonly SignedStatement[];
  readonly refused: readonly string[];
};

export function takeIn(files: readonly MeterFile[], statements: readonly SignedStatement[], expected: Expected): Taken {
  const refused: string[] = [];
  const taken = new Map<number, MeterFile>();
  for (const file of files) {
    const fault = faultOf(file, expected);
    const prosumer = file.readings[0]?.prosumer;
    if (fault !== undefined) refused.push(`meter of prosumer ${prosumer}, file ${file.number}: ${fault}`);
    else if ((taken.get(prosumer)?.number ?? 0) < file.number) taken.set(prosumer, file);
  }
  const stated = new Map<number, DeviceStatement>();
  const signed = new Map<number, SignedStatement>();
  for (const one of statements) {
    const { signature, ...statement } = one;
    const { prosumer, plannedWh } = statement;
    const signer = signerOf(() => statementDigest(expected.domain, expected.batch, statement), signature);
    if (plannedWh.length !== expected.periods) refused.push(`statement of prosumer ${prosumer}: another length`);
    else if (signer === undefined || signer !== expected.nodeKeys.get(prosumer))
      refused.push(`statement of prosumer ${prosumer}: not signed by its node's key`);
    else {
      stated.set(prosumer, statement);
      signed.set(prosumer, one);
    }
  }
  const readings = new Map([...taken].map(([prosumer, file]) => [prosumer, file.readings]));
  const opened = [...stated.values()].filter((one) => opensPlan(expected.committed, one));
  const plans = new Map(opened.map(({ prosumer, plannedWh }) => [prosumer, plannedWh]));
  for (const prosumer of expected.committed.keys())
    if (stated.has(prosumer) && !plans.has(prosumer))
      refused.push(`plan of prosumer ${prosumer}: not the one that it committed to`);
  return { files: taken, readings, statements: stated, plans, signed: [...signed.values()], refused };
}

function faultOf({ readings, number, signature }: MeterFile, expected: Expected): string | undefined {
  const [first] = readings;
  if (first === undefined) return "has no reading";
  const { prosumer, start, seconds } = first;
  if (start !== expected.start || seconds !== expected.periodSeconds || readings.length !== expected.periods)
    return `is of ${readings.length} periods of ${seconds} s from ${start}, not of the session's`;
  if (
    readings.some((one, t) => one.prosumer !== prosumer || one.seconds !== seconds || one.start !== start + t * seconds)
  )
    return "its readings do not follow each other";
  // As `filesIn` leaves them of arrays that differ in length.
  if (readings.some((one) => one.meteredWh === undefined || one.renewableWh === undefined || one.quality === undefined))
    return "it lacks a value of a period";
  const signer = signerOf(() => meterDigest(expected.domain, meterReadings(readings, number)), signature);
  return signer === undefined || !expected.meterKeys.get(prosumer)?.includes(signer)
    ? "not signed by its meter's key"
    : undefined;
}

/** undefined too of what holds a number that no signed message can: nobody has signed it. */
function signerOf(digest: () => string, signature: string): string | undefined {
  try {
    return signerOfText(digest(), signature);
  } catch (error) {
    if (!isIllFormed(error)) throw error;
    return undefined;
  }
}
