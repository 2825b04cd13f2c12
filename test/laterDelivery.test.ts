/** What became of a session on a chain that others run: entered when its day is over, and found valid. */
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { JsonRpcProvider } from "ethers";
import { connect } from "../offchain-solver/chain/connect.ts";
import { passTime } from "../offchain-solver/devnet/chain/served.ts";
import { BillJsonSchema, type BillJson } from "../offchain-solver/records/billJson.ts";
import { DeliveryJsonSchema, MetersJsonSchema, type DeliveryJson } from "../offchain-solver/records/deliveryJson.ts";
import { SettlementJsonSchema, type SettlementJson } from "../offchain-solver/records/sessionJson.ts";
import { startAnvil, type Anvil } from "./support/anvil.ts";
import { captured } from "./support/commandLine.ts";

const DAY_S = 86_400;
const read = (file: string): unknown => JSON.parse(readFileSync(file, "utf8"));

const billsIn = (folder: string): BillJson[] =>
  globSync(`${folder}/bills/*.json`).map((file) => BillJsonSchema.parse(read(file)));
/** By file: what it says. */
const billTexts = (folder: string): Map<string, string> =>
  new Map(globSync(`${folder}/bills/*`).map((file) => [file, readFileSync(file, "utf8")]));

describe("delivery on a chain that goes on by itself", function () {
  this.timeout(300_000);
  let anvil: Anvil;
  let provider: JsonRpcProvider;
  let out: string;
  let folder: string;
  let settlement: SettlementJson;
  let end: number;

  const enter = (...more: string[]) => captured("meter", "enter", folder, ...more);
  const deliveries = (): DeliveryJson[] =>
    globSync(`${folder}/delivery*.json`)
      .toSorted((a, b) => a.length - b.length)
      .map((file) => DeliveryJsonSchema.parse(read(file)));

  before(async () => {
    anvil = await startAnvil();
    provider = connect(anvil.url);
    out = mkdtempSync(join(tmpdir(), "gridpact-later-"));
    const ran = await captured("run", "ieee15", "--hours", "2", "--rpc", anvil.url, "--out", out);
    expect(ran.code, ran.stderr).to.equal(0);
    [folder] = globSync(`${out}/*`);
    settlement = SettlementJsonSchema.parse(read(join(folder, "settlement.json")));
    const [told] = deliveries();
    expect(told.entered).to.equal(undefined);
    end = told.start + told.periods * told.periodSeconds;
  });
  after(() => {
    provider?.destroy();
    anvil?.close();
    rmSync(out, { recursive: true, force: true });
  });

  it("is refused before the day is over, and says when it is", async () => {
    const { code, stderr } = await enter();
    expect(code).to.equal(3);
    expect(stderr).to.include(`too early: ${new Date(1000 * (end + 3600)).toISOString().replace(".000Z", "Z")}`);
    expect(deliveries()[0].entered).to.equal(undefined);
  });

  it("enters a day with a dead meter as provisional, and its late file as final", async () => {
    const meters = MetersJsonSchema.parse(read(join(folder, "meters.json")));
    const dead = meters.meters[2];
    const file = join(folder, "meters.json");
    writeFileSync(file, JSON.stringify({ ...meters, meters: meters.meters.filter((one) => one !== dead) }));
    await passTime(provider, end + 3_600);
    const first = await enter("--vat", "20");
    expect(first.code, first.stderr).to.equal(0);
    expect(first.stdout).to.match(/entry 1 \(provisional\) in block \d+: some values are missing, the rest from /);
    const [provisional] = deliveries();
    const own = provisional.members.find(({ id }) => id === dead.prosumer)!;
    expect([own.quality, own.parts.shortNano, own.parts.longNano]).to.deep.equal([["missing", "missing"], 0, 0]);
    // Nothing new is known, and nothing is entered, until the window is over.
    expect((await enter()).code).to.equal(3);

    const late = join(out, "late.json");
    const readings = dead.meteredWh.map((meteredWh, t) => ({
      ...{ prosumer: dead.prosumer, start: dead.start + 3600 * t, seconds: 3600, quality: "measured" },
      ...{ meteredWh: meteredWh - 1_000, renewableWh: dead.renewableWh[t] },
    }));
    writeFileSync(late, JSON.stringify({ readings, notes: [] }));
    const second = await enter("--readings", late);
    expect(second.code, second.stderr).to.equal(0);
    expect(second.stdout)
      .to.match(/entry 2 \(final\)/)
      .and.to.include("credits from");
    const [, final] = deliveries();
    expect([final.kind, final.follows?.entry]).to.deep.equal(["final", 1]);
    const drawn = final.members.find(({ id }) => id === dead.prosumer)!;
    expect(drawn.meteredWh).to.deep.equal(dead.meteredWh.map((wh) => wh - 1_000));
    expect(drawn.parts.shortNano + drawn.parts.longNano < 0).to.equal(true);
  });

  it("issues credits once nobody can contest them, bills every member, and is found valid", async () => {
    await passTime(provider, end + 2 * DAY_S);
    // The entries have been billed, the last one in documents of its own: nothing of that is written again.
    const before = billTexts(folder);
    const { code, stdout, stderr } = await enter();
    expect(code, stderr).to.equal(0);
    expect(billTexts(folder)).to.deep.equal(before);
    const credits = deliveries()[1].credits!;
    const wh = credits.reduce((sum, one) => sum + one.wh, 0);
    expect(wh > 0).to.equal(true);
    expect(stdout).to.include(`${wh} Wh of credits to ${credits.length} accounts`).and.to.include("chain: valid");
    const all = deliveries();
    const bills = globSync(`${folder}/bills/*.json`).map((one) => BillJsonSchema.parse(read(one)));
    for (const prosumer of new Set(bills.map((one) => one.prosumer))) {
      const settled = settlement.accounts.find(({ account }) => account === prosumer)!.moneyNano;
      const moved = all.map(({ members }) => members.find(({ id }) => id === prosumer)!.movedNano);
      const received = moved.reduce((sum, nano) => sum + nano, settled);
      const own = bills.filter((one) => one.prosumer === prosumer);
      const billed = own.reduce((sum, { totalNano }) => sum + BigInt(totalNano), 0n);
      expect(billed, `prosumer ${prosumer}`).to.equal(-BigInt(received));
    }
    const audit = await captured("audit", folder);
    expect(audit.code, audit.stderr).to.equal(0);
    expect(audit.stdout).to.include("files beside the chain: valid").and.to.include("provisional");
    // Asked once more it has nothing to do.
    expect((await enter()).code).to.equal(0);
    expect(deliveries()).to.deep.equal(all);
  });

  it("states in bills of another session what those of the month state, whatever stands beside them", async () => {
    const [vat] = billsIn(folder).map((one) => one.vat.percent);
    expect(vat).to.equal(20);
    const at = ["--rpc", anvil.url, "--market", settlement.market!, "--out", out];
    const other = await captured("run", "ieee15", "--hours", "1", ...at, "--pass-time", "--vat", "10");
    expect([other.code, globSync(`${out}/*-1h`)], other.stderr).to.deep.equal([2, []]);
    expect(other.stderr).to.match(/--vat 10: bills of \d{4}-\d\d state 20 %: .*\.json\n/);
    const unbilled = await captured("run", "ieee15", "--hours", "1", ...at, "--vat", "20");
    expect([unbilled.code, unbilled.stderr.includes("--vat 20: only where bills are written")]).to.deep.equal([
      2,
      true,
    ]);
  });

  it("is done at once where the chain's clock may be set", async () => {
    const at = ["--rpc", anvil.url, "--market", settlement.market!, "--out", out];
    const ran = await captured("run", "ieee15", "--hours", "1", ...at, "--pass-time");
    expect(ran.code, ran.stderr).to.equal(0);
    expect(ran.stdout).to.match(/entry 1 on chain/);
    const [fresh] = globSync(`${out}/*-1h`);
    const bills = billsIn(fresh);
    expect([bills.length > 0, new Set(bills.map(({ vat }) => vat.percent))]).to.deep.equal([true, new Set([20])]);
    const audit = await captured("audit", fresh, "--bundle", out);
    expect(audit.code, audit.stderr).to.equal(0);
    expect(audit.stdout).to.include("files beside the chain: valid");
  });

  it("is stopped by no meter that says what its connection cannot carry, and the others get the same", async () => {
    const absurd = join(out, "absurd");
    const at = ["--rpc", anvil.url, "--market", settlement.market!, "--out", absurd];
    const ran = await captured("run", "ieee15", "--hours", "1", ...at);
    expect(ran.code, ran.stderr).to.equal(0);
    const [day] = globSync(`${absurd}/*-1h`);
    const { meters, connections } = MetersJsonSchema.parse(read(join(day, "meters.json")));
    const told = DeliveryJsonSchema.parse(read(join(day, "delivery.json")));
    // A home that sells no reserve and has no renewables: nothing of what it does changes what others are called for.
    const plain = meters.find(({ prosumer, renewableWh: [wh] }) => {
      const own = told.members.find(({ id }) => id === prosumer)!;
      return wh === 0 && own.calledWh[0] === 0 && own.undeliveredW[0] === 0;
    })!;
    const { prosumer, start } = plain;
    const reading = { prosumer, start, seconds: 3600, quality: "measured", meteredWh: -(2 ** 31), renewableWh: 0 };
    const file = join(out, "beyond.json");
    writeFileSync(file, JSON.stringify({ readings: [reading], notes: [] }));
    const entered = await captured("meter", "enter", day, "--readings", file, "--pass-time");
    expect(entered.code, entered.stderr).to.equal(0);
    expect(entered.stdout).to.include(
      `prosumer ${prosumer}, period 0: meteredWh -2147483648 is beyond its connection of`,
    );
    const { takeW } = connections.find((one) => one.prosumer === prosumer)!;
    const after = DeliveryJsonSchema.parse(read(join(day, "delivery.json")));
    for (const own of after.members) {
      const before = told.members.find(({ id }) => id === own.id)!;
      if (own.id === prosumer) expect([own.meteredWh, own.quality]).to.deep.equal([[-takeW], ["estimated"]]);
      else expect([own.id, own.movedNano]).to.deep.equal([own.id, before.movedNano]);
    }
    const audit = await captured("audit", day, "--bundle", out);
    expect(audit.code, audit.stderr).to.equal(0);
    expect(audit.stdout).to.include("files beside the chain: valid");
  });

  it("is done for a day in several sessions as well: entered, billed once, and found valid as one folder", async () => {
    const apart = join(out, "apart");
    const at = ["--rpc", anvil.url, "--market", settlement.market!, "--out", apart];
    const run = (most: number) => captured("run", "ieee15", "--hours", "2", "--most-bytes", `${most}`, ...at);
    const tooLong = await run(1_000);
    expect(tooLong.code).to.equal(3);
    expect(tooLong.stderr).to.include("nor does an hour alone: try fewer members");
    const [, bytes] = /does not fit one transaction: (\d+) bytes/.exec(tooLong.stderr)!;
    const ran = await run(Number(bytes) - 1);
    expect(ran.code, ran.stderr).to.equal(0);
    const [day] = globSync(`${apart}/*-2h`);
    const parts = globSync(`${day}/session-*`).toSorted();
    expect(parts.length).to.equal(2);
    const last = DeliveryJsonSchema.parse(read(join(parts[1], "delivery.json")));
    expect(last.entered).to.equal(undefined);
    const whole = () => captured("meter", "enter", day);
    const both = await captured("meter", "enter", day, "--readings", join(out, "late.json"));
    expect(both.code).to.equal(2);
    expect(both.stderr).to.include(parts[0]);
    for (const later of [DAY_S / 2, 2 * DAY_S]) {
      await passTime(provider, last.start + last.periods * last.periodSeconds + later);
      const { code, stderr } = await whole();
      expect(code, stderr).to.equal(0);
    }
    const bills = globSync(`${apart}/**/bills/*.json`).map((one) => BillJsonSchema.parse(read(one)));
    expect(new Set(bills.map(({ number }) => number)).size).to.equal(bills.length);
    for (const prosumer of new Set(bills.map((one) => one.prosumer))) {
      const received = parts.map((part) => {
        const { accounts } = SettlementJsonSchema.parse(read(join(part, "settlement.json")));
        const { members } = DeliveryJsonSchema.parse(read(join(part, "delivery.json")));
        const moved = members.find(({ id }) => id === prosumer)!.movedNano;
        return BigInt(accounts.find(({ account }) => account === prosumer)!.moneyNano) + BigInt(moved);
      });
      const [bill] = bills.filter((one) => one.prosumer === prosumer);
      expect(BigInt(bill.totalNano), `prosumer ${prosumer}`).to.equal(-received.reduce((a, b) => a + b, 0n));
    }
    await correctedTwice(day, parts);
  });

  /** One account's readings of both sessions, and of the second once more: three documents, each of its own number. */
  async function correctedTwice(day: string, parts: readonly string[]): Promise<void> {
    const before = billTexts(day);
    const [one, two] = parts;
    for (const [part, less] of [
      [one, 300],
      [two, 300],
      [two, 500],
    ] as const) {
      const file = join(out, "again.json");
      const [own] = MetersJsonSchema.parse(read(join(part, "meters.json"))).meters;
      const readings = own.meteredWh.map((wh, t) => ({
        ...{ prosumer: own.prosumer, start: own.start + 3600 * t, seconds: 3600, quality: "measured" },
        ...{ meteredWh: wh - less, renewableWh: own.renewableWh[t] },
      }));
      writeFileSync(file, JSON.stringify({ readings, notes: [] }));
      const made = await captured("meter", "correct", part, "--readings", file, "--reason", `less ${less} Wh`);
      expect(made.code, made.stderr).to.equal(0);
    }
    const after = billTexts(day);
    expect([...before].every(([file, text]) => after.get(file) === text)).to.equal(true);
    const reasons = billsIn(day).flatMap((bill) => (bill.corrects === undefined ? [] : [bill.reason]));
    expect(reasons.toSorted()).to.deep.equal(["less 300 Wh", "less 300 Wh", "less 500 Wh"]);
    expect(new Set(billsIn(day).map(({ number }) => number)).size).to.equal(billsIn(day).length);
    const audit = await captured("audit", day, "--bundle", out);
    expect(audit.code, audit.stderr).to.equal(0);
    expect(audit.stdout).to.include("files beside the chain: valid");
  }

  it("lets no clock be set that is nobody's to set", async () => {
    const none = await captured("run", "ieee15", "--hours", "1", "--pass-time", "--out", out);
    expect(none).to.include({ code: 2 }).and.property("stderr").contains("--pass-time: only with --rpc");
  });
});
