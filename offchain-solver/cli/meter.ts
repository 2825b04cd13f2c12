import { extname } from "node:path";
import { Command } from "commander";
import { InputError } from "../io/inputError.ts";
import { choiceOption, note, numberOption, say } from "../io/output.ts";
import { readText } from "../io/readJson.ts";
import { terminalTable } from "../io/terminalTable.ts";
import { checkTarget, writeJson } from "../io/target.ts";
import { readEda } from "../metering/eda.ts";
import { MOST_KW, type Interval } from "../metering/intervals.ts";
import { listen, pointIn, readMessage } from "../metering/mqtt.ts";
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
  const { points, collected } = spanOf(args);
  const found = noFindings();
  const read: Interval[][] = [];
  for (const file of files) {
    if (/^\.xml$/i.test(extname(file))) {
      read.push(readEda({ file, xml: readText(file) }, found, { mostKw: args.mostKw }));
    } else {
      const options = { stamps: args.stamps, headLine: 1, unit: args.unit, most: args.mostKw };
      read.push(await readPortal(file, options, clock, found));
    }
  }
  const [first, ...more] = found.wrong;
  for (const one of more) note(one);
  if (first !== undefined) refuseIfWrong({ ...found, wrong: [first] }, "");
  for (const intervals of read) for (const interval of intervals) collected.add(interval);
  if (collected.empty) throw nothingRead(args, points, files.join(", "), collected.notes);
  for (const one of found.assumed) collected.notes.push(one);
  finish(args, collected, points);
}

async function listenTo(args: BrokerArguments): Promise<void> {
  checkTarget(args.json, "--json", [args.points]);
  const { points, collected } = spanOf(args);
  const refused = new Refused();
  const { broker, topic, clientId } = args;
  let enough = (): void => {};
  const done = new Promise<void>((resolve) => (enough = resolve));
  const heard = (at: string, text: string): void => {
    const read = readMessage(at, text, args.mostKw);
    if (typeof read === "string") {
      note(read);
      refused.add(pointIn(text) ?? at, read);
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
  if (collected.empty) throw nothingRead(args, points, `${broker}: ${topic}`, [...refused.all, ...collected.notes]);
  collected.refuseCounters();
  refused.summarise(collected);
  finish(args, collected, points, refused.all);
}

/** Messages that were refused, and by point or topic how many. */
class Refused {
  readonly all: string[] = [];
  readonly #by = new Map<string, { readonly count: number; readonly first: string }>();

  add(whose: string, why: string): void {
    this.all.push(why);
    const own = this.#by.get(whose) ?? { count: 0, first: why };
    this.#by.set(whose, { ...own, count: own.count + 1 });
  }

  /** Notes of whom nothing else was heard. */
  summarise(collected: Collected): void {
    for (const [whose, { count, first }] of this.#by)
      if (!collected.hasHeard(whose))
        collected.notes.push(`${whose}: all of its messages, ${count}, were refused: ${first}`);
  }
}

/** That no value at all is of these points and periods: such readings would say that every meter is dead. */
function nothingRead({ from, hours }: Arguments, points: Points, source: string, why: readonly string[]): InputError {
  const names = [...points.keys()];
  const whose = `${names.slice(0, 6).join(", ")}${names.length > 6 ? ", ..." : ""}`;
  const first = why.length === 0 ? "" : `; ${why[0]}${why.length > 1 ? ` (and ${why.length - 1} more)` : ""}`;
  return new InputError(`${source}: has no value of ${whose} in the ${hours} hours from ${from}${first}`);
}

function clockOf(zone: string): ZoneClock {
  const clock = zoneClock(zone);
  if (clock === undefined) throw new InputError(`--zone ${zone}: is no time zone such as Europe/Vienna`);
  return clock;
}

function spanOf(args: Arguments): { points: Points; collected: Collected } {
  const { from, hours, minutes } = args;
  const ms = stampMs(from);
  const fault = typeof ms === "string" ? ms : ms % (60_000 * minutes) !== 0 ? "is off the periods" : undefined;
  if (fault !== undefined) throw new InputError(`--from ${from}: ${fault}`);
  if (60 % minutes !== 0) throw new InputError(`--minutes ${minutes}: does not divide an hour`);
  const { points, panels } = readPoints(args.points);
  const span = { start: (ms as number) / 1000, seconds: 60 * minutes, periods: (60 / minutes) * hours };
  return { points, collected: new Collected(points, span, panels) };
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

/** `told`: what was told already, of messages. */
function finish({ json }: Arguments, collected: Collected, points: Points, told: readonly string[] = []): void {
  const readings = collected.readings();
  const record = ReadingsJsonSchema.parse({ readings, notes: [...told, ...collected.notes] });
  if (json !== undefined) writeJson(json, record);
  for (const one of collected.notes) note(one);
  if (json === "-") return;
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
