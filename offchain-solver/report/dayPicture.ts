/**
 * One picture of a cleared day that stands alone: the feeder in its tightest period, the prices, and who feeds whom.
 */
import type { SweptClearing as ClearingJson } from "../records/clearingJson.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import * as Energy from "./charts/energy.ts";
import { dayFrom } from "./day.ts";
import { ENERGY_KINDS, energyBalance, tightestHour } from "./derive.ts";
import { drawFeeder, feederCss, viewsOf } from "./feederDrawing.ts";
import { dayOf, lengthName, periodName } from "./periods.ts";
import { described } from "./plot.ts";
import { CHARACTER, at, keys, standaloneCss, text } from "./standalone.ts";
import { LOADING_EDGES, VOLTAGE_STEPS, tint } from "./theme.ts";

const WIDTH = 1120;
const MARGIN = 20;
/** A title's letters are this wide on average, px. */
const TITLE_CHARACTER = 9.2;

/** Steps of a scale, their colours --v0, --v1 ... or --l0 ..., and what its ends mean. */
type Ramp = { readonly letter: "v" | "l"; readonly steps: number; readonly low: string; readonly high: string };

function ramp(x: number, y: number, { letter, steps, low, high }: Ramp): string {
  const start = x + CHARACTER * low.length + 8;
  const cells = Array.from(
    { length: steps },
    (_, k) => `<rect x="${start + 16 * k}" y="${y - 10}" width="16" height="11" style="fill:var(--${letter}${k})"/>`,
  );
  return text(x, y, low) + cells.join("") + text(start + 16 * steps + 8, y, high);
}

/** What does not fit ends in dots. */
function fitted(words: string): string {
  const most = Math.floor((WIDTH - 2 * MARGIN) / TITLE_CHARACTER);
  return words.length <= most ? words : `${words.slice(0, most - 1)}…`;
}

export function renderDayPicture(clearing: ClearingJson, scenario: Scenario): string {
  const day = dayFrom(clearing, scenario);
  const { price, power } = day.units;
  const hour = tightestHour(clearing, scenario.feeder);
  const width = WIDTH - 2 * MARGIN;
  const view = viewsOf(scenario, clearing, day.units)[hour];
  const feeder = drawFeeder(scenario, view, day.units, { width, titles: true });
  const { style } = feeder.geometry;
  const top = 84;
  const below = top + feeder.height + 34;
  const half = (WIDTH - 3 * MARGIN) / 2;
  const height = below + 336;
  const frame = { width: half, height: 250, phone: false };
  const right = MARGIN * 2 + half;
  const balance = energyBalance(clearing, scenario);
  const kinds = ENERGY_KINDS.filter((kind) => balance.some((row) => row.kind === kind));
  const title = `${scenario.feeder.name}, ${dayOf(scenario, 0)} ${scenario.startUtc.slice(0, 4)}: ${scenario.prosumers.length} prosumers, ${scenario.hours} periods of ${lengthName(scenario.periodHours)}; the feeder at ${periodName(scenario, hour)} UTC`;
  const words = {
    title: "A cleared day on a feeder",
    says: "Voltages and loadings of the feeder, prices of every period, energy by source and use.",
  };
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${words.title}">
<style>${standaloneCss}
${feederCss.replace("max-width:100%;height:auto;", "")}</style>
<rect width="${WIDTH}" height="${height}" rx="12" style="fill:var(--card);stroke:var(--line)"/>
${text(MARGIN, 34, fitted(title), "title")}
${ramp(MARGIN, 62, { letter: "v", steps: VOLTAGE_STEPS, low: "bus voltage: low limit", high: "high limit" })}
${ramp(MARGIN + 430, 62, { letter: "l", steps: LOADING_EDGES.length + 1, low: "branch: idle", high: "at its rating" })}
${text(MARGIN + 770, 62, style.chip ? "flow in kW; G generator, W wind, B battery" : "arrows: active flow")}
${at(MARGIN, top, feeder.svg)}
${text(MARGIN, below, `Energy price, ${price.name}`, "head")}
${keys(MARGIN, below + 24, [
  { colour: tint("energy"), text: "traded" },
  { colour: tint("network"), text: "less the network charge at the buses" },
])}
${keys(MARGIN, below + 42, [
  { colour: tint("utility"), text: "utility's tariff", line: "dashed" },
  ...(clearing.settings.carbon
    ? [{ colour: tint("utility"), text: "tariff and the allowance for its CO₂", line: "dotted" as const }]
    : []),
])}
${at(MARGIN, below + 58, Energy.energyPriceChart(day, frame))}
${text(right, below, `Source and use, ${power.name}`, "head")}
${keys(
  right,
  below + 24,
  kinds.map((kind) => ({ colour: tint(Energy.KIND_MEANINGS[kind]), text: kind })),
)}
${at(right, below + 58, Energy.balanceChart(day, frame))}
</svg>
`;
  return described(svg, words);
}
