import { rmSync } from "node:fs";
import { Command } from "commander";
import type { Provider } from "ethers";
import { connect } from "../chain/connect.ts";
import * as Keys from "../chain/keys.ts";
import { InputError } from "../io/inputError.ts";
import { choiceOption, say } from "../io/output.ts";
import { partyId, readConfig } from "../node/config.ts";
import { configFile, keyFile, meterRotationFile, putOwn } from "../node/home.ts";
import { KEY_ROLES, openKey, SCRYPT_N, type KeyRole } from "../node/keystore.ts";
import { readPassword } from "../node/password.ts";
import { completeRotation, nextKey } from "../node/rotation.ts";
import { reachMarket } from "./reach.ts";

export function rotateCommand(): Command {
  return new Command("rotate")
    .description("replaces one of a party's keys, on the chain and on the disk; runs again where it was stopped")
    .argument("<dir>", "the party's folder")
    .requiredOption("--key <role>", `one of ${KEY_ROLES.join(", ")}`, choiceOption("--key", KEY_ROLES))
    .option("--devnet", "a key that is opened quickly and protects nothing")
    .action(async (home: string, { key: role, devnet }: { key: KeyRole; devnet?: true }) => {
      const config = readConfig(configFile(home));
      const provider = connect(config.rpc);
      try {
        await reachMarket(provider, config.rpc, config.market);
        const password = await readPassword({ ...(config.passwordFile && { file: config.passwordFile }) });
        say(await rotate(home, role, { config, provider, password, scryptN: SCRYPT_N[devnet ? "devnet" : "default"] }));
      } finally {
        provider.destroy();
      }
    });
}

type Context = {
  readonly config: ReturnType<typeof readConfig>;
  readonly provider: Provider;
  readonly password: string;
  readonly scryptN: number;
};

/** What the registry names decides how far an earlier run has come. */
async function rotate(home: string, role: KeyRole, { config, provider, password, scryptN }: Context): Promise<string> {
  const market = await Keys.marketAt(provider, config.market);
  const id = partyId(config);
  const found = await Keys.registered(market, provider, id);
  if (found.wallet === undefined) throw new InputError(`${configFile(home)}: party = ${id}: is not registered`);
  const named = { wallet: found.wallet, node: found.nodeKey, meter: found.meterKey }[role];
  const old = await openKey(keyFile(home, role), password, role);
  const next = await nextKey(home, role, password, scryptN);
  if (named !== next.address && named !== old.address)
    throw new InputError(`${keyFile(home, role)}: address = ${old.address}: the registry names another, ${named}`);
  if (named !== next.address) {
    if (role === "meter") return handOver(home, id, next.address, await Keys.meterProof(market, provider, id, next));
    const wallet = (await openKey(keyFile(home, "wallet"), password, "wallet")).connect(provider);
    if (role === "node") await Keys.rotateNodeKey(market, wallet, id, next);
    else await Keys.rotateWallet(market, wallet, id, next.address);
  }
  completeRotation(home, role, old);
  if (role === "meter") rmSync(meterRotationFile(home), { force: true });
  const after = role === "wallet" ? " Its mandate has ended: sign a new one." : "";
  return `the ${role} key of party ${id} is now ${next.address}; it counts from the next freeze on.${after}`;
}

/** A meter is replaced by the operator, who is shown that the new one's key is held. */
function handOver(home: string, prosumer: number, meterKey: string, proof: string): string {
  const file = meterRotationFile(home);
  // One that is there may be of the rotation before.
  putOwn(file, `${JSON.stringify({ prosumer, meterKey, meterProof: proof }, undefined, 2)}\n`);
  return `send ${file} to the operator (gridpact admit); then run this again`;
}
