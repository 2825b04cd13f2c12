/**
 * `node scripts/generate/communityPictures.ts FOLDER [--out DIR]`: the pictures of docs/guide/community.md from the
 * pages of a day of the example that `gridpact run` wrote, in Debian's Chromium: a phone's width and a screen's.
 */
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { argumentsOf } from "../check/arguments.ts";
import { chromium, type Page } from "playwright-core";

const { values, positionals } = argumentsOf({
  allowPositionals: true,
  options: { out: { type: "string", default: join(import.meta.dirname, "../../docs/guide") } },
});
const [folder] = positionals;
if (folder === undefined) throw new Error("which day? node scripts/generate/communityPictures.ts out/NAME-DATE-24h");
const own = (file: string): string => pathToFileURL(resolve(folder, "private", file)).href;
const PHONE = { width: 390, height: 1180 };
const SCREEN = { width: 1280, height: 1000 };

const browser = await chromium.launch({
  executablePath: process.env.GRIDPACT_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});

async function at(file: string, viewport: typeof PHONE, take: (page: Page) => Promise<unknown>): Promise<void> {
  const page = await browser.newPage({ viewport });
  await page.goto(own(file));
  // As text: the project is checked without browser types.
  const wide = Number(await page.evaluate("document.documentElement.scrollWidth"));
  if (wide > viewport.width) throw new Error(`${file} is ${wide} px wide on a screen of ${viewport.width}`);
  await take(page);
  await page.close();
}

const file = (name: string): string => join(values.out, name);
const jpeg = (name: string) => (page: Page) => page.screenshot({ path: file(name), type: "jpeg", quality: 80 });
const card = (title: string, name: string) => (page: Page) =>
  page
    .locator(".card", { hasText: title })
    .first()
    .screenshot({ path: file(name) });

await at("report.html", SCREEN, jpeg("community-report.jpg"));
await at("members/H10.html", PHONE, jpeg("community-member.jpg"));
await at("members/H07.html", PHONE, card("Your car", "community-car.png"));
await at("members/H10.html", PHONE, card("Your heat pump", "community-heat-pump.png"));
await browser.close();
