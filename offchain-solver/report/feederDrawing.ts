/** The feeder as a single-line diagram: buses coloured by voltage, branches by loading, arrows along the active flow. */
import type { ClearingJson } from "../records/clearingJson.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { escape, loadings, number } from "./derive.ts";
import type { FeederLayout } from "./feederLayout.ts";
import { layoutOf } from "./feederLayout.ts";
import { loadingStep, voltageStep } from "./theme.ts";

/** What a bus, a branch and their hover texts show in one hour; the page's script applies it when the hour changes. */
export type HourView = {
  readonly busStep: readonly number[];
  readonly busTitle: readonly string[];
  readonly branchStep: readonly number[];
  readonly branchTitle: readonly string[];
  readonly flow: readonly string[];
  readonly forward: readonly boolean[];
};

export type FeederDrawing = {
  readonly svg: string;
  /** Flows and devices are written beside branches and buses, where there is room for it. */
  readonly labelled: boolean;
  readonly hours: readonly HourView[];
};

const DEVICES = [
  ["generator", "G", 2],
  ["pv", "PV", 7],
  ["wind", "W", 8],
  ["battery", "B", 4],
] as const;

function viewOf(scenario: Scenario, clearing: ClearingJson, t: number, loading: readonly number[]): HourView {
  const { buses, branches } = scenario.feeder;
  const { voltage, flowMw, flowMvar, nodalPrice } = clearing.network;
  const carbon = clearing.carbonIntensity[t];
  return {
    busStep: buses.map(({ vMinPu, vMaxPu }, b) => voltageStep(voltage[t][b], vMinPu, vMaxPu)),
    busTitle: buses.map(({ bus, vMinPu, vMaxPu }, b) =>
      [
        `Bus ${bus}: ${number(voltage[t][b], 4)} p.u. (limits ${vMinPu} to ${vMaxPu})`,
        `network charge ${number(nodalPrice[t][b], 2)} $/MWh fed in`,
        ...(carbon === undefined ? [] : [`carbon ${number(1000 * carbon[b], 0)} g/kWh`]),
      ].join("\n"),
    ),
    branchStep: loading.map(loadingStep),
    branchTitle: branches.map(({ from, to, ratingMva }, k) =>
      [
        `Branch ${from}–${to}: ${number(flowMw[t][k], 3)} MW, ${number(flowMvar[t][k], 3)} Mvar`,
        ratingMva === null ? "no rating" : `${number(100 * loading[k], 1)} % of ${ratingMva} MVA`,
      ].join("\n"),
    ),
    flow: flowMw[t].map((mw) => number(1000 * Math.abs(mw), 0)),
    forward: flowMw[t].map((mw) => mw >= 0),
  };
}

type Geometry = { readonly x: (bus: number) => number; readonly y: (bus: number) => number; readonly small: boolean };

function geometryOf({ column, row, columns, rows }: FeederLayout, width: number): Geometry & { height: number } {
  const small = column.length > 40;
  const [side, top, rowHeight] = small ? [22, 24, 34] : [46, 34, 78];
  const step = (width - 2 * side) / Math.max(1, columns - 1);
  return {
    x: (bus) => Math.round(10 * (side + column[bus] * step)) / 10,
    y: (bus) => top + row[bus] * rowHeight,
    small,
    height: top + (rows - 1) * rowHeight + (small ? 26 : 44),
  };
}

function drawBranch(k: number, from: number, to: number, geometry: Geometry, view: HourView): string {
  const { x, y, small } = geometry;
  const [x1, y1, x2, y2] = [x(from), y(from), x(to), y(to)];
  // A lateral drops beside its parent and is level before its arrow, clear of the device chips at its end.
  const level = x1 + (x2 - x1) * 0.42;
  const path =
    y1 === y2 ? `M${x1},${y1}H${x2}` : `M${x1},${y1}C${x1},${y1 + (y2 - y1) * 0.75} ${x1},${y2} ${level},${y2}H${x2}`;
  const at = x1 + (x2 - x1) * (y1 === y2 ? 0.5 : 0.55);
  const size = small ? 4 : 6;
  const turn = view.forward[k] ? 0 : 180;
  const label = small ? "" : `<text class="flow" x="${at.toFixed(1)}" y="${y2 + 20}">${view.flow[k]}</text>`;
  return `<g class="branch"><title>${view.branchTitle[k]}</title><path class="line" d="${path}" style="stroke:var(--l${view.branchStep[k]})"/><path class="arrow" d="M${-size},${-size}L${size},0L${-size},${size}Z" transform="translate(${at.toFixed(1)},${y2}) rotate(${turn})" style="fill:var(--l${view.branchStep[k]})"/>${label}</g>`;
}

