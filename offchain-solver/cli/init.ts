import { Command } from "commander";
import type { BaseWallet, Provider } from "ethers";
import { stringify } from "yaml";
import { connect } from "../chain/connect.ts";
import { marketAt, registrationOf, registered } from "../chain/keys.ts";
import { InputError } from "../io/inputError.ts";
import { say } from "../io/output.ts";
import { terminalTable } from "../io/terminalTable.ts";
import { INSURANCE_ID } from "../ledger/posting.ts";
import { ConfigSchema, partyId, type Config } from "../node/config.ts";
import { configFile, makeHome, registrationFile, writeOwn } from "../node/home.ts";
import { KEY_ROLES, SCRYPT_N, type KeyRole } from "../node/keystore.ts";
import { readPassword } from "../node/password.ts";
import { ownKey } from "../node/rotation.ts";
import { existsSync } from "node:fs";
import { reachMarket } from "./reach.ts";

/** Chains of devnets: Hardhat's and anvil's. A key that is cheap to guess is made on no other. */
const DEVNETS = [31_337n];

type Arguments = {
  readonly party: Config["party"];
  readonly rpc: string;
  readonly market: string;
  readonly port: number;
  readonly devnet?: true;
};

export function initCommand(): Command {
  return new Command("init")
    .description("a party joins: its keys, encrypted, its configuration, and the proofs that it registers with")
    .argument("<dir>", "a folder of its own, for its owner alone")
    .requiredOption("--party <id>", "the number the operator gave, or operator, utility, desk", party)
    .requiredOption("--rpc <url>", "a node of the chain")
    .requiredOption("--market <address>", "the market contract")
    .option("--port <n>", "where its node listens for others", Number, 9400)
    .option("--devnet", "keys that are opened quickly and protect nothing; on a devnet's chain only")
    .action(async (home: string, args: Arguments) => {
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
    transport: { kind: "tls", port: args.port },
  });
  const id = partyId(config);
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

function party(text: string): Config["party"] {
  if (text === "operator" || text === "utility" || text === "desk") return text;
  const id = Number(text);
  if (Number.isInteger(id) && id >= 1 && id < INSURANCE_ID) return id;
  throw new InputError(`--party ${text}: must be a number from 1, or one of operator, utility, desk`);
}
