/**
 * Pictures of the page, to be looked at: every view at both widths, light and dark, into a folder. `node
 * scripts/generate/pagePictures.ts DIR`; those of docs/guide are among them.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { passTime } from "../../offchain-solver/devnet/chain/served.ts";
import { defineCredit, meteringOf, meterSession } from "../../test/support/meteredSession.ts";
import type { Screen } from "../../test/support/pageBrowser.ts";
import {
  button,
  closeStage,
  connected,
  openStage,
  seated,
  tab,
  WAIT,
  type Stage,
} from "../../test/support/pageStage.ts";

const NAMES = ["Library", "Weber", "Bakery", "Novak", "School", "Okafor", "Rossi", "Lindqvist"];
const DAY_S = 86_400;
const folder = process.argv[2] ?? "page-pictures";

async function open(stage: Stage): Promise<void> {
  await openStage(stage, { name: "Elm street", called: (id) => NAMES[id % NAMES.length], hours: 6, homes: 6 });
  await stage.devnet.session(1, WAIT);
  const { id } = stage.devnet.homes[2];
  const { deployment } = stage.devnet;
  await meterSession(meteringOf(stage), (row) => ({
    ...row,
    emissionsG: 2_000,
    values: row.values.map((value, t) => ({
      ...value,
      meteredWh: value.dueWh + (t % 3 === 0 ? -900 : 250) * (row.id === id ? 1 : 0),
      renewableWh: 400 + 150 * t,
    })),
  }));
  const { timestamp } = (await stage.chain.provider.getBlock("latest"))!;
  await defineCredit(deployment, stage.chain.admin, id, timestamp);
  await passTime(stage.chain.provider, timestamp + DAY_S + 60);
  const { page, wallet } = await connected(stage, 1);
  await button(page, "Claim them").click();
  await page.getByText("The credits are in your wallet.").waitFor();
  const form = page.getByRole("form", { name: "What to do with credits" });
  await form.getByLabel("How much, kWh").fill("1.5");
  await form.getByLabel("For whom").fill("Bakery on the corner");
  await form.getByLabel("For which session").selectOption({ index: 1 });
  await button(page, "Retire").click();
  await page.getByText("Retired for good. The certificate is below.").waitFor();
  wallet.close();
  await page.context().close();
}

const shot = async (page: Page, name: string): Promise<void> => {
  await page.waitForTimeout(700);
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
};

async function pictures(stage: Stage, screen: Required<Screen>): Promise<void> {
  const name = (view: string): string => `${view}-${screen.width}-${screen.colorScheme}`;
  const { page, wallet } = await connected(stage, 1, screen);
  await page.getByRole("heading", { name: "Credits" }).waitFor();
  await page.getByText("Retired for good").waitFor();
  await page.getByText("Bill of the meter by part").waitFor();
  await shot(page, name("prosumer"));
  await page.locator('section[aria-label="At the meter"]').screenshot({ path: join(folder, `${name("meter")}.png`) });
  await page.locator('section[aria-label="Credits"]').screenshot({ path: join(folder, `${name("credits")}.png`) });
  await button(page, "Review and sign").click();
  await page.getByRole("dialog").waitFor();
  await page.screenshot({ path: join(folder, `${name("mandate")}.png`) });
  wallet.close();
  await page.context().close();
  const other = await seated(stage, 1, screen);
  await other.page.getByText("Connect your wallet").waitFor();
  await shot(other.page, name("connect"));
  await tab(other.page, "Feeder");
  await other.page.locator("svg.feeder").waitFor();
  await other.page.getByText("Checked in this browser").waitFor();
  await shot(other.page, name("operator"));
  await tab(other.page, "Proof");
  await other.page.locator("table button.link").first().click();
  await other.page.getByText("Certificates: issued from meters").waitFor();
  await other.page.getByText("Members at the meter").waitFor();
  await shot(other.page, name("auditor"));
  other.wallet.close();
  await other.page.context().close();
}

mkdirSync(folder, { recursive: true });
const stage = {} as Stage;
try {
  await open(stage);
  for (const width of [1440, 390])
    for (const colorScheme of ["light", "dark"] as const) await pictures(stage, { width, colorScheme });
} finally {
  await closeStage(stage);
}
process.exit();
