/** Who sells to whom: posted energy over the session from every seller (row) to every buyer (column). */
import * as Plot from "@observablehq/plot";
import type { Day } from "../day.ts";
import { betweenProsumers, extent, posted } from "../derive.ts";
import { nameOfAxis, shortNames } from "../labels.ts";
import type { Frame } from "../plot.ts";
import { nameAxis, svg } from "../plot.ts";
import { tint } from "../theme.ts";
import { inUnit, withUnit } from "../units.ts";

type Cell = { readonly seller: string; readonly buyer: string; readonly mwh: number };

export function tradedCells({ clearing, scenario }: Day): Cell[] {
  const nameOf = shortNames(scenario, clearing.prosumers);
  const sums = new Map<string, Cell>();
  for (const { seller, buyer, mw } of betweenProsumers(posted(clearing, "energy"))) {
    const cell = { seller: nameOf.get(seller as number)!, buyer: nameOf.get(buyer as number)! };
    const key = `${cell.seller}>${cell.buyer}`;
    sums.set(key, { ...cell, mwh: (sums.get(key)?.mwh ?? 0) + mw * scenario.periodHours });
  }
  return [...sums.values()];
}

export function tradeMatrix(day: Day, frame: Frame): string {
  const { energy } = day.units;
  const cells = tradedCells(day);
  const [, most] = extent(cells.map(({ mwh }) => mwh));
  const names = [...shortNames(day.scenario, day.clearing.prosumers).values()];
  const room = (frame.width - 64) / names.length;
  const digits = Math.max(0, 2 - Math.max(0, Math.floor(Math.log10(energy.factor * most))));
  const label = ({ mwh }: Cell): string => (energy.factor * mwh).toFixed(digits).replace(/^0\./, ".");
  // A digit is 6 px wide at this size.
  const written = room >= 6 * extent(cells.map((cell) => label(cell).length))[1];
  const few = names.length <= 20;
  const opacity = ({ mwh }: Cell): number => 0.06 + 0.94 * (few ? mwh / most : Math.sqrt(mwh / most));
  const side = few ? 19 : Math.max(3.4, (frame.phone ? 330 : 476) / names.length);
  const top = [...cells].sort((a, b) => b.mwh - a.mwh)[0];
  return svg(
    {
      ...frame,
      height: 64 + names.length * side,
      marginLeft: 48,
      marginTop: 44,
      marginBottom: 8,
      x: { ...nameAxis(nameOfAxis(day.scenario, "buyer"), names, (frame.width - 64) / 28), axis: "top" },
      y: { ...nameAxis(nameOfAxis(day.scenario, "seller"), names, (names.length * side) / 13) },
      marks: [
        ...(few
          ? [
              Plot.cell(
                names.flatMap((seller) => names.map((buyer) => ({ seller, buyer }))),
                { x: "buyer", y: "seller", fill: "var(--line)", fillOpacity: 0.35, inset: 1 },
              ),
            ]
          : []),
        Plot.cell(cells, {
          x: "buyer",
          y: "seller",
          fill: tint("energy"),
          // Plot takes numbers between 0 and 1 as opacities as they are.
          fillOpacity: opacity,
          inset: few ? 1 : 0,
          ...(frame.phone
            ? {}
            : { title: (d: Cell) => `bus ${d.seller} to bus ${d.buyer}: ${withUnit(energy, d.mwh)}` }),
        }),
        ...(few && written
          ? [
              Plot.text(
                cells.filter((cell) => Number(label(cell)) > 0),
                {
                  x: "buyer",
                  y: "seller",
                  text: label,
                  fontSize: 10,
                  fill: (d: Cell) => (opacity(d) > 0.6 ? "var(--card)" : "var(--ink)"),
                },
              ),
            ]
          : []),
      ],
    },
    {
      title: "Energy from seller to buyer over the session",
      says: `${cells.length} pairs trade; most from bus ${top.seller} to bus ${top.buyer}, ${inUnit(energy, top.mwh)} ${energy.name}.`,
    },
  );
}
