/**
 * The feeder as a single-line diagram: buses coloured by voltage, branches by loading, arrows along the active flow.
 */
import type { SweptClearing as ClearingJson } from "../records/clearingJson.ts";
import { ownedBy } from "../market/devices/devices.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { escape, loadings, number } from "./derive.ts";
import type { Geometry } from "./feederGeometry.ts";
import { geometryOf, nameAnchor } from "./feederGeometry.ts";
import { layoutOf } from "./feederLayout.ts";
import { described } from "./plot.ts";
import { loadingStep, tint, voltageStep, type Meaning } from "./theme.ts";
import type { Unit, Units } from "./units.ts";
import { inUnit } from "./units.ts";

/** What a bus and a branch show in one period, as text; the page's script applies it when the period changes. */
export type HourView = {
  readonly busStep: readonly number[];
  /** By bus in the feeder's order, one cell for every `BUS_FACTS`. */
  readonly bus: readonly (readonly string[])[];
  readonly branchStep: readonly number[];
  /** By branch, one cell for every `BRANCH_FACTS`. */
  readonly branch: readonly (readonly string[])[];
  readonly flow: readonly string[];
  readonly forward: readonly boolean[];
};

export const busFacts = ({ price }: Units): string[] => [
  "Voltage, p.u.",
  "Limits, p.u.",
  `Charge on feeding in, ${price.name}`,
  "CO₂, g/kWh",
];
export const branchFacts = ({ power }: Units): string[] => [
  `Flow, ${power.name}`,
  `Reactive, ${power.name.replace(/W$/, "var")}`,
  `Rating, ${power.name.replace(/W$/, "VA")}`,
  "Loading, %",
];

const DEVICES: readonly (readonly [kind: string, text: string, meaning: Meaning])[] = [
  ["generator", "G", "generator"],
  ["pv", "PV", "pv"],
  ["wind", "W", "wind"],
  ["battery", "B", "battery"],
  ["vehicle", "E", "vehicle"],
  ["heatPump", "H", "heatPump"],
];

/** Flows beside the branches are whole kW where they are large, with a digit or two on a street. */
export function flowUnit({ flowMw }: ClearingJson["network"]): Unit {
  const most = 1e3 * flowMw.flat().reduce((largest, mw) => Math.max(largest, Math.abs(mw)), 0);
  return { name: "kW", factor: 1e3, digits: most >= 100 ? 0 : most >= 10 ? 1 : 2 };
}

export function viewsOf(scenario: Scenario, clearing: ClearingJson, units: Units): HourView[] {
  const { buses, branches } = scenario.feeder;
  const { voltage, flowMw, flowMvar, nodalPrice } = clearing.network;
  const beside = flowUnit(clearing.network);
  return loadings(clearing.network, scenario.feeder).map((loading, t) => ({
    busStep: buses.map(({ vMinPu, vMaxPu }, b) => voltageStep(voltage[t][b], vMinPu, vMaxPu)),
    bus: buses.map(({ vMinPu, vMaxPu }, b) => [
      number(voltage[t][b], 4),
      b === 0 ? "fixed" : `${vMinPu} to ${vMaxPu}`,
      inUnit(units.price, nodalPrice[t][b]),
      number(1000 * (clearing.carbonIntensity[t]?.[b] ?? 0), 0),
    ]),
    branchStep: loading.map(loadingStep),
    branch: branches.map(({ ratingMva }, k) => [
      inUnit(units.power, flowMw[t][k]),
      inUnit(units.power, flowMvar[t][k]),
      ratingMva === null ? "none" : inUnit(units.power, ratingMva),
      ratingMva === null ? "–" : number(100 * loading[k], 1),
    ]),
    flow: flowMw[t].map((mw) => number(1e3 * Math.abs(mw), beside.digits)),
    forward: flowMw[t].map((mw) => mw >= 0),
  }));
}

/** "Bus 5", then a line for every fact: what pointing at it shows. */
export const hoverText = (name: string, heads: readonly string[], cells: readonly string[]): string =>
  [name, ...heads.map((head, k) => `${head}: ${cells[k]}`)].join("\n");

type Drawn = { readonly geometry: Geometry; readonly view: HourView; readonly titles: boolean; readonly units: Units };

function drawBranch(k: number, name: string, [from, to]: readonly [number, number], drawn: Drawn): string {
  const { geometry, view, titles, units } = drawn;
  const { x, y, style } = geometry;
  const [x1, y1, x2, y2] = [x(from), y(from), x(to), y(to)];
  // A lateral drops beside its parent and is level before its arrow, clear of the device chips at its end.
  const level = x1 + (x2 - x1) * 0.42;
  const path =
    y1 === y2 ? `M${x1},${y1}H${x2}` : `M${x1},${y1}C${x1},${y1 + (y2 - y1) * 0.75} ${x1},${y2} ${level},${y2}H${x2}`;
  const at = x1 + (x2 - x1) * (y1 === y2 ? 0.5 : 0.55);
  const size = style.arrow;
  const turn = view.forward[k] ? 0 : 180;
  const fill = `var(--l${view.branchStep[k]})`;
  const beside = style.chip?.stacked ? x1 + (x2 - x1) * 0.48 : at;
  const label = style.flows ? `<text class="flow" x="${beside.toFixed(1)}" y="${y2 + 20}">${view.flow[k]}</text>` : "";
  const title = titles ? `<title>${hoverText(name, branchFacts(units), view.branch[k])}</title>` : "<title></title>";
  return `<g class="branch">${title}<path class="line" d="${path}" style="stroke:${fill}"/><path class="arrow" d="M${-size},${-size}L${size},0L${-size},${size}Z" transform="translate(${at.toFixed(1)},${y2}) rotate(${turn})" style="fill:${fill}"/>${label}</g>`;
}

