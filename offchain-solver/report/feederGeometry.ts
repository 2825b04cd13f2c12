/**
 * Where a feeder's buses stand in a drawing of some width, how large they are, and which of their names there is room
 * for.
 */
import type { FeederLayout } from "./feederLayout.ts";

export type Style = {
  readonly name: "large" | "compact" | "small" | "tiny";
  readonly radius: number;
  readonly arrow: number;
  /** From the edge of a bus to its name's base line, px. */
  readonly lift: number;
  readonly fontSize: number;
  readonly rowHeight: number;
  readonly side: number;
  readonly top: number;
  readonly bottom: number;
  /** Flows are written below the branches. */
  readonly flows: boolean;
  /** Devices are shown at the buses: beside one another, or one below the other. */
  readonly chip?: { readonly width: number; readonly height: number; readonly stacked: boolean };
};

const LARGE: Style = {
  name: "large",
  radius: 11,
  arrow: 6,
  lift: 6,
  fontSize: 13,
  rowHeight: 78,
  side: 46,
  top: 34,
  bottom: 44,
  flows: true,
  chip: { width: 20, height: 14, stacked: false },
};
const COMPACT: Style = {
  ...LARGE,
  name: "compact",
  radius: 8,
  arrow: 4,
  lift: 4,
  rowHeight: 92,
  side: 16,
  top: 28,
  bottom: 60,
  chip: { width: 18, height: 13, stacked: true },
};
const SMALL: Style = {
  name: "small",
  radius: 6,
  arrow: 4,
  lift: 4,
  fontSize: 11,
  rowHeight: 36,
  side: 22,
  top: 26,
  bottom: 24,
  flows: false,
};
const TINY: Style = {
  ...SMALL,
  name: "tiny",
  radius: 3.5,
  arrow: 2.2,
  lift: 3,
  rowHeight: 24,
  side: 28,
  top: 22,
  bottom: 12,
};

/** The largest style for which the columns are far enough apart. */
function styleFor({ columns }: FeederLayout, width: number): Style {
  const step = (style: Style): number => (width - 2 * style.side) / Math.max(1, columns - 1);
  if (step(LARGE) >= 96) return LARGE;
  if (step(COMPACT) >= 40) return COMPACT;
  return step(SMALL) >= 24 ? SMALL : TINY;
}

export type Geometry = {
  readonly x: (bus: number) => number;
  readonly y: (bus: number) => number;
  readonly height: number;
  readonly style: Style;
  /** By bus: whether nothing hangs on it. */
  readonly ends: readonly boolean[];
  /** By bus: whether its name is drawn. */
  readonly named: readonly boolean[];
};

/** A digit's width over the letters' height. */
const DIGIT = 0.62;

type Place = Pick<Geometry, "x" | "y" | "style" | "ends">;

/**
 * Where a name is written, from its bus: over it, or to the right of one that ends a row where the columns are close.
 */
export function nameAnchor({ style, ends }: Pick<Geometry, "style" | "ends">, bus: number) {
  return style.name === "tiny" && ends[bus]
    ? ({ dx: style.radius + 3, dy: 0.36 * style.fontSize, anchor: "start" } as const)
    : ({ dx: 0, dy: -style.radius - style.lift, anchor: "middle" } as const);
}

/** Left, right and base line of a bus's name. */
export function nameBox(place: Place, bus: number, name: string): readonly [left: number, right: number, base: number] {
  const { dx, dy, anchor } = nameAnchor(place, bus);
  const width = DIGIT * place.style.fontSize * name.length;
  const left = place.x(bus) + dx - (anchor === "start" ? 0 : width / 2);
  return [left, left + width, place.y(bus) + dy];
}

/**
 * Names that fit, beside one another and beside the lateral that their row hangs on: the root's first, then those of
 * ends and junctions, then whatever there is room for.
 */
function chooseNames(layout: FeederLayout, names: readonly string[], place: Place): boolean[] {
  const { parent, order: walk } = layout.topology;
  const { row } = layout;
  const children = new Array<number>(names.length).fill(0);
  const lateral = new Map<number, number>();
  for (const bus of walk.subarray(1)) {
    children[parent[bus]]++;
    if (row[bus] !== row[parent[bus]]) lateral.set(row[bus], place.x(parent[bus]) + 3);
  }
  const rank = (bus: number): number => (bus === 0 ? 0 : children[bus] !== 1 ? 1 : 2);
  const order = names.map((_, bus) => bus).sort((a, b) => rank(a) - rank(b) || a - b);
  const named = new Array<boolean>(names.length).fill(false);
  const taken = new Map<number, (readonly [number, number])[]>();
  for (const bus of order) {
    const [left, right, base] = nameBox(place, bus, names[bus]);
    if (left < (lateral.get(row[bus]) ?? 0)) continue;
    const beside = taken.get(base) ?? [];
    if (beside.some(([from, to]) => left < to + 3 && right > from - 3)) continue;
    taken.set(base, [...beside, [left, right]]);
    named[bus] = true;
  }
  return named;
}

export function geometryOf(layout: FeederLayout, names: readonly string[], width: number): Geometry {
  const { column, row, columns, rows } = layout;
  const style = styleFor(layout, width);
  const step = (width - 2 * style.side) / Math.max(1, columns - 1);
  const { parent } = layout.topology;
  const parents = new Set(parent);
  const place = {
    style,
    ends: column.map((_, bus) => !parents.has(bus)),
    x: (bus: number) => Math.round(10 * (style.side + column[bus] * step)) / 10,
    y: (bus: number) => style.top + row[bus] * style.rowHeight,
  };
  return {
    ...place,
    height: style.top + (rows - 1) * style.rowHeight + style.bottom,
    named: chooseNames(layout, names, place),
  };
}
