import { generateFeeder } from "../../scenarios/generateFeeder.ts";
import { populate } from "../../scenarios/populate.ts";
import { readSeries } from "../../scenarios/series.ts";
import { clear, type ClearedSession } from "../../simulation/clear.ts";
import { beyondMandates, type Beyond } from "../../ledger/mandateFit.ts";
import { presetLimits, PRESETS, type Preset } from "../../ledger/mandatePreset.ts";
import { defaultSettings, type MarketSettings } from "../../market/scenario/market.ts";
import { RISK_METHODS, type Scenario } from "../../market/scenario/scenario.ts";
import { zooMarket } from "../bench/zooMarket.ts";
import { scenarioOf, type Cell, type Experiment, type Horizon } from "./common.ts";

const SEEDS = 10;
const ZOO = 120;
/** Prosumers times periods of a made-up market that is cleared here. */
const MOST_PLACES = 400;

type Reserve = "joint" | "sequential";
type Fit = {
  readonly preset: Preset;
  readonly leftOut: number;
  readonly worst: Beyond | undefined;
  /** What the worst would need, in shares of what its mandate allows. */
  readonly ratio: number;
  readonly predicates: readonly string[];
};
type Row = {
  readonly market: string;
  readonly risk: string;
  readonly reserve: Reserve;
  readonly status: string;
  readonly accounts: number;
  readonly fits: readonly Fit[];
};

const ratioOf = ({ needed, allowed }: Beyond): number => Math.abs((needed - allowed) / Math.max(1, Math.abs(allowed)));

/** Honest results by one program against each preset of a mandate: who would be left out, and by how much. */
function fitsOf({ market, outcome }: ClearedSession): Fit[] {
  if (outcome === undefined) return [];
  return PRESETS.map((preset) => {
    const limits = market.prosumers.map(({ id }, i) =>
      presetLimits(market, id, BigInt(Math.floor(market.allowanceT[i] * 1e6)), preset),
    );
    const beyond = beyondMandates(outcome.quantised.result, (party) => ({ limits: limits[party] }));
    const worst = beyond.reduce<Beyond | undefined>(
      (a, b) => (a === undefined || ratioOf(b) > ratioOf(a) ? b : a),
      undefined,
    );
    return {
      preset,
      leftOut: new Set(beyond.map(({ party }) => party)).size,
      worst,
      ratio: worst === undefined ? 0 : ratioOf(worst),
      predicates: [...new Set(beyond.map(({ predicate }) => predicate))],
    };
  });
}

function measure(name: string, scenario: Scenario, market: MarketSettings, reserve: Reserve): Row {
  const session = clear(scenario, { method: "central", market, trade: true, rhoScale: 1, maxIterations: 1, reserve });
  const { status } = session;
  return {
    market: name,
    risk: market.risk,
    reserve,
    status,
    accounts: scenario.prosumers.length,
    fits: fitsOf(session),
  };
}

/** Every case, one after the other. */
function* cases({ hours = Infinity }: Horizon): Generator<Row> {
  for (const name of ["ieee15", "ieee141"]) {
    const scenario = scenarioOf(name, Math.min(24, hours));
    for (const risk of RISK_METHODS)
      for (const reserve of ["joint", "sequential"] as const)
        yield measure(name, scenario, { ...defaultSettings(scenario), risk }, reserve);
  }
  const fifteen = scenarioOf("ieee15", Math.min(24, hours));
  for (const [name, baseOf] of [
    ["twelve on the 15-bus feeder", () => fifteen],
    ["twelve on a made-up feeder", (seed: number) => generateFeeder(14, seed)],
  ] as const)
    for (let seed = 1; seed <= SEEDS; seed++) {
      const scenario = populate(baseOf(seed), 12, seed);
      yield measure(`${name}, seed ${seed}`, scenario, defaultSettings(scenario), "joint");
    }
  const series = readSeries();
  for (let seed = 1; seed <= ZOO; seed++) {
    const { scenario, settings, traits } = zooMarket(seed, series);
    if (traits.prosumers * traits.periods <= MOST_PLACES)
      yield measure(`zoo, seed ${seed}`, scenario, settings, "joint");
  }
}

const share = (part: number, whole: number): string => `${part} of ${whole}`;

/** How often and by how much an honest result goes beyond a member's mandate, for three mandates. */
export function mandatesExperiment(horizon: Horizon = {}): Experiment {
  const all = [...cases(horizon)];
  const solved = all.filter(({ fits }) => fits.length > 0);
  const groups: readonly (readonly [name: string, of: (row: Row) => boolean])[] = [
    ["both feeders' days, joint", (r) => r.market.startsWith("ieee") && r.reserve === "joint"],
    ["both feeders' days, sequential reserve", (r) => r.market.startsWith("ieee") && r.reserve === "sequential"],
    ["drawn members on the 15-bus and on made-up feeders", (r) => r.market.startsWith("twelve")],
    ["made-up markets of every kind", (r) => r.market.startsWith("zoo")],
  ];
  const table = groups.flatMap(([name, of]) => {
    const rows = solved.filter(of);
    return PRESETS.map((preset, k) => {
      const fits = rows.map((row) => row.fits[k]);
      const left = fits.reduce((sum, { leftOut }) => sum + leftOut, 0);
      const accounts = rows.reduce((sum, row) => sum + row.accounts, 0);
      const touched = fits.filter(({ leftOut }) => leftOut > 0);
      const worst = touched.reduce((a, { ratio }) => Math.max(a, ratio), 0);
      const kinds = [...new Set(touched.flatMap(({ predicates }) => predicates))].join(", ");
      return `| ${k === 0 ? name : ""} | ${preset} | ${share(touched.length, rows.length)} | ${share(left, accounts)} | ${worst === 0 ? "–" : worst.toPrecision(2)} | ${kinds || "–"} |`;
    });
  });
  return {
    title: "Honest results and tight mandates",
    header: "market,risk,reserve,status,accounts,preset,leftOut,worst,predicates".split(","),
    rows: all.flatMap(({ market, risk, reserve, status, accounts, fits }): Cell[][] =>
      fits.length === 0
        ? [[market, risk, reserve, status, accounts]]
        : fits.map(({ preset, leftOut, ratio, predicates }) => [
            market,
            risk,
            reserve,
            status,
            accounts,
            preset,
            leftOut,
            Number.isFinite(ratio) ? ratio : "net zero",
            predicates.join(" "),
          ]),
    ),
    figures: {},
    json: all,
    text: [
      "Cleared by one program, rounded to the integers that settle, and held against three mandates that a member may sign (`offchain-solver/ledger/mandatePreset.ts`): whoever has one line beyond its mandate would be left out and the session cleared again without it. Worst: how far beyond, as a part of what the mandate allows.",
      "Reserve that is cleared after energy leaves the energy at its first prices and charges for its lines again: a seller behind a line then pays more than its energy brought, beyond any mandate but a wide one. What a session without some members costs is in `test/standingLoad.test.ts` and docs/model.md: their load stays on the feeder, their devices do not help.",
      [
        "| markets | mandate | markets with somebody left out | members left out | worst | beyond |",
        "| --- | --- | ---: | ---: | ---: | --- |",
        ...table,
      ].join("\n"),
    ],
  };
}
