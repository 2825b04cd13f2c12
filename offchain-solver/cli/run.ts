import { Command } from "commander";
import { underTomorrow, withClock, type LiveChain } from "../devnet/liveChain.ts";
import { CHAIN_LIMITS } from "../codec/fits.ts";
import { InputError } from "../io/inputError.ts";
import { numberOption } from "../io/output.ts";
import { checkFolder } from "../io/target.ts";
import type { Stored } from "../scenarios/community/resolveCommunity.ts";
import { daysOf } from "../devnet/days.ts";
import type { CommunityJson } from "../records/communityJson.ts";
import { dayIn } from "../report/billLines.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { checkDays } from "../scenarios/community/loadCommunity.ts";
import { isFolder } from "../scenarios/community/readCommunity.ts";
import {
  addClearOptions,
  checkClearing,
  drawnOrNamed,
  readScenario,
  shaped,
  type ReadScenario,
} from "./clearOptions.ts";
import { billsOfMarket, VAT_OPTION, vatOf } from "./billsBeside.ts";
import { Exit } from "./exit.ts";
import { reached } from "./reachChain.ts";
import { daysFrom, runDays } from "./runDays.ts";
import { checkSettleable, refusedAs, type RunArguments } from "./sessionSummary.ts";
import { SettledDays, type OpenChain } from "./settledDays.ts";

export function runCommand(): Command {
  return addClearOptions(
    new Command("run")
      .description("one whole session on an embedded devnet: clear, attest, settle, audit, report")
      .argument("[scenario]", "a case's name or a file", "ieee15"),
    { settled: true },
  )
    .option("--rpc <url>", "settle on this chain, whose first account pays; the day's series under tomorrow's date")
    .option("--market <address>", "in this market of it, which has the scenario's members (default: a new one)")
    .option("--pass-time", "with --rpc: sets that chain's clock past the day, where its node can, and delivers at once")
    .option("--from <day>", "with --to: every day from this one on in one market, and bills by month, YYYY-MM-DD")
    .option("--to <day>", "up to this one; a community's batteries go on as the day before left them")
    .option(...VAT_OPTION)
    .option(
      "--most-bytes <n>",
      "what a transaction may be long where the chain's nodes take less; a day that is longer is settled in several sessions",
      numberOption("--most-bytes", 1_000, CHAIN_LIMITS.bytes, true),
      CHAIN_LIMITS.bytes,
    )
    .option("--out <dir>", "the session's files go to DIR/NAME-DATE-HOURSh, a second run's to ...-2, and so on", "out")
    .action(async (name: string, args: RunArguments) => {
      checkFolder(args.out);
      const { from, to } = args;
      if (args.passTime && args.rpc === undefined) throw new InputError("--pass-time: only with --rpc");
      if (from === undefined && to === undefined) {
        if (args.vat !== undefined && !args.passTime)
          throw new InputError(`--vat ${args.vat}: only where bills are written: with --from and --to, or --pass-time`);
        const { wrong } = await settleOne(name, args, await readScenario(name, args));
        if (wrong !== undefined) throw new Exit(4, wrong);
        return;
      }
      if (from === undefined || to === undefined)
        throw new InputError(`${from === undefined ? `--to ${to}: without --from` : `--from ${from}: without --to`}`);
      if (args.date !== undefined || args.rpc !== undefined)
        throw new InputError(`--from ${from}: goes with neither --date nor --rpc`);
      await runFromTo(name, { ...args, from, to });
    });
}

/** One session from freeze to audit, with its folder; `wrong`: what the chain or the audit says against it. */
async function settleOne(
  name: string,
  args: RunArguments,
  { scenario: read, community }: ReadScenario,
): Promise<{ readonly wrong: string | undefined }> {
  checkClearing(read, args);
  checkSettleable(name, read, community);
  const known = { ...(community && { community }) };
  if (args.rpc === undefined) return settleIn(name, args, { scenario: read, ...known });
  const chain = await chainOf(args, args.rpc);
  try {
    const scenario = await underTomorrow(read, chain);
    const rated = { ...args, ...rateOf(args, scenario, community) };
    return await settleIn(name, rated, { scenario, ...known }, () =>
      Promise.resolve({ ...chain, close: () => Promise.resolve() }),
    );
  } finally {
    await chain.close();
  }
}

/** Of the bills of a market that stood before: what those of the month state that are there. */
function rateOf(
  { market, out, vat }: RunArguments,
  { startUtc }: Scenario,
  community: CommunityJson | undefined,
): { readonly vat?: number } {
  if (market === undefined) return {};
  const day = dayIn(Date.parse(startUtc) / 1000, community?.timeZone ?? "UTC");
  return { vat: vatOf(billsOfMarket(out, market), vat, day.slice(0, 7)) };
}

/** A day that does not fit one transaction is settled in several sessions. `open`: if not a chain in this process. */
async function settleIn(
  name: string,
  args: RunArguments,
  read: ReadScenario,
  open?: OpenChain,
): Promise<{ readonly wrong: string | undefined }> {
  const days = new SettledDays(name, args, open);
  try {
    const { refused } = await days.settle(read);
    const { wrong } = await days.finish();
    if (refused !== undefined) throw refused;
    return { wrong: wrong.get(read.scenario.startUtc) };
  } catch (error) {
    throw refusedAs(error, read.scenario);
  } finally {
    await days.close();
  }
}

async function chainOf({ market, passTime }: RunArguments, rpc: string): Promise<LiveChain> {
  const chain = await reached(rpc, market);
  const settable = passTime ? await withClock(chain) : chain;
  if (settable !== undefined) return settable;
  await chain.close();
  throw new InputError(`--pass-time: the node at --rpc ${rpc} lets nobody set its clock: deliver by meter enter later`);
}

/** Every day of a span in one market, with its bills. `open`: the chain, if not one in this process. */
export async function runFromTo(
  name: string,
  args: RunArguments & { readonly from: string; readonly to: string },
  open?: OpenChain,
): Promise<void> {
  const { from, to, out } = args;
  const read = readerOfDays(name, args, from);
  const days = new SettledDays(name, args, open);
  const settle = (day: ReadScenario) => days.settle(day);
  try {
    const check = (dates: readonly string[]) => checkDaysOf(name, args, dates);
    await runDays({ folder: name, from, to, out, check, read, settle, finish: () => days.finish() });
  } finally {
    await days.close();
  }
}

/** Of a case all days are made before the first. */
async function checkDaysOf(name: string, args: RunArguments, dates: readonly string[]): Promise<void> {
  if (!isFolder(name)) return;
  await checkDays(name, dates, ({ scenario, community }) => {
    const day = shaped(scenario, args);
    checkClearing(day, args);
    checkSettleable(name, day, community);
  });
}

/** A community's day is read when the one before has been; those of a case follow each other in its series. */
function readerOfDays(
  name: string,
  args: RunArguments,
  from: string,
): (date: string, stored: Stored) => Promise<ReadScenario> {
  if (isFolder(name)) return (date, stored) => readScenario(name, { ...args, date }, stored);
  let days: readonly Scenario[] | undefined;
  return (date) => {
    const whole = drawnOrNamed(name, args);
    const first = `${from}${whole.startUtc.slice(10)}`;
    days ??= daysOf(whole, daysFrom(from, args.to!), (day) => shaped(day, args), first);
    return Promise.resolve({ scenario: days.find(({ startUtc }) => startUtc.startsWith(date))! });
  };
}
