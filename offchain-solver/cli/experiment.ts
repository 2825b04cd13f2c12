import { join } from "node:path";
import { Command } from "commander";
import { InputError } from "../io/inputError.ts";
import { carbonExperiment } from "../study/experiments/carbon.ts";
import { filesOf, write, type Experiment } from "../study/experiments/common.ts";
import { convergenceExperiment } from "../study/experiments/convergence.ts";
import { dataSizeExperiment } from "../study/experiments/dataSize.ts";
import { intradayExperiment } from "../study/experiments/intraday.ts";
import { jointExperiment } from "../study/experiments/joint.ts";
import { mandatesExperiment } from "../study/experiments/mandates.ts";
import { networkExperiment } from "../study/experiments/network.ts";
import { promiseExperiment } from "../study/experiments/promise.ts";
import { reclearingExperiment } from "../study/experiments/reclearing.ts";
import { replayExperiment } from "../study/experiments/replay.ts";
import { riskExperiment } from "../study/experiments/risk.ts";
import { roundingExperiment } from "../study/experiments/rounding.ts";
import { scaleExperiment, SIZES } from "../study/experiments/scale.ts";
import { sizesExperiment } from "../study/experiments/sizes.ts";
import { zooExperiment } from "../study/experiments/zooPage.ts";
import { shippedNames } from "../scenarios/loadScenario.ts";
import { choiceOption, numberOption, say } from "../io/output.ts";
import { checkDistinct, checkFolder, checkTarget } from "../io/target.ts";

type Sizes = {
  readonly hours?: number;
  readonly iterations?: number;
  readonly maxIterations?: number;
  readonly large?: boolean;
  readonly most?: number;
  readonly tries?: number;
  readonly solve?: number;
  readonly days?: number;
  readonly every?: number;
  readonly keep?: string;
  readonly scenario?: string;
  readonly sustain?: number;
  readonly agents?: boolean;
};

/** An experiment and the options that it listens to. */
type Entry = {
  readonly run: (sizes: Sizes) => Experiment | Promise<Experiment>;
  readonly takes: readonly (keyof Sizes)[];
};
const ofHours = (run: (sizes: Sizes) => Experiment): Entry => ({ run, takes: ["hours"] });

const EXPERIMENTS: Readonly<Record<string, Entry>> = {
  risk: ofHours(riskExperiment),
  network: ofHours(networkExperiment),
  carbon: ofHours(carbonExperiment),
  joint: ofHours(jointExperiment),
  mandates: ofHours(mandatesExperiment),
  "data-size": ofHours(dataSizeExperiment),
  zoo: { run: () => zooExperiment(), takes: [] },
  sizes: { run: sizesExperiment, takes: ["hours"] },
  rounding: { run: roundingExperiment, takes: ["hours"] },
  convergence: { run: convergenceExperiment, takes: ["hours", "maxIterations"] },
  promise: { run: promiseExperiment, takes: ["hours", "scenario", "keep", "tries"] },
  replay: { run: replayExperiment, takes: ["hours", "scenario", "sustain", "agents", "keep"] },
  intraday: { run: intradayExperiment, takes: ["hours", "scenario", "days", "every", "sustain", "agents", "keep"] },
  reclearing: { run: reclearingExperiment, takes: ["hours", "most"] },
  scale: {
    run: ({ large, most = Infinity, ...rest }) =>
      scaleExperiment({
        ...rest,
        sizes: (large === true ? [...SIZES, 10_000] : SIZES).filter((size) => size <= most),
      }),
    takes: ["hours", "iterations", "large", "most", "solve"],
  },
};

const flagOf = (option: string): string => `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

export function experimentCommand(): Command {
  const names = Object.keys(EXPERIMENTS);
  return new Command("experiment")
    .description("measure one of the experiments in docs/experiments again: CSV, SVG and a page of Markdown")
    .argument("<name>", names.join(", "), choiceOption("experiment", names))
    .option("--out <dir>", "where the files go", "docs/experiments")
    .option("--hours <n>", "only the first n hours of every case, to try it out", numberOption("--hours", 1, 24, true))
    .option(
      "--max-iterations <n>",
      "convergence: give up after this many",
      numberOption("--max-iterations", 1, 1e6, true),
    )
    .option("--iterations <n>", "scale: how many are timed", numberOption("--iterations", 3, 1e6, true))
    .option("--solve <n>", "scale: clear so many to the tolerance too", numberOption("--solve", 2, 10_000, true))
    .option(
      "--most <n>",
      "reclearing, scale: only cases of at most so many prosumers",
      numberOption("--most", 14, 10_000, true),
    )
    .option("--days <n>", "intraday: only so many held-out days", numberOption("--days", 1, 1000, true))
    .option("--every <hours>", "intraday: only what is cleared again so often", numberOption("--every", 1, 24, true))
    .option("--keep <file>", "intraday, promise, replay: what was already measured, to go on from and to add to")
    .option(
      "--scenario <name>",
      "replay, promise, intraday: this case, on a page of its own",
      choiceOption("--scenario", shippedNames("scenarios")),
    )
    .option(
      "--sustain <hours>",
      "intraday: only answers that last so long; replay: and by the hour",
      numberOption("--sustain", 0, 24, true),
    )
    .option("--agents", "replay, intraday: cleared by the agents, for large feeders whose answers last long")
    .option("--tries <n>", "promise: at most so many eps that are not kept yet", numberOption("--tries", 0, 100, true))
    .option("--large", "scale: 10,000 prosumers too; takes an hour and much memory")
    .action(async (name: string, { out, ...sizes }: { out: string } & Sizes) => {
      const { run, takes } = EXPERIMENTS[name];
      const given = Object.keys(sizes) as (keyof Sizes)[];
      const stray = given.find((option) => !takes.includes(option));
      if (stray !== undefined) throw new InputError(`experiment ${name}: it takes no ${flagOf(stray)}`);
      const page = sizes.scenario === undefined ? name : `${name}-${sizes.scenario}`;
      checkFolder(out);
      // What is kept is added when its work is done.
      checkTarget(sizes.keep, "--keep");
      for (const file of filesOf(page)) checkDistinct({ "--out": join(out, file), "--keep": sizes.keep });
      const command = ["gridpact experiment", name]
        .concat(given.map((option) => (sizes[option] === true ? flagOf(option) : `${flagOf(option)} ${sizes[option]}`)))
        .join(" ");
      const started = Date.now();
      const files = write(out, page, command, await run(sizes));
      say(`${files.join("\n")}\n${((Date.now() - started) / 1000).toFixed(0)} s`);
    });
}
