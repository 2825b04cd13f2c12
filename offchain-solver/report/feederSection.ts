/** The feeder hour by hour: drawing, slider, and the hour's numbers. */
import { escape, hourPrices, loadings, number, range, tightestHour, total } from "./derive.ts";
import type { HourView } from "./feederDrawing.ts";
import { drawFeeder } from "./feederDrawing.ts";
import { card } from "./page.ts";
import type { Session } from "./sections.ts";
import { LOADING_EDGES, VOLTAGE_STEPS } from "./theme.ts";

const FACTS = [
  "Energy price",
  "Charges, $/MWh",
  "Lowest voltage",
  "Highest loading",
  "Utility import",
  "Traded",
  "Binding limits",
] as const;

/** Names the first few: a long list says less than its length. */
function bindingText(binding: Session["clearing"]["network"]["binding"], hour: number): string {
  const names = binding
    .filter((one) => one.hour === hour)
    .map(({ bus, from, to }) => (bus === undefined ? `${from}–${to}` : `bus ${bus}`));
  const different = [...new Set(names)];
  if (different.length === 0) return "none";
  return different.length <= 3
    ? different.join(", ")
    : `${different.slice(0, 2).join(", ")} and ${different.length - 2} more`;
}

function facts({ clearing, scenario }: Session): string[][] {
  const { network, prosumers } = clearing;
  const { buses, branches } = scenario.feeder;
  const prices = hourPrices(clearing.trades.energy, scenario.hours);
  const loading = loadings(network, scenario.feeder);
  return range(scenario.hours).map((t) => {
    const price = prices[t];
    const nodal = network.nodalPrice[t];
    const lowest = Math.min(...network.voltage[t]);
    const highest = Math.max(0, ...loading[t]);
    const branch = highest > 0 ? branches[loading[t].indexOf(highest)] : undefined;
    return [
      price === undefined ? "no trade" : `${number(price.mean, 2)} $/MWh`,
      `${number(Math.min(...nodal), 2)} to ${number(Math.max(...nodal), 2)}`,
      `${number(lowest, 4)} (bus ${buses[network.voltage[t].indexOf(lowest)].bus})`,
      branch === undefined ? "–" : `${number(100 * highest, 1)} % (${branch.from}–${branch.to})`,
      `${number(total(prosumers.map(({ schedule: s }) => s.importMw[t] - s.exportMw[t])), 3)} MW`,
      `${number(price?.mw ?? 0, 3)} MW`,
      bindingText(network.binding, t),
    ];
  });
}

const ramp = (letter: "v" | "l", steps: number): string =>
  `<span>${range(steps)
    .map((k) => `<i style="background:var(--${letter}${k})"></i>`)
    .join("")}</span>`;

export type HourData = HourView & { readonly name: string; readonly facts: readonly string[] };

export function feederSection(session: Session): { body: string; hours: HourData[] } {
  const { clearing, scenario } = session;
  const first = tightestHour(clearing, scenario.feeder);
  const drawing = drawFeeder(scenario, clearing, first);
  const values = facts(session);
  const start = Date.parse(scenario.startUtc);
  const name = (t: number): string => {
    const clock = new Date(start + t * scenario.periodHours * 3_600_000).toISOString().slice(11, 16);
    return `hour ${t} (${clock} UTC)`;
  };
  const slider = `<div class="hour"><output id="hour-name" for="hour">${name(first)}</output><input id="hour" type="range" min="0" max="${scenario.hours - 1}" step="1" value="${first}" aria-label="Hour of the session"></div>`;
  const labels = drawing.labelled
    ? "<span>arrow: active flow, kW</span><span>G generator · PV · W wind · B battery</span>"
    : "<span>arrow: active flow</span>";
  const key = `<p class="legend"><span class="ramp">bus: low limit ${ramp("v", VOLTAGE_STEPS)} high limit</span><span class="ramp">branch: idle ${ramp("l", LOADING_EDGES.length + 1)} at its rating</span>${labels}</p>`;
  const list = FACTS.map((text, k) => `<div><dt>${text}</dt><dd>${values[first][k]}</dd></div>`).join("");
  return {
    body: card(
      `Feeder ${escape(scenario.feeder.name)}`,
      `${slider}${key}<div class="scroll">${drawing.svg}</div><dl class="facts">${list}</dl>`,
      {
        note: "Voltages and flows of the linear model (LinDistFlow) that the market is cleared on; a binding limit keeps room for forecast errors. Point at a bus or a branch for its numbers.",
        wide: true,
      },
    ),
    hours: drawing.hours.map((view, t) => ({ ...view, name: name(t), facts: values[t] })),
  };
}
