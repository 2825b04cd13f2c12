/** Colours of the report, light and dark, as CSS variables: charts and drawing name the variable, never the colour. */

/** What a colour stands for, in every figure. */
export const MEANINGS = [
  "energy",
  "reserve",
  "carbon",
  "network",
  "device",
  "allowance",
  "utility",
  "generator",
  "wind",
  "pv",
  "battery",
  "vehicle",
  "heatPump",
  "load",
] as const;
export type Meaning = (typeof MEANINGS)[number];
export const tint = (meaning: Meaning): string => `var(--${meaning})`;

/**
 * Meanings, then what the page itself needs; c1..c8 are for series without a meaning of their own; scales: voltage v0
 * (low) .. v8 (high), loading l0 (idle) .. l6 (at or over the limit).
 */
export const LIGHT = {
  energy: "#1f6fb5",
  reserve: "#23875b",
  carbon: "#8a4f24",
  network: "#b83b8e",
  device: "#3d4854",
  allowance: "#b5895a",
  utility: "#75818c",
  generator: "#d26f12",
  wind: "#1795a6",
  pv: "#b08a0c",
  battery: "#a27bd3",
  vehicle: "#d9635f",
  heatPump: "#d0679d",
  load: "#7b8a2a",
  chip: "#10151b",
  page: "#f4f6f8",
  card: "#ffffff",
  ink: "#18212b",
  quiet: "#5c6976",
  line: "#dbe1e7",
  accent: "#1f5fa8",
  good: "#1d7f4e",
  bad: "#b9302b",
  c1: "#1f6fb5",
  c2: "#d26f12",
  c3: "#2c9b6b",
  c4: "#8557b8",
  c5: "#c9423d",
  c6: "#7b8792",
  c7: "#b08a0c",
  c8: "#1795a6",
  v0: "#3a3f9e",
  v1: "#5570c2",
  v2: "#82a1dc",
  v3: "#b3c9ec",
  v4: "#dfe5ea",
  v5: "#f4cfae",
  v6: "#eba36c",
  v7: "#d66f35",
  v8: "#a6430f",
  l0: "#8a95a0",
  l1: "#6f8ba6",
  l2: "#5f917a",
  l3: "#a98f12",
  l4: "#d27d1e",
  l5: "#d6602f",
  l6: "#b0201f",
};

export const DARK: Partial<typeof LIGHT> = {
  energy: "#5aa5ea",
  reserve: "#55c894",
  carbon: "#bb7b48",
  network: "#ee86cb",
  device: "#d4dbe2",
  allowance: "#e8cba8",
  utility: "#94a1ae",
  generator: "#f29a48",
  wind: "#4fc6d6",
  pv: "#e8c34a",
  battery: "#b48ae0",
  vehicle: "#ee7a74",
  heatPump: "#f0a3c8",
  load: "#b4c35c",
  page: "#10151b",
  card: "#19212a",
  ink: "#e6ebf0",
  quiet: "#98a5b3",
  line: "#303b47",
  accent: "#6cb0f5",
  good: "#4cc38a",
  bad: "#f0716a",
  c1: "#5aa5ea",
  c2: "#f29a48",
  c3: "#55c894",
  c4: "#b48ae0",
  c5: "#ee7a74",
  c6: "#94a1ae",
  c7: "#e8c34a",
  c8: "#4fc6d6",
  v4: "#66717c",
  l0: "#66747f",
  l1: "#7391ab",
  l6: "#e0453f",
};

const declare = (colours: Readonly<Record<string, string>>): string =>
  Object.entries(colours)
    .map(([name, value]) => `--${name}:${value}`)
    .join(";");

/** `data-theme` on the root element overrides what the system asks for. */
export const themeCss = `:root{color-scheme:light;${declare(LIGHT)}}
@media (prefers-color-scheme:dark){:root:not([data-theme=light]){color-scheme:dark;${declare(DARK)}}}
:root[data-theme=dark]{color-scheme:dark;${declare(DARK)}}`;

/** For a picture that stands alone on a page we do not know: light colours only. */
export const lightCss = `:root,svg{${declare(LIGHT)}}`;

export const VOLTAGE_STEPS = 9;
export const LOADING_EDGES = [0.2, 0.4, 0.6, 0.8, 0.95, 0.9999] as const;

/** Step 0..8 of a voltage between the bus's limits. */
export function voltageStep(v: number, low: number, high: number): number {
  const step = Math.floor(((v - low) / (high - low)) * VOLTAGE_STEPS);
  return Math.max(0, Math.min(VOLTAGE_STEPS - 1, step));
}

/** Step 0..6 of a loading; 6 = at the limit (within the solver's tolerance) or over it. */
export const loadingStep = (loading: number): number => LOADING_EDGES.filter((edge) => loading >= edge).length;
