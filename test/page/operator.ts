/** A clearing followed while it goes on. */
import { expect } from "chai";
import { seriousFaults } from "../support/pageBrowser.ts";
import { figure, leave, seated, tab, WAIT, type Stage } from "../support/pageStage.ts";

export function showsClearing(stage: Stage): void {
  it("follows a clearing as it goes on, and draws what it came to", async () => {
    const seat = await seated(stage, 1, { width: 1440, colorScheme: "dark" });
    const { page } = seat;
    await tab(page, "Feeder");
    await page.locator("svg.feeder").waitFor();
    const iterations: number[] = [];
    const clearing = stage.devnet.session(1, WAIT);
    let over = false;
    void clearing.finally(() => (over = true));
    while (!over) {
      const text = await figure(page, "Iteration").catch(() => "");
      if (/^\d+$/.test(text) && (await figure(page, "It is").catch(() => "")) === "open") iterations.push(Number(text));
      await page.waitForTimeout(100);
    }
    expect(await clearing).to.deep.include({ outcome: "settled" });
    expect(new Set(iterations).size, iterations.join(" ")).to.be.at.least(2);
    await page.getByText("has settled").waitFor();
    await page.locator("select option").nth(1).waitFor({ state: "attached" });
    await page.getByText("Checked in this browser: valid.").waitFor();
    await page.locator("svg.feeder").waitFor();
    const buses = stage.devnet.terms[0].scenario.feeder.buses.length;
    expect(await page.locator("svg.feeder .dot").count()).to.equal(buses);
    const times = new Set<string>();
    for (const value of ["0", "1"]) {
      await page.getByLabel("Time", { exact: true }).fill(value);
      times.add((await page.locator("output[for=period]").textContent()) ?? "");
    }
    expect(times.size).to.equal(2);
    await page.getByText("The same as tables").click();
    expect(await page.locator("details[open] tbody tr").count()).to.equal(2 * buses - 1);
    expect(await seriousFaults(page)).to.deep.equal([]);
    await leave(stage, seat);
  });
}
