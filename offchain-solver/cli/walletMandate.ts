/** A mandate from options: what is not named is as in the registered one, or as a preset has it. */
import type { Command } from "commander";
import type { Provider } from "ethers";
import { mostLoss, nextNonce, type WalletAccount } from "../chain/wallet.ts";
import type { Deployment } from "../chain/deployment.ts";
import { TermsSchema } from "../codec/terms.ts";
import type { FrozenLimits, Mandate } from "../codec/typedData.ts";
import { InputError } from "../io/inputError.ts";
import { choiceOption, numberOption, say } from "../io/output.ts";
import { readJson } from "../io/readJson.ts";
import { terminalTable } from "../io/terminalTable.ts";
import { PRESETS, presetPrices, type Preset } from "../ledger/mandatePreset.ts";
import { MANDATE_FIELDS, mostUntilEnd, shownValue, signedValue } from "../ledger/mandateWords.ts";

export type MandateArguments = Readonly<Record<string, unknown>> & {
  readonly preset?: Preset;
  readonly terms?: string;
  readonly days?: number;
  readonly dryRun?: true;
  readonly json?: string;
};

const DAY_S = 86_400n;
/** An hour's session of ordinary length: what is shown as the cost of one. */
const SHOWN_SESSION = { periodSeconds: 3_600, periods: 24 };

/** `maxBuyW` is the option `--max-buy-w`; its value is in the unit that people read. */
const optionOf = (field: string): string => `--${field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

export function addMandateOptions(command: Command): Command {
  for (const { field, unit, low, high, says } of MANDATE_FIELDS)
    command.option(`${optionOf(field)} <${unit}>`, says, numberOption(optionOf(field), low, high));
  return command
    .option("--preset <name>", "prices of a preset, from --terms", choiceOption("--preset", PRESETS))
    .option("--terms <file>", "public terms of a session, whose tariff the preset follows")
    .option(
      "--days <n>",
      "how long it counts (default: as the registered one, else 30)",
      numberOption("--days", 1, 36_500),
    )
    .option("--dry-run", "shows what would be signed, and signs nothing");
}

/** Throws InputError that names the option where a limit comes from nowhere. */
export function mandateOf(account: WalletAccount, args: MandateArguments): Mandate {
  if ((args.preset === undefined) !== (args.terms === undefined))
    throw new InputError(
      args.preset === undefined ? "--terms: --preset says what is taken from it" : "--preset: --terms has its tariff",
    );
  const preset =
    args.preset === undefined || args.terms === undefined
      ? {}
      : presetPrices(readJson(args.terms, TermsSchema).scenario, args.preset);
  const known: Partial<FrozenLimits> = { ...account.mandate, ...preset };
  const limits: Partial<Record<keyof FrozenLimits, bigint>> = {};
  for (const shown of MANDATE_FIELDS) {
    const given = args[shown.field] as number | undefined;
    const value = given === undefined ? known[shown.field] : signedValue(shown, given);
    if (value === undefined)
      throw new InputError(`${optionOf(shown.field)}: is missing, and no mandate is registered to take it from`);
    limits[shown.field] = value;
  }
  const until = args.days === undefined ? known.validUntil : account.now + BigInt(Math.round(args.days * 86_400));
  return {
    ...(limits as FrozenLimits),
    validUntil: until ?? account.now + 30n * DAY_S,
    prosumer: account.id,
    nonce: nextNonce(account),
  };
}

/** What is signed, field by field, and what it can cost at most by the contract's own figure. */
export async function showMandate(
  deployment: Deployment,
  provider: Provider,
  mandate: Mandate,
  { now, deposit }: WalletAccount,
): Promise<void> {
  const session = await mostLoss(deployment, provider, mandate, SHOWN_SESSION);
  const rows = MANDATE_FIELDS.map((shown) => [
    shown.field,
    `${shownValue(shown, mandate[shown.field])} ${shown.unit}`,
    shown.says,
  ]);
  rows.push([
    "validUntil",
    new Date(Number(mandate.validUntil) * 1000).toISOString(),
    "a later session has you not in it",
  ]);
  say(terminalTable(["field", "value", "says"], rows, { text: [0, 2] }));
  const dollars = (nano: bigint): string => (Number(nano) / 1e9).toFixed(4);
  say(`a session of 24 hours takes ${dollars(session)} $ at most, should everybody else conspire`);
  say(`a UTC day takes ${shownValue(MANDATE_FIELDS[10], mandate.maxSpendPerDay)} $ at most`);
  say(`all until it ends take ${dollars(mostUntilEnd(mandate, now, deposit))} $ at most`);
}
