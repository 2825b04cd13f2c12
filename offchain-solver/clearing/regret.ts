import type { ConicSolver } from "../numerics/conicSolver.ts";
import { deviceCost } from "../market/result/cost.ts";
import type { Market } from "../market/scenario/market.ts";
import { perUnit } from "../market/scenario/perUnit.ts";
import type { Solution } from "../market/result/solution.ts";
import { layoutOf } from "./layout.ts";
import { ProsumerProblem } from "./prosumerProblem.ts";

/**
 * What each prosumer could still gain at a solution's prices by its own best response, $; for solutions that no agents
 * made.
 */
export function regretsOf(given: Market, solution: Solution, solver: ConicSolver): Float64Array {
  const { hours, dt, scenario } = given;
  const { tariff, carbon } = scenario;
  const market = perUnit(given);
  const { mw, price: level, money } = market.units;
  return Float64Array.from(market.prosumers, (_, i) => {
    const layout = layoutOf(market, i);
    const price = new Float64Array(layout.size);
    const y = new Float64Array(layout.size);
    const stride = hours + 1;
    layout.pairs.forEach((pair, k) => {
      for (let t = 0; t < hours; t++) {
        y[k * stride + t] = (layout.signs[k] * solution.energyMw[pair][t]) / mw;
        price[k * stride + t] = -solution.energyPrice[pair][t] / level;
      }
      y[k * stride + hours] = (layout.signs[k] * solution.carbonT[pair]) / (mw * dt);
      price[k * stride + hours] = -solution.carbonPrice[pair] / level;
    });
    const s = solution.schedules[i];
    for (let t = 0; t < hours; t++) {
      y[layout.gridStart + t] = s.pMw[t] / mw;
      y[layout.gridStart + hours + t] = s.qMvar[t] / mw;
      price[layout.gridStart + t] = solution.nodalPrice[t][i] / level;
      price[layout.gridStart + hours + t] = solution.nodalReactivePrice[t][i] / level;
    }
    layout.copies.forEach(({ hour, slot, role }, k) => {
      const [value, charge] = [solution.sharePrice, solution.shareCharge].map((prices) => prices[hour][slot] / level);
      y[layout.copiesStart + k] = solution.shareMw[hour][slot] / mw;
      price[layout.copiesStart + k] =
        role === "own" ? charge : role === "seller" ? charge / 2 - value : charge / 2 + value;
    });
    const problem = new ProsumerProblem(market, i, layout, solver);
    let outlay =
      deviceCost(given, i, s) + carbon.deskBuyPerT * s.allowanceBoughtT - carbon.deskSellPerT * s.allowanceSoldT;
    for (let t = 0; t < hours; t++)
      outlay +=
        dt *
        (tariff.buyPerMwh[t] * s.importMw[t] -
          tariff.sellPerMwh[t] * s.exportMw[t] +
          (tariff.reserveUpPerMw + tariff.reserveDownPerMw) * s.utilityShareMw[t]);
    let value = outlay / money;
    for (let c = 0; c < layout.size; c++) value += price[c] * y[c] + 0.5 * problem.kappa[c] * y[c] * y[c];
    const best = problem.bestResponse(price);
    return best ? (value - best.value) * money : Infinity;
  });
}
