import { expect } from "chai";
import { createAcceleration, depthOf, nextWeights, type Method } from "./acceleration.ts";

const EIGENVALUES = [0.97, -0.6, 0.9, 0.5, 0.2];

/**
 * Iterates v -> w = fixed + M (v - fixed) from zero with M = diag(EIGENVALUES); every residual is handed over as agents
 * do.
 */
function iterate(method: Method, memory: number, goal: number, spoil = -1): { evaluations: number; rejected: number } {
  const settings = { method, memory, decay: 1e6, vanishing: { start: 0, keeps: 1 } };
  const state = createAcceleration(settings);
  const depth = depthOf(settings);
  const images = Array.from({ length: depth }, () => new Float64Array(5));
  const residuals = Array.from({ length: depth }, () => new Float64Array(5));
  let v = new Float64Array(5);
  for (let k = 1; k < 5000; k++) {
    const image = EIGENVALUES.map((e, i) => i + 1 + e * (v[i] - i - 1));
    const residual = image.map((w, i) => (w - v[i]) * (k === spoil ? 1e4 : 1));
    images.unshift(Float64Array.from(image));
    residuals.unshift(Float64Array.from(residual));
    images.pop();
    residuals.pop();
    if (Math.hypot(...residual) < goal) return { evaluations: k, rejected: state.rejected };
    const row = Float64Array.from(residuals, (r) => r.reduce((sum, value, i) => sum + value * residual[i], 0));
    const weights = nextWeights(state, row);
    expect(weights.reduce((a, b) => a + b, 0)).to.be.closeTo(1, 1e-6);
    v = Float64Array.from(v, (_, i) => weights.reduce((sum, weight, age) => sum + weight * images[age][i], 0));
  }
  return { evaluations: Infinity, rejected: state.rejected };
}

