/** The page in Debian's Chromium: built when it is older than its sources, opened with a wallet, looked at by axe. */
import { execFileSync } from "node:child_process";
import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium, type Browser, type Page } from "playwright-core";

const root = fileURLToPath(new URL("../..", import.meta.url));
const BROWSER = process.env.GRIDPACT_CHROMIUM ?? "/usr/bin/chromium";

export function buildApp(): void {
  const built = join(root, "app/dist/index.html");
  const sources = globSync("{app/{src,public}/**/*.*,app/*.*,offchain-solver/**/*.ts}", { cwd: root });
  const newest = Math.max(...sources.map((file) => statSync(join(root, file)).mtimeMs));
  if (existsSync(built) && statSync(built).mtimeMs > newest) return;
  const vite = join(root, "node_modules/vite/bin/vite.js");
  execFileSync(process.execPath, [vite, "build", "-c", "app/vite.config.js", "app"], { cwd: root, stdio: "inherit" });
}

export const openChromium = (): Promise<Browser> =>
  chromium.launch({
    executablePath: BROWSER,
    args: ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run"],
  });

export type Opened = {
  readonly page: Page;
  /** What the browser complained of: scripts' errors, and what the page's policy stopped. */
  readonly complaints: readonly string[];
  /** Addresses that were asked for. */
  readonly requests: readonly string[];
};

export type Screen = { readonly width?: number; readonly colorScheme?: "light" | "dark" };

export async function openPage(
  browser: Browser,
  { width = 1440, colorScheme = "light" }: Screen = {},
): Promise<Opened> {
  const viewport = { width, height: width < 600 ? 844 : 900 };
  const context = await browser.newContext({ viewport, colorScheme, acceptDownloads: true });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (said) => {
    if (/Content Security Policy|Refused to/.test(said.text())) complaints.push(said.text());
  });
  page.on("request", (request) => requests.push(request.url()));
  return { page, complaints, requests };
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
type Found = { readonly violations: readonly { id: string; impact: string; nodes: { html: string }[] }[] };

/** What axe calls serious or critical, one line each. */
export async function seriousFaults(page: Page): Promise<string[]> {
  // Colours of something that fades in or moves are not judged half-way.
  await page.waitForTimeout(100);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(
    () => (globalThis as unknown as { axe: { run: () => Promise<Found> } }).axe.run() as Promise<Found>,
  );
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`);
}
