import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import type { ClearingJson } from "../offchain-solver/records/clearingJson.ts";
import type { AuditJson, SettlementJson } from "../offchain-solver/records/sessionJson.ts";
import { exampleFiles } from "../offchain-solver/scenarios/community/example.ts";
import { write } from "./support/spoiltCommunities.ts";

const main = fileURLToPath(new URL("../offchain-solver/cli/main.ts", import.meta.url));

describe("a community's session in quarter-hours", function () {
  this.timeout(300_000);
  const base = mkdtempSync(join(tmpdir(), "gridpact-community-"));
  const session = join(base, "out", "Lindenstrasse-2026-10-25-5h");
  let printed = "";
  const read = (name: string): string => readFileSync(join(session, name), "utf8");

  // Five hours of the night in which the clocks go back.
  before(() => {
    const folder = write(
      join(base, "street"),
      exampleFiles({ timeZone: "Europe/Vienna", from: "2026-10-05", days: 20, minutes: 15, homes: 6 }),
    );
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [main, "run", folder, "--date", "2026-10-25", "--hours", "5", "--out", join(base, "out")],
      { encoding: "utf8", cwd: base },
    );
    expect(status, stderr).to.equal(0);
    printed = stdout;
  });

  it("is settled and found valid", () => {
    const audit = JSON.parse(read("public/audit.json")) as AuditJson;
    expect(audit.verdicts.map(({ verdict }) => verdict)).to.deep.equal(["valid"]);
  });

  it("has bills that are the ledger's to the last unit", () => {
    const { prosumers, quantised } = JSON.parse(read("private/clearing.json")) as ClearingJson;
    const { accounts } = JSON.parse(read("public/settlement.json")) as SettlementJson;
    const money = new Map(accounts.map(({ account, moneyNano }) => [account, BigInt(moneyNano)]));
    const paid = new Map<number, bigint>();
    for (const { seller, buyer, quantity, price } of quantised.trades) {
      const value = BigInt(quantity) * BigInt(price);
      paid.set(buyer, (paid.get(buyer) ?? 0n) + value);
      paid.set(seller, (paid.get(seller) ?? 0n) - value);
    }
    prosumers.forEach(({ id, payment }, k) => {
      expect(-money.get(id)!, `member ${id}`).to.equal(paid.get(k) ?? 0n);
      const bill = payment.energy + payment.reserve + payment.carbon + payment.network;
      expect(Math.round(bill * 1e9), `member ${id}`).to.be.closeTo(Number(paid.get(k) ?? 0n), 2);
    });
    expect([...money.values()].reduce((a, b) => a + b, 0n)).to.equal(0n);
  });

  it("keeps names, devices, costs and schedules out of what may be published", () => {
    expect(readdirSync(session).sort()).to.deep.equal(["private", "public"]);
    const open = readdirSync(join(session, "public"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
      .join("\n");
    const secrets = [
      "Bakery Moser",
      "Huber",
      "H02",
      "fixedMw",
      "forecastMw",
      "storedMwh",
      "wearPerMwh",
      "powerMw",
      "ratingMw",
      "discomfort",
    ];
    for (const secret of secrets) {
      expect(open, secret).not.to.include(secret);
      expect(
        read("private/scenario.json") + read("private/clearing.json") + read("private/community.json"),
        secret,
      ).to.include(secret);
    }
  });

  it("is told in names, kWh, euros and the local clock, a doubled hour twice", () => {
    expect(printed).to.include("Bakery Moser").and.include("ct");
    const report = read("private/report.html");
    for (const text of ["Bakery Moser", "Family Novak", "Europe/Vienna", "ct/kWh", "25 October 2026"])
      expect(report).to.include(text);
    expect(report).not.to.match(/\$\/|¢|UTC/);
    const shown = report.replace(/<(script|style)[^]*?<\/\1>/g, "").replace(/<[^>]*>/g, " ");
    expect(shown).not.to.match(/MWh/);
    expect(shown.match(/.{20}prosumer.{20}/gi) ?? []).to.deep.equal([]);
    const member = read("private/members/H02.html");
    expect(member.match(/>02:00–02:15</g)).to.have.length(2);
    expect(member).to.include("Family Huber").and.include("By the plain tariff");
    expect(readdirSync(join(session, "private/members"))).to.have.length(6);
  });
});
