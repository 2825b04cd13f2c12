/** The report of sessions that were really cleared: what it says must be true of their record, by sums of its own. */
import { expect } from "chai";
import { parseHTML } from "linkedom";
import { renderReport } from "../offchain-solver/report/sessionReport.ts";
import { loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { populate } from "../offchain-solver/scenarios/populate.ts";
import { syntheticSettlement } from "./support/syntheticClearing.ts";
import {
  type Node,
  UTILITY,
  sum,
  read,
  all,
  STREET,
  type Report,
  reportOf,
  card,
  rowsOf,
  footOf,
  tableOf,
  paidOf,
} from "./support/clearedReport.ts";

describe("the report of a cleared session", function () {
  this.timeout(300_000);
  const ieee15 = loadScenario("ieee15");
  let hourly: Report;
  let street: Report;
  let halves: Report;

  before(() => {
    hourly = reportOf(takeHours(ieee15, 9));
    street = reportOf(takeHours(populate(STREET, 9, 8), 3));
    halves = reportOf({ ...takeHours(ieee15, 5), periodHours: 0.5, startUtc: "2021-07-15T08:30:00Z" });
  });

  it("adds every bill up from the posted integers, to the last digit that it shows", () => {
    for (const { clearing, page } of [hourly, street, halves]) {
      const table = tableOf(page, "In numbers");
      const head = all(table, "thead th").map(({ textContent }) => textContent.toLowerCase());
      const unit = card(page, "In numbers").querySelector(".note")!.textContent.startsWith("Cents") ? 100 : 1;
      const paid = paidOf(clearing);
      const rows = rowsOf(table);
      expect(rows).to.have.length(clearing.prosumers.length);
      for (const row of rows) {
        const id = read(/no\. (\d+)/.exec(row[0])![1]);
        for (const product of ["energy", "reserve", "carbon", "network"]) {
          const column = head.indexOf(product);
          const exact = Number(paid.get(`${id} ${product}`) ?? 0n) / 1e9;
          if (column < 0) expect(exact).to.equal(0);
          else expect(read(row[column]), `${row[0]}, ${product}`).to.be.closeTo(unit * exact, 0.00501);
        }
      }
      const total =
        sum(clearing.prosumers.map(({ cost }) => cost)) +
        Number(
          [...paid]
            .filter(([key]) => clearing.prosumers.some(({ id }) => key.startsWith(`${id} `)))
            .reduce((a, [, value]) => a + value, 0n),
        ) /
          1e9;
      expect(read(footOf(table).at(-1)!)).to.be.closeTo(unit * total, 0.00501);
    }
  });

  it("leads from the objective to the bills without a gap", () => {
    for (const { scenario, clearing, page } of [hourly, street, halves]) {
      const table = tableOf(page, "From the objective to the bills");
      const [objective] = all(table, "thead th")
        .slice(1)
        .map(({ textContent }) => read(textContent));
      const steps = rowsOf(table).map((row) => read(row[1]));
      const bills = read(footOf(table)[1]);
      expect(steps).to.have.length(3);
      expect(objective + sum(steps)).to.be.closeTo(bills, 2e-4);
      // The tile, the bills' table and the money's table say the same.
      const tile = all(page, ".tile").find(({ textContent }) => textContent.includes("Cost of the session"))!;
      expect(read(tile.querySelector("b")!.textContent)).to.be.closeTo(bills, 0.0051);
      const goes = tableOf(page, "Where the money goes");
      expect(sum(rowsOf(goes).map((row) => read(row[1])))).to.be.closeTo(read(footOf(goes)[1]), 4e-4);
      expect(read(footOf(goes)[1])).to.equal(bills);
      // What is in the objective and paid by nobody, another way: the objective less every cost that somebody has.
      const { tariff, carbon, periodHours } = scenario;
      const costs = clearing.prosumers.map(
        ({ cost, schedule: s, carbon: c }) =>
          cost +
          carbon.deskBuyPerT * c.boughtT -
          carbon.deskSellPerT * c.soldT +
          periodHours * sum(s.importMw.map((mw, t) => mw * tariff.buyPerMwh[t] - s.exportMw[t] * tariff.sellPerMwh[t])),
      );
      const backstop =
        periodHours *
        sum(clearing.utilityReserve.map(({ mw }) => mw)) *
        (tariff.reserveUpPerMw + tariff.reserveDownPerMw);
      expect(clearing.uniqueness).to.be.closeTo(clearing.objective - sum(costs) - backstop, 1e-6);
    }
  });

  it("splits what a peer pays above the tariff into tariff and allowance, in every period", () => {
    for (const { scenario, clearing, page } of [hourly, halves]) {
      const rows = rowsOf(tableOf(page, "Prices"));
      expect(rows).to.have.length(scenario.hours);
      const perMwh = card(page, "Prices").textContent.includes("in ¢/kWh") ? 10 : 1;
      const most = Math.max(...clearing.prosumers.map(({ carbon }) => carbon.priceMu));
      let above = 0;
      rows.forEach((row, t) => {
        const [mean, tariff, allowance, utility] = [row[2], row[6], row[7], row[8]].map((text) => perMwh * read(text));
        expect(tariff).to.be.closeTo(scenario.tariff.buyPerMwh[t], 1e-9);
        expect(allowance).to.be.closeTo(most * scenario.carbon.gridTPerMwh[t], 0.00501);
        expect(tariff + allowance).to.be.closeTo(utility, 0.0101);
        // Nobody pays a peer more than the utility costs with everything that comes with it.
        expect(mean, row[0]).to.be.at.most(utility + 0.05);
        if (mean > tariff + 0.01) above++;
      });
      expect(above).to.be.above(2);
      expect(card(page, "Prices").querySelector(".note")!.textContent).to.include(
        `In ${above} of ${scenario.hours} periods`,
      );
    }
  });

  it("names half an hour and a quarter of an hour as what they are", () => {
    const quarter = reportOf({ ...takeHours(ieee15, 2), periodHours: 0.25, startUtc: "2021-07-15T23:45:00Z" });
    expect(rowsOf(tableOf(halves.page, "Prices")).map(([name]) => name)).to.deep.equal([
      "08:30–09:00",
      "09:00–09:30",
      "09:30–10:00",
      "10:00–10:30",
      "10:30–11:00",
    ]);
    expect(rowsOf(tableOf(quarter.page, "Prices")).map(([name]) => name)).to.deep.equal([
      "15 July, 23:45–00:00",
      "16 July, 00:00–00:15",
    ]);
    for (const { page, html } of [halves, quarter]) {
      expect(html).not.to.match(/\bhour \d/);
      expect(html).not.to.include("hour of the session");
      const ticks = all(page, '[aria-label="x-axis tick label"] text')
        .map(({ textContent }) => textContent)
        .filter((text) => text.includes(":"));
      expect(ticks).not.to.have.length(0);
    }
    const axis = (report: Report): string[] =>
      all(card(report.page, "Source and use").querySelector(".half")!, '[aria-label="x-axis tick label"] text').map(
        ({ textContent }) => textContent,
      );
    expect(axis(halves)).to.deep.equal(["08:30", "09:00", "09:30", "10:00", "10:30", "11:00"]);
    expect(axis(quarter)).to.deep.equal(["23:45", "00:00", "00:15"]);
  });

  it("counts energy of half an hour as half of an hour's power", () => {
    const { clearing, page } = halves;
    const wh = clearing.quantised.trades
      .filter(({ product, seller, buyer }) => product === "energy" && seller !== UTILITY && buyer !== UTILITY)
      .map(({ quantity }) => quantity);
    const tile = all(page, ".tile").find(({ textContent }) => textContent.includes("Traded between"))!;
    const [factor] = tile.querySelector("b")!.textContent.endsWith("MWh") ? [1e-6] : [1e-3];
    expect(read(tile.querySelector("b")!.textContent)).to.be.closeTo(factor * sum(wh), 0.051);
  });

  it("puts prosumers in the order of their buses, everywhere", () => {
    const settlement = syntheticSettlement(hourly.clearing);
    const { document } = parseHTML(
      renderReport({ clearing: hourly.clearing, scenario: hourly.scenario, settlement }),
    ) as unknown as { document: Node };
    const ascending = hourly.clearing.prosumers.map(({ bus }) => bus).sort((a, b) => a - b);
    for (const title of ["In numbers", "Allowances", "Who sells to whom"])
      expect(
        rowsOf(tableOf(document, title)).map(([name]) => read(/bus (\d+)/.exec(name)![1])),
        title,
      ).to.deep.equal(ascending);
    const accounts = rowsOf(tableOf(document, "What every account gained")).flatMap(
      ([name]) => /bus (\d+)/.exec(name)?.[1] ?? [],
    );
    expect(accounts.map(Number)).to.deep.equal(ascending);
    for (const label of ["x-axis tick label", "y-axis tick label"])
      for (const axis of all(document, `[aria-label="${label}"]`)) {
        const names = all(axis, "text")
          .map(({ textContent }) => textContent)
          .filter((text) => text !== "");
        if (!names.every((text) => /^\d+$/.test(text))) continue;
        const values = names.map(Number);
        expect([values, values.toReversed()].map(String), `${label} ${names.join()}`).to.include(
          String(values.toSorted((a, b) => a - b)),
        );
      }
  });

  it("keeps prosumers of one bus apart", () => {
    const { clearing, page } = street;
    expect(new Set(clearing.prosumers.map(({ bus }) => bus)).size).to.be.below(clearing.prosumers.length);
    const axis = all(
      card(page, "Every prosumer's bill").querySelector(".full")!,
      '[aria-label="x-axis tick label"] text',
    );
    expect(axis).to.have.length(clearing.prosumers.length);
    expect(new Set(axis.map(({ textContent }) => textContent)).size).to.equal(clearing.prosumers.length);
  });

  it("hides no row: nothing scrolls and every account is there", () => {
    const settlement = syntheticSettlement(hourly.clearing);
    const html = renderReport({ clearing: hourly.clearing, scenario: hourly.scenario, settlement });
    expect(html).not.to.match(/overflow(-[xy])?:\s*(auto|scroll|hidden)|max-height|position:\s*sticky;bottom/);
    const { document } = parseHTML(html) as unknown as { document: Node };
    expect(rowsOf(tableOf(document, "What every account gained"))).to.have.length(settlement.accounts.length);
    for (const summary of all(document, "summary")) {
      const told = /(\d+) rows?$/.exec(summary.textContent);
      expect(all(summary.closest("details")!, "tbody tr"), summary.textContent).to.have.length(Number(told?.[1]));
    }
  });

  it("names every cell for a narrow screen, and draws every chart for one", () => {
    for (const { page } of [hourly, street]) {
      for (const table of all(page, "table")) {
        const head = all(table, "thead th").map(({ textContent }) => textContent);
        for (const row of all(table, "tbody tr, tfoot tr"))
          all(row, "td").forEach((cell, k) => expect(cell.getAttribute("data-label")).to.equal(head[k + 1]));
      }
      const frames = all(page, ".frames");
      expect(frames.length).to.be.above(8);
      for (const frame of frames)
        for (const svg of all(frame.querySelector(".phone")!, "svg"))
          expect(Number(svg.getAttribute("width"))).to.equal(322);
    }
  });

  it("gives every picture a name and a description", () => {
    const pictures = all(hourly.page, "svg");
    expect(pictures.length).to.be.above(20);
    for (const svg of pictures) {
      expect(svg.getAttribute("role")).to.equal("img");
      const [title, desc] = ["title", "desc"].map((tag) => svg.querySelector(tag)!.textContent);
      expect(title).to.equal(svg.getAttribute("aria-label"));
      expect(desc).to.match(/\w+/);
    }
  });
});
