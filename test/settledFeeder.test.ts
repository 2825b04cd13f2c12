import { expect } from "chai";
import * as Payload from "../offchain-solver/codec/payload.ts";
import { linDistFlow } from "../offchain-solver/grid/linDistFlow.ts";
import { topologyOf } from "../offchain-solver/grid/topology.ts";
import { DESK, OPERATOR } from "../offchain-solver/market/result/clearingResult.ts";
import { defaultSettings } from "../offchain-solver/market/scenario/market.ts";
import { publicScenario } from "../offchain-solver/market/scenario/publicScenario.ts";
import type { Scenario } from "../offchain-solver/market/scenario/scenario.ts";
import { settledFeeder } from "../offchain-solver/report/settledFeeder.ts";
import { loadBase } from "../offchain-solver/scenarios/loadBase.ts";
import { takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { populate } from "../offchain-solver/scenarios/populate.ts";
import { clear } from "../offchain-solver/simulation/clear.ts";

describe("the feeder of a settled session, from what was posted alone", function () {
  this.timeout(300_000);
  const day: Scenario = takeHours(populate(loadBase("ieee15"), 6, 3), 2);
  const settings = defaultSettings(day);
  const options = { method: "anderson", market: settings, trade: true, rhoScale: 1, maxIterations: 20_000 } as const;
  const outcome = clear(day, options).outcome!;
  const { result } = outcome.quantised;
  const session = { start: BigInt(result.sessionStart), periodSeconds: 3600, periods: 2 };
  const terms = { scenario: publicScenario(day), settings, clearing: {}, toleranceNano: 1 };
  const shown = settledFeeder(Payload.fromResult(result), session, terms, []);

  it("is the linear power flow of everybody's net energy", () => {
    const { feeder, prosumers } = day;
    const topology = topologyOf(feeder);
    for (const [t, period] of shown.periods.entries()) {
      const [mw, mvar] = [new Float64Array(feeder.buses.length), new Float64Array(feeder.buses.length)];
      result.participants.forEach((id, i) => {
        const { bus } = prosumers.find((one) => one.id === id)!;
        const at = feeder.buses.findIndex((one) => one.bus === bus);
        for (const { product, period: when, seller, buyer, quantity } of result.trades)
          if (product === "energy" && when === t)
            mw[at] += (quantity / 1e6) * (Number(seller === i) - Number(buyer === i));
        mvar[at] += result.reactiveVar[i][t] / 1e6;
      });
      const flow = linDistFlow(feeder, topology, mw, mvar);
      flow.flowMw.forEach((value, l) => expect(period.flowMw[l]).to.be.closeTo(value, 1e-9));
      flow.v.forEach((value, b) => expect(period.voltagePu[b] ** 2).to.be.closeTo(value, 1e-9));
    }
  });

  it("has left what the limits leave, less the room for errors, and nothing below zero", () => {
    for (const period of shown.periods) {
      day.feeder.buses.forEach(({ vMinPu, vMaxPu }, b) => {
        if (b === 0) return;
        const plain = Math.min(period.voltagePu[b] - vMinPu, vMaxPu - period.voltagePu[b]);
        expect(period.voltageMarginPu[b]).to.be.within(-1e-4, plain + 5e-3);
      });
      period.loadingMargin.forEach((left, l) => {
        if (Number.isNaN(left)) return;
        expect(left).to.be.within(-1e-3, 1 + 1e-9);
        // A facet of the polygon lies inside the circle.
        expect(left).to.be.below(1 - period.loading[l] * Math.cos(Math.PI / 12) + 1e-9);
      });
    }
    const risky = shown.periods.some(({ loading, loadingMargin }) =>
      loading.some((value, l) => loadingMargin[l] < 1 - value - 1e-3),
    );
    expect(risky).to.equal(true);
  });

  it("has the reserve of each branch at the root, whoever sells it there, and everybody in one zone", () => {
    const { feeder, prosumers } = day;
    const { parent } = topologyOf(feeder);
    const rootOf = (bus: number): number => (parent[bus] === 0 ? bus : rootOf(parent[bus]));
    const zoneOf = (id: number): string => {
      const { bus } = prosumers.find((one) => one.id === id)!;
      return `from bus ${feeder.buses[rootOf(feeder.buses.findIndex((one) => one.bus === bus))].bus} on`;
    };
    expect(shown.zones.flatMap(({ members }) => members).sort()).to.deep.equal(prosumers.map(({ id }) => id).sort());
    for (const { name, members } of shown.zones) for (const id of members) expect(zoneOf(id)).to.equal(name);
    for (const [t, period] of shown.periods.entries()) {
      const kept = new Map<string, number>();
      const keep = (party: number, kw: number) => {
        const zone = zoneOf(result.participants[party]);
        kept.set(zone, (kept.get(zone) ?? 0) + kw);
      };
      // What nobody is paid to answer of an error its own devices do.
      const { halfWidth, sigma } = shown.market;
      const own = result.participants.map((_, j) => 1e3 * halfWidth[t] * sigma[t][j]);
      for (const { product, period: when, seller, buyer, quantity } of result.trades) {
        if (product !== "reserve" || when !== t || seller === OPERATOR) continue;
        own[buyer] -= quantity / 1e3;
        if (seller < DESK) keep(seller, quantity / 1e3);
      }
      own.forEach((kw, party) => keep(party, Math.max(0, kw)));
      shown.zones.forEach(({ name }, zone) => expect(period.reserveKw[zone]).to.be.closeTo(kept.get(name) ?? 0, 1e-2));
    }
  });

  it("names a limit that binds, what it is worth an hour, and who presses on it", () => {
    const buses = day.feeder.buses.length;
    const limits = [
      { hour: 1, limit: buses + 6, multiplier: [3, 0] },
      { hour: 1, limit: buses + 6 + 3, multiplier: [4, 0] },
    ];
    const { binding } = settledFeeder(Payload.fromResult(result), session, terms, limits);
    const { from, to } = day.feeder.branches[1];
    expect(binding).to.have.length(1);
    expect(binding[0]).to.deep.include({ period: 1, kind: "line", name: `line ${from}–${to}` });
    // The first facet looks along P, the fourth along Q.
    expect(binding[0].price).to.be.closeTo(5, 1e-9);
    expect(binding[0].behind.reduce((sum, { part }) => sum + part, 0)).to.be.within(0, 1 + 1e-9);
  });
});
