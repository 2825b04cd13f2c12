/** A node's signature under an entry of readings, and everybody's, until they are a quorum's. */
import { id, type BaseWallet } from "ethers";
import * as Delivery from "../../chain/delivery.ts";
import { deliveryDomain, readingsDigest } from "../../codec/deliveryData.ts";
import { signerOfText } from "../../codec/recover.ts";
import { quorumOf } from "../../codec/typedData.ts";
import { filesIn } from "../../metering/record.ts";
import { takeIn, type Expected, type Taken } from "../../metering/signed.ts";
import type { MeterMessageOf } from "./meterMessages.ts";
import { rightIn } from "./meterRound.ts";
import { expectedIn, reckon, type Asked, type Promised, type Reckoned } from "./reckoning.ts";
import { attesters, type Windows } from "./windows.ts";

/** One after the other, in the order of the bits. */
const TURN_MS = 2_000;

type Own = {
  /** Hash of what was handed out, and what was said to it. */
  readonly about: string;
  readonly told: MeterMessageOf<"attested">;
  readonly entry: number;
  readonly digest: string;
  readonly reckoned: Reckoned;
  readonly members: readonly string[];
  readonly bit: number;
};

export type Attested =
  | { readonly kind: "attested"; readonly message: MeterMessageOf<"attested"> }
  | { readonly kind: "refused"; readonly reason: string; readonly missed?: MeterMessageOf<"metered"> };

type Missed = { readonly prosumer: number; readonly what: "file" | "statement" };

export class Attestation {
  readonly #asked: Asked;
  readonly #promised: Promised;
  readonly #windows: Windows;
  readonly #party: number;
  readonly #keys: { readonly node: BaseWallet };
  /** [prosumer] what its meter has sent to this node itself. */
  readonly #heard = new Map<number, MeterMessageOf<"metered">>();
  /** [prosumer] number of the file that was missed first: who tells another one each time holds up nobody for good. */
  readonly #missed = new Map<number, number>();
  /** [entry] what the operator called for last: homes have answered it. */
  readonly #called = new Map<number, MeterMessageOf<"called">>();
  /** [party] what it has signed last: nobody's word takes the place of another's, nor leaves it no room. */
  readonly #signed = new Map<number, MeterMessageOf<"attested">>();
  #own: Own | undefined;
  #dueMs = Infinity;

  constructor(
    asked: Asked,
    promised: Promised,
    windows: Windows,
    { party, keys }: { readonly party: number; readonly keys: { readonly node: BaseWallet } },
  ) {
    this.#party = party;
    this.#asked = asked;
    this.#promised = promised;
    this.#windows = windows;
    this.#keys = keys;
  }

  heard(from: number, message: MeterMessageOf<"metered">): void {
    const { prosumers } = this.#promised.terms.scenario;
    if (message.file.prosumer === from && prosumers.some((one) => one.id === from)) this.#heard.set(from, message);
  }

  /** The operator's. */
  called(message: MeterMessageOf<"called">): void {
    this.#called.set(message.entry, message);
  }

  /** `from`: of the connection; it was in the session, or is the operator. */
  signed(from: number, message: MeterMessageOf<"attested">): void {
    this.#signed.set(from, message);
  }

