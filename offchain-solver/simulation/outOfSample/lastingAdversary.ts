/** The worst laws for what answers do over several periods: to a battery's stored energy, to a generator's ramp. */
import { plainRows, sumDeviation, type ErrorTerm } from "../../market/formulation/jointDeviation.ts";
import { answeredErrors, expectedLosses } from "../../market/result/storedBand.ts";
import { wilson } from "../../market/risk/exposure.ts";
import { worstCaseViolation } from "../../market/risk/tsDrcc.ts";
import type { Market } from "../../market/scenario/market.ts";
import { seeded } from "../../scenarios/prng.ts";
import { along, extremal } from "./distributions.ts";
import { answeringOf, beyondOf, ofRamp, REPLAY_TOLERANCE, type Answering, type Central } from "./replay.ts";
import type { Estimate } from "./violations.ts";

/** A limit held over the answers of periods from..to, at a cleared point, MWh or MW. */
export type LastingLimit = {
  readonly kind: "stored energy" | "ramp";
  readonly prosumer: number;
  readonly from: number;
  readonly to: number;
  /** From the middle of the limits; half width; standard deviation of what answers add. */
  readonly offset: number;
  readonly half: number;
  readonly deviation: number;
  /** What the worst law of all with these moments breaks it by (`worstCaseViolation`). */
  readonly worst: number;
  /** What is added per MW of an error: that of a buyer in a period. */
  readonly perMw: Columns;
};

type Columns = readonly ErrorTerm[];

/** Every limit of stored energy and every ramp that answers move, as the model holds them (docs/model.md). */
export function lastingLimits(market: Market, result: Pick<Central, "solution" | "answers">): LastingLimit[] {
  if (market.joint === undefined) return [];
  return answeringOf(market, result).flatMap((party, i) => [
    ...storedLimits(market, i, party),
    ...rampLimits(market, i, party),
  ]);
}

function storedLimits(market: Market, prosumer: number, party: Answering): LastingLimit[] {
  const { battery } = market.prosumers[prosumer];
  if (battery === undefined) return [];
  const { efficiency, minMwh, maxMwh } = battery;
  const answered = answeredErrors(market, party.answers, "batteryUp");
  const lost = expectedLosses(market, efficiency, answered);
  return answered.flatMap((_, t) => {
    const from = Math.max(0, t - market.joint!.sustain + 1);
    const low = minMwh + lost.slice(from, t + 1).reduce((sum, one) => sum + one, 0);
    const perMw = answered.slice(from, t + 1).flatMap((columns) => scaled(columns, market.dt / efficiency));
    const offset = party.schedule.storedMwh[t] - (low + maxMwh) / 2;
    const of = { prosumer, from, to: t, offset, half: (maxMwh - low) / 2, perMw };
    return limitOf(market, { kind: "stored energy", ...of });
  });
}

function rampLimits(market: Market, prosumer: number, party: Answering): LastingLimit[] {
  const { generator } = market.prosumers[prosumer];
  if (generator === undefined) return [];
  const { generatorMw } = party.schedule;
  const answered = answeredErrors(market, party.answers, "generatorUp");
  const half = generator.rampMwPerHour * market.dt;
  return answered.flatMap((now, t) => {
    const before = t > 0 ? generatorMw[t - 1] : generator.initialMw;
    if (before === undefined) return [];
    const { from } = ofRamp(t);
    // More injected than forecast is answered by running lower.
    const perMw = [...(t > 0 ? answered[from] : []), ...scaled(now, -1)];
    const offset = generatorMw[t] - before;
    return limitOf(market, { kind: "ramp", prosumer, from, to: t, offset, half, perMw });
  });
}

const scaled = (columns: Columns, factor: number): Columns =>
  columns.map((column) => ({ ...column, value: factor * column.value }));

