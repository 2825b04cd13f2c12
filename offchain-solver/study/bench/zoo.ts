import { readSeries } from "../../scenarios/series.ts";
import { liveLine } from "../../io/output.ts";
import { terminalTable } from "../../io/terminalTable.ts";
import { zooMarket, type ZooMarket } from "./zooMarket.ts";
import { CLAIMS, failuresOf, zooRow, type PlainRun, type SessionEnd, type ZooRow, type ZooRun } from "./zooRow.ts";

export type ZooOptions = Pick<ZooRun, "method" | "maxIterations"> & {
  /** Of the first market; the next ones have the next seeds, so that every market can be had alone. */
  readonly seed: number;
  readonly count: number;
  /** Runs a market's whole session on a chain. */
  readonly session?: (market: ZooMarket) => Promise<SessionEnd>;
  /** Rows of the first markets that are known already: they are not cleared again. */
  readonly known?: readonly ZooRow[];
  /** Is handed every market before it is cleared, and every row, with those before it, when it is done. */
  readonly keep?: (market: ZooMarket) => void;
  readonly done?: (row: ZooRow, rows: readonly ZooRow[]) => void;
};

export type ZooSummary = {
  readonly markets: number;
  readonly solved: number;
  readonly infeasible: number;
  readonly wrongStatus: number;
  /** Largest and median abs(gap) of those solved. */
  readonly gap: { readonly largest: number; readonly median: number };
  /** Evaluations against the better plain: at the worst market and in the median. */
  readonly ratio: { readonly largest: number; readonly median: number };
  readonly evaluations: { readonly largest: number; readonly median: number };
  /** Solved markets of each that plain without and with the vanishing regularisation ended too, within its patience. */
  readonly plainEnded: { readonly without: number; readonly with: number };
  readonly sessions?: Readonly<Record<SessionEnd["verdict"], number>>;
  /** Claims about all markets together that do not hold, in words. */
  readonly failures: readonly string[];
};

const LAST_SEED = 0xffffffff;

/** Clears a zoo of generated markets, one after the other. */
export async function zoo(options: ZooOptions): Promise<ZooRow[]> {
  const series = readSeries();
  const line = liveLine();
  const rows: ZooRow[] = [...(options.known ?? [])];
  for (let k = rows.length; k < options.count; k++) {
    const market = zooMarket((options.seed + k) % (LAST_SEED + 1), series);
    options.keep?.(market);
    const { prosumers, periods } = market.traits;
    const failed = rows.filter(({ failures }) => failures.length > 0).length;
    const at = `market ${k + 1} of ${options.count} (seed ${market.seed}, ${prosumers} x ${periods}), ${failed} failed`;
    const row = zooRow(market, { ...options, show: (text) => line.show(`${at}: ${text}`) });
    rows.push(options.session === undefined ? row : await withSession(row, market, options.session));
    options.done?.(rows[k], rows);
  }
  line.end();
  return rows;
}

async function withSession(
  row: ZooRow,
  market: ZooMarket,
  run: NonNullable<ZooOptions["session"]>,
): Promise<ZooRow> {
  const session = await run(market);
  return { ...row, session, failures: failuresOf({ ...row, session }) };
}

const largest = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), 0);
export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return 0;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function summaryOf(rows: readonly ZooRow[]): ZooSummary {
  const solved = rows.filter(({ status }) => status === "solved");
  const both = (values: readonly number[]) => ({ largest: largest(values), median: medianOf(values) });
  const ratio = both(rows.flatMap((row) => row.ratio ?? []));
  const sessions = rows.flatMap(({ session }) => session ?? []);
  const ended = (of: (row: ZooRow) => PlainRun | undefined): number =>
    solved.filter((row) => of(row)?.status === "solved").length;
  const counted = (verdict: SessionEnd["verdict"]): number => sessions.filter((s) => s.verdict === verdict).length;
  return {
    markets: rows.length,
    solved: solved.length,
    infeasible: rows.filter(({ status }) => status === "infeasible").length,
    wrongStatus: rows.filter(({ status, central }) => status !== central).length,
    gap: both(rows.flatMap(({ gap }) => (gap === undefined ? [] : Math.abs(gap)))),
    ratio,
    evaluations: both(solved.map(({ evaluations }) => evaluations)),
    plainEnded: { without: ended(({ plain }) => plain), with: ended(({ plainVanishing }) => plainVanishing) },
    ...(sessions.length > 0 && {
      sessions: {
        valid: counted("valid"),
        refused: counted("refused"),
        invalid: counted("invalid"),
        undecided: counted("undecided"),
        failed: counted("failed"),
      },
    }),
    failures:
      ratio.median > CLAIMS.medianRatio
        ? [`half of the markets take more than ${ratio.median.toFixed(2)} of plain's evaluations`]
        : [],
  };
}

