/** From intervals of any source to one reading a prosumer and period. */
import { worse, type MeterReading, type Quality } from "../codec/meterReading.ts";
import { LOAD_PROFILE, readingSign } from "../scenarios/community/oddSeries.ts";
import { REGISTERS, type Interval, type Register } from "./intervals.ts";
import { onceEach } from "./overlaps.ts";

/** Which metering points are a prosumer's: a home has one, or one for what it draws and one for its panels. */
export type Points = ReadonlyMap<string, number>;

/** The periods of a session. */
export type Span = { readonly start: number; readonly seconds: number; readonly periods: number };

type Slot = { microWh: bigint; quality: Quality; length: number };
const MICRO = 1_000_000n;

const iso = (ms: number): string => new Date(ms).toISOString().replace(".000Z", "Z");

/** By the interval that it is of. */
type Heard = Map<string, Interval>;

/**
 * What was heard of a span, source by source. The same interval twice, as a broker that delivers at least once sends
 * it, is one; a measured value takes the place of an estimated one and any value that of a missing one; two values of
 * one quality that differ are a contradiction: it is told, and the first stands. One time counts once, whatever the
 * lengths of the intervals that hold it.
 */
export class Collected {
  readonly #heard = new Map<string, Map<Register, Heard>>();
  readonly #unknown = new Set<string>();
  /** By prosumer, whether nothing of it is missing; absent: something came since. */
  readonly #whole = new Map<number, boolean>();
  readonly notes: string[] = [];
  readonly #points: Points;
  readonly #pointsOf = new Map<number, string[]>();
  readonly #panels: ReadonlySet<string>;
  readonly #span: Span;

  /** `panels`: points at which all that is fed in was generated, as at a metering point of panels alone. */
  constructor(points: Points, span: Span, panels: ReadonlySet<string> = new Set()) {
    this.#points = points;
    this.#span = span;
    this.#panels = panels;
    for (const [point, prosumer] of points)
      this.#pointsOf.set(prosumer, [...(this.#pointsOf.get(prosumer) ?? []), point]);
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
    const registers = this.#heard.get(point) ?? new Map<Register, Heard>();
    this.#heard.set(point, registers);
    const heard = registers.get(register) ?? new Map<string, Interval>();
    registers.set(register, heard);
    const key = `${startMs} ${endMs}`;
    const before = heard.get(key);
    if (before === undefined || (before.quality !== quality && worse(before.quality, quality) === before.quality)) {
      heard.set(key, interval);
      this.#whole.delete(this.#points.get(point)!);
      return;
    }
    if (before.quality === quality && before.microWh !== microWh) this.#contradiction(before, interval);
  }

