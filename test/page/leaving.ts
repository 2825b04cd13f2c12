/** An owner who leaves. */
import { expect } from "chai";
import { contracts, deliveryContracts } from "../../offchain-solver/chain/deployment.ts";
import { passTime } from "../../offchain-solver/devnet/chain/served.ts";
import { seriousFaults } from "../support/pageBrowser.ts";
import { accountOf, button, connected, DAY_S, leave, type Stage } from "../support/pageStage.ts";

export function letsLeave(stage: Stage): void {
  it("lets an owner leave: revoked at once, paid out when the delay is over", async () => {
    const seat = await connected(stage, 0, { width: 390, colorScheme: "dark" });
    const { page, id, key } = seat;
    await button(page, "Revoke and leave").click();
    await page.getByText("You have left").waitFor();
    await page.getByText("You have no mandate").waitFor();
    await page.getByText(/can be paid out in/).waitFor();
    await page.getByText("Your connection has been ended").waitFor();
    const { delivery } = deliveryContracts(stage.devnet.deployment, stage.chain.provider);
    const now = (await stage.chain.provider.getBlock("latest"))!.timestamp;
    const ending = await delivery.getFunction("endings").staticCall(0);
    expect(Number(ending.id)).to.equal(id);
    expect(Number(ending.from) - now).to.be.within(DAY_S, 2 * DAY_S + 1);
    expect(await button(page, "Pay it out").isDisabled()).to.equal(true);
    expect(await seriousFaults(page)).to.deep.equal([]);
    const { timestamp } = (await stage.chain.provider.getBlock("latest"))!;
    await passTime(stage.chain.provider, timestamp + 7 * DAY_S);
    await page.getByText("can be paid out now").waitFor();
    const { token, market } = contracts(stage.devnet.deployment, stage.chain.provider);
    const before: bigint = await token.getFunction("balanceOf").staticCall(key.address);
    const all =
      (await accountOf(stage, id)).deposit / 1_000n + (await market.getFunction("pending").staticCall(id)).tokens;
    await button(page, "Pay it out").click();
    await page.getByText("It is paid to your wallet.").waitFor();
    expect((await token.getFunction("balanceOf").staticCall(key.address)) - before).to.equal(all);
    await leave(stage, seat);
  });
}
