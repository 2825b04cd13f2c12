/**
 * An entry of readings by a program that has everybody's keys: reckoned as each node does, attested by a quorum of the
 * committee whose turn it is, entered on chain. The first one, the final one and corrections alike.
 */
import type { BaseWallet, Provider, Signer } from "ethers";
import * as Delivery from "../chain/delivery.ts";
import type { Deployment } from "../chain/deployment.ts";
import { partyIds } from "../chain/keys.ts";
import { quorumOf } from "../codec/typedData.ts";
import type * as Ledger from "../ledger/delivery.ts";
import {
  documentsOf,
  reckon,
  type Documents,
  type EntryRequest,
  type Promised,
  type Reckoned,
  type Signed,
} from "../node/delivery/reckoning.ts";
import { attesters, clockOf, windowsOf } from "../node/delivery/windows.ts";
import { SessionRefused } from "./refused.ts";

/** Where it is entered, and by whom. */
export type EntryPlace = {
  readonly deployment: Deployment;
  readonly provider: Provider;
  /** Pays for gas; no more is asked of it. */
  readonly submitter: Signer;
  /** Sets the chain's clock forward; absent: on a chain that others use nobody does that. */
  readonly passTime?: (to: number) => Promise<void>;
  /** Node keys by account. */
  readonly nodeKey: (id: number) => BaseWallet;
};

/** What became of a session, and what its meters and nodes signed of it; `entry`: where it was entered. */
export type Entered = Documents & {
  readonly entry: Delivery.ChainEntry | undefined;
  readonly settled: Delivery.SettledBatch;
  /** Files and statements that were not taken, and why. */
  readonly refused: readonly string[];
  /** Values beyond a connection, and what they count as. */
  readonly beyond: readonly string[];
};

/**
 * Reckons and enters. Where the chain's clock is not ours to set and it is too early for the entry, nothing is entered
 * and `entry` is undefined.
 */
export async function enterMeters(
  place: EntryPlace,
  promised: Promised,
  signed: Signed,
  request: EntryRequest,
): Promise<Entered> {
  const { settled } = promised;
  const reckoned = await reckon(place, promised, signed, request);
  const early = reckoned.bill.measured || request.kind === "provisional";
  const at = await come(place, settled, early);
  const entry = at === undefined ? undefined : await post(place, settled, reckoned, at);
  const documents = documentsOf(place, promised, request, reckoned, entry);
  return { ...documents, entry, settled, refused: reckoned.taken.refused, beyond: reckoned.beyond };
}

/** Sets the clock to when the entry may be made, and says it; undefined: it is not that late, and nobody may set it. */
async function come(
  place: EntryPlace,
  { terms }: Delivery.SettledBatch,
  measured: boolean,
): Promise<number | undefined> {
  const { opens, closes } = await windowsOf(place, terms);
  const from = measured ? opens : closes;
  const now = await clockOf(place.provider);
  if (now >= from) return now;
  if (place.passTime === undefined) return undefined;
  await place.passTime(from);
  return clockOf(place.provider);
}

async function post(
  place: EntryPlace,
  settled: Delivery.SettledBatch,
  reckoned: Reckoned,
  at: number,
): Promise<Delivery.ChainEntry> {
  const { deployment, submitter } = place;
  const { entry, entered } = reckoned;
  const before: Delivery.Before = reckoned.before ?? Delivery.NO_ENTRY;
  const { epoch, members } = await attesters(place, settled.terms, await windowsOf(place, settled.terms), at);
  const attested = Delivery.attestedOf(settled, before, entry, epoch);
  const held = await keysOf(place, members);
  const quorum = quorumOf(members.length);
  if (held.length < quorum)
    throw new SessionRefused("refused", `committee ${epoch}: ${held.length} of its keys are here, it takes ${quorum}`);
  const signatures = await Promise.all(
    held
      .slice(0, quorum)
      .map(async ([bit, key]) => [bit, await Delivery.attestEntry(deployment, key, attested)] as const),
  );
  const made = await Delivery.enterReadings(deployment, submitter, settled, { before, entry }, new Map(signatures));
  const posted = entered.entries;
  const other = made.posted.find((one, k) => !same(one, posted[k]));
  if (other !== undefined || made.posted.length !== posted.length)
    throw new Error(`entry ${made.number} of batch ${settled.batch}: the chain moved ${other?.nano} of ${other?.id}`);
  return made;
}

/** By bit: those of the committee's keys that are here. A key that was rotated since is of nobody who is here. */
async function keysOf(
  { deployment, provider, nodeKey }: EntryPlace,
  members: readonly string[],
): Promise<[number, BaseWallet][]> {
  const keys = new Map((await partyIds(deployment, provider)).map((id) => [nodeKey(id).address, nodeKey(id)]));
  return members.flatMap((address, bit): [number, BaseWallet][] => {
    const key = keys.get(address);
    return key === undefined ? [] : [[bit, key]];
  });
}

const same = (a: Ledger.Entry, b: Ledger.Entry | undefined): boolean =>
  a.id === b?.id && a.nano === b.nano && a.grams === b.grams && a.released === b.released;
