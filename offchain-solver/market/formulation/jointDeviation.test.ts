import { expect } from "chai";
import { ConicModel } from "../../numerics/conicModel.ts";
import { clarabelSolver } from "../../numerics/clarabelNode.ts";
import type { JointLaw, Market } from "../scenario/market.ts";
import type { Answer, Draft } from "./hour.ts";
import { JointDeviation, plainRows } from "./jointDeviation.ts";

const PERIODS = 30;
const BUYERS = 3;

/** Numbers in [0, 1) that nobody chose. */
function drawn(seed: number): () => number {
  let state = seed + 1;
  return () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
}

/** A law nobody fitted: two days, two processes that hang together more or less from one period to the next. */
function madeUp(seed: number): Market {
  const random = drawn(seed);
  const columns = (depth: number) =>
    Array.from({ length: PERIODS }, () =>
      Array.from({ length: BUYERS }, () => Float64Array.from({ length: depth }, () => random() - 0.5)),
    );
  const joint: JointLaw = {
    sustain: PERIODS,
    days: columns(2),
    persistent: columns(2),
    lag: Array.from({ length: PERIODS }, (_, t) => (t === 0 ? 0 : t % 7 === 0 ? 1 : random())),
  };
  const ones = Array.from({ length: PERIODS }, () => new Float64Array(BUYERS).fill(1));
  return { joint, hours: PERIODS, halfWidth: new Float64Array(PERIODS).fill(2), sigma: ones } as unknown as Market;
}

/** Covariance of two errors, as docs/model.md defines it. */
function covariance({ joint }: Market, [t, j]: readonly [number, number], [u, k]: readonly [number, number]): number {
  if (t > u) return covariance({ joint } as Market, [u, k], [t, j]);
  const { days, persistent, lag } = joint!;
  let carried = 1;
  for (let at = t + 1; at <= u; at++) carried *= lag[at];
  const product = (a: Float64Array, b: Float64Array): number => a.reduce((sum, x, row) => sum + x * b[row], 0);
  return product(days[t][j], days[u][k]) + carried * product(persistent[t][j], persistent[u][k]);
}

describe("the deviation of answers over several periods", () => {
  for (const [from, to] of [
    [0, 0],
    [3, 4],
    [5, 12],
    [0, 29],
    [2, 29],
  ] as const)
    it(`is that of the errors' covariance, periods ${from} to ${to}`, () => {
      const market = madeUp(100 * from + to);
      const random = drawn(7);
      const model = new ConicModel();
      // Period 6 has nothing to answer.
      const mw: number[] = [];
      const answered = Array.from({ length: PERIODS }, (_, t): Answer[] =>
        Array.from({ length: t === 6 ? 0 : BUYERS }, (__, buyer) => {
          const variable = model.add();
          mw[variable] = random();
          model.equal([[variable, 1]], mw[variable]);
          return { buyer, variable };
        }),
      );
      const perMw = 1.5;
      let variance = 0;
      for (let t = from; t <= to; t++)
        for (let u = from; u <= to; u++)
          for (const a of answered[t])
            for (const b of answered[u])
              variance +=
                ((mw[a.variable] * mw[b.variable] * perMw * perMw) / 4) *
                covariance(market, [t, a.buyer], [u, b.buyer]);

      const rows = plainRows(market, answered, { from, to, perMw: () => perMw });
      const values = rows.map(({ terms }) => terms.reduce((sum, [variable, c]) => sum + c * mw[variable], 0));
      expect(Math.sqrt(values.reduce((sum, x) => sum + x * x, 0)) / Math.sqrt(variance)).to.be.closeTo(1, 1e-12);

      // The other way has variables of its own: the least that its cones allow is the same number.
      const deviation = new JointDeviation({ model, market } as unknown as Draft, answered, perMw);
      const least = model.add();
      model.linear(least, 1);
      model.cone([{ terms: [[least, 1]], constant: 0 }, ...deviation.rows(from, to)]);
      const { status, x } = clarabelSolver(model.build());
      expect(status).to.equal("solved");
      expect(x[least] / Math.sqrt(variance)).to.be.closeTo(1, 1e-6);
    });
});
