import { scatterFigure } from "../../report/figures.ts";
import { CLAIMS, type ZooRow } from "../bench/zooRow.ts";
import { partsOf, type ZooPart } from "../bench/zooRecord.ts";
import { InputError } from "../../io/inputError.ts";
import type { Cell, Experiment } from "./common.ts";

/** Where `gridpact bench zoo --json` keeps its rows, from the project's root. */
export const ZOO_RECORD = "bench/zoo.json";

const HEADER =
  "part,seed,prosumers,periods,minutes,sizeKw,kv,devices,limits,prices,pairs,risk,carbon,central,status,evaluations,plain,plainVanishing,timesPlain,gapOfTurnover,session,refused";

const countOf = (run: ZooRow["plain"]): Cell =>
  run === undefined ? "" : run.status === "solved" ? run.evaluations : `> ${run.evaluations}`;

const cellsOf =
  (part: ZooPart) =>
  ({ seed, traits: t, ...r }: ZooRow): Cell[] => [
    part.seed,
    ...[seed, t.prosumers, t.periods, t.minutes, t.sizeKw, t.kv, t.devices, t.limits, t.prices, t.pairs, t.risk],
    t.carbon ? "yes" : "no",
    ...[r.central, r.status, r.evaluations, countOf(r.plain), countOf(r.plainVanishing)],
    ...[
      r.ratio ?? "",
      r.gap ?? "",
      r.session?.verdict ?? "",
      r.session?.verdict === "refused" ? whyOf({ session: r.session }) : "",
    ],
  ];

/** A refusal's kind: the sentence without this market's own numbers and names. */
export const whyOf = ({ session }: Pick<ZooRow, "session">): string =>
  (session?.detail ?? "")
    .replace(/^\S+ = \S+: /, "")
    .replace(/prosumer \d+/g, "a prosumer")
    .replace(/-?\d[\d.,e+-]*/g, "N")
    .split(/[;:]/)
    .slice(0, 3)
    .join(":");

function textOf(part: ZooPart): string {
  const { summary: s, rows } = part;
  const command = `gridpact bench zoo --seed ${part.seed} --count ${part.count} --json ${ZOO_RECORD}`;
  const reasons = new Map<string, number>();
  for (const row of rows.filter(({ session }) => session?.verdict === "refused"))
    reasons.set(whyOf(row), (reasons.get(whyOf(row)) ?? 0) + 1);
  const sessions =
    s.sessions === undefined
      ? ""
      : ` Sessions on a chain: ${s.sessions.valid} settled and valid, ${s.sessions.invalid} settled and invalid, ${s.sessions.undecided} undecided, ${s.sessions.failed} failed, ${s.sessions.refused} refused before money moved${reasons.size === 0 ? "" : ` (${[...reasons].map(([why, n]) => `${n}: ${why}`).join("; ")})`}.`;
  const shown = rows.flatMap(({ seed, failures }) => failures.map((failure) => `${seed}: ${failure}`));
  return [
    `**Seeds ${part.seed} to ${(part.seed + part.count - 1) % 2 ** 32}** (\`${command}\`${part.run ? " with --run" : ""}, code ${part.code}): ${s.markets} markets, ${s.solved} solved, ${s.infeasible} infeasible, ${s.wrongStatus} otherwise than the central twin.`,
    `Gap to the central optimum: median ${s.gap.median.toExponential(1)}, largest ${s.gap.largest.toExponential(1)} of gross turnover.`,
    `Evaluations: median ${s.evaluations.median}, most ${s.evaluations.largest}; against the better plain median ${s.ratio.median.toFixed(2)}, most ${s.ratio.largest.toFixed(2)}; plain ended in ${s.plainEnded.without} without and ${s.plainEnded.with} with the vanishing regularisation, within three times the default's evaluations and 60.`,
    `Beyond what is claimed: ${shown.length === 0 ? "nothing" : shown.join("; ")}.${sessions}`,
  ].join(" ");
}

/** The zoo's record as a page: it is `gridpact bench zoo` that clears. */
export function zooExperiment(file: string = ZOO_RECORD): Experiment {
  const parts = partsOf(file);
  if (parts.length === 0)
    throw new InputError(`experiment zoo: ${file} has no markets; gridpact bench zoo --json ${file}`);
  return {
    title: "A zoo of markets",
    header: HEADER.split(","),
    rows: parts.flatMap((part) => part.rows.map(cellsOf(part))),
    figures: {
      "": scatterFigure(
        { title: "Evaluations to the certified end", x: "plain iterations that ended", y: "default method" },
        parts.map((part) => ({
          name: `from seed ${part.seed}`,
          points: part.rows.flatMap(({ evaluations, plain, plainVanishing }): [number, number][] => {
            const ended = [plain, plainVanishing].flatMap((run) => (run?.status === "solved" ? run.evaluations : []));
            return ended.length === 0 ? [] : [[Math.min(...ended), evaluations]];
          }),
        })),
        { xLog: true, yLog: true },
      ),
    },
    text: [
      `Generated markets: .5 kW to 20 MW a prosumer, .4 to 20 kV, 1 to 60 prosumers, 1 to 96 periods of 5 to 60 minutes. Each is cleared by the central twin, by the default method and by plain iterations without and with the vanishing regularisation. Claimed of each: the twin's status, a gap of at most ${CLAIMS.gap} of gross turnover, at most ${CLAIMS.plainFactor} times the better plain's evaluations and ${CLAIMS.plainExtra}, no session that settles and is not valid; of all: a median of at most ${CLAIMS.medianRatio} of plain's evaluations. Every market is had again from its seed. This page is made of ${ZOO_RECORD}, which \`gridpact bench zoo\` writes.`,
      ...parts.map(textOf),
    ],
  };
}
