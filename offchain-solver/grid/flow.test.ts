import { expect } from "chai";
import fc from "fast-check";
import { randomFeeder } from "../../test/support/randomFeeder.ts";
import { readFeeder } from "../../test/support/readFeeder.ts";
import { acSweep } from "./acSweep.ts";
import { baseInjections, defaultRatings, linDistFlow, voltageSensitivity } from "./linDistFlow.ts";
import { topologyOf } from "./topology.ts";
import type { Feeder } from "./feeder.ts";

function baseCase(feeder: Feeder) {
  const topology = topologyOf(feeder);
  const { pMw, qMvar } = baseInjections(feeder);
  const linear = linDistFlow(feeder, topology, pMw, qMvar);
  const ac = acSweep(feeder, topology, pMw, qMvar);
  const worst = Math.max(...linear.v.map((v, bus) => Math.abs(Math.sqrt(v) - ac.voltagePu[bus])));
  const lowest = Math.min(...ac.voltagePu);
  return { topology, linear, ac, worst, lowest, lowestBus: feeder.buses[ac.voltagePu.indexOf(lowest)].bus };
}

describe("base load of the published feeders", () => {
  // Losses and lowest voltages as MATPOWER's AC power flow gives them.
  it("case141: 632.7 kW lost, 0.92786 at bus 87", () => {
    const { ac, lowest, lowestBus, worst } = baseCase(readFeeder("case141"));
    expect(ac.converged).to.equal(true);
    expect(ac.lossesMw * 1000).to.be.closeTo(632.7, 0.05);
    expect(lowest).to.be.closeTo(0.92786, 5e-6);
    // Branch 86-87 has no resistance and bus 87 no load below: 86 and 87 differ by their reactance only.
    expect(lowestBus).to.equal(87);
    expect(worst).to.be.closeTo(0.0021, 5e-5);
  });

  it("case15da: 61.79 kW lost, 0.94452 at bus 13", () => {
    const { ac, lowest, lowestBus, worst } = baseCase(readFeeder("case15da"));
    expect(ac.lossesMw * 1000).to.be.closeTo(61.79, 0.005);
    expect(lowest).to.be.closeTo(0.94452, 5e-6);
    expect(lowestBus).to.equal(13);
    expect(worst).to.be.closeTo(0.0012, 5e-5);
  });

  it("papavasiliou15: LinDistFlow is off by 0.017 p.u. at most", () => {
    const { ac, worst } = baseCase(readFeeder("papavasiliou15"));
    expect(ac.converged).to.equal(true);
    expect(worst).to.be.closeTo(0.017, 5e-4);
  });

  it("case15da and case141 carry the ratings of our rule", () => {
    for (const name of ["case15da", "case141"]) {
      const feeder = readFeeder(name);
      const ratings = defaultRatings(feeder, topologyOf(feeder));
      // The tables were rounded from loads of a few digits: a flow right on a step may fall on either side.
      ratings.forEach((rating, k) => expect(rating).to.be.closeTo(feeder.branches[k].ratingMva!, 0.0101));
    }
  });
});

describe("linDistFlow", () => {
  it("is affine: v = 1 + sensitivity rows times injections", () => {
    fc.assert(
      fc.property(randomFeeder, (feeder) => {
        const topology = topologyOf(feeder);
        const { pMw, qMvar } = baseInjections(feeder);
        const { v } = linDistFlow(feeder, topology, pMw, qMvar);
        v.forEach((square, bus) => {
          const { perMw, perMvar } = voltageSensitivity(feeder, topology, bus);
          const affine = perMw.reduce((sum, s, k) => sum + s * pMw[k] + perMvar[k] * qMvar[k], 1);
          expect(square).to.be.closeTo(affine, 1e-12);
        });
      }),
    );
  });

  it("without injections nothing flows and every voltage is 1", () => {
    const feeder = readFeeder("case141");
    const zero = new Float64Array(feeder.buses.length);
    const { v, flowMw, flowMvar } = linDistFlow(feeder, topologyOf(feeder), zero, zero);
    expect(v.every((square) => square === 1)).to.equal(true);
    expect([...flowMw, ...flowMvar].every((flow) => Math.abs(flow) === 0)).to.equal(true);
  });
});

describe("acSweep", () => {
  it("balances: import = load + losses, and every branch loses at least nothing", () => {
    fc.assert(
      fc.property(randomFeeder, (feeder) => {
        const { ac } = baseCase(feeder);
        expect(ac.converged).to.equal(true);
        const load = feeder.buses.reduce((sum, { loadMw }) => sum + loadMw, 0);
        expect(ac.importMw).to.be.closeTo(load + ac.lossesMw, 1e-7);
        ac.flowMw.forEach((flow, k) => expect(flow - ac.arrivingMw[k]).to.be.at.least(-1e-12));
      }),
    );
  });

  it("two buses agree with the quadratic of the exact two-bus solution", () => {
    const feeder: Feeder = {
      name: "two",
      source: "made up for a test",
      baseMva: 1,
      baseKv: 11,
      buses: [1, 2].map((bus) => ({ bus, loadMw: 0, loadMvar: 0, vMinPu: 0.9, vMaxPu: 1.1 })),
      branches: [{ from: 1, to: 2, rPu: 0.05, xPu: 0.1, ratingMva: 2 }],
    };
    const [p, q, r, x] = [0.8, 0.3, 0.05, 0.1];
    const b = 1 - 2 * (r * p + x * q);
    const square = (b + Math.sqrt(b * b - 4 * (r * r + x * x) * (p * p + q * q))) / 2;
    const ac = acSweep(feeder, topologyOf(feeder), [0, -p], [0, -q]);
    expect(ac.voltagePu[1]).to.be.closeTo(Math.sqrt(square), 1e-9);
    expect(ac.lossesMw).to.be.closeTo((r * (p * p + q * q)) / square, 1e-9);
    expect(ac.loading[0]).to.be.closeTo(Math.sqrt(ac.flowMw[0] ** 2 + ac.flowMvar[0] ** 2) / 2, 1e-12);
  });

  it("says so when the load is beyond what the feeder can carry", () => {
    const feeder = readFeeder("case15da");
    const { pMw, qMvar } = baseInjections(feeder);
    const tenfold = (values: Float64Array) => values.map((value) => 20 * value);
    const ac = acSweep(feeder, topologyOf(feeder), tenfold(pMw), tenfold(qMvar));
    expect(ac.converged).to.equal(false);
  });
});
