/** Meters and gateways that publish their intervals to a message broker (MQTT 5). */
import { connect, type MqttClient } from "mqtt";
import * as z from "zod";
import { QUALITIES } from "../codec/meterReading.ts";
import { InputError } from "../io/inputError.ts";
import { absurd, microOfKwh, MOST_KW, type Interval, type Register } from "./intervals.ts";

const wh = z.number().nonnegative().max(1e12);

/** One interval of one metering point. What a meter has no register for is absent. */
export const MeterMessageSchema = z.strictObject({
  point: z.string().min(1).max(64),
  /** Start of the interval, with its zone. */
  start: z.iso.datetime({ offset: true }),
  seconds: z.int().min(60).max(3600),
  importWh: wh.optional(),
  exportWh: wh.optional(),
  generationWh: wh.optional(),
  /** The same by the name that readings have. */
  renewableWh: wh.optional(),
  quality: z.enum(QUALITIES).default("measured"),
});

const FIELDS: readonly (readonly [field: "importWh" | "exportWh" | "generationWh" | "renewableWh", of: Register])[] = [
  ["importWh", "import"],
  ["exportWh", "export"],
  ["generationWh", "generation"],
  ["renewableWh", "generation"],
];

/** Longest message that is looked at: one is a hundred bytes or two. */
const MOST_BYTES = 4096;

/** The intervals of a message, or why it is none: `topic: field = value: reason`. */
export function readMessage(topic: string, text: string, mostKw = MOST_KW): Interval[] | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return `${topic}: is no JSON: ${JSON.stringify(text.slice(0, 60))}`;
  }
  const parsed = MeterMessageSchema.safeParse(value);
  if (!parsed.success) return `${topic}: ${faultOf(value, parsed.error.issues[0])}`;
  const { point, start, seconds, quality, ...counts } = parsed.data;
  const startMs = Date.parse(start);
  const endMs = startMs + 1000 * seconds;
  if (startMs % (1000 * seconds) !== 0) return `${topic}: start = "${start}": is off intervals of ${seconds} s`;
  const intervals: Interval[] = [];
  if (counts.generationWh !== undefined && counts.renewableWh !== undefined)
    return `${topic}: renewableWh = ${counts.renewableWh}: generationWh is the same register: one of them was expected`;
  for (const [field, register] of FIELDS) {
    const count = counts[field];
    if (count === undefined) continue;
    const microWh = quality === "missing" ? 0n : microOfKwh(count / 1000);
    const odd = absurd(microWh, startMs, endMs, mostKw);
    if (odd !== undefined) return `${topic}: ${field} = ${count}: ${odd}`;
    intervals.push({ point, register, startMs, endMs, microWh, quality, place: `${topic}: ${start}` });
  }
  return intervals.length > 0 ? intervals : `${topic}: has none of ${FIELDS.map(([field]) => field).join(", ")}`;
}

/** `field = value: reason` of what a message has wrong first. */
function faultOf(value: unknown, issue: z.core.$ZodIssue): string {
  const field = issue.code === "unrecognized_keys" ? issue.keys[0] : issue.path.map(String).join(".");
  if (field === "") return `the whole message: ${issue.message}`;
  const reason = issue.code === "unrecognized_keys" ? `unknown; known: ${KNOWN}` : issue.message;
  const shown = JSON.stringify((value as Readonly<Record<string, unknown>>)[field]) ?? "nothing";
  return `${field} = ${shown.length > 60 ? `${shown.slice(0, 57)}...` : shown}: ${reason}`;
}
const KNOWN = Object.keys(MeterMessageSchema.shape).join(", ");

/** The metering point that a text names, be it a message or none. */
export function pointIn(text: string): string | undefined {
  try {
    const { point } = JSON.parse(text) as { point?: unknown };
    return typeof point === "string" ? point : undefined;
  } catch {
    return undefined;
  }
}

export type Listener = {
  /** Of every message, its topic and its text: `readMessage` says what it is. */
  readonly heard: (topic: string, text: string) => void;
  /** The connection was lost, and is tried again. */
  readonly lost?: (why: string) => void;
};

/**
 * Listens to a topic, at least once for every message: what comes while the listener is away is kept by the broker for
 * a day under `clientId`. Throws InputError where there is no broker or it refuses.
 */
export async function listen(
  url: string,
  { topic, clientId }: { readonly topic: string; readonly clientId: string },
  { heard, lost }: Listener,
): Promise<{ readonly close: () => Promise<void> }> {
  const client = connect(url, {
    protocolVersion: 5,
    clientId,
    clean: false,
    properties: { sessionExpiryInterval: 86_400 },
    connectTimeout: 10_000,
    reconnectPeriod: 1_000,
  });
  // Before the connection stands: what the broker kept comes at once.
  client.on("message", (at, bytes) => {
    heard(at, bytes.length <= MOST_BYTES ? bytes.toString("utf8") : `${bytes.length} bytes`);
  });
  try {
    await connected(client);
  } catch (error) {
    await client.endAsync(true);
    const { message, code } = error as Error & { code?: string };
    throw new InputError(`${url}: no broker answers (${message || code})`);
  }
  client.on("error", ({ message }) => lost?.(message));
  client.on("offline", () => lost?.("the broker is away"));
  const granted = await client.subscribeAsync(topic, { qos: 1 }).catch(async (error: Error) => {
    await client.endAsync(true);
    throw new InputError(`${url}: ${topic}: the broker refuses (${error.message})`);
  });
  const refused = granted.find(({ qos }) => qos >= 128);
  if (refused !== undefined) {
    await client.endAsync(true);
    throw new InputError(`${url}: ${topic}: the broker refuses the subscription (${refused.qos})`);
  }
  return { close: () => client.endAsync() };
}

const connected = (client: MqttClient): Promise<void> =>
  new Promise((resolve, reject) => {
    client.once("connect", () => resolve());
    client.once("error", reject);
    client.once("close", () => reject(new Error("it closed the connection")));
  });
