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
import { FallbackJsonSchema } from "../offchain-solver/records/fallbackJson.ts";
import { SettlementJsonSchema } from "../offchain-solver/records/sessionJson.ts";
import { judged, more, summed, type Edit } from "./support/editedBills.ts";
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
          more(line, 1n);
          summed(bill);
          return JSON.stringify(bill);
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

  it("is found out in whatever else a bill says: amounts and quantities of lines, tax, names, numbers, the page", async () => {
    const says = await judged(out, month.url);
    const edits: readonly Edit[] = [
      ["billNotTheChain", ({ lines: [a, b] }) => [more(a, 5_000_000n), more(b, -5_000_000n)]],
      ["billNotTheChain", ({ lines }) => lines.push({ ...lines[0], nano: "7" }, { ...lines[0], nano: "-7" })],
      ["billNotTheChain", ({ lines }) => lines.push({ ...lines[0], item: "cut", quantity: 0, nano: "0" })],
      ["billNotTheChain", ({ lines: [a] }) => (a.quantity += 1)],
      ["billNotTheChain", ({ lines: [a] }) => (a.transaction = `0x${"12".repeat(32)}`)],
      ["billNotTheChain", ({ lines: [a] }) => (a.start += 1)],
      ["billNotTheChain", ({ lines: [a] }) => (a.item = "undelivered")],
      ["billNotTheChain", (bill) => (bill.lines.splice(1, 1), summed(bill))],
      ["billNotTheChain", (bill) => (delete bill.lines[0].batch, delete bill.lines[0].transaction)],
      ["billOfNoEntry", (bill) => (bill.lines.push({ ...bill.lines[0], entry: 7 }), summed(bill))],
      ["billNotItsClock", ({ lines: [a] }) => (a.day = "2021-07-29")],
      ["billNotItsClock", (bill) => (bill.month = "2021-08")],
      ["billNotItsClock", (bill) => (bill.timeZone = "Mars/Olympus")],
      ["billNotTheCommunity", (bill) => (bill.timeZone = "Atlantic/Reykjavik")],
      ["billNotTheCommunity", (bill) => (bill.currency = "€")],
      ["billNotTheCommunity", (bill) => (bill.name = "Mallory")],
      ["taxNotItsRate", (bill) => (bill.vat.nano = "999999999999")],
      ["taxNotItsRate", (bill) => (bill.vat.percent = 21)],
      ["taxNotOneRate", (bill) => (bill.vat = { percent: 0, nano: "0" })],
      ["numberNotTheChain", (bill) => (bill.number = "2021-07-3-2")],
      ["billOfNoBill", (bill) => Object.assign(bill, { corrects: "2021-07-4", reason: "a whim" })],
      ["correctionOfNoEntry", (bill) => (bill.corrects = "2021-08-3")],
      ["reasonUnexpected", (bill) => (bill.reason = "a whim")],
    ];
    const misfit = ["numberNotTheChain", "billOfNoBill", "correctionOfNoEntry"];
    for (const [predicate, edit] of edits) {
      const said = says("*/bills/2021-07-3.json", edit);
      const found = misfit.includes(predicate) ? misfit : [predicate];
      expect(
        found.some((one) => said.includes(one)),
        `${predicate}: ${edit.toString()}: ${said}`,
      ).to.equal(true);
    }
    expect(says("*/bills/2021-07-3.json", () => undefined)).to.equal("valid");
    const unsettled = (bill: BillJson): void => {
      bill.lines = bill.lines.filter(({ entry }) => entry > 0);
      summed(bill);
    };
    expect(says("*/bills/2021-07-*.json", unsettled)).to.match(/^invalid: (?:billNotTheChain|billOfNothing)/);
    const [page] = globSync(join(out, "*/bills/2021-07-3.html"));
    const text = readFileSync(page, "utf8");
    writeFileSync(page, text.replace(/(\d)\.(\d{4})/, "9$1.$2"));
    expect(says("*/bills/none.json", () => undefined)).to.include("billPageNotTheBill");
    writeFileSync(page, text);
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
    const other = await captured(...correct, "--vat", "0");
    expect(other.code).to.equal(2);
    expect(other.stderr).to.match(/--vat 0: bills of 2021-07 state 20 %: .*2021-07-1\.json\n/);
    const standing = bills.map(({ number }) => readFileSync(globSync(`${out}/*/bills/${number}.json`)[0], "utf8"));
    const made = await captured(...correct);
    expect(made.code, made.stderr).to.equal(0);
    const second = DeliveryJsonSchema.parse(read(join(session, "delivery-2.json")));
    expect([second.kind, second.reason, second.follows?.entry]).to.deep.equal(["correction", reason, 1]);
    const [corrected] = globSync(`${session}/bills/*.json`)
      .map((one) => BillJsonSchema.parse(read(one)))
      .filter(({ prosumer }) => prosumer === 3);
    expect([corrected.corrects, corrected.reason, corrected.vat.percent]).to.deep.equal(["2021-07-3", reason, 20]);
    expect(bills.map(({ number }) => readFileSync(globSync(`${out}/*/bills/${number}.json`)[0], "utf8"))).to.deep.equal(
      standing,
    );
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
    const none = await captured(...correct.with(4, join(session, "meters.json")));
    expect(none.code).to.equal(2);
  });

  it("is found out in what a correction says of itself, and lacks what it does not have", async () => {
    const session = join(out, "ieee15-2021-07-30-2h");
    const says = await judged(out, month.url);
    const edits: readonly Edit[] = [
      ["reasonNotTheEntry", (bill) => (bill.reason = "a whim")],
      ["reasonNotTheEntry", (bill) => delete bill.reason],
      ["correctionMissing", (bill) => (delete bill.corrects, delete bill.reason)],
      ["billOfNoBill", (bill) => (bill.corrects = "2021-07-4")],
      ["billOfNoBill", (bill) => (bill.corrects = "2021-08-3")],
      ["numberNotTheChain", (bill) => (bill.number = "2021-07-3-corrected-2021-07-30-3")],
      ["taxNotOneRate", (bill) => (bill.vat = { percent: 0, nano: "0" })],
      ["billNotTheChain", ({ lines: [a] }) => (a.quantity = 5_000)],
    ];
    for (const [predicate, edit] of edits)
      expect(says("ieee15-2021-07-30-2h/bills/2021-07-3-*.json", edit)).to.include(predicate);
    // A folder alone does not have what it corrects, and accuses nobody of it.
    const alone = await captured("audit", session, "--rpc", month.url, "--bundle", out);
    expect(alone.code, alone.stderr).to.equal(5);
    expect(alone.stderr).to.include("bill 2021-07-3, which 2021-07-3-corrected-2021-07-30-2 corrects");
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
    const args = { ...RUN, out, vat: 20, maxIterations: 1 };
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
    type Change = readonly [code: number, says: string, file: string, edit: (text: string) => string | undefined];
    const edits: readonly Change[] = [
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

  it("is audited of every member of its terms: what is erased, and what is added, of a bill or of the meters", async () => {
    const says = await judged(out, month.url);
    const ofDay = ({ lines }: BillJson) => lines.find(({ batch }) => batch === undefined)!;
    const without = (bill: BillJson): void => {
      bill.lines = bill.lines.filter(({ batch }) => batch !== undefined);
      summed(bill);
    };
    const edits: readonly Edit[] = [
      ["fallbackNotTheMeters", without],
      [
        "fallbackNotTheMeters",
        (bill) => bill.lines.push({ ...ofDay(bill), nano: "7" }, { ...ofDay(bill), nano: "-7" }),
      ],
      ["fallbackNotTheMeters", (bill) => bill.lines.push({ ...ofDay(bill), item: "network", nano: "0" })],
      ["fallbackNotTheMeters", (bill) => (ofDay(bill).quantity += 1)],
      ["fallbackNotTheMeters", (bill) => (ofDay(bill).transaction = `0x${"12".repeat(32)}`)],
      ["billNotItsClock", (bill) => (ofDay(bill).day = next.startUtc.slice(0, 10))],
      ["taxNotItsRate", (bill) => (bill.vat.nano = `${BigInt(bill.vat.nano) + 1n}`)],
    ];
    for (const [predicate, edit] of edits) expect(says("bills/*-3.json", edit), edit.toString()).to.include(predicate);
    // With a member's own file left away too it is named, and so is a day of which nothing is left.
    const [file] = globSync(join(out, "*-void/fallback.json"));
    const text = readFileSync(file, "utf8");
    const day = FallbackJsonSchema.parse(JSON.parse(text));
    writeFileSync(file, JSON.stringify({ ...day, meters: day.meters.filter(({ prosumer }) => prosumer !== 3) }));
    const erased = "undecided, missing: what the meter of prosumer 3 read of the day";
    expect(says("bills/*-3.json", without)).to.include(erased);
    unlinkSync(file);
    expect(says("bills/*.json", without)).to.include("undecided, missing: what meters read from");
    writeFileSync(file, text);
    expect(says("bills/*.json", () => undefined)).to.equal("valid");
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
  more(line, -1n);
  summed(bill);
  return JSON.stringify(bill);
}

/** The first credit listed once more. */
function doubled(text: string): string {
  const delivery = DeliveryJsonSchema.parse(JSON.parse(text));
  return JSON.stringify({ ...delivery, credits: [...delivery.credits!, delivery.credits![0]] });
}
