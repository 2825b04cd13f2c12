import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import type { Scenario } from "../offchain-solver/market/scenario/scenario.ts";
import type { ClearingJson } from "../offchain-solver/records/clearingJson.ts";
import type { MonthJson } from "../offchain-solver/records/monthJson.ts";
import type { SettlementJson } from "../offchain-solver/records/sessionJson.ts";
import { exampleFiles } from "../offchain-solver/scenarios/community/example.ts";
import { write } from "./support/spoiltCommunities.ts";

const main = fileURLToPath(new URL("../offchain-solver/cli/main.ts", import.meta.url));
const DATES = ["2026-06-14", "2026-06-15", "2026-06-16"];

/** The bakery gets a car that stands there over night, and a tank. */
function withHomeDevices(files: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const lines = files.get("members.csv")!.split("\n");
  const wide = lines.map((line) => {
    if (line.startsWith("id,")) return `${line},evKw,evKwh,evFrom,evTo,heatPumpKw`;
    return line.startsWith("H01,") ? `${line},3.7,12,18:00,07:00,1.5` : /^H/.test(line) ? `${line},,,,,` : line;
  });
  return new Map([...files, ["members.csv", wide.join("\n")]]);
}

describe("a community's days, one after another", function () {
  this.timeout(400_000);
  const base = mkdtempSync(join(tmpdir(), "gridpact-days-"));
  const read = <T>(name: string): T => JSON.parse(readFileSync(join(base, "out", name), "utf8")) as T;
  const day = <T>(date: string, name: string): T => read<T>(`Lindenstrasse-${date}-4h/${name}`);
  let month: MonthJson;

  before(() => {
    const files = exampleFiles({ timeZone: "Europe/Vienna", from: "2026-06-01", days: 12, minutes: 60, homes: 3 });
    const folder = write(join(base, "street"), withHomeDevices(files));
    const [from, , to] = DATES;
    const args = ["run", folder, "--from", from, "--to", to, "--hours", "4", "--out", join(base, "out")];
    const { status, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: "utf8", cwd: base });
    expect(status, stderr).to.equal(0);
    month = read<MonthJson>("Lindenstrasse-2026-06-14-to-2026-06-16/private/month.json");
  });

  it("are all settled and valid", () => {
    expect(month.days.map(({ date, verdict }) => [date, verdict])).to.deep.equal(DATES.map((date) => [date, "valid"]));
  });

  it("hand what batteries hold from one to the next", () => {
    const scenarios = DATES.map((date) => day<Scenario>(date, "private/scenario.json"));
    const clearings = DATES.map((date) => day<ClearingJson>(date, "private/clearing.json"));
    const owner = scenarios[0].prosumers.findIndex(({ battery }) => battery !== undefined);
    for (const k of [1, 2]) {
      const ended = clearings[k - 1].prosumers[owner].schedule.storedMwh.at(-1)!;
      expect(Math.abs(scenarios[k].prosumers[owner].battery!.initialMwh - ended)).to.be.below(1e-11);
    }
  });

  it("hand on what a car still lacks at the end, and how warm a tank is", () => {
    const scenarios = DATES.map((date) => day<Scenario>(date, "private/scenario.json"));
    const clearings = DATES.map((date) => day<ClearingJson>(date, "private/clearing.json"));
    const owner = scenarios[0].prosumers.findIndex(({ vehicle }) => vehicle !== undefined);
    // 18:00 to 07:00: seven of thirteen hours were left at midnight, and charged evenly until then.
    expect(scenarios[0].prosumers[owner].vehicle!.mostMwh[0]).to.be.closeTo((0.012 * 7) / 13, 1e-12);
    for (const k of [1, 2]) {
      const before = scenarios[k - 1].prosumers[owner];
      const { vehicleMw, heatPumpMw } = clearings[k - 1].prosumers[owner].schedule;
      const charged = vehicleMw!.reduce((sum, mw) => sum + 0.9 * mw, 0);
      const now = scenarios[k].prosumers[owner];
      expect(now.vehicle!.mostMwh[0]).to.be.closeTo(before.vehicle!.mostMwh[3] - charged, 1e-8);
      expect(now.vehicle!.mostMwh[0]).to.be.below(before.vehicle!.mostMwh[0] + 1e-12);
      const { cop, drawnMw, lossMwPerC: loss, storeMwhPerC: store, aroundC, initialC } = before.heatPump!;
      const degrees = heatPumpMw!.reduce(
        (warm, mw, t) => (store * warm + cop[t] * mw - drawnMw[t] + loss * aroundC[t]) / (store + loss),
        initialC,
      );
      expect(now.heatPump!.initialC).to.be.closeTo(degrees, 1e-4);
    }
  });

  it("have bills that add up to the ledgers of the days, to the last unit", () => {
    const ids = new Map(
      day<{ members: { prosumer: number; id: string }[] }>(DATES[0], "private/community.json").members.map(
        ({ prosumer, id }) => [prosumer, id],
      ),
    );
    const paid = new Map<string, bigint>();
    for (const date of DATES)
      for (const { account, moneyNano } of day<SettlementJson>(date, "public/settlement.json").accounts) {
        const id = ids.get(account as number);
        if (id !== undefined) paid.set(id, (paid.get(id) ?? 0n) - BigInt(moneyNano));
      }
    expect(month.members).to.have.length(3);
    for (const { id, paidNano } of month.members) expect(paidNano, id).to.equal(paid.get(id)!.toString());
  });

  it("cost all together no more than without trade, and a home without devices what the tariff says", () => {
    const total = (of: (member: MonthJson["members"][number]) => number): number =>
      month.members.reduce((sum, member) => sum + of(member), 0);
    expect(total(({ paid, deviceCost }) => paid + deviceCost)).to.be.at.most(total(({ noTrade }) => noTrade!) + 0.002);
    const plain = month.members.find(({ id }) => id === "H03")!;
    expect(Math.abs(plain.plainTariff - plain.noTrade!)).to.be.below(0.001 + 1e-3 * plain.noTrade!);
  });

  const refused: readonly (readonly [name: string, args: readonly string[], says: string])[] = [
    ["no end", ["--from", "2026-06-14"], "--to"],
    ["an end before the beginning", ["--from", "2026-06-14", "--to", "2026-06-01"], "--to 2026-06-01"],
    ["a date that is none", ["--from", "2026-06-31", "--to", "2026-07-01"], "2026-06-31"],
    [
      "a day that nothing is known of",
      ["--from", "2026-06-14", "--to", "2026-06-30"],
      "--date 2026-06-21: nothing to forecast",
    ],
    ["another day", ["--from", "2026-06-14", "--to", "2026-06-15", "--date", "2026-06-14"], "--date"],
  ];
  for (const [name, args, says] of refused)
    it(`are refused with ${name}`, () => {
      const { status, stderr } = spawnSync(
        process.execPath,
        [main, "run", join(base, "street"), ...args, "--out", join(base, "never")],
        { encoding: "utf8" },
      );
      expect(status, stderr).to.equal(2);
      expect(stderr).to.include(says);
      expect(stderr, "before the work").not.to.include("== ");
    });
});
