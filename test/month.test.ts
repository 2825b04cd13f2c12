/** Some days in one market, and what an auditor makes of their bills, from the chain and what meters signed. */
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { writeBills } from "../offchain-solver/cli/bills.ts";
import { Exit } from "../offchain-solver/cli/exit.ts";
import { runFromTo } from "../offchain-solver/cli/run.ts";
import { SettledDays } from "../offchain-solver/cli/settledDays.ts";
import { daysOf } from "../offchain-solver/devnet/days.ts";
import { loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { BillJsonSchema, type BillJson } from "../offchain-solver/records/billJson.ts";
import { DeliveryJsonSchema, MetersJsonSchema } from "../offchain-solver/records/deliveryJson.ts";
import { SettlementJsonSchema } from "../offchain-solver/records/sessionJson.ts";
import { captured } from "./support/commandLine.ts";
import { RUN, servedMonth } from "./support/servedMonth.ts";

const read = (file: string): unknown => JSON.parse(readFileSync(file, "utf8"));

describe("days in one market, delivered and billed", function () {
  this.timeout(600_000);
  const out = mkdtempSync(join(tmpdir(), "gridpact-month-"));
  let month: Awaited<ReturnType<typeof servedMonth>>;
  let bills: BillJson[];
  const audit = (folder: string) => captured("audit", folder, "--rpc", month.url);

  before(async () => {
    month = await servedMonth("2021-07-30");
    const span = { from: "2021-07-30", to: "2021-08-01" };
    await runFromTo("ieee15", { ...RUN, hours: 2, ...span, out, vat: 20 }, month.open);
    bills = globSync(`${out}/*/bills/*.json`).map((file) => BillJsonSchema.parse(read(file)));
  });
  after(async () => {
    await month?.close();
    rmSync(out, { recursive: true, force: true });
  });

  it("has a bill for each member and month, which add up to what settled and what was delivered, to the last unit", () => {
    expect(bills.map(({ month: of }) => of).toSorted()).to.deep.equal([
      ...Array<string>(14).fill("2021-07"),
      ...Array<string>(14).fill("2021-08"),
    ]);
    const sessions = globSync(`${out}/*/settlement.json`);
    expect(sessions).to.have.length(3);
    for (const { prosumer } of bills.slice(0, 14)) {
      let received = 0;
      for (const file of sessions) {
        const { accounts } = SettlementJsonSchema.parse(read(file));
        received += accounts.find(({ account }) => account === prosumer)?.moneyNano ?? 0;
        const { members } = DeliveryJsonSchema.parse(read(file.replace("settlement", "delivery")));
        received += members.find(({ id }) => id === prosumer)!.movedNano;
      }
      const own = bills.filter((bill) => bill.prosumer === prosumer);
      const billed = own.reduce((sum, { totalNano }) => sum + BigInt(totalNano), 0n);
      expect(billed, `prosumer ${prosumer}`).to.equal(-BigInt(received));
      // Here a number of chai's is an integer.
      for (const { vat, totalNano } of own)
        expect(Math.abs(Number(vat.nano) - Number(totalNano) / 5) <= 0.5).to.equal(true);
    }
  });

  it("is reproduced by gridpact audit from the chain and the meters' files", async () => {
    const { code, stderr, stdout } = await audit(out);
    expect(code, stderr).to.equal(0);
    expect(stdout).to.include("files beside the chain: valid");
    expect(stdout.match(/final/g)).to.have.length(3);
  });

  it("is found out where a bill, a meter's file or a document of an entry is another", async () => {
    const edits: [predicate: string, file: string, edit: (text: string) => string | undefined][] = [
      ["billNotItsLines", "*/bills/2021-07-1.json", (text) => text.replace(/"totalNano": "(-?)/, '"totalNano": "$11')],
      [
        "billNotTheChain",
        "*/bills/2021-07-1.json",
        (text) => {
          const bill = BillJsonSchema.parse(JSON.parse(text));
          const [line] = bill.lines;
          line.nano = `${BigInt(line.nano) + 1n}`;
          return JSON.stringify({ ...bill, totalNano: `${BigInt(bill.totalNano) + 1n}` });
        },
      ],
      ["billMissing", "*/bills/2021-08-1.json", () => undefined],
      ["billTwice", "*/bills/2021-08-1.json", (text) => text.replace("2021-08-1", "2021-08-2")],
      ["meterNotSigned", "ieee15-2021-07-30-2h/meters.json", (text) => text.replace(/"meteredWh": \[\s*(-?)/, "$&1")],
      ["creditIssuedTwice", "ieee15-2021-07-31-2h/delivery.json", doubled],
    ];
    for (const [predicate, pattern, edit] of edits) {
      const copy = mkdtempSync(join(tmpdir(), "gridpact-month-"));
      cpSync(out, copy, { recursive: true });
      const [file] = globSync(join(copy, pattern));
      const text = edit(readFileSync(file, "utf8"));
      if (text === undefined) unlinkSync(file);
      else writeFileSync(file, text);
      const { code, stderr } = await audit(copy);
      rmSync(copy, { recursive: true });
      expect(code, `${predicate}: ${stderr}`).to.equal(4);
      expect(stderr).to.include(predicate === "billMissing" ? "billNotTheChain" : predicate);
    }
  });

  it("takes a corrected file: a new entry with its reason, and a bill that names the old one", async () => {
    const session = join(out, "ieee15-2021-07-30-2h");
    const { meters } = MetersJsonSchema.parse(read(join(session, "meters.json")));
    const delivery = DeliveryJsonSchema.parse(read(join(session, "delivery.json")));
    const own = meters.find(({ prosumer }) => prosumer === 3)!;
    const readings = own.meteredWh.map((wh, t) => ({
      ...{ prosumer: 3, start: own.start + 3600 * t, seconds: 3600, quality: "measured" },
      ...{ meteredWh: t === 0 ? wh - 5_000 : wh, renewableWh: own.renewableWh[t] },
    }));
    const file = join(out, "late.json");
    writeFileSync(file, JSON.stringify({ readings, notes: [] }));
    const reason = "the register was read again";
    const correct = ["meter", "correct", session, "--readings", file, "--reason", reason, "--rpc", month.url];
    const made = await captured(...correct);
    expect(made.code, made.stderr).to.equal(0);
    const second = DeliveryJsonSchema.parse(read(join(session, "delivery-2.json")));
    expect([second.kind, second.reason, second.follows?.entry]).to.deep.equal(["correction", reason, 1]);
    const [corrected] = globSync(`${session}/bills/*.json`)
      .map((one) => BillJsonSchema.parse(read(one)))
      .filter(({ prosumer }) => prosumer === 3);
    expect([corrected.corrects, corrected.reason]).to.deep.equal(["2021-07-3", reason]);
    // 5 kWh drawn beyond what settled, at the utility's price, with the allowances that they take.
    const shortBefore = delivery.members.find(({ id }) => id === 3)!;
    const beside = shortBefore.meteredWh[0] - shortBefore.promisedWh[0] - shortBefore.calledWh[0];
    const { shortPrice, longPrice } = delivery.prices[0];
    const long = BigInt(Math.max(0, beside));
    const drawn = (5_000n - long) * BigInt(shortPrice) + long * BigInt(longPrice);
    const energy = corrected.lines
      .filter(({ item }) => item === "short" || item === "long")
      .reduce((sum, { nano }) => sum + BigInt(nano), 0n);
    expect(energy).to.equal(drawn);
    const { code, stderr, stdout } = await audit(out);
    expect(code, stderr).to.equal(0);
    expect(stdout).to.include("correction");
    // What a folder lacks it does not contradict; a bill that is not there is one that somebody was not sent.
    const [day, forged] = ["ieee15-2021-07-30-2h", "*/bills/2021-08-1.json"];
    const lacks: [code: number, says: string, removed: readonly string[], doubled?: string][] = [
      [5, "the document of entry 2 (correction)", [`${day}/delivery-2.json`]],
      [5, "the document of entry 1 (final)", [`${day}/delivery.json`]],
      [5, "(final) of batch", [`${day}/delivery.json`, "ieee15-2021-07-31-2h/delivery.json"]],
      [4, "billNotTheChain", [`${day}/bills/2021-07-3-*.json`]],
      [4, "billNotItsLines", [`${day}/delivery.json`], forged],
    ];
    for (const [expected, says, removed, bill] of lacks) {
      const copy = mkdtempSync(join(tmpdir(), "gridpact-month-"));
      cpSync(out, copy, { recursive: true });
      for (const pattern of removed) unlinkSync(globSync(join(copy, pattern))[0]);
      if (bill !== undefined) {
        const [file] = globSync(join(copy, bill));
        writeFileSync(file, readFileSync(file, "utf8").replace(/"totalNano": "(-?)/, '"totalNano": "$11'));
      }
      const told = await audit(copy);
      rmSync(copy, { recursive: true });
      expect(told.code, `${says}: ${told.stderr}`).to.equal(expected);
      expect(told.stderr).to.include(says);
      expect(told.stderr.match(/the document of entry/g) ?? []).to.have.length(expected === 5 ? removed.length : 0);
    }
    const none = await captured(...correct.with(4, join(session, "meters.json")));
    expect(none.code).to.equal(2);
  });
});

describe("a day on which no session settles", function () {
  this.timeout(300_000);
  const out = mkdtempSync(join(tmpdir(), "gridpact-void-"));
  const scenario = takeHours(loadScenario("ieee15"), 1);
  const [voided, next] = daysOf(scenario, 2, (day) => takeHours(day, 1));
  let month: Awaited<ReturnType<typeof servedMonth>>;
  let bills: readonly BillJson[];
  const audit = (folder: string) => captured("audit", folder, "--rpc", month.url);

  before(async () => {
    month = await servedMonth(voided.startUtc);
    const args = { ...RUN, out, vat: 0, maxIterations: 1 };
    const days = new SettledDays("ieee15", args, month.open);
    const refused = await days.settle({ scenario: voided }).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(Exit);
    args.maxIterations = 4_000;
    await days.settle({ scenario: next });
    ({ bills } = await days.finish());
    writeBills(out, bills);
  });
  after(async () => {
    await month?.close();
    rmSync(out, { recursive: true, force: true });
  });

  it("is billed at the tariff from its meters, and the next day settles", () => {
    const bill = bills.find(({ prosumer }) => prosumer === 3)!;
    const home = voided.prosumers.find(({ id }) => id === 3)!;
    const kwh = home.load.fixedMw[0] * 1e3 - (home.renewable?.actualMw![0] ?? 0) * 1e3;
    const price = (kwh > 0 ? voided.tariff.buyPerMwh : voided.tariff.sellPerMwh)[0] / 1e3;
    const ofDay = bill.lines.filter(({ batch }) => batch === undefined);
    const billed = ofDay.reduce((sum, { nano }) => sum + Number(nano), 0) / 1e9;
    expect(Math.abs(billed - kwh * price) < 1e-3, `${billed} $ for ${kwh} kWh`).to.equal(true);
    expect(bill.lines.some(({ batch }) => batch !== undefined)).to.equal(true);
  });

  it("is audited: the chain has no batch of it, its meters signed what is billed at the tariff that was frozen", async () => {
    const { code, stdout, stderr } = await audit(out);
    expect(code, stderr).to.equal(0);
    expect(stdout).to.include("files beside the chain: valid");
    type Edit = readonly [code: number, says: string, file: string, edit: (text: string) => string | undefined];
    const edits: readonly Edit[] = [
      [4, "meterNotSigned", "*-void/fallback.json", (text) => text.replace(/"meteredWh": \[\s*(-?)/, "$&1")],
      [5, "frozen and came to nothing", "*-void/fallback.json", (text) => text.replace(/"buyPerMwh": \[\s*/, "$&1")],
      [5, "what meters read from", "*-void/fallback.json", () => undefined],
      [4, "fallbackNotTheMeters", "bills/*-3.json", cheaper],
      [4, "sessionSettled", "*-void/fallback.json", () => ofSettled(next)],
    ];
    for (const [wanted, says, pattern, edit] of edits) {
      const copy = mkdtempSync(join(tmpdir(), "gridpact-void-"));
      cpSync(out, copy, { recursive: true });
      const [file] = globSync(join(copy, pattern));
      const text = edit(readFileSync(file, "utf8"));
      if (text === undefined) unlinkSync(file);
      else writeFileSync(file, text);
      const found = await audit(copy);
      rmSync(copy, { recursive: true });
      expect(found.code, `${says}: ${found.stderr}`).to.equal(wanted);
      expect(found.stderr).to.include(says);
    }
  });

  /** The document of the void day, of the day that settled. */
  function ofSettled({ startUtc }: { readonly startUtc: string }): string {
    const [file] = globSync(join(out, "*-void/fallback.json"));
    const day = read(file) as { readonly terms: { readonly scenario: object } };
    const scenario = { ...day.terms.scenario, startUtc };
    return JSON.stringify({ ...day, terms: { ...day.terms, scenario } });
  }
});

/** A unit less for the day that no batch is of, and in all. */
function cheaper(text: string): string {
  const bill = BillJsonSchema.parse(JSON.parse(text));
  const line = bill.lines.find(({ batch }) => batch === undefined)!;
  line.nano = `${BigInt(line.nano) - 1n}`;
  return JSON.stringify({ ...bill, totalNano: `${BigInt(bill.totalNano) - 1n}` });
}

/** The first credit listed once more. */
function doubled(text: string): string {
  const delivery = DeliveryJsonSchema.parse(JSON.parse(text));
  return JSON.stringify({ ...delivery, credits: [...delivery.credits!, delivery.credits![0]] });
}
