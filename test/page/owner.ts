/** An owner: to a mandate, to a bill, and out again. */
import { expect } from "chai";
import { contracts } from "../../offchain-solver/chain/deployment.ts";
import { unpackLimits } from "../../offchain-solver/codec/typedData.ts";
import { seriousFaults } from "../support/pageBrowser.ts";
import { accountOf, button, connected, leave, type Stage } from "../support/pageStage.ts";

export function servesOwner(stage: Stage): void {
  it("takes an owner from opening it to a mandate on the chain with three questions", async () => {
    const began = performance.now();
    const seat = await connected(stage, 0);
    const { page, wallet, id } = seat;
    const before = await accountOf(stage, id);
    await page.getByLabel("Amount, $").fill("20");
    await button(page, "Pay in").click();
    await page.getByText("$20.00 are in your deposit.").waitFor();
    expect((await accountOf(stage, id)).deposit - before.deposit).to.equal(20_000_000_000n);
    await page.getByRole("radio", { name: /Usual/ }).check();
    await page.getByRole("spinbutton", { name: "Spend in a day at most" }).fill("750.5");
    await button(page, "Review and sign").click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("What your wallet will show").waitFor();
    expect(await seriousFaults(page)).to.deep.equal([]);
    const shown = Object.fromEntries(
      await dialog
        .locator("tbody tr")
        .evaluateAll((rows) => rows.map((row) => [row.children[0].textContent, row.children[1].textContent])),
    );
    await button(page, "Sign it").click();
    await page.getByText("Your mandate counts from the next session on.").waitFor();
    const signed = wallet.messages.at(-1)!;
    expect(signed.primaryType).to.equal("Mandate");
    const told = Object.fromEntries(
      Object.entries(signed.message).map(([field, value]) => [field, `${String(value)}`]),
    );
    expect(told).to.deep.equal(shown);
    const upToMandate = wallet.asked.slice(0, wallet.asked.indexOf("sign Mandate") + 1);
    expect(upToMandate).to.deep.equal(["sign Permit", "send", "sign Mandate"]);
    expect(Math.round(performance.now() - began)).to.be.below(90_000);
    const { market } = contracts(stage.devnet.deployment, stage.chain.provider);
    const { limits, capacity } = await market.getFunction("registeredMandate").staticCall(id);
    for (const [field, value] of Object.entries(unpackLimits(limits, capacity)))
      expect(`${value}`, field).to.equal(shown[field]);
    expect(unpackLimits(limits, capacity).maxSpendPerDay).to.equal(750_500_000n);
    expect(await seriousFaults(page)).to.deep.equal([]);
    await leave(stage, seat);
  });
}
