import { expect } from "chai";
import { loadScenario, takeHours } from "../../scenarios/loadScenario.ts";
import { seeded } from "../../scenarios/prng.ts";
import { createMeter, excess } from "./excess.ts";
import { createMarket, defaultSettings } from "../scenario/market.ts";
import { createNetwork, riskLevel, type HourPoint } from "../formulation/network.ts";
import { limitRows } from "../formulation/networkLimit.ts";
import { requiredHalfWidth } from "../risk/tsDrcc.ts";

describe("excess", () => {
  const scenario = takeHours(loadScenario("ieee15"), 13);
  const market = createMarket(scenario, defaultSettings(scenario));
  const network = createNetwork(market);
  const hour = 12;
  const n = market.prosumers.length;
  const random = seeded(3);
  const draw = (): HourPoint => ({
    p: Float64Array.from({ length: n }, () => random() - 0.5),
    q: Float64Array.from({ length: n }, () => 0.4 * random() - 0.2),
    shares: Float64Array.from(market.shares[hour], () => 0.05 * random()),
  });

  it("is what every limit's own rows say", () => {
    for (let draws = 0; draws < 5; draws++) {
      const point = draw();
      const x = [...Array.from(point.p), ...Array.from(point.q), ...Array.from(point.shares)];
      const gap = excess(market, network, hour, point);
      let measured = 0;
      gap.forEach((value, limit) => {
        const half = (network.upper[limit] - network.lower[limit]) / 2;
        expect(Number.isNaN(value), `limit ${limit}`).to.equal(Number.isNaN(half));
        if (Number.isNaN(half)) return;
        const { rows, constant } = limitRows(market, network, hour, limit);
        const image = rows.map((row, r) => row.reduce((sum, c, k) => sum + c * x[k], constant[r]));
        const m = Math.abs(image[0] - (network.upper[limit] + network.lower[limit]) / 2);
        const need = requiredHalfWidth(m, Math.hypot(...image.slice(1)), riskLevel(market, hour));
        expect(value, `limit ${limit}`).to.be.closeTo(need - half, 1e-12);
        measured++;
      });
      expect(measured).to.be.above(90);
    }
  });

  it("does not remember the points measured before", () => {
    const meter = createMeter(market, network, hour);
    const [one, other] = [draw(), draw()];
    const first = Float64Array.from(meter(one));
    meter(other);
    expect(meter(one)).to.deep.equal(first);
    expect(meter(one)).to.deep.equal(excess(market, network, hour, one));
  });
});
