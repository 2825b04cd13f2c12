/** Nothing is cut off or pushed out of a narrow screen, or of a wide one at twice the size. */
import { expect } from "chai";
import type { Page } from "playwright-core";
import { seriousFaults } from "../support/pageBrowser.ts";
import { button, connected, leave, seated, tab, type Stage } from "../support/pageStage.ts";

/** What is seen beyond the right edge without anything that scrolls there, one line each. */
const BEYOND = `[...document.querySelectorAll("body *")]
  .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest(".scroll, svg, thead"))
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
  .map((one) => one.outerHTML.slice(0, 120))`;

async function fits(page: Page, view: string): Promise<void> {
  expect(await page.evaluate(BEYOND), view).to.deep.equal([]);
  const [wide, shown] = await page.evaluate<number[]>("[document.documentElement.scrollWidth, innerWidth]");
  expect(wide, view).to.be.at.most(shown);
  expect(await seriousFaults(page), view).to.deep.equal([]);
}

export function fitsScreens(stage: Stage): void {
  // A desktop of 1440 x 900 at twice the size has 720 x 450 to show things in.
  for (const [width, height] of [
    [390, 844],
    [720, 450],
  ])
    it(`fits ${width} x ${height}, whatever members are called`, async () => {
      const seat = await connected(stage, 1, { width, colorScheme: width === 390 ? "dark" : "light" });
      await seat.page.setViewportSize({ width, height });
      const { page } = seat;
      await page.getByRole("heading", { name: "Credits" }).waitFor();
      await page.getByText("Bill of the meter by part").waitFor();
      await fits(page, "account");
      await button(page, "Review and sign").click();
      const sign = button(page, "Sign it");
      await sign.waitFor();
      // It can be pressed without scrolling, and what is signed can be read.
      const { y, height: tall } = (await sign.boundingBox())!;
      expect(y + tall).to.be.at.most(height);
      const table = await page.locator("dialog .scroll").boundingBox();
      expect(table!.height).to.be.at.least(100);
      await fits(page, "review");
      await leave(stage, seat);

      const looking = await seated(stage, 1, { width });
      await looking.page.setViewportSize({ width, height });
      await tab(looking.page, "Feeder");
      await looking.page.getByText("Checked in this browser: valid.").waitFor();
      await looking.page.getByRole("heading", { name: "Reserve by zone" }).waitFor();
      await looking.page.getByText("The same as tables").click();
      await fits(looking.page, "feeder");
      await tab(looking.page, "Proof");
      await looking.page.locator("table button.link").first().click();
      await looking.page.getByText("Members at the meter").waitFor();
      await looking.page.getByText(/Signed by/).waitFor();
      await fits(looking.page, "proof");
      await leave(stage, looking);
    });
}
