/**
 * What parties tell each other of a session that has settled, once its day is over: one kind byte and JSON. `session`:
 * hash of the frozen session; `entry`: number of the entry of readings that is being made. What the operator hands out
 * is believed by nobody: files, activations and statements are judged by the keys of their meters and nodes.
 */
import * as z from "zod";
import { foreignJson } from "../../codec/foreign.ts";
import { MAX_PERIODS } from "../../codec/payload.ts";
import { MetersJsonSchema } from "../../records/deliveryJson.ts";

/** Beside an agent's messages (0x67) and those around a clearing (0x6c). */
const MAGIC = 0x6d;
const MAX_BYTES = 16 << 20;

const hash = z.string().regex(/^0x[0-9a-f]{64}$/);
const signature = z.string().regex(/^0x[0-9a-f]{130}$/);
const u32 = z.int().nonnegative().max(0xffffffff);
const party = u32.positive();
const about = { session: hash, entry: z.int().positive().max(8) };

const { meters, activations, statements } = MetersJsonSchema.shape;
// No longer than any session: what one home says is handed out beside all others'.
const file = meters.element.extend({
  ...{ prosumer: party, periodSeconds: u32 },
  meteredWh: z.array(z.int32()).max(MAX_PERIODS),
  renewableWh: z.array(u32).max(MAX_PERIODS),
  quality: meters.element.shape.quality.max(MAX_PERIODS),
});
const wh = z.array(u32).max(MAX_PERIODS);
const activation = activations.element.extend({ prosumer: party, plannedWh: wh, generatedWh: wh });
const statement = statements.element.extend({ prosumer: party });

/** More homes than a market has; by the invited of its session every list is bounded again. */
const MOST_HOMES = 65_536;

export const MeterMessageSchema = z.discriminatedUnion("kind", [
  /** The operator's: whose day is over is asked what it has generated. */
  z.strictObject({ kind: z.literal("meter"), ...about }),
  /** To the operator: planned and generated, which says what reserve is called; none of who planned nothing. */
  z.strictObject({ kind: z.literal("generated"), ...about, activation: activation.optional() }),
  /** The operator's: what all have generated, of those who said it. */
  z.strictObject({ kind: z.literal("called"), ...about, activations: z.array(activation).max(MOST_HOMES) }),
  /** To all who attest: what the own meter read, and what its node states of its devices. */
  z.strictObject({ kind: z.literal("metered"), ...about, file, statement: statement.optional() }),
  /** The operator's: everybody's, to be attested. */
  z.strictObject({
    kind: z.literal("readings"),
    ...about,
    closed: z.boolean(),
    files: z.array(file).max(MOST_HOMES),
    activations: z.array(activation).max(MOST_HOMES),
    statements: z.array(statement).max(MOST_HOMES),
  }),
  /** From one who attests to all who do. */
  z.strictObject({ kind: z.literal("attested"), ...about, digest: hash, bit: z.int().min(0).max(31), signature }),
]);
export type MeterMessage = z.infer<typeof MeterMessageSchema>;
export type MeterMessageOf<K extends MeterMessage["kind"]> = Extract<MeterMessage, { kind: K }>;

export const isMeterMessage = (bytes: Uint8Array): boolean => bytes[0] === MAGIC;

export function encodeMeterMessage(message: MeterMessage): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(message));
  const bytes = new Uint8Array(text.length + 1);
  bytes[0] = MAGIC;
  bytes.set(text, 1);
  return bytes;
}

/** Reads bytes from somebody who may be anybody: never throws; undefined: they are none. */
export function decodeMeterMessage(bytes: Uint8Array): MeterMessage | undefined {
  if (!isMeterMessage(bytes) || bytes.length > MAX_BYTES) return undefined;
  const json = foreignJson(bytes.subarray(1));
  return json && MeterMessageSchema.safeParse(json.value).data;
}

/** Whether a list that the operator hands out has more in it than the session has homes. */
export const hasMoreThan = (homes: number, message: MeterMessage): boolean =>
  (message.kind === "called" || message.kind === "readings") &&
  Object.values(message).some((value) => Array.isArray(value) && value.length > homes);
