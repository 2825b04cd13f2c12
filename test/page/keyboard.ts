/** The page without a mouse, and as a screen reader is told of it. */
import { expect } from "chai";
import type { Page } from "playwright-core";
import { button, connected, leave, seated, type Stage } from "../support/pageStage.ts";

/** Everything that can be acted on and is seen, in the order of the document; kept in the page for the walk. */
const CAN_BE_ACTED_ON =
  "a[href], button:not([disabled]), input:not([disabled]), select:not([disabled]), summary, [tabindex='0']";
const MOST_STOPS = 250;

type Stop = { readonly index: number; readonly what: string; readonly outlined: boolean; readonly seen: boolean };

/** Where the keyboard is to stop: of a group of radio buttons at the chosen one, or at the first. */
const EXPECT_STOPS = `(() => {
  const all = [...document.querySelectorAll(${JSON.stringify(CAN_BE_ACTED_ON)})].filter(
    (one) => one.checkVisibility({ visibilityProperty: true }) && (one.tabIndex >= 0 || one.role === "tab"),
  );
  const group = (name) => all.filter((one) => one.type === "radio" && one.name === name);
  const chosen = (name) => group(name).find((one) => one.checked) ?? group(name)[0];
  // A list of tabs hands the focus to the one that is chosen.
  const stops = all.filter((one) =>
    one.type === "radio" ? one === chosen(one.name) : one.role === "tab" ? one.ariaSelected === "true" : one.role !== "tablist",
  );
  Object.assign(globalThis, { stops });
  document.body.tabIndex = -1;
  document.body.focus();
  document.body.removeAttribute("tabindex");
  return stops.map((one) => [one.tagName, one.id, one.textContent.slice(0, 40)].join(" "));
})()`;

const STOP_NOW = `(() => {
  const one = document.activeElement ?? document.body;
  const { outlineStyle, outlineWidth } = getComputedStyle(one);
  const { left, right, top, bottom } = one.getBoundingClientRect();
  return {
    index: stops.indexOf(one),
    what: [one.tagName, one.id, one.textContent.slice(0, 40)].join(" "),
    outlined: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2,
    seen: right > 0 && bottom > 0 && left < innerWidth && top < innerHeight,
  };
})()`;
const IN_DIALOG = `document.activeElement === document.body || document.activeElement.closest("dialog") !== null`;

/** Walks once around: every stop in the document's order, each outlined and on the screen. */
async function walk(page: Page): Promise<string[]> {
  const expected = await page.evaluate<string[]>(EXPECT_STOPS);
  expect(expected.length).to.be.within(5, MOST_STOPS);
  for (let k = 0; k < expected.length; k++) {
    await page.keyboard.press("Tab");
    const { index, what, outlined, seen } = await page.evaluate<Stop>(STOP_NOW);
    if (index !== k) {
      const shown = await page.evaluate<string>("document.querySelector('main').innerText.slice(0, 400)");
      expect.fail(`after ${expected[k - 1]} comes ${what}, not ${expected[k]}, where is shown: ${shown}`);
    }
    expect(outlined, `${what} has an outline`).to.equal(true);
    expect(seen, `${what} is on the screen`).to.equal(true);
  }
  return expected;
}

/** Nodes of the accessibility tree that can be acted on, and those that have no name. */
async function nameless(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  const { nodes } = (await session.send("Accessibility.getFullAXTree")) as {
    nodes: { ignored: boolean; role?: { value: string }; name?: { value: string } }[];
  };
  await session.detach();
  const roles =
    /^(button|link|textbox|searchbox|spinbutton|slider|combobox|radio|tab|tabpanel|dialog|img|image|table|region|checkbox)$/;
  return nodes
    .filter(({ ignored, role, name }) => !ignored && roles.test(role?.value ?? "") && !name?.value.trim())
    .map(({ role }) => role!.value);
}

