/** What became of an account's promises, and its credits and allowances as tokens, from a terminal. */
import type { Command } from "commander";
import { isAddress } from "ethers";
import * as Credits from "../chain/credits.ts";
import { connectedAt, readEntries, type DeliveryEntry } from "../chain/deliveryEntries.ts";
import type { Deployment } from "../chain/deployment.ts";
import { InputError } from "../io/inputError.ts";
import { choiceOption, inline, numberOption, say } from "../io/output.ts";
import { terminalTable } from "../io/terminalTable.ts";
import { checkTarget, writeJson, writeText } from "../io/target.ts";
import { renderCertificate } from "../report/certificate.ts";
import { ownDelivery, type OwnDelivery } from "../report/ownDelivery.ts";
import { opening, type AccountArguments, type Opened } from "./walletAccount.ts";

type Add = (name: string, says: string) => Command;
type AmountArguments = AccountArguments & { readonly amount: number; readonly asset?: string };
type RetireArguments = AmountArguments & {
  readonly for: string;
  readonly session?: number;
  readonly certificate?: string;
};

const WAYS = ["in", "out"] as const;
type Way = (typeof WAYS)[number];

export function addCreditCommands(add: Add): void {
  add("delivery", "what was metered of a settled session beside what was promised, and what that cost")
    .option("--session <n>", "number of the batch; the last that was metered unless given", whole("--session"))
    .action((args: AccountArguments & { session?: number }) => carbonOf(args, (one) => delivery(one, args)));
  add("credits", "credits and allowances in the wallet, what can be claimed, and what was retired").action(
    (args: AccountArguments) => carbonOf(args, (one) => showCredits(one, args)),
  );
  add("claim", "has the credits issued that the account's meter has earned and that are due").action(
    (args: AccountArguments) => carbonOf(args, (one) => claim(one, args)),
  );
  amount(add("transfer", "gives credits or allowances to another wallet"))
    .requiredOption("--to <address>", "the wallet that receives them")
    .action((args: AmountArguments & { to: string }) => carbonOf(args, (one) => transfer(one, args)));
  amount(add("retire", "burns credits or allowances for good, for somebody"))
    .requiredOption("--for <name>", "the beneficiary that the certificate names")
    .option("--session <n>", "number of the settled batch that it is for", whole("--session"))
    .option("--certificate <file>", "writes the certificate there, as a page")
    .action((args: RetireArguments) => carbonOf(args, (one) => retire(one, args)));
  amount(add("allowances", "moves the ledger's allowances between the wallet and its account"))
    .requiredOption("--way <way>", "in or out: into the market's ledger, or out of it", choiceOption("--way", WAYS))
    .action((args: AmountArguments & { way: Way }) => carbonOf(args, (one) => move(one, args)));
}

const whole = (name: string) => numberOption(name, 1, 0xffffffff, true);
const amount = (command: Command): Command =>
  command
    .requiredOption("--amount <units>", "in units of the token: Wh or g", numberOption("--amount", 1, 1e15, true))
    .option("--asset <id>", "which, if the wallet holds several");

/** The account, with what its market's deliveries are entered in. */
const carbonOf = (args: AccountArguments, act: (opened: Opened) => Promise<void>): Promise<void> =>
  opening(args, async (opened) => {
    const deployment: Deployment = await connectedAt(opened.deployment, opened.provider);
    if (deployment.delivery === undefined)
      throw new InputError(`--market ${args.market}: nothing that meters is connected to this market`);
    await act({ ...opened, deployment });
  });

/** Arrays by period, Wh; money in nano-dollars received. */
function deliveryJson(id: number, last: DeliveryEntry, { periods, parts, ...found }: OwnDelivery) {
  const texts = (of: object) =>
    Object.fromEntries(Object.entries(of).map(([key, value]) => [key, typeof value === "bigint" ? `${value}` : value]));
  const about = { account: id, session: Number(last.sequence), batch: last.committed.batch };
  return { ...about, transaction: last.transaction, ...texts(found), ...texts(parts), periods: periods.map(texts) };
}

