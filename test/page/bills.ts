/** What has settled, for its owner. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { Page } from "playwright-core";
import { readSessions } from "../../offchain-solver/chain/events.ts";
import { homeOf } from "../../offchain-solver/devnet/parties.ts";
import { seriousFaults } from "../support/pageBrowser.ts";
import { button, connected, figure, footOf, leave, type Stage } from "../support/pageStage.ts";

/** The periods and the session's allowances are the bill. */
async function addsUp(page: Page, paid: number): Promise<void> {
  await page.getByText("Every period as a table").first().click();
  const periods = page.locator('table:has(caption:text-is("Every period"))');
  const numbers = async (part: string): Promise<number[][]> =>
    (
      await periods
        .locator(`${part} tr`)
        .evaluateAll((rows) =>
          rows.map((row) => [...row.querySelectorAll("td")].map(({ textContent }) => textContent ?? "")),
        )
    ).map((row) => row.map((text) => Number(text.replace("\u2212", "-"))));
  const [rows, [all]] = [await numbers("tbody"), await numbers("tfoot")];
  for (const [column, digits] of [
    [0, 3],
    [1, 3],
    [4, 4],
    [5, 4],
  ])
    expect(Math.abs(rows.reduce((sum, row) => sum + row[column], -all[column])), `column ${column}`).to.be.at.most(
      rows.length * 10 ** -digits,
    );
  expect(Math.abs(all[4] - paid)).to.be.at.most(1e-4);
}

export function bills(stage: Stage): void {
  it("bills what the ledger moved, and says what the price was made of", async () => {
    const seat = await connected(stage, 1, { width: 390 });
    const { page, id } = seat;
    const last = (await readSessions(stage.devnet.deployment, stage.chain.provider, 0)).at(-1)!;
    const moved = last.deltas.find((one) => one.id === id)!.money;
    await page.getByRole("heading", { name: "Receipts" }).waitFor();
    const paid = Number(-moved) / 1e9;
    expect(await footOf(page, "Bill by part")).to.equal(paid.toFixed(4));
    expect(await figure(page, "Judged here")).to.equal("valid");
    await page.locator('table:has(caption:has-text("Why this price")) tbody tr').first().waitFor();
    const prices = await page
      .locator('table:has(caption:has-text("Why this price")) tbody tr')
      .evaluateAll((rows) =>
        rows.map((row) => [...row.children].slice(1, 6).map(({ textContent }) => textContent?.replace("\u2212", "-"))),
      );
    for (const [all, ...parts] of prices.map((row) => row.map(Number)))
      expect(Math.abs(parts.reduce((sum, part) => sum + part, 0) - all), `${all}: ${parts}`).to.be.at.most(2.5e-4);
    await addsUp(page, paid);
    await leave(stage, seat);
  });

  it("draws the plan of the owner's devices from its own node's file, which goes nowhere", async () => {
    const seat = await connected(stage, 1, { width: 390 });
    const { page, id } = seat;
    const kept = join(homeOf(stage.devnet.data, id), "sessions");
    const own = JSON.parse(readFileSync(join(kept, "2.json"), "utf8")) as { schedule: Record<string, number[]> };
    const input = page.getByLabel("Plan of session no. 2");
    const give = (name: string, text: string) =>
      input.setInputFiles({ name, mimeType: "application/json", buffer: Buffer.from(text) });
    await give("note.txt", "Dear diary");
    await page.getByText("This file is no JSON").waitFor();
    await give("1.json", JSON.stringify({ ...own, ordinal: 1 }));
    await page.getByText("This file is of session no. 1; shown is no. 2.").waitFor();
    const sent = seat.requests.length;
    const schedule = { ...own.schedule, chargeMw: [0.001, 0], dischargeMw: [0, 0.0005], storedMwh: [0.0021, 0.0016] };
    await give("2.json", JSON.stringify({ ...own, schedule }));
    await page.getByText("The plan as a table").click();
    const rows = await page.locator('table:has(caption:has-text("Plan of your devices")) tbody tr').allTextContents();
    expect(rows).to.have.length(2);
    expect(rows[0]).to.include("1.00").and.to.include("2.10");
    expect(rows[1]).to.include("0.50").and.to.include("1.60");
    expect(seat.requests.slice(sent).filter((url) => !/\/(rpc|assets)/.test(url))).to.deep.equal([]);
    expect(await seriousFaults(page)).to.deep.equal([]);
    await leave(stage, seat);
  });

  it("gives the receipts as a file", async () => {
    const seat = await connected(stage, 1, { width: 390 });
    const { page } = seat;
    const last = (await readSessions(stage.devnet.deployment, stage.chain.provider, 0)).at(-1)!;
    await page.getByRole("heading", { name: "Receipts" }).waitFor();
    const download = page.waitForEvent("download");
    await button(page, "Save as CSV").click();
    const text = readFileSync(await (await download).path(), "utf8");
    expect(text).to.include(last.batch).and.to.include("valid");
    expect(await page.evaluate("document.documentElement.scrollWidth")).to.equal(390);
    expect(await seriousFaults(page)).to.deep.equal([]);
    await leave(stage, seat);
  });
}
