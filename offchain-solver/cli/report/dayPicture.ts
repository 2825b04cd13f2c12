/** One picture of a cleared day that stands alone: the feeder in its tightest hour, the prices, and who feeds whom. */
import type { ClearingJson } from "../../market/clearingJson.ts";
import type { Scenario } from "../../market/scenario.ts";
import * as Energy from "./charts/energy.ts";
import { ENERGY_KINDS, escape, tightestHour } from "./derive.ts";
import { drawFeeder, feederCss } from "./feederDrawing.ts";
import type { Key } from "./page.ts";
import { colour } from "./plot.ts";
import { LOADING_EDGES, VOLTAGE_STEPS, lightCss } from "./theme.ts";

const WIDTH = 1120;
const MARGIN = 20;

/** Puts a finished SVG at a place inside another one. */
const at = (x: number, y: number, svg: string): string => svg.replace("<svg ", `<svg x="${x}" y="${y}" `);

const text = (x: number, y: number, words: string, kind = "label"): string =>
  `<text class="${kind}" x="${x}" y="${y}">${escape(words)}</text>`;

/** Width of a label is estimated: there is no browser to measure it. */
function keys(x: number, y: number, all: readonly Key[]): string {
  let left = x;
  return all
    .map(({ colour: tint, text: words, dashed }) => {
      const mark = dashed
        ? `<line x1="${left}" x2="${left + 16}" y1="${y - 4}" y2="${y - 4}" style="stroke:${tint}" stroke-width="2" stroke-dasharray="5 3"/>`
        : `<rect x="${left}" y="${y - 9}" width="14" height="10" rx="2" style="fill:${tint}"/>`;
      const label = text(left + 21, y, words);
      left += 21 + 6.9 * words.length + 18;
      return mark + label;
    })
    .join("");
}

function ramp(x: number, y: number, letter: "v" | "l", steps: number, low: string, high: string): string {
  const start = x + 6.9 * low.length + 8;
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
<style>${lightCss}${feederCss.replace("width:100%;height:auto;", "")}
text{font-family:system-ui,-apple-system,'Segoe UI',sans-serif}.title{font-size:18px;font-weight:650;fill:var(--ink)}.head{font-size:15px;font-weight:650;fill:var(--ink)}.label{font-size:13px;fill:var(--quiet)}</style>
<rect width="${WIDTH}" height="${height}" rx="12" style="fill:var(--card);stroke:var(--line)"/>
${text(MARGIN, 34, `One day on ${scenario.feeder.name}: ${scenario.prosumers.length} prosumers, ${scenario.hours} hours from ${date}; the feeder in hour ${hour}`, "title")}
${ramp(MARGIN, 62, "v", VOLTAGE_STEPS, "bus voltage: low limit", "high limit")}
${ramp(MARGIN + 430, 62, "l", LOADING_EDGES.length + 1, "branch: idle", "at its rating")}
${text(MARGIN + 770, 62, "flow in kW; G generator, W wind, B battery")}
${at(MARGIN, top, feeder.svg)}
${text(MARGIN, below, "Energy price, $/MWh", "head")}
${keys(MARGIN, below + 24, [
  { colour: colour(0), text: "traded" },
  { colour: colour(1), text: "nodal, over the buses" },
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
