/**
 * What parties tell each other of a session that has settled, once its day is over: one kind byte and JSON. `session`:
 * hash of the frozen session; `entry`: number of the entry of readings that is being made. What the operator hands out
 * is believed by nobody: files and statements are judged by the keys of their meters and nodes.
 */
import * as z from "zod";
import { foreignJson } from "../../codec/foreign.ts";
import { MetersJsonSchema } from "../../records/deliveryJson.ts";

/** Beside an agent's messages (0x67) and those around a clearing (0x6c). */
const MAGIC = 0x6d;
const MAX_BYTES = 16 << 20;

const hash = z.string().regex(/^0x[0-9a-f]{64}$/);
const hex = z.string().regex(/^0x[0-9a-f]*$/);
const party = z.int().positive().max(0xffffffff);
const about = { session: hash, entry: z.int().positive().max(8) };
const wh = z.array(z.int()).max(100);
const file = MetersJsonSchema.shape.meters.element;
const statement = MetersJsonSchema.shape.statements.element;

export const MeterMessageSchema = z.discriminatedUnion("kind", [
  /** The operator's: whose day is over is asked what it has generated. */
  z.strictObject({ kind: z.literal("meter"), ...about }),
  /** To the operator: planned and generated, which says what reserve is called; `salt` opens what was committed to. */
  z.strictObject({ kind: z.literal("generated"), ...about, plannedWh: wh, renewableWh: wh, salt: hash }),
  /** The operator's: what all have generated, of those who said it. */
  z.strictObject({
    kind: z.literal("called"),
    ...about,
    generated: z.array(z.strictObject({ party, plannedWh: wh, renewableWh: wh, salt: hash })).max(65_536),
  }),
  /** To all who attest: what the own meter read, and what its node states of its devices. */
  z.strictObject({ kind: z.literal("metered"), ...about, file, statement: statement.optional() }),
  /** The operator's: everybody's, to be attested. */
  z.strictObject({
    kind: z.literal("readings"),
    ...about,
    closed: z.boolean(),
    files: z.array(file).max(65_536),
    statements: z.array(statement).max(65_536),
  }),
  /** From one who attests to all who do. */
  z.strictObject({ kind: z.literal("attested"), ...about, digest: hash, bit: z.int().min(0).max(31), signature: hex }),
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
