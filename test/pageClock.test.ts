import { expect } from "chai";
import { Temporal } from "temporal-polyfill";
import { beginnings, boundaries, moment } from "../app/src/shown/format.ts";

/** [zone, day, hours that it has, what it has twice or never] */
const DAYS = [
  ["Europe/Vienna", "2026-03-29", 23, "02:00"],
  ["Europe/Vienna", "2026-10-25", 25, "02:00"],
  ["Europe/Zurich", "2026-10-25", 25, "02:00"],
  ["America/Los_Angeles", "2026-03-08", 23, "02:00"],
  ["America/Los_Angeles", "2026-11-01", 25, "01:00"],
  ["Australia/Lord_Howe", "2026-04-05", 24.5, "01:30"],
  ["Asia/Kolkata", "2026-10-25", 24, undefined],
] as const;

describe("the page's clock", () => {
  for (const [timeZone, date, hours, odd] of DAYS)
    for (const minutes of [60, 15])
      it(`tells each period of ${date} in ${timeZone} once, in ${minutes} minutes`, () => {
        const midnight = Temporal.PlainDate.from(date).toZonedDateTime({ timeZone });
        const periods = Math.floor((60 * hours) / minutes);
        const start = BigInt(midnight.epochMilliseconds / 1000);
        const span = { start, periodSeconds: 60 * minutes, periods };
        const names = beginnings({ timeZone }, span);
        expect(names).to.have.length(periods);
        expect(new Set(names).size, names.join(" ")).to.equal(periods);
        names.forEach((name, k) => {
          const at = midnight.add({ minutes: k * minutes });
          expect(name.slice(0, 5)).to.equal(at.toPlainTime().toString().slice(0, 5));
        });
        const with2 = names.filter((name) => name.length > 5);
        if (hours === 25) expect(with2).to.have.length(2 * (60 / minutes));
        if (hours <= 24) expect(with2).to.deep.equal([]);
        if (hours === 23) expect(names).to.not.include(odd);
        if (hours === 25) expect(names.filter((name) => name.startsWith(odd!))).to.have.length(2);
        expect(boundaries({ timeZone }, span)).to.have.length(periods + 1);
      });

  it("says which of two hours it is", () => {
    const start = BigInt(Date.parse("2026-10-24T22:00:00Z") / 1000);
    const names = boundaries({ timeZone: "Europe/Vienna" }, { start, periodSeconds: 3600, periods: 25 });
    expect(names.slice(1, 5)).to.deep.equal(["01:00", "02:00 CEST", "02:00 CET", "03:00"]);
    expect(names.at(-1)).to.equal("00:00");
    expect(moment({ timeZone: "Europe/Vienna" }, Number(start))).to.equal("25 Oct 2026, 00:00");
  });
});