describe("acceleration", () => {
  it("leaves plain iterations alone", () => {
    const state = createAcceleration({ method: "admm", memory: 0, decay: 1e6, vanishing: { start: 0, keeps: 1 } });
    for (const norm of [4, 9, 1]) expect([...nextWeights(state, Float64Array.of(norm))]).to.deep.equal([1]);
    expect(state.rejected).to.equal(0);
  });

  it("sums a linear operator's series: a sixth of plain's evaluations, and fewer", () => {
    const plain = iterate("admm", 0, 1e-8).evaluations;
    expect(plain).to.be.above(300);
    expect(iterate("anderson", 6, 1e-8).evaluations).to.be.below(plain / 6);
    expect(iterate("gsa", 6, 1e-8).evaluations).to.be.below(plain / 6);
    expect(iterate("gsa1", 2, 1e-8).evaluations).to.be.below(plain);
  });

  it("goes back when an extrapolated point is worse, and still arrives", () => {
    // The fourth evaluation is at an extrapolated point for both; its residual is made to look large.
    for (const method of ["anderson", "gsa"] as const) {
      const { evaluations, rejected } = iterate(method, 6, 1e-8, 4);
      expect(rejected, method).to.equal(1);
      expect(evaluations, method).to.be.below(200);
    }
  });

  it("takes no extrapolated point above 1.2 times the best residual, however large the one before it was", () => {
    const state = createAcceleration({ method: "anderson", memory: 2, decay: 1e6, vanishing: { start: 0, keeps: 1 } });
    nextWeights(state, Float64Array.of(1, 0, 0));
    nextWeights(state, Float64Array.of(1.96, 0.1, 0));
    expect(state.trial).to.equal(true);
    // 1.3 times the best, less than the residual before.
    expect([...nextWeights(state, Float64Array.of(1.69, 0.1, 0.1))]).to.deep.equal([0, 1, 0]);
    expect(state.rejected).to.equal(1);
  });

  it("goes on plain for a while where the best residual has not fallen by three tenths in sixty evaluations", () => {
    const state = createAcceleration({ method: "anderson", memory: 2, decay: 1e6, vanishing: { start: 0, keeps: 1 } });
    const plain: number[] = [];
    for (let k = 0; k < 200; k++) {
      const weights = nextWeights(state, Float64Array.of(1, 0.5, 0.4));
      if (weights[0] === 1 && k > 1) plain.push(k);
    }
    expect(plain.length).to.be.within(50, 70);
    expect(plain[29] - plain[0]).to.equal(29);
  });

  it("refuses a step that is beyond the summable bound although it is below twice the last residual", () => {
    const state = createAcceleration({ method: "anderson", memory: 2, decay: 0.5, vanishing: { start: 0, keeps: 1 } });
    nextWeights(state, Float64Array.of(1, 0, 0));
    nextWeights(state, Float64Array.of(0.9, 0.1, 0));
    expect(state.trial).to.equal(true);
    const weights = nextWeights(state, Float64Array.of(0.8, 0.1, 0.1));
    expect(state.rejected).to.equal(1);
    expect([...weights]).to.deep.equal([0, 1, 0]);
  });

  it("begins a warm start with extra regularisation by its distance, and pulls towards what was traded only where that is near", () => {
    const begun = (firstNorm: number, reference?: number) => {
      const vanishing = { start: 10, keeps: 1, centre: 0.5, ...(reference !== undefined && { reference }) };
      const state = createAcceleration({ method: "anderson", memory: 2, decay: 1e6, vanishing });
      nextWeights(state, Float64Array.of(firstNorm ** 2, 0, 0));
      return [state.extra, state.centre];
    };
    expect(begun(1000), "cold").to.deep.equal([10, 0]);
    expect(begun(15, 1000), "a distance of .015").to.deep.equal([10, 0]);
    const [extra, centre] = begun(8, 1000);
    // Never more than a hundred times higher than the residual, both against their first values.
    expect(extra, "a distance of .008").to.be.closeTo(100 * 0.008 * (7e4 * 0.008 ** 2), 1e-9);
    expect(centre).to.equal(0.5);
    expect(begun(1, 1000), "a distance of .001").to.deep.equal([100 * 0.001 * 2, 0.5]);
  });

  /**
   * Evaluations until |T(v) - v| < 1e-9, T(v) = v + a residual that is the same for `far` of them: a face is far off.
   */
  const walk = (method: Method, far: number): { evaluations: number; largest: number } => {
    const settings = { method, memory: method === "admm" ? 0 : 5, decay: 1e6, vanishing: { start: 0, keeps: 1 } };
    const state = createAcceleration(settings);
    const depth = depthOf(settings);
    const images = new Float64Array(depth);
    const residuals = new Float64Array(depth);
    let [v, largest] = [0, 0];
    for (let k = 1; k <= 2000; k++) {
      const residual = Math.max(-1, Math.min(1, 0.5 * (far - v)));
      if (Math.abs(residual) < 1e-9) return { evaluations: k, largest };
      images.copyWithin(1, 0);
      residuals.copyWithin(1, 0);
      [images[0], residuals[0]] = [v + residual, residual];
      const weights = nextWeights(
        state,
        residuals.map((r) => r * residual),
      );
      v = weights.reduce((sum, weight, age) => sum + weight * images[age], 0);
      largest = Math.max(largest, Math.abs(v));
    }
    return { evaluations: Infinity, largest };
  };

  it("strides along a ray, which every combination would walk back and plain steps walk for ever", () => {
    expect(walk("admm", 1500).evaluations).to.be.above(1500);
    for (const method of ["gsa", "anderson"] as const) {
      expect(walk(method, 1500).evaluations, method).to.be.below(90);
      expect(walk(method, 10).evaluations, `${method}, near`).to.be.below(40);
    }
  });

  it("stays finite on a ray without an end", () => {
    const { evaluations, largest } = walk("anderson", Infinity);
    expect(evaluations).to.equal(Infinity);
    expect(largest).to.be.within(1e6, 2000 * 1e4);
  });

  it("strides only where its last step went along the ray", () => {
    const state = createAcceleration({ method: "anderson", memory: 5, decay: 1e6, vanishing: { start: 0, keeps: 1 } });
    nextWeights(state, Float64Array.of(1, 0, 0, 0, 0, 0));
    // Residuals at right angles: a combination; after it the same residual again.
    expect([...nextWeights(state, Float64Array.of(1, 0, 0, 0, 0, 0))].slice(0, 2)).to.deep.equal([0.5, 0.5]);
    expect([...nextWeights(state, Float64Array.of(1, 1, 0, 0, 0, 0))]).to.deep.equal([1, 0, 0, 0, 0, 0]);
    expect([...nextWeights(state, Float64Array.of(1, 1, 1, 0, 0, 0))].slice(0, 3)).to.deep.equal([5, -4, 0]);
  });
});