  /** Reckons what was handed out and signs it; undefined: this node has no seat in the committee whose turn it is. */
  async attest(message: MeterMessageOf<"readings">, now: number): Promise<Attested | undefined> {
    const about = id(JSON.stringify(message));
    if (this.#own?.about === about) return { kind: "attested", message: this.#own.told };
    const { deployment } = this.#asked;
    const { settled } = this.#promised;
    const { epoch, members } = await attesters(this.#asked, settled.terms, this.#windows, now);
    const bit = members.indexOf(this.#keys.node.address);
    if (bit < 0) return undefined;
    const { files, activations, statements } = message;
    const signed = { files: filesIn({ meters: files }), activations, statements };
    const kind = message.closed ? "final" : "provisional";
    const reckoned = await reckon(this.#asked, this.#promised, signed, { kind });
    const expected = await expectedIn(this.#asked, this.#promised);
    if (!this.#isAsCalled(message.entry, reckoned.taken, expected))
      return { kind: "refused", reason: "activations are others than were called" };
    const missed = this.#missedIn(reckoned.taken, expected);
    if (missed !== undefined) {
      const { prosumer, what } = missed;
      const reason = `the ${what} of prosumer ${prosumer} is left out`;
      return { kind: "refused", reason, missed: this.#heard.get(prosumer)! };
    }
    const number = (reckoned.before?.number ?? 0) + 1;
    // It is handed out again until it is seen on chain.
    if (message.entry < number) return undefined;
    if (message.entry > number) return { kind: "refused", reason: `entry ${message.entry}: the next is ${number}` };
    if (message.closed && !reckoned.bill.measured && now < this.#windows.closes)
      return { kind: "refused", reason: "final before every value is measured" };
    const before = reckoned.before ?? Delivery.NO_ENTRY;
    const attested = Delivery.attestedOf(settled, before, reckoned.entry, epoch);
    const digest = readingsDigest(deliveryDomain(deployment.chainId, deployment.delivery!), attested);
    const signature = await Delivery.attestEntry(deployment, this.#keys.node, attested);
    if (this.#own?.digest !== digest) this.#dueMs = Infinity;
    const { session, entry } = message;
    const told = { kind: "attested", session, entry, digest, bit, signature } as const;
    this.#own = { about, told, entry: number, digest, reckoned, members, bit };
    this.signed(this.#party, told);
    return { kind: "attested", message: told };
  }

  /** Whoever restarted since has heard no call, and goes by what is handed out. */
  #isAsCalled(entry: number, { activations }: Taken, expected: Expected): boolean {
    const called = this.#called.get(entry);
    if (called === undefined) return true;
    const signed = { files: [], activations: called.activations, statements: [] };
    const { activations: right } = takeIn(signed, expected);
    const same = [...right].every(([id, { signature }]) => activations.get(id)?.signature === signature);
    return same && right.size === activations.size;
  }

  /** What was sent to this node, is right, and does not count of what was handed out, nor anything later. */
  #missedIn({ files, statements }: Taken, expected: Expected): Missed | undefined {
    // What comes with a file that its meter has not signed is nobody's: the operator would not hand it out either.
    const heard = [...this.#heard.values()].flatMap((message) => rightIn(message, expected) ?? []);
    const own = {
      files: filesIn({ meters: heard.map(({ file }) => file) }),
      activations: [],
      statements: heard.flatMap(({ statement }) => statement ?? []),
    };
    const taken = takeIn(own, expected);
    for (const [prosumer, { number }] of taken.files) {
      if ((files.get(prosumer)?.number ?? 0) >= (this.#missed.get(prosumer) ?? number)) continue;
      this.#missed.set(prosumer, this.#missed.get(prosumer) ?? number);
      return { prosumer, what: "file" };
    }
    for (const prosumer of taken.statements.keys())
      if (!statements.has(prosumer)) return { prosumer, what: "statement" };
    return undefined;
  }

  /** Everything that the entry takes, once a quorum has signed and the own turn has come. */
  ready(nowMs: number): { readonly reckoned: Reckoned; readonly signatures: ReadonlyMap<number, string> } | undefined {
    if (this.#own === undefined) return undefined;
    const { digest, members, reckoned, bit } = this.#own;
    const same = [...this.#signed.values()].filter((one) => one.digest === digest);
    const right = new Map(
      same
        // A seat that there is none of has no signer either.
        .filter((one) => one.bit < members.length && signerOfText(digest, one.signature) === members[one.bit])
        .map((one) => [one.bit, one.signature] as const),
    );
    const quorum = quorumOf(members.length);
    if (right.size < quorum) return undefined;
    if (this.#dueMs === Infinity) this.#dueMs = nowMs + bit * TURN_MS;
    if (nowMs < this.#dueMs) return undefined;
    // Sent again only after as long as a turn of everybody takes.
    this.#dueMs = nowMs + members.length * TURN_MS;
    return { reckoned, signatures: new Map([...right].sort(([a], [b]) => a - b).slice(0, quorum)) };
  }

  /** What this node has attested, where it is that which was entered; said once. */
  entered(last: Delivery.ChainEntry | undefined): Reckoned | undefined {
    const own = this.#own;
    if (own === undefined || last === undefined || last.number < own.entry) return undefined;
    this.#own = undefined;
    this.#signed.clear();
    // What meters have said counts in the next entry too, where they say nothing newer.
    this.#missed.clear();
    const { before, entry } = own.reckoned;
    const same = last.number === own.entry && last.kind === entry.kind && equal(last.readings, entry.readings);
    return same && last.number === (before?.number ?? 0) + 1 ? own.reckoned : undefined;
  }
}

const equal = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, k) => byte === b[k]);
