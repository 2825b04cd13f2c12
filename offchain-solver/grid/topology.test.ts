import { expect } from "chai";
import fc from "fast-check";
import { randomFeeder } from "../../test/support/randomFeeder.ts";
import { readFeeder } from "../../test/support/readFeeder.ts";
import type { Feeder } from "./feeder.ts";
import { distanceMatrix, downstream, FeederError, meetingBus, rootDistance, topologyOf } from "./topology.ts";

const bus = (number: number): Feeder["buses"][number] => ({
  bus: number,
  loadMw: 0.1,
  loadMvar: 0,
  vMinPu: 0.9,
  vMaxPu: 1.1,
});
const branch = (from: number, to: number): Feeder["branches"][number] => ({
  from,
  to,
  rPu: 0.3,
  xPu: 0.4,
  ratingMva: 1,
});
const feeder = (buses: number[], branches: [number, number][]): Feeder => ({
  name: "small",
  source: "made up for a test",
  baseMva: 1,
  baseKv: 11,
  buses: buses.map(bus),
  branches: branches.map(([from, to]) => branch(from, to)),
});

describe("topology", () => {
  it("walks depth first, children by bus number, whatever the order of the rows", () => {
    const topology = topologyOf(
      feeder(
        [1, 9, 4, 2, 7],
        [
          [4, 7],
          [1, 9],
          [1, 2],
          [2, 4],
        ],
      ),
    );
    expect([...topology.order]).to.deep.equal([0, 3, 2, 4, 1]);
    expect([...downstream(topology, 3)]).to.deep.equal([3, 2, 4]);
    expect([...topology.busOf]).to.deep.equal([4, 1, 3, 2]);
    expect(meetingBus(topology, 4, 1)).to.equal(0);
    expect(meetingBus(topology, 4, 2)).to.equal(2);
  });

  it("knows the order of the 15-bus feeder", () => {
    const papavasiliou = readFeeder("papavasiliou15");
    const { order } = topologyOf(papavasiliou);
    expect(Array.from(order, (i) => papavasiliou.buses[i].bus)).to.deep.equal([
      1, 2, 3, 4, 5, 6, 7, 9, 8, 10, 11, 12, 13, 14, 15,
    ]);
  });

  const refused: readonly (readonly [what: string, feeder: Feeder, field: string, value: unknown, reason: RegExp])[] = [
    [
      "a cycle",
      feeder(
        [1, 2, 3],
        [
          [1, 2],
          [2, 3],
          [3, 1],
        ],
      ),
      "branches[2]",
      [3, 1],
      /closes a cycle/,
    ],
    [
      "two parallel branches",
      feeder(
        [1, 2],
        [
          [1, 2],
          [1, 2],
        ],
      ),
      "branches[1]",
      [1, 2],
      /closes a cycle/,
    ],
    ["a branch from a bus to itself", feeder([1], [[1, 1]]), "branches[0]", [1, 1], /closes a cycle/],
    ["a bus out of reach", feeder([1, 2, 3], [[1, 2]]), "buses[2].bus", 3, /no path/],
    ["a bus number twice", feeder([1, 2, 2], [[1, 2]]), "buses[2].bus", 2, /twice/],
    ["an unknown bus", feeder([1, 2], [[1, 5]]), "branches[0].to", 5, /no bus/],
    [
      "a branch towards the root",
      feeder(
        [1, 2, 3],
        [
          [1, 2],
          [3, 2],
        ],
      ),
      "branches[1]",
      [3, 2],
      /towards the root/,
    ],
  ];
  for (const [what, wrong, field, value, reason] of refused) {
    it(`refuses ${what} and names it`, () => {
      expect(() => topologyOf(wrong))
        .to.throw(FeederError, reason)
        .that.deep.includes({ feeder: "small", field, value });
    });
  }

  it("downstream sets are nested: a bus's is itself and those of its children", () => {
    fc.assert(
      fc.property(randomFeeder, (random) => {
        const topology = topologyOf(random);
        for (let i = 0; i < random.buses.length; i++) {
          const children = random.buses.map((_, j) => j).filter((j) => topology.parent[j] === i);
          const below = children.flatMap((child) => [...downstream(topology, child)]);
          expect([...downstream(topology, i)].sort()).to.deep.equal([i, ...below].sort());
        }
      }),
    );
  });

  it("electrical distance is a metric along paths", () => {
    fc.assert(
      fc.property(randomFeeder, (random) => {
        const topology = topologyOf(random);
        const n = random.buses.length;
        const distance = distanceMatrix(random, topology);
        const fromRoot = rootDistance(random, topology);
        for (let a = 0; a < n; a++) {
          expect(distance[a * n]).to.be.closeTo(fromRoot[a], 1e-12);
          expect(distance[a * n + a]).to.equal(0);
          for (let b = 0; b < n; b++) {
            expect(distance[a * n + b]).to.equal(distance[b * n + a]);
            for (let c = 0; c < n; c += 5)
              expect(distance[a * n + b]).to.be.at.most(distance[a * n + c] + distance[c * n + b] + 1e-12);
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  it("walks ten thousand buses in a row", () => {
    const n = 10_000;
    const line = feeder(
      Array.from({ length: n }, (_, i) => i + 1),
      Array.from({ length: n - 1 }, (_, i) => [i + 1, i + 2]),
    );
    expect(topologyOf(line).position[n - 1]).to.equal(n - 1);
  });
});
