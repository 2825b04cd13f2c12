import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { connect } from "../offchain-solver/chain/connect.ts";
import { connectedAt } from "../offchain-solver/chain/deliveryEntries.ts";
import { contracts, deliveryContracts, send, type Deployment } from "../offchain-solver/chain/deployment.ts";
import { marketAt } from "../offchain-solver/chain/keys.ts";
import { passTime } from "../offchain-solver/devnet/chain/served.ts";
import { devnetKey } from "../offchain-solver/devnet/devnetKeys.ts";
import { encryptKey, SCRYPT_N } from "../offchain-solver/node/keystore.ts";
import type { SettlementJson } from "../offchain-solver/records/sessionJson.ts";
import { startAnvil, type Anvil } from "./support/anvil.ts";
import { captured } from "./support/commandLine.ts";
import { defineCredit, meterSession, PRICES } from "./support/meteredSession.ts";

const DAY_S = 86_400;
const ID = 2;

describe("gridpact wallet, on a chain that others wrote", function () {
  this.timeout(300_000);
  let anvil: Anvil;
  let out: string;
  let settlement: SettlementJson;
  let deployment: Deployment;
  let provider: ReturnType<typeof connect>;
  const key = devnetKey("wallet", ID);

  const wallet = (act: string, ...more: string[]) =>
    captured(
      "wallet",
      act,
      ...["--rpc", anvil.url, "--market", settlement.market as string],
      ...["--keystore", join(out, "wallet.json"), "--password-file", join(out, "password")],
      ...more,
    );
  type Status = Record<string, string> & { leaving: Record<string, string>; mandate?: Record<string, string> };
  const state = async (act: string, ...more: string[]): Promise<Status> => {
    const { code, stdout, stderr } = await wallet(act, ...more, "--json", "-");
    expect(code, stderr).to.equal(0);
    return JSON.parse(stdout) as Status;
  };
  const balance = (): Promise<bigint> =>
    contracts(deployment, provider).token.getFunction("balanceOf").staticCall(key.address);

  before(async () => {
    anvil = await startAnvil();
    out = mkdtempSync(join(tmpdir(), "gridpact-wallet-"));
    const ended = await captured("run", "ieee15", "--hours", "2", "--rpc", anvil.url, "--out", out);
    expect(ended.code, ended.stderr).to.equal(0);
    settlement = JSON.parse(readFileSync(join(out, readdirSync(out)[0], "settlement.json"), "utf8"));
    writeFileSync(join(out, "password"), "correct horse battery\n");
    writeFileSync(join(out, "wallet.json"), await encryptKey(key, "wallet", "correct horse battery", SCRYPT_N.devnet));
    provider = connect(anvil.url);
    deployment = await marketAt(provider, settlement.market as string);
    await provider.send("anvil_setBalance", [key.address, "0xde0b6b3a7640000"]);
    const admin = await provider.getSigner(0);
    await send(contracts(deployment, admin).token, "mint", key.address, 50_000_000n);
  });
  after(() => {
    provider?.destroy();
    anvil?.close();
    rmSync(out, { recursive: true, force: true });
  });

  it("pays in with one transaction and a permit, and takes out again once the delay is over", async () => {
    const before = await state("status");
    expect(before).to.deep.include({ id: ID, wallet: key.address, tokens: "50000000" });
    const sent = await provider.getTransactionCount(key.address);
    const paid = await state("deposit", "--amount", "20");
    expect(await provider.getTransactionCount(key.address)).to.equal(sent + 1);
    expect(BigInt(paid.deposit) - BigInt(before.deposit)).to.equal(20_000_000_000n);
    expect(await balance()).to.equal(30_000_000n);
    const asked = await state("withdraw", "--amount", "5");
    expect(BigInt(asked.leaving.tokens) + BigInt(asked.leaving.queued)).to.equal(5_000_000n);
    const early = await wallet("withdraw");
    expect(early.code).to.equal(2);
    expect(early.stderr).to.match(/the market refuses: it is not due before .*WithdrawalTooEarly/);
    await provider.send("evm_increaseTime", [7 * DAY_S]);
    await provider.send("evm_mine", []);
    await state("withdraw");
    expect(await balance()).to.equal(35_000_000n);
  });

  it("signs a mandate with what is named and the rest as it was, shows its cost first, and revokes it", async () => {
    const before = await state("status");
    const shown = await wallet("mandate", "--max-buy", "0.31", "--max-spend-per-day", "4", "--dry-run");
    expect(shown.code, shown.stderr).to.equal(0);
    expect(shown.stdout).to.include("nothing was signed").and.to.include("a UTC day takes 4 $ at most");
    expect((await state("status")).mandate).to.deep.equal(before.mandate);
    const signed = await state("mandate", "--max-buy", "0.31", "--max-spend-per-day", "4", "--days", "7");
    expect(signed.mandate).to.deep.include({ maxBuy: "310000", maxSpendPerDay: "4000000" });
    for (const field of ["minSell", "maxBuyW", "maxCarbonG"])
      expect(signed.mandate![field], field).to.equal(before.mandate![field]);
    const days = (Number(signed.mandate!.validUntil) - Number(signed.now)) / DAY_S;
    expect(Math.round(days)).to.equal(7);
    expect((await state("revoke")).mandate).to.equal(undefined);
    const none = await wallet("mandate", "--max-buy", "0.31");
    expect(none.code).to.equal(2);
    expect(none.stderr).to.include("--min-sell: is missing");
  });

  it("leaves: no mandate, a connection that ends, all that is free on its way", async () => {
    const before = await state("status");
    expect(before.connectionEnds).to.equal("0");
    const snapshot: unknown = await provider.send("evm_snapshot", []);
    const left = await state("leave");
    expect(left.mandate).to.equal(undefined);
    expect(Number(left.connectionEnds) - Number(left.now)).to.be.within(2 * DAY_S - 60, 2 * DAY_S + 1);
    const { tokens, queued } = left.leaving;
    expect(Number(tokens) + Number(queued)).to.equal(Math.floor(Number(before.deposit) / 1_000));
    // A second time there is nothing left to do.
    expect(await state("leave")).to.deep.include({ connectionEnds: left.connectionEnds, leaving: left.leaving });
    await provider.send("evm_revert", [snapshot]);
  });

  it("owes nothing, and says so where that is to be collected", async () => {
    expect((await state("status")).arrears).to.equal("0");
    for (const [named, account] of [
      [[], `--account ${ID}`],
      [["--of", `${ID + 1}`], `--of ${ID + 1}`],
    ] as const) {
      const none = await wallet("collect", ...named);
      expect([none.code, none.stderr.trim()]).to.deep.equal([2, `${account}: the account owes nothing`]);
    }
  });

  it("bills what the ledger moved, by part and period", async () => {
    const { accounts } = settlement;
    const moved = accounts.find(({ account }) => account === ID)!;
    const where = ["--rpc", anvil.url, "--market", settlement.market as string, "--bundle", out];
    const ended = await captured("wallet", "bill", ...where, "--keystore", join(out, "wallet.json"), "--json", "-");
    expect(ended.code, ended.stderr).to.equal(0);
    const bill = JSON.parse(ended.stdout);
    expect(bill).to.deep.include({ account: ID, verdict: "valid", paidNano: `${-moved.moneyNano}` });
    const net = (bill.periods as Record<string, number>[]).reduce(
      (sum, one) => sum + one.soldWh + one.toUtilityWh - one.boughtWh - one.fromUtilityWh,
      0,
    );
    expect(net).to.equal(moved.energyWh);
    const shown = await captured("wallet", "bill", ...where, "--account", `${ID}`);
    expect(shown.stdout).to.include("paid $");
  });

  it("shows what was metered, has credits issued, gives some on, and retires some with a certificate", async () => {
    expect((await wallet("delivery")).stderr).to.include(`--account ${ID}: nothing has been metered of it yet`);
    const admin = await provider.getSigner(0);
    const connected = await connectedAt(deployment, provider);
    const ids = settlement.accounts.map(({ account }) => account).filter((id) => typeof id === "number");
    const keysOf = (id: number) => ({ wallet: devnetKey("wallet", id), node: devnetKey("node", id) });
    const before = await state("status");
    await meterSession({ deployment: connected, provider, operator: admin, ids, keysOf }, (row) =>
      row.id !== ID
        ? row
        : {
            ...row,
            values: row.values.map((one) => ({ ...one, meteredWh: one.dueWh - 1_000, renewableWh: 600 })),
          },
    );
    const metered = await state("delivery");
    const moved = -2_000n * BigInt(PRICES.shortPrice);
    expect(metered).to.deep.include({ kind: "final", movedNano: `${moved}`, shortNano: `${moved}`, boundNano: "0" });
    expect(BigInt((await state("status")).deposit) - BigInt(before.deposit)).to.equal(moved);
    expect((await wallet("delivery")).stdout).to.include("less than promised");

    const { timestamp } = (await provider.getBlock("latest"))!;
    const asset = await defineCredit(connected, admin, ID, timestamp);
    expect((await wallet("claim")).stderr).to.match(/--account 2: nothing can be claimed; the next is due at/);
    await passTime(provider, timestamp + DAY_S + 60);
    type Held = Record<"holdings" | "retired" | "claims", Record<string, unknown>[]>;
    const heldAfter = async (act: string, ...more: string[]): Promise<Held> =>
      (await state(act, ...more)) as unknown as Held;
    const amountIn = ({ holdings }: Held): unknown =>
      holdings.find((one) => BigInt(one.asset as string) === asset)?.amount;
    expect(amountIn(await heldAfter("claim"))).to.equal("1200");
    const to = devnetKey("wallet", 3).address;
    expect(amountIn(await heldAfter("transfer", "--amount", "200", "--to", to))).to.equal("1000");
    const certificate = join(out, "certificate.html");
    const retiring = ["--amount", "700", "--for", "Bakery", "--session", "1", "--certificate", certificate];
    const retired = await heldAfter("retire", ...retiring);
    expect(amountIn(retired)).to.equal("300");
    expect(retired.retired[0]).to.deep.include({ number: 1, amount: "700", beneficiary: "Bakery", sequence: 1 });
    expect(readFileSync(certificate, "utf8")).to.include("Retirement no. 1").and.to.include("700 Wh");
    const { carbonCredit } = deliveryContracts(connected, provider);
    expect(await carbonCredit.retiredOf(asset)).to.equal(700n);
    expect(await carbonCredit.balanceOf(to, asset)).to.equal(200n);
  });

  it("refuses bad input in one sentence, and sends nothing", async () => {
    const sent = await provider.getTransactionCount(key.address);
    const cases: [line: string[], said: string][] = [
      [["deposit", "--amount", "1000"], "--amount 1000: the wallet holds 35 $"],
      [["deposit", "--amount", "0"], "--amount 0: must be a number"],
      [["withdraw", "--amount", "100000000"], "AmountExceedsDeposit"],
      [["status", "--account", "3"], "--account 3"],
      [["mandate", "--preset", "usual"], "--preset: --terms"],
      [["mandate", "--max-buy", "9"], "--max-buy 9: must be a number"],
      [["delivery", "--session", "7"], "--session 7: nothing has been metered of it"],
      [["claim"], "nothing can be claimed"],
      [["transfer", "--amount", "1", "--to", "0x12"], "--to 0x12: is no address"],
      [["transfer", "--amount", "301", "--to", key.address], "--amount 301: the wallet holds 300 Wh of it"],
      [["transfer", "--amount", "1", "--asset", "0x5", "--to", key.address], "--asset 0x5: no such token was defined"],
      [["retire", "--amount", "1", "--for", " "], "--for: a retirement names for whom it is"],
      [["retire", "--amount", "1", "--for", "X", "--session", "9"], "--session 9: nothing has been metered of it"],
      [["allowances", "--way", "in", "--amount", "1"], "--amount 1: the wallet holds 0 g of it"],
      [["allowances", "--way", "up", "--amount", "1"], "--way up: must be"],
    ];
    for (const [[act, ...more], said] of cases) {
      const { code, stderr } = await wallet(act, ...more);
      expect(code, said).to.equal(2);
      expect(stderr).to.include(said);
    }
    writeFileSync(join(out, "password"), "another password\n");
    expect((await wallet("status")).stderr).to.include("the password is not the one");
    expect(await provider.getTransactionCount(key.address)).to.equal(sent);
  });
});