/** The rows as the terminal shows them. */
export function zooTable(rows: readonly ZooRow[]): string {
  const sessions = rows.some(({ session }) => session);
  const head = [
    ...["seed", "n", "periods", "min", "kW", "kV", "dev", "limits", "prices", "pairs", "risk", "CO2", "status"],
    ...["evaluations", "plain", "vanishing", "x plain", "gap", "central s", "s"],
    ...(sessions ? ["session"] : []),
  ];
  const count = (run: PlainRun | undefined): string =>
    run === undefined ? "" : run.status === "solved" ? `${run.evaluations}` : `> ${run.evaluations}`;
  const lines = rows.map(({ seed, traits: t, ...r }) => [
      ...[seed, t.prosumers, t.periods, t.minutes, t.sizeKw, t.kv, t.devices, t.limits, t.prices, t.pairs, t.risk],
      t.carbon ? "yes" : "no",
      r.status === r.central ? r.status : `${r.status} (central ${r.central})`,
      r.evaluations,
      count(r.plain),
      count(r.plainVanishing),
      r.ratio?.toFixed(2) ?? "",
      r.gap?.toExponential(1) ?? "",
      (r.ms.central / 1000).toFixed(1),
      (r.ms.cleared / 1000).toFixed(1),
      ...(sessions ? [r.session?.verdict ?? ""] : []),
    ]);
  // A market is had again from its seed, so its traits may go.
  return terminalTable(head, lines, { text: [6, 7, 8, 10, 11, 12, 20], spare: [11, 10, 9, 8, 7, 6, 5, 3, 18, 19, 15, 14, 4, 2] });
}

/** What a market shows to be wrong, and how it can be had again. */
export const failureLines = ({ seed, failures, reason, session }: ZooRow): string[] =>
  failures.map(
    (failure) =>
      `seed ${seed}: ${failure}${reason === undefined ? "" : ` (${reason})`}: gridpact bench zoo --seed ${seed} --count 1${session ? " --run" : ""}`,
  );

/** What a zoo shows, and how every market that shows something wrong can be had again. */
export function zooLines(rows: readonly ZooRow[], { method }: Pick<ZooRun, "method">): string {
  const s = summaryOf(rows);
  return [
    `${s.markets} markets: ${s.solved} solved, ${s.infeasible} infeasible, ${s.wrongStatus} otherwise than the central twin`,
    `gap against central, of gross turnover: median ${s.gap.median.toExponential(1)}, largest ${s.gap.largest.toExponential(1)} (claimed: ${CLAIMS.gap})`,
    `evaluations of ${method} to the certified end: median ${s.evaluations.median}, most ${s.evaluations.largest}; against the better plain median ${s.ratio.median.toFixed(2)} (claimed: ${CLAIMS.medianRatio}), most ${s.ratio.largest.toFixed(2)} (claimed: ${CLAIMS.plainFactor} and ${CLAIMS.plainExtra} evaluations)`,
    `plain ended in ${s.plainEnded.without} of those solved, with the vanishing regularisation in ${s.plainEnded.with}; the others were stopped when that was clear`,
    ...(s.sessions
      ? [
          `sessions: ${Object.entries(s.sessions)
            .map(([verdict, number]) => `${number} ${verdict}`)
            .join(", ")}`,
        ]
      : []),
    ...rows.flatMap(failureLines),
    ...s.failures,
  ].join("\n");
}