async function delivery({ deployment, provider, id }: Opened, args: AccountArguments & { session?: number }) {
  const all = await readEntries(deployment, provider);
  const sequence = args.session === undefined ? all.at(-1)?.sequence : BigInt(args.session);
  const own = all.filter((one) => one.sequence === sequence);
  const last = own.at(-1);
  const found = ownDelivery(own, id);
  if (last === undefined || found === undefined)
    throw new InputError(
      args.session === undefined
        ? `--account ${id}: nothing has been metered of it yet`
        : `--session ${args.session}: nothing has been metered of it, or account ${id} has no part in it`,
    );
  if (args.json !== undefined) writeJson(args.json, deliveryJson(id, last, found));
  if (args.json === "-") return;
  const { start, periodSeconds } = last.read!;
  say(`account ${id}, session no. ${last.sequence}: ${found.kind} readings, entry ${last.entry}`);
  const rows = found.periods.map((one) => [
    new Date(1000 * (start + one.period * periodSeconds)).toISOString().slice(11, 16),
    `${one.promisedWh}`,
    `${one.calledWh}`,
    one.meteredWh === undefined ? "" : `${one.meteredWh}`,
    `${one.renewableWh}`,
    one.quality,
    dollars(one.nano),
  ]);
  const heads = ["UTC", "promised Wh", "called Wh", "delivered Wh", "renewable Wh", "value", "received $"];
  say(terminalTable(heads, rows, { text: [0, 5] }));
  const { parts } = found;
  const bill = [
    ["less than promised", parts.shortNano],
    ["more than promised", parts.longNano],
    ["reserve that was called", parts.responsesNano],
    ["reserve not delivered", parts.penaltyNano],
    ["allowances bought", parts.allowancesNano],
    ["bound, or unpaid", parts.boundNano],
    ["received in all", found.movedNano],
  ] as const;
  say(
    terminalTable(
      ["part", "$"],
      bill.map(([part, nano]) => [part, dollars(nano)]),
      { text: [0] },
    ),
  );
}

const dollars = (nano: bigint): string => (Number(nano) / 1e9).toFixed(4);

async function showCredits({ deployment, provider, wallet, id }: Opened, { json }: AccountArguments): Promise<void> {
  const holdings = await Credits.readHoldings(deployment, provider, wallet.address);
  const claims = await Credits.readClaims(deployment, provider, await readEntries(deployment, provider), id);
  const retired = await Credits.readRetired(deployment, provider, wallet.address);
  if (json !== undefined)
    writeJson(json, {
      account: id,
      wallet: wallet.address,
      holdings: holdings.map(({ asset, amount: held, factorMicroG, ...one }) => ({
        ...{ asset: idText(asset), amount: `${held}`, factorMicroG: `${factorMicroG}` },
        ...one,
      })),
      claims: claims.map(({ entry, wh, from }) => ({
        session: Number(entry.sequence),
        wh: `${wh}`,
        from: Number(from),
      })),
      retired: retired.map((one) => ({
        ...one,
        ...{ number: Number(one.number), asset: idText(one.asset), amount: `${one.amount}` },
      })),
    });
  if (json === "-") return;
  const rows = holdings.map((one) => [
    inline(`${one.registry} ${one.vintage}, ${one.method}`),
    one.allowance ? "allowance" : "credit",
    `${one.amount} ${one.unit}`,
    idText(one.asset),
  ]);
  say(terminalTable(["what", "kind", "amount", "asset"], rows, { text: [0, 1, 3] }));
  for (const { entry, wh, from } of claims)
    say(`${wh} Wh of session no. ${entry.sequence} can be claimed from ${utc(from)} on`);
  for (const one of retired) say(`retired, no. ${one.number}: ${one.amount} for ${inline(one.beneficiary)}`);
}

const idText = (asset: bigint): string => `0x${asset.toString(16).padStart(64, "0")}`;
const utc = (seconds: bigint): string => `${new Date(1000 * Number(seconds)).toISOString().slice(0, 16)}Z`;

