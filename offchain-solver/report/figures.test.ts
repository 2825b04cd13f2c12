import { readFileSync } from "node:fs";
import { expect } from "chai";
import { parseHTML } from "linkedom";
import { syntheticClearing } from "../../test/support/syntheticClearing.ts";
import { ScenarioSchema } from "../market/scenario/scenario.ts";
import { barFigure, intervalFigure, lineFigure, scatterFigure } from "./figures.ts";
import { renderDayPicture } from "./sessionReport.ts";

type Page = { querySelectorAll(selector: string): { textContent: string; getAttribute(name: string): string }[] };
const parse = (svg: string): Page => (parseHTML(svg) as unknown as { document: Page }).document;
const labels = { title: "Title & more", x: "iteration", y: "residual, $/MW" };
const count = (svg: string, selector: string): number => [...parse(svg).querySelectorAll(selector)].length;
const words = (svg: string): string[] => [...parse(svg).querySelectorAll("text")].map((node) => node.textContent);

describe("figures", () => {
  it("name the axes with their units, the series and the marks", () => {
    const picture = lineFigure(
      labels,
      [
        {
          name: "plain",
          points: [
            [1, 1],
            [2, 0.1],
          ],
        },
        {
          name: "GSA",
          points: [
            [1, 1],
            [2, 0.01],
          ],
          dashed: true,
        },
      ],
      { yLog: true },
      [{ at: 0.05, name: "tolerance" }],
    );
    expect(words(picture)).to.include.members([
      "Title & more",
      "iteration",
      "residual, $/MW",
      "plain",
      "GSA",
      "tolerance",
    ]);
    expect(picture).to.include("Title &amp; more");
    expect(count(picture, '[aria-label="line"] path')).to.equal(2);
  });

  it("say in words what they show", () => {
    const [picture] = [
      ...parse(barFigure(labels, [{ group: "a", part: "energy", value: 10 }])).querySelectorAll("svg"),
    ];
    expect(picture.getAttribute("role")).to.equal("img");
    const direct = (tag: string): string =>
      [...parse(barFigure(labels, [{ group: "a", part: "energy", value: 10 }])).querySelectorAll(`svg > ${tag}`)][0]
        .textContent;
    expect([picture.getAttribute("aria-label"), direct("title")]).to.deep.equal(["Title & more", "Title & more"]);
    expect(direct("desc")).to.equal("residual, $/MW by iteration.");
  });

  it("leave out what a log axis cannot show", () => {
    const points = [
      [1, 1],
      [2, 0],
      [0, 3],
      [3, 0.1],
    ] as const;
    const dots = (axes: { xLog?: boolean; yLog?: boolean }): number =>
      count(scatterFigure(labels, [{ name: "a", points }], axes), '[aria-label="dot"] circle');
    expect(dots({})).to.equal(4);
    expect(dots({ yLog: true })).to.equal(3);
    expect(dots({ xLog: true, yLog: true })).to.equal(2);
  });

  it("leave room for the last label of a log axis that ends on a tick", () => {
    const points = [
      [100, 1],
      [10000, 2],
    ] as const;
    const picture = scatterFigure(labels, [{ name: "a", points }], { xLog: true });
    const width = Number(/<svg x="\d+"[^>]* width="(\d+)"/.exec(picture)?.[1]);
    const ticks = [...parse(picture).querySelectorAll('[aria-label="x-axis tick label"] text')];
    const last = ticks.find(({ textContent }) => textContent === "10000");
    const x = Number(/translate\(([\d.]+)/.exec(last?.getAttribute("transform") ?? "")?.[1]);
    // Five digits of at most 7 px each, centred on the tick.
    expect(x + (5 * 7) / 2).to.be.at.most(width);
  });

  it("write every group's total over its bars", () => {
    const picture = barFigure(labels, [
      { group: "a", part: "energy", value: 10 },
      { group: "a", part: "carbon", value: -2.5 },
      { group: "b", part: "energy", value: 4 },
    ]);
    expect(words(picture)).to.include.members(["7.5", "4.0", "energy", "carbon"]);
  });

  it("draw an interval to its ends", () => {
    const picture = intervalFigure(
      labels,
      [
        { group: "a", series: "line", value: 0.02, low: 0, high: 0.04 },
        { group: "b", series: "line", value: 0.01, low: 0, high: 0.03 },
      ],
      [{ at: 0.05, name: "epsilon" }],
    );
    const heights = [...parse(picture).querySelectorAll('[aria-label="rule"] line')]
      .map((line) => Number(line.getAttribute("y1")) - Number(line.getAttribute("y2")))
      .filter((height) => height !== 0);
    expect(heights[0] / heights[1]).to.be.closeTo(4 / 3, 1e-9);
  });

  it("keep a zero interval end off a log axis without losing the dot", () => {
    const picture = intervalFigure(labels, [{ group: "a", series: "s", value: 0.02, low: 0, high: 0.04 }], [], {
      yLog: true,
    });
    expect(picture).not.to.match(/NaN|Infinity/);
    expect(count(picture, '[aria-label="dot"] circle')).to.equal(1);
  });

  it("give a method the same colour whichever others stand beside it", () => {
    const points = [
      [1, 1],
      [2, 2],
    ] as const;
    const ways = [
      "plain",
      "over-relaxed 1.6",
      "gsa, several ratios (not within 500)",
      "anderson",
      "plain, vanishing regularisation",
    ];
    const strokes = (names: readonly string[]): Record<string, string> => {
      const lines = [
        ...parse(
          lineFigure(
            labels,
            names.map((name) => ({ name, points })),
          ),
        ).querySelectorAll('[aria-label="line"]'),
      ];
      return Object.fromEntries(lines.map((line, k) => [names[k], line.getAttribute("stroke")]));
    };
    const all = strokes(ways);
    expect(new Set(Object.values(all)).size).to.equal(ways.length);
    for (const few of [ways.slice(2), ways.toReversed(), [ways[3]]])
      for (const [name, stroke] of Object.entries(strokes(few))) expect(stroke, name).to.equal(all[name]);
  });
});

describe("day picture", () => {
  it("stands alone: its colours are declared in it", () => {
    const path = new URL("../../cases/scenarios/ieee15.json", import.meta.url);
    const scenario = ScenarioSchema.parse(JSON.parse(readFileSync(path, "utf8")));
    const picture = renderDayPicture(syntheticClearing(scenario), scenario);
    const used = new Set([...picture.matchAll(/var\(--([a-z]+\d?)\)/g)].map(([, name]) => name));
    expect(used.size).to.be.greaterThan(10);
    for (const name of used) expect(picture).to.match(new RegExp(`[;{]--${name}:#`));
    expect(picture.match(/<svg /g)).to.have.length(4);
  });
});
