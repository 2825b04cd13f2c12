import { Command } from "commander";
import * as z from "zod";
import type { BaseWallet, Provider } from "ethers";
import { stringify } from "yaml";
import { connect } from "../chain/connect.ts";
import { marketAt, registrationOf, registered } from "../chain/keys.ts";
import { InputError } from "../io/inputError.ts";
import { numberOption, say } from "../io/output.ts";
import { complaint, readJson } from "../io/readJson.ts";
import { checkFolder } from "../io/target.ts";
import { terminalTable } from "../io/terminalTable.ts";
import { INSURANCE_ID } from "../ledger/posting.ts";
import { ConfigSchema, partyId, readConfig, type Config } from "../node/config.ts";
import { configFile, makeHome, registrationFile, writeOwn } from "../node/home.ts";
import { KEY_ROLES, SCRYPT_N, type KeyRole } from "../node/keystore.ts";
import { readPassword } from "../node/password.ts";
import { ownKey } from "../node/rotation.ts";
import { existsSync } from "node:fs";
import { reachMarket } from "./reach.ts";

/** Chains of devnets: Hardhat's and anvil's. A key that is cheap to guess is made on no other. */
const DEVNETS = [31_337n];

const PORT = 9400;

type Arguments = {
  readonly party: Config["party"];
  readonly rpc: string;
  readonly market: string;
  readonly host?: string;
  readonly port?: number;
  readonly devnet?: true;
};

export function initCommand(): Command {
  return new Command("init")
    .description("a party joins: its keys, encrypted, its configuration, and the proofs that it registers with")
    .argument("<dir>", "a folder of its own, for its owner alone")
    .requiredOption("--party <id>", "the number the operator gave, or operator, utility, desk", party)
    .requiredOption("--rpc <url>", "a node of the chain")
    .requiredOption("--market <address>", "the market contract")
    .option(
      "--host <address>",
      "at which address its node listens for others (default: 127.0.0.1, this machine alone)",
      host,
    )
    .option("--port <n>", `and at which port (default: ${PORT})`, numberOption("--port", 1, 65_535, true))
    .option("--devnet", "keys that are opened quickly and protect nothing; on a devnet's chain only")
    .action(async (home: string, args: Arguments) => {
      checkFolder(home, "DIR");
      const provider = connect(args.rpc);
      try {
        await init(home, args, provider);
      } finally {
        provider.destroy();
      }
    });
}

async function init(home: string, args: Arguments, provider: Provider): Promise<void> {
  await reachMarket(provider, args.rpc, args.market);
  const market = await marketAt(provider, args.market);
  if (args.devnet && !DEVNETS.includes(market.chainId))
    throw new InputError(`--devnet: chain ${market.chainId} is no devnet (those are ${DEVNETS.join(", ")})`);
  const config = ConfigSchema.parse({
    party: args.party,
    rpc: args.rpc,
    market: args.market,
    chainId: Number(market.chainId),
    transport: { kind: "tls", port: args.port ?? PORT, ...(args.host !== undefined && { host: args.host }) },
  });
  const id = partyId(config);
  checkSame(home, config, args);
  const password = await readPassword({ fresh: true });
  makeHome(home);
  const keys = {} as Record<KeyRole, BaseWallet>;
  for (const role of KEY_ROLES)
    keys[role] = await ownKey(home, role, password, args.devnet ? SCRYPT_N.devnet : SCRYPT_N.default);
  const { wallet } = await registered(market, provider, id);
  if (wallet !== undefined && wallet !== keys.wallet.address)
    throw new InputError(`--party ${args.party}: is registered already, with another wallet (${wallet})`);
  const proofs = await registrationOf(market, id, keys);
  if (!existsSync(registrationFile(home)))
    writeOwn(registrationFile(home), `${JSON.stringify(proofs, undefined, 2)}\n`);
  if (!existsSync(configFile(home))) writeOwn(configFile(home), stringify(config));
  const rows = KEY_ROLES.map((role) => [`${role} key`, keys[role].address]);
  say(terminalTable([`party ${args.party}`, ""], rows, { text: [0, 1] }));
  say(`send ${registrationFile(home)} to the operator, who admits it with: gridpact admit FILE --dir OPERATOR`);
}

/** A home that is there is never another party's, nor another market's, from now on: whoever asks for that is told. */
function checkSame(home: string, asked: Config, { host, port }: Arguments): void {
  const differs = (file: string, field: string, there: unknown, now: unknown): InputError =>
    complaint(file, field, there, `init is asked for ${String(now)}: ${file} is never overwritten`);
  const file = configFile(home);
  if (existsSync(file)) {
    const there = readConfig(file, {});
    if (partyId(there) !== partyId(asked)) throw differs(file, "party", there.party, asked.party);
    for (const field of ["rpc", "market", "chainId"] as const)
      if (String(there[field]).toLowerCase() !== String(asked[field]).toLowerCase())
        throw differs(file, field, there[field], asked[field]);
    const { transport } = there;
    const listens = transport.kind === "tls" ? transport : { host: undefined, port: undefined };
    for (const [field, now] of [
      ["host", host],
      ["port", port],
    ] as const)
      if (now !== undefined && listens[field] !== now) throw differs(file, `transport.${field}`, listens[field], now);
  }
  const request = registrationFile(home);
  if (!existsSync(request)) return;
  const { prosumer } = readJson(request, z.looseObject({ prosumer: z.int() }));
  if (prosumer !== partyId(asked)) throw differs(request, "prosumer", prosumer, asked.party);
}

function host(text: string): string {
  if (/^[\w.:-]+$/.test(text)) return text;
  throw new InputError(`--host ${text === "" ? '""' : text}: must be an address of this machine, or 0.0.0.0 for all`);
}

function party(text: string): Config["party"] {
  if (text === "operator" || text === "utility" || text === "desk") return text;
  const id = Number(text);
  if (Number.isInteger(id) && id >= 1 && id < INSURANCE_ID) return id;
  throw new InputError(`--party ${text}: must be a number from 1, or one of operator, utility, desk`);
}
