/** Meters' files, parties' activations and statements, as they are signed and as whoever attests takes them in. */
import type { BaseWallet, TypedDataDomain } from "ethers";
import {
  ACTIVATION_TYPES,
  activationDigest,
  activationMessage,
  METER_READINGS_TYPES,
  meterDigest,
  meterReadings,
  STATEMENT_TYPES,
  statementDigest,
  statementMessage,
  type Activation,
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
export type SignedActivation = Activation & { readonly signature: string };
export type SignedStatement = DeviceStatement & { readonly signature: string };

/** What meters and nodes have signed of a session. */
export type Signed = {
  readonly files: readonly MeterFile[];
  readonly activations: readonly SignedActivation[];
  readonly statements: readonly SignedStatement[];
};

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

export async function signActivation(
  domain: TypedDataDomain,
  nodeKey: BaseWallet,
  batch: string,
  activation: Activation,
): Promise<SignedActivation> {
  const signature = await nodeKey.signTypedData(domain, ACTIVATION_TYPES, activationMessage(batch, activation));
  return { ...activation, signature };
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
export type Taken = Pick<Metered, "readings"> & {
  /** [prosumer] the file that counts: of several that are right, the one with the largest number. */
  readonly files: ReadonlyMap<number, MeterFile>;
  /** [prosumer] of several that are right the first, as it was signed. */
  readonly activations: ReadonlyMap<number, SignedActivation>;
  readonly statements: ReadonlyMap<number, SignedStatement>;
  readonly refused: readonly string[];
};

export function takeIn(signed: Signed, expected: Expected): Taken {
  const refused: string[] = [];
  const files = new Map<number, MeterFile>();
  for (const file of signed.files) {
    const fault = faultOf(file, expected);
    const prosumer = file.readings[0]?.prosumer;
    if (fault !== undefined) refused.push(`meter of prosumer ${prosumer}, file ${file.number}: ${fault}`);
    else if ((files.get(prosumer)?.number ?? 0) < file.number) files.set(prosumer, file);
  }
  const firstRight = <One extends SignedStatement | SignedActivation>(
    what: string,
    all: readonly One[],
    fault: (one: One) => string | undefined,
  ): ReadonlyMap<number, One> => {
    const right = new Map<number, One>();
    for (const one of all) {
      const found = fault(one);
      if (found !== undefined) refused.push(`${what} of prosumer ${one.prosumer}: ${found}`);
      else if (!right.has(one.prosumer)) right.set(one.prosumer, one);
    }
    return right;
  };
  const activations = firstRight("activation", signed.activations, (one) => faultOfActivation(one, expected));
  const statements = firstRight("statement", signed.statements, (one) =>
    byNode(expected, one, () => statementDigest(expected.domain, expected.batch, one)),
  );
  const readings = new Map([...files].map(([prosumer, file]) => [prosumer, file.readings]));
  return { files, readings, activations, statements, refused };
}

function faultOfActivation(one: SignedActivation, expected: Expected): string | undefined {
  const { domain, batch, periods, committed } = expected;
  if (one.plannedWh.length !== periods || one.generatedWh.length !== periods) return "another length";
  const fault = byNode(expected, one, () => activationDigest(domain, batch, one));
  return fault ?? (opensPlan(committed, one) ? undefined : "its plan is not the one that it committed to");
}

function byNode(
  { nodeKeys }: Expected,
  { prosumer, signature }: SignedStatement | SignedActivation,
  digest: () => string,
): string | undefined {
  const signer = signerOf(digest, signature);
  return signer === undefined || signer !== nodeKeys.get(prosumer) ? "not signed by its node's key" : undefined;
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
