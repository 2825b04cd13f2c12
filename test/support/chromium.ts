/** The published auditor in Debian's Chromium. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { chromium } from "playwright-core";
import { auditorBundle } from "../../scripts/generate/auditorBundle.ts";
import type { Shown } from "./forge.ts";
import type { auditShown, Said, saidOf } from "./verdicts.ts";

const BROWSER = process.env.GRIDPACT_CHROMIUM ?? "/usr/bin/chromium";

/** What a page shows, and how to end it. */
export type Browser = {
  readonly verdict: (shown: Shown) => Promise<Said>;
  readonly close: () => Promise<void>;
};

/** Whatever is published comes from the bundle that is: its classes are what it knows again. */
const published: Plugin = {
  name: "published",
  setup(building) {
    building.onResolve({ filter: /offchain-solver\/(?:auditor\/index|chain\/endpoint)\.ts$/ }, ({ path }) => ({
      path,
      namespace: "published",
    }));
    building.onLoad({ filter: /.*/, namespace: "published" }, () => ({
      contents: "module.exports = globalThis.gridpactAuditor;",
      loader: "js",
    }));
  },
};

export const hasChromium = (): boolean => existsSync(BROWSER);

export async function openBrowser(): Promise<Browser> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("verdicts.ts", import.meta.url))],
    bundle: true,
    format: "iife",
    globalName: "verdicts",
    platform: "browser",
    target: "es2023",
    write: false,
    plugins: [published],
  });
  const browser = await chromium.launch({
    executablePath: BROWSER,
    args: ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run"],
  });
  const page = await browser.newPage();
  // As the published file is loaded: by a script element, in a page of nothing else.
  await page.addScriptTag({ content: await auditorBundle() });
  await page.addScriptTag({ content: outputFiles[0].text });
  return {
    verdict: (shown) =>
      page.evaluate(async (given) => {
        const { verdicts, gridpactAuditor } = globalThis as unknown as {
          verdicts: { readonly saidOf: typeof saidOf; readonly auditShown: typeof auditShown };
          gridpactAuditor: { RELEASE: never };
        };
        return verdicts.saidOf(await verdicts.auditShown(given, gridpactAuditor.RELEASE));
      }, shown),
    close: () => browser.close(),
  };
}
