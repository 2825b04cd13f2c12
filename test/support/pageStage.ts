/** A devnet with its page and a browser: what the page's tests act on, opened once for all of them. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { Wallet } from "ethers";
import type { Browser, Page } from "playwright-core";
import { contracts, send } from "../../offchain-solver/chain/deployment.ts";
import { anvilChain } from "../../offchain-solver/devnet/chain/anvilChain.ts";
import type { ServedChain } from "../../offchain-solver/devnet/chain/served.ts";
import { daysOf } from "../../offchain-solver/devnet/days.ts";
import { openDevnet, type Devnet } from "../../offchain-solver/devnet/devnet.ts";
import { servePage, type ServedPage } from "../../offchain-solver/devnet/pageServer.ts";
import { loadBase } from "../../offchain-solver/scenarios/loadBase.ts";
import { takeHours } from "../../offchain-solver/scenarios/loadScenario.ts";
import { populate } from "../../offchain-solver/scenarios/populate.ts";
import { buildApp, openChromium, openPage, type Opened, type Screen } from "./pageBrowser.ts";
import { giveWallet, type PageWallet } from "./pageWallet.ts";

export const DAY_S = 86_400;
export const WAIT = { patienceMs: 240_000 };
export const HOSTILE = `<img src=x onerror="globalThis.broken = 1">`;
/** No place in it to break a line. */
export const LONG = "Wohnungseigentumsgemeinschaftsverwaltungsgesellschaft_Nord_4";

export type Seat = Opened & { readonly wallet: PageWallet; readonly id: number; readonly key: Wallet };

/** Filled by `openStage`. */
export type Stage = { chain: ServedChain; devnet: Devnet; served: ServedPage; browser: Browser };

export type StageOptions = {
  readonly name?: string;
  readonly called?: (id: number) => string;
  readonly hours?: number;
  readonly homes?: number;
};

/** Builds page and contracts on a fresh clone. Two sessions, of two hours unless asked; the first has settled. */
export async function openStage(stage: Stage, options: StageOptions = {}): Promise<void> {
  buildApp();
  const { name = HOSTILE, called = (id) => `${HOSTILE} ${LONG} ${id}`, hours = 2, homes = 4 } = options;
  const street = { ...takeHours(populate(loadBase("ieee15"), homes, 1), hours), name };
  const days = daysOf(street, 2, (day) => day);
  const data = mkdtempSync(join(tmpdir(), "gridpact-page-"));
  stage.chain = await anvilChain(new Date(Date.parse(days[0].startUtc) - 2 * DAY_S * 1000), 0, join(data, "chain"));
  const { chain } = stage;
  const transport = { kind: "tls" } as const;
  // The tests say what was metered, and claim credits by hand.
  stage.devnet = await openDevnet({ data, days, chain, transport, patienceMs: 60_000, metersElsewhere: true });
  const names = Object.fromEntries(stage.devnet.homes.map(({ id }) => [id, called(id)]));
  stage.served = await servePage(stage.devnet, { names, timeZone: "Europe/Vienna" });
  stage.browser = await openChromium();
  expect(await stage.devnet.session(0, WAIT)).to.deep.include({ outcome: "settled" });
}

export async function closeStage(stage: Partial<Stage>): Promise<void> {
  await stage.browser?.close();
  await stage.served?.close();
  await stage.devnet?.close();
  await stage.chain?.close();
}

/** A home's owner with money in its wallet, before the page; `seat` counts the homes. */
export async function seated(stage: Stage, seat: number, screen: Screen = {}, url = stage.served.url): Promise<Seat> {
  const { devnet, chain, browser } = stage;
  const { id, keys } = devnet.homes[1 + seat];
  const opened = await openPage(browser, screen);
  const wallet = await giveWallet(opened.page, keys.wallet, chain.url);
  const { token } = contracts(devnet.deployment, chain.admin);
  await send(token, "mint", keys.wallet.address, 100_000_000n);
  await opened.page.goto(url);
  return { ...opened, wallet, id, key: keys.wallet };
}

export async function connected(stage: Stage, seat: number, screen: Screen = {}): Promise<Seat> {
  const found = await seated(stage, seat, screen);
  await button(found.page, "Connect Test wallet").click();
  await found.page.getByText("in the market's contract").waitFor();
  return found;
}

export async function leave({ served }: Stage, { page, wallet, complaints, requests }: Seat): Promise<void> {
  expect(await page.evaluate("globalThis.broken"), "a name is text").to.equal(undefined);
  expect(await page.locator("img").count()).to.equal(0);
  expect(complaints).to.deep.equal([]);
  expect(requests.filter((one) => !one.startsWith(served.url) && !one.startsWith("blob:"))).to.deep.equal([]);
  wallet.close();
  await page.unrouteAll({ behavior: "ignoreErrors" });
  await page.context().close();
}

export const button = (page: Page, name: string | RegExp) =>
  page.getByRole("button", { name, exact: typeof name === "string" });
export const tab = (page: Page, name: string) => page.getByRole("tab", { name }).click();
export const accountOf = ({ devnet, chain }: Stage, id: number) =>
  contracts(devnet.deployment, chain.provider).market.getFunction("account").staticCall(id);
export const figure = async (page: Page, label: string): Promise<string> =>
  (await page.locator(`dl.figures > div:has(dt:text-is("${label}")) dd`).first().textContent()) ?? "";
/** The foot of the table of that caption, as a number's text. */
export const footOf = async (page: Page, caption: string): Promise<string> =>
  ((await page.locator(`table:has(caption:text-is("${caption}")) tfoot td`).textContent()) ?? "").replace(
    "\u2212",
    "-",
  );
