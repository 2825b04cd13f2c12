/** Pieces of an SVG that stands alone, outside the report's page: text, legend, style. */
import { escape } from "./derive.ts";
import { lightCss } from "./theme.ts";

export type Key = { readonly colour: string; readonly text: string; readonly line?: "solid" | "dashed" | "dotted" };

export const standaloneCss = `${lightCss}
text{font-family:system-ui,-apple-system,'Segoe UI',sans-serif}.title{font-size:18px;font-weight:650;fill:var(--ink)}.head{font-size:15px;font-weight:650;fill:var(--ink)}.label{font-size:13px;fill:var(--quiet)}`;

const DASHES = { solid: "", dashed: ' stroke-dasharray="5 3"', dotted: ' stroke-dasharray="1.5 3"' } as const;

/** Average width of a 13 px character: there is no browser to measure a label. */
export const CHARACTER = 7.2;

/** Puts a finished SVG at a place inside another one. */
export const at = (x: number, y: number, svg: string): string => svg.replace("<svg ", `<svg x="${x}" y="${y}" `);

export const text = (x: number, y: number, words: string, kind = "label"): string =>
  `<text class="${kind}" x="${x}" y="${y}">${escape(words)}</text>`;

/** Width of a label is estimated: there is no browser to measure it. */
export function keys(x: number, y: number, all: readonly Key[]): string {
  let left = x;
  return all
    .map(({ colour: tint, text: words, line }) => {
      const mark = line
        ? `<line x1="${left}" x2="${left + 16}" y1="${y - 4}" y2="${y - 4}" style="stroke:${tint}" stroke-width="2"${DASHES[line]}/>`
        : `<rect x="${left}" y="${y - 9}" width="14" height="10" rx="2" style="fill:${tint}"/>`;
      const label = text(left + 21, y, words);
      left += 21 + CHARACTER * words.length + 18;
      return mark + label;
    })
    .join("");
}
