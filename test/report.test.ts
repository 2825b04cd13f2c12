/** The report of sessions that were really cleared: what it says must be true of their record, by sums of its own. */
import { expect } from "chai";
import { parseHTML } from "linkedom";
import type { Feeder } from "../offchain-solver/grid/feeder.ts";
import { OPERATOR } from "../offchain-solver/market/result/clearingResult.ts";
import { defaultSettings, type MarketSettings } from "../offchain-solver/market/scenario/market.ts";
import type { Scenario } from "../offchain-solver/market/scenario/scenario.ts";
import { swept, type SweptClearing as ClearingJson } from "../offchain-solver/records/clearingJson.ts";
import { renderReport } from "../offchain-solver/report/sessionReport.ts";
import { loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { populate } from "../offchain-solver/scenarios/populate.ts";
import { clear } from "../offchain-solver/simulation/clear.ts";
import { toClearingJson } from "../offchain-solver/records/clearingRecord.ts";
import { syntheticSettlement } from "./support/syntheticClearing.ts";

type Node = {
  readonly tagName: string;
  readonly textContent: string;
  getAttribute(name: string): string | null;
  querySelector(selector: string): Node | null;
  querySelectorAll(selector: string): Iterable<Node>;
  closest(selector: string): Node | null;
};
const UTILITY = 0xffff;
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
/** "−1,234.56 $" or "$3.10" as a number. */
const read = (text: string): number => Number(text.replace("−", "-").replace(/[^0-9.e-]/g, ""));
const all = (node: Node, selector: string): Node[] => [...node.querySelectorAll(selector)];

/** Six houses at 400 V. */
const STREET: Feeder = {
  name: "street",
  source: "made up",
  baseMva: 0.1,
  baseKv: 0.4,
  buses: [0, 2, 1.5, 3, 1, 2.5, 1.8].map((kw, k) => ({
    bus: k + 1,
    vMinPu: k === 0 ? 1 : 0.9,
    vMaxPu: k === 0 ? 1 : 1.1,
    loadMw: kw / 1e3,
    loadMvar: kw / 5e3,
  })),
  branches: [1, 2, 3, 4, 5, 6].map((from) => ({ from, to: from + 1, rPu: 0.02, xPu: 0.01, ratingMva: 0.05 })),
};

type Report = {
  readonly scenario: Scenario;
  readonly clearing: ClearingJson;
  readonly html: string;
  readonly page: Node;
};

function reportOf(scenario: Scenario, market: Partial<MarketSettings> = {}, trade = true): Report {
  const settings = { ...defaultSettings(scenario), ...market };
  const options = { method: "central", trade, rhoScale: 1, maxIterations: 100, market: settings } as const;
  const clearing = swept(toClearingJson(clear(scenario, options), options));
  const html = renderReport({ clearing, scenario });
  return { scenario, clearing, html, page: (parseHTML(html) as unknown as { document: Node }).document };
}

const card = (page: Node, title: string): Node => {
  const found = all(page, ".card").find((one) => one.querySelector("h3")?.textContent === title);
  expect(found, title).not.to.equal(undefined);
  return found!;
};
const cells = (row: Node): string[] => all(row, "th,td").map(({ textContent }) => textContent);
const rowsOf = (table: Node): string[][] => all(table, "tbody tr").map(cells);
const footOf = (table: Node): string[] => all(table, "tfoot tr").flatMap(cells);
const tableOf = (page: Node, title: string): Node => card(page, title).querySelector("table")!;

/** What every prosumer pays, nano-dollars by product, from the posted integers alone. */
function paidOf({ quantised }: ClearingJson): Map<string, bigint> {
  const paid = new Map<string, bigint>();
  for (const { seller, buyer, product: posted, quantity, price } of quantised.trades) {
    const value = BigInt(quantity) * BigInt(price);
    // Whatever the operator sells is the network's.
    const product = seller === OPERATOR ? "network" : posted;
    for (const [party, sign] of [
      [buyer, 1n],
      [seller, -1n],
    ] as const) {
      const key = `${quantised.participants[party] ?? party} ${product}`;
      paid.set(key, (paid.get(key) ?? 0n) + sign * value);
    }
  }
  return paid;
}

describe("the report of a cleared session", function () {
  this.timeout(60_000);
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

  it("counts a street in kWh and cents, a feeder in MWh and dollars", () => {
    const text = (report: Report): string =>
      all(report.page, ".tile")
        .map(({ textContent }) => textContent)
        .join(" ");
    expect(text(street)).to.match(/Traded between prosumers[\d.]+\u00a0kWh/);
    expect(text(street)).not.to.match(/MWh|MW·h/);
    expect(text(hourly)).to.match(/Traded between prosumers[\d.]+\u00a0MWh/);
    const parts = rowsOf(tableOf(street.page, "In numbers")).flatMap((row) => row.slice(1));
    const paid = [...paidOf(street.clearing)].filter(([key, nano]) => nano !== 0n && /^\d /.test(key));
    // Whatever somebody pays, even a hundredth of a cent, is not shown as nothing.
    expect(parts.filter((cell) => read(cell) !== 0).length).to.be.at.least(
      paid.filter(([, nano]) => (nano < 0n ? -nano : nano) >= 50_000n).length,
    );
  });

  it("says that a map is all zero and draws none", () => {
    const idle = reportOf(takeHours(ieee15, 1), { network: false });
    expect(all(card(idle.page, "Network charge"), "svg")).to.have.length(0);
    expect(card(idle.page, "Network charge").textContent).to.include("switched off");
    const zero = {
      ...hourly.clearing,
      network: {
        ...hourly.clearing.network,
        nodalPrice: hourly.clearing.network.nodalPrice.map((row) => row.map(() => 0)),
      },
    };
    const { document } = parseHTML(renderReport({ clearing: zero, scenario: hourly.scenario })) as unknown as {
      document: Node;
    };
    expect(all(card(document, "Network charge"), "svg")).to.have.length(0);
    expect(card(document, "Network charge").textContent).to.include("Zero at every bus in every period");
  });

  it("tells of what was switched off, and shows the rest", () => {
    const alone = reportOf(takeHours(ieee15, 2), {}, false);
    expect(card(alone.page, "Who sells to whom").textContent).to.include("No energy is traded");
    expect(card(alone.page, "Prices").textContent).to.include("Nothing is traded");
    const free = reportOf(takeHours(ieee15, 2), { carbon: false });
    expect(free.page.querySelector("#carbon")!.textContent).to.include("switched off");
    expect(all(tableOf(free.page, "In numbers"), "thead th").map(({ textContent }) => textContent)).not.to.include(
      "Carbon",
    );
    const verdicts = [{ session: "a", verdict: "invalid" as const, predicate: "regretsTooLarge" }];
    const bad = renderReport({ clearing: hourly.clearing, scenario: hourly.scenario, audit: { verdicts } });
    expect(bad).to.match(/<span>Audit<\/span><b>invalid<\/b><small>regretsTooLarge/);
    const sure = reportOf(takeHours(ieee15, 1), { risk: "deterministic" });
    expect(sure.page.querySelector("#reserve")).to.equal(null);
    for (const { html } of [alone, free, sure]) expect(html).not.to.match(/NaN|Infinity|undefined/);
  });

  it("says which batteries were held to one way", () => {
    const { clearing, scenario } = hourly;
    const owner = scenario.prosumers.find(({ battery }) => battery)!;
    const direction = clearing.network.voltage.map((_, t) => (t < 2 ? ("charge" as const) : ("either" as const)));
    const prosumers = scenario.prosumers.map((one) =>
      one === owner ? { ...one, battery: { ...one.battery!, direction } } : one,
    );
    const { document } = parseHTML(renderReport({ clearing, scenario: { ...scenario, prosumers } })) as unknown as {
      document: Node;
    };
    const told = `The battery at bus ${owner.bus} was held to one way in 2 periods.`;
    expect(card(document, "Source and use").textContent).to.include(told);
    expect(card(hourly.page, "Source and use").textContent).not.to.include("held to one way");
  });

  it("gives a colour one meaning and a meaning one colour", () => {
    const colours = new Map<string, Set<string>>();
    for (const { page } of [hourly, street])
      for (const key of all(page, ".legend .key")) {
        const style = key.querySelector("i")!.getAttribute("style")!;
        const [, name] = /var\(--([a-z]+)\)/.exec(style)!;
        colours.set(name, (colours.get(name) ?? new Set()).add(key.textContent));
      }
    expect(Object.fromEntries([...colours].map(([name, texts]) => [name, [...texts].sort()]))).to.deep.equal({
      energy: ["between prosumers", "energy", "traded: mean and spread"],
      network: ["at the buses, network charge taken off: spread", "network"],
      reserve: ["from other prosumers", "reserve", "traded: mean and spread"],
      carbon: ["carbon", "emitted", "prosumer"],
      allowance: ["free allowance"],
      device: ["device cost"],
      utility: [
        "desk sells (upper), buys (lower)",
        "from the utility",
        "its tariff and the allowance for its CO₂",
        "utility",
        "utility's tariff, up and down together",
        "utility's tariff: sells (upper), buys (lower)",
        "with the utility",
      ],
      generator: ["generators"],
      wind: ["wind"],
      pv: ["PV"],
      battery: ["battery"],
      load: ["load"],
      ink: ["LinDistFlow", "booked down", "booked up"],
      accent: ["AC sweep"],
      bad: ["limit"],
    });
    // The marks themselves and the chips at the buses use the same ones.
    const chips = new Map(
      all(hourly.page, ".feeder .chip").map((chip, k) => [
        all(hourly.page, ".feeder .chip-text")[k].textContent,
        chip.getAttribute("style"),
      ]),
    );
    expect(Object.fromEntries(chips)).to.deep.equal({
      G: "fill:var(--generator)",
      PV: "fill:var(--pv)",
      W: "fill:var(--wind)",
      B: "fill:var(--battery)",
    });
  });

  it("shows any name as text, and one that turns the reading direction with its number", () => {
    const name = `<img src=x onerror=alert(1)>${"long".repeat(60)}\u202eשלום\u0007`;
    const { clearing, scenario } = hourly;
    const html = renderReport({
      clearing,
      scenario: { ...scenario, name, source: name, feeder: { ...scenario.feeder, name, source: name } },
    });
    expect(html).not.to.match(/<img|[\u0000-\u0008\u202a-\u202e\u2066-\u2069]/);
    const { document } = parseHTML(html) as unknown as { document: Node };
    expect(document.querySelector("h1 bdi")!.textContent).to.equal(
      name.replace("\u202e", "\\u202e").replace("\u0007", "\\u0007"),
    );
    expect(all(document, "bdi")).to.have.length(5);
  });
});
