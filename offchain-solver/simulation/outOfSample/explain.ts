import { momentsOf, wilson, type Exposure } from "../../market/risk/exposure.ts";
import { worstCaseViolation } from "../../market/risk/tsDrcc.ts";
import { violations, type Look } from "./violations.ts";

/** What the held-out days did to a constraint that the fitted moments did not foresee. `hits`: days beyond it. */
export function explain(look: Look, limit: Exposure, hits: number, epsilon: number): string {
  const { exposure, real } = look;
  const days = real.draws;
  let worst = 0;
  violations([limit], exposure.modes, real, (_, __, excess) => (worst = Math.max(worst, excess)));
  const { low, high } = wilson(hits, days);
  const unit = limit.id.kind === "voltage" ? "p.u.^2" : limit.id.kind === "line" ? "MVA" : "MW";
  const found = `${hits} of ${days} days, 95 % interval ${(100 * low).toFixed(1)}-${(100 * high).toFixed(1)} %, by at most ${worst.toFixed(5)} ${unit}`;
  const answered = answeredMode(look, limit);
  let left = 0;
  violations([{ ...limit, mode: 0 }], [answered], real, () => left++);
  if (left / days <= epsilon)
    return `${found}: errors below .4 % of the rating, which by the model nobody answers, on a limit met with equality; ${left} days without them`;
  return `${found}: ${momentsText(look, limit, answered, epsilon)}`;
}

/** What is left of a limit's mode when errors too small to need an answer stay out. */
const answeredMode = ({ exposure, factor }: Look, limit: Exposure): Float64Array =>
  exposure.modes[limit.mode].map((a, c) => (factor.some((row) => row[c] !== 0) ? a : 0));

/** The held-out weeks' mean and deviation against the fitted ones', and what the limit promises at them. */
function momentsText({ exposure, factor, real }: Look, limit: Exposure, mode: Float64Array, epsilon: number): string {
  const { offset, s, T } = momentsOf(exposure, limit, factor);
  const days = real.draws;
  const values = Array.from({ length: days }, (_, d) =>
    mode.reduce((sum, a, c) => sum + limit.scale * a * real.values[d * real.width + c], 0),
  );
  const mean = values.reduce((a, b) => a + b, 0) / days;
  const sd = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) * (v - mean), 0) / (days - 1));
  const percent = (x: number): string => `${((100 * x) / T).toFixed(1)} %`;
  const moved = `mean ${percent(mean)} and deviation ${percent(sd)} of the half width in the held-out weeks, 0 and ${percent(s)} in the fitted ones`;
  const promise = worstCaseViolation(Math.abs(offset + mean), sd, T);
  return promise > epsilon * 1.0001
    ? `${moved}; at the held-out moments the limit promises only ${(100 * promise).toFixed(1)} %`
    : `${moved}; inside the promise, so chance in few days`;
}
