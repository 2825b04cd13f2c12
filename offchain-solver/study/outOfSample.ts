import { wilson } from "../market/risk/exposure.ts";
import { passes, type Tightened } from "../simulation/acMargin.ts";
import { SOURCES, whereOf, type OutOfSample } from "../simulation/outOfSample/monteCarlo.ts";
import { terminalTable } from "../io/terminalTable.ts";
import { intervalFigure } from "../report/figures.ts";

const SHOWN = 12;
const percent = (p: number, digits = 2): string => (100 * p).toFixed(digits);
const KINDS = ["booking", "voltage", "line"] as const;
const NAMES = {
  heldOut: "held-out days",
  gaussian: "Gaussian",
  laplace: "Laplace",
  skewed: "skewed",
  mixture: "mixture",
};

/** The constraints that held-out days break most often, with the other distributions beside them. */
export function outOfSampleTable(o: OutOfSample): string {
  const worst = [...o.limits].sort(
    (a, b) => b.violation.heldOut.probability - a.violation.heldOut.probability || b.worstCase - a.worstCase,
  );
  const head = ["constraint", "held-out %", "95 %", "days", "Gaussian", "Laplace", "skewed", "mixture", "worst case %"];
  const rows = worst.slice(0, SHOWN).map((row) => {
    const { heldOut, gaussian, laplace, skewed, mixture } = row.violation;
    return [
      whereOf(row),
      percent(heldOut.probability),
      `${percent(heldOut.low)}-${percent(heldOut.high)}`,
      `${row.heldOutDays}/${o.heldOutDays}`,
      ...[gaussian, laplace, skewed, mixture].map((e) => percent(e.probability)),
      percent(row.worstCase),
    ];
  });
  return [
    `out of sample, ${o.draws} draws: eps ${percent(o.epsilon, 1)} % is promised per two-sided constraint and hour, not jointly; ${o.limits.length} constraints move, the worst:`,
    terminalTable(head, rows, { text: [0], spare: [7, 6, 5, 4, 3] }),
    `any constraint in an hour / in the day, %: ${SOURCES.map((s) => `${NAMES[s]} ${percent(o.joint[s].hour.probability)} / ${percent(o.joint[s].day.probability)}`).join("; ")}`,
    ...o.adversarial.map(
      (a) =>
        `adversary on ${whereOf(a)}: ${percent(a.violation.probability)} % (${percent(a.violation.low)}-${percent(a.violation.high)}), by the model ${percent(a.expected)} %`,
    ),
    ...(o.aboveEpsilon.length === 0
      ? ["no constraint is broken on more than eps of the held-out days"]
      : o.aboveEpsilon.map((a) => `above eps: ${whereOf(a)}: ${a.why}`)),
  ].join("\n");
}

/**
 * The worst constraint of each kind under each distribution, with its interval, against the promise. Where the fitted
 * errors cancel on a limit met with equality, watts of unanswered error count as violations: the table names those, the
 * figure leaves them out.
 */
export function outOfSampleFigure(name: string, o: OutOfSample): string {
  const intervals = SOURCES.flatMap((source) =>
    KINDS.flatMap((kind) => {
      const rows = o.limits
        .filter((row) => row.limit.kind === kind && row.deviation > 1e-6)
        // However often they are drawn, the held-out days are few.
        .map((row) => (source === "heldOut" ? wilson(row.heldOutDays, o.heldOutDays) : row.violation[source]));
      if (rows.length === 0) return [];
      const { probability, low, high } = rows.reduce((a, b) => (b.probability > a.probability ? b : a));
      return [{ group: NAMES[source], series: kind, value: 100 * probability, low: 100 * low, high: 100 * high }];
    }),
  );
  for (const [series, booking] of [
    ["booking", true],
    ["line", false],
  ] as const) {
    const attacked = o.adversarial.filter(({ limit }) => (limit.kind === "booking") === booking);
    if (attacked.length === 0) continue;
    const { probability, low, high } = attacked[0].violation;
    intervals.push({ group: "adversary", series, value: 100 * probability, low: 100 * low, high: 100 * high });
  }
  return intervalFigure(
    {
      title: `${name}: the constraint broken most often, by kind`,
      x: "where the errors come from",
      y: "draws beyond the limit, %",
    },
    intervals,
    [{ at: 100 * o.epsilon, name: "promised per constraint" }],
  );
}

/** What the AC sweep measured after each clearing, and what was taken off the limits for it. */
export function tighteningLines({ tightening, measured }: Tightened): string {
  const last = measured[measured.length - 1];
  return [
    ...measured.map((m, k) =>
      !m.converged
        ? `AC pass ${k + 1}: the sweep does not converge: the feeder cannot carry these injections, and there are no figures`
        : `AC pass ${k + 1}: LinDistFlow is off by ${m.voltageErrorPu.toFixed(5)} p.u. and ${m.flowErrorMva.toFixed(5)} MVA; beyond the limits ${m.voltageBeyondPu.toFixed(5)} p.u., ${percent(m.loadingBeyond)} % of a rating; beyond the margin ${m.voltageEatenPu.toFixed(5)} p.u., ${percent(m.ratingEaten)} %`,
    ),
    `limits tightened by ${tightening.voltagePu.toFixed(5)} p.u. and ${percent(tightening.ratingShare)} % of the ratings: the sweep ${passes(last) ? "passes" : "still fails"}`,
  ].join("\n");
}
