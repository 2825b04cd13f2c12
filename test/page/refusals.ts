/** What does not go is said in words, and nothing is sent. */
import { expect } from "chai";
import { passTime } from "../../offchain-solver/devnet/chain/served.ts";
import { seriousFaults } from "../support/pageBrowser.ts";
import { accountOf, button, connected, DAY_S, leave, seated, tab, type Stage } from "../support/pageStage.ts";

export function refuses(stage: Stage): void {
  describe("says in words what does not go, and sends nothing", () => {
    it("an owner who declines, an amount that is none or too large", async () => {
      const seat = await connected(stage, 1);
      const { page, wallet, id } = seat;
      const before = (await accountOf(stage, id)).deposit;
      const amount = page.getByLabel("Amount, $");
      for (const [text, says] of [
        ["", "Enter an amount in dollars"],
        ["0.0000001", "Enter an amount in dollars"],
        ["100000", "Your wallet holds"],
      ]) {
        await amount.fill(text);
        await button(page, "Pay in").click();
        await page.getByText(says).waitFor();
      }
      wallet.decline(true);
      await amount.fill("5");
      await button(page, "Pay in").click();
      await page.getByText("You declined it in your wallet.").waitFor();
      expect(await seriousFaults(page)).to.deep.equal([]);
      expect(wallet.asked).to.deep.equal([]);
      expect((await accountOf(stage, id)).deposit).to.equal(before);
      await leave(stage, seat);
    });

    it("a deposit that is too small for what a day may cost", async () => {
      const seat = await connected(stage, 1);
      const { page, wallet, id } = seat;
      const deposit = Number((await accountOf(stage, id)).deposit) / 1e9;
      const spend = page.getByRole("spinbutton", { name: "Spend in a day at most" });
      const small = page.getByText("Your deposit is smaller than what a day may cost");
      await spend.fill(`${Math.floor(deposit) - 1}`);
      await small.waitFor({ state: "detached" });
      await spend.fill(`${Math.ceil(deposit) + 1}`);
      await page.getByText(`no more than $${deposit.toFixed(2)} can be traded for you`).waitFor();
      // More than there is cannot be taken out either.
      await page.getByLabel("Amount, $").fill(`${Math.ceil(deposit) + 1}`);
      await button(page, "Take out").click();
      await page.getByText("What you can ask for is").waitFor();
      expect(wallet.asked).to.deep.equal([]);
      await leave(stage, seat);
    });

    it("another network, which it offers to leave", async () => {
      const seat = await connected(stage, 1);
      const { page, wallet } = seat;
      await wallet.onChain(1);
      await page.getByText("Your wallet is on network 1").waitFor();
      expect(await seriousFaults(page)).to.deep.equal([]);
      wallet.decline(true);
      await button(page, "Switch the network").click();
      await page.getByText("You declined it").waitFor();
      wallet.decline(false);
      await button(page, "Switch the network").click();
      await page.getByText("in the market's contract").waitFor();
      await leave(stage, seat);
    });

    it("a wallet that changes in the middle of an act", async () => {
      const seat = await connected(stage, 1);
      const { page, wallet, id } = seat;
      const before = (await accountOf(stage, id)).deposit;
      wallet.beforeSigning(() => wallet.goTo(stage.devnet.homes[3].keys.wallet));
      await page.getByLabel("Amount, $").fill("5");
      await button(page, "Pay in").click();
      await page.getByText(new RegExp(` ${stage.devnet.homes[3].id}$`)).waitFor();
      await page.waitForTimeout(500);
      expect(wallet.asked).to.deep.equal(["sign Permit"]);
      expect((await accountOf(stage, id)).deposit).to.equal(before);
      expect((await accountOf(stage, stage.devnet.homes[3].id)).deposit).to.be.greaterThan(0n);
      await leave(stage, seat);
    });

    it("a chain that is away when something has just been sent: what is on its way is not sent twice", async () => {
      const seat = await connected(stage, 1);
      const { page, wallet, id } = seat;
      const before = (await accountOf(stage, id)).deposit;
      wallet.silence(/^eth_getTransactionReceipt$/);
      await page.getByLabel("Amount, $").fill("5");
      await button(page, "Pay in").click();
      await page.getByText(/It was sent \(0x.*Look again before you send it once more/).waitFor();
      expect(wallet.asked).to.deep.equal(["sign Permit", "send"]);
      expect((await accountOf(stage, id)).deposit - before).to.equal(5_000_000_000n);
      expect(await seriousFaults(page)).to.deep.equal([]);
      wallet.silence(undefined);
      const held = `$${(Number(before) / 1e9 + 5).toFixed(2)}`;
      await page.locator(`dl.figures dd:text-is("${held}")`).first().waitFor();
      await leave(stage, seat);
    });

    it("a chain and a node that are away, and a chain that went back", async () => {
      const seat = await seated(stage, 1);
      const { page } = seat;
      await tab(page, "Feeder");
      await page.getByText("✓ ok").first().waitFor();
      await page.route(/\/(rpc|nodes)/, (route) => route.abort());
      await page.getByText("The chain does not answer").waitFor();
      expect(await seriousFaults(page)).to.deep.equal([]);
      await page.unrouteAll({ behavior: "wait" });
      await page.getByText("The chain does not answer").waitFor({ state: "detached" });
      await page.route(/\/nodes/, (route) => route.abort());
      await stage.chain.provider.send("evm_mine", []);
      await page.getByText("✗ does not answer").first().waitFor();
      const snapshot = await stage.chain.provider.send("evm_snapshot", []);
      await stage.chain.provider.send("evm_mine", []);
      await page.waitForTimeout(3_000);
      await stage.chain.provider.send("evm_revert", [snapshot]);
      await page.getByText("The chain went back").waitFor();
      await leave(stage, seat);
    });

    it("one answer that fails, without taking from an owner what it writes", async () => {
      const seat = await connected(stage, 1);
      const { page, key } = seat;
      const spend = page.getByRole("spinbutton", { name: "Spend in a day at most" });
      await spend.fill("37");
      // What accounts the wallet has is asked for by its address.
      const owner = key.address.slice(2).toLowerCase();
      let failed = 0;
      await page.route(/\/rpc/, async (route) => {
        const asked = route.request().postData() ?? "";
        if (!asked.includes("eth_getLogs") || !asked.includes(owner)) return route.continue();
        failed += 1;
        return route.fulfill({ status: 500, body: "busy" });
      });
      await stage.chain.provider.send("evm_mine", []);
      for (let tries = 0; failed === 0 && tries < 100; tries++) await page.waitForTimeout(100);
      expect(failed).to.be.above(0);
      await page.waitForTimeout(1_000);
      await page.unrouteAll({ behavior: "wait" });
      expect(await page.evaluate("document.activeElement.getAttribute('aria-label')")).to.include("Spend in a day");
      expect(await spend.inputValue()).to.equal("37");
      await leave(stage, seat);
    });

    it("a mandate that expires before it is registered", async () => {
      const seat = await connected(stage, 1);
      const { page, wallet } = seat;
      await page.getByLabel("Counts for").fill("1");
      wallet.beforeSigning(async () => {
        const { timestamp } = (await stage.chain.provider.getBlock("latest"))!;
        await passTime(stage.chain.provider, timestamp + 2 * DAY_S);
        wallet.beforeSigning(undefined);
      });
      await button(page, "Review and sign").click();
      await button(page, "Sign it").click();
      await page.getByText(/The market refuses: the mandate has expired .*MandateExpired/).waitFor();
      await leave(stage, seat);
    });
  });
}
