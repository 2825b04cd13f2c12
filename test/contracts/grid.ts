import { expect } from "chai";
import { hexlify } from "ethers";
import * as Grid from "../../offchain-solver/codec/gridModel.ts";
import type { Feeder } from "../../offchain-solver/grid/feeder.ts";
import { linDistFlow } from "../../offchain-solver/grid/linDistFlow.ts";
import { topologyOf } from "../../offchain-solver/grid/topology.ts";
import { abi, deploy } from "../support/artifacts.ts";
import { network } from "hardhat";
import { generator } from "../support/batches.ts";

/** A random tree of up to 24 buses, numbered at random, one branch in five unlimited. */
function feederOf(random: (below: number) => number): Feeder {
  const count = 2 + random(23);
  const numbers = [1, ...Array.from({ length: count - 1 }, (_, k) => k + 2)];
  return {
    name: "random",
    source: "seeded",
    baseMva: [1, 10][random(2)],
    baseKv: 12.66,
    buses: numbers.map((bus) => ({ bus, loadMw: 0, loadMvar: 0, vMinPu: 0.9, vMaxPu: 1.1 })),
    branches: numbers.slice(1).map((to, k) => ({
      from: numbers[random(k + 1)],
      to,
      rPu: random(1000) / 20_000,
      xPu: random(1000) / 20_000,
      ratingMva: random(5) === 0 ? null : (1 + random(1_000)) / 1_000,
    })),
  };
}

/**
 * By how much, in W and in millionths of p.u. squared, the floating-point model is inside (+) or outside (-) its
 * limits.
 */
function margins(feeder: Feeder, pW: readonly number[], qVar: readonly number[]): { watts: number; ppm: number } {
  const topology = topologyOf(feeder);
  const { v, flowMw, flowMvar } = linDistFlow(
    feeder,
    topology,
    pW.map((w) => w / 1e6),
    qVar.map((w) => w / 1e6),
  );
  let [watts, ppm] = [Infinity, Infinity];
  feeder.branches.forEach(({ ratingMva }, k) => {
    if (ratingMva === null) return;
    for (let facet = 0; facet < 6; facet++) {
      const angle = (facet * Math.PI) / 6;
      const along = Math.abs(Math.cos(angle) * flowMw[k] + Math.sin(angle) * flowMvar[k]) * 1e6;
      watts = Math.min(watts, ratingMva * 1e6 * Math.cos(Math.PI / 12) - along);
    }
  });
  feeder.buses.slice(1).forEach(({ vMinPu, vMaxPu }, k) => {
    ppm = Math.min(ppm, (v[k + 1] - vMinPu ** 2) * 1e6, (vMaxPu ** 2 - v[k + 1]) * 1e6);
  });
  return { watts, ppm };
}

const UNIT = 2n ** 32n;
/** One line from the root, of no impedance unless given, that carries p and q. */
const line = (limits: Partial<Grid.GridModel["branches"][number]>): Grid.GridModel => ({
  buses: 2,
  branches: [{ parent: 0, rating: Grid.UNLIMITED, vMin2: 0n, vMax2: 2n * UNIT, r: 0n, x: 0n, ...limits }],
  prosumers: [],
});
/** 2 rating = sqrt(3) p + q, exactly, with sqrt(3) as the contracts round it. */
const FACET = { rating: 1_154_700_538n, p: 1_000_000_000n, q: 577_350_269n };
const EDGES: readonly (readonly [name: string, model: Grid.GridModel, p: bigint, q: bigint, error: string])[] = [
  ["active power, p + 1", line({ rating: 1_000n }), 1_000n, 1n, "LineLimit"],
  ["reactive power, q + 1", line({ rating: 1_000n }), 1n, 1_000n, "LineLimit"],
  ["the facet at 30 degrees, q + 1", line({ rating: FACET.rating }), FACET.p, FACET.q, "LineLimit"],
  ["the facet at 60 degrees, p + 1", line({ rating: FACET.rating }), FACET.q, FACET.p, "LineLimit"],
  ["the lowest voltage, p - 1", line({ vMin2: UNIT - 5n, r: 2n ** 28n }), -5n, 0n, "VoltageBand"],
  ["the highest voltage, p + 1", line({ vMax2: UNIT + 5n, r: 2n ** 28n }), 5n, 0n, "VoltageBand"],
];

