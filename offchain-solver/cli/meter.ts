import { extname } from "node:path";
import { Command } from "commander";
import { InputError } from "../io/inputError.ts";
import { choiceOption, note, numberOption, say } from "../io/output.ts";
import { readText } from "../io/readJson.ts";
import { terminalTable } from "../io/terminalTable.ts";
import { checkTarget, writeJson } from "../io/target.ts";
import { readEda } from "../metering/eda.ts";
import { MOST_KW, type Interval } from "../metering/intervals.ts";
import { listen, readMessage } from "../metering/mqtt.ts";
import { readPortal } from "../metering/portal.ts";
import { Collected, type Points } from "../metering/readings.ts";
import { ReadingsJsonSchema } from "../records/meterJson.ts";
import { noFindings, refuseIfWrong } from "../scenarios/community/findings.ts";
import { UNITS, type Unit } from "../scenarios/community/meterColumns.ts";
import { zoneClock, type ZoneClock } from "../scenarios/community/zoneClock.ts";
import { stampMs } from "../scenarios/stamps.ts";
import { cellComplaint, readTable } from "../scenarios/table.ts";
import { correctCommand } from "./meterCorrect.ts";
import { enterCommand } from "./meterEnter.ts";

type Arguments = {
  points: string;
  from: string;
  hours: number;
  minutes: number;
  mostKw: number;
  json?: string;
};
type FileArguments = Arguments & { zone: string; unit?: Unit; stamps: "start" | "end" };
type BrokerArguments = Arguments & { broker: string; topic: string; clientId: string; wait: number };

const withSpan = (command: Command): Command =>
  command
    .requiredOption(
      "--points <file>",
      "table: point,prosumer,generation (yes: all that it feeds in was generated, or no)",
    )
    .requiredOption("--from <time>", "start of the first period, with its zone: 2026-07-15T00:00+02:00")
    .option("--hours <hours>", "how long", numberOption("--hours", 1, 25, true), 24)
    .option("--minutes <minutes>", "length of a period", numberOption("--minutes", 5, 60, true), 60)
    .option("--most-kw <kw>", "no connection draws or feeds more", numberOption("--most-kw", 0.001, 1e6), MOST_KW)
    .option("--json <file>", "write the readings there; - is stdout");

export function meterCommand(): Command {
  const meter = new Command("meter").description("what meters say of a session, as readings");
  meter.addCommand(
    withSpan(new Command("read"))
      .description("from a portal's tables (.csv, .txt, .xlsx) and a grid operator's consumption records (.xml)")
      .argument("<files...>", "named after its point, or after its register with a column a point")
      .option("--zone <zone>", "clock of tables whose stamps say no zone", "UTC")
      .option("--unit <unit>", "unit of columns that do not name theirs", choiceOption("--unit", UNITS))
      .option(
        "--stamps <which>",
        "start or end of a row's interval",
        choiceOption("--stamps", ["start", "end"]),
        "start",
      )
      .action(readFiles),
  );
  meter.addCommand(
    withSpan(new Command("listen"))
      .description("from meters that publish to a message broker, until every period is there or the wait is over")
      .requiredOption("--broker <url>", "mqtt://HOST:PORT or mqtts://...")
      .option("--topic <topic>", "what to listen to", "gridpact/meters/#")
      .option("--client-id <name>", "under which the broker keeps messages while nobody listens", "gridpact")
      .option("--wait <seconds>", "at most", numberOption("--wait", 1, 200_000), 3600)
      .action(listenTo),
  );
  meter.addCommand(enterCommand());
  meter.addCommand(correctCommand());
  return meter;
}

async function readFiles(files: readonly string[], args: FileArguments): Promise<void> {
  checkTarget(args.json, "--json", [args.points, ...files]);
  const clock = clockOf(args.zone);
  const { points, panels, collected } = spanOf(args);
  const found = noFindings();
  const intervals: Interval[] = [];
  for (const file of files) {
    if (/^\.xml$/i.test(extname(file))) {
      const generates = (point: string): boolean => panels.has(point);
      intervals.push(...readEda({ file, xml: readText(file) }, found, { mostKw: args.mostKw, generates }));
    } else {
      const options = { stamps: args.stamps, headLine: 1, unit: args.unit, most: args.mostKw };
      intervals.push(...(await readPortal(file, options, clock, found)));
    }
  }
  const [first, ...more] = found.wrong;
  for (const one of more) note(one);
  if (first !== undefined) refuseIfWrong({ ...found, wrong: [first] }, "");
  for (const interval of intervals) collected.add(interval);
  finish(args, collected, points);
}

