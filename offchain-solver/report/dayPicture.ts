/** One picture of a cleared day that stands alone: the feeder in its tightest hour, the prices, and who feeds whom. */
import type { ClearingJson } from "../records/clearingJson.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import * as Energy from "./charts/energy.ts";
import { ENERGY_KINDS, tightestHour } from "./derive.ts";
import { drawFeeder, feederCss } from "./feederDrawing.ts";
import { colour } from "./plot.ts";
import { CHARACTER, at, keys, standaloneCss, text } from "./standalone.ts";
import { LOADING_EDGES, VOLTAGE_STEPS } from "./theme.ts";

const WIDTH = 1120;
const MARGIN = 20;

function ramp(x: number, y: number, letter: "v" | "l", steps: number, low: string, high: string): string {
  const start = x + CHARACTER * low.length + 8;
  const cells = Array.from(
    { length: steps },
    (_, k) => `<rect x="${start + 16 * k}" y="${y - 10}" width="16" height="11" style="fill:var(--${letter}${k})"/>`,
  );
  return text(x, y, low) + cells.join("") + text(start + 16 * steps + 8, y, high);
}

export function renderDayPicture(clearing: ClearingJson, scenario: Scenario): string {
  const hour = tightestHour(clearing, scenario.feeder);
  const feeder = drawFeeder(scenario, clearing, hour, WIDTH - 2 * MARGIN);
  const feederHeight = Number(/viewBox="0 0 \d+ (\d+)/.exec(feeder.svg)?.[1]);
  const top = 84;
  const below = top + feederHeight + 34;
  const half = (WIDTH - 3 * MARGIN) / 2;
  const height = below + 316;
  const size = { width: half, height: 250 };
  const right = MARGIN * 2 + half;
  const date = scenario.startUtc.slice(0, 10);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="A cleared day on a feeder: voltages and loadings, prices, energy by source and use">
<style>${standaloneCss}
${feederCss.replace("width:100%;height:auto;", "")}</style>
<rect width="${WIDTH}" height="${height}" rx="12" style="fill:var(--card);stroke:var(--line)"/>
${text(MARGIN, 34, `One day on ${scenario.feeder.name}: ${scenario.prosumers.length} prosumers, ${scenario.hours} hours from ${date}; the feeder in hour ${hour}`, "title")}
${ramp(MARGIN, 62, "v", VOLTAGE_STEPS, "bus voltage: low limit", "high limit")}
${ramp(MARGIN + 430, 62, "l", LOADING_EDGES.length + 1, "branch: idle", "at its rating")}
${text(MARGIN + 770, 62, "flow in kW; G generator, W wind, B battery")}
${at(MARGIN, top, feeder.svg)}
${text(MARGIN, below, "Energy price, $/MWh", "head")}
${keys(MARGIN, below + 24, [
  { colour: colour(0), text: "traded" },
  { colour: colour(1), text: "less the network charge at the buses" },
  { colour: colour(5), text: "utility's tariff", dashed: true },
])}
${at(MARGIN, below + 40, Energy.energyPriceChart(clearing, scenario, size))}
${text(right, below, "Source and use, MW", "head")}
${keys(
  right,
  below + 24,
  ENERGY_KINDS.map((words, k) => ({ colour: colour(Energy.ENERGY_TINTS[k]), text: words })),
)}
${at(right, below + 40, Energy.balanceChart(clearing, scenario, size))}
</svg>
`;
}
