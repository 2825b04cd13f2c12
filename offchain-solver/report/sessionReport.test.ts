import { readFileSync } from "node:fs";
import { expect } from "chai";
import { parseHTML } from "linkedom";
import { syntheticAudit, syntheticClearing, syntheticSettlement } from "../../test/support/syntheticClearing.ts";
import type { Feeder } from "../grid/feeder.ts";
import { ClearingJsonSchema, swept } from "../records/clearingJson.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { ScenarioSchema } from "../market/scenario/scenario.ts";
import { AuditJsonSchema, SettlementJsonSchema } from "../records/sessionJson.ts";
import { bills, busPrices, energyBalance, hourPrices, number, posted, total } from "./derive.ts";
import { layoutOf } from "./feederLayout.ts";
import type { FeederData } from "./feederSection.ts";
import { loadingStep, voltageStep } from "./theme.ts";
import { renderReport } from "./sessionReport.ts";
import { inUnit, money, unitsOf, withUnit } from "./units.ts";

const json = (path: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../cases/${path}`, import.meta.url), "utf8"));
type Elements = { textContent: string; getAttribute(name: string): string }[];
type Page = { querySelectorAll(selector: string): Elements };
const parse = (html: string): Page => (parseHTML(html) as unknown as { document: Page }).document;
const texts = (elements: Elements): string[] => [...elements].map(({ textContent }) => textContent);

describe("report", () => {
  const scenario: Scenario = ScenarioSchema.parse(json("scenarios/ieee15.json"));
  const clearing = swept(ClearingJsonSchema.parse(syntheticClearing(scenario)));
  const settlement = SettlementJsonSchema.parse(syntheticSettlement(clearing));
  const audit = AuditJsonSchema.parse(syntheticAudit(clearing));
  const html = renderReport({ clearing, scenario, settlement, audit });
  const document = parse(html);

  it("asks for nothing from outside", () => {
    expect(html).to.include("default-src 'none'");
    expect(html.replaceAll('xmlns="http://www.w3.org/2000/svg"', "")).not.to.match(
      /(src|href)="(?!#)|url\(|@import|fetch\(|https?:/,
    );
  });

  it("has every section once and links to each", () => {
    const ids = texts(document.querySelectorAll("nav a")).length;
    expect(ids).to.equal(9);
    for (const link of document.querySelectorAll("nav a")) {
      expect([...document.querySelectorAll(link.getAttribute("href"))]).to.have.length(1);
    }
  });

  it("says who stands ready, with what their batteries hold, and for how long answers can go on", () => {
    const { prosumers } = clearing;
    const ready = prosumers.map((one, k) => {
      const schedule = { ...one.schedule, reserveUpMw: one.schedule.reserveUpMw.map(() => (k === 1 ? 0.02 : 0)) };
      return { ...one, schedule: { ...schedule, reserveDownMw: schedule.reserveUpMw.map(() => 0) } };
    });
    const lasting: Scenario = { ...scenario, risk: { ...scenario.risk, sustainHours: 6 } };
    const cardOf = (of: Scenario) => {
      const page = parse(renderReport({ clearing: { ...clearing, prosumers: ready }, scenario: of }));
      return texts(page.querySelectorAll("section.card")).find((text) => text.startsWith("Who stands ready"));
    };
    const card = cardOf(lasting)!;
    const { battery, bus } = scenario.prosumers[1];
    expect(card).to.include("go on for 6 h").and.include(`${bus}`);
    expect(battery).not.to.equal(undefined);
    expect(card).to.match(/Its limits/);
    expect(cardOf(scenario)).to.include("by the period");
    expect(card.match(/–/g) ?? []).to.have.length(0);
  });

  it("shades how far answers may take a battery, where they have to last and nowhere else", () => {
    const [below, above] = [0.004, 0.003];
    const ready = clearing.prosumers.map((one, k) => {
      const { storedMwh } = one.schedule;
      const booked = storedMwh.map(() => (k === 1 ? 0.02 : 0));
      const schedule = { ...one.schedule, reserveUpMw: booked, reserveDownMw: booked };
      const banded = { storedBelowMwh: storedMwh.map(() => below), storedAboveMwh: storedMwh.map(() => above) };
      return { one: { ...one, schedule }, lasting: { ...one, schedule: { ...schedule, ...banded } } };
    });
    const lasting: Scenario = { ...scenario, risk: { ...scenario.risk, sustainHours: 6 } };
    const cardOf = (prosumers: typeof clearing.prosumers, of: Scenario) =>
      [...parse(renderReport({ clearing: { ...clearing, prosumers }, scenario: of })).querySelectorAll("section.card")]
        .map((node) => node as unknown as { textContent: string; innerHTML: string })
        .find(({ textContent }) => textContent.startsWith("Who stands ready"))!;
    const shaded = cardOf(
      ready.map((at) => at.lasting),
      lasting,
    );
    const plain = cardOf(
      ready.map((at) => at.one),
      scenario,
    );
    const rects = ({ innerHTML }: { innerHTML: string }): number => innerHTML.match(/<rect /g)?.length ?? 0;
    // A rectangle a period in each of the two sizes that the chart is drawn in.
    expect(rects(shaded) - rects(plain)).to.equal(2 * scenario.hours);
    expect(shaded.textContent).to.include("With its answers");
    expect(plain.textContent).not.to.include("With its answers");
    const { storedMwh } = clearing.prosumers[1].schedule;
    const edges = [Math.min(...storedMwh) - below, Math.max(...storedMwh) + above];
    expect(shaded.textContent).to.include(`${edges[0].toFixed(3)} to ${edges[1].toFixed(3)}`);
  });

  it("leaves out what a session does not have", () => {
    const bare = parse(renderReport({ clearing: { ...clearing, residuals: [] }, scenario }));
    expect(texts(bare.querySelectorAll("nav a"))).to.deep.equal([
      "Overview",
      "Feeder",
      "Energy",
      "Reserve",
      "Carbon",
      "Bills",
      "Network check",
    ]);
  });

  it("shows every hour's voltage and loading for every bus and branch", () => {
    const data = JSON.parse(texts(document.querySelectorAll("#hours"))[0]) as FeederData;
    expect(data.hours).to.have.length(scenario.hours);
    const drawings = document.querySelectorAll("svg.feeder").length;
    expect(drawings).to.equal(3);
    expect(document.querySelectorAll(".feeder .bus")).to.have.length(15 * drawings);
    expect(document.querySelectorAll(".feeder .branch")).to.have.length(14 * drawings);
    data.hours.forEach((hour, t) => {
      clearing.network.voltage[t].forEach((v, b) => expect(hour.bus[b][0]).to.equal(v.toFixed(4)));
      expect(hour.branchStep).to.have.length(14);
    });
  });

  it("prints every prosumer's bill and its sum", () => {
    const rows = [...document.querySelectorAll("#bills table.many tbody tr")].map(({ textContent }) => textContent);
    expect(rows).to.have.length(clearing.prosumers.length);
    const unit = unitsOf(clearing, scenario).money;
    bills(clearing).forEach((bill, i) => expect(rows[i]).to.match(new RegExp(`${inUnit(unit, bill.total)}$`)));
  });

  it("says that the ledger is balanced only where it is", () => {
    expect(html).to.include("Every column adds up to zero");
    const [first, ...others] = settlement.accounts;
    const off = { ...settlement, accounts: [{ ...first, moneyNano: first.moneyNano + 1 }, ...others] };
    expect(renderReport({ clearing, scenario, settlement: off })).to.include("Not every column adds up to zero");
  });

  it("shows an invalid verdict with its predicate, escaped", () => {
    const verdicts = [
      { session: "a", verdict: "valid" as const },
      { session: "<b>", verdict: "invalid" as const, predicate: "balance & <script>" },
    ];
    const bad = renderReport({ clearing, scenario, audit: { verdicts } });
    expect(texts(parse(bad).querySelectorAll(".tile.bad b"))).to.deep.equal(["invalid"]);
    expect(bad).to.include("balance &amp; &lt;script&gt;");
    expect(bad).to.include("&lt;b&gt;");
  });

  it("escapes names that come from a scenario", () => {
    const hostile = "</script><img src=x onerror=alert(1)>";
    const page = renderReport({
      clearing,
      scenario: { ...scenario, name: hostile, source: hostile, feeder: { ...scenario.feeder, name: hostile } },
    });
    expect(page).not.to.include("<img");
  });

  it("draws a scenario without trade, rating or binding limit", () => {
    const { hours, feeder } = scenario;
    const unrated = { ...feeder, branches: feeder.branches.map((branch) => ({ ...branch, ratingMva: null })) };
    const quiet = {
      ...clearing,
      trades: { energy: [], reserve: [], carbon: [] },
      utilityReserve: [],
      quantised: { ...clearing.quantised, trades: [] },
      network: {
        ...clearing.network,
        binding: [],
        nodalPrice: clearing.network.nodalPrice.map((row) => row.map(() => 0)),
      },
    };
    const page = parse(renderReport({ clearing: quiet, scenario: { ...scenario, feeder: unrated } }));
    expect(texts(page.querySelectorAll("nav a"))).not.to.include("Reserve");
    expect((JSON.parse(texts(page.querySelectorAll("#hours"))[0]) as FeederData).hours).to.have.length(hours);
    expect(page.querySelectorAll("svg path[d*=NaN], svg rect[height=NaN]")).to.have.length(0);
    const heads = texts(page.querySelectorAll("th"));
    const both = heads.slice(heads.indexOf("Lowest, p.u."), heads.lastIndexOf("by AC") + 2);
    expect(both.slice(0, 4)).to.deep.equal(["Lowest, p.u.", "by AC", "Highest, p.u.", "by AC"]);
    expect(both.slice(4)).not.to.include("Loading, %");
  });

  it("tells an idle branch from one without a rating", () => {
    const idle = clearing.network.flowMw.map((row) => row.map(() => 0));
    const network = { ...clearing.network, flowMw: idle, flowMvar: idle };
    const page = renderReport({ clearing: { ...clearing, network }, scenario });
    expect(page).not.to.include("no rating");
  });
});

describe("report's numbers", () => {
  const scenario: Scenario = ScenarioSchema.parse(json("scenarios/ieee15.json"));
  const clearing = syntheticClearing(scenario);

  it("weigh prices by quantity and leave hours without trade empty", () => {
    const trades = [
      { hour: 0, mw: 1, price: 10 },
      { hour: 0, mw: 3, price: 20 },
      { hour: 2, mw: 0, price: 99 },
    ];
    expect(hourPrices(trades, 3)).to.deep.equal([{ low: 10, high: 20, mean: 17.5, mw: 4 }, undefined, undefined]);
  });

  it("take the network charge off the traded price", () => {
    const trade = { seller: 0, buyer: 1, product: "energy" as const, period: 1, quantity: 2_000_000, price: 30_000 };
    const quantised = { ...clearing.quantised, trades: [trade] };
    const network = { ...clearing.network, nodalPrice: [[0], [0, 12, -3], [0]] };
    expect(busPrices({ ...clearing, quantised, network })).to.deep.equal([{ hour: 1, low: 18, high: 33 }]);
  });

  it("read posted quarter-hours back into MW and prices an hour", () => {
    const periods = { ...clearing.quantised, periodSeconds: 900 };
    const trade = { seller: 0, buyer: 1, period: 2, quantity: 1500 };
    const trades = [
      { ...trade, product: "energy" as const, price: 40_000 },
      { ...trade, product: "reserve" as const, price: 6_000 },
    ];
    const of = (product: "energy" | "reserve") => posted({ ...clearing, quantised: { ...periods, trades } }, product);
    const [seller, buyer] = clearing.prosumers.map(({ id }) => id);
    // 1,500 Wh in a quarter of an hour are 6 kW; 6e-3 $ for a kW's quarter-hour are 24 $ for a MW's hour.
    expect(of("energy")).to.deep.equal([{ seller, buyer, hour: 2, mw: 0.006, price: 40 }]);
    expect(of("reserve")).to.deep.equal([{ seller, buyer, hour: 2, mw: 0.0015, price: 24 }]);
  });

  it("put as much energy in as out, every hour", () => {
    const rows = energyBalance(clearing, scenario);
    for (let t = 0; t < scenario.hours; t++) {
      const net = total(rows.filter(({ hour }) => hour === t).map(({ mw }) => mw));
      expect(net).to.be.closeTo(0, 1e-9);
    }
  });

  it("are printed with a sign only where they are not zero", () => {
    expect([1234.5, -1234.5, -0.06, 1e-7, -9.99].map(money)).to.deep.equal([
      "$1,234.50",
      "−$1,234.50",
      "−6.00\u00a0¢",
      "0.00\u00a0¢",
      "−999.00\u00a0¢",
    ]);
    expect(withUnit({ name: "$", factor: 1, digits: 2 }, -0.004)).to.equal("$0.00");
    expect([-1e-12, -20, 1e6].map((value) => number(value, 0))).to.deep.equal(["0", "−20", "1,000,000"]);
  });

  it("colour a limit as a limit", () => {
    expect([0, 0.2, 0.9499, 0.95, 0.9999, 1, 3].map(loadingStep)).to.deep.equal([0, 1, 4, 5, 6, 6, 6]);
    expect([0.5, 0.9, 1, 1.0999, 1.1, 2].map((v) => voltageStep(v, 0.9, 1.1))).to.deep.equal([0, 0, 4, 8, 8, 8]);
  });

  for (const name of ["papavasiliou15", "case15da", "case141"]) {
    it(`place every bus of ${name} on its own, right of its parent`, () => {
      const { row, column, topology } = layoutOf(json(`feeders/${name}.json`) as Feeder);
      expect(new Set(row.map((r, b) => `${r},${column[b]}`)).size).to.equal(row.length);
      row.forEach((r, b) => {
        const parent = topology.parent[b];
        if (parent < 0) return;
        expect(column[b]).to.equal(column[parent] + 1);
        expect(r).to.be.at.least(row[parent]);
        // Nothing stands where the lateral drops: the rows between are right of the parent.
        row.forEach((other, c) => {
          if (other > row[parent] && other <= r) expect(column[c]).to.be.greaterThan(column[parent]);
        });
      });
    });
  }
});