async function claim(opened: Opened, args: AccountArguments): Promise<void> {
  const { deployment, provider, wallet, id } = opened;
  const claims = await Credits.readClaims(deployment, provider, await readEntries(deployment, provider), id);
  const now = BigInt((await provider.getBlock("latest"))?.timestamp ?? 0);
  const due = claims.filter(({ from }) => from <= now);
  if (due.length === 0) {
    const next = claims.map(({ from }) => from).sort((a, b) => Number(a - b))[0];
    throw new InputError(
      `--account ${id}: nothing can be claimed${next === undefined ? "" : `; the next is due at ${utc(next)}`}`,
    );
  }
  for (const { entry } of due) await Credits.claim(deployment, wallet, entry, id);
  await showCredits(opened, args);
}

/** The token that is meant: the one that is named, or the only one that the wallet holds. */
async function assetOf({ deployment, provider, wallet }: Opened, asked: string | undefined): Promise<Credits.Holding> {
  const all = await Credits.readHoldings(deployment, provider, wallet.address);
  const held = all.filter((one) => one.amount > 0n);
  if (asked === undefined && held.length === 1) return held[0];
  const named = all.find(({ asset }) => [idText(asset), `${asset}`].includes(asked?.toLowerCase() ?? ""));
  if (named !== undefined) return named;
  if (asked !== undefined) throw new InputError(`--asset ${asked}: no such token was defined`);
  throw new InputError(
    held.length === 0
      ? "--amount: the wallet holds no credits and no allowances"
      : `--asset: the wallet holds ${held.map(({ asset }) => idText(asset)).join(", ")}; one must be named`,
  );
}

async function enough(opened: Opened, args: AmountArguments): Promise<Credits.Holding & { readonly units: bigint }> {
  const holding = await assetOf(opened, args.asset);
  const units = BigInt(args.amount);
  if (units > holding.amount)
    throw new InputError(`--amount ${args.amount}: the wallet holds ${holding.amount} ${holding.unit} of it`);
  return { ...holding, units };
}

async function transfer(opened: Opened, args: AmountArguments & { to: string }): Promise<void> {
  if (!isAddress(args.to)) throw new InputError(`--to ${args.to}: is no address`);
  const { asset, units } = await enough(opened, args);
  await Credits.transfer(opened.deployment, opened.wallet, args.to, asset, units);
  await showCredits(opened, args);
}

async function retire(opened: Opened, args: RetireArguments): Promise<void> {
  checkTarget(args.certificate, "--certificate");
  if (args.for.trim() === "") throw new InputError("--for: a retirement names for whom it is");
  const { deployment, provider, wallet } = opened;
  const { units, ...holding } = await enough(opened, args);
  const period = args.session === undefined ? NO_PERIOD : await periodOf(opened, args.session);
  const about = { beneficiary: args.for.trim(), ...period, sequence: args.session ?? 0 };
  const number = await Credits.retire(deployment, wallet, { ...about, asset: holding.asset, amount: units });
  const retired = (await Credits.readRetired(deployment, provider, wallet.address)).find(
    (one) => one.number === number,
  );
  const place = { chainId: deployment.chainId, contract: deployment.carbonCredit as string };
  if (args.certificate !== undefined && retired !== undefined)
    writeText(args.certificate, renderCertificate({ ...holding, ...retired, ...place }));
  await showCredits(opened, args);
}

const NO_PERIOD = { from: 0, until: 0 };

async function periodOf({ deployment, provider }: Opened, session: number) {
  const read = (await readEntries(deployment, provider)).find((one) => one.sequence === BigInt(session))?.read;
  if (read === undefined) throw new InputError(`--session ${session}: nothing has been metered of it`);
  return { from: read.start, until: read.start + read.periods * read.periodSeconds };
}

async function move(opened: Opened, args: AmountArguments & { way: Way }): Promise<void> {
  const { deployment, provider, wallet, id } = opened;
  if (args.way === "out") await Credits.withdrawAllowances(deployment, wallet, id, BigInt(args.amount));
  else {
    const ledger = idText(await Credits.ledgerAsset(deployment, provider));
    const { units } = await enough(opened, { ...args, asset: ledger });
    await Credits.depositAllowances(deployment, wallet, id, units);
  }
  await showCredits(opened, args);
}
