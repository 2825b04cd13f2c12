/** What the reports of cleared sessions show: units, what was switched off, colours, names. */
import { expect } from "chai";
import { parseHTML } from "linkedom";
import { renderReport } from "../offchain-solver/report/sessionReport.ts";
import { loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { populate } from "../offchain-solver/scenarios/populate.ts";
import {
  type Node,
  read,
  all,
  STREET,
  type Report,
  reportOf,
  card,
  rowsOf,
  tableOf,
  paidOf,
} from "./support/clearedReport.ts";

describe("what the report of a cleared session shows", function () {
  this.timeout(300_000);
  const ieee15 = loadScenario("ieee15");
  let hourly: Report;
  let street: Report;

  before(() => {
    hourly = reportOf(takeHours(ieee15, 9));
    street = reportOf(takeHours(populate(STREET, 9, 8), 3));
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
