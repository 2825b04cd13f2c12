import { Command } from "commander";
import { carbonExperiment } from "./experiments/carbon.ts";
import { write, type Experiment } from "./experiments/common.ts";
import { dataSizeExperiment } from "./experiments/dataSize.ts";
import { jointExperiment } from "./experiments/joint.ts";
import { networkExperiment } from "./experiments/network.ts";
import { riskExperiment } from "./experiments/risk.ts";
import { choiceOption } from "./output.ts";

const EXPERIMENTS: Readonly<Record<string, () => Experiment>> = {
  risk: riskExperiment,
  network: networkExperiment,
  carbon: carbonExperiment,
  joint: jointExperiment,
  "data-size": dataSizeExperiment,
};

export function experimentCommand(): Command {
  const names = Object.keys(EXPERIMENTS);
  return new Command("experiment")
    .description("measure one of the experiments in docs/experiments again: CSV, SVG and a page of Markdown")
    .argument("<name>", names.join(", "), choiceOption("experiment", names))
    .option("--out <dir>", "where the files go", "docs/experiments")
    .action((name: string, args: { out: string }) => {
      const started = Date.now();
      const files = write(args.out, name, `gridpact experiment ${name}`, EXPERIMENTS[name]());
      console.log(`${files.join("\n")}\n${((Date.now() - started) / 1000).toFixed(0)} s`);
    });
}
