/** From intervals of any source to one reading a prosumer and period. */
import { worse, type MeterReading, type Quality } from "../codec/meterReading.ts";
import { REGISTERS, type Interval, type Register } from "./intervals.ts";

/** Which metering points are a prosumer's: a home has one, or one for what it draws and one for its panels. */
export type Points = ReadonlyMap<string, number>;

/** The periods of a session. */
export type Span = { readonly start: number; readonly seconds: number; readonly periods: number };

type Slot = { microWh: bigint; quality: Quality; length: number; place: string };
const MICRO = 1_000_000n;

const iso = (ms: number): string => new Date(ms).toISOString().replace(".000Z", "Z");

/**
 * What was heard of a span, source by source. The same interval twice, as a broker that delivers at least once sends
 * it, is one; a measured value takes the place of an estimated one and any value that of a missing one; two values of
 * one quality that differ are a contradiction: it is told, and the first stands.
 */
export class Collected {
  /** By point, register and start. */
  readonly #slots = new Map<string, Interval>();
  readonly #unknown = new Set<string>();
  readonly notes: string[] = [];
  readonly #points: Points;
  readonly #span: Span;

  constructor(points: Points, span: Span) {
    this.#points = points;
    this.#span = span;
  }

  add(interval: Interval): void {
    const { point, register, startMs, endMs, quality, microWh, place } = interval;
    const { start, seconds, periods } = this.#span;
    if (endMs <= 1000 * start || startMs >= 1000 * (start + periods * seconds)) return;
    if (!this.#points.has(point)) {
      if (!this.#unknown.has(point)) this.notes.push(`${place}: metering point ${point} is nobody's`);
      this.#unknown.add(point);
      return;
    }
    const length = endMs - startMs;
    const period = Math.floor(startMs / (1000 * seconds));
    if (Math.floor((endMs - 1) / (1000 * seconds)) !== period) {
      this.notes.push(
        `${place}: an interval of ${length / 60_000} minutes is longer than the session's ${seconds / 60}`,
      );
      return;
    }
    const key = `${point}\n${register}\n${startMs}`;
    const before = this.#slots.get(key);
    if (before === undefined || (before.quality !== quality && worse(before.quality, quality) === before.quality)) {
      this.#slots.set(key, interval);
      return;
    }
    const differs = before.quality === quality && (before.microWh !== microWh || before.endMs !== endMs);
    if (differs)
      this.notes.push(
        `${place}: ${register} of ${point} from ${iso(startMs)} is ${kwh(microWh)} kWh, but ${kwh(before.microWh)} at ${before.place}, which stands`,
      );
  }

  /** What the reading of a register is in each period; undefined: no source ever named the register. */
  #register(prosumer: number, register: Register): Slot[] | undefined {
    const { start, seconds, periods } = this.#span;
    const own = [...this.#slots.values()].filter(
      (interval) => interval.register === register && this.#points.get(interval.point) === prosumer,
    );
    if (own.length === 0) return undefined;
    const slots = Array.from({ length: periods }, (): Slot => ({
      microWh: 0n,
      quality: "measured",
      length: 0,
      place: "",
    }));
    for (const { startMs, endMs, microWh, quality, place } of own) {
      const slot = slots[Math.floor((startMs / 1000 - start) / seconds)];
      slot.microWh += microWh;
      slot.quality = worse(slot.quality, quality);
      slot.length += endMs - startMs;
      slot.place ||= place;
    }
    const points = new Set(own.map(({ point }) => point)).size;
    for (const slot of slots) if (slot.length < 1000 * seconds * points) slot.quality = "missing";
    return slots;
  }

  /** Whether no reading of anybody's would be missing, and no point is silent yet: it may count against the others. */
  complete(): boolean {
    const heard = new Set([...this.#slots.values()].map(({ point }) => point));
    if ([...this.#points.keys()].some((point) => !heard.has(point))) return false;
    return [...new Set(this.#points.values())].every((prosumer) => {
      const registers = REGISTERS.map((register) => this.#register(prosumer, register));
      return registers[0] !== undefined && registers.every((slots) => !slots?.some((one) => one.quality === "missing"));
    });
  }

  /**
   * One reading a period of every prosumer that has a point, ascending by prosumer and period. Fractions of a Wh go on
   * to the next period that is not missing, so that a session's sum is right to one Wh; a register that no source names
   * counts nothing, but who has no import register has no readings at all; a period of which any part is missing is
   * missing.
   */
  readings(): MeterReading[] {
    const prosumers = [...new Set(this.#points.values())].sort((a, b) => a - b);
    return prosumers.flatMap((prosumer) => this.#readingsOf(prosumer));
  }

  #readingsOf(prosumer: number): MeterReading[] {
    const { start, seconds, periods } = this.#span;
    const registers = new Map(REGISTERS.map((register) => [register, this.#register(prosumer, register)]));
    const named = [...registers.values()].filter((slots) => slots !== undefined);
    if (!registers.get("import")) this.notes.push(`prosumer ${prosumer}: no source has what it drew from the grid`);
    const whole = { net: new Carry(), generation: new Carry() };
    let gap = 0;
    const readings = Array.from({ length: periods }, (_, t): MeterReading => {
      const quality = registers.get("import")
        ? named.map((slots) => slots[t].quality).reduce(worse)
        : ("missing" as const);
      const micro = (register: Register): bigint => registers.get(register)?.[t].microWh ?? 0n;
      const period = { prosumer, start: start + t * seconds, seconds, quality };
      if (quality === "missing") {
        gap++;
        return { ...period, meteredWh: 0, renewableWh: 0 };
      }
      const meteredWh = whole.net.take(micro("export") - micro("import"));
      return { ...period, meteredWh, renewableWh: whole.generation.take(micro("generation")) };
    });
    if (gap > 0 && registers.get("import")) {
      const first = readings.find(({ quality }) => quality === "missing")!;
      this.notes.push(
        `prosumer ${prosumer}: ${gap} of ${periods} periods are missing, from ${iso(1000 * first.start)}`,
      );
    }
    return readings;
  }
}

/** Whole Wh of a running sum: what is left over goes on. */
class Carry {
  #sum = 0n;
  #given = 0n;
  take(microWh: bigint): number {
    this.#sum += microWh;
    const floor = this.#sum / MICRO - (this.#sum % MICRO < 0n ? 1n : 0n);
    const whole = floor - this.#given;
    this.#given = floor;
    return Number(whole);
  }
}

const kwh = (microWh: bigint): string => (Number(microWh) / 1e9).toString();
