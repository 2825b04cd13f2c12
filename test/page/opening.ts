/** The page before anybody is connected: small, strict, and complete. */
import { gzipSync } from "node:zlib";
import { expect } from "chai";
import { openPage, seriousFaults } from "../support/pageBrowser.ts";
import { tab, type Stage } from "../support/pageStage.ts";

/** Bytes of the first load, gzipped. */
const MOST_BYTES = 250_000;

export function opensSmall(stage: Stage): void {
  it("loads little at first, the auditor when asked, and nothing from elsewhere", async () => {
    const sizes = new Map<string, number>();
    const opened = await openPage(stage.browser);
    const { page } = opened;
    const bodies: Promise<void>[] = [];
    page.on("response", (response) => {
      if (/\.(js|css|svg)$|\/$/.test(new URL(response.url()).pathname))
        bodies.push(response.body().then((body) => void sizes.set(response.url(), gzipSync(body).length)));
    });
    const answer = await page.goto(stage.served.url);
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
    expect(opened.requests.filter((one) => !one.startsWith(stage.served.url))).to.deep.equal([]);
    await page.context().close();
  });
}
