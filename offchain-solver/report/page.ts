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

export { table } from "./table.ts";

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
