import { cpSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect } from "chai";
import type { Wallet } from "ethers";
import type { Browser, Page } from "playwright-core";
import { contracts, send } from "../offchain-solver/chain/deployment.ts";
import { readSessions } from "../offchain-solver/chain/events.ts";
import { MARKET } from "../offchain-solver/codec/abi.ts";
import { unpackLimits } from "../offchain-solver/codec/typedData.ts";
import { anvilChain } from "../offchain-solver/devnet/chain/anvilChain.ts";
import { passTime, type ServedChain } from "../offchain-solver/devnet/chain/served.ts";
import { daysOf } from "../offchain-solver/devnet/days.ts";
import { openDevnet, type Devnet } from "../offchain-solver/devnet/devnet.ts";
import { servePage, type ServedPage } from "../offchain-solver/devnet/pageServer.ts";
import { bundleFolder } from "../offchain-solver/devnet/parties.ts";
import type { AuditJson } from "../offchain-solver/records/sessionJson.ts";
import { loadBase } from "../offchain-solver/scenarios/loadBase.ts";
import { takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { populate } from "../offchain-solver/scenarios/populate.ts";
import { captured } from "./support/commandLine.ts";
import { buildApp, openChromium, openPage, seriousFaults, type Opened, type Screen } from "./support/pageBrowser.ts";
import { giveWallet, type PageWallet } from "./support/pageWallet.ts";
import { tamperedRpc, type Edit } from "./support/tamperedRpc.ts";

const DAY_S = 86_400;
const WAIT = { patienceMs: 240_000 };
/** Bytes of the first load, gzipped. */
const MOST_BYTES = 250_000;
const HOSTILE = `<img src=x onerror="globalThis.broken = 1">`;

type Seat = Opened & { readonly wallet: PageWallet; readonly id: number; readonly key: Wallet };

describe("the page, in a browser with a wallet", function () {
  this.timeout(300_000);
  let chain: ServedChain;
  let devnet: Devnet;
  let served: ServedPage;
  let browser: Browser;

  before(async function () {
    // Builds page and contracts on a fresh clone.
    this.timeout(0);
    buildApp();
    const street = { ...takeHours(populate(loadBase("ieee15"), 4, 1), 2), name: HOSTILE };
    const days = daysOf(street, 2, (day) => day);
    const data = mkdtempSync(join(tmpdir(), "gridpact-page-"));
    chain = await anvilChain(new Date(Date.parse(days[0].startUtc) - 2 * DAY_S * 1000), 0, join(data, "chain"));
    devnet = await openDevnet({ data, days, chain, transport: { kind: "tls" }, patienceMs: 60_000 });
    const names = Object.fromEntries(devnet.homes.map(({ id }) => [id, `${HOSTILE} ${id}`]));
    served = await servePage(devnet, { names, timeZone: "Europe/Vienna" });
    browser = await openChromium();
    expect(await devnet.session(0, WAIT)).to.deep.include({ outcome: "settled" });
  });
  after(async () => {
    await browser?.close();
    await served?.close();
    await devnet?.close();
    await chain?.close();
  });

  /** A home's owner with money in its wallet, before the page; `seat` counts the homes. */
  async function seated(seat: number, screen: Screen = {}, url = served.url): Promise<Seat> {
    const { id, keys } = devnet.homes[1 + seat];
    const opened = await openPage(browser, screen);
    const wallet = await giveWallet(opened.page, keys.wallet, chain.url);
    const { token } = contracts(devnet.deployment, chain.admin);
    await send(token, "mint", keys.wallet.address, 100_000_000n);
    await opened.page.goto(url);
    return { ...opened, wallet, id, key: keys.wallet };
  }
  async function connected(seat: number, screen: Screen = {}): Promise<Seat> {
    const found = await seated(seat, screen);
    await button(found.page, "Connect Test wallet").click();
    await found.page.getByText("in the market's contract").waitFor();
    return found;
  }
  async function leave({ page, wallet, complaints, requests }: Seat): Promise<void> {
    expect(await page.evaluate("globalThis.broken"), "a name is text").to.equal(undefined);
    expect(await page.locator("img").count()).to.equal(0);
    expect(complaints).to.deep.equal([]);
    expect(requests.filter((one) => !one.startsWith(served.url) && !one.startsWith("blob:"))).to.deep.equal([]);
    wallet.close();
    await page.context().close();
  }
  const button = (page: Page, name: string | RegExp) =>
    page.getByRole("button", { name, exact: typeof name === "string" });
  const tab = (page: Page, name: string) => page.getByRole("tab", { name }).click();
  const accountOf = (id: number) =>
    contracts(devnet.deployment, chain.provider).market.getFunction("account").staticCall(id);
  const figure = async (page: Page, label: string): Promise<string> =>
    (await page.locator(`dl.figures > div:has(dt:text-is("${label}")) dd`).first().textContent()) ?? "";

  it("loads little at first, the auditor when asked, and nothing from elsewhere", async () => {
    const sizes = new Map<string, number>();
    const opened = await openPage(browser);
    const { page } = opened;
    const bodies: Promise<void>[] = [];
    page.on("response", (response) => {
      if (/\.(js|css|svg)$|\/$/.test(new URL(response.url()).pathname))
        bodies.push(response.body().then((body) => void sizes.set(response.url(), gzipSync(body).length)));
    });
    const answer = await page.goto(served.url);
    expect(answer?.headers()["content-security-policy"]).to.match(/script-src 'self'; style-src 'self'/);
    await page.getByText("This browser shows no wallet").waitFor();
    expect(await seriousFaults(page)).to.deep.equal([]);
    await Promise.all(bodies);
    const first = [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
    expect(first, [...sizes].join("\n")).to.be.within(50_000, MOST_BYTES);
    expect([...sizes.keys()].filter((name) => /proof|Auditor/.test(name))).to.deep.equal([]);
    await tab(page, "Proof");
    await page.getByText("Settled sessions").waitFor();
    expect([...sizes.keys()].some((name) => /proof/.test(name))).to.equal(true);
    expect(opened.complaints).to.deep.equal([]);
    expect(opened.requests.filter((one) => !one.startsWith(served.url))).to.deep.equal([]);
    await page.context().close();
  });

  it("takes an owner from opening it to a mandate on the chain with three questions", async () => {
    const began = performance.now();
    const seat = await connected(0);
    const { page, wallet, id } = seat;
    const before = await accountOf(id);
    await page.getByLabel("Amount, $").fill("20");
    await button(page, "Pay in").click();
    await page.getByText("$20.00 are in your deposit.").waitFor();
    expect((await accountOf(id)).deposit - before.deposit).to.equal(20_000_000_000n);
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
    const { market } = contracts(devnet.deployment, chain.provider);
    const { limits, capacity } = await market.getFunction("registeredMandate").staticCall(id);
    for (const [field, value] of Object.entries(unpackLimits(limits, capacity)))
      expect(`${value}`, field).to.equal(shown[field]);
    expect(unpackLimits(limits, capacity).maxSpendPerDay).to.equal(750_500_000n);
    expect(await seriousFaults(page)).to.deep.equal([]);
    await leave(seat);
  });

  it("follows a clearing as it goes on, and draws what it came to", async () => {
    const seat = await seated(1, { width: 1440, colorScheme: "dark" });
    const { page } = seat;
    await tab(page, "Feeder");
    await page.locator("svg.feeder").waitFor();
    const iterations: number[] = [];
    const clearing = devnet.session(1, WAIT);
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
    await page.locator("svg.feeder").waitFor();
    const buses = devnet.terms[0].scenario.feeder.buses.length;
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
    await leave(seat);
  });

  it("bills what the ledger moved, and gives the receipts as a file", async () => {
    const seat = await connected(1, { width: 390 });
    const { page, id } = seat;
    const last = (await readSessions(devnet.deployment, chain.provider, 0)).at(-1)!;
    const moved = last.deltas.find((one) => one.id === id)!.money;
    await page.getByRole("heading", { name: "Receipts" }).waitFor();
    const paid = Number(-moved) / 1e9;
    const all = await page.locator('table:has(caption:text-is("Bill by part")) tfoot td').textContent();
    expect(all?.replace("\u2212", "-")).to.equal(paid.toFixed(4));
    expect(await figure(page, "Judged here")).to.equal("valid");
    const download = page.waitForEvent("download");
    await button(page, "Save as CSV").click();
    const text = readFileSync(await (await download).path(), "utf8");
    expect(text).to.include(last.batch).and.to.include("valid");
    expect(await page.evaluate("document.documentElement.scrollWidth")).to.equal(390);
    expect(await seriousFaults(page)).to.deep.equal([]);
    await leave(seat);
  });

  describe("judges as the command does", () => {
    type Case = {
      readonly name: string;
      readonly kinds: readonly string[];
      readonly edit?: Edit;
      readonly spoil?: boolean;
    };
    const flipped = (hex: string, at: number): string =>
      `${hex.slice(0, at)}${hex[at] === "0" ? "1" : "0"}${hex.slice(at + 1)}`;
    const cases: readonly Case[] = [
      { name: "a session as it is", kinds: ["valid"] },
      { name: "a witness that was changed", kinds: ["undecided"], spoil: true },
      {
        name: "other code at the market's address",
        kinds: ["invalid"],
        edit: ({ method, params }, result) =>
          method === "eth_getCode" && `${params[0]}`.toLowerCase() === devnet.deployment.market.toLowerCase()
            ? flipped(result as string, 1_001)
            : result,
      },
      {
        name: "a settlement whose event was changed",
        kinds: ["invalid", "undecided"],
        edit: ({ method }, result) => {
          const settled = MARKET.getEvent("Settled")?.topicHash;
          type Log = { readonly topics: readonly string[]; readonly data: string };
          const changed = (logs: readonly Log[]): Log[] =>
            logs.map((log) => (log.topics[0] === settled ? { ...log, data: flipped(log.data, 140) } : log));
          if (method === "eth_getLogs") return changed(result as Log[]);
          if (method !== "eth_getTransactionReceipt") return result;
          return { ...(result as object), logs: changed((result as { logs: Log[] }).logs) };
        },
      },
    ];
    for (const { name, kinds, edit, spoil } of cases)
      it(name, async () => {
        const data = spoil ? mkdtempSync(join(tmpdir(), "gridpact-spoilt-")) : devnet.data;
        if (spoil) {
          cpSync(join(devnet.data, "public"), join(data, "public"), { recursive: true });
          for (const file of readdirSync(bundleFolder(data))) {
            const text = readFileSync(join(bundleFolder(data), file), "utf8");
            writeFileSync(join(bundleFolder(data), file), text.replace(/"regretNano":"\d/, '"regretNano":"9'));
          }
        }
        const rpc = edit && (await tamperedRpc(chain.url, edit));
        const shown = { ...devnet, data, chain: { ...chain, url: rpc?.url ?? chain.url } };
        const other = await servePage(shown);
        const { page } = await openPage(browser);
        try {
          const where = ["--rpc", shown.chain.url, "--market", devnet.deployment.market];
          const { stdout } = await captured("audit", ...where, "--bundle", bundleFolder(data), "--json", "-");
          const { verdicts } = JSON.parse(stdout) as AuditJson;
          await page.goto(`${other.url}#auditor`);
          const verdictsShown = page.locator("table .verdict");
          await verdictsShown.first().waitFor();
          const texts = await verdictsShown.allTextContents();
          expect(texts).to.have.length(verdicts.length);
          expect(kinds).to.include(verdicts[0].verdict);
          verdicts.reverse().forEach((one, k) => {
            expect(texts[k].split(/[:,]/)[0], texts[k]).to.equal(one.verdict);
            for (const said of [one.predicate, one.detail]) if (said) expect(texts[k]).to.include(said);
          });
          await page.locator("table button.link").first().click();
          await page.getByText("Every check, in the order of the audit").waitFor();
          const states = await page.locator(".state").allTextContents();
          expect(
            states.every((state) => state.includes("passed")),
            states.join(),
          ).to.equal(verdicts[0].verdict === "valid");
          expect(await seriousFaults(page)).to.deep.equal([]);
        } finally {
          await page.context().close();
          await other.close();
          rpc?.close();
        }
      });
  });

  describe("says in words what does not go, and sends nothing", () => {
    it("an owner who declines, an amount that is none or too large", async () => {
      const seat = await connected(1);
      const { page, wallet, id } = seat;
      const before = (await accountOf(id)).deposit;
      const amount = page.getByLabel("Amount, $");
      for (const [text, says] of [
        ["", "Enter an amount in dollars"],
        ["0.0000001", "Enter an amount in dollars"],
        ["100000", "Your wallet holds"],
      ]) {
        await amount.fill(text);
        await button(page, "Pay in").click();
        await page.getByText(says).waitFor();
      }
      wallet.decline(true);
      await amount.fill("5");
      await button(page, "Pay in").click();
      await page.getByText("You declined it in your wallet.").waitFor();
      expect(await seriousFaults(page)).to.deep.equal([]);
      expect(wallet.asked).to.deep.equal([]);
      expect((await accountOf(id)).deposit).to.equal(before);
      await leave(seat);
    });

    it("another network, which it offers to leave", async () => {
      const seat = await connected(1);
      const { page, wallet } = seat;
      await wallet.onChain(1);
      await page.getByText("Your wallet is on network 1").waitFor();
      expect(await seriousFaults(page)).to.deep.equal([]);
      wallet.decline(true);
      await button(page, "Switch the network").click();
      await page.getByText("You declined it").waitFor();
      wallet.decline(false);
      await button(page, "Switch the network").click();
      await page.getByText("in the market's contract").waitFor();
      await leave(seat);
    });

    it("a wallet that changes in the middle of an act", async () => {
      const seat = await connected(1);
      const { page, wallet, id } = seat;
      const before = (await accountOf(id)).deposit;
      wallet.beforeSigning(() => wallet.goTo(devnet.homes[3].keys.wallet));
      await page.getByLabel("Amount, $").fill("5");
      await button(page, "Pay in").click();
      await page.getByText(new RegExp(` ${devnet.homes[3].id}$`)).waitFor();
      await page.waitForTimeout(500);
      expect(wallet.asked).to.deep.equal(["sign Permit"]);
      expect((await accountOf(id)).deposit).to.equal(before);
      expect((await accountOf(devnet.homes[3].id)).deposit).to.be.greaterThan(0n);
      await leave(seat);
    });

    it("a chain and a node that are away, and a chain that went back", async () => {
      const seat = await seated(1);
      const { page } = seat;
      await tab(page, "Feeder");
      await page.getByText("✓ ok").first().waitFor();
      await page.route(/\/(rpc|nodes)/, (route) => route.abort());
      await page.getByText("The chain does not answer").waitFor();
      expect(await seriousFaults(page)).to.deep.equal([]);
      await page.unroute(/\/(rpc|nodes)/);
      await page.getByText("The chain does not answer").waitFor({ state: "detached" });
      await page.route(/\/nodes/, (route) => route.abort());
      await chain.provider.send("evm_mine", []);
      await page.getByText("✗ does not answer").first().waitFor();
      const snapshot = await chain.provider.send("evm_snapshot", []);
      await chain.provider.send("evm_mine", []);
      await page.waitForTimeout(3_000);
      await chain.provider.send("evm_revert", [snapshot]);
      await page.getByText("The chain went back").waitFor();
      await leave(seat);
    });

    it("a mandate that expires before it is registered", async () => {
      const seat = await connected(1);
      const { page, wallet } = seat;
      await page.getByLabel("Counts for").fill("1");
      wallet.beforeSigning(async () => {
        const { timestamp } = (await chain.provider.getBlock("latest"))!;
        await passTime(chain.provider, timestamp + 2 * DAY_S);
        wallet.beforeSigning(undefined);
      });
      await button(page, "Review and sign").click();
      await button(page, "Sign it").click();
      await page.getByText(/The market refuses: the mandate has expired .*MandateExpired/).waitFor();
      await leave(seat);
    });
  });

  it("lets an owner leave: revoked at once, paid out when the delay is over", async () => {
    const seat = await connected(0, { width: 390, colorScheme: "dark" });
    const { page, id, key } = seat;
    await button(page, "Revoke and leave").click();
    await page.getByText("You have left").waitFor();
    await page.getByText("You have no mandate").waitFor();
    await page.getByText(/can be paid out in/).waitFor();
    expect(await button(page, "Pay it out").isDisabled()).to.equal(true);
    expect(await seriousFaults(page)).to.deep.equal([]);
    const { timestamp } = (await chain.provider.getBlock("latest"))!;
    await passTime(chain.provider, timestamp + 7 * DAY_S);
    await page.getByText("can be paid out now").waitFor();
    const { token, market } = contracts(devnet.deployment, chain.provider);
    const before: bigint = await token.getFunction("balanceOf").staticCall(key.address);
    const all = (await accountOf(id)).deposit / 1_000n + (await market.getFunction("pending").staticCall(id)).tokens;
    await button(page, "Pay it out").click();
    await page.getByText("It is paid to your wallet.").waitFor();
    expect((await token.getFunction("balanceOf").staticCall(key.address)) - before).to.equal(all);
    await leave(seat);
  });
});
