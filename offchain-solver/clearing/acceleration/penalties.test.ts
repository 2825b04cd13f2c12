import { expect } from "chai";
import { DEFAULT_SETTINGS, type Residual } from "../settings.ts";
import { isRhoScale, lowerPenalties, nextPenalties, penaltiesAt, type RhoScale } from "./penalties.ts";

const OWN: RhoScale = { scale: new Float64Array(5).fill(1), changes: 0 };
const EVEN: readonly Residual[] = Array.from({ length: 5 }, () => ({ primal: 2, dual: 2 }));

describe("penalties of iterates that stand still", () => {
  it("rise where plans and trades agree less than prices, fall where prices do, and stay where there is little of both", () => {
    const residuals = [
      { primal: 8, dual: 2 },
      { primal: 1, dual: 4 },
      { primal: 0, dual: 0 },
      { primal: 0.7, dual: 0.01 },
      { primal: 80, dual: 0.08 },
    ];
    const [energy, allowances, reserve, active, reactive] = nextPenalties(
      OWN,
      residuals.slice(0, 4).concat(EVEN[0]),
    )!.scale;
    expect([energy, allowances, reserve, active, reactive]).to.deep.equal([2, 0.5, 1, 1, 1]);
    // Against a residual of 80 those of the others are nothing, and no step is longer than five times.
    expect([...nextPenalties(OWN, residuals)!.scale]).to.deep.equal([2, 1, 1, 1, 5]);
  });

  it("change all together every other time, and stay after 64 changes, for fixed ones converge", () => {
    let [state, last]: (RhoScale | undefined)[] = [OWN, undefined];
    const energy: number[] = [];
    for (; state !== undefined; state = nextPenalties(state, EVEN)) {
      last = state;
      expect(new Set(state.scale).size).to.equal(1);
      energy.push(state.scale[0]);
    }
    expect(last?.changes).to.equal(64);
    const factors = energy.slice(1).map((value, k) => Number((value / energy[k]).toPrecision(6)));
    expect(factors.slice(0, 10)).to.deep.equal([1, 0.3, 1, 0.3, 1, 10, 1, 10, 1, 0.1]);
  });

  it("never leave a thousandth and a thousand times the session's, whatever residuals say", () => {
    for (const [primal, dual] of [
      [1e12, 1e-12],
      [1e-12, 1e12],
      [Infinity, 1],
    ]) {
      let state: RhoScale | undefined = OWN;
      for (
        ;
        state !== undefined;
        state = nextPenalties(
          state,
          EVEN.map(() => ({ primal, dual })),
        )
      ) {
        expect(isRhoScale(state.scale, DEFAULT_SETTINGS)).to.equal(true);
        expect(penaltiesAt(DEFAULT_SETTINGS, state.scale).every((rho) => rho > 0)).to.equal(true);
      }
    }
  });

  it("do not rise all together where prices are known to be what is missing", () => {
    for (let k = 0; k < 10; k++) {
      const [free, held] = [true, false].map((rises) => nextPenalties({ ...OWN, changes: 2 * k + 1 }, EVEN, rises)!);
      expect(held.changes).to.equal(free.changes);
      expect(held.scale[0]).to.equal(free.scale[0] > 1 ? 0.3 : free.scale[0]);
    }
  });

  it("fall by the room that claims leave, to a fifth at once, as often as penalties change at all", () => {
    const { scale, changes } = lowerPenalties(OWN, 0.4)!;
    expect([...scale, changes]).to.deep.equal([0.4, 0.4, 0.4, 0.4, 0.4, 2]);
    expect([...lowerPenalties(OWN, 0.01)!.scale]).to.deep.equal([0.2, 0.2, 0.2, 0.2, 0.2]);
    let [state, times]: [RhoScale | undefined, number] = [OWN, 0];
    for (let next: RhoScale | undefined = OWN; next !== undefined; next = lowerPenalties(next, 0.2)) {
      [state, times] = [next, times + 1];
      expect(isRhoScale(next.scale, DEFAULT_SETTINGS)).to.equal(true);
    }
    expect([state.changes, times]).to.deep.equal([64, 33]);
  });

  it("are no others than these", () => {
    const one = new Float64Array(5).fill(1);
    for (const [scale, allowed] of [
      [one, true],
      [one.map((_, c) => (c === 2 ? 1e4 : 1)), false],
      [one.map((_, c) => (c === 2 ? 0 : 1)), false],
      [one.map((_, c) => (c === 2 ? NaN : 1)), false],
      [one.slice(1), false],
      [[1, 1, 1, 1, 1], false],
      [undefined, false],
    ] as const)
      expect(isRhoScale(scale, DEFAULT_SETTINGS)).to.equal(allowed);
  });
});
