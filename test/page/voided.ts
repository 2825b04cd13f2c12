/** A session that is frozen and that nobody settles. */
import { expect } from "chai";
import { freezeSession } from "../../offchain-solver/chain/session.ts";
import { MarketWatch } from "../../offchain-solver/chain/watch.ts";
import { passTime } from "../../offchain-solver/devnet/chain/served.ts";
import { seriousFaults } from "../support/pageBrowser.ts";
import { leave, seated, tab, type Stage } from "../support/pageStage.ts";

const HOUR_S = 3_600;

export function showsVoid(stage: Stage): void {
  describe("a session that nobody settles", () =>
    it("is open, and has come to nothing once its deadline is over", async () => {
      const { provider } = stage.chain;
      const seat = await seated(stage, 1, { width: 390 });
      const { page } = seat;
      const now = (await provider.getBlock("latest"))!.timestamp;
      const { settled } = await new MarketWatch(stage.devnet.deployment, provider).look();
      const { start: last, periodSeconds, periods } = settled!.terms;
      // Sessions do not overlap.
      const start = Math.max((Math.ceil(now / HOUR_S) + 1) * HOUR_S, Number(last) + periodSeconds * periods);
      const length = { start, periodSeconds: HOUR_S, periods: 1, deadline: start };
      const about = { termsHash: `0x${"12".repeat(32)}`, imbalancePrice: 35_000, ids: [] };
      const operator = stage.devnet.homes[0].keys.wallet.connect(provider);
      await freezeSession(stage.devnet.deployment, operator, { ...length, ...about });
      await page.getByText(/is being cleared, .* to its deadline/).waitFor();
      await passTime(provider, start + 60);
      await page.getByText("is void: it was not settled in time").waitFor();
      await tab(page, "Proof");
      const rows = page.locator('table:has(caption:has-text("Came to nothing")) tbody tr');
      await rows.first().waitFor();
      expect(await rows.count()).to.equal(1);
      expect(await seriousFaults(page)).to.deep.equal([]);
      await leave(stage, seat);
    }));
}
