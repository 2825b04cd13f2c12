/**
 * A party's part in what follows its settled sessions: its meter's readings, its node's signature under everybody's,
 * the entry on chain, its own credits. Driven by the chain's clock and by what is on chain alone: killed at any point
 * and started again, it goes on from there.
 */
import type { BaseWallet, Provider, Wallet } from "ethers";
import * as Delivery from "../../chain/delivery.ts";
import { reasonOf } from "../../chain/revert.ts";
import { DESK_ID } from "../../chain/onboarding.ts";
import { connectedAt, lastEntry } from "../../chain/deliveryEntries.ts";
import { deliveryContracts, type Deployment } from "../../chain/deployment.ts";
import { readSettled, type SettledOnChain } from "../../chain/settledBatches.ts";
import { termsHash, type Terms } from "../../codec/terms.ts";
import { sessionHash } from "../../codec/typedData.ts";
import { bundleHash, WitnessSchema, type Witness } from "../../codec/witness.ts";
import type { Schedule } from "../../market/result/solution.ts";
import type { PrivatePart } from "../../market/scenario/publicScenario.ts";
import { takeIn, type Expected } from "../../metering/signed.ts";
import type { Log } from "../party.ts";
import type { Records } from "../records.ts";
import { Attestation } from "./attestation.ts";
import { hasMoreThan, type MeterMessage, type MeterMessageOf } from "./meterMessages.ts";
import { joined, MeterRound, rightIn, type RoundAbout, type Sent } from "./meterRound.ts";
import { activatedBy, hasCome, meteredBy, type OwnDay } from "./ownMeter.ts";
import { asEntered, documentsOf, expectedIn, judgedBy, type Asked, type Promised } from "./reckoning.ts";
import { windowsOf, type Windows } from "./windows.ts";

/** How often the chain is asked about a session whose time has come; when a round that came to nothing begins anew. */
const ASK_MS = 1_000;
const ANEW_MS = 60_000;

export type DeliveryKeys = {
  readonly wallet: Wallet;
  readonly node: BaseWallet;
  readonly meter?: BaseWallet;
  /** A node key that was replaced since, by its address. Throws where it cannot be opened. */
  readonly oldNode?: (address: string) => Promise<BaseWallet>;
};

export type DeliveryOptions = {
  readonly party: number;
  readonly operator: number;
  readonly provider: Provider;
  readonly deployment: Deployment;
  /** Its meter's key may be elsewhere: then others attest what it does not say. */
  readonly keys: DeliveryKeys;
  readonly records: Records;
  /** Absent for the operator, who has no meter. */
  readonly partFor?: (terms: Terms) => PrivatePart | string;
  readonly send: (to: number, message: MeterMessage) => void;
  /** Whether this node posts, and pays. */
  readonly pays: boolean;
  readonly log: Log;
};

/** A settled session that is not delivered to its end. */
type Pending = {
  readonly session: string;
  readonly ordinal: number;
  readonly promised: Promised;
  readonly windows: Windows;
  readonly attestation: Attestation;
  /** Of the chain's clock: before then there is nothing to do. */
  due: number;
  askedMs: number;
  /** [prosumer] what a member has heard and misses: right, by the keys that count. */
  readonly relayed: Map<number, MeterMessageOf<"metered">>;
  /** The operator's: what each home has said first. */
  readonly activations: RoundAbout["activations"];
  /** Which call the own devices have answered last, and the number of that file. */
  answered?: { readonly to: string; readonly number: number };
  round?: { readonly conduct: MeterRound; readonly sinceMs: number } | undefined;
};

export class Deliveries {
  readonly #o: DeliveryOptions;
  readonly #pending = new Map<string, Pending>();
  /** [address] a node key that sessions before it was replaced were frozen with. */
  readonly #old = new Map<string, Promise<BaseWallet | undefined>>();
  #asked: Asked | undefined;
  /** Block up to which settled sessions are known; undefined: they are to be read anew. */
  #known: number | undefined;
  #fresh = true;
  #now = 0;

  constructor(options: DeliveryOptions) {
    this.#o = options;
  }

