import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { exampleFiles } from "./example.ts";
import { loadCommunity } from "./loadCommunity.ts";

const FROM = "2026-03-20";

/** What a community of four homes, with ten days of series, says of a date; undefined where it can be cleared. */
async function refusal(date: string | undefined, spoil = (text: string): string => text, timeZone = "Europe/Vienna") {
  const folder = mkdtempSync(join(tmpdir(), "gridpact-days-"));
  try {
    for (const [name, text] of exampleFiles({ timeZone, from: FROM, days: 10, minutes: 60, homes: 4 })) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), name === "community.yaml" ? spoil(text) : text);
    }
    await loadCommunity(folder, date);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("a date that a community is asked for", function () {
  this.timeout(60_000);

  it("is told the days that can be cleared where nothing is known of it, and why", async () => {
    for (const date of ["2025-01-01", "2030-01-01", FROM]) {
      const text = await refusal(date);
      expect(text, date).to.match(
        new RegExp(`^--date ${date}: .*days that can be: (\\d{4}-\\d\\d-\\d\\d) to (\\d{4}-\\d\\d-\\d\\d) \\(.*pv.csv`),
      );
      const [, first, last] = /can be: ([\d-]+) to ([\d-]+)/.exec(text!)!;
      for (const known of [first, last]) expect(await refusal(known), known).to.equal(undefined);
      const day = (at: string, by: number) => new Date(Date.parse(at) + by * 86_400_000).toISOString().slice(0, 10);
      for (const beside of [day(first, -1), day(last, 1)])
        expect(await refusal(beside)).to.include(`--date ${beside}:`);
    }
  });

  it("is cleared on the day of 23 hours, and the first after the series where none is named", async () => {
    expect(await refusal("2026-03-29")).to.equal(undefined);
    expect(await refusal(undefined)).to.equal(undefined);
  });

  it("is refused by itself where it is no date, and where the zone's clock leaves the day out", async () => {
    for (const date of ["2026-02-30", "26-3-29", "2026-3-29", "today", ""])
      expect(await refusal(date), date).to.equal(`--date ${date}: is no date such as 2026-07-15`);
    expect(await refusal("2011-12-30", undefined, "Pacific/Apia")).to.equal(
      "--date 2011-12-30: the clock of Pacific/Apia leaves that day out",
    );
  });
});
