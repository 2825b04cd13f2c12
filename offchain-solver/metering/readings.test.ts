import { expect } from "chai";
import { collected, hour } from "../../test/support/meterFiles.ts";
import type { Quality } from "../codec/meterReading.ts";
import type { Interval } from "./intervals.ts";
import { Collected } from "./readings.ts";

describe("what was heard so far", () => {
  it("is whole once every point has said every period, not once the first has", () => {
    const all = new Collected(new Map(Object.entries({ home: 7, roof: 7 })), hour);
    const say = (point: string, register: "import" | "export"): void => {
      for (let t = 0; t < hour.periods; t++) {
        expect(all.complete(), `${point} ${t}`).to.equal(false);
        const startMs = 1000 * (hour.start + t * hour.seconds);
        const endMs = startMs + 1000 * hour.seconds;
        all.add({ point, register, startMs, endMs, quality: "measured", microWh: 10_000_000n, place: "a message" });
      }
    };
    say("home", "import");
    say("roof", "export");
    expect(all.complete()).to.equal(true);
  });
});

describe("a metering point", () => {
  const of = (point: string, register: "import" | "export", minutes: number, wh: number): Interval[] =>
    Array.from({ length: 60 / minutes }, (_, k) => {
      const startMs = 1000 * hour.start + 60_000 * minutes * k;
      const endMs = startMs + 60_000 * minutes;
      const microWh = BigInt(wh) * 1_000_000n;
      return { point, register, startMs, endMs, microWh, quality: "measured", place: `${point} ${minutes} ${k}` };
    });
  const as = (quality: Quality, intervals: readonly Interval[]): Interval[] =>
    intervals.map((one) => ({ ...one, quality, microWh: quality === "missing" ? 0n : one.microWh }));
  const home = of("home", "import", 60, 1000);
  const quarters = of("home", "import", 15, 250);

  it("of which nothing is heard leaves its prosumer's readings missing, and is named", () => {
    const silent = collected(hour, home, { home: 7, roof: 7 });
    expect(silent.readings).to.deep.equal(["0 0 missing"]);
    expect(silent.notes).to.deep.equal(["prosumer 7: metering point roof has no value: every period is missing"]);
    const other = { ...of("roof", "export", 60, 400)[0], startMs: 0, endMs: 3_600_000 };
    expect(collected(hour, [...home, other], { home: 7, roof: 7 })).to.deep.equal(silent);
    expect(collected(hour, [...home, ...of("roof", "export", 60, 400)], { home: 7, roof: 7 }).readings[0]).to.equal(
      "-600 0 measured",
    );
  });

  it("of panels generated what it fed in, unless it says itself what it generated", () => {
    const roof = of("roof", "export", 60, 400);
    const points = { home: 7, roof: 7 };
    expect(collected(hour, [...home, ...roof], points, ["roof"]).readings).to.deep.equal(["-600 400 measured"]);
    const said = roof.map((one): Interval => ({ ...one, register: "generation", microWh: 450_000_000n }));
    expect(collected(hour, [...home, ...roof, ...said], points, ["roof"]).readings).to.deep.equal([
      "-600 450 measured",
    ]);
  });

  const other = of("home", "import", 15, 187);
  const overlaps: readonly [what: string, intervals: readonly Interval[], reading: string, notes: number][] = [
    ["an hour and its own quarters", [...home, ...quarters], "-1000 0 measured", 0],
    ["a measured hour after estimated quarters", [...as("estimated", other), ...home], "-1000 0 measured", 0],
    ["measured quarters after an estimated hour", [...as("estimated", home), ...other], "-748 0 measured", 0],
    [
      "an estimated hour and quarters of which one is missing",
      [...as("estimated", home), ...other.slice(1), ...as("missing", other.slice(0, 1))],
      "-1000 0 estimated",
      0,
    ],
    ["a missing hour and measured quarters", [...as("missing", home), ...other], "-748 0 measured", 0],
    ["an hour and quarters of another sum", [...home, ...other], "-1000 0 measured", 1],
    ["quarters and an hour of another sum", [...other, ...home], "-748 0 measured", 1],
    [
      "half an hour, and quarters of the rest of it and beyond",
      [...of("home", "import", 30, 500).slice(0, 1), ...quarters.slice(1)],
      "-1000 0 measured",
      0,
    ],
  ];
  for (const [what, intervals, reading, notes] of overlaps)
    it(`counts one time once of ${what}`, () => {
      const read = collected(hour, intervals);
      expect(read.readings).to.deep.equal([reading]);
      expect(read.notes, read.notes.join("\n")).to.have.length(notes);
      for (const one of read.notes) expect(one).to.match(/import of home from .* another sum .*, which stand$/);
    });
});
