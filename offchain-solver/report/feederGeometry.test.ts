import { readFileSync } from "node:fs";
import { expect } from "chai";
import { parseHTML } from "linkedom";
import { syntheticClearing } from "../../test/support/syntheticClearing.ts";
import { ScenarioSchema } from "../market/scenario/scenario.ts";
import { drawFeeder, viewsOf } from "./feederDrawing.ts";
import { unitsOf } from "./units.ts";

type Node = { textContent: string; getAttribute(name: string): string | null; querySelectorAll(s: string): Node[] };
type Box = {
  readonly words: string;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
};

const SIZES: Readonly<Record<string, readonly [number, number]>> = {
  name: [13, 11],
  flow: [12, 11],
  "chip-text": [10, 10],
};

/** Boxes of the drawing's letters and chips, from the SVG alone: .62 of the letters' height a digit, .72 of it tall. */
function boxesOf(svg: string): Box[] {
  const { document } = parseHTML(svg) as unknown as { document: Node };
  const small = /class="feeder (small|tiny|compact)"/.test(svg);
  const all: Box[] = [];
  const add = (node: Node, kind: string, [x0, y0]: readonly [number, number]): void => {
    const large = SIZES[kind][0];
    const size = kind === "name" && /class="feeder compact"/.test(svg) ? large : SIZES[kind][small ? 1 : 0];
    const width = 0.62 * size * node.textContent.length;
    const x =
      x0 + Number(node.getAttribute("x")) + ((node.getAttribute("style") ?? "").includes("start") ? width / 2 : 0);
    const y = y0 + Number(node.getAttribute("y"));
    all.push({ words: node.textContent, left: x - width / 2, right: x + width / 2, top: y - 0.72 * size, bottom: y });
  };
  for (const bus of document.querySelectorAll(".bus")) {
    const [, x, y] = /translate\(([\d.-]+),([\d.-]+)\)/.exec(bus.getAttribute("transform") ?? "")!;
    const at = [Number(x), Number(y)] as const;
    for (const name of bus.querySelectorAll(".name")) add(name, "name", at);
    for (const chip of bus.querySelectorAll("rect.chip")) {
      const [left, top, width, height] = ["x", "y", "width", "height"].map((key) => Number(chip.getAttribute(key)));
      all.push({
        words: "chip",
        left: at[0] + left,
        right: at[0] + left + width,
        top: at[1] + top,
        bottom: at[1] + top + height,
      });
    }
  }
  for (const flow of document.querySelectorAll(".flow")) add(flow, "flow", [0, 0]);
  return all;
}

const overlap = (a: Box, b: Box): boolean =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

describe("a feeder's drawing", () => {
  for (const name of ["ieee15", "ieee141"])
    for (const width of [322, 560, 1106])
      it(`writes nothing over anything: ${name} at ${width} px`, () => {
        const path = new URL(`../../cases/scenarios/${name}.json`, import.meta.url);
        const scenario = ScenarioSchema.parse(JSON.parse(readFileSync(path, "utf8")));
        const clearing = syntheticClearing(scenario);
        const units = unitsOf(clearing, scenario);
        const views = viewsOf(scenario, clearing, units);
        const { svg, geometry } = drawFeeder(scenario, views[12], units, { width, titles: false });
        const boxes = boxesOf(svg);
        boxes.forEach((a, k) => {
          for (const b of boxes.slice(k + 1)) expect(overlap(a, b), `${a.words} and ${b.words}`).to.equal(false);
          expect(a.left).to.be.at.least(0);
          expect(a.right).to.be.at.most(width);
        });
        expect(geometry.named[0]).to.equal(true);
        // A name is left out only where there is no room; ends and junctions are worth more than what is between them.
        const share = geometry.named.filter(Boolean).length / geometry.named.length;
        expect(share).to.be.at.least(width < 1000 && name === "ieee141" ? 0.5 : 1);
      });
});