  /** A session has settled; or the chain has lost blocks, and all of it is read anew. */
  settled(reorg = false): void {
    this.#fresh = true;
    if (reorg) this.#known = undefined;
  }

  /** Asked at every look at the chain. `now`: its newest block's time. */
  async look(now: number): Promise<void> {
    this.#now = now;
    if (this.#fresh) await this.#read();
    for (const one of this.#pending.values()) {
      const nowMs = performance.now();
      if (now < one.due) continue;
      if (nowMs - one.askedMs >= ASK_MS) {
        one.askedMs = nowMs;
        await this.#follow(one, now);
      }
      if (this.#pending.has(one.session) && now >= one.due) {
        this.#perform(one.round?.conduct.tick(nowMs) ?? []);
        await this.#submit(one);
      }
    }
  }

  async hear(from: number, message: MeterMessage): Promise<void> {
    const one = this.#pending.get(message.session);
    if (one === undefined || this.#now < one.windows.opens) return;
    const { operator } = this.#o;
    const { prosumers } = one.promised.terms.scenario;
    if (message.kind === "generated") return this.#perform(one.round?.conduct.hear(from, message, performance.now()));
    if (message.kind === "metered") {
      if (message.file.prosumer !== from) return this.#relay(one, message);
      one.attestation.heard(from, message);
      // It counts in the next entry too, where its meter says nothing newer.
      await this.#relay(one, message);
      return this.#perform(one.round?.conduct.hear(from, message, performance.now()));
    }
    if (message.kind === "attested") {
      const attests = from === operator || from >= DESK_ID || prosumers.some(({ id }) => id === from);
      if (attests) one.attestation.signed(from, message);
      return;
    }
    if (from !== operator || hasMoreThan(prosumers.length, message)) return;
    if (message.kind === "meter") return this.#generate(one, message);
    if (message.kind === "readings") return this.#attest(one, message);
    one.attestation.called(message);
    await this.#meter(one, message);
  }

  async #read(): Promise<void> {
    const { provider, deployment, records, log } = this.#o;
    this.#fresh = false;
    const connected = await connectedAt(deployment, provider);
    // A market that nothing meters is connected to delivers nothing.
    if (connected.delivery === undefined) return;
    this.#asked = { deployment: connected, provider };
    const head = await provider.getBlockNumber();
    if (this.#known === undefined) this.#pending.clear();
    const found = await readSettled(connected, provider, this.#known === undefined ? connected.block : this.#known + 1);
    this.#known = head;
    for (const one of found) {
      const session = sessionHash(one.settled.terms);
      const witness = witnessOf(records, one);
      if (witness === undefined) {
        log("info", "no part in the delivery: its bundle is not here", { ordinal: one.ordinal });
        continue;
      }
      const windows = await windowsOf(this.#asked, one.settled.terms);
      const { terms, plans } = witness;
      const promised = { settled: one.settled, payload: one.payload, terms, plans };
      const attestation = new Attestation(this.#asked, promised, windows, this.#o);
      this.#pending.set(session, {
        ...{ session, ordinal: one.ordinal, promised, windows, attestation, due: windows.opens, askedMs: -Infinity },
        ...{ relayed: new Map(), activations: new Map() },
      });
    }
  }

  /** What the chain has of it, and what is to be done next. */
  async #follow(one: Pending, now: number): Promise<void> {
    const { log, operator, party, provider, records } = this.#o;
    const { deployment } = this.#asked!;
    const last = await lastEntry(deployment, provider, one.promised.settled);
    const own = one.attestation.entered(last);
    if (own !== undefined && last !== undefined) {
      const said = { ordinal: one.ordinal, entry: last.number };
      try {
        const exact = await asEntered(this.#asked!, one.promised, own, last);
        const documents = documentsOf(this.#asked!, one.promised, { kind: own.entry.kind }, exact, last);
        records.delivered(one.ordinal, last.number, documents);
        log("info", "readings are entered", { ...said, kind: last.kind });
      } catch (error) {
        log("warn", "readings are entered, and no document tells of them", { ...said, reason: String(error) });
      }
    }
    if (last !== undefined && last.kind !== "provisional") return this.#claim(one, last, now);
    if (last !== undefined && now < one.windows.closes) {
      one.due = one.windows.closes;
      one.round = undefined;
      return;
    }
    if (party !== operator) return;
    const entry = (last?.number ?? 0) + 1;
    const nowMs = performance.now();
    if (one.round?.conduct.entry === entry && nowMs - one.round.sinceMs < ANEW_MS) return;
    const invited = one.promised.terms.scenario.prosumers.map(({ id }) => id);
    const { session, activations, relayed } = one;
    const about = { session, entry, over: now >= one.windows.closes, invited, operator, activations, relayed };
    const conduct = new MeterRound({ ...about, judgedBy: await judgedBy(this.#asked!, one.promised, last) }, nowMs);
    one.round = { conduct, sinceMs: nowMs };
    log("info", "asks what meters read", { ordinal: one.ordinal, entry });
  }

  #ownDay({ promised, ordinal }: Pending): OwnDay | undefined {
    const { partFor, records } = this.#o;
    const part = partFor?.(promised.terms);
    if (part === undefined || typeof part === "string") return undefined;
    const { schedule } = (records.readOwn(ordinal) ?? {}) as { readonly schedule?: object };
    return { promised, part, schedule: schedule === undefined ? undefined : scheduleIn(schedule) };
  }

  /** What no meter shows is signed by the key of the freeze; undefined: it is kept no more, which is said once. */
  #nodeOf({ nodeKeys }: Expected): Promise<BaseWallet | undefined> {
    const { keys, party, log } = this.#o;
    const address = nodeKeys.get(party) ?? keys.node.address;
    if (address === keys.node.address) return Promise.resolve(keys.node);
    const open = async (): Promise<BaseWallet | undefined> => {
      try {
        return await keys.oldNode?.(address);
      } catch (error) {
        log("warn", "an old node key cannot be opened: what it would sign is left out", { reason: reasonOf(error) });
        return undefined;
      }
    };
    const opened = this.#old.get(address) ?? open();
    this.#old.set(address, opened);
    return opened;
  }

  async #generate(one: Pending, { session, entry }: MeterMessageOf<"meter">): Promise<void> {
    const { send, operator, keys } = this.#o;
    const day = this.#ownDay(one);
    if (keys.meter === undefined || day === undefined || !hasCome(day)) return;
    const expected = await expectedIn(this.#asked!, one.promised);
    const activation = await activatedBy(day, { domain: expected.domain, node: await this.#nodeOf(expected) });
    send(operator, { kind: "generated", session, entry, ...(activation && { activation }) });
  }

  async #meter(one: Pending, { session, entry, activations }: MeterMessageOf<"called">): Promise<void> {
    const { keys, send, operator, provider } = this.#o;
    const day = this.#ownDay(one);
    if (keys.meter === undefined || day === undefined || !hasCome(day)) return;
    const last = await lastEntry(this.#asked!.deployment, provider, one.promised.settled);
    const { expected, connections } = await judgedBy(this.#asked!, one.promised, last);
    // What is not right calls for nothing: the entry will not count it either.
    const called = {
      activations: takeIn({ files: [], activations, statements: [] }, expected).activations,
      connections,
    };
    const { domain } = expected;
    // The answer to another call is a newer one: nobody takes the old one for it.
    const to = JSON.stringify([...called.activations.values()].map(({ signature }) => signature));
    const number = one.answered?.to === to ? one.answered.number : Math.max(entry, (one.answered?.number ?? 0) + 1);
    one.answered = { to, number };
    const signing = { domain, node: await this.#nodeOf(expected), meter: keys.meter, number };
    const metered = await meteredBy(day, called, signing);
    const message = { kind: "metered", session, entry, ...metered } as const;
    one.attestation.heard(this.#o.party, message);
    const { prosumers } = one.promised.terms.scenario;
    // All who attest are told: what one of them leaves out, another misses.
    for (const to of [operator, ...prosumers.map(({ id }) => id)]) if (to !== this.#o.party) send(to, message);
  }

  /** The operator's: what a member misses is handed out the next time, if its meter has signed it. */
  async #relay({ promised, relayed }: Pending, message: MeterMessageOf<"metered">): Promise<void> {
    const { party, operator } = this.#o;
    if (party !== operator) return;
    const right = rightIn(message, await expectedIn(this.#asked!, promised));
    if (right === undefined) return;
    const { prosumer } = right.file;
    relayed.set(prosumer, joined(right, relayed.get(prosumer))!);
  }

  async #attest(one: Pending, message: MeterMessageOf<"readings">): Promise<void> {
    const { log, send, operator } = this.#o;
    const made = await one.attestation.attest(message, this.#now);
    if (made === undefined) return;
    if (made.kind === "refused") {
      log("warn", "attests no readings", { ordinal: one.ordinal, entry: message.entry, reason: made.reason });
      if (made.missed !== undefined && operator !== this.#o.party) send(operator, made.missed);
      return;
    }
    const { prosumers } = one.promised.terms.scenario;
    for (const to of [operator, ...prosumers.map(({ id }) => id)]) if (to !== this.#o.party) send(to, made.message);
  }

  /** Whoever's turn it is enters what a quorum has attested. */
  async #submit(one: Pending): Promise<void> {
    const { pays, keys, provider, log } = this.#o;
    const ready = pays ? one.attestation.ready(performance.now()) : undefined;
    if (ready === undefined) return;
    const { deployment } = this.#asked!;
    const { before = Delivery.NO_ENTRY, entry } = ready.reckoned;
    try {
      const wallet = keys.wallet.connect(provider);
      await Delivery.enterReadings(deployment, wallet, one.promised.settled, { before, entry }, ready.signatures);
    } catch (error) {
      log("info", "readings were not entered", { ordinal: one.ordinal, reason: reasonOf(error) });
    }
    one.askedMs = -Infinity;
  }

  /** Its own credits, once nobody can contest them; then nothing more is to be done for this session. */
  async #claim(one: Pending, last: Delivery.ChainEntry, now: number): Promise<void> {
    const { provider, keys, party, operator, log } = this.#o;
    const { deployment } = this.#asked!;
    const at = (await provider.getBlock(last.block))!.timestamp + one.windows.disputeS;
    one.due = at;
    one.round = undefined;
    if (party !== operator && now < at) return;
    this.#pending.delete(one.session);
    const { carbonCredit } = deliveryContracts(deployment, provider);
    if (party === operator || BigInt((await carbonCredit.getFunction("deviceOf").staticCall(party)).device) === 0n)
      return;
    try {
      const wallet = keys.wallet.connect(provider);
      const [made] = await Delivery.issueCredits(deployment, wallet, one.promised.settled, last, [party]);
      if (made !== undefined) log("info", "credits are issued", { ordinal: one.ordinal, wh: Number(made.wh) });
    } catch (error) {
      log("info", "no credits", { ordinal: one.ordinal, reason: reasonOf(error) });
    }
  }

  #perform(sent: readonly Sent[] = []): void {
    for (const { to, message } of sent) this.#o.send(to, message);
  }
}

/** The terms that were frozen and the plans that were committed to, from the bundle that was signed with it. */
function witnessOf(records: Records, { settled }: SettledOnChain): Witness | undefined {
  const bundle = records.readBundle(settled.bundle);
  const read = bundle === undefined ? undefined : WitnessSchema.safeParse(JSON.parse(bundle)).data;
  const signed = read !== undefined && bundleHash(read) === settled.bundle;
  return signed && termsHash(read.terms) === settled.terms.termsHash ? read : undefined;
}

/** As a record keeps it: lists for typed arrays. */
const scheduleIn = (record: object): Schedule =>
  Object.fromEntries(
    Object.entries(record).map(([name, value]) => [
      name,
      Array.isArray(value) ? Float64Array.from(value as number[]) : (value as number),
    ]),
  ) as unknown as Schedule;
