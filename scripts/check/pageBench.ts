/**
 * `npm run bench:page -- [--times N] [--json FILE]`: a settled day of ieee141 behind the page, opened N times by a
 * browser that has seen nothing of it before: the first load, the feeder drawn, the session judged by that browser,
 * and the frames while somebody drags the time slider to and fro. Medians, with the load average beside
 * them: a browser shares this machine's cores with the chain that it asks.
 */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { argumentsOf } from "./arguments.ts";
import type { Browser, Page } from "playwright-core";
import { canonicalBytes } from "../../offchain-solver/codec/canonicalJson.ts";
import { termsBytes } from "../../offchain-solver/codec/terms.ts";
import { bundleHash } from "../../offchain-solver/codec/witness.ts";
import { anvilChain } from "../../offchain-solver/devnet/chain/anvilChain.ts";
import { servePage } from "../../offchain-solver/devnet/pageServer.ts";
import { bundleFolder, scheduleFolder } from "../../offchain-solver/devnet/parties.ts";
import { openMarket } from "../../offchain-solver/devnet/steps/load.ts";
import { writeJson } from "../../offchain-solver/io/target.ts";
import { withCapabilities } from "../../offchain-solver/market/scenario/capability.ts";
import { loadScenario } from "../../offchain-solver/scenarios/loadScenario.ts";
import { buildApp, openChromium, openPage } from "../../test/support/pageBrowser.ts";
import { settleOne } from "./settleOne.ts";

const { values } = argumentsOf({ options: { times: { type: "string", default: "7" }, json: { type: "string" } } });
const times = Number(values.times);
if (!Number.isSafeInteger(times) || times < 1) {
  process.stderr.write(`--times ${values.times}: must be a whole number from 1\n`);
  process.exit(2);
}
const DAY_S = 86_400;
const FRAMES = 240;

/** Chain, market and published files of one settled day. */
async function settledDay() {
  const [scenario] = withCapabilities([loadScenario("ieee141")]);
  const data = mkdtempSync(join(tmpdir(), "gridpact-page-bench-"));
  const dayBefore = new Date(Date.parse(scenario.startUtc) - 1000 * (DAY_S - 3600));
  const chain = await anvilChain(dayBefore, 0, join(data, "chain"));
  const deployment = await openMarket(chain.admin, scenario);
  const { terms, witness } = await settleOne(scenario, { ...chain, deployment });
  for (const folder of [bundleFolder(data), scheduleFolder(data)]) mkdirSync(folder, { recursive: true });
  writeFileSync(join(bundleFolder(data), `${bundleHash(witness)}.json`), canonicalBytes(witness));
  writeFileSync(join(scheduleFolder(data), "0001.json"), termsBytes(terms));
  return { chain, deployment, data, terms: [terms], apiPorts: new Map<number, number>() };
}

/** From the address typed in to the feeder painted, and to the verdict, ms; the page stays open. */
async function opened(browser: Browser, url: string, buses: number) {
  const { page } = await openPage(browser, { width: 1440 });
  const start = performance.now();
  await page.goto(`${url}#operator`);
  const loadMs = performance.now() - start;
  await page
    .locator("svg.feeder .dot")
    .nth(buses - 1)
    .waitFor();
  await page.evaluate("new Promise((painted) => requestAnimationFrame(() => setTimeout(painted)))");
  const openMs = performance.now() - start;
  await page.getByText("Checked in this browser: valid.").waitFor();
  return { page, loadMs, openMs, judgedMs: performance.now() - start };
}

/** Times between frames, ms, while every frame finds the slider one period further. */
const dragged = (page: Page): Promise<number[]> =>
  page.evaluate(`new Promise((done) => {
    const slider = document.getElementById("period");
    const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
    const last = Number(slider.max);
    const at = [];
    const frame = (now) => {
      at.push(now);
      if (at.length > ${FRAMES}) return done(at.slice(1).map((time, k) => time - at[k]));
      const k = at.length % (2 * last);
      set.call(slider, String(k > last ? 2 * last - k : k));
      slider.dispatchEvent(new Event("input", { bubbles: true }));
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  })`);

const sorted = (some: readonly number[]): number[] => [...some].sort((a, b) => a - b);
const at = (some: readonly number[], part: number): number => sorted(some)[Math.floor(part * (some.length - 1))];

buildApp();
const market = await settledDay();
const served = await servePage(market);
const browser = await openChromium();
try {
  const buses = market.terms[0].scenario.feeder.buses.length;
  const rows: { loadMs: number; openMs: number; judgedMs: number; frames: readonly number[]; load: number }[] = [];
  for (let k = 0; k < times; k++) {
    const { page, loadMs, openMs, judgedMs } = await opened(browser, served.url, buses);
    rows.push({ loadMs, openMs, judgedMs, frames: await dragged(page), load: loadavg()[0] });
    await page.context().close();
    process.stderr.write(`opened ${k + 1} of ${times}: ${openMs.toFixed(0)} ms\n`);
  }
  const frames = rows.flatMap((row) => row.frames);
  const column = (of: (row: (typeof rows)[number]) => number): number => Math.round(at(rows.map(of), 0.5));
  const result = {
    about:
      "npm run bench:page: a settled day of ieee141 opened by a browser that saw nothing of it, 1440 x 900, medians; the feeder is drawn before its session is judged by the browser",
    buses,
    periods: market.terms[0].scenario.hours,
    times,
    loadMs: column((row) => row.loadMs),
    openMs: column((row) => row.openMs),
    judgedMs: column((row) => row.judgedMs),
    framesPerSecond: Number((1000 / at(frames, 0.5)).toFixed(1)),
    slowestFrameOf20Ms: Math.round(at(frames, 0.95)),
    load: Number(
      at(
        rows.map((row) => row.load),
        0.5,
      ).toFixed(1),
    ),
  };
  process.stdout.write(`${JSON.stringify(result, undefined, 1)}\n`);
  if (values.json !== undefined) writeJson(values.json, result);
} finally {
  await browser.close();
  await served.close();
  await market.chain.close();
}
process.exit();
