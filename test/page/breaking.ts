/** A node or a host that answers what no page could show. */
import { expect } from "chai";
import { leave, seated, tab, type Stage } from "../support/pageStage.ts";

const EVENT = { ordinal: 1, outcome: "open", stage: "clearing", attempt: 1, iteration: 5, primal: 0.1, dual: 0.2 };
const HOSTILE_EVENTS = [
  { ...EVENT, primal: "0.5" },
  { ...EVENT, primal: null },
  { ...EVENT, outcome: { open: true } },
  { ...EVENT, refusal: ["no"] },
  5,
];

export function standsBreaking(stage: Stage): void {
  describe("stands", () => {
    it("what a node's API may answer", async () => {
      for (const body of ["null", "5", `{"status":5}`, "<html>", `{"status":"ok","block":{"number":1}}`]) {
        const seat = await seated(stage, 1);
        const { page } = seat;
        await page.route(/\/health$/, (route) => route.fulfill({ contentType: "application/json", body }));
        const events = HOSTILE_EVENTS.map((event) => `event: session\ndata: ${JSON.stringify(event)}\n\n`).join("");
        await page.route(/\/iterations$/, (route) => route.fulfill({ contentType: "text/event-stream", body: events }));
        await tab(page, "Feeder");
        await page
          .getByText(body.includes("ok") ? "✓ ok" : "✗")
          .first()
          .waitFor();
        await page.getByText("attempt 1").waitFor();
        expect(await page.locator("main").innerText()).to.not.include("[object");
        expect(seat.complaints).to.deep.equal([]);
        await leave(stage, seat);
      }
    });

    it("a proxy that answers for a node which is away, and asks again", async () => {
      const seat = await seated(stage, 1);
      const { page } = seat;
      await page.route(/\/iterations$/, (route) => route.fulfill({ status: 502, body: "{}" }));
      await tab(page, "Feeder");
      await page.getByText("The node does not answer. The page keeps trying.").waitFor();
      await page.unrouteAll({ behavior: "wait" });
      await page.getByText("nothing under way").waitFor();
      await leave(stage, seat);
    });

    it("a view that is not to be had, beside those that are", async () => {
      const seat = await seated(stage, 1);
      const { page } = seat;
      await page.route(/\/assets\/Auditor/, (route) => route.fulfill({ status: 404, body: "gone" }));
      await tab(page, "Proof");
      await page.getByText("This part cannot be shown").waitFor();
      await tab(page, "Feeder");
      await page.locator("svg.feeder").waitFor();
      await page.unrouteAll({ behavior: "wait" });
      await tab(page, "Proof");
      await page.getByRole("button", { name: "Load the page again" }).click();
      await page.getByText("Settled sessions").waitFor();
      seat.wallet.close();
      await page.context().close();
    });
  });
}
