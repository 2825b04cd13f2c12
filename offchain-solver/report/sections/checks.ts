/** The linear model against AC, and how the iterations went. */
import * as Checks from "../charts/checks.ts";
import { loadings, number, total } from "../derive.ts";
import { card, grid, legend, numbers, said, table, rowCount } from "../page.ts";
import { currencyOf, inWords } from "../labels.ts";
import { periodName } from "../periods.ts";
import { framed } from "../plot.ts";
import { METHODS, type Session } from "./session.ts";

const FIRST = { colour: Checks.FIRST.stroke, line: "solid" } as const;
const SECOND = { colour: Checks.SECOND.stroke, line: "dashed" } as const;
const LIMIT = { colour: "var(--bad)", line: "dotted" } as const;

export function networkCheck(session: Session): string {
  const { clearing, scenario } = session;
  const { voltage, ac } = clearing.network;
  const loading = loadings(clearing.network, scenario.feeder).map((row) => 100 * Math.max(0, ...row));
  const models = legend([
    { ...FIRST, text: "LinDistFlow" },
    { ...SECOND, text: "AC sweep" },
    { ...LIMIT, text: "limit" },
  ]);
  // Without a rating there is no loading: 0 % would say that the lines are idle.
  const rated = Checks.rated(scenario);
  const rows = voltage.map((row, t) => [
    periodName(scenario, t),
    number(Math.min(...row), 4),
    number(ac.minVoltage[t], 4),
    number(Math.max(...row), 4),
    number(ac.maxVoltage[t], 4),
    ...(rated ? [number(loading[t], 1), number(100 * ac.maxLoading[t], 1)] : []),
  ]);
  const head = ["Lowest, p.u.", "by AC", "Highest, p.u.", "by AC", ...(rated ? ["Loading, %", "by AC"] : [])];
  const off = clearing.settings.network
    ? ""
    : "The network's limits were switched off in the clearing: what is shown may be beyond them.";
  return grid(
    card(
      "Lowest and highest voltage",
      models +
        framed((frame) => Checks.acVoltageChart(session, frame)) +
        numbers(`Both models in every period, ${rowCount(rows)}`, table(["Period", ...head], rows)),
      { note: off },
    ),
    card(
      "Highest loading",
      rated
        ? models + framed((frame) => Checks.acLoadingChart(session, frame))
        : said("No branch of this feeder has a rating."),
    ),
  );
}

/** Empty for the central method, which has no iterations to show. */
export function convergence({ clearing, scenario }: Session): string {
  if (clearing.residuals.length === 0) return "";
  const regrets = total(clearing.prosumers.map(({ regret }) => regret));
  const effort = table(
    ["Status", clearing.status],
    [
      ["Iterations", number(clearing.iterations, 0)],
      ["Evaluations, rejected steps counted in", number(clearing.evaluations, 0)],
      ["Messages", number(clearing.messages, 0)],
      ["Bytes", number(clearing.bytes, 0)],
      ["Time", `${number(clearing.wallMs / 1000, 2)} s`],
      [inWords(scenario, "Sum of the prosumers' regrets"), `${regrets.toExponential(2)} ${currencyOf(scenario).whole}`],
    ],
  );
  const keys = legend([
    { ...FIRST, text: "primal" },
    { ...SECOND, text: "dual" },
    { ...LIMIT, text: "tolerance" },
  ]);
  return grid(
    card("Residuals", keys + framed((frame) => Checks.residualChart(clearing, frame)), {
      note: "Largest over the products; solved when both are at most 1.",
    }),
    card("Effort", effort, {
      note: inWords(
        scenario,
        `By ${METHODS[clearing.settings.method]}. A regret is what a prosumer could still gain at these prices.`,
      ),
    }),
  );
}