function drawBus(bus: number, name: number, devices: readonly string[], drawn: Drawn): string {
  const { geometry, view, titles, units } = drawn;
  const { style } = geometry;
  const { radius: r, chip } = style;
  const shown = chip === undefined ? [] : DEVICES.filter(([kind]) => devices.includes(kind));
  const chips = shown.map(([, text, meaning], k) => {
    const { width, height } = chip!;
    const left = chip!.stacked ? -width / 2 : (k - shown.length / 2) * (width + 2) + 1;
    const top = r + 6 + (chip!.stacked ? k * (height + 2) : 0);
    return `<rect class="chip" x="${left}" y="${top}" width="${width}" height="${height}" rx="3" style="fill:${tint(meaning)}"/><text class="chip-text" x="${left + width / 2}" y="${top + height - 3.5}">${text}</text>`;
  });
  const fill = `var(--v${view.busStep[bus]})`;
  const shape =
    bus === 0
      ? `<rect class="dot" x="${-r}" y="${-r}" width="${2 * r}" height="${2 * r}" rx="2" style="fill:${fill}"/>`
      : `<circle class="dot" r="${r}" style="fill:${fill}"/>`;
  const { dx, dy, anchor } = nameAnchor(geometry, bus);
  const turned = anchor === "start" ? ` style="text-anchor:start"` : "";
  const label = geometry.named[bus] ? `<text class="name" x="${dx}" y="${dy.toFixed(1)}"${turned}>${name}</text>` : "";
  const title = titles
    ? `<title>${hoverText(`Bus ${name}`, busFacts(units), view.bus[bus])}</title>`
    : "<title></title>";
  return `<g class="bus" transform="translate(${geometry.x(bus).toFixed(1)},${geometry.y(bus)})">${title}${shape}${label}${chips.join("")}</g>`;
}

export type FeederDrawing = { readonly svg: string; readonly height: number; readonly geometry: Geometry };

/**
 * @param view of the period that is shown.
 * @param titles whether every bus and branch gets its hover text at once; the page's script writes it otherwise.
 */
export function drawFeeder(
  scenario: Scenario,
  view: HourView,
  units: Units,
  { width, titles }: { readonly width: number; readonly titles: boolean },
): FeederDrawing {
  const { feeder, prosumers } = scenario;
  const layout = layoutOf(feeder);
  const names = feeder.buses.map(({ bus }) => `${bus}`);
  const geometry = geometryOf(layout, names, width);
  const drawn: Drawn = { geometry, view, titles, units };
  const devicesAt = new Map<number, string[]>();
  for (const prosumer of prosumers)
    devicesAt.set(prosumer.bus, [
      ...(devicesAt.get(prosumer.bus) ?? []),
      ...ownedBy(prosumer).map(({ name }) => (name === "renewable" ? prosumer.renewable!.kind : name)),
    ]);
  const branches = feeder.branches.map(({ from, to: end }, k) => {
    const to = layout.topology.busOf[k];
    return drawBranch(k, `Branch ${from}–${end}`, [layout.topology.parent[to], to], drawn);
  });
  const buses = feeder.buses.map(({ bus }, b) => drawBus(b, bus, devicesAt.get(bus) ?? [], drawn));
  const { height, style } = geometry;
  const open = `<svg xmlns="http://www.w3.org/2000/svg" class="feeder ${style.name}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Feeder ${escape(feeder.name)}">`;
  const words = {
    title: `Feeder ${feeder.name}`,
    says: `Single-line diagram of ${feeder.buses.length} buses, coloured by voltage, and ${feeder.branches.length} branches, coloured by loading; arrows follow the active flow.`,
  };
  return { svg: described(`${open}${branches.join("")}${buses.join("")}</svg>`, words), height, geometry };
}

export const feederCss = `.feeder{display:block;max-width:100%;height:auto;font-family:system-ui,-apple-system,'Segoe UI',sans-serif}
.feeder .line{fill:none;stroke-width:6;stroke-linecap:round}.feeder.compact .line{stroke-width:5}.feeder.small .line{stroke-width:4}.feeder.tiny .line{stroke-width:2.5}
.feeder .arrow{stroke:var(--card);stroke-width:1.5}.feeder.small .arrow,.feeder.tiny .arrow{stroke-width:.7}
.feeder .dot{stroke:var(--ink);stroke-width:1.2}.feeder.tiny .dot{stroke-width:.8}
.feeder text{text-anchor:middle;fill:var(--ink);font-size:13px}
.feeder .name{font-weight:600}.feeder.small .name,.feeder.tiny .name{font-size:11px;font-weight:400}
.feeder .flow{fill:var(--quiet);font-size:12px;font-variant-numeric:tabular-nums}.feeder.compact .flow{font-size:11px}
.feeder .chip-text{fill:var(--chip);font-size:10px;font-weight:700}`;
