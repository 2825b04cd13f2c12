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
    const { feeder, voltageBasePu, notes } = reference;
    expect(feeder.name).to.equal("perUnit");
    expect(feeder.source).to.contain("nowhere: made up to try the importer on.");
    expect([feeder.baseMva, feeder.baseKv, ...voltageBasePu]).to.deep.equal([10, 10, 1, 1, 1, 1]);
    expect(feeder.buses[3]).to.deep.equal({ bus: 4, loadMw: 2, loadMvar: 1, vMinPu: 0.9, vMaxPu: 1.1 });
    expect(feeder.branches[1]).to.deep.equal({ from: 2, to: 3, rPu: 0, xPu: 0.03, ratingMva: null });
    expect(notes).to.deep.equal(["2 branches without a rating: unlimited"]);
  });

  it("takes ratings of 0, Inf and a terawatt as unlimited, and keeps all others", () => {
    for (const [rating, right] of [
      ["0", null],
      ["Inf", null],
      ["1e10", null],
      ["1e6", null],
      ["999999", 999999],
      ["0.001", 0.001],
    ] as const) {
      const { feeder, notes } = importMatpower(read("perUnit").replace("7.5", rating));
      expect(feeder.branches.map(({ ratingMva }) => ratingMva)).to.deep.equal([null, null, right]);
      expect(notes).to.deep.equal([`${right === null ? 3 : 2} branches without a rating: unlimited`]);
    }
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
    expect(notes.slice(0, 4)).to.deep.equal([
      "1 isolated bus (type 4) left out",
      "1 generator out of service left out",
      "1 branch out of service left out",
      "3 branches turned to point away from bus 7",
    ]);
    const losses = (some: Feeder): number => {
      const { pMw, qMvar } = baseInjections(some);
      return acSweep(some, topologyOf(some), pMw, qMvar).lossesMw;
    };
    expect(losses(feeder)).to.be.closeTo(losses(reference.feeder), 1e-12);
  });

  it("makes the voltage of the reference the base, which changes no power flow", () => {
    const { feeder, voltageBasePu } = importMatpower(read("rootVoltage"));
    expect(voltageBasePu).to.deep.equal([1.05, 1.05]);
    expect(feeder.baseKv).to.be.closeTo(11.55, 1e-12);
    expect(feeder.buses[1].vMinPu).to.be.closeTo(0.9 / 1.05, 1e-15);
    // The two-bus quadratic in the case's own per unit, with 1.05 at the root.
    const [p, q, r, x] = [0.8, 0.3, 0.05, 0.1];
    const b = 1.05 * 1.05 - 2 * (r * p + x * q);
    const square = (b + Math.sqrt(b * b - 4 * (r * r + x * x) * (p * p + q * q))) / 2;
    const { pMw, qMvar } = baseInjections(feeder);
    const ac = acSweep(feeder, topologyOf(feeder), pMw, qMvar);
    expect(ac.voltagePu[1] * voltageBasePu[1]).to.be.closeTo(Math.sqrt(square), 1e-9);
    expect(ac.lossesMw).to.be.closeTo((r * (p * p + q * q)) / square, 1e-9);
  });

  it("says which buses are outside their limits before anything flows", () => {
    const { notes } = importMatpower(read("rootVoltage").replace("1.1\t0.9", "1.04\t0.9"));
    expect(notes).to.include("bus 2: without flows its voltage is 1.05, outside its limits 0.9 to 1.04");
    expect(importMatpower(read("rootVoltage")).notes.join()).not.to.contain("outside its limits");
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
    [
      "a tap below zero",
      "0.05\t0.04\t0\t0\t0\t0\t0",
      "0.05\t0.04\t0\t0\t0\t0\t-1",
      21,
      /the tap ratio of branch 1-2 = -1/,
    ],
    ["a rating below zero", "\t7.5", "\t-7.5", 23, /rateA = -7.5 is below 0/],
    ["a rating that is not a number", "\t7.5", "\tNaN", 23, /rateA = NaN is not a number/],
    ["a band upside down", "1.1\t0.9;\n\t3", "0.9\t1.1;\n\t3", 12, /bus 2: Vmin = 1.1 is above Vmax = 0.9/],
    ["a band of one point", "1.1\t0.9;\n\t3", "1\t1;\n\t3", 12, /bus 2: Vmin = Vmax = 1: no power can flow/],
    ["a type of bus that there is not", "\t3\t1\t0\t0", "\t3\t5\t0\t0", 13, /bus 3: type = 5 is none of 1, 2, 3, 4/],
    [
      "a generator nowhere",
      "\t1\t0\t0\t10",
      "\t9\t0\t0\t10",
      17,
      /a generator at bus 9, which is not in the table bus/,
    ],
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
    ["no branches", "mpc.branch = [", "lines = [", 1, /the case has no table branch/],
    ["a decimal comma", "0.05\t0.04", "0,05\t0.04", 21, /0,05 looks like a decimal comma/],
    ["two points", "0.05\t0.04", "0.0.5\t0.04", 21, /"0.0.5" is not a number/],
    ["a unit", "0.05\t0.04", "0.05pu\t0.04", 21, /"0.05pu" is not a number/],
    ["an unknown name in a table", "0.05\t0.04", "r12\t0.04", 21, /"r12" is not understood/],
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
    ["mpc.bus(2:end, 3) = 10^-1 * 5;", 0.5],
    ["mpc.bus(end, 3) = [1 -2];", /1 x 2 numbers do not fit into 1 x 1 cells/],
    ["half = 1 / 2; mpc.bus(:, 3) = half * mpc.bus(:, 3);", 1],
    ["t = mpc.bus(:, 3:4); t(:, 1) = t(:, 1) / 4; mpc.bus(:, [3 4]) = t;", 0.5],
    ["mpc.bus(4, 3) = 2^0.3;", /"\^" between these operands/],
    ["mpc.shunts = [4 0.1 0.2];", /mpc\.shunts is no table of the format; take it out/],
    ["mpc.dcline = [2 4 1 0.5 0.49];", /the dcline 2-4 is in service/],
    ["mpc.dcline = [2 4 0 0.5 0.49];", 2],
    ["mpc.storage = [4 0 0 0.2];", /the storage at bus 4 is in service/],
    ["mpc.switch = [2 4 0 0 1 99 1];", /the closed switch 2-4 is in service/],
    ["mpc.switch = [2 4 0 0 0 99 1];", 2],
    ["mpc.bus = {};", /mpc\.bus is a cell array/],
    ["for k = 1:4\n  mpc.bus(k, 3) = 0;\nend", /"for" is not understood/],
    ["if 1, mpc.bus(:, 3) = 0; end", /"if" is not understood/],
    ["mpc = scale_load(2, mpc);", /"mpc =" is not understood/],
    ["mpc.bus(:, 3) = sin(0.5);", /sin\(\) of this argument is not understood/],
    ["mpc.bus(:, 3) = acos(2);", /acos\(\) of this argument/],
    ["mpc.bus(:, 3) = mpc.bus(:, 3)';", /a transposed matrix/],
    ["mpc.bus(:, 3) = mpc.bus * mpc.bus;", /"\*" between these operands/],
    ["mpc.bus(:, 3) = [1 2];", /1 x 2 numbers do not fit into 4 x 1 cells/],
    ["mpc.bus(:, 99) = 0;", /the index 99 is outside 1 to 13/],
    ["mpc.bus(3) = 0;", /an index must name rows and columns/],
    ["mpc.loads(:, 3) = 0;", /mpc\.loads is not a table that was given before/],
    ["mpc.bus(:, PD) = 0;", /"PD" is not understood/],
    ["[A, B] = find(mpc.bus);", /"find" is not understood/],
    ["mpc.bus(:, 3) = toString(1);", /"toString" is not understood/],
    ["scale_load(2);", /"scale_load\(" is not understood/],
    ["other.bus = 3;", /other is not the case's structure/],
    ["mpc.baseMVA = 'ten';", /baseMVA = NaN/],
    ["return;\nmpc.baseMVA = 1;", /code after the end of the function/],
    ["function y = f(x)\nmpc.baseMVA = 1;", /"function" is not understood/],
    ["mpc.bus(:, 3) =", /a value was expected, not the line's end/],
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