function limitOf(market: Market, of: Omit<LastingLimit, "deviation" | "worst">): LastingLimit[] {
  const deviation = of.perMw.length === 0 ? 0 : sumDeviation(market, of.perMw);
  if (!(deviation > REPLAY_TOLERANCE)) return [];
  return [{ ...of, deviation, worst: worstCaseViolation(Math.abs(of.offset), deviation, of.half) }];
}

const dot = (row: Float64Array, columns: Columns): number =>
  columns.reduce((sum, { value }, k) => sum + row[k] * value, 0);

/** [row][column] factor of the errors in these columns, MW: covariance is the sum over rows of products. */
function rowsOf(market: Market, columns: Columns): Float64Array[] {
  const [from, to] = [Math.min, Math.max].map((most) => most(...columns.map(({ t }) => t)));
  const answered = Array.from({ length: market.hours }, (_, at) =>
    columns.flatMap(({ t, buyer }, variable) => (t === at ? [{ buyer, variable }] : [])),
  );
  return plainRows(market, answered, { from, to, perMw: () => 1 }).map(({ terms }) => {
    const row = new Float64Array(columns.length);
    for (const [k, value] of terms) {
      const { t, buyer } = columns[k];
      row[k] = value * market.halfWidth[t] * market.sigma[t][buyer];
    }
    return row;
  });
}

export type LastingAttack = LastingLimit & {
  /** Draws that break the limit as the model holds it, and as the device really runs, losses and all. */
  readonly held: Estimate;
  readonly played: Estimate;
};

/** The law that breaks this limit most often among all with the moments used, drawn and counted. */
export function attackLasting(
  market: Market,
  result: Pick<Central, "solution" | "answers">,
  limit: LastingLimit,
  { draws, seed }: { readonly draws: number; readonly seed: number },
): LastingAttack {
  const { offset, half, deviation, perMw, prosumer } = limit;
  const random = seeded(seed);
  const rows = rowsOf(market, perMw);
  const direction = Float64Array.from(rows, (row) => dot(row, perMw));
  // Twice the tolerance beyond the limit, so that the mass put there is counted.
  const law = extremal(offset, deviation, half + 2 * REPLAY_TOLERANCE, random);
  const draw = along(direction, law.draw, random);
  const party = answeringOf(market, result)[prosumer];
  const zeta = new Float64Array(rows.length);
  const errors = new Float64Array(perMw.length);
  let [held, played] = [0, 0];
  for (let k = 0; k < draws; k++) {
    draw(zeta);
    errors.fill(0);
    rows.forEach((row, r) => row.forEach((value, c) => (errors[c] += value * zeta[r])));
    const moved = perMw.reduce((sum, { value }, c) => sum + value * errors[c], 0);
    if (Math.abs(offset + moved) > half + REPLAY_TOLERANCE) held++;
    if (playedBeyond(market, party, limit, errors) > REPLAY_TOLERANCE) played++;
  }
  return { ...limit, held: wilson(held, draws), played: wilson(played, draws) };
}

/** MWh or MW beyond the device's own limits; a ramp has no losses. */
function playedBeyond(market: Market, { schedule }: Answering, limit: LastingLimit, errors: Float64Array): number {
  const { battery } = market.prosumers[limit.prosumer];
  if (limit.kind === "ramp" || battery === undefined) {
    const moved = limit.perMw.reduce((sum, { value }, c) => sum + value * errors[c], 0);
    return beyondOf(limit.offset + moved, -limit.half, limit.half);
  }
  const { efficiency, minMwh, maxMwh } = battery;
  const out = (mw: number): number => (mw > 0 ? mw / efficiency : mw * efficiency) * market.dt;
  const response = new Float64Array(market.hours);
  limit.perMw.forEach(({ t, value }, c) => (response[t] -= ((value * efficiency) / market.dt) * errors[c]));
  let stored = schedule.storedMwh[limit.to];
  for (let t = limit.from; t <= limit.to; t++) {
    const planned = schedule.dischargeMw[t] - schedule.chargeMw[t];
    stored -= out(planned + response[t]) - out(planned);
  }
  return beyondOf(stored, minMwh, maxMwh);
}
