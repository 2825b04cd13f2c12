/** Files of meters, activations and statements of nodes, each by a key that the registry has for it. */
import {
  activationDigest,
  meterDigest,
  deliveryDomain,
  meterReadings,
  statementDigest,
  type Activation,
  type DeviceStatement,
} from "../codec/deliveryData.ts";
import type { MeterReading } from "../codec/meterReading.ts";
import { isIllFormed } from "../codec/foreign.ts";
import { committedPlans, opensPlan } from "../codec/plans.ts";
import { signerOfText } from "../codec/recover.ts";
import { marketDomain, sessionHash } from "../codec/typedData.ts";
import type { Witness } from "../codec/witness.ts";
import type { MetersJson } from "../records/deliveryJson.ts";
import type { Audited, AuditedSession } from "./audit.ts";
import { invalid, type Verdict } from "./verdict.ts";

/** What a delivery is judged by. */
export type Judged = {
  readonly session: AuditedSession;
  /** The one that was signed with the batch; its terms are those that were frozen. */
  readonly witness: Witness;
  readonly found: Pick<Audited, "chainId" | "market" | "meterKeys" | "entries" | "credits" | "delivery">;
};

export type Signed = {
  readonly readings: ReadonlyMap<number, readonly MeterReading[]>;
  readonly statements: ReadonlyMap<number, DeviceStatement>;
  /** What calls for reserve: each opens what was committed to before the day. */
  readonly activations: ReadonlyMap<number, Activation>;
  readonly files: ReadonlyMap<number, { readonly digest: string; readonly signature: string }>;
};

/** Files and statements by keys that the registry has; the first that is not is told. */
export function signedBy(meters: MetersJson, { session, witness, found }: Judged): Signed | Verdict {
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
  const byNode = (prosumer: number, signature: string, digest: () => string): boolean => {
    const signed = signable(digest);
    const signer = signed && signerOfText(signed, signature);
    return signer !== undefined && signer === session.nodeKeys.get(prosumer);
  };
  const committed = committedPlans(witness, {
    ...{ session: sessionHash(session.terms!), nodeKeys: session.nodeKeys },
    domain: marketDomain(found.chainId, found.market),
  });
  const activations = new Map<number, Activation>();
  for (const { signature, ...activation } of meters.activations) {
    const { prosumer, plannedWh, generatedWh } = activation;
    const whole = plannedWh.length === periods && generatedWh.length === periods;
    if (!whole || !byNode(prosumer, signature, () => activationDigest(domain, session.batch, activation)))
      return invalid("activationNotSigned", `the activation of prosumer ${prosumer} is not signed by its node`);
    if (activations.has(prosumer)) return invalid("activationTwice", `prosumer ${prosumer} has two activations`);
    if (!opensPlan(committed, activation))
      return invalid("planNotCommitted", `prosumer ${prosumer} has committed to another plan, or to none`);
    activations.set(prosumer, activation);
  }
  const statements = new Map<number, DeviceStatement>();
  for (const { signature, ...statement } of meters.statements) {
    const { prosumer } = statement;
    if (!byNode(prosumer, signature, () => statementDigest(domain, session.batch, statement)))
      return invalid("statementNotSigned", `the statement of prosumer ${prosumer} is not signed by its node`);
    if (statements.has(prosumer)) return invalid("statementTwice", `prosumer ${prosumer} has two statements`);
    statements.set(prosumer, statement);
  }
  const connected = meters.connections.map(({ prosumer }) => prosumer);
  const again = connected.find((id, k) => connected.indexOf(id) < k);
  if (again !== undefined) return invalid("connectionTwice", `prosumer ${again} has two connections`);
  return { readings, statements, activations, files };
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
