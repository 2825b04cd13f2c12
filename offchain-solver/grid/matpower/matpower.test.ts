import { readFileSync } from "node:fs";
import { expect } from "chai";
import { acSweep } from "../acSweep.ts";
import type { Feeder } from "../feeder.ts";
import { baseInjections } from "../linDistFlow.ts";
import { importMatpower, MatpowerError } from "./matpower.ts";
import { topologyOf } from "../topology.ts";

const read = (name: string): string =>
  readFileSync(new URL(`../../../test/feeders/${name}.m`, import.meta.url), "utf8");
const shape = ({ buses, branches, baseMva, baseKv }: Feeder) => ({ baseMva, baseKv, buses, branches });

describe("importMatpower", () => {
  const reference = importMatpower(read("perUnit"));

  it("reads a case in per unit", () => {
    const { feeder, rootVoltagePu, notes } = reference;
    expect(feeder.name).to.equal("perUnit");
    expect(feeder.source).to.contain("nowhere: made up to try the importer on.");
    expect([feeder.baseMva, feeder.baseKv, rootVoltagePu]).to.deep.equal([10, 10, 1]);
    expect(feeder.buses[3]).to.deep.equal({ bus: 4, loadMw: 2, loadMvar: 1, vMinPu: 0.9, vMaxPu: 1.1 });
    expect(feeder.branches[1]).to.deep.equal({ from: 2, to: 3, rPu: 0, xPu: 0.03, ratingMva: 0.3 });
    expect(notes).to.deep.equal(["2 unrated branches: 1.25 x base-load flow, at least 0.3 MVA"]);
  });

  it("rates what has no rating at 1.25 x the base-load flow, at least 0.3 MVA, and keeps the ratings there are", () => {
    // Base flow of branch 1-2: (2.4, 1.2) MVA; of 2-3: nothing; 2-4 is rated by the case.
    expect(reference.feeder.branches.map(({ ratingMva }) => ratingMva)).to.deep.equal([
      Math.ceil(125 * Math.sqrt(2.4 * 2.4 + 1.2 * 1.2)) / 100,
      0.3,
      7.5,
    ]);
  });

  it("follows trailing conversions from ohms and kW, past text, cell arrays and comments", () => {
    const { feeder } = importMatpower(read("ohms"));
    expect(feeder.name).to.equal("ohms");
    feeder.branches.forEach((branch, k) => {
      expect(branch.rPu).to.be.closeTo(reference.feeder.branches[k].rPu, 1e-15);
      expect(branch.xPu).to.be.closeTo(reference.feeder.branches[k].xPu, 1e-15);
    });
    expect(feeder.buses).to.deep.equal(reference.feeder.buses);
  });

  it("splits kVA by a power factor without a sine", () => {
    const { feeder } = importMatpower(read("powerFactor"));
    expect(feeder.buses[1].loadMw).to.be.closeTo(0.06, 1e-15);
    expect(feeder.buses[1].loadMvar).to.be.closeTo(0.08, 1e-15);
  });

  it("takes rows without semicolons, commas, continuations, block comments and Windows lines", () => {
    expect(shape(importMatpower(read("looseRows")).feeder)).to.deep.equal(shape(reference.feeder));
  });

  it("leaves out open ties and isolated buses, and turns branches away from a reference anywhere in the table", () => {
    const { feeder, notes } = importMatpower(read("tieLines"));
    expect(feeder.buses.map(({ bus }) => bus)).to.deep.equal([7, 40, 205, 30]);
    expect(feeder.branches.map(({ from, to }) => [from, to])).to.deep.equal([
      [205, 30],
      [7, 205],
      [205, 40],
    ]);
    expect(() => topologyOf(feeder)).not.to.throw();
    expect(notes.slice(0, 3)).to.deep.equal([
      "1 isolated buses (type 4) left out",
      "1 branches out of service left out",
      "3 branches turned to point away from bus 7",
    ]);
    const losses = (some: Feeder): number => {
      const { pMw, qMvar } = baseInjections(some);
      return acSweep(some, topologyOf(some), pMw, qMvar).lossesMw;
    };
    expect(losses(feeder)).to.be.closeTo(losses(reference.feeder), 1e-12);
  });

  it("makes the voltage of the reference the base, which changes no power flow", () => {
    const { feeder, rootVoltagePu } = importMatpower(read("rootVoltage"));
    expect(rootVoltagePu).to.equal(1.05);
    expect(feeder.baseKv).to.be.closeTo(11.55, 1e-12);
    expect(feeder.buses[1].vMinPu).to.be.closeTo(0.9 / 1.05, 1e-15);
    // The two-bus quadratic in the case's own per unit, with 1.05 at the root.
    const [p, q, r, x] = [0.8, 0.3, 0.05, 0.1];
    const b = 1.05 * 1.05 - 2 * (r * p + x * q);
    const square = (b + Math.sqrt(b * b - 4 * (r * r + x * x) * (p * p + q * q))) / 2;
    const { pMw, qMvar } = baseInjections(feeder);
    const ac = acSweep(feeder, topologyOf(feeder), pMw, qMvar);
    expect(ac.voltagePu[1] * rootVoltagePu).to.be.closeTo(Math.sqrt(square), 1e-9);
    expect(ac.lossesMw).to.be.closeTo((r * (p * p + q * q)) / square, 1e-9);
  });

  /** Edits of perUnit.m that make it unreadable: what, where, with, the line and the reason. */
  const refused: readonly (readonly [what: string, find: string, put: string, line: number, reason: RegExp])[] = [
    ["a branch in parallel", "\t2\t3\t0\t", "\t1\t2\t0\t", 22, /branch 1-2 closes a cycle: the case is meshed/],
    [
      "a bus out of reach",
      "0.03\t0\t0\t0\t0\t0\t0\t1",
      "0.03\t0\t0\t0\t0\t0\t0\t0",
      13,
      /bus 3 cannot be reached from the reference bus 1/,
    ],
    ["a branch to no bus", "\t2\t3\t0\t", "\t2\t9\t0\t", 22, /branch 2-9: there is no bus 9/],
    ["a bus twice", "\t3\t1\t0\t0", "\t2\t1\t0\t0", 13, /bus 2 was given in line 12 already/],
    ["a bus number that is no whole number", "\t3\t1\t0\t0", "\t2.5\t1\t0\t0", 13, /bus number = 2.5/],
    ["no reference", "\t1\t3\t0", "\t1\t1\t0", 11, /no bus is the reference/],
    ["two references", "\t4\t1\t2", "\t4\t3\t2", 14, /there are 2 reference buses \(1, 4\)/],
    ["a shunt", "\t0.4\t0.2\t0\t0", "\t0.4\t0.2\t0\t0.1", 12, /the shunt Bs of bus 2 = 0.1: a feeder has none/],
    ["line charging", "0.05\t0.04\t0\t", "0.05\t0.04\t0.2\t", 21, /the charging b of branch 1-2 = 0.2/],
    ["a tap", "0.05\t0.04\t0\t0\t0\t0\t0", "0.05\t0.04\t0\t0\t0\t0\t0.95", 21, /the tap ratio of branch 1-2 = 0.95/],
    ["a negative resistance", "0.05\t0.04", "-0.05\t0.04", 21, /r = -0.05 is below 0/],
    ["a load that is not a number", "0.4\t0.2", "NaN\t0.2", 12, /Pd = NaN is not a number/],
    [
      "a generator elsewhere",
      "\t1\t0\t0\t10",
      "\t4\t0\t0\t10",
      17,
      /a generator at bus 4, away from the reference bus 1/,
    ],
    [
      "a row that is too short",
      "\t1.1\t0.9;\n\t4",
      "\t1.1;\n\t4",
      13,
      /this row has 12 columns, the rows before have 13/,
    ],
    ["a table that is never closed", "\t-360\t360;\n];", "\t-360\t360;\n", 20, /this \[ is never closed/],
    ["version 1", "mpc.version = '2'", "mpc.version = '1'", 7, /only case format version 2/],
    ["no version", "mpc.version = '2';", "", 1, /does not say mpc\.version/],
    [
      "the header of version 1",
      "function mpc = perUnit",
      "function [baseMVA, bus, gen, branch] = perUnit",
      1,
      /version 1/,
    ],
    ["a base that is not positive", "baseMVA = 10", "baseMVA = 0", 8, /baseMVA = 0/],
    ["no branches", "mpc.branch = [", "mpc.lines = [", 1, /the case has no table branch/],
    ["an expression in a table", "0.05\t0.04", "1/20\t0.04", 21, /"1 \/" inside \[ \] is not understood/],
    ["a difference in a table", "0.05\t0.04", "0.06 - 0.01\t0.04", 21, /inside \[ \] is not understood/],
    ["a strange character", "mpc.baseMVA", "mpc#baseMVA", 8, /the character "#" is not understood/],
    ["an open text", "'2'", "'2", 7, /a text is not closed/],
  ];
  for (const [what, find, put, line, reason] of refused) {
    it(`refuses ${what}, naming the line`, () => {
      const text = read("perUnit");
      expect(text).to.contain(find);
      expect(() => importMatpower(text.replace(find, put)))
        .to.throw(MatpowerError, reason)
        .with.property("line", line);
    });
  }

  /** Lines after the tables: understood or refused, never skipped. */
  const trailing: readonly (readonly [code: string, outcome: RegExp | number])[] = [
    ["mpc.bus(:, 3) = mpc.bus(:, 3) * 2;", 4],
    ["mpc.bus(4, 3) = -(1 - 3)^2 + 7;", 3],
    ["mpc.bus(2:4, 3) = [1; 2; 5];", 5],
    ["mpc.bus(:, [3 4]) = mpc.bus(:, [3, 4]) .* 0.5;", 1],
    ["phi = acos(0.6); mpc.bus(:, 3) = mpc.bus(:, 4) * tan(phi) * 3;", 4],
    ["k = sqrt(abs(-16)); mpc.bus(:, 3) = 2.*mpc.bus(:, 3) + k - 4;", 4],
    ["mpc.bus = mpc.bus * 1;", 2],
    ["return;", 2],
    ["for k = 1:4\n  mpc.bus(k, 3) = 0;\nend", /"for" is not understood/],
    ["if 1, mpc.bus(:, 3) = 0; end", /"if" is not understood/],
    ["mpc = scale_load(2, mpc);", /"scale_load" is not understood/],
    ["mpc.bus(:, 3) = sin(0.5);", /sin\(\) of this argument is not understood/],
    ["mpc.bus(:, 3) = acos(2);", /acos\(\) of this argument/],
    ["mpc.bus(:, 3) = mpc.bus(:, 3)';", /a transposed matrix/],
    ["mpc.bus(:, 3) = mpc.bus * mpc.bus;", /"\*" between these operands/],
    ["mpc.bus(:, 3) = [1 2];", /1 x 2 numbers do not fit into 4 x 1 cells/],
    ["mpc.bus(:, 99) = 0;", /the index 99 is outside 1 to 13/],
    ["mpc.bus(3) = 0;", /an index must name rows and columns/],
    ["mpc.loads(:, 3) = 0;", /mpc\.loads is not a table/],
    ["mpc.bus(:, PD) = 0;", /"PD" is not understood/],
    ["[A, B] = find(mpc.bus);", /"find" is not understood/],
    ["mpc.bus(:, 3) = toString(1);", /"toString" is not understood/],
    ["scale_load(2);", /"scale_load\(" is not understood/],
    ["other.bus = 3;", /other is not the case's structure/],
    ["mpc.baseMVA = 'ten';", /baseMVA = NaN/],
    ["return;\nmpc.baseMVA = 1;", /code after the end of the function/],
    ["function y = f(x)\nmpc.baseMVA = 1;", /"function" is not understood/],
    ["mpc.bus(:, 3) =", /is not understood here/],
    ["x = 3 4;", /"4" is not understood here/],
  ];
  for (const [code, outcome] of trailing) {
    it(`${outcome instanceof RegExp ? "refuses" : "follows"} ${JSON.stringify(code)}`, () => {
      const load = (): number => importMatpower(`${read("perUnit")}${code}\n`).feeder.buses[3].loadMw;
      if (outcome instanceof RegExp) expect(load).to.throw(MatpowerError, outcome);
      else expect(load()).to.be.closeTo(outcome, 1e-12);
    });
  }

  it("refuses a file cut off anywhere", () => {
    const text = read("perUnit").trimEnd();
    for (let length = 0; length < text.length - 1; length++)
      expect(() => importMatpower(text.slice(0, length)), `first ${length} characters`).to.throw(MatpowerError);
  });

  it("refuses the ring", () => {
    expect(() => importMatpower(read("meshed"))).to.throw(MatpowerError, "line 13: branch 2-3 closes a cycle");
  });
});
