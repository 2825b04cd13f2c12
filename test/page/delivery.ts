/** After the session: the meter's bill, credits from it, and the auditor's count of them. */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { deliveryContracts } from "../../offchain-solver/chain/deployment.ts";
import { passTime } from "../../offchain-solver/devnet/chain/served.ts";
import { seriousFaults } from "../support/pageBrowser.ts";
import { defineCredit, meteringOf, meterSession, PRICES } from "../support/meteredSession.ts";
import {
  accountOf,
  button,
  connected,
  DAY_S,
  figure,
  footOf,
  leave,
  seated,
  tab,
  type Stage,
} from "../support/pageStage.ts";

const SHORT_WH = 2_000;
const LONG_WH = 500;
const RENEWABLE_WH = 1_400;
const EMITTED_G = 250;

export function meters(stage: Stage): void {
  it("bills at the meter what the ledger moved, and says what was promised", () => billsAtTheMeter(stage));
  it("claims credits of what was measured, gives some on, and retires some with a certificate", () =>
    usesCredits(stage));
  it("counts every credit once for whoever looks: issued is held and retired", () => countsCredits(stage));
}

const balanceOf = ({ devnet, chain }: Stage, wallet: string, asset: bigint): Promise<bigint> =>
  deliveryContracts(devnet.deployment, chain.provider).carbonCredit.balanceOf(wallet, asset);

async function billsAtTheMeter(stage: Stage): Promise<void> {
  const seat = await connected(stage, 1);
  const { page, id } = seat;
  await page.getByText("Nothing has been metered of this session yet").waitFor();
  const before = await accountOf(stage, id);
  const sequence = await meterSession(meteringOf(stage), (row) => {
    if (row.id !== id) return row;
    const change = [-SHORT_WH, LONG_WH];
    const values = row.values.map((value, t) => ({
      ...value,
      meteredWh: value.dueWh + change[t],
      renewableWh: RENEWABLE_WH / 2,
    }));
    return { ...row, values, emissionsG: EMITTED_G };
  });
  expect(sequence).to.equal(2);
  await page.getByText("Bill of the meter by part").waitFor();
  const after = await accountOf(stage, id);
  const moved = after.deposit - before.deposit;
  // By hand: at the utility's prices, and the allowances that it lacked from the desk.
  const lacked = BigInt(EMITTED_G) - (before.carbon > 0n ? before.carbon : 0n);
  const bought = lacked > 0n ? lacked : 0n;
  const charged = BigInt(LONG_WH * PRICES.longPrice - SHORT_WH * PRICES.shortPrice) - bought * 50_000n;
  expect(moved).to.equal(charged);
  expect(await footOf(page, "Bill of the meter by part")).to.equal((Number(moved) / 1e9).toFixed(4));
  expect(await figure(page, "Readings")).to.equal("final");
  // The prices of these readings are none that the frozen terms ask for: who is billed by them is told so.
  await page.locator('dl.figures > div.bad:has(dt:text-is("Readings judged here")) dd:text-is("invalid")').waitFor();
  await page.getByText("entryPriceNotTheTerms").waitFor();
  const kwhOf = async (label: string): Promise<number> =>
    parseFloat((await figure(page, label)).replace("\u2212", "-"));
  const missed = (await kwhOf("Promised, net")) - (await kwhOf("Delivered, net"));
  expect(Math.abs(missed - (SHORT_WH - LONG_WH) / 1e3)).to.be.below(0.0101);
  await page.getByText("Every period at the meter as a table").click();
  expect(await seriousFaults(page)).to.deep.equal([]);
  const download = page.waitForEvent("download");
  await button(page, "Save as CSV").click();
  const text = readFileSync(await (await download).path(), "utf8");
  expect(text).to.include(`final,${Number(-moved) / 1e9},0x`);
  await leave(stage, seat);
}

