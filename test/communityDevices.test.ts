import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { exampleFiles } from "../offchain-solver/scenarios/community/example.ts";
import { loadCommunity } from "../offchain-solver/scenarios/community/loadCommunity.ts";
import { scenarioFaults } from "../offchain-solver/market/scenario/scenarioFaults.ts";
import { write } from "./support/spoiltCommunities.ts";

const base = mkdtempSync(join(tmpdir(), "gridpact-devices-"));
const streetFrom = (timeZone: string, from: string, members: string, yaml = ""): string => {
  const files = new Map(exampleFiles({ timeZone, from, days: 16, minutes: 15, homes: 2 }));
  files.set("members.csv", members);
  files.set("community.yaml", `${files.get("community.yaml")!}${yaml}`);
  return write(join(base, `${timeZone.replace("/", "-")}-${from}-${members.length}`), files);
};
const MEMBERS = [
  "id,bus,pvKw,evKw,evKwh,evFrom,evTo,evDays,heatPumpKw,heats",
  "H01,3,9.6,3.7,12,18:00,07:00,workdays,,",
  "H02,4,5.2,,,,,,4,rooms",
].join("\n");
const local = (timeZone: string, ms: number): string =>
  new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", minute: "2-digit" }).format(ms);

describe("cars and heat pumps of a community", function () {
  this.timeout(300_000);

  for (const [timeZone, from, date, periods] of [
    ["Europe/Vienna", "2026-03-17", "2026-03-31", 96],
    ["Europe/Vienna", "2026-03-13", "2026-03-29", 92],
    ["Europe/Vienna", "2026-10-09", "2026-10-25", 100],
    ["America/Los_Angeles", "2026-10-16", "2026-11-01", 100],
  ] as const)
    it(`need what they need by the clock of ${timeZone} on ${date}`, async () => {
      const { scenario } = await loadCommunity(streetFrom(timeZone, from, MEMBERS, "\noutsideC: 5\n"), date);
      expect(scenario.hours).to.equal(periods);
      expect(scenarioFaults(scenario)).to.deep.equal([]);
      const { powerMw, leastMwh, mostMwh } = scenario.prosumers[0].vehicle!;
      const clock = powerMw.map((_, t) => local(timeZone, Date.parse(scenario.startUtc) + t * 900_000));
      const weekday = new Date(`${date}T00:00:00Z`).getUTCDay();
      const [nightBefore, evening] = [weekday >= 2 && weekday <= 6, weekday >= 1 && weekday <= 5];
      // There until seven and from six on, where the evening it came on was a working day's.
      powerMw.forEach((mw, t) => {
        const there = (clock[t] < "07:00" && nightBefore) || (clock[t] >= "18:00" && evening);
        expect(mw, clock[t]).to.equal(there ? 0.0037 : 0);
      });
      const last = clock.lastIndexOf("06:45");
      if (nightBefore) expect([leastMwh[last - 1], leastMwh[last]]).to.deep.equal([0, mostMwh[0]]);
      expect(mostMwh.at(-1)! - mostMwh[last]).to.be.closeTo(evening ? 0.012 : 0, 1e-12);
      expect(scenario.prosumers[1].heatPump!.aroundC).to.deep.equal(new Array(periods).fill(5));
    });

  it("leave for after midnight what full power can still make up for", async () => {
    const tight = MEMBERS.replace(",12,18:00,07:00,", ",30,20:00,05:15,");
    const { scenario } = await loadCommunity(
      streetFrom("Europe/Vienna", "2026-03-17", tight, "\noutsideC: 5\n"),
      "2026-03-31",
    );
    const { leastMwh, mostMwh } = scenario.prosumers[0].vehicle!;
    const tonight = mostMwh.at(-1)! - mostMwh[40];
    expect(tonight).to.be.closeTo(0.03, 1e-12);
    // 30 kWh, of which 5.25 hours of 3.7 kW, nine tenths of them in the battery, can wait.
    expect(leastMwh.at(-1)! - leastMwh[40]).to.be.closeTo(0.03 - 5.25 * 0.0037 * 0.9, 1e-12);
  });

  it("heat by the month's temperature, and no further than is comfortable", async () => {
    const months = "\noutsideC: [-3, 0, 4, 9, 14, 18, 30, 19, 15, 9, 3, -1]\n";
    const around = async (from: string, date: string) =>
      (await loadCommunity(streetFrom("Europe/Vienna", from, MEMBERS, months), date)).scenario.prosumers[1].heatPump!
        .aroundC[50];
    expect(await around("2026-01-10", "2026-01-26")).to.equal(-3);
    expect(await around("2026-07-10", "2026-07-26")).to.equal(22);
  });
});
