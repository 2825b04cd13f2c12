/** A day in several sessions of which the second comes to nothing: what is told of it, billed, audited, handed on. */
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { expect } from "chai";
import { Exit } from "../offchain-solver/cli/exit.ts";
import { runFromTo } from "../offchain-solver/cli/run.ts";
import { SessionRefused } from "../offchain-solver/devnet/refused.ts";
import { SessionSeries } from "../offchain-solver/devnet/series.ts";
import type { Scenario } from "../offchain-solver/market/scenario/scenario.ts";
import { BillJsonSchema } from "../offchain-solver/records/billJson.ts";
import type { ClearingJson } from "../offchain-solver/records/clearingJson.ts";
import type { MonthJson } from "../offchain-solver/records/monthJson.ts";
import type { SettlementJson } from "../offchain-solver/records/sessionJson.ts";
import { exampleFiles } from "../offchain-solver/scenarios/community/example.ts";
import { captured } from "./support/commandLine.ts";
import { RUN, servedMonth } from "./support/servedMonth.ts";
import { write } from "./support/spoiltCommunities.ts";

const [DATE, NEXT] = ["2026-06-12", "2026-06-13"];
const HOURS = 10;

/** Lets the first `good` sessions be, and those of a whole day that do not fit; the next one is refused. */
function refuseAfter(good: number): () => void {
  const { settle } = SessionSeries.prototype;
  let [settled, refused] = [0, false];
  SessionSeries.prototype.settle = async function (...of: Parameters<typeof settle>) {
    if (settled === good && !refused) {
      refused = true;
      throw new SessionRefused("infeasible", "a line is down");
    }
    const done = await settle.apply(this, of);
    settled++;
    return done;
  };
  return () => void (SessionSeries.prototype.settle = settle);
}

describe("a day of which a part settled", function () {
  this.timeout(300_000);
  const base = mkdtempSync(join(tmpdir(), "gridpact-broken-"));
  const out = join(base, "out");
  const read = <T>(pattern: string): T => JSON.parse(readFileSync(globSync(join(out, pattern))[0], "utf8")) as T;
  let served: Awaited<ReturnType<typeof servedMonth>>;
  let ended: unknown;
  let month: MonthJson;

  before(async () => {
    const files = exampleFiles({ timeZone: "Europe/Vienna", from: "2026-06-01", days: 14, minutes: 60, homes: 3 });
    const folder = write(join(base, "street"), files);
    served = await servedMonth(DATE);
    const restore = refuseAfter(1);
    const args = { ...RUN, hours: HOURS, from: DATE, to: NEXT, out, vat: 0, mostBytes: 1_100 };
    try {
      ended = await runFromTo(folder, args, served.open).catch((error: unknown) => error);
    } finally {
      restore();
    }
    month = read<MonthJson>("*-to-*/private/month.json");
  });
  after(async () => {
    await served?.close();
    rmSync(base, { recursive: true, force: true });
  });

  it("is told as what it is: the hours that settled, and why the others did not", () => {
    expect(ended).to.be.instanceOf(Exit);
    expect((ended as Exit).code).to.equal(3);
    const [broken, next] = month.days;
    const part = read<Scenario>(`*-${DATE}-*h/private/scenario.json`);
    expect(part.hours).to.be.within(1, HOURS - 1);
    expect([broken.settled, broken.settledHours]).to.deep.equal([false, part.hours]);
    expect(broken.verdict).to.include("a line is down");
    expect(broken.loadKwh > 0 && broken.loadKwh < next.loadKwh).to.equal(true);
    expect([next.settled, next.settledHours, next.verdict]).to.deep.equal([true, undefined, "valid"]);
    const html = readFileSync(globSync(join(out, "*-to-*/private/month.html"))[0], "utf8");
    expect(html).to.include(`first ${part.hours} h settled`).and.to.include("and part of 1");
  });

  it("is in what members paid, to the last unit", () => {
    const paid = new Map<string, bigint>();
    const settlements = globSync(join(out, "**/settlement.json"));
    expect(settlements.length).to.be.above(2);
    for (const file of settlements)
      for (const { account, moneyNano } of (JSON.parse(readFileSync(file, "utf8")) as SettlementJson).accounts) {
        const id = `H0${account}`;
        if (typeof account === "number") paid.set(id, (paid.get(id) ?? 0n) - BigInt(moneyNano));
      }
    expect(month.members).to.have.length(3);
    for (const { id, paidNano } of month.members) expect(paidNano, id).to.equal(paid.get(id)!.toString());
  });

  it("hands on what batteries held when its last session ended", () => {
    const { prosumers } = read<ClearingJson>(`*-${DATE}-*h/private/clearing.json`);
    const before = read<Scenario>(`*-${DATE}-*h/private/scenario.json`);
    const next = read<Scenario>(`*-${NEXT}-*h/private/scenario.json`);
    const k = before.prosumers.findIndex(({ battery }) => battery !== undefined);
    const left = prosumers[k].schedule.storedMwh.at(-1)!;
    expect(Math.abs(left - before.prosumers[k].battery!.initialMwh)).to.be.above(1e-5);
    expect(Math.abs(next.prosumers[k].battery!.initialMwh - left)).to.be.below(1e-11);
  });

  it("is billed at the tariff for the rest, which an auditor makes again from the meters and the frozen terms", async () => {
    const part = read<Scenario>(`*-${DATE}-*h/private/scenario.json`);
    const from = Date.parse(part.startUtc) / 1000 + part.hours * 3_600;
    const bills = globSync(join(out, "**/bills/*.json")).map((file) =>
      BillJsonSchema.parse(JSON.parse(readFileSync(file, "utf8"))),
    );
    for (const { lines, prosumer } of bills) {
      const ofRest = lines.filter(({ batch }) => batch === undefined);
      expect(new Set(ofRest.map(({ start }) => start)), `${prosumer}`).to.deep.equal(new Set([from]));
    }
    const voided = globSync(join(out, "*-void"));
    expect(voided.map((folder) => basename(folder))).to.deep.equal([
      `Lindenstrasse-${DATE}-${HOURS - part.hours}h-void`,
    ]);
    const { code, stdout, stderr } = await captured("audit", out, "--rpc", served.url);
    expect(code, stderr).to.equal(0);
    expect(stdout).to.include("files beside the chain: valid");
  });
});
