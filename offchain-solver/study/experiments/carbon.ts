import { emissionsT } from "../../market/result/cost.ts";
import type { Scenario } from "../../market/scenario/scenario.ts";
import { scatterFigure } from "../../report/figures.ts";
import { PROMISE, scenarioOf, solve, type Cell, type Experiment } from "./common.ts";
import type { Horizon } from "./common.ts";

const PRICES = [0, 10, 20, 30, 50, 75, 100, 150, 200, 300];

/** Buying at `price`, selling at the same share of it as in the scenario. */
function priced(scenario: Scenario, price: number): Scenario {
  const { deskBuyPerT, deskSellPerT } = scenario.carbon;
  return {
    ...scenario,
    carbon: { ...scenario.carbon, deskBuyPerT: price, deskSellPerT: (price * deskSellPerT) / deskBuyPerT },
  };
}

/** Emissions against the price of allowances. */
export function carbonExperiment({ hours: most = Infinity }: Horizon = {}): Experiment {
  const rows: Cell[][] = [];
  const text: string[] = [];
  const series = [
    { feeder: "ieee15", hours: 24 },
    { feeder: "ieee141", hours: 6 },
  ].map(({ feeder, hours }) => {
    const scenario = scenarioOf(feeder, Math.min(hours, most));
    const points: [number, number][] = [];
    let first = NaN;
    let fuel = "";
    for (const price of PRICES) {
      const solved = solve(priced(scenario, price));
      if (typeof solved === "string") {
        rows.push([feeder, hours, price, solved]);
        continue;
      }
      const { market, solution } = solved;
      const sum = (of: (i: number) => number): number => market.prosumers.reduce((total, _, i) => total + of(i), 0);
      const total = sum((i) => emissionsT(market, i, solution.schedules[i]));
      const generated = sum((i) => solution.schedules[i].generatorMw.reduce((a, b) => a + b, 0) * market.dt);
      const imported = sum((i) => solution.schedules[i].importMw.reduce((a, b) => a + b, 0) * market.dt);
      const tradedT = solution.carbonT.reduce((a, b) => a + Math.abs(b), 0);
      const mu = sum((i) => solution.priceMu[i]) / market.prosumers.length;
      if (Number.isNaN(first)) first = total;
      rows.push([feeder, hours, price, "solved", total, generated, imported, tradedT, mu, solved.objective]);
      points.push([price, (100 * total) / first]);
      fuel = `${generated.toFixed(2)} MWh generated, ${imported.toFixed(2)} MWh imported at $${price}/t`;
    }
    const rises = points.filter(([, e], k) => k > 0 && e > points[k - 1][1] + 1e-4).length;
    const at30 = points.find(([price]) => price === 30);
    text.push(
      `**${feeder}, ${hours} h:** ${first.toFixed(4)} t with free allowances, ${at30 ? (100 - at30[1]).toFixed(2) : "?"} % less at the default $30/t, ${(100 - points[points.length - 1][1]).toFixed(2)} % less at $${PRICES[PRICES.length - 1]}/t (${fuel}); ${rises === 0 ? "emissions never rise with the price" : `emissions rise at ${rises} steps`}.`,
    );
    return { name: `${feeder}, ${hours} h`, points };
  });
  return {
    title: "Emissions against the price of allowances",
    header: "feeder,hours,deskBuyPerT,status,emissionsT,generatedMwh,importedMwh,tradedT,meanPriceMu,costUsd".split(
      ",",
    ),
    rows,
    figures: {
      "": scatterFigure(
        {
          title: "Emissions of all prosumers by allowance price",
          x: "price at which the desk sells an allowance, $/t",
          y: "emissions, % of those at price 0",
        },
        series,
        {},
        { joined: true },
      ),
    },
    text: [
      `Central method, ts-drcc, eps .05 (${PROMISE}). The desk buys back at 5/6 of the price it sells at, as in the scenarios. ieee141 is cut to its first 6 hours.`,
      ...text,
      `Demand is inelastic but for its flexible part, so what a price can move is which source serves it: generators of .40 to .65 t/MWh against a grid whose intensity changes by the hour.`,
    ],
  };
}
