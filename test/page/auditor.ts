/** The verdicts of the page beside those of the command. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { MARKET } from "../../offchain-solver/codec/abi.ts";
import { servePage } from "../../offchain-solver/devnet/pageServer.ts";
import { bundleFolder } from "../../offchain-solver/devnet/parties.ts";
import type { AuditJson } from "../../offchain-solver/records/sessionJson.ts";
import { renderAudit } from "../../offchain-solver/report/auditPage.ts";
import { captured } from "../support/commandLine.ts";
import { openPage, seriousFaults } from "../support/pageBrowser.ts";
import { button, type Stage } from "../support/pageStage.ts";
import { tamperedRpc, type Edit } from "../support/tamperedRpc.ts";

export function judges(stage: Stage): void {
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
          method === "eth_getCode" && `${params[0]}`.toLowerCase() === stage.devnet.deployment.market.toLowerCase()
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
        const data = spoil ? mkdtempSync(join(tmpdir(), "gridpact-spoilt-")) : stage.devnet.data;
        if (spoil) {
          cpSync(join(stage.devnet.data, "public"), join(data, "public"), { recursive: true });
          for (const file of readdirSync(bundleFolder(data))) {
            const text = readFileSync(join(bundleFolder(data), file), "utf8");
            writeFileSync(join(bundleFolder(data), file), text.replace(/"regretNano":"\d/, '"regretNano":"9'));
          }
        }
        const rpc = edit && (await tamperedRpc(stage.chain.url, edit));
        const shown = { ...stage.devnet, data, chain: { ...stage.chain, url: rpc?.url ?? stage.chain.url } };
        const other = await servePage(shown);
        const { page } = await openPage(stage.browser);
        try {
          const where = ["--rpc", shown.chain.url, "--market", stage.devnet.deployment.market];
          const { stdout } = await captured("audit", ...where, "--bundle", bundleFolder(data), "--json", "-");
          const { verdicts } = JSON.parse(stdout) as AuditJson;
          await page.goto(`${other.url}#auditor`);
          const verdictsShown = page.locator("table .verdict");
          await verdictsShown.first().waitFor();
          const saved = page.waitForEvent("download");
          await button(page, "Save audit.json").click();
          const own = JSON.parse(readFileSync(await (await saved).path(), "utf8")) as AuditJson;
          const told = JSON.parse(stdout) as AuditJson;
          expect({ ...own, chain: { ...own.chain, endpoints: [] } }).to.deep.equal({
            ...told,
            chain: { ...told.chain, endpoints: [] },
          });
          const filed = page.waitForEvent("download");
          await button(page, "Save the report").click();
          expect(readFileSync(await (await filed).path(), "utf8")).to.equal(renderAudit(own));
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
          // The feeder is drawn at once where the witness is the one whose hash is on the chain; the verdict follows.
          await page.goto(`${other.url}#operator`);
          await page.reload();
          await page
            .getByText(
              spoil
                ? "The witness of this session is nowhere to be had"
                : `Checked in this browser: ${verdicts.at(-1)!.verdict}`,
            )
            .waitFor();
          expect(await page.locator("svg.feeder").count()).to.equal(spoil ? 0 : 1);
          expect(await seriousFaults(page)).to.deep.equal([]);
        } finally {
          await page.context().close();
          await other.close();
          rpc?.close();
        }
      });
  });
}
