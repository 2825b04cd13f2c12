/** What every act of a wallet begins with: the chain, the market, the owner's key and the account. */
import type { Command } from "commander";
import { isError, type Provider, type Wallet } from "ethers";
import { connect } from "../chain/connect.ts";
import type { Deployment } from "../chain/deployment.ts";
import { marketAt } from "../chain/keys.ts";
import { revertText } from "../chain/revert.ts";
import * as Owner from "../chain/wallet.ts";
import { InputError } from "../io/inputError.ts";
import { numberOption } from "../io/output.ts";
import { checkTarget } from "../io/target.ts";
import { openKey } from "../node/keystore.ts";
import { readPassword } from "../node/password.ts";
import { reachMarket } from "./reach.ts";

export type AccountArguments = {
  readonly rpc: string;
  readonly market: string;
  readonly keystore: string;
  readonly passwordFile?: string;
  readonly account?: number;
  readonly from: number;
  readonly json?: string;
};

/** An account, its owner's key and the market that it is an account of. */
export type Opened = {
  readonly deployment: Deployment;
  readonly provider: Provider;
  readonly wallet: Wallet;
  readonly id: number;
};

export const withAccount = (command: Command): Command =>
  command
    .requiredOption("--rpc <url>", "a node of the chain")
    .requiredOption("--market <address>", "the market contract")
    .requiredOption("--keystore <file>", "the wallet's encrypted key")
    .option("--password-file <file>", "with the keystore's password; else GRIDPACT_PASSWORD or a prompt")
    .option("--account <id>", "which, if the wallet owns several", numberOption("--account", 1, 0xffffffff, true))
    .option("--from <block>", "block of the deployment, or earlier", numberOption("--from", 0, 1e12, true), 0)
    .option("--json <file>", "write the account's state afterwards there; - is stdout");

/** Opens the account and acts. A refusal of the contracts is told in words. */
export async function opening(args: AccountArguments, act: (opened: Opened) => Promise<void>): Promise<void> {
  checkTarget(args.json);
  const provider = connect(args.rpc);
  try {
    await reachMarket(provider, args.rpc, args.market);
    const deployment = { ...(await marketAt(provider, args.market)), block: args.from };
    const password = await readPassword({ ...(args.passwordFile !== undefined && { file: args.passwordFile }) });
    const wallet = (await openKey(args.keystore, password, "wallet")).connect(provider);
    const id = await ownAccount(deployment, provider, wallet.address, args);
    await act({ deployment, provider, wallet, id });
  } catch (error) {
    throw refusalOf(error);
  } finally {
    provider.destroy();
  }
}

/** What a contract refuses, or the wallet cannot pay for, is bad input and no fault of ours. */
function refusalOf(error: unknown): unknown {
  const text = revertText(error);
  if (text !== undefined) return new InputError(`the market refuses: ${text}`);
  if (error instanceof Owner.FalseFigure) return new InputError(`--rpc: ${error.message}`);
  if (isError(error, "INSUFFICIENT_FUNDS")) return new InputError("--keystore: the wallet cannot pay for the gas");
  return error;
}

async function ownAccount(
  deployment: Deployment,
  provider: Provider,
  wallet: string,
  { account, keystore }: AccountArguments,
) {
  const ids = await Owner.accountsOf(deployment, provider, wallet);
  if (ids.length === 0) throw new InputError(`--keystore ${keystore}: ${wallet} owns no account of this market`);
  if (account === undefined && ids.length === 1) return ids[0];
  if (account === undefined) throw new InputError(`--account: the wallet owns ${ids.join(", ")}; one must be named`);
  if (!ids.includes(account)) throw new InputError(`--account ${account}: ${wallet} owns ${ids.join(", ")}`);
  return account;
}
