/** What the page does, for scripts: pay in, take out, promise, take back, look. */
import { Command } from "commander";
import * as Owner from "../chain/wallet.ts";
import { InputError } from "../io/inputError.ts";
import { numberOption, say } from "../io/output.ts";
import { terminalTable } from "../io/terminalTable.ts";
import { writeJson } from "../io/target.ts";
import { MANDATE_FIELDS, shownValue } from "../ledger/mandateWords.ts";
import { opening, withAccount, type AccountArguments, type Opened } from "./walletAccount.ts";
import { addMandateOptions, mandateOf, showMandate, type MandateArguments } from "./walletMandate.ts";
import { walletBill, type BillArguments } from "./walletBill.ts";
import { addCreditCommands } from "./walletCredits.ts";
import { addLookOptions } from "./auditing.ts";

export function walletCommand(): Command {
  const wallet = new Command("wallet").description(
    "deposit, withdraw, promise and revoke with the wallet of an account",
  );
  const add = (name: string, says: string): Command => withAccount(wallet.command(name).description(says));
  const amount = (command: Command): Command =>
    command.requiredOption("--amount <dollars>", "in dollars of the token", numberOption("--amount", 1e-6, 1e9));
  amount(add("deposit", "pays tokens of the wallet into its account, with a permit")).action(
    ({ amount: dollars, ...args }: AccountArguments & { amount: number }) => acting(args, (one) => pay(one, dollars)),
  );
  add("withdraw", "asks for money of the deposit, or pays out what was asked for and is due")
    .option(
      "--amount <dollars>",
      "asks for so much; without it what is due is paid",
      numberOption("--amount", 1e-6, 1e9),
    )
    .option("--all", "asks for the whole deposit")
    .action(({ amount: dollars, all, ...args }: AccountArguments & { amount?: number; all?: true }) =>
      acting(args, (one) => takeOut(one, all ? "all" : dollars)),
    );
  addMandateOptions(add("mandate", "signs a mandate and registers it: what the market may do at most")).action(
    (args: AccountArguments & MandateArguments) => acting(args, (one) => mandate(one, args)),
  );
  add("revoke", "ends every mandate signed so far, from the next session on").action((args: AccountArguments) =>
    acting(args, async ({ deployment, wallet: owner, id }) => {
      await Owner.revoke(deployment, owner, id);
      return "the mandate is revoked: the open session may still settle, no later one has you in it";
    }),
  );
  add("leave", "revokes, ends the connection and asks for the whole deposit").action((args: AccountArguments) =>
    acting(args, leave),
  );
  add("collect", "moves what an account still owes out of its deposit into the insurance fund; anybody may")
    .option("--of <id>", "another account than the wallet's own", numberOption("--of", 1, 0xffffffff, true))
    .action(({ of, ...args }: AccountArguments & { of?: number }) => acting(args, (one) => collect(one, of)));
  add("status", "what the account holds, what is leaving it, and what it has promised").action(
    (args: AccountArguments) => acting(args, () => Promise.resolve(undefined)),
  );
  addCreditCommands(add);
  addLookOptions(wallet.command("bill").description("the last settled session by period, from the chain alone"))
    .option("--account <id>", "the account's number", numberOption("--account", 1, 0xffffffff, true))
    .option("--keystore <file>", "the wallet's, which says whose bill it is")
    .option("--session <batch>", "another settled session than the last: its batch")
    .option("--json <file>", "write the bill there; - is stdout")
    .action((args: BillArguments) => walletBill(args));
  return wallet;
}

/** Acts, and shows what the account holds afterwards. */
const acting = (args: AccountArguments, act: (opened: Opened) => Promise<string | undefined>): Promise<void> =>
  opening(args, async (opened) => {
    const said = await act(opened);
    const account = await Owner.readAccount(opened.deployment, opened.provider, opened.id);
    if (args.json !== undefined) writeJson(args.json, statusJson(account));
    if (args.json === "-") return;
    if (said !== undefined) say(said);
    showStatus(account);
  });

const micro = (dollars: number): bigint => BigInt(Math.round(dollars * 1e6));

