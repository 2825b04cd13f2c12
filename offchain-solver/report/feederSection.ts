/** The feeder period by period: drawing, slider, and the period's numbers. */
import type { Day } from "./day.ts";
import {
  betweenProsumers,
  byBus,
  foreign,
  hourPrices,
  loadings,
  number,
  posted,
  range,
  tightestHour,
  total,
} from "./derive.ts";
import type { HourView } from "./feederDrawing.ts";
import { branchFacts, busFacts, drawFeeder, viewsOf } from "./feederDrawing.ts";
import { card, numbers, table, rowCount } from "./page.ts";
import { periodName } from "./periods.ts";
import { FULL, HALF, PHONE } from "./plot.ts";
import { LOADING_EDGES, VOLTAGE_STEPS } from "./theme.ts";
import { inUnit, withUnit } from "./units.ts";

/** Names the first few: a long list says less than its length. */
function bindingText(binding: Day["clearing"]["network"]["binding"], hour: number): string {
  const names = binding
    .filter((one) => one.hour === hour)
    .map(({ bus, from, to }) => (bus === undefined ? `${from}–${to}` : `bus ${bus}`));
  const different = [...new Set(names)];
  if (different.length === 0) return "none";
  return different.length <= 3
    ? different.join(", ")
    : `${different.slice(0, 2).join(", ")} and ${different.length - 2} more`;
}

const FACTS = [
  "Energy price",
  "Network charges",
  "Lowest voltage",
  "Highest voltage",
  "Highest loading",
  "From the utility",
  "Traded",
  "Binding limits",
] as const;

function facts({ clearing, scenario, units }: Day): string[][] {
  const { network, prosumers } = clearing;
  const { buses, branches } = scenario.feeder;
  const prices = hourPrices(betweenProsumers(posted(clearing, "energy")), scenario.hours);
  const loading = loadings(network, scenario.feeder);
  return range(scenario.hours).map((t) => {
    const price = prices[t];
    const nodal = network.nodalPrice[t];
    const voltage = network.voltage[t];
    const at = (value: number): string => `${number(value, 4)} p.u. (bus ${buses[voltage.indexOf(value)].bus})`;
    const highest = Math.max(0, ...loading[t]);
    const branch = branches.find(({ ratingMva }, k) => ratingMva !== null && loading[t][k] === highest);
    return [
      price === undefined ? "no trade" : withUnit(units.price, price.mean),
      `${inUnit(units.price, Math.min(...nodal))} to ${withUnit(units.price, Math.max(...nodal))}`,
      at(Math.min(...voltage)),
      at(Math.max(...voltage)),
      branch === undefined ? "no rating" : `${number(100 * highest, 1)} % (${branch.from}–${branch.to})`,
      withUnit(units.power, total(prosumers.map(({ schedule: s }) => s.importMw[t] - s.exportMw[t]))),
      withUnit(units.power, price?.mw ?? 0),
      bindingText(network.binding, t),
    ];
  });
}

const ramp = (letter: "v" | "l", steps: number): string =>
  `<span>${range(steps)
    .map((k) => `<i style="background:var(--${letter}${k})"></i>`)
    .join("")}</span>`;

export type HourData = HourView & { readonly name: string; readonly facts: readonly string[] };

/** What the page's script shows: every period, and the words that its cells stand under. */
export type FeederData = {
  readonly busNames: readonly string[];
  readonly busFacts: readonly string[];
  readonly branchNames: readonly string[];
  readonly branchFacts: readonly string[];
  readonly hours: readonly HourData[];
};

/** Rows by bus number, each naming the feeder's index that the script finds its cells by. */
function tables({ scenario }: Day, data: FeederData, first: number): string {
  const view = data.hours[first];
  const buses = byBus(scenario.feeder.buses.map(({ bus }, id) => ({ bus, id })));
  return (
    numbers(
      `Every bus in this period, ${rowCount(buses)}`,
      table(
        ["Bus", ...data.busFacts],
        buses.map(({ bus, id }) => [`${bus}`, ...view.bus[id]]),
        { live: { kind: "bus", indices: buses.map(({ id }) => id) } },
      ),
    ) +
    numbers(
      `Every branch in this period, ${rowCount(data.branchNames)}`,
      table(
        ["Branch", ...data.branchFacts],
        data.branchNames.map((name, k) => [name, ...view.branch[k]]),
        { live: { kind: "branch", indices: range(data.branchNames.length) } },
      ),
    )
  );
}

export function feederSection(day: Day): { body: string; data: FeederData } {
  const { clearing, scenario, units } = day;
  const first = tightestHour(clearing, scenario.feeder);
  const values = facts(day);
  const views = viewsOf(scenario, clearing, units);
  const name = (t: number): string =>
    scenario.community === undefined ? `${periodName(scenario, t)} UTC` : periodName(scenario, t);
  const data: FeederData = {
    busNames: scenario.feeder.buses.map(({ bus }) => `${bus}`),
    busFacts: busFacts(units),
    branchNames: scenario.feeder.branches.map(({ from, to }) => `${from}–${to}`),
    branchFacts: branchFacts(units),
    hours: views.map((view, t) => ({ ...view, name: name(t), facts: values[t] })),
  };
  const draw = (width: number, titles: boolean) => drawFeeder(scenario, views[first], units, { width, titles });
  const [full, half, phone] = [draw(FULL.width - 34, true), draw(HALF.width, false), draw(PHONE.width, false)];
  const slider = `<div class="hour"><output id="hour-name" for="hour">${name(first)}</output><input id="hour" type="range" min="0" max="${scenario.hours - 1}" step="1" value="${first}" aria-label="Period of the session" aria-valuetext="${name(first)}"></div>`;
  const drawings = [full, half, phone].map(({ svg }, k) => `<div class="${["full", "half", "phone"][k]}">${svg}</div>`);
  const key = `<p class="legend"><span class="ramp">bus: low limit ${ramp("v", VOLTAGE_STEPS)} high limit</span><span class="ramp">branch: idle ${ramp("l", LOADING_EDGES.length + 1)} at its rating</span><span>arrow: active flow${full.geometry.style.flows ? ", kW" : ""}</span>${full.geometry.style.chip ? "<span>G generator · PV · W wind · B battery · E electric car · H heat pump</span>" : ""}</p>`;
  const list = FACTS.map((text, k) => `<div><dt>${text}</dt><dd>${values[first][k]}</dd></div>`).join("");
  const unnamed = [half, phone].some(({ geometry }) => geometry.named.includes(false));
  return {
    body: card(
      `Feeder ${foreign(scenario.feeder.name)}`,
      `${slider}${key}<div class="frames three">${drawings.join("")}</div><dl class="facts">${list}</dl>${tables(day, data, first)}`,
      {
        note: `Shown first: the period with the highest loading. Voltages and flows of the linear model (LinDistFlow) that the market is cleared on; a binding limit keeps room for forecast errors. Point at a bus or a branch for its numbers, or open the tables.${unnamed ? " Where it is narrow, only as many buses are named as there is room for." : ""}`,
        wide: true,
      },
    ),
    data,
  };
}