export function walksByKeys(stage: Stage): void {
  describe("without a mouse", () => {
    for (const width of [1440, 390])
      it(`goes around the owner's view of ${width} px, and names everything`, async () => {
        const seat = await connected(stage, 1, { width });
        const { page } = seat;
        await page.getByRole("heading", { name: "Receipts" }).waitFor();
        await page.getByRole("heading", { name: "Credits" }).waitFor();
        await page.getByRole("heading", { name: "Your devices' plan" }).waitFor();
        await page.getByText("Bill of the meter by part").waitFor();
        const stops = await walk(page);
        for (const word of ["Pay in", "Review and sign", "maxBuy", "Disconnect", "Save as CSV"])
          expect(stops.join("\n")).to.include(word);
        expect(await nameless(page)).to.deep.equal([]);
        await leave(stage, seat);
      });

    it("goes around the operator's and the auditor's views, from tab to tab by arrows", async () => {
      const seat = await seated(stage, 1);
      const { page } = seat;
      await page.getByRole("tab", { name: "My account" }).focus();
      await page.keyboard.press("ArrowRight");
      await page.locator("svg.feeder").waitFor();
      await page.getByRole("heading", { name: "Reserve by zone" }).waitFor();
      await page.getByText("✓ ok").first().waitFor();
      expect(await page.getByRole("tab", { name: "Feeder" }).getAttribute("aria-selected")).to.equal("true");
      const time = page.getByLabel("Time", { exact: true });
      await time.focus();
      await page.keyboard.press("Home");
      const first = await time.getAttribute("aria-valuetext");
      await page.keyboard.press("ArrowRight");
      expect(await time.getAttribute("aria-valuetext")).to.not.equal(first);
      await walk(page);
      expect(await nameless(page)).to.deep.equal([]);
      await page.getByRole("tab", { name: "Feeder" }).focus();
      await page.keyboard.press("ArrowRight");
      await page.getByText("Settled sessions").waitFor();
      await page.locator("table button.link").first().focus();
      await page.keyboard.press("Enter");
      await page.getByText("Every check, in the order of the audit").waitFor();
      await page.getByText("Certificates: issued from meters").waitFor();
      await page.getByText("Members at the meter").waitFor();
      await page.getByText(/Signed by/).waitFor();
      await walk(page);
      expect(await nameless(page)).to.deep.equal([]);
      await leave(stage, seat);
    });

    it("moves sliders, opens and leaves the review, and signs", async () => {
      const seat = await connected(stage, 1);
      const { page, wallet } = seat;
      const slider = page.getByRole("slider", { name: "Buy at most for" });
      await slider.focus();
      const before = await slider.getAttribute("aria-valuetext");
      await page.keyboard.press("ArrowRight");
      const after = await slider.getAttribute("aria-valuetext");
      expect(after).to.match(/\$\/kWh$/);
      expect(after).to.not.equal(before);
      const review = button(page, "Review and sign");
      await review.focus();
      await page.keyboard.press("Enter");
      const dialog = page.getByRole("dialog", { name: "What your wallet will show" });
      await dialog.waitFor();
      for (let k = 0; k < 6; k++) {
        await page.keyboard.press("Tab");
        const inside = await page.evaluate<boolean>(IN_DIALOG);
        expect(inside, "the focus stays in the dialog").to.equal(true);
      }
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "detached" });
      expect(await page.evaluate("document.activeElement.textContent")).to.equal("Review and sign");
      expect(wallet.asked).to.deep.equal([]);
      await page.keyboard.press("Enter");
      await dialog.waitFor();
      await button(page, "Sign it").focus();
      await page.keyboard.press("Enter");
      await page.getByText("Your mandate counts from the next session on.").waitFor();
      expect(wallet.asked).to.deep.equal(["sign Mandate", "send"]);
      const at = await page.evaluate(`document.activeElement.closest("section")?.getAttribute("aria-label")`);
      expect(at, "the focus is where it was").to.equal("Your limits");
      await leave(stage, seat);
    });
  });
}
