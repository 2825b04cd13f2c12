import type { MessagePort } from "node:worker_threads";
import type { HourBlock } from "../../clearing/areaProjection.ts";
import type { Failure, Message } from "../../clearing/message.ts";
import type { HourLimits } from "../../clearing/operatorProblem.ts";
import type { ProsumerState, WarmStart } from "../../clearing/prosumerAgent.ts";
import type { Settings } from "../../clearing/settings.ts";
import type { UnitMarket } from "../../market/scenario/perUnit.ts";
import type { Network } from "../../market/formulation/network.ts";

/** What one worker thread is given: the prosumers and the hours that live there, and what they know together. */
export type Part = {
  readonly prosumers: readonly number[];
  readonly hours: readonly number[];
  /** With the devices and costs of `prosumers` only, in its own units, as are the limits. */
  readonly market: UnitMarket;
  readonly network: Network | undefined;
  readonly settings: Settings;
  /** Of `prosumers`, in their order. */
  readonly warm: readonly WarmStart[] | undefined;
};

export type Delivery = { readonly from: number; readonly to: number; readonly message: Message };

/** What the thread that holds the operator asks of a worker; blocks are those of the worker's hours, in their order. */
export type Request =
  | { readonly kind: "start" }
  | { readonly kind: "step"; readonly inbox: readonly Delivery[] }
  | { readonly kind: "project"; readonly blocks: readonly HourBlock[]; readonly rho: Float64Array }
  | { readonly kind: "report" };

/** One prosumer's part in an iteration: what it sent, wherever to, or why it could not go on. */
export type Turn = {
  readonly prosumer: number;
  readonly messages: number;
  readonly bytes: number;
  readonly failure: Failure | undefined;
};

/** Where a prosumer ended: what its state is set to, to be read where the result is put together. */
export type ProsumerEnd = Pick<ProsumerState, "iteration" | "z" | "u" | "rho" | "moved" | "sums" | "gram" | "done"> & {
  readonly prosumer: number;
  readonly image: Float64Array;
  readonly x: Float64Array;
  readonly y: Float64Array;
};

/** Where an hour ended. */
export type HourEnd = HourLimits & { readonly hour: number };

export type Reply =
  | { readonly kind: "stepped"; readonly outbox: readonly Delivery[]; readonly turns: readonly Turn[] }
  | { readonly kind: "projected"; readonly done: boolean; readonly blocks: readonly HourBlock[] }
  | { readonly kind: "report"; readonly prosumers: readonly ProsumerEnd[]; readonly hours: readonly HourEnd[] }
  | { readonly kind: "broken"; readonly error: string };

/**
 * What a worker thread starts from. `replies` counts the replies of all workers, so that one wait serves for any of
 * them.
 */
export type Start = { readonly port: MessagePort; readonly replies: Int32Array; readonly part: Part };
