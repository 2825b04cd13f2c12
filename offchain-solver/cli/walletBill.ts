/** One account's bill of a settled session, on the terminal. */
import { getAddress } from "ethers";
import type { Audited } from "../auditor/audit.ts";
import { verdictText } from "../auditor/verdict.ts";
import * as Payload from "../codec/payload.ts";
import { InputError } from "../io/inputError.ts";
import { say } from "../io/output.ts";
import { terminalTable } from "../io/terminalTable.ts";
import { checkTarget, writeJson } from "../io/target.ts";
import { inspectKey } from "../node/keystore.ts";
import { ownBill, partyOf, type BillParts, type OwnBill } from "../report/ownBill.ts";
import { audited, type LookArguments } from "./auditing.ts";

export type BillArguments = LookArguments & {
  readonly keystore?: string;
  readonly account?: number;
  readonly session?: string;
  readonly json?: string;
};

const PARTS = ["energyNano", "reserveNano", "carbonNano", "networkNano", "paidNano"] as const;

export async function walletBill(args: BillArguments): Promise<void> {
  checkTarget(args.json);
  if ((args.keystore === undefined) === (args.account === undefined))
    throw new InputError("--keystore or --account: one of them says whose bill it is");
  const owner = args.keystore === undefined ? undefined : getAddress(inspectKey(args.keystore, "wallet").address);
  const found = await audited(args);
  const id = args.account ?? [...found.wallets].find(([, wallet]) => wallet === owner)?.[0];
  if (id === undefined) throw new InputError(`--keystore ${args.keystore}: ${owner} owns no account of this market`);
  const { batch, terms, verdict, bill } = billed(found, id, args.session);
  const start = new Date(Number(terms.start) * 1000);
  const minutes = terms.periodSeconds / 60;
  if (args.json !== undefined)
    writeJson(args.json, {
      account: id,
      batch,
      startUtc: start.toISOString(),
      verdict,
      boughtG: bill.boughtG,
      soldG: bill.soldG,
      ...texts(bill),
      periods: bill.periods.map((one) => ({ ...one, ...texts(one) })),
    });
  if (args.json === "-") return;
  say(`account ${id}, session of ${start.toISOString().slice(0, 16)}Z: ${verdict}`);
  const money = (parts: BillParts): string[] => PARTS.map((part) => (Number(parts[part]) / 1e9).toFixed(4));
  const rows = bill.periods.map((one) => [
    new Date(start.getTime() + 60_000 * minutes * one.period).toISOString().slice(11, 16),
    `${one.boughtWh + one.fromUtilityWh}`,
    `${one.soldWh + one.toUtilityWh}`,
    ...money(one),
  ]);
  const sum = (of: (one: OwnBill["periods"][number]) => number): string =>
    `${bill.periods.reduce((all, one) => all + of(one), 0)}`;
  rows.push([
    "session",
    sum((one) => one.boughtWh + one.fromUtilityWh),
    sum((one) => one.soldWh + one.toUtilityWh),
    ...money(bill),
  ]);
  const heads = ["UTC", "bought Wh", "sold Wh", "energy $", "reserve $", "carbon $", "network $", "paid $"];
  say(terminalTable(heads, rows, { text: [0] }));
}

const texts = (parts: BillParts): Record<(typeof PARTS)[number], string> =>
  Object.fromEntries(PARTS.map((part) => [part, `${parts[part]}`])) as Record<(typeof PARTS)[number], string>;

/** The last settled session that the account took part in, or the one that is named. */
function billed({ sessions }: Audited, id: number, asked: string | undefined) {
  const named = asked === undefined ? sessions : sessions.filter(({ batch }) => batch === asked);
  if (asked !== undefined && named.length === 0) throw new InputError(`--session ${asked}: no such batch has settled`);
  for (const { batch, payload, terms, verdict } of [...named].reverse()) {
    if (payload === undefined || terms === undefined) continue;
    const decoded = Payload.decode(payload, terms.periods);
    const party = partyOf(decoded, id);
    if (party !== undefined)
      return { batch, terms, verdict: verdictText(verdict), bill: ownBill(decoded, terms.periods, party) };
  }
  throw new InputError(`--account ${id}: took part in no settled session that could be read`);
}
