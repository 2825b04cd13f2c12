/**
 * What a devnet of processes is waited for once its sessions have settled: the chain's clock is set to when something
 * is due, in order, and the nodes do it by themselves. Nothing is entered from here.
 */
import type * as Delivery from "../chain/delivery.ts";
import { readEntries } from "../chain/deliveryEntries.ts";
import { deliveryContracts, type Deployment } from "../chain/deployment.ts";
import { eventsOf } from "../chain/logs.ts";
import { readSettled } from "../chain/settledBatches.ts";
import { windowsOf, type Windows } from "../node/delivery/windows.ts";
import { passTime, type ServedChain } from "./chain/served.ts";

/** Longer than two questions to a meter that says nothing (`MeterRound`), and turns of a committee. */
const PATIENCE_MS = 120_000;
const CREDITS_MS = 20_000;

type Due = { readonly at: number; readonly ordinal: number; readonly act: () => Promise<void> };

export class DeliveryWatch {
  readonly #deployment: Deployment;
  readonly #chain: ServedChain;
  readonly #progress: (what: string) => void;
  /** Accounts whose renewables credits are of. */
  readonly #generating: ReadonlySet<number>;
  #due: Due[] = [];
  #stop: AbortSignal | undefined;
  /** Sessions, by ordinal, that were not delivered in time. */
  readonly late = new Set<number>();

  constructor(
    deployment: Deployment,
    chain: ServedChain,
    { generating, progress }: { readonly generating: readonly number[]; readonly progress: (what: string) => void },
  ) {
    this.#deployment = deployment;
    this.#chain = chain;
    this.#generating = new Set(generating);
    this.#progress = progress;
  }

  /** A session has settled. */
  async settled(ordinal: number): Promise<void> {
    const { provider } = this.#chain;
    const found = (await readSettled(this.#deployment, provider, this.#deployment.block)).find(
      (one) => one.ordinal === ordinal,
    );
    if (found === undefined) return;
    const windows = await windowsOf({ deployment: this.#deployment, provider }, found.settled.terms);
    const { settled } = found;
    this.#due.push({ at: windows.opens, ordinal, act: () => this.#entry(ordinal, settled, windows, 1) });
  }

  /** Does what is due up to then, in the order of its time. */
  async until(time: number, stop?: AbortSignal): Promise<void> {
    this.#stop = stop;
    for (;;) {
      const next = this.#due.toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > time || stop?.aborted) return;
      this.#due = this.#due.filter((one) => one !== next);
      // A block's time is a node's clock: one second later nobody can doubt it.
      await passTime(this.#chain.provider, next.at + 1);
      await next.act();
    }
  }

  async #entry(ordinal: number, settled: Delivery.SettledBatch, windows: Windows, number: number): Promise<void> {
    const { provider } = this.#chain;
    const find = async () =>
      (await readEntries(this.#deployment, provider, settled.sequence)).find(({ entry }) => entry === number);
    const entry = await this.#patiently(find, PATIENCE_MS);
    if (entry === undefined) {
      this.late.add(ordinal);
      return this.#progress(`session ${ordinal}: no entry ${number} of readings`);
    }
    this.#progress(`session ${ordinal}: readings entered, ${entry.kind}`);
    if (entry.kind === "provisional") {
      const act = () => this.#entry(ordinal, settled, windows, number + 1);
      return void this.#due.push({ at: windows.closes, ordinal, act });
    }
    const at = (await provider.getBlock(entry.block))!.timestamp + windows.disputeS;
    const rows = entry.read?.readings.rows ?? [];
    const measured = rows.filter(({ values }) => values.some((one) => one.quality === 0 && one.renewableWh > 0));
    const owed = measured.filter(({ id }) => this.#generating.has(id)).length;
    this.#due.push({ at, ordinal, act: () => this.#credits(settled.sequence, owed) });
  }

  async #credits(sequence: number, owed: number): Promise<void> {
    const { provider } = this.#chain;
    const { carbonCredit } = deliveryContracts(this.#deployment, provider);
    const all = async () => {
      const found = await eventsOf(carbonCredit, carbonCredit.filters.CertificateIssued(), this.#deployment.block);
      return found.filter(({ event }) => Number(event.args.sequence) === sequence).length >= owed ? true : undefined;
    };
    // Who is not there claims later: an account's credits are its own to claim.
    await this.#patiently(all, CREDITS_MS);
  }

  async #patiently<T>(ask: () => Promise<T | undefined>, ms: number): Promise<T | undefined> {
    for (const end = performance.now() + ms; ;) {
      const found = await ask().catch(() => undefined);
      if (found !== undefined || performance.now() > end || this.#stop?.aborted) return found;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}
