/** The page around the charts: layout, style, and the few lines of script that move the hour and the theme. */
import { feederCss } from "./feederDrawing.ts";
import { themeCss } from "./theme.ts";

export type Key = { readonly colour: string; readonly text: string; readonly dashed?: true };

export function legend(keys: readonly Key[]): string {
  const items = keys.map(
    ({ colour, text, dashed }) =>
      `<span class="key"><i style="${dashed ? `background:none;border-top:3px dashed ${colour};height:0` : `background:${colour}`}"></i>${text}</span>`,
  );
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

/** @param rows cells already escaped; all columns but the first are numbers. A tall table scrolls when it is long. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { foot, tall = false }: { readonly foot?: readonly string[]; readonly tall?: boolean } = {},
): string {
  const line = (cells: readonly string[], tag: "td" | "th"): string =>
    `<tr>${cells.map((text) => `<${tag}>${text}</${tag}>`).join("")}</tr>`;
  const body = rows.map((row) => line(row, "td")).join("");
  const end = foot === undefined ? "" : `<tfoot>${line(foot, "td")}</tfoot>`;
  return `<div class="scroll${tall ? " tall" : ""}"><table><thead>${line(head, "th")}</thead><tbody>${body}</tbody>${end}</table></div>`;
}

const css = `*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif}
main,header .in,nav .in{max-width:1240px;margin:0 auto;padding:0 24px}
header{background:var(--card);border-bottom:1px solid var(--line);padding:22px 0 16px}
header .in{display:flex;justify-content:space-between;align-items:flex-start;gap:16px}
h1{font-size:24px;line-height:1.25;margin:0}h1+p{margin:4px 0 0;color:var(--quiet)}
h2{font-size:18px;margin:34px 0 12px}h3{font-size:15px;margin:0 0 4px}
nav{position:sticky;top:0;z-index:2;background:var(--card);border-bottom:1px solid var(--line)}
nav .in{display:flex;gap:20px;overflow-x:auto;padding-top:9px;padding-bottom:9px}
a{color:var(--accent);text-decoration:none}nav a{white-space:nowrap}a:hover{text-decoration:underline}
button{font:inherit;color:inherit;background:var(--page);border:1px solid var(--line);border-radius:7px;padding:5px 12px;cursor:pointer;white-space:nowrap}
button:focus-visible,input:focus-visible,a:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(205px,1fr));gap:12px;margin-top:22px}
.tile{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 14px;display:flex;flex-direction:column}
.tile span,.tile small{color:var(--quiet);font-size:13px}.tile b{font-size:22px;line-height:1.3;font-variant-numeric:tabular-nums}
.tile.good b{color:var(--good)}.tile.bad b{color:var(--bad)}
[id]{scroll-margin-top:52px}.hash{margin-top:8px}.grid{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:16px}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 18px;min-width:0}
.card.wide{grid-column:1/-1}.card svg{display:block;max-width:100%;height:auto}
.note{color:var(--quiet);font-size:13px;margin:0 0 6px}
.legend{margin:4px 0 6px;display:flex;flex-wrap:wrap;gap:4px 16px;font-size:13px}
.key{display:inline-flex;align-items:center;gap:6px}.key i{display:inline-block;width:16px;height:11px;border-radius:2px}
.ramp{display:inline-flex;align-items:center;gap:7px;margin-right:20px}.ramp>span{display:inline-flex}.ramp i{display:inline-block;width:20px;height:12px}
.hour{display:flex;align-items:center;gap:14px;margin:8px 0 2px;flex-wrap:wrap}.hour input{flex:1 1 260px;accent-color:var(--accent)}
.hour output{font-weight:650;min-width:9.5em;font-variant-numeric:tabular-nums}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(138px,1fr));gap:6px 16px;margin:14px 0 0;padding-top:12px;border-top:1px solid var(--line)}
.facts div{display:flex;flex-direction:column}.facts dt{color:var(--quiet);font-size:13px}.facts dd{margin:0;font-weight:600;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto}.scroll.tall{max-height:540px;overflow-y:auto}.tall thead th{position:sticky;top:0;background:var(--card)}.tall tfoot td{position:sticky;bottom:0;background:var(--card)}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:14px}
th,td{padding:5px 10px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child,td:first-child{text-align:left}th{color:var(--quiet);font-weight:600}tfoot td{font-weight:650;border-bottom:0;border-top:2px solid var(--line)}
code{font:13px ui-monospace,Consolas,monospace;overflow-wrap:anywhere}
.verdict{display:inline-block;padding:1px 10px;border-radius:20px;color:#fff;font-weight:600;font-size:13px;background:var(--quiet)}
.verdict.valid{background:#1d7f4e}.verdict.invalid{background:#b9302b}
footer{color:var(--quiet);font-size:13px;padding:26px 0 40px}
@media(max-width:860px){.grid{grid-template-columns:minmax(0,1fr)}main,header .in,nav .in{padding-left:14px;padding-right:14px}}
.scroll .feeder{min-width:760px}@media print{nav,button,.hour{display:none}.card,.tile{break-inside:avoid}}`;

const script = `"use strict";
(() => {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const dark = () => (root.dataset.theme ?? (matchMedia("(prefers-color-scheme:dark)").matches ? "dark" : "light")) === "dark";
  const name = () => { button.textContent = dark() ? "Light" : "Dark"; };
  button.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; name(); });
  name();
  const data = JSON.parse(document.getElementById("hours").textContent);
  const input = document.getElementById("hour");
  const output = document.getElementById("hour-name");
  const buses = [...document.querySelectorAll(".feeder .bus")];
  const branches = [...document.querySelectorAll(".feeder .branch")];
  const show = () => {
    const h = data[input.valueAsNumber];
    output.textContent = h.name;
    buses.forEach((g, b) => {
      g.querySelector("title").textContent = h.busTitle[b];
      g.querySelector(".dot").style.fill = "var(--v" + h.busStep[b] + ")";
    });
    branches.forEach((g, k) => {
      const tint = "var(--l" + h.branchStep[k] + ")";
      g.querySelector("title").textContent = h.branchTitle[k];
      g.querySelector(".line").style.stroke = tint;
      const arrow = g.querySelector(".arrow");
      arrow.style.fill = tint;
      arrow.setAttribute("transform", arrow.getAttribute("transform").replace(/rotate\\(.*\\)/, "rotate(" + (h.forward[k] ? 0 : 180) + ")"));
      const flow = g.querySelector(".flow");
      if (flow) flow.textContent = h.flow[k];
    });
    document.querySelectorAll(".facts dd").forEach((dd, k) => { dd.textContent = h.facts[k]; });
  };
  input.addEventListener("input", show);
  show();
})();`;

export type Page = {
  readonly title: string;
  readonly subtitle: string;
  readonly sections: readonly { readonly id: string; readonly name: string; readonly body: string }[];
  /** What the script shows for the chosen hour; embedded as JSON. */
  readonly hours: unknown;
  readonly footer: string;
};

/** The policy forbids every request: the page is what is in the file. */
export function page({ title, subtitle, sections, hours, footer }: Page): string {
  const json = JSON.stringify(hours).replaceAll("<", "\\u003c");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${title}</title>
<style>${themeCss}
${css}
${feederCss}</style>
</head>
<body>
<header><div class="in"><div><h1>${title}</h1><p>${subtitle}</p></div><button id="theme" type="button">Theme</button></div></header>
<nav><div class="in">${sections.map(({ id, name }) => `<a href="#${id}">${name}</a>`).join("")}</div></nav>
<main>
${sections.map(({ id, name, body }, k) => `<div id="${id}">${k === 0 ? "" : `<h2>${name}</h2>`}${body}</div>`).join("\n")}
<footer>${footer}</footer>
</main>
<script type="application/json" id="hours">${json}</script>
<script>${script}</script>
</body>
</html>
`;
}
