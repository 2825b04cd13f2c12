/** Every settled session judged again in this browser; loaded when somebody asks for it. */
import {
  audit,
  auditJsonOf,
  bundlesAt,
  httpEndpoint,
  look,
  RELEASE,
  verdictText,
  witnessIn,
  type Audited,
  type AuditedSession,
  type Standing,
} from "../../offchain-solver/auditor/index.ts";
import {
  byTariff,
  ownBill,
  partyOf,
  Payload,
  parseTerms,
  readTerms,
  renderAudit,
  settledFeeder,
  termsHash,
  type OwnBill,
  type SettledFeeder,
  type Terms,
  type Witness,
} from "../../offchain-solver/report/index.ts";
import { quorumOf, readCommittee, readSessions, type connect, type Deployment } from "../../offchain-solver/browser.ts";
import type { Config } from "./config.ts";
import type { MarketView } from "./market.ts";

export type { Audited, AuditedSession, OwnBill, SettledFeeder };
export { netWh, priceParts, WHY_TEXTS } from "../../offchain-solver/report/index.ts";
export { RELEASE, verdictText };

let kept: { readonly about: string; readonly standing: Standing } | undefined;

/** From the chain and the bundles alone; goes on from where it stopped. Throws where not even the chain can be read. */
export async function prove(config: Config): Promise<Audited> {
  const about = `${config.rpc} ${config.market}`;
  const eyes = look(httpEndpoint(config.rpc, { tries: 3 }));
  const before = kept?.about === about ? kept.standing : undefined;
  const same = before !== undefined && (await eyes.block(before.block))?.hash === before.hash;
  const decided = before?.sessions.every(({ verdict }) => verdict.kind !== "undecided") ?? false;
  return audit({
    look: eyes,
    market: config.market,
    fromBlock: config.block,
    release: RELEASE,
    bundles: bundlesAt(config.bundles),
    // What it holds is added to while it is read: only a copy that nobody else works on may be gone on from.
    ...(same && decided && { resume: before }),
    progress: (standing) => void (kept = { about, standing }),
  });
}

/** The whole audit as `gridpact audit` writes it: the file, and the page that can be printed and filed. */
export function documentsOf({ rpc }: Config, audited: Audited): { readonly json: string; readonly html: string } {
  const found = auditJsonOf(audited, [rpc]);
  return { json: `${JSON.stringify(found, undefined, 1)}\n`, html: renderAudit(found) };
}

/** Terms that hash to what was frozen; undefined: nobody publishes them. */
export async function termsOf(config: Config, termsHash: string): Promise<Terms | undefined> {
  const response = await fetch(`${config.terms}/${termsHash}.json`).catch(() => undefined);
  if (response === undefined || !response.ok) return undefined;
  const found = readTerms(new Uint8Array(await response.arrayBuffer()), termsHash);
  return found.kind === "agreed" ? found.terms : undefined;
}

/** What the host says of the session to come: nothing on the chain vouches for it yet. */
export async function nextTermsOf(config: Config): Promise<Terms | undefined> {
  const response = await fetch(`${config.terms}/next.json`).catch(() => undefined);
  if (response === undefined || !response.ok) return undefined;
  const found = parseTerms(new Uint8Array(await response.arrayBuffer()));
  return found.kind === "read" ? found.terms : undefined;
}

export async function witnessOf(
  config: Config,
  { bundleHash }: Pick<Posted, "bundleHash">,
): Promise<Witness | undefined> {
  const found = bundleHash === undefined ? undefined : await witnessIn(bundlesAt(config.bundles), bundleHash);
  return found?.kind === "found" ? found.value : undefined;
}

/** A settled session as it was posted, whether or not anybody has judged it. */
export type Posted = Pick<AuditedSession, "batch" | "terms" | "payload" | "bundleHash">;

/** The newest session that has settled, as the chain shows it; undefined: there is none. */
export async function newestOf({ deployment, provider, seen }: MarketView): Promise<Posted | undefined> {
  const newest = seen?.settled;
  if (newest?.outcome.kind !== "settled") return undefined;
  const { batch } = newest.outcome;
  const posted = (await readSessions(deployment, provider, newest.blockNumber)).find((one) => one.batch === batch);
  return posted && { batch, terms: newest.terms, payload: posted.payload, bundleHash: posted.bundleHash };
}

/**
 * What the feeder did in a session, from a witness whose bytes hash to what is on chain and that is of the terms that
 * were frozen; undefined where payload or witness is missing.
 */
export async function feederOf(config: Config, session: Posted): Promise<SettledFeeder | undefined> {
  const { payload, terms } = session;
  const witness = await witnessOf(config, session);
  if (payload === undefined || terms === undefined || witness === undefined) return undefined;
  if (termsHash(witness.terms) !== terms.termsHash) return undefined;
  return settledFeeder(Payload.decode(payload, terms.periods), terms, witness.terms, witness.limits);
}

/** Undefined: there is none, or none that can be read; its verdict says why. */
function payloadOf({ payload, terms }: Pick<Posted, "payload" | "terms">): Payload.Payload | undefined {
  if (payload === undefined || terms === undefined) return undefined;
  try {
    return Payload.decode(payload, terms.periods);
  } catch {
    return undefined;
  }
}

export type Billed = {
  readonly session: AuditedSession;
  readonly bill: OwnBill;
  /** Undefined: the session's tariff is published by nobody. */
  readonly plain: ReturnType<typeof byTariff> | undefined;
  readonly scenario: Terms["scenario"] | undefined;
};

/** Bills of an account, newest first; sessions that it took no part in are left out. */
export async function billsOf(config: Config, { sessions }: Audited, id: number): Promise<Billed[]> {
  const bills = sessions.map(async (session): Promise<Billed[]> => {
    const { terms } = session;
    const posted = payloadOf(session);
    if (posted === undefined || terms === undefined) return [];
    const party = partyOf(posted, id);
    if (party === undefined) return [];
    const bill = ownBill(posted, terms.periods, party);
    const published = await termsOf(config, terms.termsHash);
    const plain = published && byTariff(bill, published.scenario, { id, carbon: published.settings.carbon });
    return [{ session, bill, plain, scenario: published?.scenario }];
  });
  return (await Promise.all(bills)).flat().reverse();
}

/** Accounts in a session, by the payload. */
export const membersOf = (session: AuditedSession): readonly number[] => payloadOf(session)?.participants ?? [];

/** A session's committee by bit, and who of it signed the batch. */
export async function signersOf(deployment: Deployment, provider: ReturnType<typeof connect>, session: AuditedSession) {
  const { block, batch, nodeKeys } = session;
  const posted = (await readSessions(deployment, provider, block)).find((one) => one.batch === batch);
  const keys = await readCommittee(deployment, provider, block - 1);
  const idOf = new Map([...nodeKeys].map(([id, key]) => [key, id]));
  const members = keys.map((key, bit) => ({
    id: idOf.get(key),
    key,
    signed: Math.floor((posted?.signers ?? 0) / 2 ** bit) % 2 === 1,
  }));
  return { members, quorum: quorumOf(keys.length) };
}
