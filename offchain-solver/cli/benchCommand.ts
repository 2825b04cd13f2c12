import { Command } from "commander";
import { bench, BENCH_METHODS, type BenchMethod } from "../study/bench/bench.ts";
import { argumentOf, instanceOf, INSTANCES } from "../study/bench/benchInstance.ts";
import { InputError } from "../io/inputError.ts";
import { numberOption } from "../io/output.ts";
import { checkTarget } from "../io/target.ts";
import { hoursOption } from "./clearOptions.ts";
import { zooCommand } from "./zooCommand.ts";

/** "gsa,anderson": the methods of those short names. */
export function methodsOf(text: string): BenchMethod[] {
  const nameOfMethod = (m: BenchMethod): string => m.short ?? m.method;
  return text.split(",").map((name) => {
    const found = BENCH_METHODS.find((m) => nameOfMethod(m) === name);
    if (found) return found;
    throw new InputError(`--only ${name}: must be some of ${BENCH_METHODS.map(nameOfMethod).join(", ")}`);
  });
}

export function benchCommand(): Command {
  return new Command("bench")
    .description(
      "measure every method on the same instances: iterations, messages, times as ratios to the central twin",
    )
    .argument(
      "[instances...]",
      "cases by name or file; CASE:0.1 at another eps, CASE:gaussian with another risk method, CASE:x0.95 with other forecasts",
      INSTANCES.map(argumentOf),
    )
    .option("--hours <n>", "only the first n hours by the clock: 4 n periods of quarter-hours", hoursOption())
    .option("--max-iterations <n>", "give up after this many", numberOption("--max-iterations", 1, 1e6, true))
    .option("--rho-scan", "find plain iterations' best of nine rhos too, and compare every method with it")
    .option("--reclear", "clear again after forecasts changed by 5 %, cold and warm, by the last of the methods")
    .option(
      "--workers <n>",
      "from 2 up: time every method on so many threads too",
      numberOption("--workers", 1, 256, true),
      1,
    )
    .option("--only <methods>", "some of the methods: admm,vanishing,relaxed,gsa,gsa1,anderson", methodsOf)
    .option("--json <file>", "write the record there", "bench/clearing.json")
    .action(
      (
        instances: string[],
        args: {
          hours?: number;
          maxIterations?: number;
          rhoScan?: true;
          reclear?: true;
          workers: number;
          only?: BenchMethod[];
          json: string;
        },
      ) => {
        checkTarget(args.json);
        bench({
          instances: instances.map(instanceOf),
          json: args.json,
          workers: args.workers,
          ...(args.only === undefined ? {} : { methods: args.only }),
          ...(args.hours === undefined ? {} : { hours: args.hours }),
          ...(args.rhoScan === undefined ? {} : { rhoScan: true }),
          ...(args.reclear === undefined ? {} : { reclear: true }),
          ...(args.maxIterations === undefined ? {} : { maxIterations: args.maxIterations }),
        });
      },
    )
    .addCommand(zooCommand());
}
