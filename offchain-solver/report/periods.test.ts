import { expect } from "chai";
import { clockOf, lengthName, periodName, timeAxis } from "./periods.ts";

const day = { startUtc: "2021-07-15T08:00:00Z", hours: 24, periodHours: 1 };
const half = { startUtc: "2021-07-15T08:30:00Z", hours: 4, periodHours: 0.5 };
const quarter = { startUtc: "2021-07-15T23:45:00Z", hours: 3, periodHours: 0.25 };

describe("a period", () => {
  it("is named by when it begins and ends", () => {
    expect([0, 1, 3].map((t) => periodName(half, t))).to.deep.equal(["08:30–09:00", "09:00–09:30", "10:00–10:30"]);
    expect(periodName({ ...half, hours: 1, periodHours: 1 / 60 }, 0)).to.equal("08:30–08:31");
  });

  it("names its date where the session runs over midnight, and only there", () => {
    expect([0, 1].map((t) => periodName(quarter, t))).to.deep.equal(["15 July, 23:45–00:00", "16 July, 00:00–00:15"]);
    expect(periodName(day, 16)).to.equal("16 July, 00:00–01:00");
    expect(periodName({ ...quarter, hours: 1 }, 0)).to.equal("23:45–00:00");
  });

  it("shows seconds only where there are some", () => {
    expect(clockOf({ ...day, startUtc: "2021-07-15T08:00:30Z" }, 0)).to.equal("08:00:30");
    expect([1, 0.5, 0.25, 2].map(lengthName)).to.deep.equal(["1 h", "30 min", "15 min", "2 h"]);
  });
});

describe("the time axis", () => {
  const ticks = (times: typeof day, width: number): string[] => {
    const axis = timeAxis(times, width);
    return (axis.ticks as number[]).map((hours) => (axis.tickFormat as (h: number) => string)(hours));
  };

  it("ends where the session ends", () => {
    expect([day, half, quarter].map((times) => timeAxis(times, 500).domain)).to.deep.equal([
      [0, 24],
      [0, 2],
      [0, 0.75],
    ]);
  });

  it("stands on round times of the clock, as many as have room", () => {
    expect(ticks(half, 300)).to.deep.equal(["08:30", "09:00", "09:30", "10:00", "10:30"]);
    expect(ticks(quarter, 300)).to.deep.equal(["23:45", "00:00", "00:15", "00:30"]);
    expect(ticks(day, 400)).to.deep.equal(["08:00", "12:00", "16:00", "20:00", "00:00", "04:00", "08:00"]);
    expect(ticks({ ...day, startUtc: "2021-07-15T07:20:00Z" }, 250)).to.deep.equal([
      "12:00",
      "18:00",
      "00:00",
      "06:00",
    ]);
  });

  it("has room for every tick, 62 px each, for sessions of every length", () => {
    for (const width of [250, 488, 1068])
      for (const hours of [1, 2, 7, 24, 48, 63, 96, 288])
        for (const periodHours of [1, 0.5, 0.25, 1 / 12]) {
          const times = { ...day, hours, periodHours };
          expect(ticks(times, width).length).to.be.at.most(Math.max(2, Math.floor(width / 62)) + 1);
          expect(ticks(times, width).length).to.be.at.least(1);
        }
  });
});