async function listenTo(args: BrokerArguments): Promise<void> {
  checkTarget(args.json, "--json", [args.points]);
  const { points, collected } = spanOf(args);
  const wrong: string[] = [];
  const { broker, topic, clientId } = args;
  let enough = (): void => {};
  const done = new Promise<void>((resolve) => (enough = resolve));
  const heard = (at: string, text: string): void => {
    const read = readMessage(at, text, args.mostKw);
    if (typeof read === "string") {
      note(read);
      wrong.push(read);
      return;
    }
    for (const interval of read) collected.add(interval);
    if (collected.complete()) enough();
  };
  const listening = await listen(broker, { topic, clientId }, { heard, lost: (why) => note(`${broker}: ${why}`) });
  const timer = setTimeout(enough, 1000 * args.wait);
  await done;
  clearTimeout(timer);
  await listening.close();
  finish(args, collected, points, wrong);
}

function clockOf(zone: string): ZoneClock {
  const clock = zoneClock(zone);
  if (clock === undefined) throw new InputError(`--zone ${zone}: is no time zone such as Europe/Vienna`);
  return clock;
}

function spanOf(args: Arguments): { points: Points; panels: ReadonlySet<string>; collected: Collected } {
  const { from, hours, minutes } = args;
  const ms = stampMs(from);
  const fault = typeof ms === "string" ? ms : ms % (60_000 * minutes) !== 0 ? "is off the periods" : undefined;
  if (fault !== undefined) throw new InputError(`--from ${from}: ${fault}`);
  if (60 % minutes !== 0) throw new InputError(`--minutes ${minutes}: does not divide an hour`);
  const { points, panels } = readPoints(args.points);
  const span = { start: (ms as number) / 1000, seconds: 60 * minutes, periods: (60 / minutes) * hours };
  return { points, panels, collected: new Collected(points, span) };
}

/** Whose each metering point is, and at which ones everything that is fed in was generated. */
function readPoints(file: string): { points: Points; panels: ReadonlySet<string> } {
  const table = readTable(readText(file), file, { columns: { point: "text", prosumer: "number", generation: "text" } });
  const points = new Map<string, number>();
  const panels = new Set<string>();
  const generation = table.texts.get("generation")!;
  table.texts.get("point")!.forEach((point, k) => {
    const prosumer = table.numbers.get("prosumer")![k];
    const fail = (column: string, value: string, reason: string): never => {
      throw cellComplaint(file, table.lines[k], column, value, reason);
    };
    if (!Number.isInteger(prosumer) || prosumer < 1 || prosumer >= 0xfffffffd)
      fail("prosumer", String(prosumer), "is no account of a registry");
    if (points.has(point)) fail("point", point, "is here already");
    const panel = generation[k];
    if (panel !== "yes" && panel !== "no") fail("generation", panel, "yes or no was expected");
    points.set(point, prosumer);
    if (panel === "yes") panels.add(point);
  });
  return { points, panels };
}

function finish({ json }: Arguments, collected: Collected, points: Points, wrong: readonly string[] = []): void {
  const readings = collected.readings();
  const notes = [...wrong, ...collected.notes];
  const record = ReadingsJsonSchema.parse({ readings, notes });
  if (json !== undefined) writeJson(json, record);
  if (json === "-") return;
  for (const one of collected.notes) note(one);
  const rows = [...new Set(points.values())].map((prosumer) => {
    const own = readings.filter((reading) => reading.prosumer === prosumer);
    const sum = (field: "meteredWh" | "renewableWh"): string => String(own.reduce((all, r) => all + r[field], 0));
    const count = (quality: string): string => String(own.filter((r) => r.quality === quality).length);
    return [
      prosumer,
      sum("meteredWh"),
      sum("renewableWh"),
      count("measured"),
      count("estimated"),
      count("missing"),
    ].map(String);
  });
  say(terminalTable(["prosumer", "fed in net, Wh", "generated, Wh", "measured", "estimated", "missing"], rows));
}
