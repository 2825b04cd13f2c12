import { expect } from "chai";
import { publicScenario } from "../market/scenario/publicScenario.ts";
import { loadScenario, takeHours } from "../scenarios/loadScenario.ts";
import { decode, encode, standingLoads } from "./standingLoads.ts";

describe("default profiles as the chain has them", () => {
  const home = (id: number, mw: number[], mvar: number[] = mw.map(() => 0)) => ({ id, fallback: { mw, mvar } });
  const loads = (...homes: ReturnType<typeof home>[]) => standingLoads({ prosumers: homes as never });

  it("are whole W and var fed in, one value where every period is alike, nobody who loads nothing", () => {
    expect(
      loads(home(7, [-0.0012, -0.0012], [-0.0003, -0.0003]), home(3, [0.5, -0.25]), home(9, [0, 4e-7], [0, -4e-7])),
    ).to.deep.equal([
      { id: 3, watts: [500_000, -250_000], vars: [0, 0] },
      { id: 7, watts: [-1_200], vars: [-300] },
    ]);
  });

  it("have these bytes, and the bytes these", () => {
    const some = [
      { id: 1, watts: [-(2 ** 31)], vars: [-(2 ** 23)] },
      { id: 0xfffffffc, watts: [2 ** 31 - 1, 0, -1], vars: [2 ** 23 - 1, -1, 0] },
    ];
    const bytes = encode(some);
    expect(Buffer.from(bytes).toString("hex")).to.equal(
      "00000001" +
        "01" +
        "80000000" +
        "800000" +
        "fffffffc" +
        "03" +
        "7fffffff7fffff" +
        "00000000ffffff" +
        "ffffffff000000",
    );
    expect(decode(bytes)).to.deep.equal(some);
    for (let length = 0; length < bytes.length; length++) {
      const cut = decode(bytes.subarray(0, length));
      expect(cut, `${length}`).to.deep.equal(length === 0 ? [] : length === 12 ? some.slice(0, 1) : undefined);
    }
  });

  it("of terms that state what no home loads are the nearest that there are bytes for", () => {
    expect(loads(home(1, [-1e9, 1e9], [-1e9, 1e9]))).to.deep.equal([
      { id: 1, watts: [-(2 ** 31), 2 ** 31 - 1], vars: [-(2 ** 23), 2 ** 23 - 1] },
    ]);
  });

  it("of a shipped day are what its fixed loads come to, to half a W and period", () => {
    const day = takeHours(loadScenario("ieee15"), 4);
    const open = publicScenario(day);
    const told = new Map(standingLoads(open).map((load) => [load.id, load]));
    for (const { id, load } of day.prosumers) {
      const mean = (load.fixedMw.reduce((a, b) => a + b, 0) / 4) * 1e6;
      const { watts } = told.get(id) ?? { watts: [0] };
      expect(watts.length).to.equal(1);
      expect(-watts[0]).to.be.closeTo(mean, 0.5);
    }
  });
});