async function usesCredits(stage: Stage): Promise<void> {
  const { id, keys } = stage.devnet.homes[2];
  const { provider } = stage.chain;
  const { timestamp } = (await provider.getBlock("latest"))!;
  const asset = await defineCredit(stage.devnet.deployment, stage.chain.admin, id, timestamp);
  await passTime(provider, timestamp + DAY_S + 60);
  const seat = await connected(stage, 1, { width: 390 });
  const { page, wallet } = seat;
  await button(page, "Claim them").click();
  await page.getByText("The credits are in your wallet.").waitFor();
  expect(await balanceOf(stage, keys.wallet.address, asset)).to.equal(BigInt(RENEWABLE_WH));
  const form = page.getByRole("form", { name: "What to do with credits" });
  const amount = form.getByLabel("How much, kWh");
  await form.getByLabel("What to do").selectOption("transfer");
  const other = stage.devnet.homes[1].keys.wallet.address;
  for (const [much, to, says] of [
    ["0", other, "Enter an amount in kWh"],
    ["1.5", other, "There are 1.4 kWh of it."],
    ["1", "0x12", "Enter the wallet's address"],
  ]) {
    await amount.fill(much);
    await form.getByLabel("Wallet that receives them").fill(to);
    await button(page, "Give").click();
    await page.getByText(says).waitFor();
  }
  expect(wallet.asked).to.deep.equal(["send"]);
  await form.getByLabel("Wallet that receives them").fill(other);
  await amount.fill("0,4");
  await button(page, "Give").click();
  await page.getByText("They are with 0x").waitFor();
  expect(await balanceOf(stage, other, asset)).to.equal(400n);
  await form.getByLabel("What to do").selectOption("retire");
  await amount.fill("0.75");
  await form.getByLabel("For whom").fill("<b>Bakery</b> on the corner");
  await form.getByLabel("For which session").selectOption({ index: 1 });
  await button(page, "Retire").click();
  await page.getByText("Retired for good. The certificate is below.").waitFor();
  expect(await balanceOf(stage, keys.wallet.address, asset)).to.equal(250n);
  const download = page.waitForEvent("download");
  await button(page, "Save certificate 1").click();
  const text = readFileSync(await (await download).path(), "utf8");
  expect(text).to.include("&lt;b&gt;Bakery&lt;/b&gt; on the corner").and.to.include("750 Wh").and.to.include("no. 2");
  expect(await seriousFaults(page)).to.deep.equal([]);
  expect(await page.evaluate("document.documentElement.scrollWidth")).to.equal(390);
  await leave(stage, seat);
}

async function countsCredits(stage: Stage): Promise<void> {
  const seat = await seated(stage, 1);
  const { page } = seat;
  await tab(page, "Proof");
  await page.getByText("Certificates: issued from meters").waitFor();
  const row = page.locator('tr:has(th:text-is("granular")), tr:has(th:text("rooftop PV"))').first();
  const cells = await row.locator("td").allTextContents();
  expect(cells).to.deep.equal(["1.4 kWh", "0 Wh", "650 Wh", "750 Wh", "✓ yes"]);
  const ledger = await page.locator('tr:has(th:text-is("Allowances in accounts")) td').allTextContents();
  expect(ledger.at(-1)).to.equal("✓ yes");
  await page.getByLabel("Search by wallet, member, batch or credit").fill("rooftop");
  await page.getByText("Certificates: issued from meters").waitFor();
  await page.getByLabel("Search by wallet, member, batch or credit").fill("no such credit");
  await page.getByText("No credit of that name.").waitFor();
  await page.getByLabel("Search by wallet, member, batch or credit").fill("");
  await page.locator("table button.link").first().click();
  await page.getByText("Members at the meter; what moved adds up to 0.000000000 $").waitFor();
  // The prices of these readings are none that the frozen terms ask for.
  await page
    .locator('section[aria-label="After the meters"] .verdict.invalid:has-text("entryPriceNotTheTerms")')
    .waitFor();
  expect(await seriousFaults(page)).to.deep.equal([]);
  await leave(stage, seat);
}
