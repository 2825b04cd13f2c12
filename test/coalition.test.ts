import { expect } from "chai";
import { runConsensus, type Carrier } from "../offchain-solver/clearing/consensus.ts";
import { layoutOf } from "../offchain-solver/clearing/layout.ts";
import { OPERATOR_AGENT, type Message } from "../offchain-solver/clearing/message.ts";
import { DEFAULT_SETTINGS, forTradeGraph, MEMORY } from "../offchain-solver/clearing/settings.ts";
import { createNetwork } from "../offchain-solver/market/formulation/network.ts";
import { createMarket, defaultSettings } from "../offchain-solver/market/scenario/market.ts";
import { perUnit } from "../offchain-solver/market/scenario/perUnit.ts";
import { memoryTransport } from "../offchain-solver/net/memoryTransport.ts";
import { clarabelSolver } from "../offchain-solver/numerics/clarabelNode.ts";
import { loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";

const HOURS = 3;
const WINDOW = 10;

/** One iteration of one hour, as the coalition works it out: MW, $/MWh, $/t of the market's units. */
type Sight = readonly [injection: number, marginal: number, allowance: number];
type Fit = { readonly slope: number; readonly intercept: number; readonly rest: number };

/** Least squares of the marginal cost on injection and allowance price, with what it leaves of the variance. */
function fit(rows: readonly Sight[]): Fit {
  const mean = [0, 1, 2].map((c) => rows.reduce((sum, row) => sum + row[c], 0) / rows.length);
  let [xx, xm, mm, xy, my, yy] = [0, 0, 0, 0, 0, 0];
  for (const row of rows) {
    const [x, y, m] = row.map((value, c) => value - mean[c]);
    [xx, xm, mm, xy, my, yy] = [xx + x * x, xm + x * m, mm + m * m, xy + x * y, my + m * y, yy + y * y];
  }
  const det = xx * mm - xm * xm;
  if (!(det > 1e-9 * xx * mm) || !(yy > 0)) return { slope: NaN, intercept: NaN, rest: Infinity };
  const [slope, perAllowance] = [(xy * mm - my * xm) / det, (xx * my - xm * xy) / det];
  const rest = rows.reduce(
    (sum, [x, y, m]) => sum + (y - mean[1] - slope * (x - mean[0]) - perAllowance * (m - mean[2])) ** 2,
    0,
  );
  return { slope, intercept: mean[1] - slope * mean[0] - perAllowance * mean[2], rest: rest / yy };
}

/** Of the iterations that follow each other, those that fit best: there the generator alone is marginal. */
const bestWindow = (rows: readonly Sight[]): Fit =>
  Array.from({ length: Math.floor((rows.length - WINDOW) / 2) }, (_, k) =>
    fit(rows.slice(2 * k, 2 * k + WINDOW)),
  ).reduce((best, one) => (one.rest < best.rest ? one : best));

describe("what the operator and one trading partner learn together", function () {
  this.timeout(120_000);

  it("is a generator's marginal cost, to three digits of its slope: docs/privacy.md says so", () => {
    const scenario = takeHours(loadScenario("ieee15"), HOURS);
    const market = createMarket(scenario, defaultSettings(scenario));
    const unit = perUnit(market);
    const victim = scenario.prosumers.findIndex((p) => p.generator && !p.battery && !p.renewable);
    const [partner] = layoutOf(unit, victim).partners;
    // The two see what they send and receive, and nothing else.
    const sold: Float64Array[] = [];
    const bought: Float64Array[] = [];
    const offered: Float64Array[] = [];
    const projected: Float64Array[] = [];
    const transport = memoryTransport<Message>();
    const carrier: Carrier = {
      join(self, party) {
        const { send, setTimer } = transport.join(self, party);
        const hear = (to: number, message: Message): void => {
          const at = message.iteration;
          if (message.kind === "trade" && self === victim && to === partner) sold[at] = message.block.slice();
          if (message.kind === "trade" && self === partner && to === victim) bought[at] = message.block.slice();
          if (message.kind === "offer" && self === victim && to === OPERATOR_AGENT) offered[at] = message.block.slice();
          if (message.kind === "grid" && to === victim) projected[at] = message.block.slice();
        };
        return {
          setTimer,
          send(to, message) {
            hear(to, message);
            send(to, message);
          },
        };
      },
      run: transport.run,
    };
    const acceleration = { ...DEFAULT_SETTINGS.acceleration, method: "admm", memory: MEMORY.admm } as const;
    const settings = forTradeGraph({ ...DEFAULT_SETTINGS, maxIterations: 150, acceleration }, unit);
    runConsensus(market, createNetwork(market), settings, { solver: clarabelSolver, carrier });

    // y = image - u, and a local optimum pulls with rho (z - u - y): its marginal value of each component.
    const { trade, allowances } = unit.regularisation;
    const [energy, allowance, , active] = settings.rho;
    const pull = (rho: number, z: number, v: number, image: number): readonly [y: number, pull: number] => {
      const y = image - (v - z);
      return [y, rho * (z - (v - z) - y)];
    };
    const fits = Array.from({ length: HOURS }, (_, t) => {
      const rows: Sight[] = [];
      for (let n = 2; n + 1 < sold.length && n + 1 < offered.length; n++) {
        const between = (c: number): number => (sold[n][c] - bought[n][c]) / 2;
        const [e, value] = pull(energy, between(t), sold[n][t], sold[n + 1][t]);
        const [c, worth] = pull(allowance, between(HOURS), sold[n][HOURS], sold[n + 1][HOURS]);
        const [p, charge] = pull(active, projected[n][t], offered[n][t], offered[n + 1][t]);
        rows.push([p, (value + charge) / unit.dt - trade * e, worth - allowances * c]);
      }
      return bestWindow(rows);
    });
    const best = fits.reduce((a, b) => (a.rest < b.rest ? a : b));
    const { generator, load } = scenario.prosumers[victim];
    const { mw, price } = unit.units;
    const slope = (best.slope * price) / mw;
    const error = Math.abs(slope / (2 * generator!.costA) - 1);
    // Where the slope is known, so is b + 2 a times its load, within what a load differs from hour to hour.
    const intercept = best.intercept * price - generator!.costB;
    expect(error).to.be.below(1e-3);
    expect(intercept / (2 * generator!.costA)).to.be.within(
      0.9 * Math.min(...load.fixedMw),
      1.1 * Math.max(...load.fixedMw),
    );
    // A change that hides more is good news, and a change of what docs/privacy.md says.
    expect(best.rest).to.be.below(1e-9);
  });
});