async function pay({ deployment, provider, wallet, id }: Opened, dollars: number): Promise<string> {
  const { tokens } = await Owner.readAccount(deployment, provider, id);
  if (micro(dollars) > tokens)
    throw new InputError(`--amount ${dollars}: the wallet holds ${Number(tokens) / 1e6} $ of the token`);
  await Owner.deposit(deployment, wallet, id, micro(dollars));
  return `${dollars} $ are in the deposit of account ${id}`;
}

async function takeOut({ deployment, provider, wallet, id }: Opened, asked: number | "all" | undefined) {
  if (asked === undefined) {
    await Owner.withdraw(deployment, wallet, id);
    return `what was due is paid to ${wallet.address}`;
  }
  const { deposit, leaving } = await Owner.readAccount(deployment, provider, id);
  const all = deposit / 1_000n - leaving.queued;
  await Owner.requestWithdrawal(deployment, wallet, id, asked === "all" ? all : micro(asked));
  return "asked for; `gridpact wallet withdraw` without an amount pays it out once it is due";
}

async function leave({ deployment, provider, wallet, id }: Opened): Promise<string> {
  await Owner.leave(deployment, wallet, await Owner.readAccount(deployment, provider, id));
  return "you have left: no session that begins more than two days from now takes anything, and the deposit is asked for";
}

async function collect({ deployment, provider, wallet, id }: Opened, named: number | undefined): Promise<string> {
  const of = named ?? id;
  const owed = async (): Promise<bigint> => (await Owner.readAccount(deployment, provider, of)).arrears;
  const before = await owed();
  if (before === 0n)
    throw new InputError(`${named === undefined ? "--account" : "--of"} ${of}: the account owes nothing`);
  await Owner.collect(deployment, wallet, of);
  const left = await owed();
  return `account ${of} paid ${dollars(before - left)} $ of what it owed; ${dollars(left)} $ are left`;
}

async function mandate(opened: Opened, args: MandateArguments): Promise<string | undefined> {
  const { deployment, provider, wallet, id } = opened;
  const account = await Owner.readAccount(deployment, provider, id);
  const signed = mandateOf(account, args);
  if (args.json !== "-") await showMandate(deployment, provider, signed, account);
  if (args.dryRun) return "nothing was signed (--dry-run)";
  await Owner.promise(deployment, wallet, signed);
  return `the mandate of account ${id} counts from the next freeze on`;
}

const dollars = (nano: bigint): string => (Number(nano) / 1e9).toFixed(4);
const moment = (seconds: bigint): string => `${new Date(Number(seconds) * 1000).toISOString().slice(0, 16)}Z`;

function showStatus(one: Owner.WalletAccount): void {
  const { leaving, mandate: limits } = one;
  const rows: [string, string][] = [
    ["deposit, $", dollars(one.deposit)],
    ["free, $", dollars(one.free)],
    ["locked by the open session, $", dollars(one.lock)],
    ["held until it is metered, $", dollars(one.hold)],
    ...(one.arrears > 0n ? [["owed of metered sessions, $", dollars(one.arrears)] as [string, string]] : []),
    ["allowances, g", `${one.allowanceG}`],
    ["in the wallet, $", (Number(one.tokens) / 1e6).toFixed(4)],
  ];
  if (leaving.tokens + leaving.queued > 0n)
    rows.push(
      ["leaving, $", dollars((leaving.tokens + leaving.queued) * 1_000n)],
      ["paid out from", moment(leaving.availableAt)],
    );
  rows.push(["mandate", limits === undefined ? "none" : `until ${moment(limits.validUntil)}`]);
  if (limits !== undefined)
    for (const shown of MANDATE_FIELDS)
      rows.push([`  ${shown.field}, ${shown.unit}`, `${shownValue(shown, limits[shown.field])}`]);
  const { connectionEnds: ends } = one;
  rows.push(["connection", ends === undefined ? "none" : ends === 0n ? "goes on" : `until ${moment(ends)}`]);
  say(terminalTable([`account ${one.id}`, ""], rows, { text: [0] }));
}

/** Whole numbers that may be large are decimal text. */
function statusJson({ leaving, mandate: limits, ...one }: Owner.WalletAccount) {
  const texts = (of: object) =>
    Object.fromEntries(Object.entries(of).map(([key, value]) => [key, typeof value === "bigint" ? `${value}` : value]));
  return { ...texts(one), leaving: texts(leaving), ...(limits && { mandate: texts(limits) }) };
}