  #contradiction(stands: Interval, { place, register, point, startMs, endMs, microWh }: Interval): void {
    const minutes = (ms: number): number => ms / 60_000;
    const [length, other] = [endMs - startMs, stands.endMs - stands.startMs];
    const told =
      length === other
        ? `is ${kwh(microWh)} kWh, but ${kwh(stands.microWh)} at ${stands.place}, which stands`
        : `in intervals of ${minutes(length)} minutes is another sum than in those of ${minutes(other)} at ${stands.place}, which stand`;
    this.notes.push(`${place}: ${register} of ${point} from ${iso(startMs)} ${told}`);
  }

  /** Whether nothing was heard of any point in these periods. */
  get empty(): boolean {
    return this.#heard.size === 0;
  }

  hasHeard(point: string): boolean {
    return this.#heard.has(point);
  }

  /** Notes registers whose values only ever rise, and takes what they say for missing: they are counters' readings. */
  refuseCounters(): void {
    for (const registers of this.#heard.values())
      for (const heard of registers.values()) {
        const intervals = [...heard.values()].sort((a, b) => a.startMs - b.startMs);
        const [{ startMs, endMs, point, register, place }] = intervals;
        const energies = Float64Array.from(intervals, ({ microWh, quality }) =>
          quality === "missing" ? NaN : Number(microWh) / 1e9,
        );
        const sign = readingSign("", { kwh: energies, stepMs: endMs - startMs });
        if (sign === undefined) continue;
        this.notes.push(`${place}: ${register} of ${point}: ${sign}: it is a counter's reading, ${LOAD_PROFILE}`);
        this.#whole.delete(this.#points.get(point)!);
        for (const [key, one] of heard) heard.set(key, { ...one, microWh: 0n, quality: "missing" });
      }
  }

  /** What a point's register counted; of panels it is what they fed in where nothing says what they generated. */
  #of(point: string, register: Register): Heard | undefined {
    const registers = this.#heard.get(point);
    const panels = register === "generation" && this.#panels.has(point);
    return registers?.get(register) ?? (panels ? registers?.get("export") : undefined);
  }

  /** What the reading of a register is in each period; undefined: no source ever named the register. */
  #register(prosumer: number, register: Register, tell = false): Slot[] | undefined {
    const { start, seconds, periods } = this.#span;
    const own = this.#pointsOf.get(prosumer)!.flatMap((point) => this.#of(point, register) ?? []);
    if (own.length === 0) return undefined;
    const slots = Array.from({ length: periods }, (): Slot => ({ microWh: 0n, quality: "measured", length: 0 }));
    for (const heard of own) {
      const { intervals, contrary } = onceEach(heard.values());
      if (tell) for (const [stands, instead] of contrary) this.#contradiction(stands, instead);
      for (const { startMs, endMs, microWh, quality } of intervals) {
        const slot = slots[Math.floor((startMs / 1000 - start) / seconds)];
        slot.microWh += microWh;
        slot.quality = worse(slot.quality, quality);
        slot.length += endMs - startMs;
      }
    }
    for (const slot of slots) if (slot.length < 1000 * seconds * own.length) slot.quality = "missing";
    return slots;
  }

  /** Points of which nothing was heard: what they count is missing, not nothing. */
  #silent(prosumer: number): string[] {
    return this.#pointsOf.get(prosumer)!.filter((point) => !this.#heard.has(point));
  }

  /** Whether no reading of anybody's would be missing, and no point is silent yet: it may count against the others. */
  complete(): boolean {
    return [...this.#pointsOf.keys()].every((prosumer) => {
      const known = this.#whole.get(prosumer);
      const whole = known ?? this.#isWhole(prosumer);
      this.#whole.set(prosumer, whole);
      return whole;
    });
  }

  #isWhole(prosumer: number): boolean {
    if (this.#silent(prosumer).length > 0) return false;
    const registers = REGISTERS.map((register) => this.#register(prosumer, register));
    return registers[0] !== undefined && registers.every((slots) => !slots?.some((one) => one.quality === "missing"));
  }

  /**
   * One reading a period of every prosumer that has a point, ascending by prosumer and period. Fractions of a Wh go on
   * to the next period that is not missing, so that a session's sum is right to one Wh; a register that no source names
   * counts nothing, but who has no import register, or a point of which nothing was heard, has no readings at all; a
   * period of which any part is missing is missing.
   */
  readings(): MeterReading[] {
    const prosumers = [...this.#pointsOf.keys()].sort((a, b) => a - b);
    return prosumers.flatMap((prosumer) => this.#readingsOf(prosumer));
  }

  #readingsOf(prosumer: number): MeterReading[] {
    const { start, seconds, periods } = this.#span;
    const registers = new Map(REGISTERS.map((register) => [register, this.#register(prosumer, register, true)]));
    const named = [...registers.values()].filter((slots) => slots !== undefined);
    const silent = this.#silent(prosumer);
    for (const point of silent)
      this.notes.push(`prosumer ${prosumer}: metering point ${point} has no value: every period is missing`);
    if (silent.length === 0 && !registers.get("import"))
      this.notes.push(`prosumer ${prosumer}: no source has what it drew from the grid`);
    const known = silent.length === 0 && registers.get("import") !== undefined;
    const whole = { net: new Carry(), generation: new Carry() };
    let gap = 0;
    const readings = Array.from({ length: periods }, (_, t): MeterReading => {
      const quality = known ? named.map((slots) => slots[t].quality).reduce(worse) : ("missing" as const);
      const micro = (register: Register): bigint => registers.get(register)?.[t].microWh ?? 0n;
      const period = { prosumer, start: start + t * seconds, seconds, quality };
      if (quality === "missing") {
        gap++;
        return { ...period, meteredWh: 0, renewableWh: 0 };
      }
      const meteredWh = whole.net.take(micro("export") - micro("import"));
      return { ...period, meteredWh, renewableWh: whole.generation.take(micro("generation")) };
    });
    if (gap > 0 && known) {
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
