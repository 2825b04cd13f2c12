/** Files of meters and statements of nodes, each by a key that the registry has for it. */
import {
  meterDigest,
  deliveryDomain,
  meterReadings,
  statementDigest,
  type DeviceStatement,
} from "../codec/deliveryData.ts";
import type { MeterReading } from "../codec/meterReading.ts";
import { isIllFormed } from "../codec/foreign.ts";
import { signerOfText } from "../codec/recover.ts";
import type { Terms } from "../codec/terms.ts";
import type { MetersJson } from "../records/deliveryJson.ts";
import type { Audited, AuditedSession } from "./audit.ts";
import { invalid, type Verdict } from "./verdict.ts";

/** What a delivery is judged by. */
export type Judged = {
  readonly session: AuditedSession;
  /** Those that hash to what was frozen. */
  readonly terms: Terms;
  readonly found: Pick<Audited, "chainId" | "meterKeys" | "entries" | "credits" | "delivery">;
};

export type Signed = {
  readonly readings: ReadonlyMap<number, readonly MeterReading[]>;
  readonly statements: ReadonlyMap<number, DeviceStatement>;
  readonly files: ReadonlyMap<number, { readonly digest: string; readonly signature: string }>;
};

/** Files and statements by keys that the registry has; the first that is not is told. */
export function signedBy(meters: MetersJson, { session, found }: Judged): Signed | Verdict {
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
    const digest = signable(() => meterDigest(domain, meterReadings(own, number)));
    const signer = digest && signerOfText(digest, signature);
    if (digest === undefined || signer === undefined || !keysOf(prosumer).includes(signer))
      return invalid("meterNotSigned", `the file of prosumer ${prosumer} is not signed by its meter`);
    readings.set(prosumer, own);
    files.set(prosumer, { digest, signature });
  }
  const statements = new Map<number, DeviceStatement>();
  for (const { signature, ...statement } of meters.statements) {
    const { prosumer, plannedWh } = statement;
    const digest = signable(() => statementDigest(domain, session.batch, statement));
    const signer = digest && signerOfText(digest, signature);
    if (plannedWh.length !== periods || signer === undefined || signer !== session.nodeKeys.get(prosumer))
      return invalid("statementNotSigned", `the statement of prosumer ${prosumer} is not signed by its node`);
    statements.set(prosumer, statement);
  }
  return { readings, statements, files };
}

/** undefined: it holds a number that no signed message can, and so nobody has signed it. */
export function signable(digest: () => string): string | undefined {
  try {
    return digest();
  } catch (error) {
    if (!isIllFormed(error)) throw error;
    return undefined;
  }
}