describe("the grid check at its limits", () => {
  let both: (model: Grid.GridModel, p: bigint, q: bigint) => Promise<(string | undefined)[]>;
  let gas: (model: Grid.GridModel) => Promise<bigint>;
  before(async () => {
    const { ethers } = await network.create();
    const harness = await deploy((await ethers.getSigners())[0], "GridHarness");
    gas = (model) => harness.getFunction("optimisedCheck").estimateGas(hexlify(Grid.encode(model)), [0n, 1n], [0n, 0n]);
    both = async (model, p, q) => {
      const refusals = (await harness
        .getFunction("both")
        .staticCall(hexlify(Grid.encode(model)), [0n, p], [0n, q])) as string[];
      return refusals.map((data) => (data === "0x" ? undefined : abi("GridHarness").parseError(data)?.name));
    };
  });

  for (const [name, model, p, q, error] of EDGES) {
    it(`accepts ${name.split(",")[0]} at its limit, and refuses a unit more`, async () => {
      expect(await both(model, p, q)).to.deep.equal([undefined, undefined]);
      const further = name.endsWith("q + 1") ? [p, q + 1n] : [p + (p < 0n ? -1n : 1n), q];
      expect(await both(model, further[0], further[1])).to.deep.equal([error, error]);
    });
  }

  it("lets a line without a rating carry more than any rating", async () => {
    expect(await both(line({}), 2n ** 41n, 2n ** 41n)).to.deep.equal([undefined, undefined]);
  });

  it("reads no bus behind the last one, where the ids of prosumers stand", async () => {
    const home = (id: number) => ({
      ...line({}),
      prosumers: [{ id, bus: 1, absorbVar: Grid.ANY_VAR, feedVar: Grid.ANY_VAR }],
    });
    // As a bus the last id would be one of millions, whose voltage costs more memory than a block has gas for.
    const [low, high] = [await gas(home(0x01020304)), await gas(home(0xffffffff))];
    expect(high < low + 1_000n, `${high} gas, not ${low}`).to.equal(true);
  });
});

describe("the grid check against the floating-point LinDistFlow, on random feeders", () => {
  it("accepts whatever the model accepts, and refuses whatever is beyond the stated tolerance, tight limits included", async () => {
    const { ethers } = await network.create();
    const [signer] = await ethers.getSigners();
    const harness = await deploy(signer, "GridHarness");
    const errors = abi("GridHarness");
    const seen = { accepted: 0, refused: 0, tight: 0 };
    for (let seed = 0; seed < 600; seed++) {
      const random = generator(seed);
      let feeder = feederOf(random);
      const scale = [2_000, 60_000, 250_000][random(3)];
      const pW = feeder.buses.map(() => random(2 * scale) - scale);
      const qVar = feeder.buses.map(() => random(scale) - scale / 2);
      if (random(2) === 0) {
        // Tight: the ratings become the flow itself, give or take twice the tolerance.
        const { flowMw, flowMvar } = linDistFlow(
          feeder,
          topologyOf(feeder),
          pW.map((w) => w / 1e6),
          qVar.map((w) => w / 1e6),
        );
        seen.tight++;
        feeder = {
          ...feeder,
          branches: feeder.branches.map((branch, k) => {
            const gauge = Math.max(
              ...[0, 1, 2, 3, 4, 5].map((f) =>
                Math.abs(Math.cos((f * Math.PI) / 6) * flowMw[k] + Math.sin((f * Math.PI) / 6) * flowMvar[k]),
              ),
            );
            return {
              ...branch,
              ratingMva: Math.max(1e-6, (gauge + (random(60) - 20) * 1e-6) / Math.cos(Math.PI / 12)),
            };
          }),
        };
      }
      const model = Grid.fromFeeder(feeder, []);
      const order = Grid.depthFirst(feeder);
      const place = new Map(feeder.buses.map(({ bus }, k) => [bus, k]));
      const inOrder = (values: readonly number[]) => order.map((bus) => values[place.get(bus) as number]);
      const refusals = await harness
        .getFunction("both")
        .staticCall(hexlify(Grid.encode(model)), inOrder(pW), inOrder(qVar));
      expect(refusals[0], `seed ${seed}: plain and optimised`).to.equal(refusals[1]);
      const { watts, ppm } = margins(feeder, pW, qVar);
      const accepted = refusals[0] === "0x";
      if (watts >= 0 && ppm >= 0) expect(accepted, `seed ${seed}: within ${watts} W, ${ppm} ppm`).to.equal(true);
      if (accepted)
        expect(
          Math.min(watts + Grid.TOLERANCE.watts + 1, ppm + Grid.TOLERANCE.ppm + 0.1),
          `seed ${seed}`,
        ).to.be.at.least(0);
      else expect(errors.parseError(refusals[0])?.name).to.be.oneOf(["LineLimit", "VoltageBand"]);
      seen[accepted ? "accepted" : "refused"]++;
    }
    expect(Math.min(seen.accepted, seen.refused, seen.tight)).to.be.greaterThan(100);
  });
});
