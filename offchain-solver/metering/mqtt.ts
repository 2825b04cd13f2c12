/** Meters and gateways that publish their intervals to a message broker (MQTT 5). */
import { connect, type MqttClient } from "mqtt";
import * as z from "zod";
import { QUALITIES } from "../codec/meterReading.ts";
import { InputError } from "../io/inputError.ts";
import { absurd, microOfKwh, MOST_KW, REGISTERS, type Interval } from "./intervals.ts";

const wh = z.number().nonnegative().max(1e12);

/** One interval of one metering point. What a meter has no register for is absent. */
export const MeterMessageSchema = z.strictObject({
  point: z.string().min(1).max(64),
  /** Start of the interval, with its zone. */
  start: z.iso.datetime({ offset: true }),
  seconds: z.int().min(60).max(3600),
  importWh: wh.optional(),
  exportWh: wh.optional(),
  renewableWh: wh.optional(),
  quality: z.enum(QUALITIES).default("measured"),
});

const FIELDS = { import: "importWh", export: "exportWh", generation: "renewableWh" } as const;

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
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues;
    return `${topic}: ${path.join(".") || "the whole message"}: ${message}`;
  }
  const { point, start, seconds, quality, ...counts } = parsed.data;
  const startMs = Date.parse(start);
  const endMs = startMs + 1000 * seconds;
  if (startMs % (1000 * seconds) !== 0) return `${topic}: start = "${start}": is off intervals of ${seconds} s`;
  const intervals: Interval[] = [];
  for (const register of REGISTERS) {
    const count = counts[FIELDS[register]];
    if (count === undefined) continue;
    const microWh = quality === "missing" ? 0n : microOfKwh(count / 1000);
    const odd = absurd(microWh, startMs, endMs, mostKw);
    if (odd !== undefined) return `${topic}: ${FIELDS[register]} = ${count}: ${odd}`;
    intervals.push({ point, register, startMs, endMs, microWh, quality, place: `${topic}: ${start}` });
  }
  return intervals.length > 0 ? intervals : `${topic}: has none of ${Object.values(FIELDS).join(", ")}`;
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