function drawBus(bus: number, name: number, devices: readonly string[], geometry: Geometry, view: HourView): string {
  const { x, y, small } = geometry;
  const r = small ? 6 : 11;
  const chip = small ? 0 : 20;
  const chips = small
    ? ""
    : DEVICES.filter(([kind]) => devices.includes(kind))
        .map(([, text, tint], k, all) => {
          const left = (k - all.length / 2) * (chip + 2) + 1;
          return `<rect class="chip" x="${left}" y="${r + 6}" width="${chip}" height="14" rx="3" style="fill:var(--c${tint})"/><text class="chip-text" x="${left + chip / 2}" y="${r + 16.5}">${text}</text>`;
        })
        .join("");
  const shape =
    bus === 0
      ? `<rect class="dot" x="${-r}" y="${-r}" width="${2 * r}" height="${2 * r}" rx="2" style="fill:var(--v${view.busStep[bus]})"/>`
      : `<circle class="dot" r="${r}" style="fill:var(--v${view.busStep[bus]})"/>`;
  return `<g class="bus" transform="translate(${x(bus).toFixed(1)},${y(bus)})"><title>${view.busTitle[bus]}</title>${shape}<text class="name" y="${-r - (small ? 3 : 6)}">${name}</text>${chips}</g>`;
}

/** @param hour shown at first; every hour's view is returned for the page's script. */
export function drawFeeder(scenario: Scenario, clearing: ClearingJson, hour: number, width = 1080): FeederDrawing {
  const { feeder, prosumers } = scenario;
  const layout = layoutOf(feeder);
  const geometry = geometryOf(layout, width);
  const loading = loadings(clearing.network, feeder);
  const hours = loading.map((row, t) => viewOf(scenario, clearing, t, row));
  const view = hours[hour];
  const devicesAt = new Map(
    prosumers.map((one) => {
      const kinds = [one.generator && "generator", one.renewable?.kind, one.battery && "battery"];
      return [one.bus, kinds.filter((kind) => kind !== undefined)];
    }),
  );
  const branches = feeder.branches.map((_, k) => {
    const to = layout.topology.busOf[k];
    return drawBranch(k, layout.topology.parent[to], to, geometry, view);
  });
  const buses = feeder.buses.map(({ bus }, b) => drawBus(b, bus, devicesAt.get(bus) ?? [], geometry, view));
  return {
    svg: `<svg xmlns="http://www.w3.org/2000/svg" class="feeder${geometry.small ? " small" : ""}" viewBox="0 0 ${width} ${geometry.height}" width="${width}" height="${geometry.height}" role="img" aria-label="Feeder ${escape(feeder.name)}: voltage of its buses, loading of its branches">${branches.join("")}${buses.join("")}</svg>`,
    labelled: !geometry.small,
    hours,
  };
}

export const feederCss = `.feeder{display:block;width:100%;height:auto;font-family:system-ui,-apple-system,'Segoe UI',sans-serif}
.feeder .line{fill:none;stroke-width:6;stroke-linecap:round}.feeder.small .line{stroke-width:4}
.feeder .arrow{stroke:var(--card);stroke-width:1.5}.feeder.small .arrow{stroke-width:.7}
.feeder .dot{stroke:var(--ink);stroke-width:1.2}
.feeder text{text-anchor:middle;fill:var(--ink);font-size:13px}
.feeder .name{font-weight:600}.feeder.small .name{font-size:9px;font-weight:400}
.feeder .flow{fill:var(--quiet);font-size:12px;font-variant-numeric:tabular-nums}
.feeder .chip-text{fill:var(--card);font-size:10px;font-weight:700}`;
