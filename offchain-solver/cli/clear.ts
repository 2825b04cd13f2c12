import { Command } from "commander";
import Table from "cli-table3";
import type { ClearingJson } from "../records/clearingJson.ts";
import { createNetwork } from "../market/formulation/network.ts";
import { clearTightened, passes } from "../simulation/acMargin.ts";
import { clear, type ClearedSession } from "../simulation/clear.ts";
import { toClearingJson } from "../simulation/clearingRecord.ts";
import { readState, stateOf } from "../simulation/clearingState.ts";
import { InputError } from "../io/inputError.ts";
import { outOfSample } from "../simulation/outOfSample/monteCarlo.ts";
import { addClearOptions, clearOptions, inputsOf, readScenario, type ClearArguments } from "./clearOptions.ts";
import { Exit } from "./exit.ts";
import { choiceOption, numberOption, visible } from "../io/output.ts";
import { checkDistinct, checkTarget, writeJson, writeText } from "../io/target.ts";
import { outOfSampleFigure, outOfSampleTable, tighteningLines } from "../study/outOfSample.ts";

type ClearOnlyArguments = ClearArguments & {
  json?: string;
  figure?: string;
  reserve: "joint" | "sequential";
  monteCarlo?: number;
  warm?: string;
  saveState?: string;
  drawSeed: number;
};

export function clearCommand(): Command {
  return addClearOptions(
    new Command("clear")
      .description("clear a scenario's market, nothing else")
      .argument("<scenario>", "a case's name (ieee15, ieee141) or a file; with --population a feeder too"),
    { settled: false },
  )
    .option(
      "--reserve <joint|sequential>",
      "sequential: energy first with deterministic limits, its trades fixed, then reserve",
      choiceOption("--reserve", ["joint", "sequential"] as const),
      "joint",
    )
    .option(
      "--monte-carlo <draws>",
      "afterwards, count violations in held-out and other errors",
      numberOption("--monte-carlo", 1, 1e6, true),
    )
    .option("--draw-seed <s>", "of --monte-carlo", numberOption("--draw-seed", 0, 0xffffffff, true), 1)
    .option("--figure <file>", "with --monte-carlo: the violations as an SVG")
    .option("--save-state <file>", "write there where the agents stand at the end, for --warm")
    .option("--warm <file>", "go on from a saved state: the same market with newer forecasts")
    .option("--json <file>", "write clearing.json there; - is stdout")
    .action((name: string, args: ClearOnlyArguments) => {
      const inputs = [...inputsOf(name), ...(args.warm === undefined ? [] : [args.warm])];
      checkTarget(args.json, "--json", inputs);
      checkTarget(args.figure, "--figure", inputs);
      checkTarget(args.saveState, "--save-state", inputs);
      checkDistinct({ "--json": args.json, "--figure": args.figure, "--save-state": args.saveState });
      if (args.figure !== undefined && args.monteCarlo === undefined)
        throw new InputError(`--figure ${args.figure}: there is nothing to draw without --monte-carlo`);
      for (const [flag, file] of [
        ["--warm", args.warm],
        ["--save-state", args.saveState],
      ] as const)
        if (file !== undefined && (args.method === "central" || args.reserve === "sequential"))
          throw new InputError(`${flag} ${file}: only agents that clear energy and reserve at once have a state`);
      const scenario = readScenario(name, args);
      const { options: shared, done } = clearOptions(scenario, args);
      const options = {
        ...shared,
        reserve: args.reserve,
        ...(args.warm !== undefined && { warm: { file: args.warm, state: readState(args.warm) } }),
      };
      const tightened =
        args.tighten === "auto" ? clearTightened(scenario, options, (market) => createNetwork(market)) : undefined;
      const session = tightened?.session ?? clear(scenario, options);
      done();
      if (session.status !== "solved")
        throw new Exit(3, `${scenario.name}: ${session.status}${session.reason ? `: ${session.reason}` : ""}`);
      const outcome = session.outcome as NonNullable<ClearedSession["outcome"]>;
      const sampled =
        args.monteCarlo === undefined
          ? undefined
          : outOfSample(
              session.market,
              createNetwork(session.market),
              outcome.solution,
              args.monteCarlo,
              args.drawSeed,
            );
      const json = toClearingJson(session, options, {
        ...(sampled && { outOfSample: sampled as ClearingJson["outOfSample"] }),
        ...(tightened && {
          tightening: {
            ...tightened.tightening,
            passed: passes(tightened.measured[tightened.measured.length - 1]),
            measured: [...tightened.measured],
          },
        }),
      });
      if (args.saveState && session.consensus) writeJson(args.saveState, stateOf(session.market, session.consensus));
      if (args.json) writeJson(args.json, json);
      if (sampled && args.figure) writeText(args.figure, outOfSampleFigure(scenario.name, sampled));
      if (args.json === "-") return;
      console.log(summary(session, json));
      if (tightened) console.log(tighteningLines(tightened));
      if (sampled) console.log(outOfSampleTable(sampled));
    });
}

function loadingOf({ market }: ClearedSession, { network }: ReturnType<typeof toClearingJson>): string {
  if (market.scenario.feeder.branches.every(({ ratingMva }) => ratingMva === null)) return "no branch has a rating";
  return `loading at most ${(100 * Math.max(...network.ac.maxLoading)).toFixed(1)} %`;
}

/** What people look at first: how it ended, what it costs, what each prosumer pays. */
export function summary(session: ClearedSession, json: ReturnType<typeof toClearingJson>): string {
  const outcome = session.outcome as NonNullable<ClearedSession["outcome"]>;
  const regret = outcome.regrets.reduce((a, b) => a + b, 0);
  const table = new Table({
    head: ["prosumer", "bus", "device cost $", "energy $", "reserve $", "carbon $", "network $", "total $"],
    colAligns: Array.from({ length: 8 }, () => "right" as const),
    style: { head: [], border: [] },
  });
  for (const p of json.prosumers) {
    const { energy, reserve, carbon, network } = p.payment;
    table.push([
      p.id,
      p.bus,
      ...[p.cost, energy, reserve, carbon, network, p.cost + energy + reserve + carbon + network].map((v) =>
        v.toFixed(2),
      ),
    ]);
  }
  const { report, result } = outcome.quantised;
  return [
    `${visible(json.scenario)}: ${json.status} by ${json.settings.method} in ${json.iterations} ${json.settings.method === "central" ? "solves" : "iterations"}, ${(json.wallMs / 1000).toFixed(1)} s`,
    `objective ${json.objective.toFixed(4)} $, regrets add up to ${regret.toExponential(1)} $ (${(regret / Math.abs(json.objective)).toExponential(1)} of it)`,
    `${result.trades.length} trades to post; netting left ${report.postedEnergy} of ${report.pairTrades} energy trades and moved no payment by more than ${report.paymentShift.toExponential(1)} $`,
    `AC sweep: voltage ${Math.min(...json.network.ac.minVoltage).toFixed(4)} to ${Math.max(...json.network.ac.maxVoltage).toFixed(4)} p.u., ${loadingOf(session, json)}`,
    table.toString(),
  ].join("\n");
}
