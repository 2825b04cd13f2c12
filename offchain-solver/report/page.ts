/** The page around the charts: cards, tables, tiles, legends. */
import { feederCss } from "./feederDrawing.ts";
import { pageScript } from "./pageScript.ts";
import { pageCss } from "./pageStyle.ts";
import type { Key } from "./standalone.ts";
import { themeCss } from "./theme.ts";

export function legend(keys: readonly Key[]): string {
  const items = keys.map(({ colour, text, line }) => {
    const style =
      line === undefined ? `background:${colour}` : `background:none;border-top:3px ${line} ${colour};height:0`;
    return `<span class="key"><i style="${style}"></i>${text}</span>`;
  });
  return `<p class="legend">${items.join("")}</p>`;
}

export function card(title: string, body: string, { note = "", wide = false } = {}): string {
  return `<section class="card${wide ? " wide" : ""}"><h3>${title}</h3>${note === "" ? "" : `<p class="note">${note}</p>`}${body}</section>`;
}

export const grid = (...cards: readonly string[]): string => `<div class="grid">${cards.join("")}</div>`;

export type Tile = {
  readonly label: string;
  readonly value: string;
  readonly detail?: string;
  readonly mood?: "good" | "bad";
};

export const tiles = (all: readonly Tile[]): string =>
  `<div class="tiles">${all
    .map(
      ({ label, value, detail, mood }) =>
        `<div class="tile${mood === undefined ? "" : ` ${mood}`}"><span>${label}</span><b>${value}</b>${detail === undefined ? "" : `<small>${detail}</small>`}</div>`,
    )
    .join("")}</div>`;

export type TableOptions = {
  readonly foot?: readonly string[];
  /** Rows that the page's script refills for another period: what they are of, and each row's index there. */
  readonly live?: { readonly kind: "bus" | "branch"; readonly indices: readonly number[] };
};

/**
 * Every row and column is shown, without a box to scroll: where a table is too wide for its card each row becomes a
 * block of named cells.
 * @param rows cells already escaped; all columns but the first are numbers.
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { foot, live }: TableOptions = {},
): string {
  const label = (k: number): string => ` data-label="${head[k].replace(/<[^>]*>/g, "")}"`;
  const line = (cells: readonly string[], mark = ""): string =>
    `<tr${mark}>${cells.map((text, k) => (k === 0 ? `<th scope="row">${text}</th>` : `<td${label(k)}>${text}</td>`)).join("")}</tr>`;
  const marks = live?.indices.map((index) => ` data-${live.kind}="${index}"`) ?? [];
  const body = rows.map((row, k) => line(row, marks[k])).join("");
  const end = foot === undefined ? "" : `<tfoot>${line(foot)}</tfoot>`;
  const size = head.length > 6 ? "many" : head.length > 3 ? "some" : "few";
  return `<table class="${size}"><thead><tr>${head.map((text) => `<th scope="col">${text}</th>`).join("")}</tr></thead><tbody>${body}</tbody>${end}</table>`;
}

/** A table beside a picture, closed until it is asked for; the summary says what is in it. */
export const numbers = (summary: string, body: string): string =>
  `<details><summary>${summary}</summary>${body}</details>`;

/** "24 rows". */
export const rowCount = (rows: readonly unknown[]): string => `${rows.length} ${rows.length === 1 ? "row" : "rows"}`;

export const said = (words: string): string => `<p class="said">${words}</p>`;

export type Page = {
  readonly title: string;
  readonly subtitle: string;
  readonly sections: readonly { readonly id: string; readonly name: string; readonly body: string }[];
  /** In the window's title: text, no markup. */
  readonly name: string;
  /** What the script shows for the chosen period; embedded as JSON. Absent: the page has no periods to choose. */
  readonly hours?: unknown;
  readonly footer: string;
};

/** The policy forbids every request: the page is what is in the file. */
export function page({ title, name: windowName, subtitle, sections, hours, footer }: Page): string {
  const json = JSON.stringify(hours)?.replaceAll("<", "\\u003c");
  const data = json === undefined ? "" : `<script type="application/json" id="hours">${json}</script>`;
  const links = sections.length < 2 ? "" : sections.map(({ id, name }) => `<a href="#${id}">${name}</a>`).join("");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${windowName}</title>
<style>${themeCss}
${pageCss}
${feederCss}</style>
</head>
<body>
<header><div class="in"><div><h1>${title}</h1><p>${subtitle}</p></div><button id="theme" type="button">Theme</button></div></header>
${links === "" ? "" : `<nav><div class="in">${links}</div></nav>`}
<main>
${sections.map(({ id, name, body }, k) => `<div id="${id}">${k === 0 ? "" : `<h2>${name}</h2>`}${body}</div>`).join("\n")}
<footer>${footer}</footer>
</main>
${data}
<script>${pageScript}</script>
</body>
</html>
`;
}
