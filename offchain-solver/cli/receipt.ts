import { Command } from "commander";
import { getAddress, isAddress } from "ethers";
import type { Audited } from "../auditor/audit.ts";
import { receiptOf } from "../auditor/receipt.ts";
import { ReceiptJsonSchema, type Amounts, type ReceiptJson } from "../records/receiptJson.ts";
import { InputError } from "../io/inputError.ts";
import { numberOption, say } from "../io/output.ts";
import { terminalTable } from "../io/terminalTable.ts";
import { checkTarget, writeJson } from "../io/target.ts";
import { addLookOptions, audited, type LookArguments } from "./auditing.ts";

type Arguments = LookArguments & {
  wallet?: string;
  account?: number;
  since?: string;
  until?: string;
  json?: string;
};

const DAY_S = 86_400;

export function receiptCommand(): Command {
  return addLookOptions(
    new Command("receipt").description("what one account bought, sold and paid over a period, from the chain alone"),
  )
    .option("--wallet <address>", "of whose account; or")
    .option("--account <id>", "the account's number", numberOption("--account", 1, 0xffffffff, true))
    .option("--since <date>", "sessions that start on this UTC day or later, YYYY-MM-DD")
    .option("--until <date>", "and on this one at the latest")
    .option("--json <file>", "write the receipt there; - is stdout")
    .action(async (args: Arguments) => {
      checkTarget(args.json);
      const from = secondsOf("--since", args.since) ?? 0;
      const to = (secondsOf("--until", args.until) ?? Number.MAX_SAFE_INTEGER - DAY_S) + DAY_S;
      if (to <= from) throw new InputError(`--until ${args.until}: is before --since ${args.since}`);
      if ((args.wallet === undefined) === (args.account === undefined))
        throw new InputError("--wallet or --account: one of them says whose receipt it is");
      if (args.wallet !== undefined && !isAddress(args.wallet))
        throw new InputError(`--wallet ${args.wallet}: is no address`);
      const found = await audited(args);
      const receipt = ReceiptJsonSchema.parse(receiptOf(found, accountIn(found, args), { from, to }));
      if (args.json !== undefined) writeJson(args.json, receipt);
      if (args.json !== "-") show(receipt);
    });
}

function secondsOf(option: string, date: string | undefined): number | undefined {
  if (date === undefined) return undefined;
  const ms = Date.parse(`${date}T00:00:00Z`);
  if (!/^\d{4}-\d\d-\d\d$/.test(date) || Number.isNaN(ms)) throw new InputError(`${option} ${date}: is no YYYY-MM-DD`);
  return ms / 1000;
}

function accountIn({ wallets }: Audited, { wallet, account }: Arguments): number {
  if (account !== undefined) {
    if (!wallets.has(account)) throw new InputError(`--account ${account}: nobody is registered under this number`);
    return account;
  }
  const owner = getAddress(wallet as string);
  const found = [...wallets].find(([, address]) => address === owner);
  if (found === undefined) throw new InputError(`--wallet ${wallet}: owns no account of this market`);
  return found[0];
}

const dollars = (nano: string): string => (Number(BigInt(nano)) / 1e9).toFixed(4);

function show({ sessions, total, account }: ReceiptJson): void {
  const row = (name: string, amounts: Amounts, verdict: string): string[] => [
    name,
    String(amounts.boughtWh),
    String(amounts.soldWh),
    dollars(amounts.energyNano),
    dollars(amounts.reserveNano),
    dollars(amounts.carbonNano),
    dollars(amounts.networkNano),
    dollars(amounts.paidNano),
    verdict,
  ];
  const heads = [
    "session",
    "bought Wh",
    "sold Wh",
    "energy $",
    "reserve $",
    "carbon $",
    "network $",
    "paid $",
    "verdict",
  ];
  const rows = sessions.map((one) => row(new Date(1000 * one.start).toISOString().slice(0, 16), one, one.verdict));
  say(`account ${account}`);
  say(terminalTable(heads, [...rows, row("all", total, "")], { text: [0, 8], wrap: 8 }));
}
