/** A day that is longer than a transaction may be: several sessions, one day. Homes with cars and heat pumps. */
import { cpSync, existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { runFromTo } from "../offchain-solver/cli/run.ts";
import type { Scenario } from "../offchain-solver/market/scenario/scenario.ts";
import type { ClearingJson } from "../offchain-solver/records/clearingJson.ts";
import type { MonthJson } from "../offchain-solver/records/monthJson.ts";
import type { AuditJson, SettlementJson } from "../offchain-solver/records/sessionJson.ts";
import { exampleFiles } from "../offchain-solver/scenarios/community/example.ts";
import { captured } from "./support/commandLine.ts";
import { RUN, servedMonth } from "./support/servedMonth.ts";
import { write } from "./support/spoiltCommunities.ts";

const DATE = "2026-06-14";

/** A car and a tank at the first home, both of use in the middle of the day. */
function withHomeDevices(files: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const lines = files.get("members.csv")!.split("\n");
  const wide = lines.map((line) => {
    if (line.startsWith("id,")) return `${line},evKw,evKwh,evFrom,evTo,heatPumpKw`;
    return line.startsWith("H01,") ? `${line},3.7,9,09:00,18:00,1.5` : /^H/.test(line) ? `${line},,,,,` : line;
  });
  return new Map([...files, ["members.csv", wide.join("\n")]]);
}

describe("a day that is longer than a transaction may be", function () {
  this.timeout(300_000);
  const base = mkdtempSync(join(tmpdir(), "gridpact-parts-"));
  const out = join(base, "out");
  const day = join(out, `Lindenstrasse-${DATE}-24h`);
  const read = <T>(...names: string[]): T => JSON.parse(readFileSync(join(day, ...names), "utf8")) as T;
  let month: Awaited<ReturnType<typeof servedMonth>>;
  let parts: string[];

  before(async () => {
    const files = exampleFiles({ timeZone: "Europe/Vienna", from: "2026-06-01", days: 14, minutes: 60, homes: 3 });
    const folder = write(join(base, "street"), withHomeDevices(files));
    month = await servedMonth(DATE);
    await runFromTo(folder, { ...RUN, from: DATE, to: DATE, out, vat: 20, mostBytes: 2_000 }, month.open);
    parts = readdirSync(day).filter((name) => name.startsWith("session-"));
  });
  after(async () => {
    await month?.close();
    rmSync(base, { recursive: true, force: true });
  });

  it("settles in sessions that follow each other without a gap, each within the limit and valid", () => {
    expect(parts.length).to.be.within(2, 6);
    let next = Date.parse(read<Scenario>("private/scenario.json").startUtc);
    for (const part of parts) {
      const { startUtc, hours } = read<Scenario>(part, "private/scenario.json");
      expect(Date.parse(startUtc)).to.equal(next);
      next += hours * 3_600_000;
      expect(read<SettlementJson>(part, "public/settlement.json").bytes).to.be.below(2_000);
      expect(read<AuditJson>(part, "public/audit.json").verdicts.map(({ verdict }) => verdict)).to.deep.equal([
        "valid",
      ]);
    }
    expect(next - Date.parse(read<Scenario>("private/scenario.json").startUtc)).to.equal(24 * 3_600_000);
  });

  it("carries batteries, cars and tanks from one to the next, and each has by the day's end what the day asks for", () => {
    const { prosumers } = read<Scenario>("private/scenario.json");
    const { prosumers: done } = read<ClearingJson>("private/clearing.json");
    const k = prosumers.findIndex(({ battery }) => battery !== undefined);
    const { battery } = prosumers[k];
    expect(done[k].schedule.storedMwh.at(-1)).to.be.at.least(battery!.initialMwh - 1e-9);
    // Sun is stored in one session and used in another: no session closes by itself.
    let stored = battery!.initialMwh;
    done[k].schedule.storedMwh.forEach((mwh, t) => {
      const { chargeMw, dischargeMw } = done[k].schedule;
      stored += battery!.efficiency * chargeMw[t] - dischargeMw[t] / battery!.efficiency;
      expect(Math.abs(mwh - stored), `hour ${t}`).to.be.below(1e-7);
    });
    const ends = parts.map((part) =>
      read<ClearingJson>(part, "private/clearing.json").prosumers[k].schedule.storedMwh.at(-1)!,
    );
    expect(Math.max(...ends.map((end) => Math.abs(end - battery!.initialMwh)))).to.be.above(1e-4);
    const { vehicle, heatPump } = prosumers[0];
    const { chargedMwh, vehicleMw, heatMwh } = done[0].schedule;
    chargedMwh!.forEach((mwh, t) => {
      const beyond = Math.max(vehicle!.leastMwh[t] - mwh, mwh - vehicle!.mostMwh[t]);
      expect(beyond, `charged by hour ${t}`).to.be.below(1e-7);
    });
    const drawn = vehicleMw!.reduce((a, b) => a + b, 0);
    expect(Math.abs(vehicle!.efficiency * drawn - 0.009)).to.be.below(1e-6);
    expect(heatMwh!.at(-1)).to.be.at.least(heatPump!.storeMwhPerC * (heatPump!.initialC - heatPump!.lowC) - 1e-7);
  });

  it("costs what the day planned as one session costs, but for what allowances cost in several", async () => {
    const { objective, prosumers, quantised } = read<ClearingJson>("private/clearing.json");
    const { stdout } = await captured("clear", join(base, "street"), "--date", DATE, "--json", "-");
    const clearing = JSON.parse(stdout) as ClearingJson;
    expect(objective).to.be.within(clearing.objective - 1e-4, clearing.objective * 1.02);
    expect(prosumers.length).to.equal(quantised.participants.length);
  });

  it("is audited as one folder: every session, the day's report, and bills that add up to the ledger", async () => {
    const { code, stderr } = await captured("audit", out, "--rpc", month.url);
    expect(code, stderr).to.equal(0);
    const bills = globSync(`${out}/*/private/bills/*.json`);
    expect(bills).to.have.length(3);
    const told = JSON.parse(readFileSync(globSync(`${out}/*/private/month.json`)[0], "utf8")) as MonthJson;
    for (const { id, paidNano } of told.members) {
      const prosumer = Number(id.slice(1));
      const settled = parts.map((part) =>
        BigInt(
          read<SettlementJson>(part, "public/settlement.json").accounts.find(({ account }) => account === prosumer)!
            .moneyNano,
        ),
      );
      expect(BigInt(paidNano), id).to.equal(-settled.reduce((a, b) => a + b, 0n));
    }
  });

  it("is not valid any more with a day's file that is not its sessions'", async () => {
    const other = join(base, "other");
    cpSync(out, other, { recursive: true });
    const file = join(other, `Lindenstrasse-${DATE}-24h`, "private/clearing.json");
    const clearing = JSON.parse(readFileSync(file, "utf8")) as ClearingJson;
    clearing.prosumers[0].payment.energy += 0.01;
    writeFileSync(file, JSON.stringify(clearing));
    const { code, stdout, stderr } = await captured("audit", other, "--rpc", month.url);
    expect(code).to.equal(4);
    expect(stdout + stderr).to.include("dayNotItsSessions");
  });

  it("has one report and a page for each member, in names and local time", () => {
    const report = readFileSync(join(day, "private/report.html"), "utf8");
    for (const text of ["Bakery Moser", "Europe/Vienna", `trades in ${parts.length} transactions`])
      expect(report).to.include(text);
    expect(existsSync(join(day, "private/members/H01.html"))).to.equal(true);
    expect(readdirSync(day).sort()).to.deep.equal(["private", "public", ...parts]);
    expect(readdirSync(join(day, "public"))).to.deep.equal(["audit.json"]);
  });
});
