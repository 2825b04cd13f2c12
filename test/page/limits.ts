/** Limits that are written by hand, and what they may cost before they are signed. */
import { expect } from "chai";
import type { Page } from "playwright-core";
import { TABLE_WRITER } from "../../offchain-solver/codec/abi.ts";
import { seriousFaults } from "../support/pageBrowser.ts";
import { button, connected, leave, type Stage } from "../support/pageStage.ts";

const PRICE = "Sell at least for";
const exact = (page: Page, name: string) => page.getByRole("spinbutton", { name: `${name}, exactly` });
const slider = (page: Page, name: string) => page.getByRole("slider", { name, exact: true });

async function write(page: Page, name: string, keys: string): Promise<void> {
  await exact(page, name).focus();
  await page.keyboard.press("Control+A");
  await page.keyboard.press("Delete");
  await page.keyboard.type(keys);
}

export function takesLimits(stage: Stage): void {
  describe("takes limits as they are written", () => {
    it("key by key, with a sign, a point or a comma", async () => {
      const seat = await connected(stage, 1);
      const { page } = seat;
      for (const [keys, says] of [
        ["-0.05", "\u22120.0500 $/kWh"],
        ["0.25", "0.2500 $/kWh"],
        ["0,3", "0.3000 $/kWh"],
        [".5", "0.5000 $/kWh"],
      ]) {
        await write(page, PRICE, keys);
        expect(await exact(page, PRICE).inputValue()).to.equal(keys);
        expect(await slider(page, PRICE).getAttribute("aria-valuetext")).to.equal(says);
      }
      await page.keyboard.press("ArrowUp");
      expect(Number(await exact(page, PRICE).inputValue())).to.be.above(0.5);
      await leave(stage, seat);
    });

    it("and none that no mandate can hold", async () => {
      const seat = await connected(stage, 1);
      const { page, wallet } = seat;
      for (const [keys, says] of [
        ["", "Enter a number, in kW."],
        ["-", "Enter a number, in kW."],
        ["1e3", "Enter a number, in kW."],
        ["1,000", "Enter a number, in kW."],
        ["-5", "Enter from 0 to 4294967.295 kW."],
        ["4294968", "Enter from 0 to 4294967.295 kW."],
        ["9".repeat(310), "Enter a number, in kW."],
      ]) {
        await write(page, "Buy at most", keys);
        await page.getByText(says).waitFor();
        expect(await exact(page, "Buy at most").getAttribute("aria-invalid")).to.equal("true");
        expect(await button(page, "Review and sign").isDisabled(), keys).to.equal(true);
      }
      expect(await seriousFaults(page)).to.deep.equal([]);
      await write(page, "Buy at most", "4.5");
      await page.getByText("Enter a number, in kW.").waitFor({ state: "detached" });
      await button(page, "Review and sign").click();
      await page.getByText("4.5 kW: most power that you buy").waitFor();
      expect(wallet.asked).to.deep.equal([]);
      await leave(stage, seat);
    });

    it("and shows no cost but that of what is signed", async () => {
      const seat = await connected(stage, 1);
      const { page, wallet } = seat;
      const session = page.locator("dialog .most p").first();
      await page.getByText(/in a session: \$/).waitFor();
      await write(page, "Spend in a day at most", "0.5");
      await page.getByText("in a session: $0.5000").waitFor();
      await page.getByText(/meter does not do what was promised, a session can take up to \$/).waitFor();
      // The chain takes its time over the next figure: the last one is not shown in its place, and nothing is signed.
      let answer = (): void => {};
      const wait = new Promise<void>((go) => (answer = go));
      await page.route(/\/rpc/, async (route) => {
        await wait;
        await route.continue();
      });
      await write(page, "Spend in a day at most", "0.25");
      await button(page, "Review and sign").click();
      expect(await session.textContent()).to.include("…");
      expect(await button(page, "Sign it").isDisabled()).to.equal(true);
      answer();
      await page.locator("dialog").getByText("in a session: $0.2500").waitFor();
      expect(await button(page, "Sign it").isDisabled()).to.equal(false);
      expect(wallet.asked).to.deep.equal([]);
      await page.unrouteAll({ behavior: "wait" });
      await leave(stage, seat);
    });

    it("nor a cost that only the endpoint says", async () => {
      const seat = await connected(stage, 1);
      const { page } = seat;
      await page.getByText(/in a session: \$/).waitFor();
      const { selector } = TABLE_WRITER.getFunction("mostLoss")!;
      await page.route(/\/rpc/, async (route) => {
        const asked = JSON.parse(route.request().postData() ?? "{}") as object[] | object;
        const answer = await route.fetch();
        const told = JSON.parse(await answer.text()) as { id: number; result: unknown }[] | { result: unknown };
        const calls = [asked].flat();
        const all = [told]
          .flat()
          .map((one, k) =>
            JSON.stringify(calls[k]).includes(selector.slice(2)) ? { ...one, result: `0x${"00".repeat(32)}` } : one,
          );
        await route.fulfill({
          contentType: "application/json",
          body: JSON.stringify(Array.isArray(told) ? all : all[0]),
        });
      });
      await write(page, "Spend in a day at most", "0.75");
      await page.getByText("says another figure than the contract can").waitFor();
      await button(page, "Review and sign").click();
      expect(await button(page, "Sign it").isDisabled()).to.equal(true);
      await page.unrouteAll({ behavior: "wait" });
      await leave(stage, seat);
    });
  });
}
