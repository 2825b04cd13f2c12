import { expect } from "chai";
import { summaryOf, zoo, zooLines, zooTable } from "./zoo.ts";
import { createMarket, defaultSettings } from "../../market/scenario/market.ts";
import type { Solution } from "../../market/result/solution.ts";
import { loadScenario } from "../../scenarios/loadScenario.ts";
import { takeHours } from "../../scenarios/periods.ts";
import { readSeries } from "../../scenarios/series.ts";
import { zooMarket } from "./zooMarket.ts";
import { failuresOf, turnoverOf, zooRow, type SessionEnd, type ZooRow } from "./zooRow.ts";

const row = (more: Partial<ZooRow>): Omit<ZooRow, "failures"> => ({
  seed: 7,
  traits: {} as ZooRow["traits"],
  central: "solved",
  status: "solved",
  evaluations: 100,
  plain: { status: "solved", evaluations: 400 },
  plainVanishing: { status: "solved", evaluations: 300 },
  ratio: 1 / 3,
  gap: 1e-6,
  ms: { central: 1, cleared: 1 },
  ...more,
});

describe("gridpact bench zoo", function () {
  this.timeout(300_000);

  it("holds every market to what is claimed of all", () => {
    const session = (verdict: SessionEnd["verdict"]): SessionEnd => ({ verdict, detail: "regretsTooLarge" });
    const cases: [Partial<ZooRow>, RegExp | undefined][] = [
      [{}, undefined],
      [{ central: "infeasible", status: "infeasible" }, undefined],
      [{ status: "max iterations" }, /max iterations where central is solved/],
      [{ status: "infeasible" }, /infeasible where central is solved/],
      [{ central: "infeasible" }, /solved where central is infeasible/],
      [{ central: "max iterations" }, /central ended max iterations/],
      [{ gap: -1.1e-5 }, /gap -1.1e-5 of turnover/],
      [{ gap: NaN }, /gap NaN/],
      [{ evaluations: 440 }, undefined],
      [{ evaluations: 441 }, /441 evaluations where plain needs 300/],
      [{ evaluations: 441, plainVanishing: { status: "max iterations", evaluations: 300 } }, undefined],
      [{ session: session("valid") }, undefined],
      [{ session: session("refused") }, undefined],
      [{ session: session("invalid") }, /session invalid: regretsTooLarge/],
      [{ session: session("undecided") }, /session undecided/],
      [{ session: session("failed") }, /session failed/],
    ];
    for (const [more, failure] of cases) {
      const failures = failuresOf(row(more));
      if (failure === undefined) expect(failures, JSON.stringify(more)).to.deep.equal([]);
      else expect(failures.join(), JSON.stringify(more)).to.match(failure);
    }
  });

  it("counts what changes hands once a side, whichever way and at whatever sign of price", () => {
    const hour = (...values: number[]): Float64Array => Float64Array.from(values);
    const scenario = loadScenario("ieee15");
    const market = {
      ...createMarket(takeHours(scenario, 1), defaultSettings(scenario)),
      dt: 0.5,
      shares: [[{ seller: 0, buyer: 1 }, { seller: 1, buyer: 1 }]],
    };
    const still = { importMw: hour(0), exportMw: hour(0), utilityShareMw: hour(0), pMw: hour(0) };
    const solution = {
      energyMw: [hour(-2)],
      energyPrice: [hour(-30)],
      shareMw: [hour(1, 9)],
      sharePrice: [hour(8, 9)],
      carbonT: hour(-0.5),
      carbonPrice: hour(20),
      nodalPrice: [hour(-4, 0)],
      schedules: [
        { ...still, importMw: hour(3), pMw: hour(5), allowanceBoughtT: 2, allowanceSoldT: 0 },
        { ...still, exportMw: hour(1), utilityShareMw: hour(1), allowanceBoughtT: 0, allowanceSoldT: 4 },
      ],
    } as unknown as Solution;
    const { tariff, carbon } = market.scenario;
    const utility = 0.5 * (3 * tariff.buyPerMwh[0] + tariff.sellPerMwh[0] + tariff.reserveUpPerMw + tariff.reserveDownPerMw);
    const desk = 2 * carbon.deskBuyPerT + 4 * carbon.deskSellPerT;
    expect(turnoverOf(market, solution)).to.be.closeTo(30 + 4 + 10 + 10 + utility + desk, 1e-9);
  });

  it("sums up, and says how to have a failing market again", () => {
    const rows = [{}, { gap: -3e-5, ratio: 0.9 }, { status: "max iterations", ratio: 0.7 } as const].map((more, k) => {
      const one = row({ ...more, seed: k });
      return { ...one, failures: failuresOf(one) };
    });
    const summary = summaryOf(rows);
    expect(summary).to.deep.include({ markets: 3, solved: 2, infeasible: 0, wrongStatus: 1 });
    expect(summary.gap.largest).to.equal(3e-5);
    expect(summary.ratio.median).to.equal(0.7);
    expect(summary.failures.join()).to.match(/more than 0\.70 of plain's/);
    const lines = zooLines(rows, { method: "anderson" });
    expect(lines).to.match(/seed 1: gap -3.0e-5 of turnover: gridpact bench zoo --seed 1 --count 1\n/);
    expect(lines).to.match(/seed 2: max iterations where central is solved/);
  });

  it("clears one market after the other and runs its session", async () => {
    const seen: string[] = [];
    const rows = await zoo({
      seed: 14,
      count: 2,
      method: "anderson",
      maxIterations: 500,
      keep: ({ scenario }) => seen.push(scenario.name),
      session: ({ seed }) =>
        Promise.resolve(seed === 14 ? { verdict: "valid", detail: "" } : { verdict: "invalid", detail: "sum" }),
    });
    expect(seen).to.deep.equal(["zoo-14", "zoo-15"]);
    expect(rows.map(({ status }) => status)).to.deep.equal(["solved", "solved"]);
    expect(rows.map(({ failures }) => failures.length)).to.deep.equal([0, 1]);
    expect(zooTable(rows)).to.match(/│ +14 │/);
  });
});

/** Seeds of markets that stand for the zoo; on half of them the clearing once stopped elsewhere, or not at all. */
const FIXED: readonly (readonly [seed: number, why: string])[] = [
  [4, "44 houses of one low-voltage feeder, Bonferroni"],
  [13, "ten houses of a kilowatt, everybody with everybody, tight limits"],
  [20, "22 that may all trade, prices below zero"],
  [24, "82 periods of six minutes"],
  [25, "eleven behind tight limits over 44 hours, Bonferroni; central failed"],
  [46, "65 hours without a feasible point"],
  [50, "no limit that binds; did not end"],
  [57, "the robust set on 2 kW a house"],
  [91, "15 MW each; did not end"],
  [100, "two on one line, robust; did not end"],
  [108, "five behind tight limits; took ten times as long"],
  [111, "a battery that had better stand still: nothing changes hands"],
  [118, "half a kilowatt alone, prices below zero; did not end"],
  [135, "one PV plant of megawatts; took fifty times as long"],
  [214, "16 MW in bands of price; took twenty times as long"],
  [222, "allowances at a hundredth of energy's price; did not end"],
  [229, "no point that limits and devices share; was not found out"],
  [257, "two of 150 kW, 18 minutes, bands; did not end"],
  [249, "nine behind tight limits, without allowances; did not end"],
  [254, "ten-megawatt generators, prices below zero; did not end"],
  [284, "one of 10 MW at scarcity prices; did not end"],
  [1008, "scarcity behind tight limits, a nodal price that walks far; did not end"],
  [1050, "allowances dearer than energy, seventeen behind tight limits; did not end"],
  [1061, "one hour of nineteen houses, allowances at ten times the tariff; did not end"],
  [50_086, "six members with batteries and wind, robust, tight limits; 1.4e-5 below the optimum"],
  [3027, "PV plants alone; took three times what plain does"],
  [3032, "no point that limits and devices share, and the elastic problem unsolved"],
  [7027, "fourteen houses with generators and batteries; did not end"],
  [50032, "49 with batteries at scarcity prices, robust; took 130 evaluations more than plain"],
];

describe("a small zoo", function () {
  this.timeout(300_000);
  const series = readSeries();
  const rows: ZooRow[] = [];

  for (const [seed, why] of FIXED)
    it(`holds its claims on market ${seed}: ${why}`, () => {
      const row = zooRow(zooMarket(seed, series), { method: "anderson", maxIterations: 2000, show: () => undefined });
      rows.push(row);
      expect(row.failures).to.deep.equal([]);
    });

  it("takes at most half of plain's evaluations in the median", () => {
    expect(rows).to.have.length(FIXED.length);
    expect(summaryOf(rows).failures).to.deep.equal([]);
    expect(summaryOf(rows).ratio.median).to.be.within(0.1, 0.5);
  });
});
